package conduct

import (
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strconv"

	"doorstep/auth/refusal"
)

// problems collects the faults of a document while it is read.
type problems struct {
	list []*refusal.Error
	code string
}

func (p *problems) add(field, format string, args ...any) {
	p.list = append(p.list, refusal.New(refusal.Malformed, p.code, field, format, args...))
}

// first returns the first problem, or nil.
func (p *problems) first() error {
	if len(p.list) == 0 {
		return nil
	}
	return p.list[0]
}

// object reads a decoded JSON or YAML object field by field and remembers which fields
// were read, so that done can report the others. A null field counts as absent.
type object struct {
	path string
	m    map[string]any
	read map[string]bool
	p    *problems
}

func newObject(p *problems, path string, v any) object {
	o := object{path: path, read: map[string]bool{}, p: p}
	var ok bool
	if o.m, ok = v.(map[string]any); !ok && v != nil {
		p.add(path, "this must be an object")
	}
	return o
}

func (o object) at(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

func (o object) take(key string) (any, bool) {
	o.read[key] = true
	v := o.m[key]
	return v, v != nil
}

// fieldName matches the names that fields may have.
var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// done reports every field that was not read.
func (o object) done() {
	var unknown []string
	for k := range o.m {
		if !o.read[k] {
			unknown = append(unknown, k)
		}
	}
	sort.Strings(unknown)
	for _, k := range unknown {
		if fieldName.MatchString(k) {
			o.p.add(o.at(k), "there is no such field")
		} else {
			// The key may be a person's name, so the message does not repeat it.
			o.p.add(o.path, "there is a field here that does not exist")
		}
	}
}

// skip marks fields as read that have no effect, such as notes.
func (o object) skip(keys ...string) {
	for _, k := range keys {
		o.read[k] = true
	}
}

func (o object) str(key string) string {
	v, ok := o.take(key)
	if !ok {
		return ""
	}
	return readStr(o.p, o.at(key), v)
}

// need is str for a required field.
func (o object) need(key string) string {
	s := o.str(key)
	if _, there := o.m[key]; s == "" && (!there || o.m[key] == nil || o.m[key] == "") {
		o.p.add(o.at(key), "this must be given")
	}
	return s
}

func (o object) flag(key string) bool {
	v, ok := o.take(key)
	if !ok {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		o.p.add(o.at(key), "this must be true or false")
	}
	return b
}

// integer reads a whole number between lo and hi.
func (o object) integer(key string, lo, hi int) (int, bool) {
	v, ok := o.take(key)
	if !ok {
		return 0, false
	}
	n, ok := 0, false
	switch v := v.(type) {
	case int:
		n, ok = v, true
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			n, ok = i, true
		}
	}
	if !ok || n < lo || n > hi {
		o.p.add(o.at(key), "this must be a whole number from %d to %d", lo, hi)
		return 0, false
	}
	return n, true
}

func (o object) when(key string) When {
	s := o.str(key)
	if s == "" {
		if v, there := o.take(key); there && v == "" {
			o.p.add(o.at(key), "a time is empty")
		}
		return When{}
	}
	w, err := parseWhen(o.at(key), s)
	if err != nil {
		o.p.add(err.Place, "%s", err.Msg)
	}
	return w
}

func (o object) list(key string) []any {
	v, ok := o.take(key)
	if !ok {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		o.p.add(o.at(key), "this must be a list")
	}
	return l
}

// strs reads a list of strings; nil if the field is absent.
func (o object) strs(key string) []string {
	l := o.list(key)
	if l == nil {
		return nil
	}
	out := make([]string, len(l))
	for i, v := range l {
		out[i] = readStr(o.p, o.at(key)+"["+strconv.Itoa(i)+"]", v)
	}
	return out
}

// objects reads a list of objects; a lone object is a list of one.
func (o object) objects(key string) []object {
	v, ok := o.take(key)
	if !ok {
		return nil
	}
	if m, lone := v.(map[string]any); lone {
		return []object{newObject(o.p, o.at(key), m)}
	}
	var out []object
	for i, v := range o.list(key) {
		path := o.at(key) + "[" + strconv.Itoa(i) + "]"
		if v == nil {
			o.p.add(path, "this must be an object")
			continue
		}
		out = append(out, newObject(o.p, path, v))
	}
	return out
}

// object reads a field that is an object; ok is false if the field is absent.
func (o object) object(key string) (object, bool) {
	v, ok := o.take(key)
	return newObject(o.p, o.at(key), v), ok
}

// keys returns the names of the object's fields, sorted.
func (o object) keys() []string {
	keys := make([]string, 0, len(o.m))
	for k := range o.m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func readStr(p *problems, path string, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	p.add(path, "this must be a text")
	return ""
}
