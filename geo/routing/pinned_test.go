package routing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// fingerprint solves a problem with a fixed seed and returns the first bytes of
// the hash of its result.
func fingerprint(t testing.TB, p Problem, iterations int) string {
	t.Helper()
	r, err := Solve(context.Background(), p, Options{Seed: 11, Iterations: iterations})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// requirePinnedArchitecture skips a test of pinned results on other processors:
// there the compiler may fuse floating-point operations, which changes the
// search's random choices.
func requirePinnedArchitecture(t testing.TB) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skipf("SKIPPED, NOT TESTED: results are pinned on amd64, this is %s", runtime.GOARCH)
	}
}

// changedDay is a day with what the other pinned days lack: a pinned stop, a
// slower hour, an earlier plan, balance and cost first.
func changedDay() Problem {
	p := cityDay(120, 4, 3)
	slow := make([]int32, len(p.Matrices[0].Durations))
	for i, d := range p.Matrices[0].Durations {
		slow[i] = d + d/2
	}
	p.Matrices[0].Hours = []Hour{{From: 16 * 3600, Durations: slow}}
	p.Objective = CostFirst
	p.Stability = Stability{Team: 600, Move: 300, Tolerance: 900}
	p.Balance = Balance{By: BalanceWork, Weight: 1800}
	for i := range p.Stops {
		p.Stops[i].Value = int64(p.Stops[i].Priority) * 60
		p.Stops[i].Earlier = &Earlier{Shift: i % 4, Start: 8*3600 + 300*i}
	}
	p.Stops[0].Windows = nil
	p.Shifts[1].Pinned = []Pin{{Stop: 0}}
	return p
}

// TestTheResultOfASeedIsPinned fails when a change alters the course of the
// search. A change that is meant to do so pins the new results.
func TestTheResultOfASeedIsPinned(t *testing.T) {
	requirePinnedArchitecture(t)
	for name, c := range map[string]struct {
		problem    Problem
		iterations int
		want       string
	}{
		"80 stops, breaks and skills":      {cityDay(80, 5, 1), 3000, "65a79e872094"},
		"120 stops, more work than time":   {cityDay(120, 3, 2), 3000, "f0234134ada0"},
		"120 stops, pins, hours and costs": {changedDay(), 3000, "daf4fcba07c1"},
	} {
		if got := fingerprint(t, c.problem, c.iterations); got != c.want {
			t.Errorf("%s: result %s, pinned %s", name, got, c.want)
		}
	}
}

func TestTheResultsOfKnownInstancesArePinned(t *testing.T) {
	requirePinnedArchitecture(t)
	for name, want := range map[string]string{"solomon/R104": "be3a2220584f", "solomon/RC205": "c120e1c23d08",
		"homberger/R1_2_2": "e2c68757f9da"} {
		path := filepath.Join(vrptwData, name+".txt")
		if _, err := os.Stat(path); err != nil {
			t.Skipf("SKIPPED, NOT TESTED: the instances are not there: %v", err)
		}
		if got := fingerprint(t, readVRPTW(t, path), 6000); got != want {
			t.Errorf("%s: result %s, pinned %s", name, got, want)
		}
	}
}
