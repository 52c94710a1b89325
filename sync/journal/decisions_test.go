package journal

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// counted wraps commands so that the decisions about each are counted.
func counted(cmds []Command, meanwhile func(command string, times int)) map[string]int {
	times := map[string]int{}
	for i := range cmds {
		decide, id := cmds[i].Decide, cmds[i].ID
		cmds[i].Decide = func(ctx context.Context, r *Reader) (Draft, error) {
			d, err := decide(ctx, r)
			times[id]++
			meanwhile(id, times[id])
			return d, err
		}
	}
	return times
}

func TestOnlyWhatWasTouchedIsDecidedAgain(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	var cmds []Command
	for i := range 100 {
		cmds = append(cmds, add(fmt.Sprint("c", i), fmt.Sprint("a", i)))
	}
	times := counted(cmds, func(id string, times int) {
		if id == "c99" && times == 1 {
			do(t, j, add("x1", "a30"), add("x2", "a60"))
		}
	})
	out := do(t, j, cmds...)
	var last uint64
	for i, o := range out {
		want, n := 1, 1
		if i == 30 || i == 60 {
			want, n = 2, 2
		}
		id := fmt.Sprint("c", i)
		if o.Err != nil || o.N <= last || times[id] != want || count(t, m, fmt.Sprint("a", i)) != n {
			t.Errorf("command %d was decided %d times, counts %d: %+v", i, times[id], count(t, m, fmt.Sprint("a", i)), o)
		}
		last = o.N
	}
}

func TestWhatWasBuiltOnATouchedDecisionIsDecidedAgain(t *testing.T) {
	// gate writes the counter "a" as long as the counter "gate" is absent.
	gate := Command{ID: "gate", Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		_, shut, err := r.Doc(ctx, "counters", "gate")
		if _, _, e := r.Doc(ctx, "counters", "a"); err != nil || e != nil || shut {
			return Draft{}, err
		}
		d := Draft{Action: "open"}
		d.Put("counters", "a", state(counter{N: 10}))
		return d, nil
	}}
	m := newMemStore()
	j := open(t, m)
	cmds := []Command{add("before", "f"), gate, add("on a", "a"), add("alone", "b"), add("on a again", "a"),
		add("last", "c")}
	times := counted(cmds, func(id string, times int) {
		if id == "last" && times == 1 {
			do(t, j, add("x", "gate"))
		}
	})
	out := do(t, j, cmds...)
	if n := count(t, m, "a"); n != 2 {
		t.Errorf("the counter is at %d, want 2: what was built on the open gate must not stand", n)
	}
	if string(out[2].Receipt) != `{"n":1}` || string(out[4].Receipt) != `{"n":2}` {
		t.Errorf("receipts %s and %s", out[2].Receipt, out[4].Receipt)
	}
	want := map[string]int{"before": 1, "gate": 2, "on a": 2, "alone": 1, "on a again": 2, "last": 1}
	for id, n := range want {
		if times[id] != n {
			t.Errorf("%q was decided %d times, want %d", id, times[id], n)
		}
	}
	var order []uint64
	for _, o := range out {
		if o.N > 0 {
			order = append(order, o.N)
		}
	}
	if !slices.IsSorted(order) || len(order) != 5 {
		t.Errorf("appended at %v", order)
	}
}

func TestTheSameIDAgainIsDecidedWhenTheFirstIsNotAppended(t *testing.T) {
	once := func() Command {
		return Command{ID: "same", Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			_, shut, err := r.Doc(ctx, "counters", "gate")
			if err != nil || shut {
				return Draft{}, err
			}
			d := Draft{Action: "open", Receipt: state("open")}
			_, _, err = r.Doc(ctx, "counters", "a")
			d.Put("counters", "a", state(counter{N: 1}))
			return d, err
		}}
	}
	m := newMemStore()
	j := open(t, m)
	cmds := []Command{once(), add("other", "b"), once()}
	counted(cmds[1:2], func(_ string, times int) {
		if times == 1 {
			do(t, j, add("x", "gate"))
		}
	})
	out := do(t, j, cmds...)
	if out[0].Receipt != nil || out[2].Duplicate || out[2].Receipt != nil || count(t, m, "a") != 0 {
		t.Errorf("outcomes %+v and %+v, the counter is at %d", out[0], out[2], count(t, m, "a"))
	}
}
