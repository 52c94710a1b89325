package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// Branches take turns, whoever has asked for how much.
func TestBranchesTakeTurns(t *testing.T) {
	q := newQueue(1)
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	wait := map[auth.BranchID][]string{"a": {"a1", "a2", "a3", "a4"}, "b": {"b2", "b1"}, "c": {"c1"}}
	for b, ids := range wait {
		q.set(b, ids)
	}
	var order []string
	for {
		b, id, ok := q.next(now)
		if !ok {
			break
		}
		if _, _, too := q.next(now); too {
			t.Fatal("two rounds are at work")
		}
		order = append(order, id)
		wait[b] = slices.DeleteFunc(wait[b], func(x string) bool { return x == id })
		q.done(b, id, false, now)
		q.set(b, wait[b])
	}
	if got := strings.Join(order, " "); got != "a1 b1 c1 a2 b2 a3 a4" {
		t.Errorf("the order was %s", got)
	}
}

// A round that fails does not keep its branch's others from their turn, and is tried at
// growing distances.
func TestAFailedRoundWaitsAndTheOthersGoOn(t *testing.T) {
	q := newQueue(4)
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	q.set("a", []string{"bad", "good"})
	last := time.Duration(0)
	for try := range 8 {
		b, id, ok := q.next(now)
		if !ok || id != "bad" {
			t.Fatalf("attempt %d is at %s", try+1, id)
		}
		if _, _, too := q.next(now); too {
			t.Fatal("a branch has two rounds at work")
		}
		q.done(b, id, true, now)
		q.set("a", []string{"bad", "good"})
		if _, id, ok := q.next(now); !ok || id != "good" {
			t.Fatalf("while the other waits %s is next", id)
		}
		q.done("a", "good", false, now)
		q.set("a", []string{"bad"})
		if _, _, ok := q.next(now); ok {
			t.Fatal("the failed round is tried at once")
		}
		wait := q.pause(now, time.Hour)
		if wait < firstPause/2 || wait > mostPause*3/2 || try > 6 && wait < last/8 {
			t.Fatalf("attempt %d is %s later", try+2, wait)
		}
		now, last = now.Add(wait), wait
		q.set("a", []string{"bad", "good"})
	}
	q.set("a", nil)
	if len(q.trouble)+len(q.of)+len(q.waiting) > 0 {
		t.Errorf("the queue remembers %v %v", q.trouble, q.waiting)
	}
}

// TestQueuesNeverStarve draws what is asked for and how long it takes: no branch is passed
// over by another twice in a row, and never are more at work than may be.
func TestQueuesNeverStarve(t *testing.T) {
	for seed := range uint64(200) {
		draw := rand.New(rand.NewPCG(seed, 1))
		q := newQueue(1 + draw.IntN(3))
		now := time.Unix(0, 0)
		wait, at := map[auth.BranchID][]string{}, map[auth.BranchID]string{}
		passed := map[auth.BranchID]map[auth.BranchID]int{}
		for step := range 200 {
			switch b := auth.BranchID(rune('a' + draw.IntN(5))); draw.IntN(3) {
			case 0:
				wait[b] = append(wait[b], fmt.Sprintf("%s%03d", b, step))
				q.set(b, wait[b])
			case 1:
				if id, busy := at[b]; busy {
					delete(at, b)
					wait[b] = slices.DeleteFunc(wait[b], func(x string) bool { return x == id })
					q.done(b, id, false, now)
					q.set(b, wait[b])
				}
			default:
				got, id, ok := q.next(now)
				if !ok {
					continue
				}
				if _, busy := at[got]; busy || !slices.Contains(wait[got], id) || len(at) >= q.atOnce {
					t.Fatalf("seed %d: %s began beside %v", seed, id, at)
				}
				at[got] = id
				delete(passed, got)
				for other := range wait {
					if _, busy := at[other]; busy || len(wait[other]) == 0 {
						continue
					}
					if passed[other] == nil {
						passed[other] = map[auth.BranchID]int{}
					}
					if passed[other][got]++; passed[other][got] > 2 {
						t.Fatalf("seed %d: %s was served three times while %s waited", seed, got, other)
					}
				}
			}
		}
	}
}

// put keeps a round of any branch as if it had been asked for, and has Run look at it.
func (h *fixture) put(b auth.BranchID, id, status string) {
	h.t.Helper()
	r := Round{ID: id, Branch: b, Date: today, Status: status}
	if status == Replanning {
		r.Replan = &Replan{}
	}
	_, err := h.svc.do(context.Background(), b, Ask{Actor: auth.System(), Command: "put:" + id},
		func(ctx context.Context, rd *journal.Reader) (journal.Draft, error) {
			if _, _, err := rd.Doc(ctx, "rounds", id); err != nil {
				return journal.Draft{}, err
			}
			return putRound(rd, "round.request", r)
		})
	ok(h.t, err)
	h.svc.poke(b)
}

// becomes is the work of a lane that takes a while and leaves a round in a status.
func (h *fixture) becomes(after time.Duration, status string) func(context.Context, Round) error {
	return func(ctx context.Context, r Round) error {
		if err := journal.Sleep(ctx, after); err != nil {
			return err
		}
		ask := Ask{Actor: auth.System()}
		return h.svc.change(ctx, r.Branch, ask, r.ID, "test", func(_ *journal.Reader, now *Round) error {
			now.Status, now.Tries = status, 0
			return nil
		})
	}
}

// running runs a story beside Run, under a clock that jumps over waiting; lanes are what Run does.
func running(t *testing.T, lanes func(h *fixture) []*lane, story func(h *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t)
		h.svc.lanes = func() []*lane { return lanes(h) }
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- h.svc.Run(ctx) }()
		defer func() {
			cancel()
			ok(t, <-ended)
		}()
		story(h)
	})
}

// is fails the test unless a round has a status.
func (h *fixture) is(b auth.BranchID, id, status string) Round {
	h.t.Helper()
	r, err := h.svc.load(context.Background(), b, id)
	ok(h.t, err)
	if r.Status != status {
		h.t.Errorf("the round %s is %s, want %s", id, r.Status, status)
	}
	return r
}

// While one branch's ten searches of two minutes go on, another branch publishes and plans
// anew at once, and a third has its own search next, not after the ten.
func TestNothingWaitsBehindSearches(t *testing.T) {
	running(t, func(h *fixture) []*lane {
		return []*lane{
			{Publishing, h.becomes(time.Second, Published), newQueue(issuedAtOnce)},
			{Replanning, h.becomes(2*time.Second, Publishing), newQueue(replannedAtOnce)},
			{Queued, h.becomes(2*time.Minute, Planned), newQueue(1)},
		}
	}, func(h *fixture) {
		for i := range 10 {
			h.put("a", fmt.Sprint("a", i), Queued)
		}
		time.Sleep(time.Second)
		h.put("b", "b-publish", Publishing)
		h.put("c", "c-replan", Replanning)
		h.put("d", "d-plan", Queued)
		time.Sleep(4 * time.Second)
		h.is("b", "b-publish", Published)
		h.is("c", "c-replan", Published)
		h.is("a", "a0", Queued)
		time.Sleep(4*time.Minute + 10*time.Second)
		h.is("a", "a0", Planned)
		h.is("d", "d-plan", Planned)
		h.is("a", "a2", Queued)
		time.Sleep(20 * time.Minute)
		h.is("a", "a9", Planned)
	})
}

// A round whose planning breaks off each time holds up no other, not even of its branch, and
// has failed in the end: it can be asked for again.
func TestARoundThatBreaksOffIsGivenUp(t *testing.T) {
	tries := 0
	running(t, func(h *fixture) []*lane {
		planned := h.becomes(time.Second, Planned)
		return []*lane{{Queued, func(ctx context.Context, r Round) error {
			if r.ID == "bad" {
				tries++
				return errors.New("no answer from a server of a secret name")
			}
			return planned(ctx, r)
		}, newQueue(1)}}
	}, func(h *fixture) {
		h.put("a", "bad", Queued)
		h.put("a", "good", Queued)
		h.put("b", "other", Queued)
		time.Sleep(5 * time.Second)
		h.is("a", "good", Planned)
		h.is("b", "other", Planned)
		time.Sleep(10 * time.Minute)
		r := h.is("a", "bad", Failed)
		if tries != maxTries || r.Failure != "round.gave_up" || strings.Contains(r.FailureText, "secret") ||
			!strings.Contains(r.FailureText, "5 times") {
			t.Errorf("it was tried %d times and failed for %s: %s", tries, r.Failure, r.FailureText)
		}
	})
}

// A round that takes the process down with it does so at most maxTries times: each start counts
// the attempt before it is made.
func TestStartsDoNotCycle(t *testing.T) {
	h := newFixture(t)
	h.put("a", "bad", Queued)
	type dies struct{}
	starts := 0
	for range maxTries + 3 {
		h.svc.lanes = func() []*lane {
			return []*lane{{Queued, func(context.Context, Round) error { starts++; panic(dies{}) }, newQueue(1)}}
		}
		func() {
			defer func() {
				if x := recover(); x != nil && x != (any)(dies{}) {
					panic(x)
				}
			}()
			h.work()
		}()
	}
	if r := h.is("a", "bad", Failed); starts != maxTries || r.Failure != "round.gave_up" {
		t.Errorf("%d starts tried it; it failed for %q", starts, r.Failure)
	}
}

// What cannot be published goes back to where it can be asked for again, and what the phones
// have stays.
func TestPublishingThatFailsCanBeAskedForAgain(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	id := h.plan(today).ID
	real := h.svc.lanes
	refused := refuse(refusal.TooLarge, "command.too_large", "", "an entry holds at most 512 kB")
	h.svc.lanes = func() []*lane {
		return []*lane{{Publishing, func(context.Context, Round) error { return refused }, newQueue(1)}}
	}
	v := h.publish(id)
	if v.Status != Planned || v.Failure != "command.too_large" || v.FailureText != refused.Msg {
		t.Fatalf("the round is %s for %s: %s", v.Status, v.Failure, v.FailureText)
	}
	h.svc.lanes = real
	v = h.publish(id)
	if v.Status != Published || v.Failure != "" || v.FailureText != "" || h.onPhone("west-1") != "c1 "+today {
		t.Fatalf("the round is %s for %q, the phone shows %q", v.Status, v.Failure, h.onPhone("west-1"))
	}
	_, err := h.svc.Replan(context.Background(), h.ask(), id, ReplanParams{TimeLimitS: 1})
	ok(t, err)
	h.svc.lanes = func() []*lane {
		return []*lane{{Replanning, func(context.Context, Round) error { return refused }, newQueue(1)}}
	}
	h.work()
	if v := h.view(id); v.Status != Published || v.Replan.Failure != "command.too_large" || v.Failure != "" ||
		h.onPhone("west-1") != "c1 "+today {
		t.Errorf("after a replan that failed for %q the round is %s, the phone shows %q", v.Replan.Failure, v.Status,
			h.onPhone("west-1"))
	}
}

// A branch has one queued round a day: the same asked again is the same round, under any key and
// for ever; another plan is refused until the first is planned.
func TestADayHasOneQueuedRound(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	ctx := context.Background()
	p := Params{Branch: porto, Date: today, Seed: 1, TimeLimitS: 1, Teams: []string{"t-west", "t-east"}}
	first, err := h.svc.Create(ctx, h.ask(), p)
	ok(t, err)
	p.Teams = []string{"t-east", "t-west"}
	again := h.ask()
	second, err := h.svc.Create(ctx, again, p)
	if err != nil || second.ID != first.ID {
		t.Errorf("the same is answered with %s, %v; want %s", second.ID, err, first.ID)
	}
	other := p
	other.Seed = 2
	if _, err := h.svc.Create(ctx, h.ask(), other); code(err) != "round.queued" ||
		!strings.Contains(err.Error(), first.ID) {
		t.Errorf("another plan: %v", err)
	}
	tomorrow := p
	tomorrow.Date, tomorrow.Teams = "2026-11-26", nil
	h.shift("t-west", tomorrow.Date)
	if r, err := h.svc.Create(ctx, h.ask(), tomorrow); err != nil || r.ID == first.ID {
		t.Errorf("another day: %v", err)
	}
	h.work()
	if r, err := h.svc.Create(ctx, again, p); err != nil || r.ID != first.ID {
		t.Errorf("the same key, later: %s, %v", r.ID, err)
	}
	if r, err := h.svc.Create(ctx, h.ask(), other); err != nil || r.ID == first.ID {
		t.Errorf("another plan, later: %s, %v", r.ID, err)
	}
	for _, limit := range []int{-1, MaxTimeLimitS + 1} {
		p.TimeLimitS = limit
		if _, err := h.svc.Create(ctx, h.ask(), p); code(err) != "round.limit" {
			t.Errorf("a limit of %d s: %v", limit, err)
		}
	}
}
