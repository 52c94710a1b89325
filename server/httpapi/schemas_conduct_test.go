package httpapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"doorstep/server/conduct"
)

const questionAt = "/components/schemas/ConductQuestion"

// questions are those of conduct's decision vectors.
func questions(t *testing.T) []map[string]any {
	t.Helper()
	f, err := os.Open("../conduct/testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []map[string]any
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v map[string]any
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(v, func(name string, x any) bool {
			return x == nil || !slices.Contains([]string{"profiles", "action", "case", "history"}, name)
		})
		out = append(out, v)
	}
	if err := lines.Err(); err != nil || len(out) < 100 {
		t.Fatalf("%d questions, %v", len(out), err)
	}
	return out
}

// full is a question with every member that a question may have.
const full = `{"profiles":["house-visit"],
	"action":{"channel":"visit","at":"2026-03-10T10:00:00","tz":["Europe/Lisbon"],"place":"home","party":"family",
		"party_ref":"p1","purpose":"locate","agents":2,"items":["badge"],"recording":true,"by":"agency","case":"c1",
		"debt":"d1","number":"n1","content_tags":["mentions_debt"],"event":"remain","duration_min":30,
		"onsite":{"asked_to_leave":true,"distressed":true,"identity_verified":true}},
	"case":{"past_due_days":12,"flags":{"deceased":true,"disputed":false,"vulnerable":{"since":"2026-01-01",
			"until":"2026-12-31"}},
		"requests":{"no_contact_times":[["22:00","24:00"]],"no_places":["workplace"],"no_channels":["sms"],
			"opt_out":["email",{"channel":"call","number":"n1"}]},
		"consents":[{"scope":"visit_time","given_at":"2026-01-01","valid_from":"2026-01-02T00:00:00Z",
			"expires_at":"2026-12-31T00:00","revoked_at":"2026-12-01"}],
		"notice":{"visit":{"sent_at":"2026-03-01","form":"sms","contents":["date"]},
			"agency":{"sent_at":"2026-03-01T10:00:00Z","form":"letter","contents":["name"]}}},
	"history":[{"channel":"visit","at":"2026-03-01T10:00:00Z","result":"contact","party":"family","party_ref":"p1",
		"place":"home","purpose":"locate","case":"c1","debt":"d1","number":"n1","event":"remain","excluded":true}]}`

// variants are questions that differ from one in one place: a member more, one less, and each value
// replaced by others. fn gets each with the place, and whether a member was added.
func variants(q map[string]any, fn func(at string, added bool)) {
	var walk func(at string, v any, set func(any))
	walk = func(at string, v any, set func(any)) {
		for _, other := range []any{true, false, 1, -1, 1.5, 1 << 40, "", "wrong", "2026-03-10", "2026-03-10T10:00:00Z",
			"24:00", []any{}, []any{"call"}, map[string]any{}, map[string]any{"channel": "call"}} {
			set(other)
			fn(fmt.Sprintf("%s = %v", at, other), false)
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			v["newer"] = 1
			fn(at+".newer", true)
			delete(v, "newer")
			for _, name := range slices.Sorted(maps.Keys(v)) {
				was := v[name]
				delete(v, name)
				fn("without "+at+"."+name, false)
				v[name] = was
				walk(at+"."+name, was, func(x any) { v[name] = x })
			}
		case []any:
			for i := range v {
				was := v[i]
				walk(fmt.Sprintf("%s[%d]", at, i), was, func(x any) { v[i] = x })
				v[i] = was
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		walk(name, q[name], func(x any) { q[name] = x })
	}
}

// TestConductQuestionsFitTheirSchema: what conduct's reader takes fits the description, and the
// description has no member that the reader does not know.
func TestConductQuestionsFitTheirSchema(t *testing.T) {
	spec := readSpec(t)
	schema, err := spec.compiler.Compile(specURL + "#" + questionAt)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(full), &all); err != nil {
		t.Fatal(err)
	}
	taken, refused := 0, 0
	try := func(q map[string]any, at string, added bool) {
		t.Helper()
		text := mustJSON(q)
		_, bad := conduct.ParseRequest(text)
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		misfit := schema.Validate(value)
		switch {
		case bad == nil && misfit != nil:
			t.Errorf("%s: the reader takes what the description refuses: %v\n%s", at, misfit, text)
		case added && misfit == nil && bad != nil:
			t.Errorf("%s: the description takes a member that the reader refuses: %v", at, bad)
		case bad == nil:
			taken++
		default:
			refused++
		}
	}
	for i, q := range append(questions(t), all) {
		try(q, fmt.Sprint("question ", i), false)
	}
	variants(all, func(at string, added bool) { try(all, at, added) })
	if _, err := conduct.ParseRequest([]byte(full)); err != nil {
		t.Errorf("the full question is refused: %v", err)
	}
	if taken < 100 || refused < 100 {
		t.Errorf("%d questions were taken and %d refused", taken, refused)
	}
	checkFull(t, spec, questionAt, all)
}

// checkFull fails for a member of the description that a value lacks, at any depth.
func checkFull(t *testing.T, spec *spec, at string, v any) {
	t.Helper()
	schemas := child(t, spec.doc, "components", "schemas")
	var walk func(at string, schema map[string]any, v any)
	walk = func(at string, schema map[string]any, v any) {
		if ref, _ := schema["$ref"].(string); ref != "" {
			schema = child(t, schemas, strings.TrimPrefix(ref, "#/components/schemas/"))
		}
		switch v := v.(type) {
		case map[string]any:
			props, _ := schema["properties"].(map[string]any)
			for name, p := range props {
				if v[name] == nil {
					t.Errorf("the description has %s.%s, and the full question does not", at, name)
					continue
				}
				walk(at+"."+name, p.(map[string]any), v[name])
			}
		case []any:
			if items, _ := schema["items"].(map[string]any); items != nil {
				for _, x := range v {
					walk(at+"[]", items, x)
				}
			}
		}
	}
	walk("", map[string]any{"$ref": "#" + at}, v)
}

// TestConductWordsAreDescribed: each list of words stands in the description whole.
func TestConductWordsAreDescribed(t *testing.T) {
	spec := readSpec(t)
	for at, list := range conductLists {
		typ, member, _ := strings.Cut(at, ".")
		props := child(t, spec.doc, "components", "schemas", conductPrefix+typ, "properties")
		m := child(t, props, member)
		if items, _ := m["items"].(map[string]any); items != nil {
			m = items
		}
		var have []string
		for _, code := range m["enum"].([]any) {
			have = append(have, code.(string))
		}
		if !slices.Equal(have, codesOf(list)) {
			t.Errorf("%s: %v, the list is %v", at, have, codesOf(list))
		}
	}
}
