package dispatch

import (
	"context"
	"testing"

	"doorstep/sync/journal"
)

// A round that is called off leaves the phones; what was done stays, and the day can be planned again.
func TestARoundIsCalledOff(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.street()
	queued, planned := h.request(today).ID, ""
	cancel := func(id string) (Round, error) { return h.svc.Cancel(ctx, h.ask(), id) }
	if r, err := cancel(queued); err != nil || r.Status != Cancelled {
		t.Fatalf("a queued round: %s, %v", r.Status, err)
	}
	h.work()
	if h.view(queued).Status != Cancelled {
		t.Errorf("a cancelled round was planned: it is %s", h.view(queued).Status)
	}
	planned = h.plan(today).ID
	if r, err := cancel(planned); err != nil || r.Status != Cancelled {
		t.Errorf("a planned round: %s, %v", r.Status, err)
	}
	if _, err := h.svc.Publish(ctx, h.ask(), planned); code(err) != "round.state" {
		t.Errorf("publishing a cancelled round: %v", err)
	}
	v := h.publish(h.plan(today).ID)
	h.now = at("10:00")
	h.visit(v.stop("c1"), "west-1")
	request := h.ask()
	for range 2 {
		r, err := h.svc.Cancel(ctx, request, v.ID)
		if err != nil || r.Status != Cancelled || r.CancelledBy != "boss" {
			t.Errorf("a published round: %s by %s, %v", r.Status, r.CancelledBy, err)
		}
	}
	if h.onPhone("west-1") != "c1 "+today {
		t.Errorf("the phone shows %q, want what was done", h.onPhone("west-1"))
	}
	w := h.view(v.ID)
	if w.stop("c1").State != "done" || w.stop("c2").State != "revoked" || w.stop("c2").Reason != "round:cancelled" {
		t.Errorf("c1 is %s, c2 is %s by %s", w.stop("c1").State, w.stop("c2").State, w.stop("c2").Reason)
	}
	// The day is planned again without what was visited.
	next := h.publish(h.plan(today).ID)
	if stops(next) != "t-west: c2 c3 c4" || leftOut(next)["c1"] != "VISITED" {
		t.Errorf("planned again: stops %q, left out %v", stops(next), leftOut(next))
	}
	// The process dies before the phones hear.
	ok(t, h.svc.change(ctx, porto, h.ask(), next.ID, "round.cancel", func(_ *journal.Reader, now *Round) error {
		now.Status = Cancelling
		return nil
	}))
	h.svc = New(h.svc.opt)
	h.work()
	if h.view(next.ID).Status != Cancelled || h.onPhone("west-1") != "c1 "+today {
		t.Errorf("after a crash the round is %s and the phone shows %q", h.view(next.ID).Status, h.onPhone("west-1"))
	}
	h.now = h.now.AddDate(0, 0, 1)
	if _, err := cancel(v.ID); err != nil {
		t.Errorf("cancelled already: %v", err)
	}
}
