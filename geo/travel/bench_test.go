package travel

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"doorstep/geo"
)

// The benchmarks are of one extract: DOORSTEP_BENCH_EXTRACT, or the shared
// one of Porto. scripts/bench-roads runs them one process each, so that the
// memory is theirs. cpu-ms/op is the time of all cores.

func benchExtract(b *testing.B) string {
	if path := os.Getenv("DOORSTEP_BENCH_EXTRACT"); path != "" {
		return path
	}
	return extractOf(b, "porto_portugal.osm.pbf").Name()
}

// benchRoads prepares the extract for one mode, or opens what a former benchmark prepared.
func benchRoads(b *testing.B, mode Mode) *Roads {
	path := filepath.Join(os.TempDir(), "doorstep-bench-"+filepath.Base(benchExtract(b))+"-"+string(mode)+".roads")
	if roads, err := OpenRoads(path); err == nil {
		return roads
	}
	roads, err := PrepareRoads(context.Background(), benchExtract(b), []Mode{mode}, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := roads.Save(path); err != nil {
		b.Fatal(err)
	}
	return roads
}

// benchPoints are some metres beside random roads.
func benchPoints(g *graph, n int) []geo.Point {
	r := rand.New(rand.NewPCG(1, 2))
	points := make([]geo.Point, 0, n)
	for len(points) < n {
		edge := uint32(r.IntN(len(g.cost)))
		if !g.island[edge] {
			points = append(points, beside(g.line(edge)[0].Point(), r.Float64()*20, r.Float64()*20))
		}
	}
	return points
}

func measure(b *testing.B, work func()) {
	runtime.GC()
	before := cpuTime()
	for b.Loop() {
		work()
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(peakMB(), "peak-MB")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMB is the most memory the process has held (Linux; 0 elsewhere).
func peakMB() float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	kB := 0.0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			fmt.Sscanf(strings.TrimSpace(rest), "%f", &kB)
		}
	}
	return kB / 1024
}

func BenchmarkPrepare(b *testing.B) {
	for name, modes := range map[string][]Mode{"foot": {Foot}, "bicycle": {Bicycle}, "scooter": {Scooter}, "car": {Car},
		"all": Modes()} {
		b.Run(name, func(b *testing.B) {
			measure(b, func() {
				if _, err := PrepareRoads(context.Background(), benchExtract(b), modes, nil); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "all.roads")
	roads, err := PrepareRoads(context.Background(), benchExtract(b), Modes(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := roads.Save(path); err != nil {
		b.Fatal(err)
	}
	about, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	measure(b, func() {
		if _, err := OpenRoads(path); err != nil {
			b.Fatal(err)
		}
	})
	b.ReportMetric(float64(about.Size())/(1<<20), "file-MB")
}

func BenchmarkMatrix(b *testing.B) {
	for _, mode := range Modes() {
		for _, n := range []int{2, 500, 1500} {
			b.Run(fmt.Sprintf("%s/%dx%d", mode, n, n), func(b *testing.B) {
				roads := benchRoads(b, mode)
				g, err := roads.graph(mode)
				if err != nil {
					b.Fatal(err)
				}
				points := benchPoints(g, n)
				measure(b, func() {
					if _, err := roads.Matrix(context.Background(), mode, points); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}

func BenchmarkWay(b *testing.B) {
	roads := benchRoads(b, Car)
	g, err := roads.graph(Car)
	if err != nil {
		b.Fatal(err)
	}
	points := benchPoints(g, 26)
	measure(b, func() {
		if _, err := roads.Way(context.Background(), Car, points); err != nil {
			b.Fatal(err)
		}
	})
}
