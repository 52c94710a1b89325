package journal

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// TopFields reads top-level fields of a document's state, in the order asked: each
// a string or an int64. ok is false when one is absent, null, or of another kind.
// It is for stores, which keep declared indexes; a state is canonical JSON (no
// white space), and nothing but the fields asked for is decoded.
func TopFields(state []byte, fields []string) (vals []any, ok bool) {
	if len(state) < 2 || state[0] != '{' {
		return nil, false
	}
	vals = make([]any, len(fields))
	left := len(fields)
	for i := 1; i < len(state) && state[i] == '"' && left > 0; {
		end := skipString(state, i)
		if end < 0 || end >= len(state) || state[end] != ':' {
			return nil, false
		}
		name := state[i+1 : end-1]
		value := end + 1
		next := skipValue(state, value)
		if next < 0 {
			return nil, false
		}
		for k, f := range fields {
			if vals[k] != nil || f != string(name) {
				continue
			}
			if vals[k] = scalar(state[value:next]); vals[k] == nil {
				return nil, false
			}
			left--
		}
		if next >= len(state) || state[next] != ',' {
			break
		}
		i = next + 1
	}
	return vals, left == 0
}

// Pick gives the object that has only some of the top-level members of a document's state, for a reader who needs few
// of many: it skips the others without looking at them. ok is false if the state is no object in canonical form.
func Pick(state []byte, names ...string) (picked json.RawMessage, ok bool) {
	if len(state) < 2 || state[0] != '{' {
		return nil, false
	}
	picked = append(make([]byte, 0, 256), '{')
	left := len(names)
	for i := 1; state[i] == '"' && left > 0; {
		end := skipString(state, i)
		if end < 0 || end >= len(state) || state[end] != ':' {
			return nil, false
		}
		next := skipValue(state, end+1)
		if next < 0 || next >= len(state) || state[next] != ',' && state[next] != '}' {
			return nil, false
		}
		if slices.Contains(names, string(state[i+1:end-1])) {
			if len(picked) > 1 {
				picked = append(picked, ',')
			}
			picked = append(picked, state[i:next]...)
			left--
		}
		i = min(next+1, len(state)-1)
	}
	return append(picked, '}'), true
}

// scalar decodes a string or an integer; nil for anything else.
func scalar(v []byte) any {
	if len(v) == 0 {
		return nil
	}
	if v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) != nil {
			return nil
		}
		return s
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n
	}
	return nil
}

// skipString returns the index after the string that begins at i, or -1.
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		end := bytes.IndexByte(b[i:], '"')
		if end < 0 {
			return -1
		}
		escape := bytes.IndexByte(b[i:i+end], '\\')
		if escape < 0 {
			return i + end + 1
		}
		i += escape + 2
	}
	return -1
}

// skipValue returns the index after the value that begins at i, or -1.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around a bare value
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}
