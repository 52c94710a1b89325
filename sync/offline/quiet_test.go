package offline

import (
	"testing"

	"doorstep/sync/journal"

	"pgregory.net/rapid"
)

// TestAQuietFeedIsOneWithoutNewRows compares what is remembered of the feeds with all rows that there are.
func TestAQuietFeedIsOneWithoutNewRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []journal.Feed{"a", "b", "branch"}
		rows := map[journal.Feed][]uint64{}
		var q *quiet
		w := uint64(0)
		for range rapid.IntRange(1, 30).Draw(t, "pages") {
			if q == nil && rapid.Bool().Draw(t, "begins") {
				q = &quiet{from: w, w: w, last: map[journal.Feed]uint64{}}
			}
			w++
			c := journal.Committed{Branch: "x", W: w}
			for i, f := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 3).Draw(t, "feeds") {
				seq := journal.SeqTop(0, w-1) + 1 + uint64(i)
				c.Feeds, rows[f] = append(c.Feeds, journal.FeedEntry{Feed: f, Seq: seq}), append(rows[f], seq)
			}
			if q != nil {
				q.grown(c)
			}
		}
		if q == nil {
			return
		}
		after := rapid.OneOf(rapid.Uint64Range(0, journal.SeqTop(0, w+2)), rapid.Just(journal.SeqTop(0, q.from)),
			rapid.Just(journal.SeqTop(0, w))).Draw(t, "after")
		read := []journal.Feed{rapid.SampledFrom(names[:2]).Draw(t, "agent"), "branch"}
		want := after >= journal.SeqTop(0, q.from) && after <= journal.SeqTop(0, w)
		for _, f := range read {
			for _, seq := range rows[f] {
				want = want && seq <= after
			}
		}
		if got := q.nothing(read, after); got != want || q.w != w {
			t.Fatalf("nothing after %d: %v, want %v; at entry %d of %d", after, got, want, q.w, w)
		}
	})
}
