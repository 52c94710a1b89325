package notify

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// times are when a provider was asked for alerts, in seconds since a moment.
func (p *provider) times(since time.Time, ids ...string) (out []int) {
	for _, id := range ids {
		for _, at := range p.of(id) {
			out = append(out, int(at.Sub(since).Seconds()))
		}
	}
	return out
}

// A device is alerted at most once a minute, also by a process that has just started; other
// devices do not wait for it.
func TestAlertsOfADeviceAreAMinuteApart(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p, began := &provider{}, time.Now()
		stop := h.run(p)
		h.write(Alert{ID: "first", Device: "d1"})
		time.Sleep(20 * time.Second)
		h.write(Alert{ID: "second", Device: "d1"}, Alert{ID: "other", Device: "d2"})
		time.Sleep(10 * time.Second)
		stop()
		stop = h.run(p)
		time.Sleep(10 * time.Second)
		if got := p.times(began, "first", "other", "second"); fmt.Sprint(got) != "[0 20]" {
			t.Fatalf("after 40 seconds alerts went out at %v", got)
		}
		time.Sleep(time.Minute)
		if got := p.times(began, "second"); len(got) != 1 || got[0] < 60 || got[0] > 65 {
			t.Errorf("the second went out at %v", got)
		}
		h.write(Alert{ID: "third", Device: "d1"})
		time.Sleep(2 * time.Minute)
		stop()
		second, third := p.of("second"), p.of("third")
		if len(third) != 1 || third[0].Sub(second[0]) < time.Minute {
			t.Errorf("the third went out at %v, the second at %v", third, second)
		}
	})
}

// What could not be sent yet makes way for a newer alert of the device, which goes out when the
// older one would have; nothing is sent twice and nothing goes out early.
func TestANewerAlertTakesThePlaceOfOneThatWaits(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p, began := &provider{}, time.Now()
		p.answer = func(_ context.Context, m Message) error {
			if m.Task == "old" {
				return &Failure{Retry: true, RetryAfter: 5 * time.Minute, Why: "quota"}
			}
			return nil
		}
		stop := h.run(p)
		h.write(Alert{ID: "old", Device: "d1"})
		time.Sleep(10 * time.Second)
		h.write(Alert{ID: "new", Device: "d1", Kind: "task_revoked"})
		time.Sleep(time.Hour)
		stop()
		if m := h.outcome("old"); m.Status != Replaced || m.Reason != "newer_alert" || len(p.of("old")) != 1 {
			t.Errorf("old: %+v after %d calls", m, len(p.of("old")))
		}
		if got := p.times(began, "new"); len(got) != 1 || got[0] < 300 || got[0] > 310 || h.outcome("new").Status != Sent {
			t.Errorf("new went out at %v: %+v", got, h.outcome("new"))
		}
	})
}

// An alert that was settled elsewhere, after it was read here and before it was marked, is not sent.
func TestWhatIsSettledElsewhereIsNotSent(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		p := &provider{}
		h.meanwhile = func() {
			h.meanwhile = nil
			if _, err := h.Mark(context.Background(), branch, []Mark{{ID: "n", Status: Dead, Reason: "by hand"}}); err != nil {
				t.Error(err)
			}
		}
		h.write(Alert{ID: "n"}, Alert{ID: "m"})
		stop := h.run(p)
		time.Sleep(time.Minute)
		stop()
		if len(p.of("n")) != 0 || h.alert("n").Status != Dead || len(p.of("m")) != 1 {
			t.Errorf("n was sent %d times and is %s; m was sent %d times", len(p.of("n")), h.alert("n").Status, len(p.of("m")))
		}
	})
}
