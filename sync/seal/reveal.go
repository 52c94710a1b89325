package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
)

// Reveal is what an export shows of one personal part, so that whoever holds the
// journal's entry can check it against the commitment there.
type Reveal struct {
	Field string          `json:"field"`
	Salt  []byte          `json:"salt"`
	Value json.RawMessage `json:"value"` // a string, [lon, lat] in units of 1e-7 degrees, or a JSON value
}

// Reveals lists the open parts of a document.
func Reveals(doc any) []Reveal {
	var out []Reveal
	Each(doc, func(field string, p Part) {
		c := p.core()
		if !c.open || c.salt == nil {
			return
		}
		value := json.RawMessage(c.plain)
		if p.kind() == textKind {
			value, _ = encodePlain(string(c.plain)) // a string always encodes
		}
		out = append(out, Reveal{field, c.salt, value})
	})
	return out
}

// ErrReveal says that what is revealed is not what was sealed.
var ErrReveal = errors.New("seal: the revealed value is not the one that was sealed")

// Check compares a reveal with the sealed part as it stands in an entry: its JSON
// form. It needs no key.
func (r Reveal) Check(sealed json.RawMessage) error {
	var w wire
	if err := json.Unmarshal(sealed, &w); err != nil || len(w.Commit) != sha256.Size {
		return ErrReveal
	}
	// The value tells what it may be: a string is a text or a JSON value, a list a position or a JSON value.
	plain, err := canonical(r.Value)
	if err != nil || len(r.Value) == 0 {
		return ErrReveal
	}
	matches := func(is kind, plain []byte) bool {
		c := commitment(is, r.Salt, plain)
		return hmac.Equal(c[:], w.Commit)
	}
	if matches(jsonKind, plain) {
		return nil
	}
	var text string
	switch {
	case plain[0] == '"' && json.Unmarshal(r.Value, &text) == nil && matches(textKind, []byte(text)):
		return nil
	case plain[0] == '[' && matches(pointKind, plain):
		return nil
	}
	return ErrReveal
}
