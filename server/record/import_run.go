package record

import (
	"time"

	"doorstep/auth"
)

// Import is the state of a document of type "imports": a file of cases, contacts, payments or territories
// that was imported into the branch, and whether that was undone. An import that changes nothing has none.
type Import struct {
	Kind   string        `json:"kind" is:"server" see:"office,lender"` // cases, contacts, payments or territories
	Branch auth.BranchID `json:"branch" is:"server" see:"office,lender"`
	// Lender is the lender whose system sent it; "" when the office did.
	Lender string `json:"lender,omitempty" is:"server" see:"office,lender"`
	// Lenders are those whose cases it changed, sorted: at most MostImportLenders.
	Lenders []string `json:"lenders,omitempty" is:"server" see:"office,lender"`
	State   string   `json:"state" is:"server" see:"office,lender"` // running, done, undoing or undone
	// By is who imported it, At when it changed the first record; EndedAt when it was over, zero before.
	By      auth.UserID `json:"by" is:"server" see:"office,lender"`
	At      time.Time   `json:"at" see:"office,lender"`
	EndedAt time.Time   `json:"ended_at,omitzero" see:"office,lender"`
	// SeenAt is when it was last known to be under way.
	SeenAt time.Time `json:"seen_at" see:"none"`
	// Broken says that it ended before its file did.
	Broken bool `json:"broken,omitempty" see:"office,lender"`
	// Accepted is how many records it brought to this branch; 0 until it is over, as the counts below.
	Accepted  int `json:"accepted" see:"office,lender"`
	Updated   int `json:"updated" see:"office,lender"`   // records of this branch that it changed
	Reopened  int `json:"reopened" see:"office,lender"`  // cases of this branch that were open again
	Unchanged int `json:"unchanged" see:"office,lender"` // lines of the whole file that changed nothing
	Rejected  int `json:"rejected" see:"office,lender"`  // lines of the whole file that were refused
	// First and Last bound the entries that it wrote; 0 for not known yet.
	First uint64 `json:"first,omitempty" see:"none"`
	Last  uint64 `json:"last,omitempty" see:"none"`
	// Undo is set once somebody has asked to take it back.
	Undo *ImportUndo `json:"undo,omitempty" see:"office,lender"`
}

// ImportUndo is that an import is taken back.
type ImportUndo struct {
	By      auth.UserID `json:"by" is:"server"`
	At      time.Time   `json:"at"`
	Reason  string      `json:"reason" is:"undo_reasons"`
	EndedAt time.Time   `json:"ended_at,omitzero"`
}

// States of an import.
const (
	ImportRunning = "running"
	ImportDone    = "done"
	ImportUndoing = "undoing"
	ImportUndone  = "undone"
)

// MostImportLenders is how many lenders an import names.
const MostImportLenders = 50

// Imported marks a record with the import that wrote it last.
type Imported struct {
	// ID is the import's.
	ID string `json:"id" is:"server"`
	// Before is the entry with the state that the import found; 0 when there was none.
	Before uint64 `json:"before,omitempty"`
}

// ClosedUndone is the closing reason of a case that an import opened and whose import was undone: the server's own.
const ClosedUndone = "import_undone"

// IsUndone tells whether the case is closed since the import that opened it was undone.
func (c *Case) IsUndone() bool {
	return c.Status == StatusClosed && c.Closed != nil && c.Closed.Reason == ClosedUndone
}

// Striking says that a contact is struck: the import that brought it was undone. It stays visible and counts nowhere.
type Striking struct {
	By     auth.UserID `json:"by" is:"server" see:"office"`
	At     time.Time   `json:"at"`
	Import string      `json:"import" is:"server"` // the import's id
}

// Uncounted tells whether no cap counts the contact: it is excluded, or struck.
func (c *Contact) Uncounted() bool { return c.Excluded || c.Struck != nil }
