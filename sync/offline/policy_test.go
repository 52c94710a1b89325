package offline

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"doorstep/auth"
)

const phone = auth.DeviceID("d1")

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// Each line is a schedule somebody's data was lost on, or would be.
func TestRulings(t *testing.T) {
	assignments := Rules{Policy: ServerOwned, PhoneFields: []string{"agent_status", "visit_order", "agent_remark"}}
	visits := Rules{Policy: AppendOnly}
	plans := Rules{Policy: Decision}
	stands := Current{Rev: 7, InScope: true, OwnSince: 7}
	own := Current{Rev: 7, InScope: true, OwnSince: 4}
	enRoute := Current{Rev: 9, InScope: true,
		Fields:  map[string]json.RawMessage{"agent_status": raw(`"en_route"`), "visit_order": raw(`3`)},
		Written: map[string]FieldWrite{"agent_status": {Rev: 8, Device: "d2"}, "visit_order": {Rev: 9, Device: phone}}}
	drafts := Rules{Policy: Merge}
	half := Current{Rev: 9, InScope: true, Mine: true,
		Fields: map[string]json.RawMessage{"a": raw(`1`), "b": raw(`2`)},
		Written: map[string]FieldWrite{"a": {Rev: 8, Device: "d2"}, "b": {Rev: 9, Device: phone},
			"c": {Rev: 8, Device: "d2"}}}
	with := func(c Current, change func(*Current)) Current { change(&c); return c }
	restored := with(half, func(c *Current) {
		c.RevsAbove, c.Written = 1000, map[string]FieldWrite{"a": {Rev: 8, Device: "d2"}}
	})

	for _, c := range []struct {
		name  string
		rules Rules
		cur   Current
		m     Mutation
		want  string // status, or status and code
	}{
		{"a visit is created", visits, Current{}, Mutation{Op: "put"}, "applied"},
		{"a visit is created with a base from a lost epoch", visits, Current{}, Mutation{Op: "put", Base: 4}, "applied"},
		{"the same visit under a new mid", visits, with(stands, func(c *Current) { c.Same, c.Mine = true, true }),
			Mutation{Op: "put"}, "duplicate"},
		{"the same visit after the case was reassigned", visits, Current{Rev: 1, Mine: true, Same: true}, Mutation{Op: "put"},
			"duplicate"},
		{"a visit that exists with other content", visits, stands, Mutation{Op: "put"}, "rejected append_only"},
		{"a visit is patched", visits, stands, Mutation{Op: "patch", Base: 7}, "rejected append_only"},
		{"a visit that is not there is patched", visits, Current{}, Mutation{Op: "patch"}, "rejected append_only"},
		{"a visit is deleted", visits, stands, Mutation{Op: "delete", Base: 7}, "rejected append_only"},
		{"one's own visit is deleted before the answer came", visits, with(stands, func(c *Current) { c.Mine = true }),
			Mutation{Op: "delete"}, "rejected append_only"},
		{"a visit of a stranger has the id", visits, Current{Rev: 1, Same: true}, Mutation{Op: "put"}, "revoked"},
		{"a tombstone does not rise", visits, with(stands, func(c *Current) { c.Deleted, c.Same = true, true }),
			Mutation{Op: "put"}, "rejected append_only"},

		{"what is absent is deleted", visits, Current{}, Mutation{Op: "delete", Base: 3}, "applied nothing"},
		{"what was never seen is deleted", assignments, stands, Mutation{Op: "delete"}, "applied nothing"},
		{"what is out of scope is deleted", assignments, Current{Rev: 7}, Mutation{Op: "delete", Base: 7}, "applied nothing"},
		{"what is deleted is deleted again", plans, with(stands, func(c *Current) { c.Deleted = true }),
			Mutation{Op: "delete", Base: 6}, "applied nothing"},

		{"the phone's field on the newest revision", assignments, enRoute, Mutation{Op: "patch", Base: 9,
			Fields: raw(`{"agent_status":"at_door"}`)}, "applied"},
		{"a field nobody else changed since", assignments, enRoute, Mutation{Op: "patch", Base: 8,
			Fields: raw(`{"agent_status":"at_door"}`)}, "applied"},
		{"a field another device changed since", assignments, enRoute, Mutation{Op: "patch", Base: 7,
			Fields: raw(`{"agent_status":"at_door"}`)}, "conflict stale"},
		{"equal to what another device wrote", assignments, enRoute, Mutation{Op: "patch", Base: 7,
			Fields: raw(`{"agent_status":"en_route"}`)}, "applied nothing"},
		{"a second edit queued before the first answer", assignments, enRoute, Mutation{Op: "patch", Base: 7,
			Fields: raw(`{"visit_order":4}`)}, "merged"},
		{"one of two fields is in conflict", assignments, enRoute, Mutation{Op: "patch", Base: 7,
			Fields: raw(`{"visit_order":4,"agent_status":"declined"}`)}, "conflict stale"},
		{"a server's field", assignments, enRoute, Mutation{Op: "patch", Base: 9,
			Fields: raw(`{"agent_status":"at_door","status":"done"}`)}, "rejected server_owned"},
		{"a whole assignment", assignments, enRoute, Mutation{Op: "put", Base: 9, Fields: raw(`{"agent_status":"at_door"}`)},
			"rejected server_owned"},
		{"an assignment is invented", assignments, Current{}, Mutation{Op: "put", Fields: raw(`{}`)}, "revoked"},
		{"an assignment that went to others", assignments, Current{Rev: 9}, Mutation{Op: "patch", Base: 9,
			Fields: raw(`{"agent_status":"at_door"}`)}, "revoked"},
		{"an assignment is deleted", assignments, enRoute, Mutation{Op: "delete", Base: 9}, "rejected server_owned"},
		{"no fields", assignments, enRoute, Mutation{Op: "patch", Base: 9, Fields: raw(`{}`)}, "rejected validation.fields"},
		{"fields that are no object", assignments, enRoute, Mutation{Op: "patch", Base: 9, Fields: raw(`[1]`)},
			"rejected validation.fields"},

		{"a plan is proposed", plans, Current{}, Mutation{Op: "put"}, "applied"},
		{"a plan is changed on its revision", plans, stands, Mutation{Op: "patch", Base: 7}, "applied"},
		{"a plan is changed on an older revision", plans, stands, Mutation{Op: "put", Base: 6}, "conflict stale"},
		{"a plan is changed on a revision that is no more", plans, stands, Mutation{Op: "put", Base: 8}, "conflict stale"},
		{"a plan is changed again before the answer came", plans, own, Mutation{Op: "patch", Base: 6}, "applied"},
		{"a plan is changed by whoever wrote it since", plans, own, Mutation{Op: "put", Base: 4}, "applied"},
		{"a plan is changed on what another wrote over", plans, own, Mutation{Op: "patch", Base: 3}, "conflict stale"},
		{"a plan says what stands already", plans, with(stands, func(c *Current) { c.Same = true }),
			Mutation{Op: "put", Base: 2}, "duplicate"},
		{"a plan that is not there is patched", plans, Current{}, Mutation{Op: "patch"}, "revoked"},
		{"a plan out of scope", plans, Current{Rev: 7, Same: true}, Mutation{Op: "put", Base: 7}, "revoked"},
		{"a plan is deleted", plans, stands, Mutation{Op: "delete", Base: 7}, "rejected validation.op"},

		{"a draft is begun", drafts, Current{}, Mutation{Op: "put", Fields: raw(`{"a":1}`)}, "applied"},
		{"M4: a draft's own next edit, on the revision before", drafts, half, Mutation{Op: "patch", Base: 8,
			Fields: raw(`{"b":3}`)}, "applied"},
		{"M5: another member than the other phone's", drafts, half, Mutation{Op: "patch", Base: 7, Fields: raw(`{"b":3}`)},
			"merged"},
		{"M5: the member of the other phone", drafts, half, Mutation{Op: "patch", Base: 7, Fields: raw(`{"a":2,"b":3}`)},
			"conflict stale a"},
		{"M5: as the other phone wrote it", drafts, half, Mutation{Op: "patch", Base: 7, Fields: raw(`{"a":1.0}`)},
			"applied nothing"},
		{"a member that the other phone took away", drafts, half, Mutation{Op: "patch", Base: 7, Fields: raw(`{"c":2}`)},
			"conflict stale c"},
		{"a member that both took away", drafts, half, Mutation{Op: "patch", Base: 7, Fields: raw(`{"c":null}`)},
			"applied nothing"},
		{"a revision that the server does not have", drafts, half, Mutation{Op: "patch", Base: 70, Fields: raw(`{"a":2}`)},
			"conflict stale a"},
		{"P8: a revision that a restore took away, and a member that is older", drafts, restored, Mutation{Op: "patch",
			Base: 12, Fields: raw(`{"a":2}`)}, "applied"},
		{"P8: a revision that a restore took away, and a member that is newer", drafts,
			with(restored, func(c *Current) {
				c.Rev, c.Written = 1001, map[string]FieldWrite{"a": {Rev: 1001, Device: "d2"}}
			}), Mutation{Op: "patch", Base: 12, Fields: raw(`{"a":2}`)}, "conflict stale a"},
		{"P8: a revision that no history had", drafts, restored, Mutation{Op: "patch", Base: 1001, Fields: raw(`{"a":2}`)},
			"conflict stale a"},
		{"a draft that the other phone changed is deleted", drafts, half, Mutation{Op: "delete", Base: 7}, "conflict stale"},
		{"a draft is deleted", drafts, half, Mutation{Op: "delete", Base: 8}, "applied"},
		{"a draft is patched that was deleted", drafts, with(half, func(c *Current) { c.Deleted, c.InScope = true, false }),
			Mutation{Op: "patch", Base: 9, Fields: raw(`{"b":3}`)}, "revoked"},
		{"a draft of another agent", drafts, with(half, func(c *Current) { c.InScope = false }),
			Mutation{Op: "put", Fields: raw(`{"b":3}`)}, "revoked"},
		{"a draft that is not there is patched", drafts, Current{}, Mutation{Op: "patch", Fields: raw(`{}`)}, "revoked"},

		{"an operation nobody knows", visits, Current{}, Mutation{Op: "upsert"}, "rejected validation.op"},
		{"a type without a policy", Rules{}, Current{}, Mutation{Op: "put"}, "rejected unknown_type"},
	} {
		r := Rule(c.rules, c.cur, phone, c.m)
		got := r.Status
		if r.Code != "" {
			got += " " + r.Code
		}
		if r.Nothing {
			got += " nothing"
		}
		if len(r.Lost) > 0 {
			got += " " + strings.Join(r.Lost, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if (r.Status == Rejected || r.Status == Conflict) && r.Detail == "" {
			t.Errorf("%s: the phone is not told what is wrong", c.name)
		}
	}
}

func TestSpellingIsNoDifference(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[true]}`, ` { "b" : [ true ], "a" : 1 }`, true},
		{``, `null`, true},
		{`"\u0041"`, `"A"`, true},
		{`9007199254740993`, `9007199254740992`, false},
		{`"1"`, `1`, false},
		{`{`, `{"a"`, false},
	} {
		if got := SameJSON(raw(c.a), raw(c.b)); got != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, got)
		}
	}
}

// No ruling may reveal whether an id that is out of scope exists.
func FuzzOutOfScopeTellsNothing(f *testing.F) {
	f.Add("patch", uint64(3), `{"agent_status":"at_door"}`)
	f.Add("put", uint64(0), `{}`)
	f.Add("delete", uint64(1), ``)
	f.Fuzz(func(t *testing.T, op string, base uint64, fields string) {
		m := Mutation{Op: op, Base: base, Fields: raw(fields)}
		rules := Rules{Policy: ServerOwned, PhoneFields: []string{"agent_status"}}
		absent, foreign := Rule(rules, Current{}, phone, m), Rule(rules, Current{Rev: 5}, phone, m)
		if !reflect.DeepEqual(absent, foreign) {
			t.Errorf("%s at base %d: absent %+v, out of scope %+v", op, base, absent, foreign)
		}
	})
}

func ExampleRule() {
	assignments := Rules{Policy: ServerOwned, PhoneFields: []string{"agent_status"}}
	stands := Current{Rev: 8, InScope: true,
		Fields:  map[string]json.RawMessage{"agent_status": raw(`"declined"`)},
		Written: map[string]FieldWrite{"agent_status": {Rev: 8, Device: "the colleague's phone"}}}
	patch := Mutation{Op: "patch", Base: 7, Fields: raw(`{"agent_status":"en_route"}`)}

	r := Rule(assignments, stands, "my phone", patch)
	fmt.Println(r.Status, r.Code)
	fmt.Println(Rule(assignments, stands, "the colleague's phone", patch).Status)
	// Output:
	// conflict stale
	// applied
}

func TestCanonicalIsOneSpellingByValue(t *testing.T) {
	for _, same := range [][]string{
		{`1000`, `1e3`, `1000.0`, `1E+3`, `10e2`, `100000e-2`}, {`0`, `-0`, `0.0`, `0e9`}, {`-0.5`, `-5e-1`, `-0.50`},
		{`9223372036854775808`, `9223372036854775808.0`}, {`12.5`, `125e-1`, `1.25e1`}, {`0.001`,
			`1e-3`}, {`1e61`}, {`1e999999999999`},
		{`{"b":1,"a":null}`, `{"b":1.0}`, ` { "b" : 1e0 } `}, {`[1,null]`, `[1.0,null]`},
	} {
		for _, text := range same {
			if got := string(Canonical(json.RawMessage(text))); got != string(Canonical(json.RawMessage(same[0]))) {
				t.Errorf("%s is %s, %s is %s", text, got, same[0], Canonical(json.RawMessage(same[0])))
			}
		}
	}
	for text, want := range map[string]string{`9223372036854775808`: `9223372036854775808`, `1e3`: `1000`, `12.50`: `12.5`,
		`-0.05`: `-0.05`,
		`5e-3`:  `0.005`} {
		if got := string(Canonical(json.RawMessage(text))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
