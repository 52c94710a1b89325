package httpapi

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

var update = flag.Bool("update", false, "write openapi/openapi.yaml anew")

// described is an API without rooms: enough to describe itself.
func described(t *testing.T) *API {
	t.Helper()
	a := New(Options{Version: "1"})
	t.Cleanup(a.Close)
	return a
}

// operations are the endpoints of the description, as "METHOD template".
func operations(a *API) []string {
	var out []string
	for path, item := range a.huma.OpenAPI().Paths {
		if item.Get != nil {
			out = append(out, "GET "+path)
		}
		if item.Post != nil {
			out = append(out, "POST "+path)
		}
		if item.Put != nil {
			out = append(out, "PUT "+path)
		}
		if item.Patch != nil {
			out = append(out, "PATCH "+path)
		}
		if item.Delete != nil {
			out = append(out, "DELETE "+path)
		}
		if item.Head != nil {
			out = append(out, "HEAD "+path)
		}
		if item.Options != nil {
			out = append(out, "OPTIONS "+path)
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryEndpointIsDescribedAndNamesItsRoles(t *testing.T) {
	a := described(t)
	ops := operations(a)
	for _, op := range ops {
		if _, ok := a.endpoints[op]; !ok {
			t.Errorf("%s names no roles", op)
		}
	}
	if len(ops) != len(a.endpoints) {
		t.Errorf("%d endpoints are described, of %d", len(ops), len(a.endpoints))
	}
	// What gin answers is what is described.
	for _, r := range a.engine.Routes() {
		path := r.Path
		for _, part := range strings.Split(path, "/") {
			if strings.HasPrefix(part, ":") {
				path = strings.Replace(path, part, "{"+part[1:]+"}", 1)
			}
		}
		if !slices.Contains(ops, r.Method+" "+path) {
			t.Errorf("gin answers %s %s, which is not described", r.Method, path)
		}
	}
}

// The description lists its endpoints by the order of the tags; one whose tag is not among them stands anywhere.
func TestEveryTagIsExplained(t *testing.T) {
	a := described(t)
	known := map[string]bool{}
	for _, tag := range a.huma.OpenAPI().Tags {
		known[tag.Name] = tag.Description != ""
	}
	for path, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete, item.Options} {
			if op != nil && (len(op.Tags) != 1 || !known[op.Tags[0]]) {
				t.Errorf("%s %s has the tags %q; one of those that api.go explains", op.Method, path, op.Tags)
			}
		}
	}
}

// An input struct that embeds an unexported one loses its parameters without a word.
func TestEveryPathParameterIsDescribed(t *testing.T) {
	for path, item := range described(t).huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, part := range strings.Split(path, "/") {
				name, is := strings.CutPrefix(part, "{")
				name, _, _ = strings.Cut(name, "}")
				if is && !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == name }) {
					t.Errorf("%s %s does not describe {%s}", op.Method, path, name)
				}
			}
		}
	}
}

func TestDescriptionFileIsInStep(t *testing.T) {
	const file = "../../openapi/openapi.yaml"
	text := writtenDescription(t, described(t))
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		t.Error("openapi/openapi.yaml is not what the endpoints say; run: go test ./server/httpapi -run TestDescriptionFileIsInStep -update")
	}
	if a := New(Options{Version: "v7.1"}); !bytes.Contains(a.Spec(), []byte("version: \"v7.1\"")) {
		t.Error("the description that is served does not name the server's version")
	}
}
