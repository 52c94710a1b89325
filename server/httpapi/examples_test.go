package httpapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
)

// exchange is a request and its answer as a test of server recorded them.
type exchange struct {
	Request  map[string]any
	Response map[string]map[string]any
}

// recorded are the exchanges of openapi/examples.json by operation. go test ./server -run
// TestExamplesAreReal -update records them anew.
func recorded(t *testing.T) map[string]exchange {
	t.Helper()
	text, err := os.ReadFile("../../openapi/examples.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out := map[string]exchange{}
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// child is the object under some names; it stops the test if there is none.
func child(t *testing.T, v any, names ...string) map[string]any {
	t.Helper()
	for i, name := range names {
		m, _ := v.(map[string]any)
		if v = m[name]; v == nil {
			t.Fatalf("there is no %s", strings.Join(names[:i+1], "."))
		}
	}
	return v.(map[string]any)
}

// addExamples puts what was recorded into the description.
func addExamples(t *testing.T, doc map[string]any) {
	t.Helper()
	all, used := recorded(t), 0
	for _, item := range doc["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			o := op.(map[string]any)
			e, there := all[o["operationId"].(string)]
			if !there {
				continue
			}
			used++
			for kind, v := range e.Request {
				child(t, o, "requestBody", "content", kind)["example"] = v
			}
			for status, answer := range e.Response {
				for kind, v := range answer {
					child(t, o, "responses", status, "content", kind)["example"] = v
				}
			}
		}
	}
	if used != len(all) {
		t.Errorf("%d of %d examples belong to an operation", used, len(all))
	}
}

// TestExamplesFitTheirSchemas holds each example against the schema beside it, and each line
// of an import against the schema of its lines.
func TestExamplesFitTheirSchemas(t *testing.T) {
	read, seen := readSpec(t), 0
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	look := func(content map[string]any, at ...string) {
		for kind := range content {
			media := child(t, content, kind)
			v, there := media["example"]
			if !there {
				continue
			}
			seen++
			var pointer strings.Builder
			for _, part := range append(at, kind, "schema") {
				pointer.WriteString("/" + url.PathEscape(escape.Replace(part)))
			}
			if err := read.fits(t, pointer.String(), v); err != nil {
				t.Errorf("the example at %s: %v", pointer.String(), err)
			}
			if _, lines := child(t, media, "schema")["contentSchema"]; lines && kind == "application/x-ndjson" {
				for _, line := range strings.Split(strings.TrimSpace(v.(string)), "\n") {
					if err := read.fits(t, pointer.String()+"/contentSchema/items", json.RawMessage(line)); err != nil {
						t.Errorf("a line of the example at %s: %v", pointer.String(), err)
					}
				}
			}
		}
	}
	for path, item := range child(t, read.doc, "paths") {
		for method, op := range item.(map[string]any) {
			at := []string{"paths", path, method}
			if _, there := op.(map[string]any)["requestBody"]; there {
				look(child(t, op, "requestBody", "content"), append(at[:3:3], "requestBody", "content")...)
			}
			for status, answer := range child(t, op, "responses") {
				if content, there := answer.(map[string]any)["content"].(map[string]any); there {
					look(content, append(at[:3:3], "responses", status, "content")...)
				}
			}
		}
	}
	if seen < 35 {
		t.Errorf("only %d examples were looked at", seen)
	}
}
