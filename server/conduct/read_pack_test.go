package conduct

import (
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

// TestAKeyThatStandsTwiceIsRefused writes one key in several spellings; YAML libraries let the last value win.
func TestAKeyThatStandsTwiceIsRefused(t *testing.T) {
	const head = "schema: conduct-policy/v1\n"
	for text, line := range map[string]string{
		head + "calendars: {}\n" + "calendars: {}\n":                         "line 3",
		`{"schema":"conduct-policy/v1","calendars":{},"c\u0061lendars":{}}`:  "line 1",
		head + "calendars:\n  a: {x: {y: 1, \"y\": 2}}\n":                    "line 3",
		head + "calendars:\n  2026-01-01: {}\n  2026-1-1: {}\n":              "line 4",
		head + "calendars:\n  2026-01-01: {}\n  \"2026-01-01\": {}\n":        "line 4",
		head + "calendars:\n  16: {}\n  0x10: {}\n":                          "line 4",
		head + "calendars:\n  1: {}\n  1.0: {}\n":                            "line 4",
		head + "calendars:\n  - {true: 1, True: 2}\n":                        "line 3",
		head + "calendars:\n  ~: {}\n  null: {}\n":                           "line 4",
		head + "calendars:\n  x: &a b\n  b: {}\n  *a : {}\n":                 "line 5",
		head + "calendars:\n  x: &a {y: 1}\n  b: {<<: *a, z: 1, \"z\": 2}\n": "line 4",
	} {
		_, err := Load([]byte(text))
		e, ok := refusal.Of(err)
		if !ok || !strings.HasPrefix(e.Msg, line+": "+line+": the key ") {
			t.Errorf("%s: %v, want a key that is there twice in %s", text, err, line)
		}
	}
	// A merged key may be written again: YAML says that the written one counts.
	_, err := Load([]byte(head + "x: &a {y: 1}\nz: {<<: *a, y: 2}\n"))
	if err == nil || strings.Contains(err.Error(), "twice") {
		t.Errorf("%v, want other faults only", err)
	}
}
