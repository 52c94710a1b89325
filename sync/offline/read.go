package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"doorstep/auth/strictjson"
)

// ReadPush reads the body of a push. Each mutation is read by itself: one that cannot be
// read is Unreadable and has what could be read of it, and the others are as sent. Members
// that are not known are ignored. The error is for a body that is no push at all:
// *refusal.Error (refusal.Malformed).
func ReadPush(text []byte) (PushRequest, error) {
	var body struct {
		Device    json.RawMessage `json:"device"`
		Schema    json.RawMessage `json:"schema"`
		Epoch     json.RawMessage `json:"epoch"`
		Mutations fewMutations    `json:"mutations"`
	}
	// The decoder of encoding/json replaces what a string must not hold, which is looked for
	// in each mutation below.
	err := json.Unmarshal(text, &body)
	if errors.Is(err, errTooMany) {
		return PushRequest{}, tooMany()
	}
	if err != nil {
		return PushRequest{}, malformed("", "the body is not a JSON object with a list of mutations")
	}
	if place, twice := repeated(text); twice {
		return PushRequest{}, malformed(place, "the body names a member twice")
	}
	if body.Mutations == nil {
		return PushRequest{}, malformed("mutations", "send mutations, a list that may be empty")
	}
	q := PushRequest{Mutations: make([]Mutation, 0, len(body.Mutations))}
	if len(body.Device) > 0 && json.Unmarshal(body.Device, &q.Device) != nil {
		return PushRequest{}, malformed("device", "device is a text: the id of the device that signed in")
	}
	if len(body.Schema) > 0 && json.Unmarshal(body.Schema, &q.Schema) != nil {
		return PushRequest{}, malformed("schema", "schema is a whole number, written without a fraction")
	}
	if len(body.Epoch) > 0 && json.Unmarshal(body.Epoch, &q.Epoch) != nil {
		return PushRequest{}, malformed("epoch", "epoch is a text: that of the phone's cursor")
	}
	for _, raw := range body.Mutations {
		q.Mutations = append(q.Mutations, readMutation(raw))
	}
	return q, nil
}

// fewMutations are those of a push, each as it was sent. A body of a mebibyte may name half a million: it is refused
// with the first one beyond the limit.
type fewMutations []json.RawMessage

var errTooMany = errors.New("too many mutations")

// UnmarshalJSON reads a list; errTooMany.
func (l *fewMutations) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil || open == nil { // null is no list
		return err
	}
	if open != json.Delim('[') {
		return errors.New("mutations is no list")
	}
	*l = fewMutations{}
	for d.More() {
		if len(*l) == MaxMutations {
			return errTooMany
		}
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return err
		}
		*l = append(*l, one)
	}
	return nil
}

// repeated tells whether the push names a member twice. place is that member, if it is one of ours: encoding/json takes
// those in any case.
func repeated(text []byte) (place string, twice bool) {
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return "", false
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		name, ours := fmt.Sprint(token), ""
		for _, known := range []string{"device", "schema", "epoch", "mutations"} {
			if strings.EqualFold(name, known) {
				name, ours = known, known
			}
		}
		if seen[name] {
			return ours, true
		}
		seen[name] = true
		var skip json.RawMessage
		if d.Decode(&skip) != nil {
			return "", false
		}
	}
	return "", false
}

// Unreadable says why a mutation cannot be read.
type Unreadable struct {
	Code   string // validation.*, after the member at fault
	Detail string // it repeats nothing of what was sent
}

// readMutation reads as much of a mutation as it can.
func readMutation(raw json.RawMessage) Mutation {
	m := Mutation{Raw: bytes.Clone(raw)}
	bad := func(member, detail string) {
		if m.Bad == nil {
			m.Bad = &Unreadable{Code: "validation." + member, Detail: member + ": " + detail}
		}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		bad("mutation", "a mutation is an object")
		return m
	}
	if f := strictjson.Check(raw); f != nil {
		bad("mutation", f.Kind.String())
		m.Broken = true
	}
	read := func(name string, into any, what string) {
		text, sent := members[name]
		if !sent || string(text) == "null" {
			return
		}
		if json.Unmarshal(text, into) != nil {
			bad(name, what)
		}
	}
	read("mid", &m.Mid, "mid is a UUID minted at the local write")
	read("type", &m.Type, "type names the record's type")
	read("id", &m.ID, "id is a text")
	read("op", &m.Op, "op is put, patch or delete")
	read("base", &m.Base, "base is the revision the phone had seen: a whole number, written without a fraction")
	read("client_ts", &m.ClientTS, "write a time as RFC 3339 with an offset, from 1970 to 9999")
	read("mono_ms", &m.MonoMs, "mono_ms is a whole number of milliseconds")
	read("requires", &m.Requires, "requires lists mids")
	if text, sent := members["fields"]; sent && string(text) != "null" {
		m.Fields = bytes.Clone(text)
	}
	return m
}

// settle checks a mutation that was read, and clears what cannot be recorded.
func (m *Mutation) settle() {
	if m.Bad == nil {
		m.Bad = m.check()
	}
	if m.Bad == nil {
		return
	}
	if !idShape.MatchString(m.ID) {
		m.ID, m.Broken = "", true
	}
	if m.Op != "put" && m.Op != "patch" && m.Op != "delete" {
		m.Op, m.Broken = "", true
	}
	if !idShape.MatchString(m.Type) {
		m.Type = ""
	}
	if !json.Valid(m.Fields) || bytes.TrimSpace(m.Fields)[0] != '{' {
		m.Fields, m.Broken = nil, true
	}
	if !idShape.MatchString(m.Mid) {
		m.Mid = ""
	}
	m.Requires = nil // it is refused whatever they were
	if !writable(m.ClientTS) {
		m.ClientTS = time.Time{}
	}
}

// Written is when the phone wrote the mutation, by its own clock: client_ts, or without it the time that a mid of
// UUID version 7 begins with; zero where neither is said.
func (m *Mutation) Written() time.Time {
	if !m.ClientTS.IsZero() || !midShape.MatchString(m.Mid) || m.Mid[14] != '7' {
		return m.ClientTS
	}
	ms, err := strconv.ParseInt(m.Mid[:8]+m.Mid[9:13], 16, 64)
	if at := time.UnixMilli(ms).UTC(); err == nil && writable(at) {
		return at
	}
	return time.Time{}
}

// writable tells whether an instant lies in the years that entries may have, in UTC: 1970 to 9999.
func writable(at time.Time) bool {
	at = at.UTC()
	return !at.Before(time.Unix(0, 0)) && at.Year() <= 9999
}

// check tells why a mutation cannot be decided; nil if it can. Without a mid there is
// nothing to remember it by. Everything else about it is the applier's to judge.
func (m *Mutation) check() *Unreadable {
	bad := func(member, detail string) *Unreadable {
		return &Unreadable{Code: "validation." + member, Detail: member + ": " + detail}
	}
	switch {
	case !midShape.MatchString(m.Mid):
		return bad("mid", "mid is a UUID minted at the local write")
	case !idShape.MatchString(m.ID):
		return bad("id", "id has 1 to 64 letters, digits, dots, dashes or underscores")
	case len(m.Type) == 0 || len(m.Type) > 64:
		return bad("type", "type names the record's type")
	case m.Op != "put" && m.Op != "patch" && m.Op != "delete":
		return bad("op", "op is put, patch or delete")
	case m.Op != "delete" && (len(m.Fields) == 0 || bytes.TrimSpace(m.Fields)[0] != '{'):
		return bad("fields", "fields is an object")
	case !m.ClientTS.IsZero() && !writable(m.ClientTS):
		return bad("client_ts", "write a time as RFC 3339 with an offset, from 1970 to 9999")
	case len(m.Requires) > MaxMutations:
		return bad("requires", fmt.Sprintf("at most %d", MaxMutations))
	}
	for _, r := range m.Requires {
		switch {
		case !midShape.MatchString(r):
			return bad("requires", "requires lists mids")
		case strings.EqualFold(r, m.Mid):
			return bad("requires", "a mutation cannot require itself")
		}
	}
	return nil
}
