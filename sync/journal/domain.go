package journal

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/auth/strictjson"
)

// Limits on sizes (README.md, J15). A draft that breaks one is refused before it is numbered.
const (
	MaxStateBytes   = 64 << 10  // one document's state
	MaxEntryBytes   = 512 << 10 // one entry's canonical bytes
	MaxPageBytes    = 2 << 20   // one page's entries together
	MaxPageEntries  = 2000
	MaxFeedRows     = 1024 // records an entry may name in all its feeds together
	MaxCommandBytes = 128  // a command id
	MaxSaidBytes    = 512  // what a decision says of a payload
)

// Times an entry can hold, both inclusive.
var (
	MinTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	MaxTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
)

// InDomain tells whether an entry can hold an instant: MinTime to MaxTime, compared in
// UTC. Its offset does not belong to it: 9999-12-31T23:59:59-01:00 lies in the year 10000.
func InDomain(t time.Time) bool { return !t.Before(MinTime) && !t.After(MaxTime) }

// headBytes is more than the members that the committer adds to an entry can take,
// the numbers of its documents apart.
const headBytes = 200

var branchName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// domain is the definition of what an entry may hold; whatever lies within it can be
// encoded, read back to the same bytes, and kept by every store. It returns a *refusal.Error.
func (e *Entry) domain() error {
	if !branchName.MatchString(string(e.Branch)) {
		return badBranch()
	}
	if e.Command == "" || len(e.Command) > MaxCommandBytes {
		return invalid("a command id has 1 to %d bytes", MaxCommandBytes)
	}
	if len(e.Feeds) > MaxFeedRows {
		return tooLarge("an entry names at most %d records in feeds, this one %d", MaxFeedRows, len(e.Feeds))
	}
	if len(e.Said) > MaxSaidBytes {
		return tooLarge("a decision says at most %d bytes of a payload, this one %d", MaxSaidBytes, len(e.Said))
	}
	if !InDomain(e.Received) {
		return invalid("the time received lies outside 1970 to 9999 (UTC)")
	}
	if !e.Claimed.IsZero() && !InDomain(e.Claimed) {
		return invalid("the time claimed lies outside 1970 to 9999 (UTC)")
	}
	texts := []struct{ what, text string }{
		{"actor", string(e.Actor)}, {"device", string(e.Device)}, {"command id", e.Command}, {"action", e.Action},
	}
	for _, t := range texts {
		if !isText(t.text) {
			return notText(t.what)
		}
	}
	for _, k := range e.Writes {
		if !isText(string(k)) {
			return notText("key of what is written")
		}
	}
	for _, f := range e.Feeds {
		if !isText(string(f.Feed)) || !isText(f.Type) || !isText(f.ID) {
			return notText("row of a feed")
		}
	}
	for i := range e.Docs {
		if err := e.Docs[i].domain(); err != nil {
			return err
		}
	}
	if f := strictjson.CheckCanonical(e.Verdicts); len(e.Verdicts) > 0 && f != nil {
		return invalid("the verdicts are not canonical JSON: %v", f)
	}
	if f := strictjson.CheckCanonical(e.Receipt); len(e.Receipt) > 0 && f != nil {
		return invalid("the receipt is not canonical JSON: %v", f)
	}
	return nil
}

func (d *Doc) domain() error {
	if d.Type == "" || d.ID == "" || d.Rev == 0 {
		return invalid("a document has a type, an id and a revision above 0")
	}
	if !isText(d.Type) || !isText(d.ID) {
		return notText("type or id of a document")
	}
	switch {
	case d.Deleted && len(d.State) > 0:
		return invalid("%s/%s is deleted and has a state", d.Type, d.ID)
	case d.Deleted:
		return nil
	case len(d.State) > MaxStateBytes:
		return tooLarge("document %s/%s has %d bytes, at most %d are kept", d.Type, d.ID, len(d.State), MaxStateBytes)
	case len(d.State) < 2 || d.State[0] != '{':
		return invalid("the state of %s/%s is not a JSON object", d.Type, d.ID)
	}
	if f := strictjson.CheckCanonical(d.State); f != nil {
		return invalid("the state of %s/%s is not canonical JSON: %v", d.Type, d.ID, f)
	}
	return nil
}

// isText tells whether a string is valid UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func notText(what string) error { return invalid("the %s is not valid UTF-8, or holds a NUL", what) }

func badBranch() error {
	return invalid("a branch id has 1 to 64 letters, digits, dots, dashes or underscores")
}

// encode gives the canonical bytes of a whole entry.
func (e *Entry) encode() []byte {
	return append(appendHead(nil, e.Branch, e.N, e.Received, e.numbers()), appendTail(nil, e)...)
}

// numbers are the numbers of the entry's documents of the numbered types, in order.
func (e *Entry) numbers() []uint64 {
	var nos []uint64
	for i := range e.Docs {
		if numberedAs(&e.Docs[i]) >= 0 {
			nos = append(nos, e.Docs[i].No)
		}
	}
	return nos
}

// readsBack proves that an entry that has no number yet can be read once it has one:
// it decodes the bytes it will have, but for its numbers, and compares what they
// decode to. tail is the entry's own encoding.
func (e *Entry) readsBack(branch auth.BranchID, received time.Time, tail []byte) error {
	t := *e
	t.Schema, t.Branch, t.N, t.Received = SchemaVersion, branch, 1<<53, received
	if err := t.domain(); err != nil {
		return err
	}
	nos := t.numbers()
	for i := range nos {
		nos[i] = uint64(i) + 1
	}
	raw := append(appendHead(make([]byte, 0, len(tail)+headBytes), branch, t.N, received, nos), tail...)
	back, err := DecodeEntry(raw)
	if err != nil {
		return invalid("the change could not be read again: %v", err)
	}
	if string(back.encode()) != string(raw) {
		return invalid("the change would not be read again as it was written")
	}
	return nil
}
