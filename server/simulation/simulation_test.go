package simulation

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this seed of TestSimulation only, and tell its steps")
	everyFlag = flag.Bool("every", false, "have TestEveryCrashPoint die at every write, not at every ninth")
	seedsFlag = flag.Int("seeds", 8, "how many seeds TestSimulation plays")
	firstFlag = flag.Uint64("first", 1, "the first of these seeds")
	traceFlag = flag.String("trace", "", "a file that gets every read and write of the last seed, in order")
	stepsFlag = flag.Int("steps", 40, "how many steps each history has")
)

// single has one goroutine run at a time: fewer schedules are left that the seed does not give.
func single(t *testing.T) {
	was := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(was) })
}

// TestSimulation plays random histories, one for each seed.
func TestSimulation(t *testing.T) {
	single(t)
	m := makeMorning(t)
	seeds := *seedsFlag
	first := *firstFlag
	if raced {
		seeds = min(seeds, 3)
	}
	if *seedFlag > 0 {
		seeds, first = 1, *seedFlag
	}
	sum := map[string]int{}
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			began := time.Now()
			w, failed := m.history(t, seed, *stepsFlag)
			for k, n := range w.tally {
				sum[k] += n
			}
			sum["reads"] += w.gate.reads
			sum["writes"] += w.gate.writes
			if failed != nil {
				if *seedFlag > 0 {
					t.Logf("%s\n%s", w.logged.String(), w.told())
				}
				t.Errorf("%s\n%s: %s\nagain: go test ./server/simulation -run TestSimulation -seed %d -steps %d",
					strings.Join(w.steps, "\n"), failed.invariant, failed.text, seed, *stepsFlag)
			} else if *seedFlag > 0 {
				t.Logf("%s\n%x", strings.Join(w.steps, "\n"), w.ops.Sum(nil))
			}
			t.Logf("seed %d: %s, %d writes", seed, time.Since(began).Round(time.Millisecond), w.gate.writes)
		})
	}
	for _, k := range slices.Sorted(maps.Keys(sum)) {
		t.Logf("%8d %s", sum[k], k)
	}
}

// told is what the journals say: entries, their actions and the documents they write.
func (w *world) told() string {
	var b strings.Builder
	for _, branch := range slices.Sorted(maps.Keys(w.oracle.branches)) {
		for _, e := range w.oracle.branches[branch].entries {
			fmt.Fprintf(&b, "%s %d.%d %s %s:", branch, e.n, e.part, e.action, e.command)
			for _, d := range e.docs {
				fmt.Fprintf(&b, " %s/%s@%d", d.Type, d.ID, d.Rev)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
