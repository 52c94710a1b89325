package travel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"doorstep/geo"
	"doorstep/geo/extract"
)

// townRoad is a road of a random town.
type townRoad struct {
	a, b   rune
	home   bool // for residents only
	oneWay bool // from a to b
}

// randomTown is a grid of 25 crossings; a part of its roads is for residents only, mostly those around a few blocks,
// so that there are roads for all that only such roads lead to.
func randomTown(r *rand.Rand) []townRoad {
	var town []townRoad
	inner := map[rune]bool{}
	for range 2 + r.IntN(4) {
		inner['A'+rune(r.IntN(25))] = true
	}
	add := func(a, b rune) {
		if r.IntN(6) == 0 {
			return
		}
		road := townRoad{a: a, b: b, home: inner[a] != inner[b] && r.IntN(8) > 0 || r.IntN(10) == 0, oneWay: r.IntN(6) == 0}
		if r.IntN(2) == 0 {
			road.a, road.b = b, a
		}
		town = append(town, road)
	}
	for i := range rune(25) {
		if i%5 < 4 {
			add('A'+i, 'B'+i)
		}
		if i < 20 {
			add('A'+i, 'F'+i)
		}
	}
	return town
}

// townPaths is Dijkstra's algorithm by hand on a town: seconds from the middle of each road to the middle of each
// other, infinite where there is no way.
func townPaths(town []townRoad, seconds []float64) [][]float64 {
	type arc struct {
		road     int
		from, to rune
	}
	var arcs []arc
	for i, road := range town {
		arcs = append(arcs, arc{i, road.a, road.b})
		if !road.oneWay {
			arcs = append(arcs, arc{i, road.b, road.a})
		}
	}
	// reach tells which crossings lead to which by some roads.
	reach := func(use func(road int) bool) (r [25][25]bool) {
		for v := range r {
			r[v][v] = true
		}
		for _, a := range arcs {
			if use(a.road) {
				r[a.from-'A'][a.to-'A'] = true
			}
		}
		for k := range r {
			for i := range r {
				for j := range r {
					r[i][j] = r[i][j] || r[i][k] && r[k][j]
				}
			}
		}
		return r
	}
	all := reach(func(int) bool { return true })
	open := reach(func(i int) bool { return !town[i].home })
	// The largest set of crossings of a connected town that are joined by roads for all; ties by the way components are
	// numbered cannot be told here, so towns with ties are left out by the caller.
	size := func(v int) (n int) {
		for w := range 25 {
			if open[v][w] && open[w][v] {
				n++
			}
		}
		return n
	}
	inMain := func(v int) bool {
		for w := range 25 {
			if all[v][w] && all[w][v] && size(w) > size(v) {
				return false
			}
		}
		return true
	}
	area := make([]bool, len(town)) // roads that are, or lie behind, roads for residents
	for i, road := range town {
		a, b := int(road.a-'A'), int(road.b-'A')
		area[i] = road.home || all[a][b] && all[b][a] && !(inMain(a) && inMain(b))
	}
	out := make([][]float64, len(town))
	for from := range town {
		out[from] = make([]float64, len(town))
		for i := range out[from] {
			out[from][i] = math.Inf(1)
		}
		out[from][from] = 0
		// dist[phase][crossing]; phase 0 has not left the area of the start, 1 is on roads for all, 2 has entered the
		// area of the goal.
		var dist [3][25]float64
		for p := range dist {
			for v := range dist[p] {
				dist[p][v] = math.Inf(1)
			}
		}
		first := 1
		if area[from] {
			first = 0
		}
		for _, a := range arcs {
			if a.road == from {
				dist[first][a.to-'A'] = seconds[from] / 2
			}
		}
		next := func(phase, road int) int {
			switch {
			case !area[road] && phase < 2:
				return 1
			case !area[road]:
				return -1
			case phase == 0:
				return 0
			}
			return 2
		}
		for range 3 * 25 * 2 {
			for _, a := range arcs {
				for phase := range dist {
					if p := next(phase, a.road); p >= 0 {
						d := dist[phase][a.from-'A'] + seconds[a.road]
						dist[p][a.to-'A'] = min(dist[p][a.to-'A'], d)
					}
				}
			}
		}
		for _, a := range arcs {
			if a.road == from {
				continue
			}
			for phase := range dist {
				if next(phase, a.road) >= 0 {
					out[from][a.road] = min(out[from][a.road], dist[phase][a.from-'A']+seconds[a.road]/2)
				}
			}
		}
	}
	for i, a := range town { // whatever is joined in both directions can be reached
		for j, b := range town {
			u, v := int(a.a-'A'), int(b.a-'A')
			if all[u][v] && all[v][u] && all[u][int(a.b-'A')] && all[int(a.b-'A')][u] && all[v][int(b.b-'A')] &&
				all[int(b.b-'A')][v] && math.IsInf(out[i][j], 1) {
				panic(fmt.Sprintf("no way from %c%c to %c%c", a.a, a.b, b.a, b.b))
			}
		}
	}
	return out
}

// ties tells whether two parts of a town could be its main one.
func ties(town []townRoad) bool {
	// Towns are few enough to ask for the sizes of all parts.
	e := &edges{vertices: 25}
	for _, road := range town {
		cost := [2]weight{1, 1}
		if road.oneWay {
			cost[1] = noWay
		}
		e.ends = append(e.ends, [2]uint32{uint32(road.a - 'A'), uint32(road.b - 'A')})
		e.cost = append(e.cost, cost)
		e.home = append(e.home, road.home)
	}
	whole, _ := e.components(e.leaving())
	part, sizes := e.components(e.leavingBy(func(i uint32) bool { return !e.home[i] }))
	best := map[uint32]map[uint32]bool{} // by part of the whole: its largest public parts
	for v := range whole {
		parts := best[whole[v]]
		most := uint32(0)
		for p := range parts {
			most = sizes[p]
		}
		switch n := sizes[part[v]]; {
		case n > most:
			best[whole[v]] = map[uint32]bool{part[v]: true}
		case n == most:
			parts[part[v]] = true
		}
	}
	for _, parts := range best {
		if len(parts) > 1 {
			return true
		}
	}
	return false
}

// TestWaysIntoAndOutOfAreasForResidents compares random towns with Dijkstra's algorithm by hand: pairs inside an
// area, into it, out of it, across it and between two.
func TestWaysIntoAndOutOfAreasForResidents(t *testing.T) {
	const picture = "A B C D E\n\nF G H I J\n\nK L M N O\n\nP Q R S T\n\nU V W X Y"
	r := rand.New(rand.NewPCG(11, 5))
	towns, ways, inside := 0, 0, 0
	for towns < 60 {
		town := randomTown(r)
		if ties(town) {
			continue
		}
		towns++
		var lines []string
		for _, road := range town {
			line := fmt.Sprintf("road %c%c highway=residential", road.a, road.b)
			if road.home {
				line += " vehicle=destination"
			}
			if road.oneWay {
				line += " oneway=yes"
			}
			lines = append(lines, line)
		}
		s := draw(t, picture, lines...)
		net, err := readNetwork(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		g, _, err := net.graph(context.Background(), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		seconds := make([]float64, len(town))
		places := make([]place, len(town))
		for i, road := range town {
			a, b := s.at[road.a], s.at[road.b]
			seconds[i] = a.DistanceTo(b) * 3.6 / 16
			middle := geo.Point{Lon: (a.Lon + b.Lon) / 2, Lat: (a.Lat + b.Lat) / 2}
			places[i] = nearestPlace(g, middle)
		}
		want := townPaths(town, seconds)
		var mu sync.Mutex // rows come side by side
		err = g.costs(context.Background(), places, places, func(i int, costs []weight) {
			mu.Lock()
			defer mu.Unlock()
			for j, c := range costs {
				got := math.Inf(1)
				if c != noWay {
					got = float64(c.millis()) / 1000
					ways++
					if town[i].home || town[j].home {
						inside++
					}
				}
				if i != j && got != want[i][j] && math.Abs(got-want[i][j]) > 0.1 {
					t.Errorf("town %d: from %c%c to %c%c takes %.2f s, by hand %.2f\n%v", towns, town[i].a, town[i].b, town[j].a,
						town[j].b, got, want[i][j], lines)
				}
			}
		})
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
	t.Logf("%d ways, %d of them from or to a road for residents", ways, inside)
	if ways < 20_000 || inside < 5000 {
		t.Errorf("only %d ways, %d of them from or to a road for residents", ways, inside)
	}
}

// nearestPlace is the place of a point on the road it lies on, islands included.
func nearestPlace(g *graph, p geo.Point) place {
	best, square := place{off: true}, math.Inf(1)
	f := flatAbout(p)
	for i := range g.ends {
		if s, along := g.snapper.nearest(f, uint32(i)); s < square {
			best, square = place{edge: uint32(i), along: along}, s
		}
	}
	return best
}

// TestAreasForResidentsOnARealMap goes from the middle of the map to every road of an area for residents and back.
func TestAreasForResidentsOnARealMap(t *testing.T) {
	net, err := readNetwork(context.Background(), extract.File{Reader: extractOf(t, "porto_portugal.osm.pbf")})
	if err != nil {
		t.Fatal(err)
	}
	g, _, err := net.graph(context.Background(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	var places []place
	for i := range g.ends {
		if g.home[i] && !g.island[i] {
			places = append(places, place{edge: uint32(i), along: 0.5})
		}
	}
	middle := []place{g.snapper.snap(geo.Point{Lon: -8.611, Lat: 41.149})}
	lost := 0
	count := func(_ int, costs []weight) {
		for _, c := range costs {
			if c == noWay {
				lost++
			}
		}
	}
	if err := g.costs(context.Background(), middle, places, count); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d roads of areas for residents cannot be reached", lost, len(places))
	if lost > 4 { // turn restrictions forbid these
		t.Errorf("%d of %d roads of areas for residents cannot be reached", lost, len(places))
	}
}
