// Package lawbook knows which conduct packs are in force, since when, and which were before.
//
// The organisation's journal alone says which packs are in force (server/office keeps them there). A Book is one
// node's copy: it compiles the packs into a conduct.Policy, has casework judge by it, and publishes it to the
// phones of every branch. The command that publishes it is named after the entry of the organisation's journal, so
// that each branch hears of each policy once, whichever node is first. Run takes up what other nodes changed.
//
// A verdict keeps the hash of the policy it was made under. Past gives that policy again, so that the verdict can
// be explained by the law of its day.
//
// The package holds no rule: those are in server/conduct.
package lawbook
