package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Part is a personal part of a document: a *Text, *Point, *JSON or *Value.
type Part interface {
	core() *part
	kind() kind
}

// kind says what a plaintext is. It is committed to with the plaintext, so that a
// text "[1,2]" cannot be revealed as the position [1,2].
type kind byte

const (
	textKind  kind = 't'
	pointKind kind = 'p'
	jsonKind  kind = 'j'
)

// part is what all parts share. The zero value is no value at all.
type part struct {
	key    string // id of the key it is sealed under; "" when it is not sealed yet
	sealed []byte
	commit [sha256.Size]byte
	salt   []byte // known once opened, or when sealed here
	plain  []byte // canonical plaintext; nil unless open
	open   bool
	erased bool // its key is destroyed
	shown  bool // while Show runs: MarshalJSON writes the value
}

// saltBytes is the length of a commitment's salt.
const saltBytes = 16

// errUnsealed reports a personal part that is about to be stored in the clear: a bug of the caller.
var errUnsealed = errors.New("seal: a personal part was not sealed before it was encoded")

// errClosed reports a personal part that is about to be shown before it was opened: a bug of the caller.
var errClosed = errors.New("seal: a personal part was not opened before it was shown")

type wire struct {
	Key    string `json:"k"`
	Sealed []byte `json:"s"`
	Commit []byte `json:"c"`
}

// IsZero tells whether there is no value.
func (p part) IsZero() bool { return !p.open && p.key == "" }

// IsOpen tells whether the plaintext is at hand.
func (p part) IsOpen() bool { return p.open }

// IsErased tells whether opening found that the debtor's key is destroyed.
func (p part) IsErased() bool { return p.erased }

// String never shows the value.
func (p part) String() string {
	if p.IsZero() {
		return ""
	}
	return "(personal)"
}

// LogValue never shows the value.
func (p part) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Format never shows the value, whatever the verb.
func (p part) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// encode writes the sealed form, or the value while Show runs. clear is the value's JSON.
func (p part) encode(clear func() ([]byte, error)) ([]byte, error) {
	switch {
	case p.IsZero(), p.shown && p.erased:
		return []byte("null"), nil
	case p.shown && p.open:
		return clear()
	case p.shown:
		return nil, errClosed
	case p.key == "":
		return nil, errUnsealed
	}
	return json.Marshal(wire{p.key, p.sealed, p.commit[:]})
}

// decode reads null and the sealed form; ok is false for anything else.
func (p *part) decode(data []byte) (ok bool) {
	*p = part{}
	if string(data) == "null" {
		return true
	}
	if len(data) == 0 || data[0] != '{' {
		return false
	}
	return p.decodeWritten(data) || p.decodeAny(data)
}

func (p *part) decodeAny(data []byte) (ok bool) {
	var members map[string]json.RawMessage
	var w wire
	if json.Unmarshal(data, &members) != nil || len(members) != 3 || json.Unmarshal(data, &w) != nil {
		return false
	}
	for _, name := range [...]string{"k", "s", "c"} {
		if len(members[name]) == 0 || members[name][0] != '"' {
			return false
		}
	}
	if w.Key == "" || len(w.Commit) != sha256.Size {
		return false
	}
	p.key, p.sealed = w.Key, w.Sealed
	copy(p.commit[:], w.Commit)
	return true
}

// decodeWritten reads the sealed form as encode writes it, which costs a fraction of
// reading any JSON. It returns false for all other forms; they may be right all the same.
// data is one JSON value.
func (p *part) decodeWritten(data []byte) bool {
	var members [3][]byte
	for i, begin := range [...]string{`{"k":"`, `,"s":"`, `,"c":"`} {
		rest, ok := bytes.CutPrefix(data, []byte(begin))
		end := bytes.IndexByte(rest, '"')
		if !ok || end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
			return false
		}
		members[i], data = rest[:end], rest[end+1:]
	}
	if string(data) != "}" || len(members[0]) == 0 || !utf8.Valid(members[0]) ||
		base64.StdEncoding.DecodedLen(len(members[2])) > sha256.Size+2 {
		return false
	}
	var commit [sha256.Size + 2]byte
	n, err := base64.StdEncoding.Decode(commit[:], members[2])
	if err != nil || n != sha256.Size {
		return false
	}
	sealed := make([]byte, base64.StdEncoding.DecodedLen(len(members[1])))
	m, err := base64.StdEncoding.Decode(sealed, members[1])
	if err != nil {
		return false
	}
	p.key, p.sealed = string(members[0]), sealed[:m]
	copy(p.commit[:], commit[:])
	return true
}

func commitment(k kind, salt, plain []byte) (c [sha256.Size]byte) {
	m := hmac.New(sha256.New, salt)
	m.Write([]byte{byte(k)})
	m.Write(plain)
	m.Sum(c[:0])
	return c
}

// sealWith seals an open value that is not sealed yet.
func (p *part) sealWith(a tink.AEAD, key string, k kind, ad []byte) error {
	salt := make([]byte, saltBytes, saltBytes+len(p.plain))
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	sealed, err := a.Encrypt(append(salt, p.plain...), ad)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	p.key, p.sealed, p.salt, p.commit = key, sealed, salt, commitment(k, salt, p.plain)
	return nil
}

// openWith opens a sealed value and checks its commitment.
func (p *part) openWith(a tink.AEAD, k kind, ad []byte) error {
	b, err := a.Decrypt(p.sealed, ad)
	if err != nil || len(b) < saltBytes {
		return errors.New("seal: a sealed part does not open: it was altered, or moved from another document")
	}
	salt, plain := b[:saltBytes:saltBytes], b[saltBytes:]
	if c := commitment(k, salt, plain); !hmac.Equal(c[:], p.commit[:]) {
		return errors.New("seal: a sealed part does not match its commitment")
	}
	p.salt, p.plain, p.open = salt, plain, true
	return nil
}
