package dispatch

import (
	"testing"

	"doorstep/server/casework"
)

// A round that is read shows how each stop stands now, not how it stood when it was planned.
func TestStopsSayHowTheyStandNow(t *testing.T) {
	h := newFixture(t)
	for _, c := range []string{"c1", "c2", "c3", "c4", "c5"} {
		h.take(c)
	}
	id := h.plan(today).ID
	if got := h.view(id).stop("c1").State; got != "" {
		t.Errorf("a stop that is not issued is %q", got)
	}
	v := h.publish(id)
	h.now = at("10:00")
	h.visit(v.stop("c1"), "west-1")
	h.say("west-1", v.stop("c2"), `{"agent_status":"at_door"}`)
	h.say("west-2", v.stop("c3"), `{"agent_status":"declined","decline_reason":"unsafe"}`)
	h.do(casework.OpenHold{Case: "north.c4", Kind: "stop"})
	v = h.view(id)
	for c, want := range map[string]string{"c1": "done ", "c2": "under_way ", "c3": "declined unsafe",
		"c4": "revoked hold", "c5": "open "} {
		if st := v.stop(c); st.State+" "+st.Reason != want {
			t.Errorf("%s is %q, want %q", c, st.State+" "+st.Reason, want)
		}
	}
	if !v.stop("c1").VisitedAt.Equal(at("09:30")) || v.News != (News{Declined: 1, Revoked: 1}) {
		t.Errorf("visited at %s; the news are %+v", v.stop("c1").VisitedAt, v.News)
	}
	if v = h.replan(id, ReplanParams{}); v.News != (News{}) || v.Cases != v.Stops+v.Round.LeftOut {
		t.Errorf("after planning anew the news are %+v; %d cases, %d stops, %d left out", v.News, v.Cases, v.Stops,
			v.Round.LeftOut)
	}
	h.now = at("23:59").AddDate(0, 0, 1)
	h.work()
	if got := h.view(id).stop("c5"); got.State != "cancelled" {
		t.Errorf("the day after a stop nobody went to is %q", got.State)
	}
}
