package routing

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Measurements on the standard instances: go test -run Measure -measure 'C1_2*' -cpu-time 10s;
// scripts/bench-routing makes the whole table.
var (
	measure = flag.String("measure", "",
		"instances to measure: paths, or patterns of names; for the days of the field their names, or all")
	seed     = flag.Uint64("seed", 0, "seed of the search")
	steps    = flag.Int("steps", 0, "steps for each, instead of processor time")
	bestFile = flag.String("best", vrptwData+"/bks.csv", "table of the best known")
	cpuTime  = flag.Duration("cpu-time", time.Second, "processor time for each")
)

const vrptwData = "../../../shared/data/vrptw"

// cpuClock tells the processor time of the process from now on.
func cpuClock() func() time.Duration {
	now := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begun := now()
	return func() time.Duration { return now() - begun }
}

// readVRPTW reads an instance under the DIMACS convention: Euclidean, cut off
// after one decimal, here in tenths.
func readVRPTW(t testing.TB, path string) Problem {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]int
	vehicles, capacity := 0, 0
	for _, line := range strings.Split(string(text), "\n") {
		var row []int
		for _, f := range strings.Fields(line) {
			x, err := strconv.ParseFloat(f, 64)
			if err != nil {
				row = nil
				break
			}
			row = append(row, int(x))
		}
		switch len(row) {
		case 2:
			vehicles, capacity = row[0], row[1]
		case 7:
			rows = append(rows, row)
		}
	}
	n := len(rows)
	m := Matrix{Places: n, Durations: make([]int32, n*n)}
	for a, p := range rows {
		for b, q := range rows {
			m.Durations[a*n+b] = int32(10 * math.Hypot(float64(p[1]-q[1]), float64(p[2]-q[2])))
		}
	}
	p := Problem{Matrices: []Matrix{m}}
	for i, r := range rows[1:] {
		p.Stops = append(p.Stops, Stop{Place: i + 1, Load: r[3], Windows: []Window{{10 * r[4], 10 * r[5]}},
			Service: 10 * r[6]})
	}
	for range vehicles {
		p.Shifts = append(p.Shifts, Shift{Window: Window{10 * rows[0][4], 10 * rows[0][5]}, Capacity: capacity})
	}
	return p
}

func bestKnown(t testing.TB, file string) map[string]float64 {
	f, err := os.Open(file)
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the instances are not there: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	best := map[string]float64{}
	for _, r := range rows[1:] {
		x, err := strconv.ParseFloat(r[4], 64)
		if r[2] == "dimacs" && err == nil {
			if b, known := best[r[0]]; !known || x < b {
				best[r[0]] = x
			}
		}
	}
	return best
}

// megabytes is the most memory the process has had.
func megabytes() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Maxrss) / 1024
}

// gap solves an instance and returns by how many percent it is above the best
// known.
func gap(t testing.TB, path string, best map[string]float64, budget time.Duration) float64 {
	p := readVRPTW(t, path)
	o := Options{Seed: *seed, clock: cpuClock(), budget: budget}
	if *steps > 0 {
		o = Options{Seed: *seed, Iterations: *steps}
	}
	clock := cpuClock()
	r, err := Solve(context.Background(), p, o)
	took := clock()
	if err != nil {
		t.Fatal(err)
	}
	if bad := check(p, r); len(bad) > 0 || len(r.LeftOut) > 0 {
		t.Fatalf("%s: %+v, %d left out", path, bad, len(r.LeftOut))
	}
	name := strings.TrimSuffix(filepath.Base(path), ".txt")
	g := (float64(r.Total.Travel)/10/best[name] - 1) * 100
	if testing.Verbose() {
		fmt.Printf("row %-9s %5d stops %8.2f s %10.1f best %10.1f gap %7.3f %% %4d routes %9d steps %5.0f MB\n", name,
			len(p.Stops),
			took.Seconds(), float64(r.Total.Travel)/10, best[name], g, len(r.Routes), r.Iterations, megabytes())
	}
	return g
}

func TestKnownInstancesStayClose(t *testing.T) {
	best := bestKnown(t, filepath.Join(vrptwData, "bks.csv"))
	for name, limit := range map[string]float64{"solomon/C103": 1, "solomon/R104": 5, "solomon/RC205": 5,
		"homberger/R1_2_2": 6} {
		if g := gap(t, filepath.Join(vrptwData, name+".txt"), best, time.Second); g > limit || g < -1e-9 {
			t.Errorf("%s: %.2f %% above the best known, at most %.0f", name, g, limit)
		}
	}
}

func TestMeasure(t *testing.T) {
	if *measure == "" {
		t.Skip("only with -measure")
	}
	best := bestKnown(t, *bestFile)
	sum, n := 0.0, 0
	for _, pattern := range strings.Split(*measure, ",") {
		if !strings.HasSuffix(pattern, ".txt") {
			pattern = filepath.Join(vrptwData, "*", pattern+".txt")
		}
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			sum += gap(t, path, best, *cpuTime)
			n++
		}
	}
	if n > 0 {
		t.Logf("mean gap %.3f %% over %d instances, %v each", sum/float64(n), n, *cpuTime)
	}
}
