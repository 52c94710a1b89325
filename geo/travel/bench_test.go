package travel

import (
	"context"
	"math/rand/v2"
	"testing"
)

func benchGraph(b *testing.B, m int) *graph {
	net, err := readNetwork(context.Background(), pbf{file: extractOf(b, "porto_portugal.osm.pbf")})
	if err != nil {
		b.Fatal(err)
	}
	g, s, err := net.graph(context.Background(), m, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s: %d states, %d moves, %d+%d climbs", Modes()[m], s.n, len(s.moves), len(g.up.all), len(g.down.all))
	return g
}

func BenchmarkTable(b *testing.B) {
	for m, mode := range Modes() {
		if m == 1 || m == 2 {
			continue
		}
		g := benchGraph(b, m)
		r := rand.New(rand.NewPCG(1, 2))
		places := make([]place, 500)
		for i := range places {
			places[i] = place{edge: uint32(r.IntN(len(g.ends))), along: r.Float64()}
		}
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				g.costs(context.Background(), places, places, func(int, []weight) {})
			}
		})
		b.Run(string(mode)+"/climbs", func(b *testing.B) {
			s := newSearcher(g.n)
			n, k := 0, 0
			for b.Loop() {
				for _, p := range places {
					s.seeds = g.departures(p, s.seeds[:0])
					s.climb(&g.up, &g.down, s.seeds)
					n += len(s.reached)
					k++
				}
			}
			b.ReportMetric(float64(n)/float64(k), "reached/climb")
		})
	}
}
