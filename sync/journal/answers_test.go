package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
)

// meanwhile runs something between the reads of a decision and its end, the first time.
func meanwhile(c Command, what func()) Command {
	decide, done := c.Decide, false
	c.Decide = func(ctx context.Context, r *Reader) (Draft, error) {
		d, err := decide(ctx, r)
		if !done {
			done = true
			what()
		}
		return d, err
	}
	return c
}

// once is a command that writes a document, and refuses when it is there.
func once(id, typ, doc string) Command {
	return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		_, there, err := r.Doc(ctx, typ, doc)
		if err != nil || there {
			return Draft{}, errors.Join(err, fmt.Errorf("there is one already"))
		}
		d := Draft{Action: "make", Receipt: json.RawMessage(`{"made":true}`)}
		d.Put(typ, doc, json.RawMessage(`{}`))
		return d, nil
	}}
}

// J1: what is answered rests on reads of one moment, whether it is stored, refused, or
// changes nothing, and whichever node wrote in between.
func TestAnswersRestOnReadsOfOneMoment(t *testing.T) {
	for _, node := range []string{"the same node", "another node"} {
		t.Run(node, func(t *testing.T) {
			m := newMemStore()
			j := open(t, m)
			other := j
			if node != "the same node" {
				other = open(t, m)
			}
			// The same visit, sent twice at once: its first copy is stored while the second is being decided.
			visit := once("visit", NumberedType, "v1")
			out := do(t, j, meanwhile(visit, func() { do(t, other, visit) }))[0]
			if out.Err != nil || !out.Duplicate || string(out.Receipt) != `{"made":true}` {
				t.Errorf("the second copy: %+v", out)
			}
			// A refusal on what is not so any more.
			do(t, j, add("n1", "a"))
			below := func(id string) Command {
				return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
					rec, _, err := r.Doc(ctx, "counters", "a")
					var c counter
					if err := errors.Join(err, json.Unmarshal(rec.Body, &c)); err != nil || c.N < 2 {
						return Draft{}, errors.Join(err, errors.New("too few"))
					}
					return Draft{Receipt: json.RawMessage(`"enough"`)}, nil
				}}
			}
			out = do(t, j, meanwhile(below("b1"), func() { do(t, other, add("n2", "a")) }))[0]
			if out.Err != nil || string(out.Receipt) != `"enough"` || out.N != 0 {
				t.Errorf("a refusal that was overtaken: %+v", out)
			}
			// An answer that changes nothing, on what is not so any more.
			count := func(id string) Command {
				return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
					rec, _, err := r.Doc(ctx, "counters", "a")
					return Draft{Receipt: rec.Body}, err
				}}
			}
			out = do(t, j, meanwhile(count("b2"), func() { do(t, other, add("n3", "a")) }))[0]
			if string(out.Receipt) != `{"owner":"o","n":3}` {
				t.Errorf("an answer that was overtaken: %+v", out)
			}
		})
	}
}

// J1: a key that is written without having been read would hide what others wrote to it.
func TestAKeyIsWrittenOnlyIfItWasRead(t *testing.T) {
	j := open(t, newMemStore())
	blind := Command{ID: "blind", Decide: func(context.Context, *Reader) (Draft, error) {
		return Draft{Action: "x", Writes: []Key{"case:1"}}, nil
	}}
	var refused *refusal.Error
	if out := do(t, j, blind)[0]; !errors.As(out.Err, &refused) || refused.Code() != "command.invalid" {
		t.Errorf("a blind write: %+v", out)
	}
	if out := do(t, j, draftOf("seeing", Draft{Action: "x", Writes: []Key{"case:1"}}))[0]; out.Err != nil || out.N != 1 {
		t.Errorf("a key that was read: %+v", out)
	}
}

// A group's own writes do not overtake it, and do not hide what others wrote before them.
func TestWriteLogTellsWhoWroteLast(t *testing.T) {
	type write struct {
		key Key
		n   uint64
		by  uint64
	}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var l writeLog
		l.reset(0)
		var all []write
		for n := uint64(1); n <= 40; n++ {
			w := write{Key(rune('a' + rng.IntN(3))), n, uint64(rng.IntN(4))}
			l.begin()
			l.add(&Entry{N: n, Writes: []Key{w.key}}, w.by)
			if rng.IntN(4) == 0 {
				l.undo()
			} else {
				all = append(all, w)
			}
			key, readAt, by := Key(rune('a'+rng.IntN(3))), uint64(rng.IntN(int(n)+1)), 1+uint64(rng.IntN(3))
			want := false
			for _, w := range all {
				if w.key == key && w.n > readAt && w.by != by {
					want = true
				}
			}
			got := l.overtaken([]readKey{{Key: key}}, readAt, by)
			if got != want {
				t.Fatalf("seed %d, entry %d: %s read at %d by %d: overtaken is %v, want %v; %v", seed, n, key, readAt, by, got,
					want, all)
			}
		}
	}
}

// Do comes back, whenever the journal closes.
func TestDoIsAnsweredThoughTheJournalCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := Open(newMemStore(), Options{})
		do(t, j, add("warm", "a"))
		closing := meanwhile(add("c", "a"), func() { _ = j.Close(context.Background()) })
		done := make(chan error, 1)
		go func() {
			_, err := j.Do(context.Background(), branch, []Command{closing})
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, ErrClosed) {
				t.Errorf("a decision under way while the journal closes: %v", err)
			}
		case <-time.After(time.Hour):
			t.Error("never answered")
		}
	})
}

// What is queued when the journal closes is appended and answered; Close waits for it.
func TestWhatIsQueuedAtCloseIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		j := Open(m, Options{})
		hold := make(chan struct{})
		m.setFault(func(step string, _ *Page) error {
			if step == "before" {
				<-hold
			}
			return nil
		})
		answers := make(chan error, 3)
		for i := range 3 {
			go func() {
				out, err := j.Do(context.Background(), branch, []Command{add(fmt.Sprint("c", i), "a")})
				if err == nil && out[0].N == 0 {
					err = fmt.Errorf("%+v", out[0])
				}
				answers <- err
			}()
			synctest.Wait()
		}
		closed := make(chan error, 1)
		go func() { closed <- j.Close(context.Background()) }()
		synctest.Wait()
		close(hold)
		synctest.Wait()
		if len(answers) != 3 || len(closed) != 1 {
			t.Fatalf("%d of 3 calls are answered; closed: %v", len(answers), len(closed) == 1)
		}
		// Those that were overtaken must decide again, and then the journal is closed.
		appended := 0
		for range 3 {
			switch err := <-answers; {
			case err == nil:
				appended++
			case !errors.Is(err, ErrClosed):
				t.Error(err)
			}
		}
		if n := count(t, m, "a"); n != appended || appended == 0 {
			t.Errorf("%d calls were told they are appended, counted %d", appended, n)
		}
	})
}

// A group that comes between the last look into the queue and the end of the goroutine is not left behind.
func TestTheGoroutineDoesNotEndWithAGroupQueued(t *testing.T) {
	c := newCommitter(open(t, newMemStore()), branch)
	c.running, c.closed = true, true
	c.pending = []*group{{}}
	if c.rest(time.Now()) || !c.running {
		t.Error("it ended, and nobody will answer the group")
	}
	c.pending = nil
	if !c.rest(time.Now()) || c.running {
		t.Error("it goes on though the journal is closed")
	}
}

// What is read ahead for later commands of a call is not what this one rests on.
func TestPrefetchedDocumentsAreNotRead(t *testing.T) {
	j := open(t, newMemStore())
	do(t, j, add("a1", "a"), add("b1", "b"))
	decided := 0
	first := add("a2", "a")
	inner := first.Decide
	first.Decide = func(ctx context.Context, r *Reader) (Draft, error) {
		decided++
		if err := r.Prefetch(ctx, DocRef{"counters", "a"}, DocRef{"counters", "b"}); err != nil {
			return Draft{}, err
		}
		return inner(ctx, r)
	}
	out := do(t, j, first, meanwhile(add("b2", "b"), func() { do(t, j, add("other", "b")) }))
	if decided != 1 || string(out[1].Receipt) != `{"n":3}` {
		t.Errorf("the first was decided %d times; the second: %+v", decided, out[1])
	}
}

// J2: an append that nobody knows the outcome of is told as such, whoever ends the wait,
// and no receipt is given of it.
func TestUnclearIsNeverCalledNothing(t *testing.T) {
	for _, c := range []struct {
		ends   string
		stored bool
	}{{"the caller", true}, {"the caller", false}, {"the journal", true}, {"the journal", false}} {
		t.Run(fmt.Sprint(c.ends, c.stored), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemStore()
				j := Open(m, Options{})
				do(t, j, add("warm", "a"))
				m.setFault(func(step string, p *Page) error {
					if (step == "stored") == c.stored && step != "views" {
						return errors.New("connection reset")
					}
					return nil
				})
				ctx, cancel := context.WithTimeout(context.Background(), patience/2)
				if c.ends == "the journal" {
					ctx = context.Background()
				}
				defer cancel()
				type answer struct {
					out []Outcome
					err error
				}
				got := make(chan answer, 1)
				go func() {
					out, err := j.Do(ctx, branch, []Command{add("c1", "a"), add("c2", "a")})
					got <- answer{out, err}
				}()
				synctest.Wait()
				if c.ends == "the journal" {
					short, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					_ = j.Close(short)
				}
				a := <-got
				if !errors.Is(a.err, ErrUnclear) || errors.Is(a.err, ErrClosed) {
					t.Errorf("the call says %v", a.err)
				}
				if c.ends == "the caller" && !errors.Is(a.err, context.DeadlineExceeded) {
					t.Errorf("it does not say that the caller's time was over: %v", a.err)
				}
				for _, o := range a.out {
					if o.Command != "" || o.Receipt != nil || o.Err != nil {
						t.Errorf("an outcome of what is not known to be stored: %+v", o)
					}
				}
				m.setFault(nil)
				_ = j.Close(context.Background())
				stored := len(m.entries(branch)) == 3
				next := open(t, m)
				again := do(t, next, add("c1", "a"), add("c2", "a"))
				if again[0].Duplicate != stored || count(t, m, "a") != 3 {
					t.Errorf("sent again: %+v, counted %d", again, count(t, m, "a"))
				}
			})
		})
	}
}

// Whoever gives up before the committer has begun knows that nothing was appended.
func TestAGroupNobodyBeganWithIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemStore()
		j := open(t, m)
		do(t, j, add("warm", "a"))
		m.setFault(func(string, *Page) error { return errors.New("no route to host") })
		first := make(chan error, 1)
		go func() {
			_, err := j.Do(context.Background(), branch, []Command{add("c1", "a")})
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := j.Do(ctx, branch, []Command{add("c2", "b")})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnclear) {
			t.Errorf("behind an unclear append: %v", err)
		}
		m.setFault(nil)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if n := count(t, m, "b"); n != 0 {
			t.Errorf("what was taken back was appended")
		}
	})
}

// forgetful keeps nothing but where the journal ends, and which commands there were.
type forgetful struct{ *memStore }

func (f forgetful) Commit(ctx context.Context, p *Page, v ViewWrites) error {
	for i := range v.Receipts {
		v.Receipts[i] = Receipt{Command: v.Receipts[i].Command, N: v.Receipts[i].N}
	}
	return f.Apply(ctx, p, ViewWrites{Receipts: v.Receipts})
}

func (forgetful) Records(_ context.Context, _ auth.BranchID, refs []DocRef) ([]Record, error) {
	return make([]Record, len(refs)), nil
}

// The write log keeps keys, not what was written.
func TestWhatIsAppendedIsNotKept(t *testing.T) {
	j := open(t, forgetful{newMemStore()})
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	const changes, size = 1000, 40_000
	for i := range changes {
		id := fmt.Sprint(i)
		body := json.RawMessage(`{"x":"` + strings.Repeat("y", size) + `"}`)
		do(t, j, draftOf(id, Draft{Docs: []Doc{{Type: "big", ID: id, State: body}}}))
	}
	if grew := int64(heap()-before) >> 20; grew > 8 {
		t.Errorf("%d changes of %d bytes leave %d MiB", changes, size, grew)
	}
	runtime.KeepAlive(j)
}

// J12: what was asked is known again, and not told: two entries of one payload say different things.
func TestPayloadsAreSaidWithASalt(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	asked := [32]byte{1, 2, 3}
	say := func(id string, payload [32]byte) Command {
		c := add(id, "a")
		c.Payload = payload
		return c
	}
	do(t, j, say("c1", asked), say("c2", asked), say("c3", [32]byte{}))
	es := m.entries(branch)
	if len(es[0].Said) != 48 || string(es[0].Said) == string(es[1].Said) || strings.Contains(string(es[0].Said),
		string(asked[:])) {
		t.Errorf("two entries of one payload say %x and %x", es[0].Said, es[1].Said)
	}
	if es[2].Said != nil {
		t.Errorf("without a payload: %x", es[2].Said)
	}
	for _, c := range []struct {
		id      string
		payload [32]byte
		same    bool
	}{{"c1", asked, true}, {"c1", [32]byte{}, false}, {"c1", [32]byte{1}, false}, {"c3", [32]byte{}, true}, {"c3", asked,
		false}} {
		out := do(t, j, say(c.id, c.payload))[0]
		if out.Duplicate != c.same || errors.Is(out.Err, ErrReused) == c.same {
			t.Errorf("%s with %x: %+v", c.id, c.payload[:3], out)
		}
	}
}

// A room may say for itself what was asked, and compare it.
func TestARoomSaysWhatWasAsked(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	ask := func(id, text string) Command {
		c := draftOf(id, Draft{Action: "x", Receipt: json.RawMessage(`"ok"`), Said: []byte("sealed:" + text)})
		c.Same = func(_ context.Context, said []byte) (bool, error) {
			if text == "broken" {
				return false, errors.New("the key is not there")
			}
			return string(said) == "sealed:"+text, nil
		}
		return c
	}
	do(t, j, ask("c1", "a"))
	if out := do(t, j, ask("c1", "a"))[0]; !out.Duplicate {
		t.Errorf("the same again: %+v", out)
	}
	if out := do(t, j, ask("c1", "b"))[0]; !errors.Is(out.Err, ErrReused) {
		t.Errorf("another under its id: %+v", out)
	}
	if out := do(t, j, ask("c2", "a"), ask("c2", "b")); out[0].Err != nil || !errors.Is(out[1].Err, ErrReused) {
		t.Errorf("both in one call: %+v", out)
	}
	if _, err := j.Do(context.Background(), branch, []Command{ask("c1", "broken")}); err == nil {
		t.Error("what cannot be compared was answered")
	}
	long := draftOf("c3", Draft{Action: "x", Said: make([]byte, MaxSaidBytes+1)})
	if out := do(t, j, long)[0]; out.Err == nil {
		t.Error("a decision says more than fits")
	}
}
