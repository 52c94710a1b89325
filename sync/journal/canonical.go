package journal

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"doorstep/auth"

	"golang.org/x/mod/sumdb/tlog"
)

// An entry's canonical bytes are one JSON object with its members in a fixed
// order, no white space, no floats, no member for what is empty. They are what
// is stored, hashed and exported; nothing ever writes them again. domain.go says what
// an entry may hold.
//
// The head (schema … no) is known only when the committer numbers the entry; the
// caller that drafted it encodes the rest, outside the committer.

const timeLayout = "2006-01-02T15:04:05.000Z"

// appendHead appends the members the committer knows, up to but not including the comma before the tail.
func appendHead(b []byte, branch auth.BranchID, n uint64, received time.Time, nos []uint64) []byte {
	b = append(b, `{"schema":`...)
	b = strconv.AppendInt(b, SchemaVersion, 10)
	b = append(b, `,"branch":`...)
	b = appendJSONString(b, string(branch))
	b = append(b, `,"n":`...)
	b = strconv.AppendUint(b, n, 10)
	b = append(b, `,"received":"`...)
	b = received.UTC().AppendFormat(b, timeLayout)
	b = append(b, '"')
	if len(nos) > 0 {
		b = append(b, `,"no":[`...)
		for i, no := range nos {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendUint(b, no, 10)
		}
		b = append(b, ']')
	}
	return b
}

// appendTail appends the members the draft knows, from their comma to the closing brace.
func appendTail(b []byte, e *Entry) []byte {
	str := func(name, v string) {
		if v != "" {
			b = append(b, ',', '"')
			b = append(b, name...)
			b = append(b, '"', ':')
			b = appendJSONString(b, v)
		}
	}
	if !e.Claimed.IsZero() {
		b = append(b, `,"claimed":"`...)
		b = e.Claimed.UTC().AppendFormat(b, timeLayout)
		b = append(b, '"')
	}
	str("actor", string(e.Actor))
	str("device", string(e.Device))
	str("command", e.Command)
	if e.Part > 0 {
		b = append(b, `,"part":`...)
		b = strconv.AppendInt(b, int64(e.Part), 10)
	}
	if len(e.Said) > 0 {
		b = append(b, `,"said":"`...)
		b = base64.StdEncoding.AppendEncode(b, e.Said)
		b = append(b, '"')
	}
	str("action", e.Action)
	if len(e.Writes) > 0 {
		b = append(b, `,"writes":[`...)
		for i, k := range e.Writes {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, string(k))
		}
		b = append(b, ']')
	}
	if len(e.Docs) > 0 {
		b = append(b, `,"docs":[`...)
		for i := range e.Docs {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendDoc(b, &e.Docs[i])
		}
		b = append(b, ']')
	}
	if len(e.Feeds) > 0 {
		b = append(b, `,"feeds":[`...)
		for i, f := range e.Feeds {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			b = appendJSONString(b, string(f.Feed))
			b = append(b, ',')
			b = appendJSONString(b, f.Type)
			b = append(b, ',')
			b = appendJSONString(b, f.ID)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	if len(e.Verdicts) > 0 {
		b = append(append(b, `,"verdicts":`...), e.Verdicts...)
	}
	if len(e.Receipt) > 0 {
		b = append(append(b, `,"receipt":`...), e.Receipt...)
	}
	return append(b, '}')
}

func appendDoc(b []byte, d *Doc) []byte {
	b = append(b, `{"type":`...)
	b = appendJSONString(b, d.Type)
	b = append(b, `,"id":`...)
	b = appendJSONString(b, d.ID)
	b = append(b, `,"rev":`...)
	b = strconv.AppendUint(b, d.Rev, 10)
	if d.Copy {
		b = append(b, `,"copy":true`...)
	}
	if d.Deleted {
		return append(b, `,"deleted":true}`...)
	}
	b = append(append(b, `,"state":`...), d.State...)
	return append(b, '}')
}

// appendJSONString writes a JSON string: quotes, backslashes and control
// characters escaped, everything else as it is. The string is valid UTF-8 (domain.go).
func appendJSONString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size
		}
	}
	return append(b, '"')
}

// Leaf is the record hash of an entry's canonical bytes: the leaf at index n-1 of the branch's tree.
func Leaf(canonical []byte) tlog.Hash { return tlog.RecordHash(canonical) }

// DecodeEntry reads canonical bytes. Raw members (states, verdicts, receipt) share the given bytes.
func DecodeEntry(b []byte) (Entry, error) {
	var w struct {
		Schema   int             `json:"schema"`
		Branch   auth.BranchID   `json:"branch"`
		N        uint64          `json:"n"`
		Received time.Time       `json:"received"`
		No       []uint64        `json:"no"`
		Claimed  time.Time       `json:"claimed"`
		Actor    auth.UserID     `json:"actor"`
		Device   auth.DeviceID   `json:"device"`
		Command  string          `json:"command"`
		Part     int             `json:"part"`
		Said     string          `json:"said"`
		Action   string          `json:"action"`
		Writes   []Key           `json:"writes"`
		Docs     []docWire       `json:"docs"`
		Feeds    [][3]string     `json:"feeds"`
		Verdicts json.RawMessage `json:"verdicts"`
		Receipt  json.RawMessage `json:"receipt"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	if w.Schema > SchemaVersion {
		return Entry{}, fmt.Errorf("decode entry %s/%d: schema %d is newer than this program's %d", w.Branch, w.N, w.Schema,
			SchemaVersion)
	}
	e := Entry{Schema: w.Schema, Branch: w.Branch, N: w.N, Received: w.Received, Claimed: w.Claimed, Actor: w.Actor,
		Device:  w.Device,
		Command: w.Command, Part: w.Part, Action: w.Action, Writes: w.Writes, Verdicts: w.Verdicts, Receipt: w.Receipt}
	if w.Said != "" {
		said, err := base64.StdEncoding.Strict().DecodeString(w.Said)
		if err != nil {
			return Entry{}, fmt.Errorf("decode entry %s/%d: said is malformed", w.Branch, w.N)
		}
		e.Said = said
	}
	nos := w.No
	for _, d := range w.Docs {
		doc := Doc{Type: d.Type, ID: d.ID, Rev: d.Rev, Copy: d.Copy, Deleted: d.Deleted, State: d.State}
		if numberedAs(&doc) >= 0 {
			if len(nos) == 0 {
				return Entry{}, fmt.Errorf("decode entry %s/%d: document %s/%s has no number", w.Branch, w.N, d.Type, d.ID)
			}
			doc.No, nos = nos[0], nos[1:]
		}
		e.Docs = append(e.Docs, doc)
	}
	for _, f := range w.Feeds {
		e.Feeds = append(e.Feeds, FeedRow{Feed: Feed(f[0]), Type: f[1], ID: f[2]})
	}
	return e, nil
}

type docWire struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Rev     uint64          `json:"rev"`
	Copy    bool            `json:"copy"`
	Deleted bool            `json:"deleted"`
	State   json.RawMessage `json:"state"`
}
