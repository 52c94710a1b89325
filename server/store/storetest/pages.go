package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"doorstep/sync/journal"
)

func pagesAreKeptInOrder(t *testing.T, s journal.Store) {
	ctx := context.Background()
	if _, err := s.Tail(ctx, branch); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("the tail of an empty branch: %v", err)
	}
	for _, p := range []*journal.Page{page(branch, 1, 3, "a"), page(branch, 4, 4, "b"), page(branch, 5, 300, "c")} {
		check(t, s.Commit(ctx, p, journal.ViewWrites{}))
	}
	p, err := s.PageAt(ctx, branch, 4)
	check(t, err)
	equal(t, "page at 4", p.ID, "b")
	if _, err := s.PageAt(ctx, branch, 2); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("a page at 2: %v", err)
	}
	for n, want := range map[uint64]string{1: "a", 3: "a", 4: "b", 5: "c", 300: "c"} {
		p, err := s.PageOf(ctx, branch, n)
		check(t, err)
		equal(t, "page of an entry", p.ID, want)
	}
	for _, n := range []uint64{0, 301} {
		if _, err := s.PageOf(ctx, branch, n); !errors.Is(err, journal.ErrNotFound) {
			t.Fatalf("page of entry %d: %v", n, err)
		}
	}
	p, err = s.Tail(ctx, branch)
	check(t, err)
	equal(t, "tail", p.ID, "c")
	equal(t, "entries of the tail", len(p.Entries), 296)
	equal(t, "an entry's bytes", string(p.Entries[295]), `{"n":300}`)
	for _, c := range []struct {
		after uint64
		limit int
		want  string
	}{{0, 10, "abc"}, {0, 1, "a"}, {2, 1, "a"}, {3, 10, "bc"}, {4, 1, "c"}, {300, 10, ""}} {
		ps, err := s.Pages(ctx, branch, c.after, c.limit)
		check(t, err)
		got := ""
		for _, p := range ps {
			got += p.ID
		}
		equal(t, "pages", got, c.want)
	}
	bs, err := s.Branches(ctx)
	check(t, err)
	equal(t, "branches", len(bs), 1)
}

func aPlaceIsTakenOnce(t *testing.T, s journal.Store) {
	ctx := context.Background()
	check(t, s.Commit(ctx, page(branch, 1, 2, "a"), journal.ViewWrites{Records: []journal.Record{doc("x", 1,
		m{"owner": "a"})}}))
	err := s.Commit(ctx, page(branch, 1, 5, "b"), journal.ViewWrites{Records: []journal.Record{doc("y", 1,
		m{"owner": "b"})}})
	if !errors.Is(err, journal.ErrTaken) {
		t.Fatalf("a second page at the same place: %v", err)
	}
	p, err := s.PageAt(ctx, branch, 1)
	check(t, err)
	equal(t, "the page there", p.ID, "a")
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "things", ID: "y"}})
	check(t, err)
	equal(t, "a document of the loser", recs[0].Type, "")
}

func samePageAgain(t *testing.T, s journal.Store) {
	ctx := context.Background()
	v := journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})},
		Feeds:    []journal.FeedEntry{{Feed: "f", Seq: journal.Seq(0, 1, 0), Type: "things", ID: "x"}},
		Receipts: []journal.Receipt{{Command: "c", N: 1}}}
	for range 3 {
		check(t, s.Commit(ctx, page(branch, 1, 1, "a"), v))
	}
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"a"}})
	check(t, err)
	equal(t, "found", ids(f), "x ")
	w, err := s.Watermark(ctx, branch)
	check(t, err)
	equal(t, "watermark", w, 1)
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f"}, Limit: 10})
	check(t, err)
	equal(t, "feed rows", len(read.Rows), 1)
}

func watermarkRisesInOrder(t *testing.T, s journal.Store) {
	ctx := context.Background()
	check(t, s.Commit(ctx, page(branch, 1, 2, "a"), journal.ViewWrites{}))
	check(t, s.Commit(ctx, page(branch, 3, 3, "b"), journal.ViewWrites{}))
	// Views of an old page, applied late by another node, do not lower it.
	check(t, s.Apply(ctx, page(branch, 1, 2, "a"), journal.ViewWrites{}))
	w, err := s.Watermark(ctx, branch)
	check(t, err)
	equal(t, "watermark", w, 3)
	// Nor do those of a page far ahead raise it over a gap.
	check(t, s.Apply(ctx, page(branch, 9, 9, "z"), journal.ViewWrites{}))
	w, err = s.Watermark(ctx, branch)
	check(t, err)
	equal(t, "watermark after a page ahead", w, 3)
}

func branchesAreApart(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})}})
	other := doc("x", 1, m{"owner": "a", "n": 2})
	other.Branch = "b2"
	check(t, s.Commit(ctx, page("b2", 1, 1, "q"), journal.ViewWrites{Records: []journal.Record{other}}))
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "things", ID: "x"}})
	check(t, err)
	equal(t, "the first branch's", string(recs[0].Body), `{"n":1,"owner":"a"}`)
	f, err := s.Find(ctx, journal.Query{Branch: "b2", Type: "things", Index: "owner", Eq: []any{"a"}})
	check(t, err)
	equal(t, "found in the second", len(f.Records), 1)
	equal(t, "its state", string(f.Records[0].Body), `{"n":2,"owner":"a"}`)
	bs, err := s.Branches(ctx)
	check(t, err)
	equal(t, "branches", len(bs) == 2 && bs[0] == branch && bs[1] == "b2", true)
	var want []journal.BranchMark
	for _, b := range bs {
		w, err := s.Watermark(ctx, b)
		check(t, err)
		want = append(want, journal.BranchMark{Branch: b, W: w})
	}
	marks, err := s.Watermarks(ctx)
	check(t, err)
	equal(t, "watermarks", fmt.Sprint(marks), fmt.Sprint(want))
}

func reopening(t *testing.T, e Engine) {
	ctx := context.Background()
	s := e.Open(t)
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})},
		Feeds: []journal.FeedEntry{{Feed: "f", Type: "things", ID: "x"}}, Receipts: []journal.Receipt{{Command: "c", N: 1,
			Body: encode("r")}}})
	check(t, s.SwapSmall(ctx, "k", "i", 0, []byte("v")))
	check(t, framesOf(t, s).AddFrame(ctx, "blob", 1, frame("blob", 1)))
	s = e.Reopen(t, s)
	defer func() { _ = s.Close() }()
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"a"}})
	check(t, err)
	equal(t, "found", ids(f), "x ")
	rs, err := s.Receipts(ctx, branch, []string{"c"})
	check(t, err)
	equal(t, "receipt", string(rs[0].Body), `"r"`)
	body, v, err := s.Small(ctx, "k", "i")
	check(t, err)
	equal(t, "small", string(body), "v")
	equal(t, "version", v, 1)
	n, last, err := framesOf(t, s).LastFrame(ctx, "blob")
	check(t, err)
	equal(t, "a frame", string(last), string(frame("blob", 1)))
	check(t, framesOf(t, s).AddFrame(ctx, "blob", n+1, frame("blob", 2)))
	put(t, s, journal.ViewWrites{})
}
