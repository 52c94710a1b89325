package journal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth/refusal"
)

// While the store fails, a caller is told within ten seconds to come back; what it sent has one effect
// once the store works again, whether it is sent again or not.
func TestAFullStoreKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		j := Open(m, Options{})
		t.Cleanup(func() { _ = j.Close(context.Background()) })
		do(t, j, add("before", "a"))
		m.setFault(func(step string, _ *Page) error {
			if step == "before" {
				return ErrFull.Because(errors.New("no room"))
			}
			return nil
		})
		answers := make(chan error, 2)
		ask := func(id string) {
			begun := time.Now()
			_, err := j.Do(context.Background(), branch, []Command{add(id, "a")})
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("%s was answered after %s", id, took)
			}
			answers <- err
		}
		go ask("under way")
		synctest.Wait()
		go ask("queued") // behind a page that is being tried
		for range 2 {
			var no *refusal.Error
			if err := <-answers; !errors.As(err, &no) || no.Kind != refusal.Unavailable || no.RetryAfter <= 0 ||
				!errors.Is(err, ErrUnclear) && !errors.Is(err, ErrFull) {
				t.Errorf("%v, want to be told to come back", err)
			}
		}
		if err := j.Stuck(); !errors.Is(err, ErrFull) {
			t.Errorf("why it is stuck: %v", err)
		}
		m.setFault(nil)
		time.Sleep(10 * time.Second) // of the bubble's clock
		first := do(t, j, add("under way", "a"))[0]
		if err := j.Stuck(); err != nil {
			t.Errorf("with room: %v", err)
		}
		if !first.Duplicate || first.N != 2 {
			t.Errorf("the page under way was lost: %+v", first)
		}
		if second := do(t, j, add("queued", "a"))[0]; second.Duplicate || second.N != 3 {
			t.Errorf("sent again: %+v", second)
		}
	})
}
