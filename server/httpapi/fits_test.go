package httpapi

import (
	"bytes"
	"os"
	"testing"

	"github.com/pb33f/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// spec is openapi.yaml as a validator of JSON Schema 2020-12 reads it.
type spec struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

const specURL = "file:///openapi.yaml"

func readSpec(t *testing.T) *spec {
	t.Helper()
	text, err := os.ReadFile("../../openapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &spec{compiler: jsonschema.NewCompiler()}
	if err := yaml.Unmarshal(text, &s.doc); err != nil {
		t.Fatal(err)
	}
	// The validator takes values as JSON has them, without the types of YAML.
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(mustJSON(s.doc)))
	if err != nil {
		t.Fatal(err)
	}
	s.compiler.DefaultDraft(jsonschema.Draft2020)
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource(specURL, doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// fits holds a value against the schema at a JSON pointer, such as "/components/schemas/CaseRow"; nil: it fits.
func (s *spec) fits(t *testing.T, pointer string, v any) error {
	t.Helper()
	schema, err := s.compiler.Compile(specURL + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(mustJSON(v)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}
