package casework

import (
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
)

// TestAVisitIsJudgedWithItsDurationAndThePartyMet sends visits that differ in one of the two from a lawful one.
// Hours of house-visit end at 20:00.
func TestAVisitIsJudgedWithItsDurationAndThePartyMet(t *testing.T) {
	met := func(who string) members { return members{"relationship": who} }
	for name, c := range map[string]struct {
		with []any
		want string
	}{
		"lawful":                  {[]any{"left_at", "2026-11-25T20:00:00Z"}, ""},
		"left after the hours":    {[]any{"left_at", "2026-11-25T20:00:01Z"}, "unlawful"},
		"checked out after hours": {[]any{"check_out", members{"at": "2026-11-25T20:20:00Z"}}, "unlawful"},
		"the debtor":              {[]any{"outcome", "MET_REFUSED_TALK", "person_met", met("debtor")}, ""},
		"nobody":                  {[]any{"person_met", met("nobody")}, ""},
		"a neighbour":             {[]any{"outcome", "NOT_MET_THIRD_PARTY", "person_met", met("neighbour")}, "unlawful"},
		"the spouse opens":        {[]any{"outcome", "NOT_MET_THIRD_PARTY", "person_met", met("spouse")}, ""},
		"the spouse is told": {[]any{"outcome", "NOT_MET_THIRD_PARTY", "person_met", met("spouse"), "disclosure_made",
			true, "disclosed_to", "spouse"}, "unlawful"},
		"the spouse talks": {[]any{"outcome", "MET_REFUSED_TALK", "person_met", met("spouse")}, "unlawful"},
		"an unknown paper": {[]any{"items", []string{"badge", "tablet"}}, ""},
	} {
		h := newFixture(t)
		h.take(line("c1"))
		h.now = instant("2026-11-25T08:00:00Z")
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
		h.now = instant("2026-11-25T21:00:00Z")
		h.want(name, h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T19:40:00Z", c.with...)),
			"applied")
		var v record.Visit
		h.stored("visits", "v1", &v)
		got := ""
		if slices.Contains(v.Flags, "unlawful") || slices.Contains(v.Flags, "late_stop") {
			got = "unlawful"
		}
		if got != c.want {
			t.Errorf("%s: flags %v, want %q; judged %+v", name, v.Flags, c.want, v.Decisions)
		}
	}
}

// TestANeighbourWhoWasAskedYearsAgoIsNotAskedAgain visits to look for an address under a profile that lets a third
// party be reached once, ever.
func TestANeighbourWhoWasAskedYearsAgoIsNotAskedAgain(t *testing.T) {
	for before, want := range map[string]bool{"employer": false, "neighbour": true} {
		h := newFixture(t)
		h.take(line("c1", "profile", "us"))
		rep, err := h.svc.ImportContacts(t.Context(), boss, porto, "application/x-ndjson",
			strings.NewReader(`{"case_ref":"c1","external_id":"x","channel":"visit","at":"2023-05-04T10:00:00Z",`+
				`"result":"contact","party":"`+before+`"}`), ImportOptions{})
		ok(t, err)
		if rep.Accepted != 1 {
			t.Fatalf("%+v", rep)
		}
		h.now = instant("2026-11-25T08:00:00Z")
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
		h.now = instant("2026-11-25T21:00:00Z")
		h.want(before, h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T10:10:00Z", "purpose",
			"verify_address", "outcome", "NOT_MET_THIRD_PARTY", "person_met", members{"relationship": "neighbour"})), "applied")
		var v record.Visit
		h.stored("visits", "v1", &v)
		if got := slices.Contains(v.Flags, "unlawful"); got != want {
			t.Errorf("%s asked in 2023: flags %v, judged %+v", before, v.Flags, v.Decisions)
		}
	}
}

// TestAPlanOfferedAfterTheActDoesNotCountForIt judges visits around the instant of an offer by an overlay that asks
// for one.
func TestAPlanOfferedAfterTheActDoesNotCountForIt(t *testing.T) {
	offered := instant("2026-11-25T10:00:00Z")
	f := aFile()
	f.Case.Notice.Visit = &record.SentNotice{SentAt: instant("2026-11-16T09:00:00Z"), Form: "letter"}
	f.Plans = []Filed[record.Plan]{{ID: "p1", State: record.Plan{PlanReport: record.PlanReport{Case: "north.c1",
		State: "offered", At: offered, Offered: &record.PlanStep{At: offered}}}}}
	for after, denied := range map[time.Duration]bool{-time.Hour: true, -time.Second: true, 0: true, time.Second: false,
		time.Hour: false} {
		v, err := judgeVisit(mustPolicy(t), &zoneCache{}, phaseSync, f, offered.Add(after),
			visitAct{agents: 2, overlays: []string{"house-humane"}})
		ok(t, err)
		got := slices.ContainsFunc(v.All, func(h record.Hit) bool { return h.Rule == "hh-plan" })
		if got != denied {
			t.Errorf("%s after the offer: %+v, want hh-plan: %t", after, v.All, denied)
		}
	}
	if _, there := conductCase(f, "2026-11-25", time.Time{}).Flags["plan_offered"]; !there {
		t.Error("for the windows of a day to come the offer does not count")
	}
}

// TestAKeptPlanForbidsVisitsToCollectOnly judges visits for each purpose while a plan is kept and after its breach.
func TestAKeptPlanForbidsVisitsToCollectOnly(t *testing.T) {
	f := aFile()
	f.Plans = []Filed[record.Plan]{{ID: "p1", State: record.Plan{PlanReport: record.PlanReport{Case: "north.c1",
		State: record.PlanAccepted, At: instant("2026-11-20T10:00:00Z")},
		PlanFound: record.PlanFound{Standing: &record.PlanStanding{BreaksOn: "2026-12-05"}}}}}
	for _, at := range []string{"2026-11-25T10:00:00Z", "2026-12-15T10:00:00Z"} {
		kept := strings.HasPrefix(at, "2026-11")
		for purpose, forbidden := range map[string]bool{"": kept, "collect": kept, "locate": false,
			"serve_process": false} {
			v, err := judgeVisit(mustPolicy(t), &zoneCache{}, phaseSync, f, instant(at), visitAct{agents: 2, purpose: purpose})
			ok(t, err)
			got := slices.ContainsFunc(v.All, func(h record.Hit) bool { return h.Rule == rulePlan })
			if got != forbidden || got == v.Allowed() {
				t.Errorf("%q at %s: %s %+v, want that the plan forbids it: %t", purpose, at, v.Answer, v.All, forbidden)
			}
		}
	}
}

// TestProfilesThatCasesNameAreFound asks for profiles that open cases, closed ones and no case name.
func TestProfilesThatCasesNameAreFound(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "profile", "cn;house-humane", "country", "CN",
		"time_zone", "", "lon", "114.06", "lat", "22.55"))
	named, err := h.svc.ProfilesNamed(t.Context(), []string{"cn", "house-humane", "uk", "house-visit"})
	ok(t, err)
	if want := []string{"cn", "house-humane", "house-visit"}; !slices.Equal(named, want) {
		t.Errorf("%v, want %v", named, want)
	}
}
