// Package strictjson checks JSON before it is read: every room that takes JSON from outside
// asks it, and so does the journal, for what it keeps.
//
// encoding/json passes over some faults in silence. It keeps the last of two members with one
// name, and it replaces bytes that are not UTF-8 and half a surrogate pair by U+FFFD. Then two
// readers of one text may understand two things, and what is kept is not what was sent. Check
// refuses such texts, and also NULs, which stores do not keep, and deep nesting. What passes
// Check means the same to every reader, and encoding/json loses nothing of it. Numbers are
// checked as text and keep their digits: Value and Members give them as they were written.
//
// The package knows no schema: which members an object may have, and of which type, is for the
// caller to say. It imports no other room.
package strictjson

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// The deepest nesting of objects and lists that is taken.
const (
	MaxDepth          = 64  // of a text from outside
	MaxCanonicalDepth = 100 // of a text in canonical form, which may hold one from outside
)

// Kind says what is wrong with a text.
type Kind int

// The kinds of fault.
const (
	Syntax    Kind = iota + 1 // the text is not JSON
	Cut                       // the text ends too early
	Trailing                  // something follows the value
	UTF8                      // a string is not valid UTF-8
	Surrogate                 // a string holds half a surrogate pair
	NUL                       // a string holds U+0000
	Repeated                  // an object names a member twice
	Deep                      // objects and lists are nested too deeply
	NotObject                 // the value is not an object, where one is asked for
	Number                    // a number is not whole or does not fit an int64: canonical form only
)

var kinds = [...]string{"unknown", "not JSON", "the JSON ends too early", "something follows the JSON value",
	"not UTF-8", "half a surrogate pair in the text", "a NUL in the text", "a member is named twice", "nested too deep",
	"not an object", "a number that is not whole, or too large"}

// String says what is wrong, in words for the sender.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kinds) {
		k = 0
	}
	return kinds[k]
}

// Fault is the first thing that is wrong with a text.
type Fault struct {
	Kind Kind
	// At is the byte at fault, from 0: the first byte of a string that is at fault as a whole.
	At int
	// Place is the path of the value at fault, such as history[2].at; "" is the whole text. Its
	// names come from the text, so they may be personal data. A name of over 64 bytes is "…" in it.
	Place string
}

// Error says what is wrong and at which byte, from 1. It repeats nothing of the text.
func (f *Fault) Error() string { return f.Kind.String() + " at byte " + strconv.Itoa(f.At+1) }

// placeName is a member's name as a place has it.
func placeName(name string) string {
	if len(name) > 64 {
		return "…"
	}
	return name
}

// under puts the name of a member, or the index of an entry of a list, before the place.
func (f *Fault) under(outer string) {
	if f.Place != "" && f.Place[0] != '[' {
		outer += "."
	}
	f.Place = outer + f.Place
}

// Member is a member of an object.
type Member struct {
	Name  string          // without escapes
	Value json.RawMessage // shares its bytes with the text
}

// Check returns what is wrong with a text that should be one JSON value, nil if nothing is.
func Check(text []byte) *Fault {
	s := scanner{text: text, depth: MaxDepth}
	return s.whole(nil)
}

// CheckCanonical is Check for the form in which the journal keeps JSON: there is no white space,
// and every number is whole, fits an int64 and has one spelling. Strings may be escaped in several
// ways.
func CheckCanonical(text []byte) *Fault {
	s := scanner{text: text, depth: MaxCanonicalDepth, canonical: true}
	return s.whole(nil)
}

// Members returns the members of a text that should be one JSON object, in their order. The
// text is checked as a whole, as Check does.
func Members(text []byte) ([]Member, *Fault) {
	s := scanner{text: text, depth: MaxDepth}
	s.space()
	if s.i < len(text) && s.text[s.i] != '{' {
		if f := s.whole(nil); f != nil {
			return nil, f
		}
		return nil, &Fault{Kind: NotObject}
	}
	members := []Member{}
	if f := s.whole(&members); f != nil {
		return nil, f
	}
	return members, nil
}

// Value returns a text that should be one JSON value as encoding/json decodes it into an any,
// with each number as a json.Number.
func Value(text []byte) (any, *Fault) {
	if f := Check(text); f != nil {
		return nil, f
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, &Fault{Kind: Syntax} // no text that passed Check comes here; the fuzz test holds to it
	}
	return v, nil
}
