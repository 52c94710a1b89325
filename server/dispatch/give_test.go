package dispatch

import (
	"testing"

	"doorstep/server/casework"
)

// A case that a supervisor gives to a team goes to its phones at once, stays there when the day is planned anew, and
// is planned for no other team.
func TestAGivenCaseStaysWithItsTeam(t *testing.T) {
	h := newFixture(t)
	h.street()
	h.take("e1", "lon", "-8.58")
	v := h.publish(h.plan(today).ID)
	h.now = at("09:00")
	h.do(casework.Reassign{Case: "north.c1", Team: ptr("t-east")})
	if h.onPhone("east-1") != "c1 "+today+", e1 "+today || h.onPhone("west-1") != "c2 "+today+", c3 "+today+", c4 "+today {
		t.Fatalf("the phones show %q and %q", h.onPhone("east-1"), h.onPhone("west-1"))
	}
	v = h.view(v.ID)
	if stops(v) != "t-east: c1 e1; t-west: c2 c3 c4" || v.stop("c1").State != "open" || v.News.Revoked != 0 ||
		v.Cases != v.Stops+v.Round.LeftOut {
		t.Errorf("stops %q, c1 is %s, the news are %+v; %d cases, %d stops", stops(v), v.stop("c1").State, v.News, v.Cases,
			v.Stops)
	}
	id := v.stop("c1").Assignment
	v = h.replan(v.ID, ReplanParams{})
	if stops(v) != "t-east: c1 e1; t-west: c2 c3 c4" || v.stop("c1").Assignment != id || v.Replan.Revoked != 0 {
		t.Errorf("planned anew: stops %q, c1 under another id: %t, %d revoked", stops(v), v.stop("c1").Assignment != id,
			v.Replan.Revoked)
	}
	// The plan has no time for it any more: the phones keep it all the same.
	h.now = at("12:00")
	h.hours("t-east", "08:30", "12:05")
	v = h.replan(v.ID, ReplanParams{})
	if h.onPhone("east-1") == "" || v.stop("c1").State != "open" {
		t.Errorf("without time for it the phone shows %q; left out %v", h.onPhone("east-1"), leftOut(v))
	}
	h.hours("t-east", "08:30", "18:00")
	h.now = at("20:00").AddDate(0, 0, 1)
	h.shift("t-east", "2026-11-27")
	h.shift("t-west", "2026-11-27")
	if w := h.plan("2026-11-27"); w.stop("c1").ETA.IsZero() || stops(w) != "t-east: c1 e1; t-west: c2 c3 c4" {
		t.Errorf("another day: stops %q", stops(w))
	}
}
