// Package ladder holds the ladder of texts as data and pure functions: which step a lender's case takes next, whether
// a ladder fits the contact law, and how a template becomes the text of a message. It reads no clock and does no I/O.
//
// A ladder is a list of steps by days late, with gaps between them. server/office keeps it for each lender and country;
// the house's own, for lenders that have none, is default.json, with its source. How far a case has come is a record of
// its own (record.Ladder), which server/casework keeps by what Next says.
//
// What a text may say is judged elsewhere: Lint and Intent are the types of the two functions that judge a text before
// it is sent and a reply after it came.
package ladder
