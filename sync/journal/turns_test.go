package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
)

// distant is a store as one node sees it: each exchange with the server takes rtt.
type distant struct {
	*memStore
	rtt time.Duration
}

func (d distant) there(ctx context.Context) error { return Sleep(ctx, d.rtt/2) }

func (d distant) Commit(ctx context.Context, p *Page, v ViewWrites) error {
	if err := d.there(ctx); err != nil {
		return err
	}
	err := d.insert(p)
	if e := d.there(ctx); err != nil || e != nil {
		return firstOf(err, e)
	}
	return d.Apply(ctx, p, v)
}

// Apply takes three exchanges: which views there are, their writes, the watermark.
func (d distant) Apply(ctx context.Context, p *Page, v ViewWrites) error {
	if err := Sleep(ctx, 5*d.rtt/2); err != nil {
		return err
	}
	err := d.memStore.Apply(ctx, p, v)
	return firstOf(err, d.there(ctx))
}

func (d distant) PageAt(ctx context.Context, b auth.BranchID, first uint64) (*Page, error) {
	return across(ctx, d, func() (*Page, error) { return d.memStore.PageAt(ctx, b, first) })
}

func (d distant) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*Page, error) {
	return across(ctx, d, func() (*Page, error) { return d.memStore.PageOf(ctx, b, n) })
}

func (d distant) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*Page, error) {
	return across(ctx, d, func() ([]*Page, error) { return d.memStore.Pages(ctx, b, after, limit) })
}

func (d distant) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	return across(ctx, d, func() (uint64, error) { return d.memStore.Watermark(ctx, b) })
}

func (d distant) Records(ctx context.Context, b auth.BranchID, refs []DocRef) ([]Record, error) {
	return across(ctx, d, func() ([]Record, error) { return d.memStore.Records(ctx, b, refs) })
}

func (d distant) Receipts(ctx context.Context, b auth.BranchID, ids []string) ([]Receipt, error) {
	return across(ctx, d, func() ([]Receipt, error) { return d.memStore.Receipts(ctx, b, ids) })
}

func (d distant) Small(ctx context.Context, kind, id string) ([]byte, uint64, error) {
	if err := d.there(ctx); err != nil {
		return nil, 0, err
	}
	body, version, err := d.memStore.Small(ctx, kind, id)
	return body, version, firstOf(err, d.there(ctx))
}

func (d distant) SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error {
	if err := d.there(ctx); err != nil {
		return err
	}
	err := d.memStore.SwapSmall(ctx, kind, id, was, body)
	return firstOf(err, d.there(ctx))
}

// across asks at the server's, half an exchange later.
func across[T any](ctx context.Context, d distant, ask func() (T, error)) (T, error) {
	var none T
	if err := d.there(ctx); err != nil {
		return none, err
	}
	out, err := ask()
	return out, firstOf(err, d.there(ctx))
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// load has writers append through a node, one command after the other.
type load struct {
	node    *Journal
	name    string
	writers int
	mu      sync.Mutex
	counted int             // appends that ended after the nodes had met
	took    []time.Duration // all
}

func (l *load) run(t *testing.T, from, until time.Time, all *sync.WaitGroup) {
	for w := range l.writers {
		all.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				begun := time.Now()
				doc := fmt.Sprintf("%s-%d", l.name, w)
				out, err := l.node.Do(context.Background(), branch, []Command{add(fmt.Sprintf("%s-%d", doc, i), doc)})
				if err != nil || out[0].Err != nil || out[0].Duplicate {
					t.Errorf("%s: %+v %v", l.name, out, err)
					return
				}
				l.mu.Lock()
				l.took = append(l.took, time.Since(begun))
				if begun.After(from) {
					l.counted++
				}
				l.mu.Unlock()
			}
		})
	}
}

func (l *load) p99() time.Duration {
	slices.Sort(l.took)
	return l.took[len(l.took)*99/100]
}

// Two nodes append to one branch as fast as they can. The one that is farther from the
// store gets its part, and nothing it is asked waits for long (J2a).
func TestTheSlowerNodeGetsItsTurn(t *testing.T) {
	for _, c := range []struct {
		name      string
		near, far time.Duration
		writers   [2]int
		share     float64 // of the far node, at least
	}{
		{"alike", 2 * time.Millisecond, 2 * time.Millisecond, [2]int{8, 8}, 0.25},
		{"five times as far", 2 * time.Millisecond, 10 * time.Millisecond, [2]int{8, 8}, 0.25},
		{"twenty times as far", time.Millisecond, 20 * time.Millisecond, [2]int{8, 8}, 0.25},
		{"on another continent", time.Millisecond, 80 * time.Millisecond, [2]int{8, 8}, 0.25},
		{"one note against three phones", time.Millisecond, 20 * time.Millisecond, [2]int{3, 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemStore()
				near := &load{node: open(t, distant{m, c.near}), name: "near", writers: c.writers[0]}
				far := &load{node: open(t, distant{m, c.far}), name: "far", writers: c.writers[1]}
				from, until := time.Now().Add(3*time.Second), time.Now().Add(10*time.Second)
				var all sync.WaitGroup
				near.run(t, from, until, &all)
				far.run(t, from, until, &all)
				all.Wait()
				share := float64(far.counted) / float64(near.counted+far.counted)
				t.Logf("near: %d appends, p99 %s; far: %d, p99 %s; share %.2f", len(near.took), near.p99(),
					len(far.took), far.p99(), share)
				if share < c.share {
					t.Errorf("the far node has %.3f of the appends, want %.2f", share, c.share)
				}
				if p := max(near.p99(), far.p99()); p > 2*time.Second {
					t.Errorf("p99 is %s", p)
				}
			})
		})
	}
}

// A node that set a mark and died costs the others one wait, and its page is finished by
// them; a mark that cannot be read or set costs nothing but fairness.
func TestMarksOfTheDeadDelayOnce(t *testing.T) {
	for _, c := range []struct{ name, marks string }{
		{"dead", `[{"node":"dead","after":1,"need":400},{"node":"gone","after":1,"need":60000}]`},
		{"not readable", `{"node":`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemStore()
				dead := Open(m, Options{})
				stored := false
				m.setFault(func(step string, _ *Page) error {
					if step == "stored" && !stored {
						stored = true
						return context.Canceled // its views are not written
					}
					return nil
				})
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				defer cancel()
				_, _ = dead.Do(ctx, branch, []Command{add("dead", "a")})
				_ = dead.Close(ctx)
				m.setFault(nil)
				ok(t, m.SwapSmall(context.Background(), turnsKind, string(branch), 0, []byte(c.marks)))
				l := &load{node: open(t, distant{m, time.Millisecond}), name: "alive", writers: 2}
				begun := time.Now()
				var all sync.WaitGroup
				l.run(t, begun, begun.Add(5*time.Second), &all)
				all.Wait()
				slices.Sort(l.took)
				longest, usual := l.took[len(l.took)-1], l.took[len(l.took)/2]
				if longest > mostWait+100*time.Millisecond || usual > 20*time.Millisecond {
					t.Errorf("the longest append took %s, the usual one %s", longest, usual)
				}
				if n := count(t, m, "a"); n != 1 {
					t.Errorf("the dead node's page counts %d times", n)
				}
			})
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deaf takes no marks.
type deaf struct{ distant }

func (deaf) Small(context.Context, string, string) ([]byte, uint64, error) {
	return nil, 0, ErrNoAnswer
}

func (deaf) SwapSmall(context.Context, string, string, uint64, []byte) error { return ErrNoAnswer }

func TestWithoutMarksNodesStillAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		now := time.Now()
		var all sync.WaitGroup
		var loads []*load
		for _, name := range []string{"one", "two"} {
			l := &load{node: open(t, deaf{distant{m, 2 * time.Millisecond}}), name: name, writers: 4}
			l.run(t, now, now.Add(3*time.Second), &all)
			loads = append(loads, l)
		}
		all.Wait()
		for _, l := range loads {
			if len(l.took) == 0 {
				t.Errorf("node %s appended nothing", l.name)
			}
		}
	})
}

func TestWhoLetsWhomGoFirst(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b, c := mark{Node: "b", After: 10, Need: 40}, mark{Node: "c", After: 12, Need: 40}
	mine := mark{Node: "a", After: 11, Need: 40}
	for _, x := range []struct {
		name string
		with func(t *turns)
		lets bool
	}{
		{"no other waits", func(t *turns) { t.own = 9 }, false},
		{"another waits, and we have had our turn", func(t *turns) { t.own, t.marks = turnPages, []mark{b} }, true},
		{"another waits, and it is our turn", func(t *turns) { t.own, t.marks = turnPages-1, []mark{b} }, false},
		{"we wait too, behind it", func(t *turns) { t.set, t.marks = now, []mark{b, mine, c} }, true},
		{"we wait too, before it", func(t *turns) { t.set, t.marks = now, []mark{mine, c} }, false},
		{"its page has come", func(t *turns) {
			t.own, t.marks = turnPages, []mark{b}
			t.seen["b"] = &other{last: 11, at: now}
		}, false},
		{"its page before that has come", func(t *turns) {
			t.own, t.marks = turnPages, []mark{b}
			t.seen["b"] = &other{last: 10, at: now}
		}, true},
		{"we have waited in vain", func(t *turns) { t.own, t.marks, t.vain["b"] = turnPages, []mark{b}, 10 }, false},
		{"in vain for an earlier mark", func(t *turns) { t.own, t.marks, t.vain["b"] = turnPages, []mark{b}, 9 }, true},
		{"it appends again and again", func(t *turns) {
			t.own, t.seen["b"] = turnPages, &other{last: 11, at: now.Add(-time.Second / 2), pace: time.Second / 2}
		}, true},
		{"it has stopped", func(t *turns) {
			t.own, t.seen["b"] = turnPages, &other{last: 11, at: now.Add(-time.Second), pace: time.Second / 2}
		}, false},
		{"it is too slow to be waited for without a mark", func(t *turns) {
			t.own, t.seen["b"] = turnPages, &other{last: 11, at: now, pace: 2 * time.Second}
		}, false},
	} {
		n := newTurns("a")
		x.with(&n)
		if n.lets(now) != x.lets {
			t.Errorf("%s: lets %t", x.name, n.lets(now))
		}
	}
}
