package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"doorstep/sync/journal"
)

// owners is a view where the last state wins: which feed told of each document.
func owners() journal.View {
	return journal.View{Name: "owners", Apply: journal.EachEntry("owners", func(e *journal.Entry) ([]journal.Doc, error) {
		var out []journal.Doc
		for _, f := range e.Feeds {
			out = append(out, journal.Doc{ID: f.ID, State: encode(m{"owner": string(f.Feed), "n": 1})})
		}
		return out, nil
	})}
}

// tally is a view where it does not: it counts the entries of each feed, in one document for each.
func tally() journal.View {
	return journal.View{Name: "tally", Folds: true, Apply: func(
		ctx context.Context, run journal.Run,
	) ([]journal.Record, error) {
		had := map[string]journal.Record{}
		err := run.Entries(func(e *journal.Entry) error {
			for _, f := range e.Feeds {
				r, known := had[string(f.Feed)]
				if !known {
					recs, err := run.Docs(ctx, string(f.Feed))
					if err != nil {
						return err
					}
					r = recs[0]
				}
				had[string(f.Feed)] = r
				if r.N >= e.N {
					continue // applied before
				}
				var s struct {
					N int `json:"n"`
				}
				if r.Body != nil {
					if err := json.Unmarshal(r.Body, &s); err != nil {
						return err
					}
				}
				had[string(f.Feed)] = journal.Record{ID: string(f.Feed), N: e.N, Rev: r.Rev + 1, Body: encode(m{"n": s.N + 1})}
			}
			return nil
		})
		var out []journal.Record
		for _, r := range had {
			if r.N > run.After {
				out = append(out, r)
			}
		}
		return out, err
	}}
}

func generation(t *testing.T, s journal.Store, view string) journal.Generation {
	t.Helper()
	gens, err := s.Generations(context.Background(), branch)
	check(t, err)
	g, ok := journal.Readable(gens, view)
	equal(t, "a generation of "+view, ok, true)
	return g
}

// shown is all that readers of the built-in views see.
func shown(t *testing.T, s journal.Store) string {
	t.Helper()
	ctx := context.Background()
	var b strings.Builder
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "docs"})
	check(t, err)
	for _, r := range f.Records {
		fmt.Fprintf(&b, "%s:%d:%s ", r.ID, r.N, r.Body)
	}
	f, err = s.Find(ctx, journal.Query{Branch: branch, Type: "docs", Index: "owner", Eq: []any{"f"}})
	check(t, err)
	b.WriteString("| " + ids(f) + "| ")
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f", "g"}, Limit: 500})
	check(t, err)
	fmt.Fprintf(&b, "%d %s| ", read.W, rows(read))
	rs, err := s.Receipts(ctx, branch, []string{"c1", "c2"})
	check(t, err)
	for _, r := range rs {
		fmt.Fprintf(&b, "%s:%d:%s ", r.Command, r.N, r.Body)
	}
	return b.String()
}

func do(t *testing.T, j *journal.Journal, cmds ...journal.Command) {
	t.Helper()
	outs, err := j.Do(context.Background(), branch, cmds)
	check(t, err)
	for _, o := range outs {
		check(t, o.Err)
	}
}

func findings(t *testing.T, s journal.Store, views ...journal.View) string {
	t.Helper()
	found, err := journal.Check(context.Background(), s, branch, nil, views...)
	check(t, err)
	var b strings.Builder
	for _, f := range found {
		if !f.Harmless {
			b.WriteString("DAMAGE ")
		}
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// rebuildsShowTheSame: a generation filled from the journal is what the live one was,
// and the rows of the one before are gone.
func rebuildsShowTheSame(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	for i := range 20 {
		do(t, j, set(fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i%7), []journal.Feed{"f", "g"}[i%2]))
	}
	before := shown(t, s)
	for _, view := range journal.BuiltInViews() {
		old := generation(t, s, view)
		check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: view}, nil))
		now := generation(t, s, view)
		equal(t, "a new generation of "+view, now.Gen > old.Gen, true)
		equal(t, "its watermark", now.W, 20)
		equal(t, "what is shown after the rebuild of "+view, shown(t, s), before)
		rows := 0
		recs, err := s.ScanRecords(ctx, branch, old.Gen, journal.DocRef{}, 10)
		check(t, err)
		fs, err := s.ScanFeeds(ctx, branch, old.Gen, journal.FeedEntry{}, 10)
		check(t, err)
		rs, err := s.ScanReceipts(ctx, branch, old.Gen, "", 10)
		check(t, err)
		rows += len(recs) + len(fs) + len(rs)
		equal(t, "rows of the old generation", rows, 0)
	}
	do(t, j, set("after", "d1", "f"))
	equal(t, "findings", findings(t, s), "")
}

// rebuildGoesOn: new pages go to both generations, a rebuild that was cut short goes on
// where it was, and readers stay with the old generation until the switch.
func rebuildGoesOn(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	for i := range 5 {
		do(t, j, set(fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i), "f"))
	}
	old := generation(t, s, journal.RecordsView)
	g, err := s.AddGeneration(ctx, branch, journal.RecordsView)
	check(t, err)
	if err := s.Switch(ctx, branch, g.Gen); !errors.Is(err, journal.ErrRaced) {
		t.Fatalf("a switch to a generation that lacks entries: %v", err)
	}
	pages, err := s.Pages(ctx, branch, 0, 3)
	check(t, err)
	for _, p := range pages {
		entries, err := p.Decode()
		check(t, err)
		check(t, s.Fill(ctx, branch, g.Gen, p.First-1, p.Last, journal.Project(entries)))
		if err := s.Fill(ctx, branch, g.Gen, p.First-1, p.Last, journal.Project(entries)); !errors.Is(err, journal.ErrRaced) {
			t.Fatalf("a run that was applied: %v", err)
		}
	}
	do(t, j, set("more", "d9", "f")) // 6: the generation is at 3 and meets it later
	gens, err := s.Generations(ctx, branch)
	check(t, err)
	for _, x := range gens {
		if x.Gen == g.Gen {
			equal(t, "its watermark", x.W, 3)
		}
	}
	equal(t, "who is read", generation(t, s, journal.RecordsView).Gen, old.Gen)
	if got := findings(t, s); !strings.Contains(got, "is being filled, up to entry 3") || strings.Contains(got, "DAMAGE") {
		t.Fatalf("findings during a rebuild: %s", got)
	}
	// A rebuild takes the generation up. In step with the live one, it gets each new page at once.
	var cut context.CancelFunc
	short, cut := context.WithCancel(ctx)
	if err := journal.Rebuild(short, s, branch, journal.View{Name: journal.RecordsView}, func(done, _ uint64) {
		if done == 6 {
			do(t, j, set("during", "d1", "g"))
			cut()
		}
	}); err == nil {
		t.Fatal("a rebuild that was cut short says nothing")
	}
	gens, err = s.Generations(ctx, branch)
	check(t, err)
	for _, x := range gens {
		if x.Gen == g.Gen {
			equal(t, "its watermark, in step", x.W, 7)
			equal(t, "its state", x.State, journal.Filling)
		}
	}
	check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: journal.RecordsView}, nil))
	equal(t, "who is read", generation(t, s, journal.RecordsView).Gen, g.Gen)
	equal(t, "findings", findings(t, s), "")
	// Of two that are full, the older cannot take the place of the newer.
	older, err := s.AddGeneration(ctx, branch, journal.RecordsView)
	check(t, err)
	newer, err := s.AddGeneration(ctx, branch, journal.RecordsView)
	check(t, err)
	for _, x := range []journal.Generation{older, newer} {
		check(t, s.Fill(ctx, branch, x.Gen, 0, 7, journal.ViewWrites{}))
	}
	check(t, s.Switch(ctx, branch, newer.Gen))
	if err := s.Switch(ctx, branch, older.Gen); !errors.Is(err, journal.ErrRaced) {
		t.Fatalf("a switch back: %v", err)
	}
	equal(t, "who is read", generation(t, s, journal.RecordsView).Gen, newer.Gen)
}

// aSwitchLosesNothing: decisions that are taken while generations are switched under
// them rest on all that was appended before (J1, J9).
func aSwitchLosesNothing(t *testing.T, e Engine) {
	ctx := context.Background()
	s := e.Open(t)
	t.Cleanup(func() { _ = s.Close() })
	js := []*journal.Journal{journal.Open(s, journal.Options{}), journal.Open(s, journal.Options{})}
	const writers, each = 4, 40
	do(t, js[0], set("first", "x", "f"))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				outs, err := js[w%2].Do(ctx, branch, []journal.Command{set(fmt.Sprintf("c%d-%d", w, i), "x", "f"),
					set(fmt.Sprintf("e%d-%d", w, i), fmt.Sprintf("y%d", w), "g")})
				if err != nil || outs[0].Err != nil || outs[1].Err != nil {
					t.Errorf("do: %v %v", err, outs)
					return
				}
			}
		})
	}
	rebuilt := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				rebuilt <- n
				return
			default:
			}
			if err := journal.Rebuild(ctx, s, branch, journal.View{Name: journal.BuiltInViews()[n%3]}, nil); err != nil {
				t.Errorf("rebuild: %v", err)
			}
		}
	}()
	wg.Wait()
	close(stop)
	n := <-rebuilt
	for _, j := range js {
		check(t, j.Close(ctx))
	}
	if n < 3 {
		t.Errorf("only %d rebuilds ran meanwhile", n)
	}
	recs, err := s.Records(ctx, branch, []journal.DocRef{{Type: "docs", ID: "x"}})
	check(t, err)
	equal(t, "the count", string(recs[0].Body), fmt.Sprintf(`{"owner":"f","n":%d}`, writers*each+1))
	equal(t, "findings", findings(t, s), "")
}

// viewsAreKept: a view that no store knows of follows the journal, strictly in order
// where that counts, and is filled anew like any other.
func viewsAreKept(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	all := []journal.View{owners(), tally()}
	v := journal.NewViews(j, all...)
	again := journal.NewViews(j, all...) // as another node would
	var wg sync.WaitGroup
	for i := range 30 {
		do(t, j, set(fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i%4), []journal.Feed{"f", "g", "f"}[i%3]))
		if i%7 != 0 {
			continue
		}
		for _, keeper := range []*journal.Views{v, again} {
			for _, view := range all {
				wg.Go(func() {
					if err := keeper.CatchUp(ctx, branch, view.Name); err != nil {
						t.Errorf("catch up: %v", err)
					}
				})
			}
		}
	}
	wg.Wait()
	state := func() string {
		t.Helper()
		for _, view := range all {
			check(t, v.CatchUp(ctx, branch, view.Name))
		}
		var b strings.Builder
		for _, view := range all {
			f, err := s.Find(ctx, journal.Query{Branch: branch, Type: view.Name})
			check(t, err)
			for _, r := range f.Records {
				fmt.Fprintf(&b, "%s=%s ", r.ID, r.Body)
			}
		}
		f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "owners", Index: "owner", Eq: []any{"g"}})
		check(t, err)
		return b.String() + "| " + ids(f)
	}
	want := `d0={"n":1,"owner":"g"} d1={"n":1,"owner":"f"} d2={"n":1,"owner":"f"} d3={"n":1,"owner":"f"} ` +
		`f={"n":20} g={"n":10} | d0 `
	equal(t, "the views", state(), want)
	equal(t, "findings", findings(t, s, all...), "")
	for _, view := range all {
		old := generation(t, s, view.Name)
		check(t, journal.Rebuild(ctx, s, branch, view, nil))
		equal(t, "a new generation", generation(t, s, view.Name).Gen > old.Gen, true)
	}
	equal(t, "the views after a rebuild", state(), want)
	equal(t, "findings after a rebuild", findings(t, s, all...), "")
}

// whatIsErasedSinceIsNoDamage: a view took a row away, and what the row was made of can be read no more, as when a
// debtor's key is destroyed. Applied again, the view never had the row.
func whatIsErasedSinceIsNoDamage(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	destroyed := false
	held := journal.View{Name: "owners", Apply: journal.EachEntry("owners", func(e *journal.Entry) ([]journal.Doc, error) {
		switch {
		case e.N == 1 && !destroyed:
			return []journal.Doc{{ID: "held", State: encode(m{"owner": "f", "n": 1})}}, nil
		case e.N == 2 && !destroyed:
			return []journal.Doc{{ID: "held", Deleted: true}}, nil
		}
		return nil, nil
	})}
	v := journal.NewViews(j, held)
	for i := range 2 {
		do(t, j, set(fmt.Sprintf("c%d", i), "d", "f"))
		check(t, v.CatchUp(ctx, branch, "owners"))
	}
	destroyed = true
	equal(t, "findings", findings(t, s, held), "")
}

// whatAViewCannotApplyIsParked: the view goes on without the entry, and it is said (J3).
func whatAViewCannotApplyIsParked(t *testing.T, s journal.Store) {
	ctx := context.Background()
	j := journal.Open(s, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	for i := range 9 {
		do(t, j, set(fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i), "f"))
	}
	whole := owners()
	odd := journal.View{Name: "owners", Apply: journal.EachEntry("owners", func(e *journal.Entry) ([]journal.Doc, error) {
		if e.N == 4 {
			return nil, errors.New("an entry that it does not understand")
		}
		return []journal.Doc{{ID: e.Docs[0].ID, State: encode(m{"owner": "f", "n": 1})}}, nil
	})}
	v := journal.NewViews(j, odd)
	check(t, v.CatchUp(ctx, branch, "owners"))
	f, err := s.Find(ctx, journal.Query{Branch: branch, Type: "owners"})
	check(t, err)
	equal(t, "all but the parked", ids(f), "d0 d1 d2 d4 d5 d6 d7 d8 ")
	got := findings(t, s, whole)
	for _, want := range []string{"entry 4: the view owners lacks",
		"entries 4 to 4 are parked in the view owners: entry 4: an entry that it does not understand"} {
		if !strings.Contains(got, want) {
			t.Errorf("findings do not say %q: %s", want, got)
		}
	}
}
