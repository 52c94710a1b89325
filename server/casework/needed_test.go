package casework

import (
	"maps"
	"slices"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// least is what a report of each kind must say at least, with the inner objects that must say something themselves.
var least = map[string]members{
	"visits": {"case": "north.c1", "at": "2026-11-25T10:00:00Z", "outcome": "NOT_MET_NOBODY",
		"door_decision": members{"decision": "allow"}, "person_met": members{"relationship": "neighbour"},
		"appointment": members{"from": "2026-11-26T10:00:00Z", "to": "2026-11-26T11:00:00Z"}},
	"visit_notes": {"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "a dog"},
	"consents": {"case": "north.c1", "at": "2026-11-25T10:00:00Z", "scope": "visit_time",
		"status": "given"},
	"signatures":          {"case": "north.c1", "at": "2026-11-25T10:00:00Z", "signer_role": "debtor"},
	"visit_confirmations": {"case": "north.c1", "at": "2026-11-25T10:10:00Z", "visit": "v1"},
	"payments_reported": {"case": "north.c1", "at": "2026-11-25T10:00:00Z", "amount_minor": 100,
		"currency": "EUR"},
	"plans": {"case": "north.c1", "request": members{"kind": "ptp_single", "start_on": "2026-12-20"},
		"state": "offered"},
	"drafts": {"case": "north.c1", "of_type": "visits"},
}

// neededElse are members that have no need tag, since not every report needs them: at may stand in check_in, and a
// plan that is changed stays with its case.
var neededElse = map[string]string{"visits": "at", "plans": "case"}

// What openapi.yaml lists as required is what a push is refused without: no more and no less.
func TestReportsAreRefusedOnlyWithoutWhatTheyNeed(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	h.want("a visit of two", ana.put("visits", "v1", least["visits"].with("agents",
		[]members{{"agent_id": "ana"}, {"agent_id": "rui"}})), "applied")
	push := func(kind string, f members) (status, code string) {
		from := ana
		if kind == "visit_confirmations" { // of a colleague's visit
			from = rui
		}
		r := from.push(write(kind, journal.NewID(), "put", 0, f))[0]
		return r.Status, r.Code
	}
	for _, k := range record.Kinds() {
		var needed []string
		for _, m := range k.ReportMembers() {
			if m.Need != "" {
				needed = append(needed, m.Name)
			}
		}
		f := least[k.Name]
		if f == nil {
			if len(needed) > 0 {
				t.Errorf("%s: there is no least report that needs %v", k.Name, needed)
			}
			continue
		}
		if status, code := push(k.Name, f); status != "applied" {
			t.Fatalf("%s: the least report is %s %s", k.Name, status, code)
		}
		for _, name := range slices.Sorted(maps.Keys(f)) {
			without := maps.Clone(f)
			delete(without, name)
			status, code := push(k.Name, without)
			want := slices.Contains(needed, name) || neededElse[k.Name] == name
			if refused := status != "applied"; refused != want || code != "" && code != "validation."+name {
				t.Errorf("%s without %s is %s %s; needed: %v", k.Name, name, status, code, want)
			}
			needed = slices.DeleteFunc(needed, func(n string) bool { return n == name })
			inner, one := f[name].(members)
			if list, are := f[name].([]members); are {
				inner, one = list[0], false
			}
			for part := range inner {
				rest := maps.Clone(inner)
				delete(rest, part)
				var v any = []members{rest}
				if one {
					v = rest
				}
				if status, code := push(k.Name, f.with(name, v)); status != "rejected" || code != "validation."+part {
					t.Errorf("%s without %s.%s is %s %s", k.Name, name, part, status, code)
				}
			}
		}
		if len(needed) > 0 {
			t.Errorf("%s: the least report does not say %v, and is taken", k.Name, needed)
		}
	}
	f := least["visits"].with("check_in", members{"at": "2026-11-25T10:05:00Z"})
	delete(f, "at")
	if status, code := push("visits", f); status != "applied" {
		t.Errorf("a visit that says only when its check-in was is %s %s", status, code)
	}
}
