package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
)

const branch auth.BranchID = "PORTO"

func open(t testing.TB, s Store) *Journal {
	t.Helper()
	j := Open(s, Options{})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := j.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

// counter is the document most tests fight over.
type counter struct {
	Owner string `json:"owner"`
	N     int    `json:"n"`
}

// add is a command that adds one to a counter: a lost update or a second effect shows in the sum.
func add(id, doc string) Command {
	return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		rec, ok, err := r.Doc(ctx, "counters", doc)
		if err != nil {
			return Draft{}, err
		}
		c := counter{Owner: "o"}
		if ok {
			if err := json.Unmarshal(rec.Body, &c); err != nil {
				return Draft{}, err
			}
		}
		c.N++
		d := Draft{Action: "count", Receipt: state(map[string]int{"n": c.N})}
		d.Put("counters", doc, state(c))
		d.Tell("agent:u1", "counters", doc)
		return d, nil
	}}
}

func do(t testing.TB, j *Journal, cmds ...Command) []Outcome {
	t.Helper()
	out, err := j.Do(context.Background(), branch, cmds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func count(t testing.TB, m *memStore, doc string) int {
	t.Helper()
	recs, _ := m.Records(context.Background(), branch, []DocRef{{"counters", doc}})
	var c counter
	if recs[0].Body != nil {
		if err := json.Unmarshal(recs[0].Body, &c); err != nil {
			t.Fatal(err)
		}
	}
	return c.N
}

func TestSameCommandHasOneEffectAndOneReceipt(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	first := do(t, j, add("c1", "a"))[0]
	again := do(t, j, add("c1", "a"))[0]
	if !again.Duplicate || string(again.Receipt) != string(first.Receipt) || again.N != first.N {
		t.Errorf("second time: %+v, first %+v", again, first)
	}
	if n := count(t, m, "a"); n != 1 {
		t.Errorf("counted %d times", n)
	}
	twice := do(t, j, add("c2", "a"), add("c2", "a"))
	if twice[0].Duplicate || !twice[1].Duplicate || string(twice[0].Receipt) != string(twice[1].Receipt) {
		t.Errorf("the same id twice in one call: %+v", twice)
	}
	other := add("c1", "a")
	other.Payload[0] = 1
	if out := do(t, j, other)[0]; !errors.Is(out.Err, ErrReused) {
		t.Errorf("the same id with another payload: %+v", out)
	}
}

func TestBatchSeesItsOwnEffectsInOrder(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	out := do(t, j, add("c1", "a"), add("c2", "a"), add("c3", "a"))
	for i, o := range out {
		if string(o.Receipt) != fmt.Sprintf(`{"n":%d}`, i+1) || o.N != uint64(i+1) || o.Docs[0].Rev != uint64(i+1) {
			t.Errorf("command %d: %+v", i+1, o)
		}
	}
	if len(m.pages[branch]) != 1 {
		t.Errorf("one push took %d pages", len(m.pages[branch]))
	}
}

func TestSearchSeesWhatTheBatchDrafted(t *testing.T) {
	j := open(t, newMemStore())
	ix := Index{Type: "counters", Name: "owner", Fields: []string{"owner", "n"}}
	var found []int
	look := Command{ID: "look", Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		recs, err := r.All(ctx, ix, "o")
		found = nil
		for _, rec := range recs {
			var c counter
			_ = json.Unmarshal(rec.Body, &c)
			found = append(found, c.N)
		}
		return Draft{}, err
	}}
	do(t, j, add("s1", "stored"), add("s2", "stored"), add("s3", "stored"))
	do(t, j, add("d1", "drafted"), add("d2", "stored"), look)
	if fmt.Sprint(found) != "[1 4]" {
		t.Errorf("found counters at %v, want the drafted one at 1 and the stored one at its drafted 4", found)
	}
}

// TestSomeIsAPartOfAll finds random parts of an index, documents stored and drafted by the
// same call mixed, and compares them with the same parts of all.
func TestSomeIsAPartOfAll(t *testing.T) {
	ix := Index{Type: "counters", Name: "owner", Fields: []string{"owner", "n"}}
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		j := open(t, newMemStore())
		write := func(ids ...int) Command {
			return Command{ID: fmt.Sprint("w", rnd.Uint64()), Decide: func(ctx context.Context, r *Reader) (Draft, error) {
				d := Draft{Action: "write"}
				for _, id := range ids {
					name := fmt.Sprint("c", id)
					if _, _, err := r.Doc(ctx, "counters", name); err != nil {
						return d, err
					}
					if rnd.IntN(6) == 0 {
						d.Delete("counters", name)
					} else {
						d.Put("counters", name, state(counter{Owner: fmt.Sprint("o", rnd.IntN(2)), N: rnd.IntN(8)}))
					}
				}
				return d, nil
			}}
		}
		look := func(id string) Command {
			return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
				all, err := r.All(ctx, ix, "o1")
				if err != nil {
					return Draft{}, err
				}
				for from := range 9 {
					for most := range 5 {
						var want []string
						for _, rec := range all {
							var c counter
							_ = json.Unmarshal(rec.Body, &c)
							if c.N >= from && (most == 0 || len(want) < most) {
								want = append(want, rec.ID)
							}
						}
						some, err := r.Some(ctx, ix, Range{From: from, Most: most}, "o1")
						if err != nil {
							return Draft{}, err
						}
						var got []string
						for _, rec := range some {
							got = append(got, rec.ID)
						}
						if !slices.Equal(got, want) {
							t.Errorf("seed %d, from %d, at most %d: found %v, want %v", seed, from, most, got, want)
						}
					}
				}
				return Draft{}, nil
			}}
		}
		do(t, j, write(0, 1, 2, 3, 4, 5, 6, 7), write(2, 3))
		do(t, j, write(1, 4, 8, 9), look("first"), write(4, 5), look("second"))
	}
}

// J1: a decision on outdated documents must not be appended. Without the check of read keys
// against newer entries, those of the same page included, increments are lost.
func TestDecisionsAreNeverAppendedOnOutdatedDocuments(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	const writers, each = 16, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := j.Do(context.Background(), branch, []Command{add(fmt.Sprintf("%d-%d", w, i), "shared")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, m, "shared"); n != writers*each {
		t.Errorf("counted %d of %d", n, writers*each)
	}
}

// J1, absence: a key that was read as absent and then appears sends the decision back.
func TestAbsenceIsReadToo(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	claim := func(id string) Command {
		return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			_, taken, err := r.Doc(ctx, "names", "one")
			if err != nil || taken {
				return Draft{}, errors.Join(err, errors.New("taken"))
			}
			d := Draft{Action: "claim"}
			d.Put("names", "one", state(map[string]string{"by": id}))
			return d, nil
		}}
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			out, err := j.Do(context.Background(), branch, []Command{claim(fmt.Sprint("c", i))})
			if err == nil && out[0].Err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d commands claimed one name", won.Load())
	}
}

// J2: whatever the store answers and whenever it fails, an acknowledged command is in the journal exactly once.
func TestUnclearAppendsHaveOneEffect(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { unclearAppends(t, seed) })
	}
}

func unclearAppends(t *testing.T, seed uint64) {
	m := newMemStore()
	rng := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	m.fault = func(step string, p *Page) error {
		mu.Lock()
		defer mu.Unlock()
		if rng.IntN(4) == 0 {
			return fmt.Errorf("lost answer (%s)", step)
		}
		return nil
	}
	// Two journals on one store are two nodes: each loses compares to the other.
	nodes := []*Journal{open(t, m), open(t, m)}
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 8 {
				cmd := add(fmt.Sprintf("%d-%d", w, i), fmt.Sprint("doc", i%3))
				for {
					out, err := nodes[w%2].Do(context.Background(), branch, []Command{cmd})
					if err == nil && out[0].Err == nil {
						break
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	m.setFault(nil)
	seen := map[string]int{}
	for i, e := range m.entries(branch) {
		seen[e.Command]++
		if e.N != uint64(i+1) {
			t.Fatalf("seed %d: entry %d has number %d", seed, i+1, e.N)
		}
	}
	if len(seen) != 48 {
		t.Fatalf("seed %d: %d commands stored of 48 acknowledged", seed, len(seen))
	}
	for c, n := range seen {
		if n != 1 {
			t.Fatalf("seed %d: command %s is in the journal %d times", seed, c, n)
		}
	}
	total := count(t, m, "doc0") + count(t, m, "doc1") + count(t, m, "doc2")
	if total != 48 {
		t.Fatalf("seed %d: counters say %d of 48", seed, total)
	}
	if found, err := Check(context.Background(), m, branch, nil); err != nil || len(found) > 0 {
		t.Fatalf("seed %d: fsck: %v %v", seed, found, err)
	}
}

// J3: a page stored by a node that died before applying it becomes visible to the next.
func TestNextNodeAppliesWhatADeadNodeStored(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	do(t, j, add("c1", "a"))
	dead := errors.New("killed")
	m.setFault(func(step string, p *Page) error {
		if step == "views" {
			return dead
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := j.Do(ctx, branch, []Command{add("c2", "a")}); err == nil {
		t.Fatal("acknowledged before it was visible")
	}
	m.setFault(nil)
	next := open(t, m)
	if out := do(t, next, add("c2", "a"))[0]; !out.Duplicate {
		t.Errorf("the stored command was done again: %+v", out)
	}
	if n := count(t, m, "a"); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
}

func TestLimitsAreRefusedBeforeNumbering(t *testing.T) {
	j := open(t, newMemStore())
	big := func(id string, size, feeds int) Command {
		return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			_, _, err := r.Doc(ctx, "t", id)
			d := Draft{Action: "x"}
			d.Put("t", id, state(map[string]string{"s": strings.Repeat("x", size)}))
			for i := range feeds {
				d.Tell("branch", "t", fmt.Sprint(i))
			}
			return d, err
		}}
	}
	unread := Command{ID: "unread", Decide: func(context.Context, *Reader) (Draft, error) {
		d := Draft{Action: "x"}
		d.Put("t", "never-read", json.RawMessage(`{}`))
		return d, nil
	}}
	out := do(t, j, big("state", MaxStateBytes, 0), big("feeds", 1, MaxFeedRows+1), unread, big("fine", 10, MaxFeedRows),
		Command{ID: ""})
	for i, want := range []string{"command.too_large", "command.too_large", "command.invalid", "", "command.invalid"} {
		var e *refusal.Error
		if errors.As(out[i].Err, &e); (e == nil) != (want == "") || e != nil && e.Code() != want {
			t.Errorf("%s: %v, want code %q", out[i].Command, out[i].Err, want)
		}
	}
	if out[3].N != 1 {
		t.Errorf("the good one has number %d", out[3].N)
	}
}

// J15: pages stay small, however much is asked at once, and an entry too large for any page is refused.
func TestPagesStayWithinTheirLimits(t *testing.T) {
	put := func(id string, docs, size int) Command {
		return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			d := Draft{Action: "x"}
			for i := range docs {
				doc := fmt.Sprint(id, "-", i)
				if _, _, err := r.Doc(ctx, "t", doc); err != nil {
					return d, err
				}
				d.Put("t", doc, state(map[string]string{"s": strings.Repeat("x", size)}))
			}
			return d, nil
		}}
	}
	m := newMemStore()
	j := open(t, m)
	var many []Command
	for i := range MaxPageEntries + 500 {
		many = append(many, put(fmt.Sprint("small", i), 1, 1))
	}
	for i := range 40 {
		many = append(many, put(fmt.Sprint("big", i), 1, MaxStateBytes-100))
	}
	for _, o := range do(t, j, many...) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	if out := do(t, j, put("huge", 9, MaxStateBytes-100))[0]; out.Err == nil {
		t.Error("an entry of nine times 64 KiB was taken")
	}
	var entries int
	for _, p := range m.pages[branch] {
		bytes := 0
		for _, e := range p.Entries {
			bytes += len(e)
		}
		if len(p.Entries) > MaxPageEntries || bytes > MaxPageBytes {
			t.Errorf("page %d holds %d entries and %d bytes", p.First, len(p.Entries), bytes)
		}
		entries += len(p.Entries)
	}
	if entries != len(many) {
		t.Errorf("%d of %d entries are stored", entries, len(many))
	}
}

func TestVisitsAreNumberedDenselyAndNeverChange(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	visit := func(id, doc string) Command {
		return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			_, _, err := r.Doc(ctx, NumberedType, doc)
			d := Draft{Action: "visit.record"}
			d.Put(NumberedType, doc, json.RawMessage(`{}`))
			return d, err
		}}
	}
	out := do(t, j, visit("1", "v1"), add("2", "a"), visit("3", "v2"))
	if out[0].Docs[0].No != 1 || out[2].Docs[0].No != 2 {
		t.Errorf("numbers %d and %d", out[0].Docs[0].No, out[2].Docs[0].No)
	}
	if out := do(t, j, visit("4", "v1")); out[0].Err == nil {
		t.Error("a visit was written a second time")
	}
	next := open(t, m) // a restart goes on counting
	if out := do(t, next, visit("5", "v3")); out[0].Docs[0].No != 3 {
		t.Errorf("after a restart the third visit has number %d", out[0].Docs[0].No)
	}
}

// J6: a subscriber learns of a page only once it can be read.
func TestAnnouncedPagesAreVisible(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	var bad atomic.Int32
	cancel := j.Subscribe(func(c Committed) {
		if w, _ := m.Watermark(context.Background(), c.Branch); w < c.W {
			bad.Add(1)
		}
	})
	for i := range 20 {
		do(t, j, add(fmt.Sprint(i), "a"))
	}
	cancel()
	if bad.Load() > 0 {
		t.Errorf("%d pages were announced before they were visible", bad.Load())
	}
}

func TestClosedJournalSaysSo(t *testing.T) {
	j := Open(newMemStore(), Options{})
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Do(context.Background(), branch, []Command{add("c", "a")}); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestReceivedTimeNeverDecreases(t *testing.T) {
	m := newMemStore()
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	j := Open(m, Options{Clock: func() time.Time { at = at.Add(-time.Minute); return at }})
	defer j.Close(context.Background())
	do(t, j, add("1", "a"))
	do(t, j, add("2", "a"))
	es := m.entries(branch)
	if es[1].Received.Before(es[0].Received) {
		t.Errorf("entry 2 received %v, before entry 1 at %v", es[1].Received, es[0].Received)
	}
}

// Phones of one team push to the same cases at the same time. Whoever is overtaken
// decides again, one after the other: work is repeated, but not by all for each.
func TestCallsThatFightDecideInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		j := open(t, store)
		const calls, each = 12, 40
		var decided atomic.Int64
		var wg sync.WaitGroup
		for i := range calls {
			wg.Go(func() {
				cmds := make([]Command, each)
				for k := range cmds {
					cmds[k] = add(fmt.Sprintf("%d-%d", i, k), fmt.Sprintf("c%d", k%5))
					inner := cmds[k].Decide
					cmds[k].Decide = func(ctx context.Context, r *Reader) (Draft, error) {
						decided.Add(1)
						time.Sleep(time.Millisecond) // a decision takes its time, in which others write
						return inner(ctx, r)
					}
				}
				for _, o := range do(t, j, cmds...) {
					if o.Err != nil {
						t.Errorf("%s: %v", o.Command, o.Err)
					}
				}
			})
		}
		wg.Wait()
		sum := 0
		for k := range 5 {
			sum += count(t, store, fmt.Sprintf("c%d", k))
		}
		if sum != calls*each {
			t.Errorf("the counters stand at %d, want %d", sum, calls*each)
		}
		// All decide once at the same time, and all but the first once more, in turn.
		if n := decided.Load(); n > 2*calls*each {
			t.Errorf("%d decisions for %d commands", n, calls*each)
		}
	})
}
