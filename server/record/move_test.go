package record

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
)

// Records that move may get other ids: whatever names another record is given to Rename.
func TestRenameFindsEveryNameOfAnotherRecord(t *testing.T) {
	names := strings.Fields("visit supersedes assignment plan withdraws live_plan")
	found := map[string]bool{}
	for _, k := range Kinds() {
		if k.ByCase.Type == "" && k.Name != "cases" {
			continue // it does not move by copy
		}
		state, _ := filled(k, nil)
		was := show(t, state, All)
		Rename(state, func(kind, id string) string { return kind + "-renamed" })
		now := show(t, state, All)
		for _, name := range names {
			if was[name] == nil {
				continue
			}
			found[name] = true
			if !strings.HasSuffix(string(now[name]), `-renamed"`) {
				t.Errorf("%s.%s still is %s", k.Name, name, now[name])
			}
		}
	}
	for _, name := range names {
		if !found[name] {
			t.Errorf("no kind has a member %s: the test looks for nothing", name)
		}
	}
	c := &Case{Holds: NewPersonal([]Hold{{ID: "h", Source: "visit:v1"}, {ID: "i", Source: "supervisor"}}),
		Appointments: NewPersonal([]Appointment{{ID: "a", Source: "visit:v1"}})}
	v := &Visit{VisitReport: VisitReport{Recording: &Recording{Consent: "k"},
		Vulnerability: NewPersonal([]VulnerabilityFlag{{Flag: "age", Consent: "k"}})}}
	s := &Signature{SignatureReport: SignatureReport{OfType: "plans", Of: "p"}}
	p := &Plan{PlanReport: PlanReport{Accepted: &PlanStep{Consent: "k"}}}
	for _, state := range []any{c, v, s, p} {
		Rename(state, func(kind, id string) string { return kind + "-" + id })
	}
	got := []string{c.AllHolds()[0].Source, c.AllHolds()[1].Source, c.AllAppointments()[0].Source, v.Recording.Consent,
		v.Vulnerability.Plain()[0].Consent, s.Of, p.Accepted.Consent}
	want := strings.Fields("visit:visits-v1 supervisor visit:visits-v1 consents-k consents-k plans-p consents-k")
	if !slices.Equal(got, want) {
		t.Errorf("renamed are %v, want %v", got, want)
	}
}

// Where a record was made is noted once, and forgotten where it was made.
func TestARecordRemembersWhereItWasMade(t *testing.T) {
	n := &Note{}
	for _, step := range []struct {
		from, to auth.BranchID
		want     string
	}{{"a", "b", `{"branch":"a","id":"n1"}`}, {"b", "c", `{"branch":"a","id":"n1"}`}, {"c", "a", "null"}} {
		MoveIn(n, Origin{Branch: step.from, ID: "n1"}, step.to)
		if text, err := json.Marshal(n.Origin); err != nil || string(text) != step.want {
			t.Errorf("from %s to %s it comes from %s, %v, want %s", step.from, step.to, text, err, step.want)
		}
	}
}
