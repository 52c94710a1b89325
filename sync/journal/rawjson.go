package journal

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Raw JSON within an entry (states, verdicts, receipts) is canonical when it has no
// white space, its numbers are whole and fit an int64, its strings are valid UTF-8
// without NUL or half a surrogate pair, and no object names a member twice. What is
// canonical means the same to every reader, and comes back from every store.

var (
	errCut     = errors.New("it is cut short")
	errSyntax  = errors.New("it is not compact JSON")
	errFloat   = errors.New("a number is not whole, or too large")
	errString  = errors.New("a string is not valid UTF-8, or holds a NUL or half a surrogate pair")
	errTwice   = errors.New("an object names a member twice")
	errTooDeep = errors.New("it is nested too deeply")
)

// maxDepth is how deeply raw JSON may be nested.
const maxDepth = 100

// checkRaw tells what keeps b from being one canonical JSON value.
func checkRaw(b []byte) error {
	s := rawScanner{b: b}
	if err := s.value(0); err != nil {
		return err
	}
	if s.i != len(b) {
		return errSyntax
	}
	return nil
}

type rawScanner struct {
	b []byte
	i int
}

func (s *rawScanner) peek() byte {
	if s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *rawScanner) value(depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if s.i >= len(s.b) {
		return errCut
	}
	switch c := s.b[s.i]; {
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if len(s.b)-s.i >= len(word) && string(s.b[s.i:s.i+len(word)]) == word {
			s.i += len(word)
			return nil
		}
	}
	return errSyntax
}

func (s *rawScanner) object(depth int) error {
	s.i++
	if s.peek() == '}' {
		s.i++
		return nil
	}
	var few [16]string
	names := few[:0]
	var many map[string]bool // of an object with more members than few has room for
	for {
		if s.peek() != '"' {
			return errSyntax
		}
		text, err := s.text()
		if err != nil {
			return err
		}
		name := string(text)
		if many == nil && len(names) == len(few) {
			many = make(map[string]bool, 2*len(names))
			for _, n := range names {
				many[n] = true
			}
		}
		if many != nil {
			if many[name] {
				return errTwice
			}
			many[name] = true
		} else {
			for _, n := range names {
				if n == name {
					return errTwice
				}
			}
			names = append(names, name)
		}
		if s.peek() != ':' {
			return errSyntax
		}
		s.i++
		if err := s.value(depth + 1); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return errSyntax
		}
	}
}

func (s *rawScanner) array(depth int) error {
	s.i++
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return errSyntax
		}
	}
}

func (s *rawScanner) number() error {
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c == '.' || c == 'e' || c == 'E' {
			return errFloat
		}
		if c != '-' && (c < '0' || c > '9') {
			break
		}
		s.i++
	}
	text := string(s.b[from:s.i])
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return errFloat
	}
	if err != nil || strconv.FormatInt(n, 10) != text { // leading zeros, -0
		return errSyntax
	}
	return nil
}

// text reads a string and gives what it means.
func (s *rawScanner) text() ([]byte, error) {
	s.i++
	from := s.i
	var decoded []byte // nil as long as nothing was escaped
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			raw := s.b[from:s.i]
			s.i++
			if !utf8.Valid(raw) {
				return nil, errString
			}
			if decoded == nil {
				return raw, nil
			}
			return decoded, nil
		case c < 0x20:
			return nil, errSyntax
		case c == '\\':
			if decoded == nil {
				decoded = append(make([]byte, 0, 2*(s.i-from)+8), s.b[from:s.i]...)
			}
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			decoded = utf8.AppendRune(decoded, r)
		default:
			if decoded != nil {
				decoded = append(decoded, c)
			}
			s.i++
		}
	}
	return nil, errCut
}

// escape reads what begins with a backslash.
func (s *rawScanner) escape() (rune, error) {
	if s.i+1 >= len(s.b) {
		return 0, errCut
	}
	c := s.b[s.i+1]
	s.i += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return 0, errSyntax
	}
	r, err := s.hex4()
	if err != nil {
		return 0, err
	}
	if utf16.IsSurrogate(r) {
		if s.peek() != '\\' || s.i+1 >= len(s.b) || s.b[s.i+1] != 'u' {
			return 0, errString
		}
		s.i += 2
		low, err := s.hex4()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, errString
		}
	}
	if r == 0 {
		return 0, errString
	}
	return r, nil
}

func (s *rawScanner) hex4() (rune, error) {
	if s.i+4 > len(s.b) {
		return 0, errCut
	}
	n, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	if err != nil {
		return 0, errSyntax
	}
	s.i += 4
	return rune(n), nil
}
