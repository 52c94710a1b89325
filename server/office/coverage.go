package office

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"doorstep/auth"
	"doorstep/geo"
)

// Coverage says how a branch's territories share out its open cases, where they
// lie over each other, and what they leave out. A case in several territories is
// the first one's by id, on a common border too; one that a supervisor placed
// stays where it was placed.
type Coverage struct {
	Territories []Load
	Overlaps    []Overlap
	Clusters    []Cluster // cases outside every territory
	Holes       []Hole    // ground that the territories go round
	Cases       int       // open
	Outside     int       // in no territory
	NoPosition  int       // without a home on the map
	OwnTeam     int       // given to a team by hand, whatever the territory
	Mean        float64   // expected minutes of a territory
	MaxOff      float64   // the largest deviation from it, as a share of it
}

// Load is a territory's share of the work.
type Load struct {
	ID, Name     string
	Cases        int
	Placed       int     // of them by a supervisor's hand
	Minutes      float64 // expected, all its open cases together
	Deviation    float64 // from the mean, as a share of it
	SquareMetres float64
	Compactness  float64
	Parts        int
	Gone         bool // the territory was removed; a supervisor placed the cases in it
}

// Overlap is what two territories have in common.
type Overlap struct {
	A, B         string
	SquareMetres float64
	Shape        geo.Shape // empty for the smallest of very many
	Cases        int       // open, in both; A has them
}

// Cluster is a group of open cases outside every territory, each less than
// 300 m from another.
type Cluster struct {
	Middle  geo.Point
	Radius  float64 // metres, from the middle to the farthest
	Cases   int
	Minutes float64
	Some    []string // up to ten of them
	Nearest string   // territory, "" when there is none
	Metres  float64  // to it
}

// Hole is ground inside the map that belongs to no territory.
type Hole struct {
	Shape        geo.Shape
	SquareMetres float64
	Cases        int
}

// Bounds of a report.
const (
	mostDrawn    = 200 // overlaps with their shape
	clusterReach = 300 // metres
	mostSome     = 10
	leastHole    = 1000 // square metres
)

// Coverage reports on a branch's map; work are its open cases.
func (s *Service) Coverage(ctx context.Context, b auth.BranchID, work []Work) (Coverage, error) {
	ts, err := s.Territories(ctx, b)
	if err != nil {
		return Coverage{}, err
	}
	index, err := s.Index(ctx, b)
	if err != nil {
		return Coverage{}, err
	}
	return coverageOf(ts, index, work)
}

// coverageOf reports on a map.
func coverageOf(ts []Territory, index *geo.Index, work []Work) (Coverage, error) {
	minutes := expected(work, heldBy(index, geo.Shape{}), len(ts), 0)
	c := Coverage{Cases: len(work)}
	var err error
	if c.Territories, err = loads(ts, index, work, minutes); err != nil {
		return Coverage{}, err
	}
	c.Mean, c.MaxOff = spreadOf(c.Territories)
	var outside []int
	held := map[[2]string]int{}
	for i, w := range work {
		switch {
		case w.Team != "":
			c.OwnTeam++
			continue
		case !w.HasHome:
			c.NoPosition++
			continue
		}
		all := index.All(w.Home.Lon, w.Home.Lat)
		for x := range all {
			for _, other := range all[x+1:] {
				held[[2]string{all[x], other}]++
			}
		}
		if len(all) == 0 && !w.Pinned {
			outside = append(outside, i)
		}
	}
	c.Outside = len(outside)
	if c.Overlaps, err = overlaps(ts, index, held); err != nil {
		return Coverage{}, err
	}
	c.Clusters = clusters(work, outside, index)
	c.Holes, err = holes(index, work)
	return c, err
}

// loads are the territories' shares, by id; territories that are gone but have cases come last.
func loads(ts []Territory, index *geo.Index, work []Work, minutes []float64) ([]Load, error) {
	var out []Load
	at := map[string]int{}
	for _, t := range ts {
		shape, err := t.Shape.Shape()
		if err != nil {
			return nil, fmt.Errorf("territory %s: %w", t.ID, err)
		}
		at[t.ID] = len(out)
		out = append(out, Load{ID: t.ID, Name: t.Name, SquareMetres: shape.Area(), Compactness: shape.Compactness(),
			Parts: shape.Parts()})
	}
	for i, w := range work {
		if w.Team != "" || !w.HasHome && !w.Pinned {
			continue
		}
		id := w.whose(index)
		if id == "" {
			continue
		}
		x, ok := at[id]
		if !ok {
			x = len(out)
			at[id] = x
			out = append(out, Load{ID: id, Gone: true})
		}
		out[x].Cases++
		out[x].Minutes += minutes[i]
		if w.Pinned {
			out[x].Placed++
		}
	}
	slices.SortStableFunc(out[len(ts):], func(a, b Load) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// spreadOf gives the mean work of the territories that are, and sets how far each is from it.
func spreadOf(loads []Load) (mean, most float64) {
	n := 0
	for _, l := range loads {
		if !l.Gone {
			mean += l.Minutes
			n++
		}
	}
	if mean == 0 {
		return 0, 0
	}
	mean /= float64(n)
	for i := range loads {
		if !loads[i].Gone {
			loads[i].Deviation = loads[i].Minutes/mean - 1
			most = max(most, math.Abs(loads[i].Deviation))
		}
	}
	return mean, most
}

func overlaps(ts []Territory, index *geo.Index, held map[[2]string]int) ([]Overlap, error) {
	var out []Overlap
	for _, o := range index.Overlaps() {
		out = append(out, Overlap{A: o.A, B: o.B, SquareMetres: o.SquareMetres, Cases: held[[2]string{o.A, o.B}]})
	}
	shapes := map[string]geo.ShapeE7{}
	for _, t := range ts {
		shapes[t.ID] = t.Shape
	}
	drawn := make([]int, len(out))
	for i := range drawn {
		drawn[i] = i
	}
	slices.SortStableFunc(drawn, func(i, j int) int { return cmp.Compare(out[j].SquareMetres, out[i].SquareMetres) })
	for _, i := range drawn[:min(len(drawn), mostDrawn)] {
		a, err := shapes[out[i].A].Shape()
		if err != nil {
			return nil, fmt.Errorf("territory %s: %w", out[i].A, err)
		}
		b, err := shapes[out[i].B].Shape()
		if err != nil {
			return nil, fmt.Errorf("territory %s: %w", out[i].B, err)
		}
		if out[i].Shape, err = geo.Common(a, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// clusters groups cases, each less than clusterReach from another of its group; the largest first.
func clusters(work []Work, outside []int, index *geo.Index) []Cluster {
	// Cells as wide as the reach: only neighbouring cells can be near.
	type cell struct{ x, y int }
	const perDegree = geo.EarthRadius * math.Pi / 180
	cellOf := func(p geo.Point) cell {
		y := int(math.Floor(p.Lat * perDegree / clusterReach))
		// A row's cells are as wide as the reach at the end nearer to the pole, at least.
		lat := min(89, max(math.Abs(float64(y-1)), math.Abs(float64(y+2)))*clusterReach/perDegree)
		return cell{int(math.Floor(p.Lon * perDegree * math.Cos(lat*math.Pi/180) / clusterReach)), y}
	}
	root := make([]int, len(outside))
	for i := range root {
		root[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if root[i] != i {
			root[i] = find(root[i])
		}
		return root[i]
	}
	cells := map[cell][]int{}
	for i, o := range outside {
		p := work[o].Home
		y := cellOf(p).y
		for dy := -1; dy <= 1; dy++ {
			// The neighbour row has cells of its own width.
			x := cellOf(geo.Point{Lon: p.Lon, Lat: (float64(y+dy) + 0.5) * clusterReach / perDegree}).x
			for dx := -1; dx <= 1; dx++ {
				for _, j := range cells[cell{x + dx, y + dy}] {
					if find(i) != find(j) && p.DistanceTo(work[outside[j]].Home) < clusterReach {
						root[find(i)] = find(j)
					}
				}
			}
		}
		cells[cellOf(p)] = append(cells[cellOf(p)], i)
	}
	groups := map[int][]int{}
	var order []int
	for i := range outside {
		r := find(i)
		if groups[r] == nil {
			order = append(order, r)
		}
		groups[r] = append(groups[r], outside[i])
	}
	var out []Cluster
	for _, r := range order {
		c := Cluster{Cases: len(groups[r])}
		own := make([]Work, len(groups[r]))
		for k, i := range groups[r] {
			own[k] = work[i]
		}
		minutes := atDoors(own, 1, usualSpeedKmh)
		for k, i := range groups[r] {
			c.Middle.Lon += work[i].Home.Lon / float64(c.Cases)
			c.Middle.Lat += work[i].Home.Lat / float64(c.Cases)
			c.Minutes += minutes[k]
			if len(c.Some) < mostSome {
				c.Some = append(c.Some, work[i].Case)
			}
		}
		for _, i := range groups[r] {
			c.Radius = max(c.Radius, c.Middle.DistanceTo(work[i].Home))
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Cluster) int { return cmp.Compare(b.Cases, a.Cases) })
	for i := range out {
		out[i].Nearest, out[i].Metres, _ = index.Nearest(out[i].Middle)
	}
	return out
}

// holes are the gaps inside the map, the largest first. Slivers between borders
// that were drawn by hand count only when people live there.
func holes(index *geo.Index, work []Work) ([]Hole, error) {
	union, err := index.Union()
	if err != nil {
		return nil, err
	}
	shapes, err := union.Holes()
	if err != nil {
		return nil, err
	}
	var out []Hole
	for _, s := range shapes {
		h := Hole{Shape: s, SquareMetres: s.Area()}
		bound := s.Bound()
		for _, w := range work {
			if w.mapped() && !w.Pinned && bound.Contains(w.Home.Orb()) && s.Contains(w.Home) && !union.Contains(w.Home) {
				h.Cases++
			}
		}
		if h.Cases > 0 || h.SquareMetres >= leastHole {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b Hole) int { return cmp.Compare(b.SquareMetres, a.SquareMetres) })
	return out, nil
}
