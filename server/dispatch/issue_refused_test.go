package dispatch

import (
	"context"
	"testing"

	"doorstep/auth"
	"doorstep/server/office"
)

// disable disables a user.
func (h *fixture) disable(id auth.UserID, yes bool) {
	h.t.Helper()
	_, err := h.office.PatchUser(context.Background(), office.Ask{By: "admin"}, id, office.UserPatch{Disabled: &yes})
	ok(h.t, err)
}

// Agents who are disabled, in another branch, or without a device that may call are not planned.
func TestWhoCannotGoIsNotPlanned(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.take("c2", "lon", "-8.58")
	h.disable("west-1", true)
	_, err := h.office.PutBranch(ctx, office.Ask{By: "admin"}, office.Branch{ID: "faro", TimeZone: "Europe/Lisbon"})
	ok(t, err)
	faro := []auth.BranchID{"faro"}
	_, err = h.office.PatchUser(ctx, office.Ask{By: "admin"}, "east-1", office.UserPatch{Branches: &faro})
	ok(t, err)
	v := h.plan(today)
	for _, r := range v.Routes {
		if len(r.Agents) != 1 || r.Agents[0] == "west-1" || r.Agents[0] == "east-1" {
			t.Errorf("the route of %s is of %v", r.Team, r.Agents)
		}
	}
	if v.Stops != 2 {
		t.Errorf("%d stops, left out %v", v.Stops, leftOut(v))
	}
	_, err = h.office.BlockDevice(ctx, office.Ask{By: "admin"}, "phone-west-2", true)
	ok(t, err)
	if v = h.plan(today); stops(v) != "t-east: c2" || leftOut(v)["c1"] != "NO_AGENT" {
		t.Errorf("without an agent in the west: stops %q, left out %v", stops(v), leftOut(v))
	}
	// A new phone, and the agent goes again.
	ok(t, h.office.RegisterDevice(ctx, auth.Device{ID: "another", User: "west-2", Platform: "ios"}))
	if v = h.plan(today); v.Stops != 2 {
		t.Errorf("with a new phone: left out %v", leftOut(v))
	}
	h.disable("west-2", true)
	h.disable("east-2", true)
	if _, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today}); code(err) != "round.no_agent" {
		t.Errorf("with no agent at all: %v", err)
	}
}

// Who was planned and cannot go any more is not issued to; the stops say why.
func TestWhoCannotGoIsNotIssuedTo(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2", "lon", "-8.58")
	id := h.plan(today).ID
	h.disable("west-1", true)
	h.disable("west-2", true)
	h.disable("east-1", true)
	v := h.publish(id)
	if stops(v) != "t-east: c2" || leftOut(v)["c1"] != "NO_AGENT" || v.Issued != 1 || v.Refused != 1 {
		t.Errorf("stops %q, left out %v, %d issued, %d refused", stops(v), leftOut(v), v.Issued, v.Refused)
	}
	if h.onPhone("west-1") != "" || h.onPhone("east-1") != "" || h.onPhone("east-2") != "c2 "+today {
		t.Errorf("the phones show %q, %q and %q", h.onPhone("west-1"), h.onPhone("east-1"), h.onPhone("east-2"))
	}
}

// A plan for tomorrow that was made before today's was published leaves today's visits alone all the same.
func TestTomorrowIsNotIssuedWhatIsOpenToday(t *testing.T) {
	h := newFixture(t)
	const tomorrow = "2026-11-26"
	h.take("c1")
	h.shift("t-west", tomorrow)
	next := h.plan(tomorrow).ID
	v := h.publish(h.plan(today).ID)
	h.take("c2")
	next2 := h.plan(tomorrow).ID
	if got := leftOut(h.view(next2)); got["c1"] != "ASSIGNED" {
		t.Errorf("planned after today's: left out %v", got)
	}
	w := h.publish(next)
	if got := leftOut(w); got["c1"] != "ASSIGNED" || h.onPhone("west-1") != "c1 "+today {
		t.Errorf("planned before today's: left out %v, the phone shows %q", got, h.onPhone("west-1"))
	}
	// Today's own plan keeps it, and so does tomorrow's once the visit is over.
	if v = h.replan(v.ID, ReplanParams{}); stops(v) != "t-west: c1 c2" {
		t.Errorf("today's plan anew: stops %q, left out %v", stops(v), leftOut(v))
	}
}
