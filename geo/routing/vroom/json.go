package vroom

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"doorstep/geo/routing"
)

// Bounds of the text, independent of Limits.
const (
	maxText  = 1 << 30 // bytes in all
	maxValue = 4 << 20 // bytes of one string, number or row of a matrix
	maxDepth = 100     // of a value that is skipped
	maxList  = 200     // entries of a list of skills, windows and the like
	maxWords = 10_000  // bytes of a description
)

// place is the place of a value in the text; nil is the whole text.
type place struct {
	up  *place
	key string // "": index is meant
	i   int
}

func (p *place) field(key string) *place { return &place{p, key, 0} }
func (p *place) entry(i int) *place      { return &place{p, "", i} }

func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.key == "":
		return fmt.Sprintf("%s[%d]", p.up, p.i)
	}
	key := p.key
	if len(key) > 40 || strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
	}) {
		key = fmt.Sprintf("%.40q", key)
	}
	if p.up == nil {
		return key
	}
	return p.up.String() + "." + key
}

// guard bounds the bytes of one value and of all values, so that the decoder never holds
// an endless one.
type guard struct {
	in         io.Reader
	value, all int
}

var (
	errValueTooLong = fmt.Errorf("one string, number or row is longer than %d bytes", maxValue)
	errTextTooLong  = fmt.Errorf("it is longer than %d bytes", maxText)
)

func (g *guard) Read(p []byte) (int, error) {
	if g.value > maxValue {
		return 0, errValueTooLong
	}
	if g.all > maxText {
		return 0, errTextTooLong
	}
	n, err := g.in.Read(p[:min(len(p), 64<<10)])
	g.value += n
	g.all += n
	return n, err
}

// reader reads JSON token by token.
type reader struct {
	dec   *json.Decoder
	guard *guard
	begun int64 // bytes of the text before those that the decoder sees
}

func newReader(in io.Reader) *reader {
	b := bufio.NewReader(in)
	begun := 0
	// An error is met again when the text is read.
	if head, _ := b.Peek(len(byteOrderMark)); string(head) == byteOrderMark {
		begun, _ = b.Discard(len(head))
	}
	g := &guard{in: b}
	d := json.NewDecoder(g)
	d.UseNumber()
	return &reader{d, g, int64(begun)}
}

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// first is the byte that the next value begins with, which is left to be read;
// 0 if there is none.
func (r *reader) first() byte {
	r.guard.value = 0
	r.dec.More() // has the decoder hold what it is going to read
	held, _ := io.ReadAll(r.dec.Buffered())
	if held = bytes.TrimLeft(held, " \t\r\n"); len(held) > 0 {
		return held[0]
	}
	return 0
}

// offset returns the number of bytes read.
func (r *reader) offset() int64 { return r.begun + r.dec.InputOffset() }

// broken returns why the text cannot be read further.
func (r *reader) broken(at *place, err error) *Error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errValueTooLong), errors.Is(err, errTextTooLong):
		return fault(routing.CodeTooLarge, at, "near byte %d the text is too long: %v", r.offset(), err)
	case errors.As(err, &syntax):
		return fault(CodeJSON, at, "near byte %d this is not JSON: %v; mend the text there", r.offset(), syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault(CodeJSON, at, "the text ends at byte %d, too early: send the whole problem",
			r.begun+int64(r.guard.all))
	}
	e := fault(CodeJSON, at, "the text cannot be read: %v", err)
	e.err = err
	return e
}

func (r *reader) token(at *place) (json.Token, *Error) {
	r.guard.value = 0
	t, err := r.dec.Token()
	if err != nil {
		return nil, r.broken(at, err)
	}
	return t, nil
}

// wrong returns the error for a value of the wrong kind.
func wrong(at *place, got json.Token, want string) *Error {
	kind := "null: leave the key out, or"
	switch v := got.(type) {
	case json.Delim:
		kind = "an object:"
		if v == '[' {
			kind = "a list:"
		}
	case string:
		kind = "a string:"
	case json.Number:
		kind = "a number:"
	case bool:
		kind = "a truth value:"
	}
	return fault(CodeJSON, at, "is %s write %s", kind, want)
}

// object calls field for each key of an object, with its place. field must read the
// value. object skips keys that begin with "_".
func (r *reader) object(at *place, want string, field func(key string, at *place) *Error) *Error {
	t, err := r.token(at)
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return wrong(at, t, want)
	}
	var seen []string
	for r.dec.More() {
		t, err := r.token(at)
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return wrong(at, t, "a key in quotes")
		}
		here := at.field(key)
		if strings.HasPrefix(key, "_") {
			if err := r.skip(here); err != nil {
				return err
			}
			continue
		}
		for _, s := range seen {
			if s == key {
				return fault(CodeJSON, here, "is there twice: give it once")
			}
		}
		if seen = append(seen, key); len(seen) > 100 {
			return fault(routing.CodeTooLarge, at, "has more than 100 keys")
		}
		if err := field(key, here); err != nil {
			return err
		}
	}
	_, err = r.token(at)
	return err
}

// list calls entry for each entry of a list, with its place. entry must read it.
func (r *reader) list(at *place, most int, want string, entry func(i int, at *place) *Error) *Error {
	t, err := r.token(at)
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return wrong(at, t, want)
	}
	for i := 0; r.dec.More(); i++ {
		if i == most {
			return fault(routing.CodeTooLarge, at, "more than %d entries; that is the limit here", most)
		}
		if err := entry(i, at.entry(i)); err != nil {
			return err
		}
	}
	_, err = r.token(at)
	return err
}

// skip reads a value and drops it.
func (r *reader) skip(at *place) *Error {
	for depth := 0; ; {
		t, err := r.token(at)
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fault(routing.CodeTooLarge, at, "is nested deeper than %d levels", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// integer reads a whole number from low to high.
func (r *reader) integer(at *place, low, high int64) (int64, *Error) {
	t, err := r.token(at)
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, wrong(at, t, "a whole number")
	}
	v, err := whole(at, string(n), low, high)
	return v, err
}

func whole(at *place, text string, low, high int64) (int64, *Error) {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(text, 64)
		if ferr == nil && f != math.Trunc(f) {
			return 0, fault(CodeJSON, at, "is %s: write a whole number", quoted(text))
		}
		// Beyond 2^53 a float is not exact; that is beyond every limit but an id's.
		if ferr != nil || math.Abs(f) > 1<<53 {
			if strings.HasPrefix(text, "-") {
				return 0, fault(routing.CodeNegative, at, "is %s: write %d or more", quoted(text), low)
			}
			return 0, fault(routing.CodeTooLarge, at, "is %s: write at most %d", quoted(text), high)
		}
		v = int64(f)
	}
	if v < low {
		return 0, fault(routing.CodeNegative, at, "is %s: write %d or more", quoted(text), low)
	}
	if v > high {
		return 0, fault(routing.CodeTooLarge, at, "is %s: write at most %d", quoted(text), high)
	}
	return v, nil
}

// quoted returns a number as it was written or, if it is very long, its beginning, which
// it marks as such.
func quoted(text string) string {
	if len(text) <= 40 {
		return text
	}
	return fmt.Sprintf("%.20s… (%d characters)", text, len(text))
}

// id reads an id, which may be any whole number of 64 bits without sign.
func (r *reader) id(at *place) (uint64, *Error) {
	t, err := r.token(at)
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, wrong(at, t, "a whole number")
	}
	if v, err := strconv.ParseUint(string(n), 10, 64); err == nil {
		return v, nil
	}
	v, err := whole(at, string(n), 0, math.MaxInt64)
	if err != nil && err.code == routing.CodeTooLarge {
		err.Msg = fmt.Sprintf("is %s: write at most %d, in digits", quoted(string(n)), uint64(math.MaxUint64))
	}
	return uint64(v), err
}

// number reads a number from low to high.
func (r *reader) number(at *place, low, high float64) (float64, *Error) {
	t, err := r.token(at)
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, wrong(at, t, "a number")
	}
	f, ferr := strconv.ParseFloat(string(n), 64)
	if ferr != nil || f < low || f > high {
		return 0, fault(routing.CodeTooLarge, at, "is %s: write a number from %g to %g", quoted(string(n)), low, high)
	}
	return f, nil
}

// text reads a string.
func (r *reader) text(at *place) (string, *Error) {
	t, err := r.token(at)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", wrong(at, t, "a text in quotes")
	}
	if len(s) > maxWords {
		return "", fault(routing.CodeTooLarge, at, "has %d bytes, at most %d", len(s), maxWords)
	}
	return s, nil
}

// word reads a string that is one of some words, and returns its place among them.
func (r *reader) word(at *place, words ...string) (int, *Error) {
	s, err := r.text(at)
	if err != nil {
		return 0, err
	}
	for i, w := range words {
		if s == w {
			return i, nil
		}
	}
	return 0, fault(CodeJSON, at, "is %.20q: write one of %s", s, strings.Join(words, ", "))
}

func (r *reader) truth(at *place) (bool, *Error) {
	t, err := r.token(at)
	if err != nil {
		return false, err
	}
	b, ok := t.(bool)
	if !ok {
		return false, wrong(at, t, "true or false")
	}
	return b, nil
}

// end returns an error if anything follows.
func (r *reader) end() *Error {
	r.guard.value = 0
	if t, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		if err != nil {
			return r.broken(nil, err)
		}
		return fault(CodeJSON, nil, "something follows after the problem, near byte %d (%.20q): send one object",
			r.offset(), fmt.Sprint(t))
	}
	return nil
}

// cells is a row of a matrix. It is read in one piece: a matrix may have
// millions of numbers.
type cells struct {
	row  []int32
	high int64
	at   *place
	bad  *Error
}

// UnmarshalJSON reads the row; text is well-formed JSON.
func (c *cells) UnmarshalJSON(text []byte) error {
	s := strings.TrimSpace(string(text))
	if !strings.HasPrefix(s, "[") {
		c.bad = fault(CodeJSON, c.at, "is not a list: write a row of whole numbers")
		return nil
	}
	s = strings.TrimSpace(s[1 : len(s)-1])
	if s == "" {
		return nil
	}
	c.row = make([]int32, 0, strings.Count(s, ",")+1)
	for more := true; more; {
		var one string
		one, s, more = strings.Cut(s, ",")
		one = strings.TrimSpace(one)
		if v, err := strconv.ParseInt(one, 10, 64); err == nil && v >= 0 && v <= c.high {
			c.row = append(c.row, int32(v))
			continue
		}
		at := c.at.entry(len(c.row))
		if one == "" || one[0] != '-' && (one[0] < '0' || one[0] > '9') {
			c.bad = fault(CodeJSON, at, "is not a number: write whole numbers only")
			return nil
		}
		v, bad := whole(at, one, 0, c.high)
		if bad != nil {
			c.bad = bad
			return nil
		}
		c.row = append(c.row, int32(v))
	}
	return nil
}

// row reads a row of whole numbers from 0 to high.
func (r *reader) row(at *place, high int64) ([]int32, *Error) {
	r.guard.value = 0
	c := cells{high: high, at: at}
	if err := r.dec.Decode(&c); err != nil {
		return nil, r.broken(at, err)
	}
	if c.bad == nil && c.row == nil {
		c.row = []int32{}
	}
	return c.row, c.bad
}
