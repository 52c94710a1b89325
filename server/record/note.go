package record

import "doorstep/sync/seal"

// Note is the state of a document of type "visit_notes". Written once.
type Note struct {
	NoteReport
	Taken
}

// NoteReport is what the phone says in a note.
type NoteReport struct {
	About
	Text seal.Text `json:"text" most:"4000" see:"office,agent" need:"a note has 1 to 4000 bytes"`
	Kind string    `json:"kind,omitempty" is:"note_kinds" see:"office,agent"`
}
