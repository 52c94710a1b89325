package journal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is stored and not applied yet is told apart from damage.
func TestAnUnappliedTailIsNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m := newMemStore()
		j := open(t, m)
		do(t, j, add("c1", "a"))
		m.setFault(func(step string, _ *Page) error {
			if step == "stored" {
				return errors.New("the node dies here")
			}
			return nil
		})
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := j.Do(short, branch, []Command{add("c2", "a")})
		if err == nil {
			t.Fatal("a page without its views was acknowledged")
		}
		found, err := Check(ctx, m, branch, nil)
		if err != nil || len(found) != 1 || !found[0].Harmless ||
			!strings.Contains(found[0].What, "entries 2 to 2 are stored and not in the views yet") {
			t.Errorf("found %v, %v", found, err)
		}
		m.setFault(nil)
	})
}

// J5: the floor stays 180 days of journal time behind the tail, never falls, and rises
// no faster than real time.
func TestTheFloorRisesWithRealTime(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	const oneDay = 24 * time.Hour
	for _, c := range []struct {
		name     string
		at, tail time.Time
		passed   time.Duration
		want     time.Time
	}{
		{"a young journal", day(0), day(179), 200 * oneDay, day(0)},
		{"day by day", day(10), day(191), oneDay, day(11)},
		{"no further than the tail allows", day(10), day(191), 5 * oneDay, day(11)},
		{"a clock that jumped ten years", day(10), day(3650), oneDay, day(11)},
		{"no time passed", day(10), day(3650), 0, day(10)},
		{"a tail that came late", day(10), day(100), oneDay, day(10)},
	} {
		if got := raised(c.at, c.tail, c.passed); !got.Equal(c.want) {
			t.Errorf("%s: the floor goes from %v to %v, want %v", c.name, c.at, got, c.want)
		}
	}
}
