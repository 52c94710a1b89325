package dispatch

import (
	"context"
	"testing"

	"doorstep/auth"
	"doorstep/server/office"
)

// The open work of an agent who is disabled or moved is taken back: what others of the team have stays with them, the
// rest leaves the phones, and what was done stays.
func TestWhoLeavesHasNoOpenWork(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for _, c := range []string{"c1", "c2", "c3"} {
		h.take(c)
	}
	h.take("e1", "lon", "-8.58")
	h.take("cn", "profile", "cn")
	v := h.publish(h.plan(today).ID)
	h.now = at("10:00")
	h.visit(v.stop("c1"), "west-1")
	had := h.onPhone("west-2")
	h.disable("west-1", true)
	got, err := h.svc.TakeBack(ctx, "west-1")
	ok(t, err)
	// Two agents must go where cn holds.
	cn := 0
	for _, r := range v.Routes {
		for _, st := range r.Stops {
			if ref(st.Case) == "cn" {
				cn = 1
			}
		}
	}
	if len(got) != 1 || got[0] != (TakenBack{porto, office.AgentDisabled, cn, 2}) {
		t.Errorf("disabling one of two took back %+v", got)
	}
	if h.onPhone("west-1") != "c1 "+today || h.onPhone("west-2") == "" || cn == 1 && h.onPhone("west-2") == had {
		t.Errorf("the phones show %q and %q", h.onPhone("west-1"), h.onPhone("west-2"))
	}
	// The other one moves; the process dies before their work is taken back.
	_, err = h.office.PutBranch(ctx, office.Ask{By: "admin"}, office.Branch{ID: "faro", TimeZone: "Europe/Lisbon"})
	ok(t, err)
	faro := []auth.BranchID{"faro"}
	_, err = h.office.PatchUser(ctx, office.Ask{By: "admin"}, "west-2", office.UserPatch{Branches: &faro})
	ok(t, err)
	h.svc = New(h.svc.opt)
	h.work()
	if v = h.view(v.ID); v.stop("c2").State != "revoked" || v.stop("c2").Reason != "agent:moved" ||
		v.stop("c1").State != "done" || h.onPhone("east-1") != "e1 "+today {
		t.Errorf("c1 is %s, c2 is %s by %s; another team's phone shows %q", v.stop("c1").State, v.stop("c2").State,
			v.stop("c2").Reason, h.onPhone("east-1"))
	}
	if left, err := h.office.Leavings(ctx, nil); err != nil || len(left) > 0 {
		t.Errorf("still to be done: %v, %v", left, err)
	}
	if got, err = h.svc.TakeBack(ctx, "west-2"); err != nil || len(got) > 0 {
		t.Errorf("asked again it takes back %+v, %v", got, err)
	}
}

// Who is back before their work was taken back keeps it.
func TestWhoIsBackKeepsTheirWork(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.publish(h.plan(today).ID)
	h.disable("west-1", true)
	h.disable("west-1", false)
	h.work()
	if got := h.onPhone("west-1"); got != "c1 "+today {
		t.Errorf("the phone shows %q", got)
	}
}
