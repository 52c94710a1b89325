package journal

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestJ13RevisionsOfAnEpochAreAboveAllBefore restores one backup twice: no revision of a document that is changed is
// given in two histories, and the first of one that is made is 1 in each.
func TestJ13RevisionsOfAnEpochAreAboveAllBefore(t *testing.T) {
	ctx := context.Background()
	given := map[uint64]string{}
	written := func(history string, j *Journal, doc string, times int) (last uint64) {
		t.Helper()
		for i := range times {
			out := do(t, j, add(fmt.Sprintf("%s-%s-%d", history, doc, i), doc))
			for _, d := range out[0].Docs {
				if last = d.Rev; doc == "old" && given[d.Rev] != "" {
					t.Errorf("revision %d is of %s and of %s", d.Rev, given[d.Rev], history)
				}
				given[last] = history
			}
		}
		return last
	}
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for i, history := range []string{"the first", "the second", "the third"} {
		m := newMemStore()
		j := open(t, m)
		do(t, j, add("c1", "old"), add("c2", "old")) // the backup
		if i > 0 {
			r := Restore{At: at.Add(time.Duration(i) * time.Second), Epoch: history}
			if err := j.BeginEpoch(ctx, branch, "restore", r); err != nil {
				t.Fatal(err)
			}
		}
		rev := written(history, j, "old", 3)
		if written(history, j, "new", 1) != 1 {
			t.Errorf("in %s a document does not begin at 1", history)
		}
		again := open(t, m) // another process
		if next := written(history+" again", again, "old", 1); next != rev+1 {
			t.Errorf("in %s revision %d follows %d", history, next, rev)
		}
		found, err := Check(ctx, m, branch, nil)
		if err != nil || len(found) > 0 {
			t.Errorf("%s: found %v, %v", history, found, err)
		}
	}
	for restored, want := range map[string]uint64{"1969-01-01T00:00:00Z": 0, "2026-11-25T09:00:00Z": 1795597200 << 20,
		"9999-01-01T00:00:00Z": 1 << 52} {
		r, err := time.Parse(time.RFC3339, restored)
		if got := RevsAbove([]Restored{{Restore: Restore{At: r}}, {}}); err != nil || got != want {
			t.Errorf("restored at %s they are above %d, want %d", restored, got, want)
		}
	}
}
