package casework

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/offline"
)

// A mutation that cannot be read is refused by itself and kept as it was sent; the others of
// its push are applied, and the same push again changes nothing.
func TestAMutationThatCannotBeReadStandsAlone(t *testing.T) {
	const note = `"fields":{"case":"north.c1","at":"2026-11-25T10:00:00Z","text":"a %s b"}`
	const mid = `"mid":"01a22460-0000-7000-8000-%012[1]d",`
	with := func(members string) string {
		return `{` + mid + `"type":"visit_notes","id":"n%[1]d","op":"put",` + members + `}`
	}
	plain := strings.ReplaceAll(note, "%s", "plain")
	for name, c := range map[string]struct {
		text, want string // the code of its refusal; "" for none
		kept       string // in what is kept; "" for nothing
	}{
		"half a surrogate pair":    {with(strings.ReplaceAll(note, "%s", `\ud83d`)), "validation.mutation", `\ud83d`},
		"a NUL":                    {with(strings.ReplaceAll(note, "%s", `\u0000`)), "validation.mutation", `\u0000`},
		"bytes that are not UTF-8": {with(strings.ReplaceAll(note, "%s", "\xff")), "validation.mutation", "base64:"},
		"a member twice":           {with(`"base":0,"base":1,` + plain), "validation.mutation", "plain"},
		"a time without zone": {with(`"client_ts":"2026-11-25T10:00:00",` + plain),
			"validation.client_ts", "plain"},
		"a time in Arabic digits": {with(`"client_ts":"٢٠٢٦-11-25T10:00:00Z",` + plain),
			"validation.client_ts", "plain"},
		"a base with a fraction":  {with(`"base":3.0,` + plain), "validation.base", "plain"},
		"a base below zero":       {with(`"base":-1,` + plain), "validation.base", "plain"},
		"half a millisecond":      {with(`"mono_ms":12.5,` + plain), "validation.mono_ms", "plain"},
		"requires that is a text": {with(`"requires":"x",` + plain), "validation.requires", "plain"},
		"a mutation that requires itself": {with(`"requires":["01a22460-0000-7000-8000-%012[1]d"],` + plain),
			"validation.requires", "plain"},
		"an id that is a number": {`{` + mid + `"type":"visit_notes","id":%[1]d,"op":"put",` + plain + `}`,
			"validation.id", "plain"},
		"a ULID as mid": {`{"mid":"01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"visit_notes","id":"n%d","op":"put",` + plain + `}`,
			"validation.mid", "plain"},
		"no mid": {`{"type":"visit_notes","id":"n%d","op":"put",` + plain + `}`,
			"validation.mid", "plain"},
		"a text for a mutation":      {`"n%d"`, "validation.mutation", "n"},
		"nothing for a mutation":     {`null`, "validation.mutation", "null"},
		"a list for a mutation":      {`[%d]`, "validation.mutation", "["},
		"a member that is not known": {with(`"novel":{"a":1},` + plain), "", ""},
		"members that are null":      {with(`"client_ts":null,"base":null,"requires":null,` + plain), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			ana := h.phone("ana", "d1")
			number := func(text string, n int) string {
				if strings.Contains(text, "%") {
					return fmt.Sprintf(text, n)
				}
				return text
			}
			body := `{"novel":1,"mutations":[` + number(with(plain), 1) + `,` + number(c.text, 2) + `,` +
				number(with(plain), 3) + `]}`
			for try, good := range []string{"applied", "duplicate"} {
				q, err := offline.ReadPush([]byte(body))
				ok(t, err)
				ana.caller.At = h.now
				a, err := h.sync.Push(t.Context(), ana.caller, q)
				ok(t, err)
				if len(a.Results) != 3 || said(a.Results[0]) != good || said(a.Results[2]) != good {
					t.Fatalf("try %d: answered %+v", try, a.Results)
				}
				r := a.Results[1]
				if c.want == "" {
					h.want("it", r, good)
					continue
				}
				h.want("it", r, "rejected "+c.want)
				if r.Index == nil || *r.Index != 1 || r.Quarantine == "" || strings.Contains(r.Detail, "plain") {
					t.Fatalf("it is answered %+v", r)
				}
				var q1 record.Quarantined
				h.stored("quarantine", r.Quarantine, &q1)
				ok(t, h.vault.OpenDoc(t.Context(), q1.Debtor, porto, "quarantine", r.Quarantine, &q1))
				if text := q1.Fields.Plain(); !strings.Contains(text, c.kept) {
					t.Errorf("%q is kept", text)
				}
			}
		})
	}
	for place, body := range map[string]string{"schema": `{"schema":"3","mutations":[]}`,
		"device": `{"mutations":[],"device":7}`} {
		_, err := offline.ReadPush([]byte(body))
		if e, is := refusal.Of(err); !is || e.Place != place {
			t.Errorf("%s is refused as %v", body, err)
		}
	}
	for name, body := range map[string]string{"no JSON": `{"mutations":[`, "a list": `[]`, "no mutations": `{}`,
		"mutations that are an object": `{"mutations":{}}`, "nothing": ``,
		"mutations twice":                  `{"mutations":[],"mutations":[]}`,
		"a device twice, once in capitals": `{"device":"d1","mutations":[],"DEVICE":"d2"}`} {
		if _, err := offline.ReadPush([]byte(body)); code(err) != "sync.malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
