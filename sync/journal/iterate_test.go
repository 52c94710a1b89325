package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Who reads all entries gets those around what cannot be read, and is told of it.
func TestEntriesGoOnAfterWhatCannotBeRead(t *testing.T) {
	ctx := context.Background()
	m := newMemStore()
	for i := range 40 { // more than one read of pages
		m.plant(branch, entryBytes(2*i+1, fmt.Sprint("c", i)), entryBytes(2*i+2, fmt.Sprint("d", i)))
	}
	m.damage(branch, 1, 9, 11, 33)
	m.pages[branch][10].Entries[1] = []byte("{") // entry 22
	walk := func(after, upTo uint64) string {
		var out []string
		want := after + 1
		for e, err := range Entries(ctx, m, branch, after, upTo) {
			var u *Unreadable
			switch {
			case errors.As(err, &u):
				out = append(out, fmt.Sprintf("%d-%d", u.First, u.Last))
				want = u.Last + 1
			case err != nil:
				out = append(out, "end")
			case e.N != want:
				t.Errorf("entry %d comes at %d", e.N, want)
			default:
				want++
			}
		}
		return strings.Join(append(out, fmt.Sprint("to ", want-1)), " ")
	}
	for _, c := range []struct {
		after, upTo uint64
		want        string
	}{
		{0, 80, "1-2 9-10 11-12 22-22 33-34 to 80"}, {2, 8, "to 8"}, {3, 7, "to 7"}, {9, 20, "9-10 11-12 to 20"},
		{12, 21, "to 21"}, {40, 40, "to 40"}, {60, 90, "end to 80"}, {80, 81, "end to 80"},
	} {
		if got := walk(c.after, c.upTo); got != c.want {
			t.Errorf("entries %d to %d: %s, want %s", c.after+1, c.upTo, got, c.want)
		}
	}
	n := 0
	for range Pages(ctx, m, branch, 40) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d pages", n)
	}
	j := open(t, m)
	m.setWatermark(branch, 80)
	var unread *Unreadable
	if err := j.Each(ctx, branch, 0, func(Entry) error { return nil }); !errors.As(err, &unread) {
		t.Errorf("what cannot be read and is not parked: %v", err)
	}
	m.setWatermark(branch, 0)
	do(t, j, add("c", "a")) // follows, and parks
	n = 0
	if err := j.Each(ctx, branch, 0, func(Entry) error { n++; return nil }); err != nil || n != 81-8-1 {
		t.Errorf("each: %d entries, %v", n, err)
	}
}

func TestBackoffGrowsAndIsSpread(t *testing.T) {
	b := Backoff{First: time.Second, Most: time.Minute}
	seen := map[time.Duration]bool{}
	for n := 1; n <= 100; n++ {
		about := min(time.Second<<min(n-1, 30), time.Minute)
		d := b.Next()
		if d < about/2 || d > about+about/2 {
			t.Errorf("wait %d is %v, want about %v", n, d, about)
		}
		seen[d] = true
	}
	if len(seen) < 90 {
		t.Errorf("only %d different waits of 100", len(seen))
	}
	if b.Reset(); b.Next() > 2*time.Second {
		t.Error("after a reset it does not begin again")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was given up: %v", err)
	}
}
