package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"doorstep/sync/seal"
)

var update = flag.Bool("update", false, "write the members of the synced kinds into sync/README.md, and the shapes of the newest version")

const (
	readme      = "../../sync/README.md"
	membersHead = "<!-- members: go test ./server/record -run TestSyncReadmeListsEveryMember -update -->\n"
	membersEnd  = "<!-- end of members -->\n"
)

// The list of members in sync/README.md is what the tags and comments say.
func TestSyncReadmeListsEveryMember(t *testing.T) {
	text, err := os.ReadFile(readme)
	must(t, err)
	before, rest, found := bytes.Cut(text, []byte(membersHead))
	_, after, ended := bytes.Cut(rest, []byte(membersEnd))
	if !found || !ended {
		t.Fatalf("%s has no place for the members", readme)
	}
	about := comments(t)
	var b strings.Builder
	for _, k := range Kinds() {
		if !k.Synced {
			continue
		}
		fmt.Fprintf(&b, "### `%s`\n\n", k.Name)
		said := map[string]bool{}
		for _, m := range k.ReportMembers() {
			said[m.Name] = true
		}
		listMembers(&b, about, reflect.TypeOf(k.New()).Elem(), "", func(m Member) bool {
			return m.See&Agent != 0 || said[m.Name]
		}, func(m Member) bool { return said[m.Name] })
		b.WriteString("\n")
	}
	want := string(before) + membersHead + b.String() + membersEnd + string(after)
	if *update {
		must(t, os.WriteFile(readme, []byte(want), 0o644))
		return
	}
	if want != string(text) {
		t.Error("sync/README.md does not list the members as they are: run the command that stands there")
	}
}

// listMembers writes a line for every member that shown lets through, and for those of structs inside it.
func listMembers(b *strings.Builder, about map[string]string, t reflect.Type, path string, shown,
	phone func(Member) bool) {
	for _, m := range Members(t) {
		if !shown(m) {
			continue
		}
		whose := ""
		if !phone(m) || m.Server {
			whose = ", the server's"
		}
		if phone(m) && m.Need != "" {
			whose = ", required"
		}
		line := fmt.Sprintf("- `%s%s`: %s%s.", path, m.Name, typeOf(m), whose)
		if c := about[fieldKey(t, m)]; c != "" {
			line += " " + c
		}
		b.WriteString(wrapped(line))
		if inner := innerOf(m.Type); inner != nil {
			listMembers(b, about, inner, path+m.Name+".", func(Member) bool { return true },
				func(Member) bool { return phone(m) })
		}
	}
}

// innerOf is the struct of this package that a member holds, or holds a list of; nil for none.
func innerOf(t reflect.Type) reflect.Type {
	t = elem(t)
	if isPersonal(t) {
		plain, _ := t.MethodByName("Plain")
		t = elem(plain.Type.Out(0))
	}
	if !isInner(t) {
		return nil
	}
	return t
}

// typeOf says in words what a member may be.
func typeOf(m Member) string {
	t, list := m.Type, ""
	if isPersonal(t) {
		plain, _ := t.MethodByName("Plain")
		t = plain.Type.Out(0)
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return "any value"
	}
	if t.Kind() == reflect.Slice {
		list = "list of "
	}
	t = elem(t)
	word := "whole number"
	switch {
	case t == reflect.TypeFor[seal.Text]():
		word = fmt.Sprintf("text of at most %d bytes", orElse(m.Most, mostBytes))
	case t == reflect.TypeFor[seal.Point]():
		word = "[lon, lat]"
	case t == reflect.TypeFor[seal.JSON]():
		word = "object"
	case t == timeType:
		word = "instant"
	case t.Kind() == reflect.Struct:
		word = "object"
	case t.Kind() == reflect.Bool:
		word = "true or false"
	case t.Kind() == reflect.String && CodesOf(m.Is) != nil:
		word = "one of `" + m.Is + "`"
	case t.Kind() == reflect.String && (m.Is == "server" || m.Is == "id"):
		word = "code or id"
	case t.Kind() == reflect.String && m.Is == "public":
		word = "text"
	case t.Kind() == reflect.String:
		word = m.Is
	}
	return list + word
}

// fieldKey names the field of a member: "VisitReport.at".
func fieldKey(t reflect.Type, m Member) string {
	for len(m.index) > 1 {
		t, m.index = t.Field(m.index[0]).Type, m.index[1:]
	}
	return t.Name() + "." + m.Name
}

// comments are those of the fields in this package's files, by type and member.
func comments(t *testing.T) map[string]string {
	out := map[string]string{}
	files, err := filepath.Glob("*.go")
	must(t, err)
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		must(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if f.Tag == nil {
					continue
				}
				name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
				text := strings.TrimSpace(f.Doc.Text() + " " + f.Comment.Text())
				text = strings.Join(strings.Fields(text), " ")
				if text != "" && !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") {
					text += "."
				}
				out[spec.Name.Name+"."+name] = text
			}
			return true
		})
	}
	return out
}

// wrapped breaks a line of a list before column 120.
func wrapped(line string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(line) {
		switch {
		case i > 0 && width+1+len(word) > 118:
			b.WriteString("\n  ")
			width = 2
		case i > 0:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String() + "\n"
}
