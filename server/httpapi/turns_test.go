package httpapi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A device that pushes on many connections is served one push at a time; another device does not wait for it.
func TestADeviceTakesItsTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTurns(20)
		ended := map[time.Duration]int{}
		begun := time.Now()
		push := func(device string) {
			mine, leave := ts.enter(device)
			if mine == nil {
				t.Errorf("%s is refused", device)
				return
			}
			defer leave()
			done, err := mine.wait(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			time.Sleep(400 * time.Millisecond) // the work
			if device == "other" {
				if took := time.Since(begun); took != 400*time.Millisecond {
					t.Errorf("another device waited %s", took)
				}
				return
			}
			ended[time.Since(begun)]++
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { push("loop") })
		}
		all.Go(func() { push("other") })
		synctest.Wait()
		if mine, _ := ts.enter("loop"); mine != nil {
			t.Error("a device has more under way than it may")
		}
		all.Wait()
		for at, n := range ended {
			if n != 1 {
				t.Errorf("%d pushes of a device ended at %s", n, at)
			}
		}
		if len(ended) != 20 || len(ts.of) != 0 {
			t.Errorf("%d of 20 pushes ended, %d devices are remembered", len(ended), len(ts.of))
		}
	})
}

// A request whose device's turn does not come, because the store does not answer the one before, is told to come back.
func TestATurnThatDoesNotComeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTurns(2)
		first, leave := ts.enter("d")
		defer leave()
		done, err := first.wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		second, leaveToo := ts.enter("d")
		defer leaveToo()
		_, err = second.wait(t.Context())
		var p *Problem
		if !errors.As(err, &p) || p.Code != "sync.rate" || p.retryAfter == 0 {
			t.Errorf("it was told %v", err)
		}
	})
}

func TestWhoGoesAwayLosesItsTurn(t *testing.T) {
	ts := newTurns(2)
	first, leave := ts.enter("d")
	defer leave()
	done, err := first.wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	second, leaveToo := ts.enter("d")
	defer leaveToo()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := second.wait(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that went away: %v", err)
	}
}
