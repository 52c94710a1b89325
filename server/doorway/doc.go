// Package doorway makes the pages for the person who is visited. They need no script, load nothing from elsewhere, say
// nothing of any debt to who was not checked, and are at most 25 kB each.
//
// Who asks whether the person at the door comes from the firm. Anybody may ask, with the number on the badge and the
// six digits that the agent's phone shows. The answer to a wrong number and to wrong digits is the same, so that the
// page tells nobody which numbers there are.
//
// Door is the page of the person visited, which is opened by a link. Its title and addresses tell nothing, and what it
// says before the check (server/httpapi) names nobody but the firm. door has its sentences by language, help.json where
// help is found by country.
//
// The package makes text and nothing else: it asks no store and reads no clock. words has a file of sentences for each
// language; sentences have at most 25 words.
package doorway
