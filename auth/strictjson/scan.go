package strictjson

import (
	"strconv"
	"unicode/utf8"
)

// scanner reads a text once, from its beginning to its end.
type scanner struct {
	text      []byte
	i         int // what is read
	depth     int // how many more levels may be opened
	canonical bool
}

func (s *scanner) fault(k Kind, at int) *Fault { return &Fault{Kind: k, At: at} }

// next is the byte to be read; 0 at the end.
func (s *scanner) next() byte {
	if s.i >= len(s.text) {
		return 0
	}
	return s.text[s.i]
}

// unexpected is the fault of a text whose next byte does not fit.
func (s *scanner) unexpected() *Fault {
	if s.i >= len(s.text) {
		return s.fault(Cut, s.i)
	}
	return s.fault(Syntax, s.i)
}

func (s *scanner) space() {
	if s.canonical {
		return
	}
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// whole reads the only value of a text. If members is not nil and the value is an object, it
// gets the object's members.
func (s *scanner) whole(members *[]Member) *Fault {
	s.space()
	var f *Fault
	if members != nil && s.next() == '{' {
		f = s.object(members)
	} else {
		f = s.value()
	}
	if f != nil {
		return f
	}
	if s.space(); s.i < len(s.text) {
		return s.fault(Trailing, s.i)
	}
	return nil
}

func (s *scanner) value() *Fault {
	switch c := s.next(); c {
	case '{':
		return s.object(nil)
	case '[':
		return s.list()
	case '"':
		_, f := s.str()
		return f
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return s.number()
		}
	}
	return s.unexpected()
}

func (s *scanner) word(w string) *Fault {
	for k := range len(w) {
		if s.next() != w[k] {
			return s.unexpected()
		}
		s.i++
	}
	return nil
}

func (s *scanner) object(members *[]Member) *Fault {
	if s.depth == 0 {
		return s.fault(Deep, s.i)
	}
	s.depth--
	s.i++
	if s.space(); s.next() == '}' {
		s.i++
		s.depth++
		return nil
	}
	var seen names
	for {
		if s.next() != '"' {
			return s.unexpected()
		}
		begun := s.i
		raw, f := s.str()
		if f != nil {
			return f
		}
		name := string(raw)
		if !seen.add(name) {
			return &Fault{Repeated, begun, placeName(name)}
		}
		if s.space(); s.next() != ':' {
			return s.unexpected()
		}
		s.i++
		s.space()
		from := s.i
		if f := s.value(); f != nil {
			f.under(placeName(name))
			return f
		}
		if members != nil {
			*members = append(*members, Member{name, s.text[from:s.i:s.i]})
		}
		switch s.space(); s.next() {
		case ',':
			s.i++
			s.space()
		case '}':
			s.i++
			s.depth++
			return nil
		default:
			return s.unexpected()
		}
	}
}

// names are the names of an object's members. Most objects have few, and these need no map.
type names struct {
	few  [16]string
	n    int
	many map[string]bool
}

// add adds a name; false if it is there.
func (n *names) add(name string) bool {
	if n.many != nil {
		if n.many[name] {
			return false
		}
		n.many[name] = true
		return true
	}
	for _, other := range n.few[:n.n] {
		if other == name {
			return false
		}
	}
	if n.n < len(n.few) {
		n.few[n.n] = name
		n.n++
		return true
	}
	n.many = make(map[string]bool, 2*len(n.few))
	for _, other := range n.few {
		n.many[other] = true
	}
	n.many[name] = true
	return true
}

func (s *scanner) list() *Fault {
	if s.depth == 0 {
		return s.fault(Deep, s.i)
	}
	s.depth--
	s.i++
	if s.space(); s.next() == ']' {
		s.i++
		s.depth++
		return nil
	}
	for k := 0; ; k++ {
		if f := s.value(); f != nil {
			f.under("[" + strconv.Itoa(k) + "]")
			return f
		}
		switch s.space(); s.next() {
		case ',':
			s.i++
			s.space()
		case ']':
			s.i++
			s.depth++
			return nil
		default:
			return s.unexpected()
		}
	}
}

// digits reads digits, at least one.
func (s *scanner) digits() *Fault {
	begun := s.i
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		s.i++
	}
	if s.i == begun {
		return s.unexpected()
	}
	return nil
}

func (s *scanner) number() *Fault {
	begun := s.i
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
	} else if f := s.digits(); f != nil {
		return f
	}
	end := s.i
	if s.next() == '.' {
		s.i++
		if f := s.digits(); f != nil {
			return f
		}
	}
	if c := s.next(); c == 'e' || c == 'E' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		if f := s.digits(); f != nil {
			return f
		}
	}
	if s.canonical {
		if _, err := strconv.ParseInt(string(s.text[begun:end]), 10, 64); err != nil || s.i != end {
			return s.fault(Number, begun)
		}
		if string(s.text[begun:end]) == "-0" {
			return s.fault(Number, begun)
		}
	}
	return nil
}

// str reads a string and returns what it says. That shares its bytes with the text if nothing
// in it is escaped.
func (s *scanner) str() ([]byte, *Fault) {
	begun := s.i
	s.i++
	from := s.i
	var said []byte // nil as long as nothing was escaped
	ascii := true
	for s.i < len(s.text) {
		switch c := s.text[s.i]; {
		case c == '"':
			raw := s.text[from:s.i]
			if !ascii && !utf8.Valid(raw) {
				return nil, s.fault(UTF8, from+firstInvalid(raw))
			}
			s.i++
			if said == nil {
				return raw, nil
			}
			return said, nil
		case c < 0x20:
			return nil, s.fault(Syntax, s.i)
		case c == '\\':
			if said == nil {
				said = append(make([]byte, 0, s.i-from+32), s.text[from:s.i]...)
			}
			r, f := s.escape(begun)
			if f != nil {
				return nil, f
			}
			said = utf8.AppendRune(said, r)
		default:
			ascii = ascii && c < utf8.RuneSelf
			if said != nil {
				said = append(said, c)
			}
			s.i++
		}
	}
	return nil, s.fault(Cut, s.i)
}

// firstInvalid is where a text that is not UTF-8 stops being so.
func firstInvalid(text []byte) int {
	i := 0
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}

// escape reads what begins with a backslash, in a string that begins at begun.
func (s *scanner) escape(begun int) (rune, *Fault) {
	s.i++
	c := s.next()
	plain := rune(0)
	switch c {
	case '"', '\\', '/':
		plain = rune(c)
	case 'b':
		plain = '\b'
	case 'f':
		plain = '\f'
	case 'n':
		plain = '\n'
	case 'r':
		plain = '\r'
	case 't':
		plain = '\t'
	case 'u':
	default:
		return 0, s.unexpected()
	}
	s.i++
	if plain != 0 {
		return plain, nil
	}
	r, f := s.hex4()
	if f != nil {
		return 0, f
	}
	switch {
	case r == 0:
		return 0, s.fault(NUL, begun)
	case r >= 0xdc00 && r < 0xe000:
		return 0, s.fault(Surrogate, begun)
	case r < 0xd800 || r >= 0xe000:
		return r, nil
	}
	// The first half of a pair.
	if s.next() != '\\' || s.i+1 >= len(s.text) || s.text[s.i+1] != 'u' {
		return 0, s.fault(Surrogate, begun)
	}
	s.i += 2
	low, f := s.hex4()
	if f != nil {
		return 0, f
	}
	if low < 0xdc00 || low >= 0xe000 {
		return 0, s.fault(Surrogate, begun)
	}
	return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), nil
}

// hex4 reads the four digits of an escape.
func (s *scanner) hex4() (rune, *Fault) {
	var r rune
	for range 4 {
		c := s.next()
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, s.unexpected()
		}
		r = r<<4 | rune(c)
		s.i++
	}
	return r, nil
}
