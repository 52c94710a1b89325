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
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"

	"golang.org/x/mod/sumdb/tlog"
)

// plant stores a page as another node would have, after the last one of a branch.
func (m *memStore) plant(b auth.BranchID, raws ...string) *Page {
	return m.plantWith(b, func(*Page) {}, raws...)
}

// mend exchanges a stored page for another at its place.
func (m *memStore) mend(p *Page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, q := range m.pages[p.Branch] {
		if q.First == p.First {
			m.pages[p.Branch][i] = p
		}
	}
}

// damage makes pages, by first entry, unreadable; all others can be read.
func (m *memStore) damage(b auth.BranchID, firsts ...uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.damaged[b] = map[uint64]bool{}
	for _, n := range firsts {
		m.damaged[b][n] = true
	}
}

func (m *memStore) setWatermark(b auth.BranchID, w uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.w[b] = w
}

// plantWith plants a page that is changed before it is stored.
func (m *memStore) plantWith(b auth.BranchID, change func(*Page), raws ...string) *Page {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &Page{Branch: b, First: 1, ID: fmt.Sprint("planted", len(m.pages[b])), Node: "other"}
	edge := Edge{}
	if ps := m.pages[b]; len(ps) > 0 {
		last := ps[len(ps)-1]
		edge, p.First, p.Numbered = last.EdgeAfter(), last.Last+1, last.Numbered.Plus(last.NumberedIn)
	}
	p.Last = p.First + uint64(len(raws)) - 1
	p.Root, p.Edge = edge.Root(), edge.Clone().Hashes
	for _, raw := range raws {
		p.Entries, p.Leaves = append(p.Entries, []byte(raw)), append(p.Leaves, Leaf([]byte(raw)))
	}
	change(p)
	m.pages[b] = append(m.pages[b], p)
	return p
}

func entryBytes(n int, command string) string {
	e := Entry{Schema: SchemaVersion, Branch: branch, N: uint64(n), Received: MinTime, Command: command, Action: "planted",
		Writes: []Key{CommandKey(command), DocKey("planted", command)},
		Docs:   []Doc{{Type: "planted", ID: command, Rev: 1, State: json.RawMessage(`{}`)}}}
	return string(e.encode())
}

func states(t *testing.T, j *Journal) string {
	t.Helper()
	all, err := j.States(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		text := fmt.Sprintf("%s %s", s.Branch, s.State)
		for _, p := range s.Parked {
			text += fmt.Sprintf(" %d-%d", p.First, p.Last)
		}
		if s.Reason == "" || s.Since.IsZero() {
			text += " without a reason"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// J3: an entry that cannot be read is parked. Its page's other entries are applied, the
// branch goes on, the next node starts, all say so; once it can be read, it is applied.
func TestAnEntryThatCannotBeReadIsParked(t *testing.T) {
	newer := strings.Replace(entryBytes(3, "p3"), `"schema":1`, `"schema":9`, 1)
	for name, raw := range map[string]string{"of a newer schema": newer, "no JSON": `{"schema":1`,
		"of another place": entryBytes(9, "p3"), "empty": ""} {
		t.Run(name, func(t *testing.T) {
			m := newMemStore()
			j := open(t, m)
			do(t, j, add("warm", "a"))
			page := m.plant(branch, entryBytes(2, "p2"), raw, entryBytes(4, "p4"))
			check := func(j *Journal, id string, n uint64) {
				t.Helper()
				if out := do(t, j, add(id, "a"))[0]; out.Err != nil || out.N != n {
					t.Fatalf("%s: %+v, want entry %d", id, out, n)
				}
				if s := states(t, j); s != "PORTO parked 3-3" {
					t.Errorf("states: %s", s)
				}
				recs, _ := m.Records(context.Background(), branch, []DocRef{{"planted", "p2"}, {"planted", "p3"},
					{"planted", "p4"}})
				if recs[0].N != 2 || recs[1].N != 0 || recs[2].N != 4 {
					t.Errorf("the views hold entries %d, %d, %d", recs[0].N, recs[1].N, recs[2].N)
				}
				if err := j.Stuck(); err != nil {
					t.Errorf("stuck: %v", err)
				}
			}
			check(j, "c1", 5)
			next := open(t, m)
			check(next, "c2", 6)
			if w, _ := m.Watermark(context.Background(), branch); w != 6 {
				t.Errorf("the watermark is %d", w)
			}
			// A program that can read it, or a page that was mended.
			mended := *page
			mended.Entries, mended.Leaves = slices.Clone(page.Entries), slices.Clone(page.Leaves)
			mended.Entries[1] = []byte(entryBytes(3, "p3"))
			mended.Leaves[1] = Leaf(mended.Entries[1])
			m.mend(&mended)
			able := open(t, m)
			do(t, able, add("c2", "a"))
			recs, _ := m.Records(context.Background(), branch, []DocRef{{"planted", "p3"}})
			if s := states(t, able); s != "" || recs[0].N != 3 {
				t.Errorf("once it can be read: states %q, the view holds entry %d", s, recs[0].N)
			}
		})
	}
}

// J3: bytes that are not those that were hashed are not believed; the tree goes on.
func TestDamagedBytesAreParked(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	do(t, j, add("warm", "a"))
	m.plantWith(branch, func(p *Page) {
		p.Entries[0] = []byte(strings.Replace(entryBytes(2, "p2"), "planted", "planned", 1))
	}, entryBytes(2, "p2"))
	if out := do(t, j, add("c1", "a"))[0]; out.N != 3 {
		t.Errorf("the branch goes on at %d", out.N)
	}
	if s := states(t, j); s != "PORTO parked 2-2" {
		t.Errorf("states: %s", s)
	}
	if got := checked(t, m); got != "2 the page; 2 parked" {
		t.Errorf("a check goes on after the entry and finds %q", got)
	}
}

// checked is what Check finds, in short: at which entry, and whether that is what cannot
// be read, or is parked, or all of another finding.
func checked(t *testing.T, m *memStore) string {
	t.Helper()
	found, err := Check(context.Background(), m, branch, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		what := f.What
		switch {
		case strings.Contains(what, "are parked, the views lack them"):
			what = "parked"
		case strings.Contains(what, "cannot be read") || strings.Contains(what, "not those that were hashed"):
			what = "the page"
		}
		out = append(out, fmt.Sprint(f.Entry, " ", what))
	}
	return strings.Join(out, "; ")
}

// J3: a page that cannot be read at all is passed. What follows it is checked against
// itself; on nothing but such a page nothing can be built.
func TestAPageThatCannotBeReadIsParked(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	do(t, j, add("warm", "a"))
	m.damage(branch, 2)
	m.plant(branch, entryBytes(2, "p2"), entryBytes(3, "p3"))
	for _, j := range []*Journal{j, open(t, m)} {
		if _, err := j.Do(context.Background(), branch, []Command{add("c1", "a")}); !errors.Is(err, ErrStuck) {
			t.Errorf("on a page that cannot be read: %v", err)
		}
		if s := states(t, j); s != "PORTO stuck 2-3" {
			t.Errorf("states: %s", s)
		}
		if out, err := j.Do(context.Background(), "LISBOA", []Command{add(j.node, "a")}); err != nil || out[0].Err != nil {
			t.Errorf("another branch: %v %v", out, err)
		}
	}
	if w, _ := m.Watermark(context.Background(), branch); w != 3 {
		t.Errorf("the watermark is %d", w)
	}
	m.plant(branch, entryBytes(4, "p4"))
	next := open(t, m)
	if out := do(t, next, add("c1", "a"))[0]; out.N != 5 {
		t.Errorf("behind the page: %+v", out)
	}
	if out := do(t, j, add("c2", "a"))[0]; out.N != 6 {
		t.Errorf("the node that was stuck: %+v", out)
	}
	if s := states(t, j); s != "PORTO parked 2-3" {
		t.Errorf("states: %s", s)
	}
	if got := checked(t, m); got != "2 the page; 2 parked" {
		t.Errorf("a check goes on after the page and finds %q", got)
	}
	m.damage(branch)
	do(t, open(t, m), add("c3", "a"))
	if found, err := Check(context.Background(), m, branch, nil); err != nil || len(found) > 0 || states(t, j) != "" {
		t.Errorf("with the page mended: %v %v, states %q", found, err, states(t, j))
	}
}

// J3: a document that the store can never keep does not stop what is around it.
func TestWhatNoStoreCanKeepIsParked(t *testing.T) {
	for _, step := range []string{"before", "views"} {
		m := newMemStore()
		m.unfit = DocRef{"counters", "bad"}
		m.unfitAt = step
		j := open(t, m)
		out := do(t, j, add("c1", "good"), add("c2", "bad"), add("c3", "fine"))
		if out[2].N != 3 || count(t, m, "good") != 1 || count(t, m, "fine") != 1 {
			t.Errorf("unfit at %s: %+v", step, out)
		}
		if s := states(t, j); s != "PORTO parked 2-2" {
			t.Errorf("states: %s", s)
		}
		if w, _ := m.Watermark(context.Background(), branch); w != 3 {
			t.Errorf("the watermark is %d", w)
		}
	}
}

// J10, J11: a page of another tree is neither applied nor built upon, by a node that
// follows and by one that starts; other branches are not touched.
func TestAPageOnAnotherTreeIsRefused(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	do(t, j, add("warm", "a"))
	m.plantWith(branch, func(p *Page) {
		p.Root = Leaf([]byte("another history"))
		p.Edge = []tlog.Hash{p.Root}
	}, entryBytes(2, "p2"))
	for _, j := range []*Journal{j, open(t, m)} {
		_, err := j.Do(context.Background(), branch, []Command{add("c1", "a")})
		if !errors.Is(err, ErrStuck) || !strings.Contains(err.Error(), "another tree") {
			t.Errorf("on a page of another tree: %v", err)
		}
		if s := states(t, j); s != "PORTO stuck" {
			t.Errorf("states: %s", s)
		}
		if _, err := j.Do(context.Background(), "LISBOA", []Command{add(j.node, "a")}); err != nil {
			t.Errorf("another branch: %v", err)
		}
		if j.Stuck() == nil {
			t.Error("another branch's success cleared the trouble")
		}
	}
	recs, _ := m.Records(context.Background(), branch, []DocRef{{"planted", "p2"}})
	if w, _ := m.Watermark(context.Background(), branch); w != 1 || recs[0].N != 0 || len(m.pages[branch]) != 2 {
		t.Errorf("the watermark is %d, %d pages, the view holds %+v", w, len(m.pages[branch]), recs[0])
	}
	// A node that starts on it, because somebody else raised the watermark.
	m.setWatermark(branch, 2)
	late := open(t, m)
	for range 2 {
		if _, err := late.Do(context.Background(), branch, []Command{add("c2", "a")}); !errors.Is(err, ErrStuck) {
			t.Errorf("a start on a page of another tree: %v", err)
		}
	}
}

// One branch's trouble is its own: another's success does not clear it, and says nothing of it.
func TestTroubleIsOfOneBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		j := open(t, m)
		down := errors.New("this branch's shard is down")
		m.setFault(func(_ string, p *Page) error {
			if p.Branch == branch {
				return down
			}
			return nil
		})
		answered := make(chan Outcome)
		go func() { answered <- do(t, j, add("c1", "a"))[0] }()
		synctest.Wait()
		if _, err := j.Do(context.Background(), "LISBOA", []Command{add("c1", "a")}); err != nil {
			t.Error(err)
		}
		if err := j.Stuck(); !errors.Is(err, down) || states(t, j) != "PORTO stuck" {
			t.Errorf("stuck: %v, states %q", err, states(t, j))
		}
		m.setFault(nil)
		<-answered
		if s := states(t, j); s != "" {
			t.Errorf("once the shard is back: %s", s)
		}
	})
}

// What another node writes is announced here too, in order and once, also in a branch that
// this node never touched, and also what was written while nobody was awake.
func TestPagesOfOtherNodesAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		here, there := open(t, m), open(t, m)
		do(t, there, add("before", "a"))
		var mu sync.Mutex
		heard := map[auth.BranchID][]uint64{}
		cancel := here.Subscribe(func(c Committed) {
			mu.Lock()
			defer mu.Unlock()
			heard[c.Branch] = append(heard[c.Branch], c.W)
			if len(c.Feeds) != 1 || c.Feeds[0].Feed != "agent:u1" {
				t.Errorf("announced feeds %+v", c.Feeds)
			}
		})
		wrote := func(b auth.BranchID, id string) {
			t.Helper()
			if _, err := there.Do(context.Background(), b, []Command{add(id, "a")}); err != nil {
				t.Fatal(err)
			}
		}
		wrote(branch, "one")
		wrote("NEW", "one")
		time.Sleep(3 * time.Second)
		wrote(branch, "two")
		wrote("NEW", "two")
		time.Sleep(time.Second)
		do(t, here, add("here", "a"))
		time.Sleep(10 * time.Minute)
		wrote(branch, "three")
		time.Sleep(3 * time.Second)
		mu.Lock()
		if got := fmt.Sprint(heard); got != "map[NEW:[1 2] PORTO:[2 3 4 5]]" {
			t.Errorf("announced %s", got)
		}
		mu.Unlock()
		cancel()
		time.Sleep(10 * time.Minute) // nobody subscribes: nothing is left running but the journals
		for _, c := range append(here.all(), there.all()...) {
			c.mu.Lock()
			running := c.running
			c.mu.Unlock()
			if running {
				t.Errorf("branch %s costs a goroutine though nothing happens", c.branch)
			}
		}
		if do(t, here, add("four", "a")); count(t, m, "a") != 6 {
			t.Errorf("counted %d", count(t, m, "a"))
		}
	})
}

// lateBranch is a store that takes its time over one branch.
type lateBranch struct {
	*memStore
	hold chan struct{}
}

func (s lateBranch) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	if b == "SLOW" {
		<-s.hold
	}
	return s.memStore.Watermark(ctx, b)
}

func TestABranchThatStartsSlowlyHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := lateBranch{newMemStore(), make(chan struct{})}
		j := open(t, s)
		slow := make(chan error)
		go func() {
			_, err := j.Do(context.Background(), "SLOW", []Command{add("x", "a")})
			slow <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := j.Do(ctx, branch, []Command{add("c1", "a")}); err != nil {
			t.Errorf("while another branch starts: %v", err)
		}
		close(s.hold)
		if err := <-slow; err != nil {
			t.Error(err)
		}
	})
}

// J2: who loses twice in a row waits, by chance, before the next page.
// Two nodes on one store that fails at every step; callers give up early and send the same
// ids again; nodes are closed in the middle of an append and opened anew. Every command has
// one effect, and the journal is whole.
func TestTwoNodesWithFaults(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) { twoNodesWithFaults(t, seed) })
	}
}

func twoNodesWithFaults(t *testing.T, seed uint64) {
	m := newMemStore()
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 7))
	chance := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(n)
	}
	m.setFault(func(step string, _ *Page) error {
		time.Sleep(time.Duration(chance(800)) * time.Microsecond)
		if chance(5) == 0 {
			return errors.New("fault " + step)
		}
		return nil
	})
	nodes := []*Journal{Open(m, Options{}), Open(m, Options{})}
	node := func(i int) *Journal {
		mu.Lock()
		defer mu.Unlock()
		return nodes[i]
	}
	const writers, each = 6, 30
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				cmds := []Command{add(fmt.Sprintf("a%d-%d", w, i), fmt.Sprint("d", i%3)), add(fmt.Sprintf("b%d-%d", w, i),
					fmt.Sprint("d", (i+1)%3))}
				for patience := 3 * time.Millisecond; ; patience += time.Millisecond {
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					_, err := node(w%2).Do(ctx, branch, cmds)
					cancel()
					if err == nil {
						break
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	stop := make(chan struct{})
	var ops sync.WaitGroup
	ops.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
			}
			mu.Lock()
			old := nodes[k%2]
			nodes[k%2] = Open(m, Options{})
			mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			_ = old.Close(ctx)
			cancel()
		}
	})
	wg.Wait()
	close(stop)
	ops.Wait()
	m.setFault(nil)
	for i, j := range nodes {
		do(t, j, add(fmt.Sprint("last", i), "d0"))
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if sum := count(t, m, "d0") + count(t, m, "d1") + count(t, m, "d2"); sum != 2*writers*each+2 {
		t.Errorf("seed %d: counted %d, want %d", seed, sum, 2*writers*each+2)
	}
	if found, err := Check(context.Background(), m, branch, nil); err != nil || len(found) > 0 {
		t.Errorf("seed %d: fsck: %v %v", seed, found, err)
	}
}
