package offline

import "testing"

// A mutation that cannot be read is known by what it means, as one that can be read is: another order of members,
// another spelling of numbers and times, null for absent, and another client_ts, make no other mutation of it.
func TestWhatCannotBeReadIsKnownInAnySpelling(t *testing.T) {
	const mid = `"mid":"01a22460-0000-7000-8000-000000000001"`
	texts := [][]string{
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","base":3.0,"fields":{"at":"2026-11-25T10:00:00Z","n":1000}}`,
			` { "fields" : {"n":1e3, "at":"2026-11-25T15:30:00+05:30", "x":null}, "base":3.0, "op":"put", "id":"v1",` +
				`"type":"visits","requires":null,` + mid + `}`,
			`{` + mid + `,"type":"visits","id":"v1","op":"put","base":30e-1,"fields":{"at":"2026-11-25T10:00:00.0Z",` +
				`"n":1000.00},"client_ts":"2026-11-25T10:00:00"}`,
			// The app was mended: its mid has its answer.
			`{` + mid + `,"type":"visits","id":"v1","op":"put","base":3,"fields":{"at":"2026-11-25T10:00:00Z","n":1000}}`},
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","fields":{"a":1,"b":"\ud83d \\ud83d"}}`,
			`{"fields":{"b":"\uD83D \\ud83d","a":1.0},"op":"put","type":"visits",` + mid + `,"id":"v1","base":0}`},
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","fields":{"a":1,"b":"\ud83e \\ud83d"}}`},
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","fields":{"a":1,"b":"\\ud83d \\ud83d"}}`},
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","fields":{"a":1,"b":"\ufffd \\ud83d"}}`},
		{`{` + mid + `,"type":"visits","id":"v1","op":"put","fields":{"b":"\u0000"},"mono_ms":1.5}`,
			`{"type":"visits","id":"v1","op":"put","mono_ms":2.5,"fields":{"b":"\u0000"},` + mid + `}`},
		{`{` + mid + `,"type":"visits","id":7,"op":"put","fields":{"b":1}}`,
			`{"type":"visits","id":7.0,"op":"put","fields":{"b":1},` + mid + `}`},
		{`{` + mid + `,"base":0,"base":1}`, `{ ` + mid + `, "base":0, "base":1 }`},
		{`{` + mid + `,"base":1,"base":0}`},
		{`[1]`, ` [ 1 ] `}, {`"a"`}, {`null`},
	}
	of := map[string]int{}
	for i, same := range texts {
		for _, text := range same {
			m := readMutation([]byte(text))
			m.settle()
			payload := string(m.payload())
			if j, known := of[payload]; known && j != i {
				t.Errorf("%s is taken for %s", text, texts[j][0])
			} else if !known && text != same[0] {
				t.Errorf("%s is not known as %s: %s", text, same[0], payload)
			}
			of[payload] = i
		}
	}
}
