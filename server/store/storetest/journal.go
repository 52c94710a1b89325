package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"doorstep/sync/journal"
)

// set is a command that adds one to a document and tells a feed.
func set(id, doc string, feed journal.Feed) journal.Command {
	return journal.Command{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft,
		error) {
		rec, ok, err := r.Doc(ctx, "docs", doc)
		if err != nil {
			return journal.Draft{}, err
		}
		var s struct {
			Owner string `json:"owner"`
			N     int    `json:"n"`
		}
		s.Owner = string(feed)
		if ok {
			if err := decode(rec.Body, &s); err != nil {
				return journal.Draft{}, err
			}
		}
		s.N++
		d := journal.Draft{Action: "doc.set", Receipt: encode(s.N)}
		d.Put("docs", doc, encode(s))
		d.Tell(feed, "docs", doc)
		return d, nil
	}}
}

func journalRoundTrip(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	for i := range 30 {
		outs, err := j.Do(ctx, branch, []journal.Command{set(fmt.Sprintf("a%d", i), "x", "f"), set(fmt.Sprintf("b%d", i),
			fmt.Sprintf("y%d", i), "f")})
		check(t, err)
		for _, o := range outs {
			check(t, o.Err)
		}
	}
	outs, err := j.Do(ctx, branch, []journal.Command{set("a7", "x", "f")})
	check(t, err)
	equal(t, "the first receipt again", outs[0].Duplicate && string(outs[0].Receipt) == "8", true)
	found, err := journal.Check(ctx, s, branch, nil)
	check(t, err)
	equal(t, "findings", len(found), 0)
}

// draftsAreFound has commands of one call look for what those before them drafted: a value is found
// however its JSON spells it, in a draft as in what is stored.
func draftsAreFound(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	put := func(id, owner string) journal.Command {
		return journal.Command{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft,
			error) {
			if _, _, err := r.Doc(ctx, "docs", id); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "doc.set"}
			d.Put("docs", id, json.RawMessage(`{"owner":`+owner+`,"n":1}`))
			return d, nil
		}}
	}
	for i, c := range []struct {
		owner     string
		spellings []string
	}{
		{"A&B", []string{`"A&B"`, `"A\u0026B"`}},
		{"<é>", []string{`"<é>"`, `"\u003c\u00e9\u003E"`, `"<\u00E9>"`}},
		{"😀/", []string{`"😀/"`, `"\ud83d\ude00\/"`}},
	} {
		found := -1
		look := func(id string) journal.Command {
			return journal.Command{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft,
				error) {
				recs, err := r.All(ctx, journal.Index{Type: "docs", Name: "owner", Fields: []string{"owner", "n"}}, c.owner)
				found = len(recs)
				return journal.Draft{}, err
			}}
		}
		for k := range 2 { // at the second time those of the first are stored
			var cmds []journal.Command
			for n, spelling := range c.spellings {
				cmds = append(cmds, put(fmt.Sprintf("%d-%d-%d", i, k, n), spelling))
			}
			outs, err := j.Do(ctx, branch, append(cmds, look(fmt.Sprintf("look-%d-%d", i, k))))
			check(t, err)
			for _, o := range outs {
				check(t, o.Err)
			}
			equal(t, "documents of "+c.owner, found, (k+1)*len(c.spellings))
		}
	}
}

// concurrent is the part of the contract that an engine must keep under load.
func concurrent(t *testing.T, e Engine) {
	t.Run("ADestroyedKeyStaysDestroyed", func(t *testing.T) {
		s := e.Open(t)
		t.Cleanup(func() { _ = s.Close() })
		aDestroyedKeyStaysDestroyed(t, s)
	})
	t.Run("OneFrameInAPlace", func(t *testing.T) {
		s := e.Open(t)
		t.Cleanup(func() { _ = s.Close() })
		oneFrameInAPlace(t, s)
	})
	t.Run("OneWriterWinsAPlace", func(t *testing.T) {
		ctx := context.Background()
		s := e.Open(t)
		t.Cleanup(func() { _ = s.Close() })
		for n := uint64(1); n <= 20; n++ {
			var wg sync.WaitGroup
			won := make([]bool, 6)
			for i := range won {
				wg.Go(func() {
					err := s.Commit(ctx, page(branch, n, n, fmt.Sprintf("w%d", i)),
						journal.ViewWrites{Records: []journal.Record{doc(fmt.Sprint(n), n, m{"owner": fmt.Sprint(i), "n": 1})}})
					won[i] = err == nil
					if err != nil && !errors.Is(err, journal.ErrTaken) {
						t.Errorf("commit: %v", err)
					}
				})
			}
			wg.Wait()
			winners := ""
			for i, w := range won {
				if w {
					winners += fmt.Sprint(i)
				}
			}
			if len(winners) != 1 {
				t.Fatalf("place %d was won by %q", n, winners)
			}
			recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "things", ID: fmt.Sprint(n)}})
			check(t, err)
			equal(t, "the winner's document", string(recs[0].Body), fmt.Sprintf(`{"n":1,"owner":"%s"}`, winners))
		}
	})
	t.Run("SwapsAreExclusive", func(t *testing.T) {
		ctx := context.Background()
		s := e.Open(t)
		t.Cleanup(func() { _ = s.Close() })
		var wg sync.WaitGroup
		const writers, each = 6, 20
		for range writers {
			wg.Go(func() {
				for done := 0; done < each; {
					body, v, err := s.Small(ctx, "k", "counter")
					if err != nil && !errors.Is(err, journal.ErrNotFound) {
						t.Error(err)
						return
					}
					err = s.SwapSmall(ctx, "k", "counter", v, append(body, 'x'))
					if err == nil {
						done++
					} else if !errors.Is(err, journal.ErrRaced) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		body, _, err := s.Small(ctx, "k", "counter")
		check(t, err)
		equal(t, "increments", len(body), writers*each)
	})
	t.Run("TwoJournalsOnOneStore", func(t *testing.T) { twoJournals(t, e) })
	t.Run("ASwitchLosesNothing", func(t *testing.T) { aSwitchLosesNothing(t, e) })
	t.Run("ChecksRunBesideWriters", func(t *testing.T) { checksRunBesideWriters(t, e) })
	t.Run("APullMissesNothing", func(t *testing.T) { pullMissesNothing(t, e) })
}

// twoJournals has two committers, as two nodes would, fight over one branch.
func twoJournals(t *testing.T, e Engine) {
	ctx := context.Background()
	s := e.Open(t)
	t.Cleanup(func() { _ = s.Close() })
	js := []*journal.Journal{journal.Open(s, journal.Options{}), journal.Open(s, journal.Options{})}
	var wg sync.WaitGroup
	const each = 25
	for w := range 6 {
		wg.Go(func() {
			for i := range each {
				outs, err := js[w%2].Do(ctx, branch, []journal.Command{set(fmt.Sprintf("c%d-%d", w, i), "x", "f")})
				if err != nil || outs[0].Err != nil {
					t.Errorf("do: %v %v", err, outs)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, j := range js {
		check(t, j.Close(ctx))
	}
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "docs", ID: "x"}})
	check(t, err)
	equal(t, "the count", string(recs[0].Body), fmt.Sprintf(`{"owner":"f","n":%d}`, 6*each))
	found, err := journal.Check(ctx, s, branch, nil)
	check(t, err)
	equal(t, "findings", fmt.Sprint(found), "[]")
}

// pullMissesNothing pulls while others write: a reader who goes on from its cursor meets every document.
func pullMissesNothing(t *testing.T, e Engine) {
	ctx := context.Background()
	s := e.Open(t)
	t.Cleanup(func() { _ = s.Close() })
	j := journal.Open(s, journal.Options{})
	const writers, each = 4, 60
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					feed := journal.Feed([]string{"f", "g"}[i%2])
					if _, err := j.Do(ctx, branch, []journal.Command{set(fmt.Sprintf("c%d-%d", w, i), fmt.Sprintf("d%d-%d", w, i),
						feed)}); err != nil {
						t.Errorf("do: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
	}()
	seen := map[string]bool{}
	var after uint64
	deadline := time.Now().Add(time.Minute)
	for last := false; ; {
		read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f", "g"}, After: after, Limit: 7})
		check(t, err)
		for _, r := range read.Rows {
			seen[r.FeedEntry.ID] = true
			after = r.Seq
		}
		if !read.More {
			after = max(after, journal.SeqTop(0, read.W))
			if last {
				break
			}
		}
		select {
		case <-done:
			last = !read.More
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the writers did not finish")
		}
	}
	check(t, j.Close(ctx))
	equal(t, "documents met", len(seen), writers*each)
}
