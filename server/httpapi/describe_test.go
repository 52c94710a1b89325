package httpapi

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"doorstep/server/record"

	"gopkg.in/yaml.v3"
)

// comments are the comments of struct fields, by "package/dir.Type" and the member's name in JSON.
type comments map[string]map[string]string

// readComments reads the sources of some packages. Members of embedded structs are the outer struct's too.
func readComments(t *testing.T, dirs ...string) comments {
	t.Helper()
	out := comments{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s: %v", dir, err)
		}
		embedded := map[string][]string{}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				spec, is := n.(*ast.TypeSpec)
				if !is {
					return true
				}
				if s, is := spec.Type.(*ast.StructType); is {
					at := dir + "." + spec.Name.Name
					out[at] = fieldComments(s)
					for _, f := range s.Fields.List {
						if id, is := f.Type.(*ast.Ident); is && len(f.Names) == 0 {
							embedded[at] = append(embedded[at], dir+"."+id.Name)
						}
					}
				}
				return true
			})
		}
		for range 3 { // embedding goes no deeper
			for at, inner := range embedded {
				for _, from := range inner {
					for member, text := range out[from] {
						if out[at][member] == "" {
							out[at][member] = text
						}
					}
				}
			}
		}
	}
	return out
}

func fieldComments(s *ast.StructType) map[string]string {
	out := map[string]string{}
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) != 1 {
			continue
		}
		member, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		if text != "" && member != "" {
			out[member] = sentence(f.Names[0].Name, text)
		}
	}
	return out
}

// sentence is a comment without the name of the Go field, as a sentence.
func sentence(field, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, verb := range []string{" is ", " are ", " says that ", " says "} {
		if rest, is := strings.CutPrefix(text, field+verb); is {
			text = rest
			break
		}
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") {
		text += "."
	}
	return text
}

var sources = []string{"server/record", "server/httpapi", "server/casework", "server/casework/rows", "server/figures",
	"server/office", "server/dispatch", "server/audit", "server/conduct", "server/conduct/say", "geo/routing/vroom",
	"geo/routing", "auth"}

// commentsOf finds the comments of a schema's Go type.
func (c comments) of(a *API, name string) map[string]string {
	if t := a.huma.OpenAPI().Components.Schemas.TypeFromRef("#/components/schemas/" + name); t != nil {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		return c[strings.TrimPrefix(t.PkgPath(), "doorstep/")+"."+t.Name()]
	}
	for _, suffix := range []string{"", "OnPhone", "Listed", "Report", "Input"} {
		if of, is := strings.CutSuffix(name, suffix); is {
			for _, dir := range []string{"server/record.", "server/casework.", "server/conduct/say."} {
				if found := c[dir+of]; found != nil {
					return found
				}
			}
		}
	}
	if name == "CaseFile" {
		return c["server/record.Case"]
	}
	if of, is := strings.CutPrefix(name, conductPrefix); is {
		return c["server/conduct."+strings.Replace(of, "Question", "Request", 1)]
	}
	return nil
}

// wordsOf finds the key in words that says what a member of a schema is; "" for none.
func wordsOf(schema, member string) string {
	for _, suffix := range []string{"", "OnPhone", "Listed", "Report", "Input"} {
		if of, is := strings.CutSuffix(schema, suffix); is && words[of+"."+member] != "" {
			return of + "." + member
		}
	}
	if words[member] != "" {
		return member
	}
	return ""
}

// describeMembers gives each member of the schemas that has no description one: its Go
// comment, what words say of it, or the list of codes it takes. It lists those that it finds
// nothing for.
func describeMembers(t *testing.T, a *API, schemas map[string]any) (bare []string) {
	found := readComments(t, sources...)
	for name, v := range schemas {
		s := v.(map[string]any)
		props, _ := s["properties"].(map[string]any)
		said := found.of(a, name)
		for member, p := range props {
			m := p.(map[string]any)
			if text, _ := m["description"].(string); text != "" {
				continue
			}
			text := said[member]
			if text == "" {
				text = words[wordsOf(name, member)]
			}
			if text == "" {
				text = ofList(m)
			}
			if text != "" {
				m["description"] = text
			} else if m["$ref"] == nil {
				bare = append(bare, name+"."+member)
			}
		}
	}
	slices.Sort(bare)
	return bare
}

// ofList names the list of codes of an enumeration.
func ofList(m map[string]any) string {
	codes, _ := m["enum"].([]any)
	for _, name := range record.CodeLists() {
		if list := record.CodesOf(name); len(list) == len(codes) && slices.EqualFunc(list, codes, func(x string,
			y any) bool {
			return x == y
		}) {
			return "A code of the list " + name + " (GET /v1/codes)."
		}
	}
	return ""
}

// order is the order of keys in the description; others follow by name.
var order = []string{"openapi", "info", "servers", "tags", "paths", "components", "$ref", "title", "name", "in",
	"required", "summary", "description",
	"operationId", "x-roles", "security", "parameters", "requestBody", "responses", "get", "post", "put", "patch",
	"delete", "type", "format", "enum",
	"const", "schema", "content", "example", "examples", "properties", "items", "oneOf", "anyOf"}

func writtenDescription(t *testing.T, a *API) []byte {
	t.Helper()
	text, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	if bare := describeMembers(t, a, schemas); len(bare) > 0 {
		t.Errorf("comment on the fields of these members, or describe them in words: %s", strings.Join(bare, ", "))
	}
	addExamples(t, doc)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(node(doc, "", tagsOf(doc))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tagsOf numbers the paths by their tags' order.
func tagsOf(doc map[string]any) map[string]int {
	tags := map[string]int{}
	for i, tag := range doc["tags"].([]any) {
		tags[tag.(map[string]any)["name"].(string)] = i
	}
	out := map[string]int{}
	for path, item := range doc["paths"].(map[string]any) {
		out[path] = len(tags)
		for _, op := range item.(map[string]any) {
			out[path] = min(out[path], tags[op.(map[string]any)["tags"].([]any)[0].(string)])
		}
	}
	return out
}

// node writes a value with its keys in order. Names of members are never put in another order than theirs.
func node(v any, at string, paths map[string]int) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		rank := func(k string) int {
			if at == "paths" {
				return paths[k]
			}
			if i := slices.Index(order, k); i >= 0 && at != "properties" && at != "schemas" && at != "example" {
				return i
			}
			return len(order)
		}
		slices.SortFunc(keys, func(x, y string) int {
			if d := rank(x) - rank(y); d != 0 {
				return d
			}
			return strings.Compare(x, y)
		})
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, k := range keys {
			key := &yaml.Node{}
			key.SetString(k)
			under := k
			if at == "properties" || at == "schemas" || at == "paths" {
				under = "" // k is a name, not a keyword
			} else if at == "example" {
				under = at
			}
			n.Content = append(n.Content, key, node(v[k], under, paths))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if at == "required" || at == "enum" || at == "x-roles" || at == "example" && !slices.ContainsFunc(v, nests) {
			n.Style = yaml.FlowStyle
		}
		for _, x := range v {
			n.Content = append(n.Content, node(x, map[bool]string{true: "example"}[at == "example"], paths))
		}
		return n
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	case string:
		n := &yaml.Node{}
		n.SetString(v)
		if strings.ContainsAny(v[:min(1, len(v))], "0123456789") || v == "" {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	n := &yaml.Node{}
	_ = n.Encode(v)
	return n
}

// nests tells whether a value holds others.
func nests(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// TestNoObjectIsFreeWithoutAReason: an object that may hold anything says why, in x-open.
func TestNoObjectIsFreeWithoutAReason(t *testing.T) {
	text, err := json.Marshal(described(t).huma.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	objects := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for i, x := range v {
				walk(at+"["+strconv.Itoa(i)+"]", x)
			}
		case map[string]any:
			if v["type"] == "object" {
				objects++
				_, members := v["properties"]
				more := v["additionalProperties"]
				if reason, _ := v[openReason].(string); reason == "" && (more == true || !members && more == nil) {
					t.Errorf("%s may hold anything", at)
				}
			}
			for k, x := range v {
				walk(at+"/"+k, x)
			}
		}
	}
	walk("", doc)
	if objects < 200 {
		t.Errorf("only %d objects were looked at", objects)
	}
}

// TestWordsDescribeMembers: whatever words say stands in the description.
func TestWordsDescribeMembers(t *testing.T) {
	read := readSpec(t)
	used := map[string]bool{}
	for name, v := range read.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		props, _ := v.(map[string]any)["properties"].(map[string]any)
		for member, p := range props {
			if key := wordsOf(name, member); p.(map[string]any)["description"] == words[key] {
				used[key] = true
			}
		}
	}
	for at, text := range words {
		if !used[at] {
			t.Errorf("the words of %s describe no member: it has a comment of its own, or is not there", at)
		}
		if !strings.HasSuffix(text, ".") {
			t.Errorf("the words of %s are no sentence", at)
		}
	}
}
