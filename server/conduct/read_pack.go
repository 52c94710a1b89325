package conduct

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"doorstep/auth/refusal"

	"gopkg.in/yaml.v3"
)

// packReader decodes one pack and collects its faults.
type packReader struct {
	problems
	name string
	text []byte
}

// decode reads a pack's only document.
func (r *packReader) decode() object {
	if !utf8.Valid(r.text) {
		r.add("", "the text is not UTF-8")
		return newObject(&r.problems, "", nil)
	}
	var v any
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(r.text))
	err := d.Decode(&doc)
	if err == nil && r.keysTwice(&doc) {
		return newObject(&r.problems, "", nil)
	}
	if err == nil {
		err = doc.Decode(&v)
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		r.add("", "%s", strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
	case v == nil:
		r.add("", "the pack is empty")
	default:
		// A second document would have no effect, so it is an error.
		var more yaml.Node
		if d.Decode(&more) == nil {
			r.add("", "a pack is one document; put the second into a pack of its own")
		}
	}
	return newObject(&r.problems, "", r.plain("", v))
}

// keysTwice reports every key that stands twice in one mapping, by what it means: YAML has several spellings of a
// number, a date or null, and an alias can be a key. yaml.v3 compares spellings and lets the last value win.
func (r *packReader) keysTwice(node *yaml.Node) (found bool) {
	seen := map[string]bool{}
	for i, child := range node.Content {
		if r.keysTwice(child) {
			found = true
		}
		if node.Kind != yaml.MappingNode || i%2 != 0 || child.ShortTag() == "!!merge" {
			continue
		}
		var k any
		if child.Decode(&k) != nil {
			continue // the mapping's own decoding says so
		}
		key := keyText(k)
		if seen[key] {
			r.add("", "line %d: the key %.40q is there twice", child.Line, key)
			found = true
		}
		seen[key] = true
	}
	return found
}

// keyText is a key as JSON has it.
func keyText(k any) string {
	switch k := k.(type) {
	case time.Time:
		return dateText(k)
	case nil:
		return "null"
	}
	return fmt.Sprint(k)
}

// plain turns values that JSON does not have into texts: keys that are not texts, and dates.
func (r *packReader) plain(path string, v any) any {
	under := func(key string) string { return object{path: path}.at(key) }
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = r.plain(under(k), v[k])
		}
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			key := keyText(k)
			m[key] = r.plain(under(key), x)
		}
		return m
	case []any:
		for i := range v {
			v[i] = r.plain(index(path, i), v[i])
		}
	case string:
		if strings.ContainsFunc(v, isControl) {
			r.add(path, "this holds control characters")
		}
	case time.Time:
		return dateText(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.add(path, "this is not a number")
			return nil
		}
	}
	return v
}

// isControl tells whether c is a control character other than a tab or a line end; YAML cannot hold those.
func isControl(c rune) bool { return unicode.IsControl(c) && c != '\t' && c != '\n' && c != '\r' }

// dateText turns an unquoted YAML date back into text.
func dateText(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// maxTold is how many places the text of an error names; its Faults has all of them.
const maxTold = 20

// faultsOf returns one error with all faults, or nil.
func faultsOf(packs []*packReader, all *problems) error {
	var places []refusal.Fault
	for _, r := range packs {
		var doc yaml.Node
		if len(r.list) > 0 && yaml.Unmarshal(r.text, &doc) != nil {
			doc = yaml.Node{}
		}
		for _, e := range r.list {
			places = append(places, refusal.Fault{File: r.name, Place: e.Place, Line: lineOf(&doc, e), Msg: e.Msg})
		}
	}
	for _, e := range all.list {
		places = append(places, refusal.Fault{Place: e.Place, Msg: e.Msg})
	}
	if len(places) == 0 {
		return nil
	}
	var lines []string
	for i, p := range places {
		if i == maxTold {
			lines = append(lines, fmt.Sprintf("and %d more", len(places)-i))
			break
		}
		lines = append(lines, p.String())
	}
	e := refusal.New(refusal.Malformed, all.code, "", "%s", strings.Join(lines, "; "))
	e.Faults = places
	return e
}

var toldLine = regexp.MustCompile(`\bline (\d+)`)

// lineOf returns the line of a problem's field, or of the enclosing field if that field is missing.
func lineOf(doc *yaml.Node, e *refusal.Error) int {
	if e.Place == "" {
		if m := toldLine.FindStringSubmatch(e.Msg); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
		return 0
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return 0
	}
	node, rest, line := doc.Content[0], e.Place, doc.Content[0].Line
	for rest != "" {
		for node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		next, at, left := step(node, rest)
		if next == nil {
			return line
		}
		node, line, rest = next, at, left
	}
	return line
}

// step follows one key or index of a path and returns the rest of the path.
func step(node *yaml.Node, path string) (next *yaml.Node, line int, rest string) {
	if digits, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && path[0] == '[' {
		i, err := strconv.Atoi(digits)
		if err != nil || node.Kind != yaml.SequenceNode || i >= len(node.Content) {
			return nil, 0, ""
		}
		return node.Content[i], node.Content[i].Line, strings.TrimPrefix(after, ".")
	}
	if node.Kind != yaml.MappingNode {
		return nil, 0, ""
	}
	longest := -1 // keys may hold dots
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		after, ok := strings.CutPrefix(path, key)
		if ok && len(key) > longest && (after == "" || after[0] == '.' || after[0] == '[') {
			longest, next, line, rest = len(key), node.Content[i+1], node.Content[i].Line, strings.TrimPrefix(after, ".")
		}
	}
	return next, line, rest
}
