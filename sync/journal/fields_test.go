package journal

import (
	"encoding/json"
	"reflect"
	"testing"
)

// picks are states, and what Pick leaves of the members a and b; "" where it refuses.
var picks = [][2]string{
	{`{}`, `{}`},
	{`{"a":1}`, `{"a":1}`},
	{`{"c":"x","a":"y","d":[{"a":3}],"b":{"a":[1,2],"c":"}"}}`, `{"a":"y","b":{"a":[1,2],"c":"}"}}`},
	{`{"x":"a quote \" and a backslash \\","a":"\\\\\"","b":null}`, `{"a":"\\\\\"","b":null}`},
	{`{"x":"\\","a":"\"","c":"\\\""}`, `{"a":"\""}`},
	{`{"b":[],"x":"\u0022a"}`, `{"b":[]}`},
	{`{"A":1,"ab":2}`, `{}`},
	{`[1]`, ``},
	{``, ``},
	{`{"a":"x`, ``},
	{`{"a"`, ``},
	{`{"a":1`, ``},
}

func TestPickLeavesWhatWasAsked(t *testing.T) {
	for _, p := range picks {
		got, ok := Pick([]byte(p[0]), "a", "b")
		if !ok {
			got = nil
		}
		if string(got) != p[1] {
			t.Errorf("of %s it leaves %s, want %s", p[0], got, p[1])
		}
	}
}

// FuzzPick holds what is picked of any JSON object, written without white space, against the whole object decoded.
func FuzzPick(f *testing.F) {
	for _, p := range picks {
		f.Add([]byte(p[0]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = Pick(text, "a", "b") // reads nothing beyond its end
		var whole map[string]any
		if json.Unmarshal(text, &whole) != nil || whole == nil {
			return
		}
		state, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		picked, ok := Pick(state, "a", "b")
		var some map[string]any
		if !ok || json.Unmarshal(picked, &some) != nil {
			t.Fatalf("%s cannot be picked from: %s", state, picked)
		}
		for name := range whole {
			if name != "a" && name != "b" {
				delete(whole, name)
			}
		}
		if !reflect.DeepEqual(some, whole) {
			t.Errorf("of %s it picks %s", state, picked)
		}
	})
}
