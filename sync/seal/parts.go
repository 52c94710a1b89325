package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"doorstep/auth/strictjson"
	"doorstep/geo"
)

// Every kind of part reads two forms of JSON: the value itself, which makes an
// open part that is yet to be sealed, and the sealed form as it is stored. A
// caller that reads what came from outside calls CheckOpen afterwards, so that
// nobody sends a sealed form.

// Text is a personal text. Its JSON outside is a string.
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

// MarshalJSON writes the sealed form; an unsealed value is an error.
func (t Text) MarshalJSON() ([]byte, error) {
	return t.encode(func() ([]byte, error) { return encodePlain(string(t.plain)) })
}

// AppendJSON appends to b what MarshalJSON writes, without a copy of a text that is shown.
func (t *Text) AppendJSON(b []byte) ([]byte, error) {
	if t.shown && t.open && !t.erased {
		return strictjson.AppendString(b, t.plain), nil
	}
	text, err := t.MarshalJSON()
	return append(b, text...), err
}

// UnmarshalJSON reads a string or the sealed form. An empty string is no value.
func (t *Text) UnmarshalJSON(data []byte) error {
	if t.decode(data) {
		return nil
	}
	var s string
	if json.Unmarshal(data, &s) != nil {
		return errors.New("a personal text is a string")
	}
	*t = NewText(s)
	return nil
}

// Point is a personal position, WGS 84, kept to 1e-7 degrees. Its JSON outside is
// [lon, lat] in degrees.
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
	var e geo.E7
	if !p.open || json.Unmarshal(p.plain, &e) != nil {
		return geo.Point{}, false
	}
	return e.Point(), true
}

// MarshalJSON writes the sealed form; an unsealed value is an error.
func (p Point) MarshalJSON() ([]byte, error) {
	return p.encode(func() ([]byte, error) {
		at, ok := p.Plain()
		if !ok {
			return nil, errors.New("seal: a position does not read")
		}
		return json.Marshal(at)
	})
}

// UnmarshalJSON reads [lon, lat] in degrees, with an altitude that is dropped, or
// the sealed form. A position out of range is a *refusal.Error; [0, 0] is taken.
func (p *Point) UnmarshalJSON(data []byte) error {
	if p.decode(data) {
		return nil
	}
	var at geo.Point
	if err := at.UnmarshalJSON(data); err != nil {
		return err
	}
	*p = NewPoint(at)
	return nil
}

// JSON is any personal JSON value: the members a newer app sends, a free object.
// Its plaintext is canonical: members in the order of their names, no space
// between, numbers as they were written, so that whole numbers stay exact.
type JSON struct{ part }

// NewJSON makes an open value that is yet to be sealed. null and nothing are no
// value. An error says that raw is not JSON, and does not repeat it.
func NewJSON(raw json.RawMessage) (JSON, error) {
	p, err := jsonPart(raw)
	return JSON{p}, err
}

func (j *JSON) core() *part { return &j.part }
func (j *JSON) kind() kind  { return jsonKind }

// Plain is the value; nil when there is none, it is not open, or it is erased.
func (j JSON) Plain() json.RawMessage { return bytes.Clone(j.plain) }

// MarshalJSON writes the sealed form; an unsealed value is an error.
func (j JSON) MarshalJSON() ([]byte, error) {
	return j.encode(func() ([]byte, error) { return j.plain, nil })
}

// UnmarshalJSON reads any value, or the sealed form.
func (j *JSON) UnmarshalJSON(data []byte) (err error) {
	if !j.decode(data) {
		j.part, err = jsonPart(data)
	}
	return err
}

// Value is a personal value of any type that JSON holds: a list of flags, a whole
// struct of observations. Its JSON outside is that of T; its plaintext is
// canonical as that of JSON is, and keeps members that T does not have.
type Value[T any] struct{ part }

// NewValue makes an open value that is yet to be sealed. An error says that v has no JSON.
func NewValue[T any](v T) (Value[T], error) {
	raw, err := encodePlain(v)
	if err != nil {
		return Value[T]{}, errors.New("seal: a personal value has no JSON")
	}
	p, err := jsonPart(raw)
	return Value[T]{p}, err
}

func (v *Value[T]) core() *part { return &v.part }
func (v *Value[T]) kind() kind  { return jsonKind }

// Plain is the value; zero when there is none, it is not open, or it is erased.
func (v Value[T]) Plain() (out T) {
	if v.open {
		// It was read into a T when it was made; what a later T cannot take stays zero.
		_ = json.Unmarshal(v.plain, &out)
	}
	return out
}

// MarshalJSON writes the sealed form; an unsealed value is an error.
func (v Value[T]) MarshalJSON() ([]byte, error) {
	return v.encode(func() ([]byte, error) { return v.plain, nil })
}

// UnmarshalJSON reads what a T reads, or the sealed form.
func (v *Value[T]) UnmarshalJSON(data []byte) (err error) {
	if v.decode(data) {
		return nil
	}
	var t T
	if err := json.Unmarshal(data, &t); err != nil {
		return err
	}
	v.part, err = jsonPart(data)
	return err
}

// jsonPart is an open part that holds a JSON value.
func jsonPart(raw []byte) (part, error) {
	plain, err := canonical(raw)
	if err != nil || string(plain) == "null" {
		return part{}, err
	}
	return part{plain: plain, open: true}, nil
}

// canonical writes a JSON value in the one form that is committed to. Nothing gives null.
func canonical(raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return []byte("null"), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || len(bytes.TrimSpace(raw[d.InputOffset():])) > 0 {
		return nil, errors.New("seal: not one JSON value")
	}
	return encodePlain(v)
}

// encodePlain writes JSON without escaping what only HTML needs escaped.
func encodePlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
