// Package words judges the texts that debtors are sent and reads what they reply: pure functions over word lists.
//
// Lint says whether a text may be sent: its variables, what its step needs, what the lock screen shows, what a number
// that is not verified may get, where consequences come from, and what the text means. Intent says what a reply asks
// for. Both run before each send and on each reply; POST /v1/messages/lint, POST /v1/messages/intent and
// doorstep messages ask the same.
//
// Meaning is judged by rules.yaml and one file of patterns for each language, which a lawyer can read and change:
// README.md says how. The files are part of the program, and Hash tells which of them a judgement rests on.
//
// The package reads no clock, no store and no network. It does not translate and it learns nothing: a text in a
// language without a file is refused, and a reply in one is read for stop words and numbers only. What it refuses
// wrongly a second person may release (Release), and who calls it may refuse what it passes.
package words
