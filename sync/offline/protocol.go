package offline

import (
	"context"
	"encoding/json"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Caller is the device that calls.
type Caller struct {
	Actor  auth.Actor
	Device auth.DeviceID
	Branch auth.BranchID
	// Schema is the app's schema version (X-Schema-Version): documents are shaped down to it.
	Schema int
	// SkewS is the device's clock minus the server's, in seconds, from X-Client-Time; 0 when it said nothing.
	SkewS int64
	// At is when the server took the request in.
	At time.Time
}

// Mutation is one local write of a phone.
type Mutation struct {
	Mid      string          `json:"mid"` // UUID, minted at the local write
	Type     string          `json:"type"`
	ID       string          `json:"id"`
	Op       string          `json:"op"`   // put, patch, delete
	Base     uint64          `json:"base"` // the revision the phone had seen; 0 for a new record
	ClientTS time.Time       `json:"client_ts"`
	MonoMs   int64           `json:"mono_ms,omitempty"`
	Requires []string        `json:"requires,omitempty"` // mids that must have been applied
	Fields   json.RawMessage `json:"fields,omitempty"`
	// Hash is the SHA-256 of what was asked (type, id, op, base, fields): the same mid with another is refused.
	Hash [32]byte `json:"-"`
	// Bad says why the mutation cannot be read; nil if it can. Raw is what was sent then, and
	// Broken says that what it would record cannot be told from it.
	Bad    *Unreadable     `json:"-"`
	Raw    json.RawMessage `json:"-"`
	Broken bool            `json:"-"`
}

// Statuses of a Result.
const (
	Applied   = "applied"
	Duplicate = "duplicate"
	Merged    = "merged"
	Conflict  = "conflict"
	Revoked   = "revoked"
	Rejected  = "rejected"
	Retry     = "retry"
	// NotYet: this server does not know the type (yet). The phone keeps the mutation, and offers it
	// again, under the same mid, when the server or the app was updated.
	NotYet = "not_yet"
)

// Result is what became of one mutation. Everything about it is inside a 200.
type Result struct {
	Mid        string          `json:"mid"`
	Index      *int            `json:"index,omitempty"` // of a mutation that could not be read: its place in the push, from 0
	Type       string          `json:"type"`
	ID         string          `json:"id"`
	Status     string          `json:"status"`
	Code       string          `json:"code,omitempty"`   // of a rejection: validation.*, append_only, mid_reused, unknown_type, server_owned; of not_yet: unknown_type
	Detail     string          `json:"detail,omitempty"` // what is wrong, where, and how to correct it; never a value that was sent
	Rev        uint64          `json:"rev,omitempty"`
	Op         string          `json:"op,omitempty"` // put, delete, revoke: how the record stands now, where it is not as the phone wrote it
	Doc        json.RawMessage `json:"doc,omitempty"`
	Quarantine string          `json:"quarantine,omitempty"`
}

// Applier decides mutations.
type Applier interface {
	// Apply decides them in order and gives a result for each, in the same order.
	// Outcomes are durable when it returns, refusals included. A mutation that
	// cannot be decided now (store busy, context ended) is Retry. The error is for
	// the whole push: nothing is known of any of them.
	Apply(ctx context.Context, c Caller, ms []Mutation) ([]Result, error)
}

// Records gives documents their wire form, for the device that asks and at the time it asks.
type Records interface {
	// Render answers, in order, for each record whether the device may see it and
	// what it looks like. Scope is judged now, whatever it was when the feed row was written.
	Render(ctx context.Context, c Caller, recs []journal.Record) ([]Rendered, error)
	// InScope lists every record of a type the device may see, for the manifest: id and revision, sorted by id.
	InScope(ctx context.Context, c Caller, typ string) ([]Rev, error)
	// Types lists the types phones may pull.
	Types() []string
}

// Rendered is a record as one device sees it.
type Rendered struct {
	Op  string // put, delete, revoke, or "" when the device must not hear of it at all
	Doc json.RawMessage
	// Mine says that the caller's own user wrote the record: the device may hold it though it never pulled it.
	Mine bool
}

// Rev is a record and its revision, as the manifest lists it: ["a1",7].
type Rev struct {
	ID  string
	Rev uint64
}
