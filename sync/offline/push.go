package offline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"doorstep/auth/strictjson"
)

// Limits of a push.
const (
	MaxMutations = 200
	MaxPushBytes = 1 << 20
)

// PushRequest is what a phone sends.
type PushRequest struct {
	Device string `json:"device"`
	Schema int    `json:"schema"`
	// Epoch is that of the phone's cursor; "" for a phone that does not say. Under another epoch nothing is decided:
	// the phone has to offer first what it wrote before.
	Epoch     string     `json:"epoch"`
	Mutations []Mutation `json:"mutations"`
}

// PushAnswer has one result per mutation, in order.
type PushAnswer struct {
	Epoch      string    `json:"epoch"`
	ServerTime time.Time `json:"server_time"`
	Results    []Result  `json:"results"`
}

var (
	idShape  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	midShape = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// Push decides the mutations in order. What it returns is durable. A mutation that cannot be
// read is rejected and kept as it was sent.
// Errors: *refusal.Error (refusal.Malformed, or cursor_expired for a push of another epoch), or the store's: nothing is
// known then, and the phone sends the same mids again.
func (s *Service) Push(ctx context.Context, c Caller, q PushRequest) (PushAnswer, error) {
	if q.Device != "" && q.Device != string(c.Device) {
		return PushAnswer{}, malformed("device", "the device is not the one that signed in")
	}
	if len(q.Mutations) > MaxMutations {
		return PushAnswer{}, tooMany()
	}
	for i := range q.Mutations {
		m := &q.Mutations[i]
		m.settle()
		m.Hash = s.hash(m.payload())
	}
	e, err := s.epoch(ctx, c.Branch)
	if err != nil {
		return PushAnswer{}, err
	}
	if q.Epoch != "" && q.Epoch != e.Name {
		return PushAnswer{}, cursorGone(e.Name,
			"the server was restored from a backup; offer what was acknowledged before it, and then send this")
	}
	a := PushAnswer{Epoch: e.Name, ServerTime: c.At.UTC(), Results: []Result{}}
	if len(q.Mutations) == 0 {
		return a, nil
	}
	results, err := s.applier.Apply(ctx, c, q.Mutations)
	if err != nil {
		return PushAnswer{}, err
	}
	a.Results = append(a.Results, results...)
	for i := range q.Mutations {
		if q.Mutations[i].Bad != nil && i < len(a.Results) {
			a.Results[i].Index = &i
		}
	}
	return a, nil
}

// payload is what makes two mutations the same: everything asked, nothing of when it
// was sent, and in one spelling (M1).
func (m *Mutation) payload() []byte {
	if m.Raw != nil && m.Bad != nil {
		return unreadPayload(m.Raw)
	}
	fields := []byte(m.Fields) // not JSON: never accepted as such, but still compared
	if text := Meaning(m.Fields); text != nil {
		fields = text
	}
	return fmt.Appendf(nil, "%q %q %q %d %s", m.Type, m.ID, m.Op, m.Base, fields)
}

// unreadPayload is payload of a mutation that cannot be read, from its text: an app that spells its members in another
// way the next time gets the answer of the first time. A text that encoding/json would change, such as one that names a
// member twice, has one spelling but for white space.
func unreadPayload(raw []byte) []byte {
	text := raw
	if f := strictjson.Check(raw); f != nil && (f.Kind == strictjson.Surrogate || f.Kind == strictjson.NUL) {
		// What no string may hold stays apart from what encoding/json puts in its place: its digits follow U+FFFF, which no
		// text has.
		text = noText.ReplaceAllFunc(raw, func(escape []byte) []byte {
			if len(escape) == 2 {
				return escape
			}
			return append([]byte(`\uffff`), bytes.ToLower(escape[2:])...)
		})
	}
	var members map[string]json.RawMessage
	if strictjson.Check(text) != nil || json.Unmarshal(text, &members) != nil || members == nil {
		var b bytes.Buffer
		if json.Compact(&b, raw) != nil {
			return raw
		}
		return b.Bytes()
	}
	member := func(name string, absent string) []byte {
		if text := Meaning(members[name]); len(text) > 0 && string(text) != "null" {
			return text
		}
		return []byte(absent)
	}
	return fmt.Appendf(nil, "%s %s %s %s %s", member("type", `""`), member("id", `""`), member("op", `""`),
		member("base", "0"), member("fields", ""))
}

// noText finds the escapes of a JSON string: those of NUL and of half a surrogate pair whole, of the others the first
// two bytes.
var noText = regexp.MustCompile(`(?s)\\(?:u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})|.)`)
