package httpapi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"doorstep/server/casework"

	"github.com/danielgtaylor/huma/v2"
)

// An import is described as lines that have the columns which casework takes, and no others.
func TestImportsDescribeTheirColumns(t *testing.T) {
	api, read := described(t).huma.OpenAPI(), readSpec(t)
	for path, file := range map[string]string{"/v1/imports/cases": casework.CaseLines,
		"/v1/imports/contacts": casework.ContactLines, "/v1/imports/payments": casework.PaymentLines} {
		row := refTo(importRows[file])
		for _, kind := range []string{"text/csv", "application/x-ndjson"} {
			body := api.Paths[path].Post.RequestBody.Content[kind]
			if body == nil {
				t.Fatalf("%s takes no %s", path, kind)
			}
			lines, _ := body.Schema.Extensions["contentSchema"].(*huma.Schema)
			if lines == nil || lines.Items == nil || lines.Items.Ref != row.Ref {
				t.Errorf("%s does not say which columns %s has", path, kind)
			}
		}
		columns := casework.ImportColumns(file)
		for what, wrong := range map[string]struct {
			change func(line map[string]any)
			taken  bool
		}{
			"the examples":      {func(map[string]any) {}, true},
			"an unknown member": {func(line map[string]any) { line["colour"] = "blue" }, false},
			"a text for a number": {func(line map[string]any) {
				for name, v := range line {
					if _, is := v.(float64); is {
						line[name] = "many"
					}
				}
			}, file == casework.ContactLines},
			"a code of another list": {func(line map[string]any) {
				line[map[string]string{casework.CaseLines: "datum", casework.ContactLines: "channel",
					casework.PaymentLines: "method"}[file]] = "no_such_code"
			}, false},
			"no case": {func(line map[string]any) { delete(line, "case_ref") }, false},
		} {
			line := map[string]any{}
			for _, c := range columns {
				var v any
				if err := json.Unmarshal(mustJSON(exampleOf(&c)), &v); err != nil {
					t.Fatal(err)
				}
				line[c.Name] = v
			}
			wrong.change(line)
			if err := read.fits(t, strings.TrimPrefix(row.Ref, "#"), line); (err == nil) != wrong.taken {
				t.Errorf("%s with %s: %v", file, what, err)
			}
		}
		for _, c := range columns {
			s := api.Components.Schemas.SchemaFromRef(row.Ref).Properties[c.Name]
			if c.Several {
				s = s.Items
			}
			if len(s.Enum) != len(c.Codes) || slices.Contains(s.Enum, any("")) {
				t.Errorf("%s, column %s: the codes are %v, want %v", file, c.Name, s.Enum, c.Codes)
			}
		}
	}
}
