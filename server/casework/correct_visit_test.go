package casework

import (
	"slices"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// counting lists the visits whose contacts count, in order.
func (h *fixture) counting(c journal.CaseID) []string {
	var out []string
	for _, x := range h.shown(c)["contacts"].([]any) {
		if m := x.(map[string]any); m["excluded"] != true {
			out = append(out, m["visit"].(string))
		}
	}
	slices.Sort(out)
	return out
}

// A correction takes the place of a visit only if it tells of the same knock and counts at
// least as much; otherwise both count.
func TestACorrectionFreesNoCap(t *testing.T) {
	for name, c := range map[string]struct {
		correction members
		flags      string
		counts     []string
	}{
		"the reason was wrong": {visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_HARDSHIP"), "correction",
			[]string{"v2"}},
		"nobody was met after all": {visit("north.c1", "2026-11-25T10:00:00Z"), "both_count correction unlawful",
			[]string{"v1", "v2"}},
		"no door was reached": {visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "WEATHER_ABORT"),
			"both_count correction unlawful", []string{"v1"}},
		"a second visit of the day": {visit("north.c1", "2026-11-25T15:00:00Z", "outcome", "MET_PTP"),
			"both_count correction unlawful", []string{"v1", "v2"}},
		"a neighbour was met": {visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "NOT_MET_THIRD_PARTY",
			"person_met", members{"relationship": "neighbour"}), "both_count correction unlawful", []string{"v1", "v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			ana := h.phone("ana", "d1")
			h.want("the visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_PTP")),
				"applied")
			c.correction["supersedes"] = "v1"
			h.want("the correction", ana.put("visits", "v2", c.correction), "applied")
			if got := h.flags("v2"); got != c.flags {
				t.Errorf("flagged %q, want %q", got, c.flags)
			}
			if got := h.counting("north.c1"); !slices.Equal(got, c.counts) {
				t.Errorf("%v count, want %v", got, c.counts)
			}
		})
	}
}

// Only who recorded something corrects it; a supervisor can accept what another sent.
func TestOnlyTheAuthorCorrects(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1", "north.c2")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	h.want("ana's", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_PTP")), "applied")
	mine := visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_HARDSHIP", "supersedes", "v1")
	r := rui.put("visits", "v2", mine)
	h.want("rui corrects ana's", r, "rejected record.not_yours")
	for what, supersedes := range map[string]string{"none": "x", "of another case": "v1"} {
		of := journal.CaseID("north.c1")
		if supersedes == "v1" {
			of = "north.c2"
		}
		h.want(what, ana.put("visits", "v-"+supersedes, visit(of, "2026-11-25T10:30:00Z", "supersedes", supersedes)),
			"rejected record.supersedes")
	}
	if got := h.counting("north.c1"); !slices.Equal(got, []string{"v1"}) {
		t.Errorf("%v count, want v1", got)
	}
	h.must(HandleQuarantine{ID: r.Quarantine, Accept: true})
	if got := h.counting("north.c1"); !slices.Equal(got, []string{"v2"}) {
		t.Errorf("%v count after the supervisor accepted, want v2", got)
	}
	note := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "x"}
	h.want("ana's note", ana.put("visit_notes", "n1", note), "applied")
	note["supersedes"] = "n1"
	h.want("rui's of it", rui.put("visit_notes", "n2", note), "rejected record.not_yours")
	h.want("ana's of it", ana.put("visit_notes", "n3", note), "applied")
	var n record.Note
	if h.stored("visit_notes", "n3", &n); n.Supersedes != "n1" {
		t.Errorf("the note supersedes %q", n.Supersedes)
	}
}
