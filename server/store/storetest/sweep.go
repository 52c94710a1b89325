package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"doorstep/sync/journal"
)

// remove is a command that deletes a document and tells a feed.
func remove(id, doc string, feed journal.Feed) journal.Command {
	return journal.Command{ID: id, Actor: "u", Decide: func(
		ctx context.Context, r *journal.Reader,
	) (journal.Draft, error) {
		if _, _, err := r.Doc(ctx, "docs", doc); err != nil {
			return journal.Draft{}, err
		}
		d := journal.Draft{Action: "doc.remove"}
		d.Delete("docs", doc)
		d.Tell(feed, "docs", doc)
		return d, nil
	}}
}

// sweptIsWhatIsOld: tombstones and the feed rows that lead to them go 180 days of journal
// time after they were written, and nothing else goes (J5).
func sweptIsWhatIsOld(t *testing.T, s journal.Store) {
	ctx := context.Background()
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	now := day(0)
	j := journal.Open(s, journal.Options{Clock: func() time.Time { return now }})
	defer func() { check(t, j.Close(ctx)) }()
	do(t, j, set("c1", "kept", "f"), set("c2", "old", "f"), set("c3", "young", "f"), set("c4", "again", "f"))
	now = day(10)
	do(t, j, remove("c5", "old", "f"), remove("c6", "again", "f"))
	now = day(20)
	do(t, j, remove("c7", "young", "f"), set("c8", "again", "f"))
	now = day(195)
	do(t, j, set("c9", "new", "f"))
	state := func() string {
		t.Helper()
		out := ""
		for _, id := range []string{"kept", "old", "young", "again", "new"} {
			recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "docs", ID: id}})
			check(t, err)
			switch {
			case recs[0].Type == "":
				out += id + " gone, "
			case recs[0].Deleted:
				out += id + " deleted, "
			default:
				out += id + ", "
			}
		}
		read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f"}, Limit: 100})
		check(t, err)
		return out + "feed " + rows(read)
	}
	all := "kept, old deleted, young deleted, again, new, feed kept@1 old@5 young@7 again@8 new@9 "
	equal(t, "before", state(), all)

	w := journal.NewSweeper(s)
	started := time.Now()
	sweep := func(after time.Duration) {
		t.Helper()
		_, err := w.Sweep(ctx, branch, started.Add(after))
		check(t, err)
	}
	floor := func() uint64 {
		t.Helper()
		n, err := journal.Floor(ctx, s, branch)
		check(t, err)
		return n
	}
	sweep(0)
	equal(t, "the floor at the start", floor(), 0)
	// The tail is of day 195, so that what is of before day 15 may go: but real time has
	// not passed, whatever the journal's clock says.
	for range 3 {
		sweep(time.Hour)
	}
	equal(t, "after an hour", state(), all)
	sweep(9 * 24 * time.Hour)
	equal(t, "the floor after nine days", floor(), 4)
	sweep(14 * 24 * time.Hour)
	equal(t, "the floor after fourteen days", floor(), 6)
	equal(t, "a floor that is new removes nothing", state(), all)
	_, err := journal.NewSweeper(s).Sweep(ctx, branch, time.Now()) // another node, that sees it first now
	check(t, err)
	equal(t, "nor through another node", state(), all)
	sweep(14*24*time.Hour + time.Minute)
	want := "kept, old gone, young deleted, again, new, feed kept@1 young@7 again@8 new@9 "
	equal(t, "once it is known", state(), want)
	for i := range 20 {
		sweep(time.Duration(15+i) * 24 * time.Hour)
	}
	equal(t, "the floor stops 180 days before the tail", floor(), 6)
	equal(t, "and nothing more goes", state(), want)
	equal(t, "findings", findings(t, s), "")

	// A document whose tombstone is gone begins again, and that is not damage either.
	do(t, j, set("c10", "old", "f"))
	for _, view := range journal.BuiltInViews() {
		check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: view}, nil))
	}
	equal(t, "findings after a rebuild", findings(t, s), "")
	// Two nodes sweep: their real time is one and the same.
	now = day(400)
	do(t, j, set("c11", "new", "f"))
	nodes := []*journal.Sweeper{journal.NewSweeper(s), journal.NewSweeper(s), journal.NewSweeper(s)}
	for hour := range 24 {
		for _, n := range nodes {
			_, err := n.Sweep(ctx, branch, started.Add(time.Duration(hour)*time.Hour))
			check(t, err)
		}
	}
	body, _, err := s.Small(ctx, "floor", string(branch))
	check(t, err)
	var f struct{ At time.Time }
	check(t, decode(body, &f))
	if at := day(15).Add(24 * time.Hour); f.At.After(at) {
		t.Fatalf("three nodes raised the floor to %v in a day, from %v", f.At, day(15))
	}
	if fmt.Sprint(f.At) == fmt.Sprint(day(15)) {
		t.Fatal("the floor did not rise")
	}
}
