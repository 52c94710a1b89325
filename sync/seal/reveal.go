package seal

import (
	"bytes"
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
	Value json.RawMessage `json:"value"` // a string, or [lon, lat] in units of 1e-7 degrees
}

// Reveals lists the open parts of a document.
func Reveals(doc Doc) []Reveal {
	var out []Reveal
	doc.EachSealed(func(field string, p Part) {
		c := p.core()
		if !c.open || c.salt == nil {
			return
		}
		value := json.RawMessage(c.plain)
		if p.kind() == textKind {
			value = encodeText(string(c.plain))
		}
		out = append(out, Reveal{field, c.salt, value})
	})
	return out
}

// encodeText writes a JSON string without escaping what needs none.
func encodeText(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return json.RawMessage(`""`) // a string always encodes
	}
	return bytes.TrimSpace(b.Bytes())
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
	is, plain := pointKind, []byte(r.Value)
	if len(plain) > 0 && plain[0] == '"' {
		var s string
		if json.Unmarshal(r.Value, &s) != nil {
			return ErrReveal
		}
		is, plain = textKind, []byte(s)
	}
	if c := commitment(is, r.Salt, plain); !hmac.Equal(c[:], w.Commit) {
		return ErrReveal
	}
	return nil
}
