package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// examplesOf are values of members whose schemas say only that they are texts.
var examplesOf = map[string]any{"currency": "EUR", "language": "pt", "time_zone": "Europe/Lisbon", "country": "PT",
	"days": "mon", "gps_bucket": "ez3", "from": "10:00", "to": "12:00", "of_type": "visits"}

// instantsOf are the instants of members that must follow each other, or lie ahead.
var instantsOf = map[string]any{"from": "2026-11-26T10:00:00Z", "to": "2026-11-26T12:00:00Z",
	"expires_at": "2027-01-01T00:00:00Z"}

// example is a value of a member that its schema takes, with every member of its own.
func example(t *testing.T, schemas map[string]*huma.Schema, member string, s *huma.Schema) any {
	t.Helper()
	switch {
	case s.Ref != "":
		return example(t, schemas, member, schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")])
	case len(s.OneOf) > 0:
		return example(t, schemas, member, s.OneOf[len(s.OneOf)-1])
	case instantsOf[member] != nil && s.Format == "date-time":
		return instantsOf[member]
	case examplesOf[member] != nil && s.Type == "string" && s.Format == "":
		return examplesOf[member]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == "object":
		out := map[string]any{}
		for name, p := range s.Properties {
			out[name] = example(t, schemas, name, p)
		}
		return out
	case s.Type == "array" && s.MinItems != nil && s.Items.Type == "number":
		return []any{-8.6, 41.1} // a position
	case s.Type == "array":
		return []any{example(t, schemas, member, s.Items)}
	case s.Type == "boolean":
		return true
	case member == "surplus_minor":
		return 0 // of an income of 1, less outgoings of 1
	case s.Type == "integer", s.Type == "number":
		return 1
	case s.Format == "date-time":
		return "2026-11-25T10:00:00Z"
	case s.Format == "date":
		return "2026-12-01"
	case s.Format == "uri":
		return "https://example.com"
	}
	return "id-1"
}

// TestNewerMembersAreDescribedAsTheyAreTaken puts a member that this server does not know into each
// object of what a phone says, at any depth. The description takes it, and it is kept where the
// description says so; the reader refuses the record for it in no case.
func TestNewerMembersAreDescribedAsTheyAreTaken(t *testing.T) {
	spec, schemas := readSpec(t), described(t).huma.OpenAPI().Components.Schemas.Map()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	places := 0
	for _, k := range writable() {
		name := stateType(k).Name() + report.suffix
		schema, err := spec.compiler.Compile(specURL + "#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fields := example(t, schemas, name, schemas[name]).(map[string]any)
		var try func(at string, v any)
		try = func(at string, v any) {
			switch v := v.(type) {
			case []any:
				for i := range v {
					try(fmt.Sprintf("%s[%d]", at, i), v[i])
				}
			case map[string]any:
				places++
				text := func() json.RawMessage { return mustJSON(fields) }
				read := func() (string, string) {
					state, bad := k.Read(text(), now)
					if bad != nil {
						return "", bad.Place
					}
					said, err := k.Said(state)
					if err != nil {
						t.Fatal(err)
					}
					return string(said), ""
				}
				_, was := read()
				v["zz_newer"] = "newer-value"
				kept, place := read()
				var value any
				if err := json.Unmarshal(text(), &value); err != nil {
					t.Fatal(err)
				}
				misfit := schema.Validate(value)
				delete(v, "zz_newer")
				switch {
				case place != was:
					t.Errorf("%s: refused for a member of a newer app, at %q", at, place)
				case misfit != nil && strings.Contains(misfit.Error(), "zz_newer"):
					t.Errorf("%s: the description refuses a member of a newer app: %v", at, misfit)
				case was == "" && k.KeepsMore() != strings.Contains(kept, "newer-value"):
					t.Errorf("%s: kept %q", at, kept)
				case was != "":
					t.Errorf("%s: the example is refused, so that nothing is learnt: %s", at, was)
				}
				for inner, x := range v {
					try(at+"."+inner, x)
				}
			}
		}
		try(k.Name, fields)
	}
	if places < 20 {
		t.Errorf("only %d objects were tried", places)
	}
}
