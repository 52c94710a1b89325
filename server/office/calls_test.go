package office

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/server/store/memstore"
	"doorstep/sync/journal"
)

// One write that fails does not end the writing down of calls: without it the office would take every phone for silent
// until the server is started again.
func TestCallsAreWrittenDownAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 0
		store := memstore.Open(memstore.NewDisk(), Indexes(), func(op memstore.Op, do func()) error {
			if op.Write && failures == 0 {
				failures++
				return errors.New("the store is away")
			}
			do()
			return nil
		})
		j := journal.Open(store, journal.Options{})
		s, other := New(j, plainly{}), New(j, plainly{})
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.RunCalls(ctx) }()
		at := time.Now()
		s.Called("d1", at)
		time.Sleep(3 * callsFlush)
		got, err := other.LastCalls(ctx, []auth.DeviceID{"d1"})
		ok(t, err)
		if failures != 1 || !got["d1"].Equal(at) {
			t.Errorf("after %d failed writes another node knows %v, want %v", failures, got["d1"], at)
		}
		end()
		ok(t, <-ended)
		ok(t, j.Close(t.Context()))
	})
}

// A node knows at once which phones called it; others know it once it has been written down, every ten minutes at most.
func TestWhenAPhoneCalledLast(t *testing.T) {
	h, ctx := newFixture(t), context.Background()
	other := New(h.journal, plainly{})
	check := func(what string, s *Service, want time.Time) {
		t.Helper()
		got, err := s.LastCalls(ctx, []auth.DeviceID{"d0", "d1"})
		ok(t, err)
		if _, never := got["d0"]; never || !got["d1"].Equal(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	first := h.now
	check("before", h.Service, time.Time{})
	h.Called("d1", first)
	check("here", h.Service, first)
	check("elsewhere", other, time.Time{})
	ok(t, h.keepCalls(ctx, callsEvery))
	check("elsewhere, written down", other, first)
	h.Called("d1", first.Add(5*time.Minute))
	h.Called("d1", first.Add(4*time.Minute)) // a request that took longer
	ok(t, h.keepCalls(ctx, callsEvery))
	check("here, five minutes later", h.Service, first.Add(5*time.Minute))
	check("elsewhere, too soon to write", other, first)
	h.Called("d1", first.Add(10*time.Minute))
	ok(t, h.keepCalls(ctx, callsEvery))
	check("elsewhere, after ten minutes", other, first.Add(10*time.Minute))
	other.Called("d1", first.Add(time.Minute))
	ok(t, other.keepCalls(ctx, 0))
	check("an older call of another node", h.Service, first.Add(10*time.Minute))
	h.Called("d1", first.Add(11*time.Minute))
	done, end := context.WithCancel(ctx)
	end()
	ok(t, h.RunCalls(done))
	check("after the end", other, first.Add(11*time.Minute))
}
