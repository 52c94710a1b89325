package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"

	"gopkg.in/yaml.v3"
)

// marker stands in bad input where a name or a phone number could stand. No problem
// and no log may contain it.
const marker = "QX7 Márta Beispiel +351912345678"

// operation is an endpoint as the server's own description describes it, with its roles.
// The tests take all endpoints from the description, so they test a new one as well.
type operation struct {
	method, path, id string
	roles            []auth.Role // none: anyone
	params           []param
	body             schema // of a JSON body; nil when there is none
	bodyTypes        []string
}

type param struct {
	name, in string
	required bool
	schema   schema
}

// schema is a JSON Schema of the description. Its readers resolve references.
type schema map[string]any

// description reads the API description from the running server.
func description(t *testing.T, base string) (ops []operation, resolve func(schema) schema) {
	t.Helper()
	answer, err := http.Get(base + "/openapi.yaml")
	ok(t, err)
	text, err := io.ReadAll(answer.Body)
	ok(t, err)
	_ = answer.Body.Close()
	var doc struct {
		Components struct{ Schemas map[string]schema }
		Paths      map[string]map[string]struct {
			OperationID string `yaml:"operationId"`
			Parameters  []struct {
				Name, In string
				Required bool
				Schema   schema
			}
			Roles       []auth.Role `yaml:"x-roles"` // none: anyone
			RequestBody *struct {
				Content map[string]struct{ Schema schema }
			} `yaml:"requestBody"`
		}
	}
	ok(t, yaml.Unmarshal(text, &doc))
	resolve = func(s schema) schema {
		if ref, is := s["$ref"].(string); is {
			return doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		}
		return s
	}
	for path, item := range doc.Paths {
		for method, said := range item {
			op := operation{method: strings.ToUpper(method), path: path, id: said.OperationID}
			op.roles = said.Roles
			for _, p := range said.Parameters {
				op.params = append(op.params, param{p.Name, p.In, p.Required, resolve(p.Schema)})
			}
			if said.RequestBody != nil {
				for kind, content := range said.RequestBody.Content {
					op.bodyTypes = append(op.bodyTypes, kind)
					if strings.HasSuffix(kind, "json") && kind != "application/x-ndjson" {
						op.body = resolve(content.Schema)
					}
				}
				slices.Sort(op.bodyTypes)
			}
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(ops) < 60 {
		t.Fatalf("the description has %d endpoints only", len(ops))
	}
	return ops, resolve
}

func (o operation) has(in, name string) bool {
	return slices.ContainsFunc(o.params, func(p param) bool { return p.in == in && p.name == name })
}

// kinds returns the JSON types that a schema allows; none means any.
func (s schema) kinds() []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, x := range t {
			out = append(out, fmt.Sprint(x))
		}
		return out
	}
	return nil
}

func (s schema) child(name string) (schema, bool) {
	props, _ := s["properties"].(schema)
	c, is := props[name].(schema)
	return c, is
}

// properties returns the members of an object's schema. The YAML decoder gives nested maps the type schema too.
func (s schema) properties() map[string]schema {
	out := map[string]schema{}
	props, _ := s["properties"].(schema)
	for name, p := range props {
		if c, is := p.(schema); is {
			out[name] = c
		}
	}
	return out
}

func (s schema) required() []string {
	var out []string
	list, _ := s["required"].([]any)
	for _, x := range list {
		out = append(out, fmt.Sprint(x))
	}
	return out
}

func (s schema) number(name string) (float64, bool) {
	switch n := s[name].(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// sample returns a value that the schema allows, with every member.
func sample(s schema, resolve func(schema) schema, deep int) any {
	s = resolve(s)
	if e, is := s["examples"].([]any); is && len(e) > 0 {
		return e[0]
	}
	if e, is := s["enum"].([]any); is && len(e) > 0 {
		return e[0]
	}
	if of, is := s["oneOf"].([]any); is && len(of) > 0 {
		if first, is := of[0].(schema); is {
			return sample(first, resolve, deep+1)
		}
	}
	kinds := s.kinds()
	if len(kinds) == 0 || deep > 6 {
		return map[string]any{}
	}
	switch kinds[0] {
	case "object":
		out := map[string]any{}
		for name, p := range s.properties() {
			out[name] = sample(p, resolve, deep+1)
		}
		return out
	case "array":
		item, _ := s["items"].(schema)
		n, _ := s.number("minItems")
		out := []any{}
		for range max(1, int(n)) {
			out = append(out, sample(item, resolve, deep+1))
		}
		return out
	case "integer", "number":
		n, _ := s.number("minimum")
		return n
	case "boolean":
		return true
	case "string":
		switch s["format"] {
		case "date":
			return "2026-11-25"
		case "date-time":
			return "2026-11-25T10:00:00Z"
		}
		return "some-text"
	}
	return nil
}

// raw is a piece of a body that is sent unchanged, JSON or not.
type raw string

// render encodes a body that may contain raw pieces.
func render(v any) []byte {
	switch v := v.(type) {
	case raw:
		return []byte(v)
	case map[string]any:
		names := make([]string, 0, len(v))
		for k := range v {
			names = append(names, k)
		}
		slices.Sort(names)
		out := []byte{'{'}
		for i, k := range names {
			if i > 0 {
				out = append(out, ',')
			}
			name, _ := json.Marshal(k)
			out = append(append(append(out, name...), ':'), render(v[k])...)
		}
		return append(out, '}')
	case []any:
		out := []byte{'['}
		for i, x := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, render(x)...)
		}
		return append(out, ']')
	}
	out, _ := json.Marshal(v)
	return out
}

// variant is a body with one wrong or unusual part.
type variant struct {
	what string
	body any
	bad  bool // the schema does not allow it, so it must be refused
}

// strange lists values of every JSON type, and values that may break decoders, databases and logs.
var strange = []struct {
	what, kind string // kind "": not JSON, or not a text: refused anywhere
	v          any
}{
	{"null", "null", nil},
	{"true", "boolean", true},
	{"zero", "integer", 0},
	{"a negative number", "integer", -1},
	{"a fraction", "number", 1.5},
	{"2^53", "integer", raw("9007199254740993")},
	{"beyond int64", "integer", raw("99999999999999999999999")},
	{"beyond floats", "number", raw("1e400")},
	{"an empty text", "string", ""},
	{"a text", "string", marker},
	{"a very long text", "string", strings.Repeat(marker, 2500)},
	{"a path", "string", "../../" + marker},
	{"a formula", "string", "=cmd|' /C calc'!A0 " + marker},
	{"turned around", "string", "\u202e" + marker},
	{"a date that is none", "string", "2026-02-30"},
	{"year zero", "string", "0000-01-01T00:00:00Z"},
	{"a far year", "string", "9999-12-31T23:59:59.999999999-23:59"},
	{"an empty list", "array", []any{}},
	{"a list of texts", "array", []any{marker, marker}},
	{"a list of null", "array", []any{nil}},
	{"a list of lists", "array", []any{[]any{[]any{marker}}}},
	{"an empty object", "object", map[string]any{}},
	{"an object", "object", map[string]any{marker: marker}},
	{"a NUL", "", raw(`"a\u0000` + marker + `"`)},
	{"half a surrogate pair", "", raw(`"\ud83d` + marker + `"`)},
	{"bytes that are no UTF-8", "", raw("\"\xff\xfe" + marker + "\"")},
	{"a nest", "", raw(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000))},
	{"a number with a leading zero", "", raw("0123")},
	{"NaN", "", raw("NaN")},
	{"nothing at all", "", raw("")},
}

var further = []string{"null", "true", "a negative number", "a fraction", "beyond int64", "a text", "an empty list",
	"an object", "a NUL", "bytes that are no UTF-8"}

// variants puts every strange value into every place of a good body.
func variants(s schema, good any, resolve func(schema) schema, deep int) []variant {
	var out []variant
	s = resolve(s)
	kinds := s.kinds()
	for _, x := range strange {
		// In nested members one value of each sort is enough: the same decoder got all of them outside.
		if deep > 1 && !slices.Contains(further, x.what) {
			continue
		}
		out = append(out, variant{x.what, x.v, x.kind == "" || x.kind != "null" && !s.allows(x.kind, x.v)})
	}
	if deep > 5 {
		return out
	}
	props := s.properties()
	have, _ := good.(map[string]any)
	if len(props) == 0 {
		// The schema names no members, so those of the good body are replaced.
		props = map[string]schema{}
		for name := range have {
			props[name] = schema{}
		}
	}
	if list, is := good.([]any); is && s["items"] == nil && len(list) > 0 {
		for _, v := range variants(schema{}, list[0], resolve, deep+1) {
			if v.body != raw("") {
				out = append(out, variant{"[0]: " + v.what, append([]any{v.body}, list[1:]...), v.bad})
			}
		}
	}
	if len(props) > 0 {
		with := func(name string, v any) map[string]any {
			next := map[string]any{}
			for k, x := range have {
				next[k] = x
			}
			next[name] = v
			return next
		}
		for name, p := range props {
			now, there := have[name]
			if !there {
				now = sample(p, resolve, deep+1)
			}
			for _, v := range variants(p, now, resolve, deep+1) {
				out = append(out, variant{name + ": " + v.what, with(name, v.body), v.bad})
			}
			twice := append(render(have), []byte(`x`)...)
			if text := render(have); len(have) > 0 {
				key, _ := json.Marshal(name)
				member := string(key) + ":" + string(render(now)) + ","
				twice = []byte("{" + member + member + string(text[1:]))
			}
			out = append(out, variant{name + " twice", raw(twice), true})
		}
		open := s["additionalProperties"] == true || len(s.properties()) == 0
		out = append(out, variant{"an unknown member", with("unknown_member", marker), !open},
			variant{"an unknown member with a name in it", with(marker, 1), !open})
		for _, name := range s.required() {
			next := with(name, nil)
			delete(next, name)
			out = append(out, variant{"without " + name, next, true})
		}
	}
	if item, is := s["items"].(schema); is && slices.Contains(kinds, "array") {
		list, _ := good.([]any)
		var first any = sample(item, resolve, deep+1)
		if len(list) > 0 {
			first = list[0]
		}
		for _, v := range variants(item, first, resolve, deep+1) {
			if v.body != raw("") { // an empty list is JSON
				out = append(out, variant{"[0]: " + v.what, []any{v.body}, v.bad})
			}
		}
		if most, is := s.number("maxItems"); is {
			many := slices.Repeat([]any{first}, int(most)+1)
			out = append(out, variant{"one too many", many, true})
		}
	}
	return out
}

// allows tells whether a schema allows a value of a JSON type, as far as this simple check can tell.
func (s schema) allows(kind string, v any) bool {
	kinds := s.kinds()
	if len(kinds) == 0 {
		return true
	}
	if !slices.Contains(kinds, kind) && !(kind == "integer" && slices.Contains(kinds, "number")) {
		return false
	}
	switch kind {
	case "string":
		text := v.(string)
		if most, is := s.number("maxLength"); is && len([]rune(text)) > int(most) {
			return false
		}
		if least, is := s.number("minLength"); is && len([]rune(text)) < int(least) {
			return false
		}
		if list, is := s["enum"].([]any); is && !slices.Contains(list, any(text)) {
			return false
		}
		if f := s["format"]; (f == "date" || f == "date-time") && strings.Contains(text, marker) {
			return false
		}
	case "integer", "number":
		n, is := v.(int)
		if least, has := s.number("minimum"); is && has && float64(n) < least {
			return false
		}
		if v == raw("1e400") || v == raw("99999999999999999999999") && !slices.Contains(kinds, "number") {
			return false
		}
	case "array":
		if least, is := s.number("minItems"); is && len(v.([]any)) < int(least) {
			return false
		}
		if most, is := s.number("maxItems"); is && len(v.([]any)) > int(most) {
			return false
		}
		// Items of another type are judged where items are replaced.
	}
	return true
}
