package dispatch

import (
	"context"
	"errors"
	"testing"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
)

// leave puts an agent on leave and takes back their work of those days.
func (h *fixture) leave(agent auth.UserID, from, to string) []TakenBack {
	h.t.Helper()
	_, err := h.office.PutLeave(context.Background(), office.Ask{By: "boss"}, office.Leave{ID: "l1", Agent: agent,
		Branch: porto, From: from, To: to})
	ok(h.t, err)
	taken, err := h.svc.TakeBack(context.Background(), agent)
	ok(h.t, err)
	return taken
}

// shut closes the branch on a date.
func (h *fixture) shut(date string) {
	h.t.Helper()
	_, err := h.office.CloseDay(context.Background(), office.Ask{By: "boss"}, office.ClosedDay{Branch: porto, Date: date,
		Reason: "training"})
	ok(h.t, err)
}

func codeOf(err error) string {
	var e *refusal.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

const tomorrow = "2026-11-26"

// Who is on leave is not planned, a case whose team is on leave says so, and work that is on phones is taken back: that
// of the days of the leave only. Once the leave is taken back the day is planned as before.
func TestWhoIsOnLeaveHasNoWorkThatDay(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.take("c2")
	h.take("e1", "lon", "-8.58")
	h.shift("t-west", tomorrow)
	h.shift("t-east", tomorrow)
	v := h.publish(h.plan(today).ID)
	h.take("c3")
	next := h.plan(tomorrow)
	for agent, want := range map[auth.UserID]string{"west-1": today + " published; " + tomorrow + " planned; ",
		"stranger": ""} {
		touched, err := h.svc.Touched(ctx, porto, "2026-11-01", "2026-12-31", agent)
		ok(t, err)
		got := ""
		for _, x := range touched {
			got += x.Date + " " + x.Status + "; "
			if x.Round != v.ID && x.Round != next.ID {
				t.Errorf("the round %s is none of theirs", x.Round)
			}
		}
		if got != want {
			t.Errorf("a leave of %s touches %s", agent, got)
		}
	}
	if got := h.leave("west-1", tomorrow, tomorrow); len(got) != 1 || got[0] != (TakenBack{porto, office.AgentOnLeave, 0,
		0}) {
		t.Errorf("a leave of tomorrow took back %+v", got)
	}
	if got := h.leave("west-1", today, tomorrow); len(got) != 1 || got[0].Stayed != 2 || got[0].Revoked != 0 {
		t.Errorf("a leave of one of two took back %+v", got)
	}
	if a, b := h.onPhone("west-1"), h.onPhone("west-2"); a != "" || b != "c1 "+today+", c2 "+today {
		t.Errorf("the phones show %q and %q", a, b)
	}
	if got := h.leave("west-2", today, tomorrow); len(got) != 1 || got[0].Revoked != 2 {
		t.Errorf("a leave of the other took back %+v", got)
	}
	v = h.view(v.ID)
	if st := v.stop("c1"); st.State != "revoked" || st.Reason != "agent:on_leave" {
		t.Errorf("the stop is %s by %s", st.State, st.Reason)
	}
	if h.onPhone("east-1") != "e1 "+today {
		t.Errorf("another team's phone shows %q", h.onPhone("east-1"))
	}
	v = h.plan(tomorrow)
	if got := leftOut(v); got["c1"] != "ON_LEAVE house-leave" || got["c2"] != "ON_LEAVE house-leave" {
		t.Errorf("tomorrow leaves out %v", got)
	}
	for _, id := range []auth.UserID{"west-1", "west-2"} {
		ok(t, h.office.EndLeave(ctx, office.Ask{By: "boss"}, porto, id, "l1"))
	}
	if v = h.plan(tomorrow); stops(v) != "t-west: c1 c2 c3" {
		t.Errorf("after the leave %q are planned, %v left out", stops(v), leftOut(v))
	}
	// A leave that comes after planning: publishing looks again.
	h.leave("west-1", tomorrow, tomorrow)
	h.leave("west-2", tomorrow, tomorrow)
	if v = h.publish(v.ID); v.Issued != 0 || leftOut(v)["c1"] != "ON_LEAVE house-leave" || h.onPhone("west-1") != "" {
		t.Errorf("%d were issued; left out are %v; the phone shows %q", v.Issued, leftOut(v), h.onPhone("west-1"))
	}
}

// A leave that was taken back before the work was has no effect, and a crash after it was noted loses nothing.
func TestALeaveIsFollowedAfterACrash(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.publish(h.plan(today).ID)
	for _, id := range []auth.UserID{"west-1", "west-2"} {
		_, err := h.office.PutLeave(ctx, office.Ask{By: "boss"}, office.Leave{ID: "l1", Agent: id, Branch: porto,
			From: today, To: today})
		ok(t, err)
	}
	ok(t, h.office.EndLeave(ctx, office.Ask{By: "boss"}, porto, "west-2", "l1"))
	h.svc = New(h.svc.opt)
	h.work()
	if a, b := h.onPhone("west-1"), h.onPhone("west-2"); a != "" || b != "c1 "+today {
		t.Errorf("the phones show %q and %q", a, b)
	}
}

// A closed day is not planned, published or replanned; what is on phones is taken back, but for a team at the door.
func TestAClosedDayHasNoWork(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.take("c2")
	h.shift("t-west", tomorrow)
	planned := h.plan(tomorrow)
	v := h.publish(h.plan(today).ID)
	h.now = at("10:00")
	h.say("west-1", v.stop("c1"), `{"agent_status":"en_route"}`)
	h.shut(today)
	taken, err := h.svc.TakeBackDay(ctx, porto)
	ok(t, err)
	if len(taken) != 1 || taken[0] != (TakenBack{porto, office.BranchClosed, 1, 1}) {
		t.Errorf("closing took back %+v", taken)
	}
	if got := h.onPhone("west-1"); got != "c1 "+today {
		t.Errorf("the phone shows %q", got)
	}
	if st := h.view(v.ID).stop("c2"); st.State != "revoked" || st.Reason != "branch:closed" {
		t.Errorf("the stop is %s by %s", st.State, st.Reason)
	}
	h.shut(tomorrow)
	_, planErr := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: tomorrow, Seed: 2, TimeLimitS: 1})
	_, publishErr := h.svc.Publish(ctx, h.ask(), planned.ID)
	_, replanErr := h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{TimeLimitS: 1})
	for what, err := range map[string]error{"planned": planErr, "published": publishErr, "replanned": replanErr} {
		if codeOf(err) != "round.branch_closed" {
			t.Errorf("a closed day is %s: %v", what, err)
		}
	}
	ok(t, h.office.OpenDay(ctx, office.Ask{By: "boss"}, porto, tomorrow))
	if _, err := h.svc.Publish(ctx, h.ask(), planned.ID); err != nil {
		t.Errorf("an open day is not published: %v", err)
	}
	// Closed between the request to publish and its being done.
	h.shut(tomorrow)
	h.work()
	if got := leftOut(h.view(planned.ID)); got["c1"] != "BRANCH_CLOSED house-closed" {
		t.Errorf("left out are %v", got)
	}
}
