// Package figures counts how a branch treats the people it visits: how often they are reached and by which limit, how
// many visits texts and plans spared them, which plans they keep, what they pay, what they complain of, and which
// unlawful acts were prevented or found.
//
// A figure is never stored. The view figures has a row for each record that has a part in one, with nothing personal in
// it, and Sum counts the rows when somebody asks (Read). FromJournal counts the same from the entries alone, so that
// whoever holds the journal can compute every figure anew; a test holds the two against each other.
//
// What a figure counts, who may see it and in which unit stands in Definitions, which goes out with every answer. Only
// what stands in the clear in entries is counted, so that erasing a debtor changes no figure of visits, contacts, texts
// and money. (A case that is erased is closed as erased: it is no longer among the cases that were paid.)
//
// A day is the branch's local day. What a debtor's date decides, such as the end of a plan's grace, counts on that
// date. A record belongs to the branch in which it was made, also after its debtor moved; whether a plan is kept or
// broken is counted where the debtor is now.
//
// # A new figure
//
// It is a row in the table of define.go, a member of Figures in the same place, and a line in count.go. A record that
// no row has yet is added to rows.go, and the view is rebuilt: doorstep rebuild --view figures.
package figures
