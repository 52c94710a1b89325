package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"doorstep/sync/journal"
)

func olderStatesDoNotWin(t *testing.T, s journal.Store) {
	ctx := context.Background()
	for i, id := range []string{"a", "b", "c"} {
		check(t, s.Commit(ctx, page(branch, uint64(i+1), uint64(i+1), id), journal.ViewWrites{}))
	}
	newer := journal.ViewWrites{Records: []journal.Record{doc("x", 3, m{"owner": "new", "n": 3})},
		Feeds: []journal.FeedEntry{{Feed: "f", Seq: journal.Seq(0, 3, 0), Type: "things", ID: "x"}}}
	older := journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "old", "n": 1})},
		Feeds: []journal.FeedEntry{{Feed: "f", Seq: journal.Seq(0, 1, 0), Type: "things", ID: "x"}}}
	check(t, s.Apply(ctx, page(branch, 3, 3, "c"), newer))
	check(t, s.Apply(ctx, page(branch, 1, 1, "a"), older))
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "things", ID: "x"}})
	check(t, err)
	equal(t, "state", string(recs[0].Body), `{"n":3,"owner":"new"}`)
	equal(t, "number", recs[0].N, 3)
	for owner, want := range map[string]string{"new": "x ", "old": ""} {
		f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{owner}})
		check(t, err)
		equal(t, "found by "+owner, ids(f), want)
	}
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f"}, Limit: 10})
	check(t, err)
	equal(t, "feed rows", len(read.Rows), 1)
	equal(t, "at", read.Rows[0].Seq, journal.Seq(0, 3, 0))
}

// tombstonesStay: what was deleted is known to be so, and what is older does not bring it back (J5).
func tombstonesStay(t *testing.T, s journal.Store) {
	ctx := context.Background()
	first := journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})}}
	check(t, s.Commit(ctx, page(branch, 1, 1, "a"), first))
	check(t, s.Commit(ctx, page(branch, 2, 2, "b"), journal.ViewWrites{Records: []journal.Record{{Branch: branch,
		Type: "things", ID: "x", N: 2, Rev: 2, Deleted: true}}}))
	check(t, s.Apply(ctx, page(branch, 1, 1, "a"), first))
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "things", ID: "x"}})
	check(t, err)
	equal(t, "deleted", recs[0].Deleted, true)
	equal(t, "its revision", recs[0].Rev, 2)
	equal(t, "its number", recs[0].N, 2)
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things"})
	check(t, err)
	equal(t, "listed", ids(f), "")
}

func recordsInOrder(t *testing.T, s journal.Store) {
	ctx := context.Background()
	var v journal.ViewWrites
	for i := range 450 {
		v.Records = append(v.Records, doc(fmt.Sprintf("d%03d", i), 1, m{"owner": "a", "n": i}))
	}
	v.Records[7].No = 41
	put(t, s, v)
	put(t, s, journal.ViewWrites{Records: []journal.Record{{Type: "things", ID: "d001", Rev: 2, Deleted: true}}})
	var refs []journal.DocRef
	for i := 449; i >= 0; i-- {
		refs = append(refs, journal.DocRef{Type: "things", ID: fmt.Sprintf("d%03d", i)})
	}
	refs = append(refs, journal.DocRef{Type: "things", ID: "absent"}, refs[0], journal.DocRef{Type: "docs", ID: "d002"})
	recs, err := s.Records(ctx, branch, refs)
	check(t, err)
	equal(t, "how many", len(recs), len(refs))
	for i, ref := range refs[:450] {
		equal(t, "id", recs[i].ID, ref.ID)
	}
	equal(t, "absent", recs[450].Type, "")
	equal(t, "asked twice", recs[451].ID, "d449")
	equal(t, "another type", recs[452].Type, "")
	equal(t, "number of the numbered", recs[442].No, 41)
	gone := recs[448]
	equal(t, "the tombstone", gone.ID == "d001" && gone.Deleted && gone.Rev == 2 && len(gone.Body) == 0, true)
}

func receiptsAreKept(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Receipts: []journal.Receipt{{Command: "c1", N: 1, Said: []byte{1, 2},
		Body: encode("first")}, {Command: "c2", N: 1}}})
	put(t, s, journal.ViewWrites{Receipts: []journal.Receipt{{Command: "c1", N: 2, Body: encode("second")}}})
	rs, err := s.Receipts(ctx, branch, []string{"c2", "none", "c1"})
	check(t, err)
	equal(t, "in the order asked", rs[0].Command+rs[1].Command+rs[2].Command, "c2c1")
	equal(t, "the first answer", string(rs[2].Body), `"first"`)
	equal(t, "what was said", string(rs[2].Said), "\x01\x02")
	equal(t, "without a body", len(rs[0].Body), 0)
}

func findByIndex(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Records: []journal.Record{
		doc("a", 1, m{"owner": "o1", "n": 3}), doc("b", 1, m{"owner": "o1", "n": -2}), doc("c", 1, m{"owner": "o1", "n": 10}),
		doc("d", 1, m{"owner": "o2", "n": 1}), doc("e", 1, m{"owner": "o1"}), doc("f", 1, m{"n": 1}), doc("g", 1,
			m{"owner": "o1", "n": nil}),
		doc("h", 1, m{"owner": "o1", "n": 3, "deep": m{"owner": "o2", "n": 5}})}})
	for _, c := range []struct {
		q    journal.Query
		want string
	}{
		{journal.Query{Eq: []any{"o1"}}, "b a h c "},
		{journal.Query{Eq: []any{"o1"}, Desc: true}, "c h a b "},
		{journal.Query{Eq: []any{"o1", int64(3)}}, "a h "},
		{journal.Query{Eq: []any{"o1"}, From: int64(3)}, "a h c "},
		{journal.Query{Eq: []any{"o1"}, From: int64(-2), To: int64(10)}, "b a h "},
		{journal.Query{Eq: []any{"o1"}, To: int64(3), Desc: true}, "b "},
		{journal.Query{Eq: []any{"o2"}}, "d "},
		{journal.Query{Eq: []any{"o"}}, ""},
		{journal.Query{Eq: []any{"o1"}, Limit: 2}, "b a "},
	} {
		c.q.Branch, c.q.Type, c.q.Index = branch, "things", "owner"
		f, err := s.Find(ctx, c.q)
		check(t, err)
		equal(t, fmt.Sprintf("%+v", c.q), ids(f), c.want)
	}
	if _, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "nobody"}); err == nil {
		t.Fatal("an index that is not declared must be an error")
	}
	if _, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner",
		After: "nonsense!"}); !errors.Is(err, journal.ErrCursor) && err == nil {
		t.Fatal("a cursor that is none must be an error")
	}
}

// findEach: many lists are found at once as each by itself, those without a document and those asked twice among them.
func findEach(t *testing.T, s journal.Store) {
	ctx := context.Background()
	var v journal.ViewWrites
	var eqs [][]any
	for i := range 123 {
		owner := fmt.Sprintf("o%03d", i)
		eqs = append(eqs, []any{owner})
		for k := range i % 4 {
			v.Records = append(v.Records, doc(fmt.Sprintf("%s-%d", owner, k), 1, m{"owner": owner, "n": 7 - k}))
		}
	}
	put(t, s, v)
	eqs = append(eqs, eqs[3], []any{"o"}, []any{"o003", int64(7)})
	for _, from := range []any{nil, int64(6)} {
		q := journal.Query{Branch: branch, Type: "things", Index: "owner", From: from}
		ask := eqs
		if from != nil {
			ask = eqs[:len(eqs)-1] // the last gives all fields, and bears no range
		}
		all, err := s.FindEach(ctx, q, ask)
		check(t, err)
		equal(t, "lists", len(all), len(ask))
		for i, eq := range ask {
			q.Eq = eq
			f, err := s.Find(ctx, q)
			check(t, err)
			equal(t, fmt.Sprintf("%v from %v", eq, from), ids(journal.Found{Records: all[i]}), ids(f))
		}
	}
	for _, bad := range []journal.Query{{Index: "nobody"}, {Index: "owner", Limit: 1}, {Index: "owner", Desc: true}} {
		bad.Branch, bad.Type = branch, "things"
		if _, err := s.FindEach(ctx, bad, eqs[:1]); err == nil {
			t.Errorf("%+v must be an error", bad)
		}
	}
}

func findPages(t *testing.T, s journal.Store) {
	ctx := context.Background()
	var v journal.ViewWrites
	for i := range 57 {
		v.Records = append(v.Records, doc(fmt.Sprintf("d%02d", i), 1, m{"owner": "o", "n": i / 10}))
	}
	put(t, s, v)
	for _, desc := range []bool{false, true} {
		for _, index := range []string{"owner", ""} {
			q := journal.Query{Branch: branch, Type: "things", Index: index, Limit: 10, Desc: desc}
			if index != "" {
				q.Eq = []any{"o"}
			}
			seen, last := 0, ""
			for {
				f, err := s.Find(ctx, q)
				check(t, err)
				for _, r := range f.Records {
					if seen > 0 && (r.ID > last) == desc {
						t.Fatalf("desc=%v index=%q: %s after %s", desc, index, r.ID, last)
					}
					last = r.ID
					seen++
				}
				if f.Next == "" {
					break
				}
				equal(t, "a full page", len(f.Records), 10)
				q.After = f.Next
			}
			equal(t, "seen", seen, 57)
		}
	}
}

// findRefusesOtherValues: an index holds strings and integers; a query that names
// anything else is a mistake, and finding nothing would hide it.
func findRefusesOtherValues(t *testing.T, s journal.Store) {
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})}})
	find := func(eq []any, from, to any) (journal.Found, error) {
		return s.Find(context.Background(), journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: eq, From: from,
			To: to})
	}
	for _, v := range []any{true, 1.5, []string{"a"}, json.Number("1"), uint64(1), struct{}{}} {
		for what, ask := range map[string]func() (journal.Found, error){
			"an equal":  func() (journal.Found, error) { return find([]any{v}, nil, nil) },
			"the last":  func() (journal.Found, error) { return find([]any{"a", v}, nil, nil) },
			"the lower": func() (journal.Found, error) { return find([]any{"a"}, v, nil) },
			"the upper": func() (journal.Found, error) { return find([]any{"a"}, nil, v) },
		} {
			if f, err := ask(); err == nil {
				t.Errorf("%s value %T finds %q", what, v, ids(f))
			}
		}
	}
	for _, v := range []any{1, int64(1)} {
		f, err := find([]any{"a", v}, nil, nil)
		check(t, err)
		equal(t, fmt.Sprintf("found by %T", v), ids(f), "x ")
	}
}

func findOrdersOddValues(t *testing.T, s journal.Store) {
	ctx := context.Background()
	words := []string{"", "a", "a b", "ab", "b", "z\u0000z", "zz", "ß", "é\"\\", "中文", "😀"}
	var v journal.ViewWrites
	for i, w := range words {
		v.Records = append(v.Records, doc(fmt.Sprintf("d%02d", i), 1, m{"word": w}))
	}
	put(t, s, v)
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "word"})
	check(t, err)
	got := make([]string, len(f.Records))
	for i, r := range f.Records {
		var x struct{ Word string }
		check(t, decode(r.Body, &x))
		got[i] = x.Word
	}
	for i := 1; i < len(got); i++ {
		if got[i-1] >= got[i] {
			t.Fatalf("%q comes before %q: strings are ordered by their bytes", got[i-1], got[i])
		}
	}
	equal(t, "how many", len(got), len(words))
	for i, w := range words {
		f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "word", Eq: []any{w}})
		check(t, err)
		equal(t, fmt.Sprintf("found by %q", w), ids(f), fmt.Sprintf("d%02d ", i))
	}
}

func indexesFollow(t *testing.T, s journal.Store) {
	ctx := context.Background()
	find := func(owner string) string {
		f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{owner}})
		check(t, err)
		return ids(f)
	}
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("x", 1, m{"owner": "a", "n": 1})}})
	change := func(rev uint64, state any) {
		r := journal.Record{Type: "things", ID: "x", Rev: rev}
		if state == nil {
			r.Deleted = true
		} else {
			r.Body = encode(state)
		}
		put(t, s, journal.ViewWrites{Records: []journal.Record{r}})
	}
	change(2, m{"owner": "b", "n": 1})
	equal(t, "by the old owner", find("a"), "")
	equal(t, "by the new owner", find("b"), "x ")
	change(3, m{"n": 1})
	equal(t, "without an owner", find("b"), "")
	change(4, m{"owner": "b", "n": 1})
	change(5, nil)
	equal(t, "a tombstone", find("b"), "")
	change(6, m{"owner": "c", "n": 1})
	equal(t, "made again", find("c"), "x ")
}

func listOfAType(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("b", 1, m{}), doc("a", 1, m{}), doc("c", 1, m{}),
		{Type: "docs", ID: "z", Body: encode(m{})}}})
	put(t, s, journal.ViewWrites{Records: []journal.Record{{Type: "things", ID: "b", Rev: 2, Deleted: true}}})
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things"})
	check(t, err)
	equal(t, "listed", ids(f), "a c ")
	f, err = s.Find(ctx, journal.Query{Branch: branch, Type: "nothing"})
	check(t, err)
	equal(t, "of no such type", ids(f), "")
}

func rows(r journal.FeedRead) string {
	var b strings.Builder
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "%s@%d ", row.FeedEntry.ID, row.Seq/journal.MaxFeedRows)
	}
	return b.String()
}

func feedsMerge(t *testing.T, s journal.Store) {
	ctx := context.Background()
	tell := func(feed journal.Feed, id string) journal.FeedEntry {
		return journal.FeedEntry{Feed: feed, Type: "things", ID: id}
	}
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("a", 1, m{})}, Feeds: []journal.FeedEntry{tell("f", "a"),
		tell("g", "a"), tell("h", "other")}})
	put(t, s, journal.ViewWrites{Records: []journal.Record{doc("b", 1, m{})}, Feeds: []journal.FeedEntry{tell("g", "b")}})
	put(t, s, journal.ViewWrites{Feeds: []journal.FeedEntry{tell("f", "c")}})
	put(t, s, journal.ViewWrites{Records: []journal.Record{{Type: "things", ID: "a", Rev: 2, Body: encode(m{"n": 2})}},
		Feeds: []journal.FeedEntry{tell("g", "a")}})
	both := []journal.Feed{"f", "g"}
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: both, Limit: 10})
	check(t, err)
	equal(t, "merged, each record once and at its last", rows(read), "b@2 c@3 a@4 ")
	equal(t, "watermark", read.W, 4)
	equal(t, "more", read.More, false)
	equal(t, "the document as of read time", string(read.Rows[2].Record.Body), `{"n":2}`)
	equal(t, "a row without a document", read.Rows[1].Record.Type, "")
	read, err = s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: both, Limit: 2})
	check(t, err)
	equal(t, "first page", rows(read), "b@2 c@3 ")
	equal(t, "more", read.More, true)
	read, err = s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: both, Limit: 2, After: read.Rows[1].Seq})
	check(t, err)
	equal(t, "second page", rows(read), "a@4 ")
	equal(t, "more", read.More, false)
	read, err = s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"nobody"}, Limit: 2})
	check(t, err)
	equal(t, "an empty feed", rows(read), "")
	equal(t, "has a watermark all the same", read.W, 4)
}

func feedsStopAtWatermark(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Feeds: []journal.FeedEntry{{Feed: "f", Type: "things", ID: "a"}}})
	// Rows of a page beyond a gap, as another node may have applied them.
	check(t, s.Apply(ctx, page(branch, 5, 5, "z"), journal.ViewWrites{Feeds: []journal.FeedEntry{{Feed: "f",
		Seq: journal.Seq(0, 5, 0), Type: "things", ID: "b"}}}))
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f"}, Limit: 10})
	check(t, err)
	equal(t, "rows up to the watermark", rows(read), "a@1 ")
}

func feedsByType(t *testing.T, s journal.Store) {
	ctx := context.Background()
	put(t, s, journal.ViewWrites{Feeds: []journal.FeedEntry{{Feed: "f", Type: "things", ID: "a"}, {Feed: "f", Type: "docs",
		ID: "b"}, {Feed: "f", Type: "x", ID: "c"}}})
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f", "g"}, Types: []string{"things",
		"x"}, Limit: 10})
	check(t, err)
	equal(t, "rows of two types", rows(read), "a@1 c@1 ")
	equal(t, "in order", read.Rows[0].Seq < read.Rows[1].Seq, true)
}
