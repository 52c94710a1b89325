package casework

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// The manifest of an agent costs what the agent's own stops cost, however many the branch has.
func TestManifestReadsTheCallersStopsAlone(t *testing.T) {
	h := newFixture(t)
	issue := func(agent auth.UserID) {
		var lines [][]string
		var cases []journal.CaseID
		for i := range 10 {
			ref := fmt.Sprintf("%s-%d", agent, i)
			lines, cases = append(lines, line(ref)), append(cases, journal.CaseID("north."+ref))
		}
		h.take(lines...)
		h.issue("r-"+string(agent), "t-"+string(agent), "2026-11-26", []auth.UserID{agent}, cases...)
	}
	issue("ana")
	ana := h.phone("ana", "d1")
	types := []string{"assignments", "cases", "visit_notes"}
	manifest := func() (allocs float64, listed string) {
		list := func() {
			listed = ""
			for _, typ := range types {
				m, err := h.sync.Manifest(t.Context(), ana.caller, typ)
				ok(t, err)
				listed += fmt.Sprintln(typ, m.Records)
			}
		}
		return testing.AllocsPerRun(5, list), listed
	}
	alone, before := manifest()
	for i := range 20 {
		issue(auth.UserID(fmt.Sprintf("other%d", i)))
	}
	among, after := manifest()
	if before != after || strings.Count(after, "north.ana-") != 10 {
		t.Errorf("the manifests of an agent with 10 cases:\n%s\namong others:\n%s", before, after)
	}
	if among > alone*1.3 {
		t.Errorf("%v allocations, and %v when 20 other agents have 200 stops", alone, among)
	}
}
