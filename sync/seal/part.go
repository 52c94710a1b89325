package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"unicode/utf8"

	"doorstep/geo"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Part is a personal part of a document: a *Text or a *Point.
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
)

// Doc is a document with personal parts.
type Doc interface {
	// EachSealed calls fn for every personal part, under a field name that is unique in the document and never changes.
	EachSealed(fn func(field string, p Part))
}

// part is what Text and Point share. The zero value is no value at all.
type part struct {
	key    string // id of the key it is sealed under; "" when it is not sealed yet
	sealed []byte
	commit [sha256.Size]byte
	salt   []byte // known once opened, or when sealed here
	plain  []byte // canonical plaintext; nil unless open
	open   bool
	erased bool // its key is destroyed
}

// saltBytes is the length of a commitment's salt.
const saltBytes = 16

// errUnsealed reports a personal part that is about to be stored in the clear: a bug of the caller.
var errUnsealed = errors.New("seal: a personal part was not sealed before it was encoded")

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

// MarshalJSON writes the sealed form; an unsealed value is an error.
func (p part) MarshalJSON() ([]byte, error) {
	if p.IsZero() {
		return []byte("null"), nil
	}
	if p.key == "" {
		return nil, errUnsealed
	}
	return json.Marshal(wire{p.key, p.sealed, p.commit[:]})
}

// UnmarshalJSON reads the sealed form.
func (p *part) UnmarshalJSON(data []byte) error {
	*p = part{}
	if string(data) == "null" {
		return nil
	}
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read sealed part: %w", err)
	}
	if w.Key == "" || len(w.Commit) != sha256.Size {
		return errors.New("read sealed part: key or commitment is missing")
	}
	p.key, p.sealed = w.Key, w.Sealed
	copy(p.commit[:], w.Commit)
	return nil
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

// Text is a personal text.
type Text struct{ part }

// NewText makes an open text that is yet to be sealed. An empty one is no value;
// what is not UTF-8 is made so.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return Text{part{plain: []byte(s), open: true}}
}

func (t *Text) core() *part { return &t.part }
func (t *Text) kind() kind  { return textKind }

// Plain is the text; "" when there is none, it is not open, or it is erased.
func (t Text) Plain() string { return string(t.plain) }

// Point is a personal position, WGS 84, kept to 1e-7 degrees.
type Point struct{ part }

// NewPoint makes an open position that is yet to be sealed.
func NewPoint(p geo.Point) Point {
	e := p.E7()
	return Point{part{plain: fmt.Appendf(nil, "[%d,%d]", e.Lon, e.Lat), open: true}}
}

func (p *Point) core() *part { return &p.part }
func (p *Point) kind() kind  { return pointKind }

// Plain is the position; ok is false when there is none, it is not open, or it is erased.
func (p Point) Plain() (at geo.Point, ok bool) {
	if !p.open {
		return geo.Point{}, false
	}
	var xy [2]int64
	if json.Unmarshal(p.plain, &xy) != nil || xy[0] > math.MaxInt32 || xy[0] < math.MinInt32 || xy[1] > math.MaxInt32 || xy[1] < math.MinInt32 {
		return geo.Point{}, false
	}
	return geo.E7{Lon: int32(xy[0]), Lat: int32(xy[1])}.Point(), true
}
