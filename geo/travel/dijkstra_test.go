package travel

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"doorstep/geo/extract"
)

// plain is Dijkstra's algorithm on states and moves as they were expanded:
// neither ranks nor shortcuts nor anything else of the hierarchy.
type plain struct {
	g    *graph // for its edges
	s    *states
	out  [][]move
	into map[uint32][]move // by arc
}

func newPlain(g *graph, s *states) *plain {
	p := &plain{g: g, s: s, out: make([][]move, s.n), into: map[uint32][]move{}}
	for _, m := range s.moves {
		p.out[m.from] = append(p.out[m.from], m)
		p.into[m.arc] = append(p.into[m.arc], m)
	}
	return p
}

// from returns the cost of every state from a place.
func (p *plain) from(at place) []weight {
	dist := make([]weight, p.s.n)
	for i := range dist {
		dist[i] = noWay
	}
	var q queue
	reach := func(state uint32, cost weight) {
		if cost < dist[state] {
			dist[state] = cost
			q.push(entry{cost, state})
		}
	}
	for side, rest := range [2]float64{1 - at.along, at.along} {
		if cost := p.g.cost[at.edge][side]; cost != noWay {
			reach(p.s.depart[2*at.edge+uint32(side)], cost.share(rest))
		}
	}
	for len(q) > 0 {
		e := q.pop()
		if e.key > dist[e.state] {
			continue
		}
		for _, m := range p.out[e.state] {
			reach(m.to, e.key+weight(m.delay)<<32+p.g.arcCost(m.arc))
		}
	}
	return dist
}

func (p *plain) to(dist []weight, from, at place) weight {
	best := noWay
	for side, share := range [2]float64{at.along, 1 - at.along} {
		arc := 2*at.edge + uint32(side)
		cost := p.g.arcCost(arc)
		if cost == noWay {
			continue
		}
		if first := [2]float64{from.along, 1 - from.along}[side]; from.edge == at.edge && first <= share {
			best = min(best, cost.share(share-first))
		}
		for _, m := range p.into[arc] {
			if d := dist[m.from]; d != noWay {
				best = min(best, d+weight(m.delay)<<32+cost.share(share))
			}
		}
	}
	return best
}

// extractOf opens a shared extract; a fresh clone does without, and says so.
func extractOf(t testing.TB, name string) *os.File {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "osm", name)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("NOT TESTED on a real map: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func randomPlaces(r *rand.Rand, g *graph, n int) []place {
	places := make([]place, n)
	for i := range places {
		places[i] = place{edge: uint32(r.IntN(len(g.ends))), along: r.Float64()}
		switch r.IntN(8) {
		case 0:
			places[i].along = 0
		case 1:
			places[i].along = 1
		case 2, 3: // near another: on its edge or the next
			if i > 0 {
				places[i].edge = min(places[i-1].edge+uint32(r.IntN(2)), uint32(len(g.ends)-1))
			}
		}
	}
	return places
}

func TestCostsAreThoseOfPlainDijkstra(t *testing.T) {
	for _, name := range []string{"monaco.osm.pbf", "north-bayreuth.osm.pbf", "porto_portugal.osm.pbf"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "porto_portugal.osm.pbf" {
				t.Skip("the large map is left out of short tests")
			}
			net, err := readNetwork(context.Background(), extract.File{Reader: extractOf(t, name)})
			if err != nil {
				t.Fatal(err)
			}
			for m, mode := range Modes() {
				g, s, err := net.graph(context.Background(), m, nil)
				if err != nil {
					t.Fatal(err)
				}
				agree(t, mode, g, s, 40)
			}
		})
	}
}

// agree compares the hierarchy with plain Dijkstra on random places.
func agree(t *testing.T, mode Mode, g *graph, s *states, n int) {
	t.Helper()
	places := randomPlaces(rand.New(rand.NewPCG(7, uint64(n))), g, n)
	ways := agreeOn(t, mode, g, s, places)
	t.Logf("%s: %d states, %d moves, %d climbs; %d of %d pairs have a way", mode, s.n, len(s.moves),
		len(g.up.all)+len(g.down.all), ways, n*n)
	if ways < n*n/4 {
		t.Fatalf("%s: only %d of %d pairs have a way", mode, ways, n*n)
	}
}

// agreeOn compares all pairs of places, and returns how many have a way.
func agreeOn(t *testing.T, mode Mode, g *graph, s *states, places []place) int {
	t.Helper()
	got := make([][]weight, len(places))
	err := g.costs(context.Background(), places, places, func(i int, costs []weight) {
		got[i] = append([]weight(nil), costs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlain(g, s)
	search := newWaySearch(g)
	ways := 0
	for i, from := range places {
		if from.off {
			continue
		}
		dist := p.from(from)
		for j, to := range places {
			if to.off {
				continue
			}
			want := p.to(dist, from, to)
			if got[i][j] != want {
				t.Fatalf("%s: from %+v to %+v: %d ms, %d cm; plain Dijkstra finds %d ms, %d cm", mode, from, to,
					got[i][j].millis(), got[i][j].centimetres(), want.millis(), want.centimetres())
			}
			if want == noWay {
				continue
			}
			ways++
			// The line of the way is as long as the way is said to be.
			cost, line := search.between(from, to)
			if cost != want {
				t.Fatalf("%s: the way from %+v to %+v costs %d ms, want %d", mode, from, to, cost.millis(),
					want.millis())
			}
			length := 0.0
			for k := 1; k < len(line); k++ {
				length += line[k-1].Point().DistanceTo(line[k].Point())
			}
			if said := float64(want.centimetres()) / 100; math.Abs(length-said) > 1+said/500 {
				t.Fatalf("%s: the way from %+v to %+v is said to be %.1f m long and drawn %.1f m", mode, from, to, said,
					length)
			}
		}
	}
	return ways
}
