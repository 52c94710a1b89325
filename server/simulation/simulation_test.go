package simulation

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this seed of TestSimulation only, and tell its steps")
	seedsFlag = flag.Int("seeds", 12, "how many seeds TestSimulation plays")
	firstFlag = flag.Uint64("first", 1, "the first of these seeds")
	stepsFlag = flag.Int("steps", 60, "how many steps each history has")
)

// TestSimulation plays random histories, one for each seed.
func TestSimulation(t *testing.T) {
	m := makeMorning(t)
	seeds := *seedsFlag
	first := *firstFlag
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
					t.Log(w.logged.String())
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
