package division

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"doorstep/auth/refusal"
	"doorstep/geo"
)

// Limits of a Problem.
const (
	MaxParts = 100       // territories proposed
	MaxBids  = 1_000_000 // places times territories: what bounds time (half a minute or so) and memory (20 MB)
)

// Tolerance is the share of the mean by which a territory's work may miss it
// without counting against a division.
const Tolerance = 0.05

// Door is a place with work.
type Door struct {
	At      geo.Point
	Minutes float64 // above 0
}

// Territory is a present territory.
type Territory struct {
	Shape geo.Shape
	// Fixed is the work, in minutes, that stays with it whatever its border is.
	Fixed float64
}

// Problem is what to divide.
type Problem struct {
	// Area is the area to divide; if it is empty, the union of the present territories.
	Area geo.Shape
	// Present are the territories to divide again. Where they overlap, the first counts.
	Present []Territory
	// Doors are the places with work. Those outside the area are ignored.
	Doors []Door
	// Parts is the wanted number of territories.
	Parts int
	// Seed decides between equals: the same problem and seed give the same division.
	Seed uint64
	// Anew ignores the present borders.
	Anew bool
}

// Part is a proposed territory.
type Part struct {
	// Present is the index of the territory it continues, -1 for a new one.
	Present int
	Shape   geo.Shape
	// Kept says that its area is that of its present territory.
	Kept bool
}

// Codes of the refusals of this package.
const (
	CodeParts = "division.parts" // fewer than one part, more than MaxParts, or more than doors
	CodeDoors = "division.doors" // no door in the area
	CodeLarge = "division.large" // more than MaxBids
	CodeArea  = "division.area"  // no area
	CodeShape = "division.shape" // the area cannot be cut so
)

func refuse(code, format string, args ...any) error {
	return refusal.New(refusal.Invalid, code, "", format, args...)
}

// door is a Door on the plane.
type door struct {
	x, y    float64 // metres
	minutes float64
	owner   int // present territory, -1: none
}

// solver is a Problem on the plane.
type solver struct {
	Problem
	owners *geo.Index // the present territories by place in the list
	plane  plane
	doors  []door
	size   float64 // metres: the width of a square as large as a mean territory
}

// plane maps degrees to metres, straight lines to straight lines.
type plane struct{ lon, lat, east, north float64 }

func planeAt(p geo.Point) plane {
	const perDegree = geo.EarthRadius * math.Pi / 180
	return plane{p.Lon, p.Lat, perDegree * math.Cos(p.Lat*math.Pi/180), perDegree}
}

func (p plane) of(g geo.Point) (x, y float64) {
	return (g.Lon - p.lon) * p.east, (g.Lat - p.lat) * p.north
}

func (p plane) point(x, y float64) geo.Point {
	return geo.Point{Lon: p.lon + x/p.east, Lat: p.lat + y/p.north}
}

// site is the site of a cell.
type site struct {
	x, y   float64
	parent int     // the present territory it comes from, -1: none
	goal   float64 // minutes
}

// proposal is one division that was computed.
type proposal struct {
	parts  []Part
	moved  float64 // share of the work that changes its territory
	off    float64 // the largest deviation, as a share of the mean
	shape  float64 // mean compactness
	pieces int     // parts beyond one each
}

// judge gives the cost of a proposal; the least wins. Work off by more than the
// tolerance and territories torn apart count most. Work in new hands must buy
// twice as much compactness: a twentieth of it for a tenth more (our own value).
func (p proposal) judge() float64 {
	return 2*p.moved + (1 - p.shape) + 10*max(0, p.off-Tolerance) + 0.25*float64(p.pieces)
}

// Divide proposes a division. The error is a *refusal.Error, for shapes that cannot be put
// on the grid among others, or the context's.
func Divide(ctx context.Context, p Problem) ([]Part, error) {
	s, err := newSolver(p)
	if err != nil {
		return nil, err
	}
	var best *proposal
	var last error
	for _, t := range s.tries() {
		got, err := s.try(ctx, s.sites(t), t)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			last = err
			continue
		}
		if best == nil || got.judge() < best.judge() {
			best = got
		}
	}
	if best == nil {
		return nil, last
	}
	return best.parts, nil
}

// attempt is a set of parameters of a division.
type attempt struct {
	anew  bool    // choose sites without regard to the present territories
	draw  uint64  // number of the random draw of such sites
	rolls int     // number of times that sites move to the middle of their doors
	toll  float64 // square metres for a door that changes hands
}

// tries are the attempts that Divide makes. Tolls are in units of the squared width of a
// territory.
func (s *solver) tries() []attempt {
	if len(s.Present) == 0 || s.Anew {
		return []attempt{{anew: true, draw: 1, rolls: 40}, {anew: true, draw: 2, rolls: 40},
			{anew: true, draw: 3, rolls: 40}}
	}
	var out []attempt
	for _, toll := range []float64{1.5, 0.5, 0.15, 0.05, 0} {
		out = append(out, attempt{toll: toll * s.size * s.size})
	}
	return append(out, attempt{toll: 0.05 * s.size * s.size, rolls: 3})
}

func newSolver(p Problem) (*solver, error) {
	s := &solver{Problem: p}
	switch {
	case p.Parts < 1 || p.Parts > MaxParts:
		return nil, refuse(CodeParts, "an area is divided into 1 to %d territories", MaxParts)
	case len(p.Doors)*p.Parts > MaxBids:
		return nil, refuse(CodeLarge, "%d places are too many for %d territories at once: divide some of the "+
			"territories at a time", len(p.Doors), p.Parts)
	}
	var areas []geo.Area
	grounds := []geo.Shape{p.Area}
	if p.Area.Empty() {
		grounds = nil
	}
	for i, t := range p.Present {
		areas = append(areas, geo.Area{ID: fmt.Sprintf("%06d", i), Shape: t.Shape})
		if p.Area.Empty() && !t.Shape.Empty() {
			grounds = append(grounds, t.Shape)
		}
	}
	if len(grounds) == 0 {
		return nil, refuse(CodeArea, "there is no area to divide")
	}
	var err error
	if s.owners, err = geo.NewIndex(areas); err != nil {
		return nil, err
	}
	var total float64
	bound := grounds[0].Bound()
	for _, g := range grounds {
		bound = bound.Union(g.Bound())
		total += g.Area()
	}
	s.plane = planeAt(geo.FromOrb(bound.Center()))
	s.size = math.Sqrt(total / float64(p.Parts))
	for _, d := range p.Doors {
		owner, in := s.ground(d.At)
		if !in || !(d.Minutes > 0) {
			continue
		}
		x, y := s.plane.of(d.At)
		s.doors = append(s.doors, door{x: x, y: y, minutes: d.Minutes, owner: owner})
	}
	switch {
	case len(s.doors) == 0:
		return nil, refuse(CodeDoors, "no case lies in the area")
	case len(s.doors) < p.Parts:
		return nil, refuse(CodeParts, "%d places cannot be divided into %d territories: each needs one", len(s.doors),
			p.Parts)
	}
	return s, nil
}

// ground reports whether a point is in the area, and returns its present territory, -1 for
// none.
func (s *solver) ground(p geo.Point) (owner int, in bool) {
	owner, found := at(s.owners, p)
	if s.Area.Empty() {
		return owner, found
	}
	return owner, s.Area.Contains(p)
}

// at finds a point in an index whose ids are numbers.
func at(x *geo.Index, p geo.Point) (int, bool) {
	id, ok := x.Find(p.Lon, p.Lat)
	if !ok {
		return -1, false
	}
	i, err := strconv.Atoi(id)
	if err != nil {
		return -1, false // our own ids are numbers
	}
	return i, true
}

// try divides with given sites and measures the result.
func (s *solver) try(ctx context.Context, sites []site, t attempt) (*proposal, error) {
	weights, err := s.balance(ctx, sites, t.toll, nil)
	if err != nil {
		return nil, err
	}
	for range t.rolls {
		if !s.roll(sites, weights, t.toll) {
			break
		}
		if weights, err = s.balance(ctx, sites, t.toll, weights); err != nil {
			return nil, err
		}
	}
	return s.draw(sites, weights, t)
}

// draw returns the territories of sites and weights.
func (s *solver) draw(sites []site, weights []float64, t attempt) (*proposal, error) {
	shapes, err := s.cells(sites, weights, t.toll)
	if err != nil {
		return nil, err
	}
	heirs := s.heirs(sites, weights, t)
	out := &proposal{}
	var work []float64
	var areas []geo.Area
	for i := range sites {
		shape, ok := shapes[i]
		if !ok {
			return nil, refuse(CodeShape, "a territory would have no ground: ask for fewer")
		}
		part := Part{Present: heirs[i], Shape: shape}
		fixed := 0.0
		if part.Present >= 0 {
			was := s.Present[part.Present]
			fixed = was.Fixed
			part.Kept = s.same(was.Shape, shape)
		}
		out.parts = append(out.parts, part)
		out.shape += shape.Compactness() / float64(len(sites))
		out.pieces += shape.Parts() - 1
		work = append(work, fixed)
		areas = append(areas, geo.Area{ID: fmt.Sprintf("%06d", i), Shape: shape})
	}
	s.keepRings(out.parts)
	index, err := geo.NewIndex(areas)
	if err != nil {
		return nil, err
	}
	var total, moved float64
	for _, d := range s.doors {
		i, ok := at(index, s.plane.point(d.x, d.y))
		if !ok {
			i = s.nearest(sites, weights, t.toll, &d) // within a centimetre of the outer border
		}
		work[i] += d.minutes
		total += d.minutes
		if d.owner >= 0 && d.owner != heirs[i] {
			moved += d.minutes
		}
	}
	out.moved = moved / total
	mean := 0.0
	for _, w := range work {
		mean += w / float64(len(work))
	}
	for _, w := range work {
		out.off = max(out.off, math.Abs(w-mean)/mean)
	}
	return out, nil
}

// same reports whether two shapes differ only by the rounding of their borders.
func (s *solver) same(a, b geo.Shape) bool {
	slack := 2 + 0.02*a.Perimeter()
	common := a.OverlapArea(b)
	return math.Abs(a.Area()-common) < slack && math.Abs(b.Area()-common) < slack
}

// keepRings gives parts that kept their ground their very border back, unless
// that lies over a neighbour's or leaves a gap, by more than a square metre: where
// a neighbour's new border meets a long one, it needs a corner more.
func (s *solver) keepRings(parts []Part) {
	for i, p := range parts {
		if !p.Kept {
			continue
		}
		old := s.Present[p.Present].Shape
		fits := p.Shape.Area()-old.OverlapArea(p.Shape) <= 1
		for j, q := range parts {
			fits = fits && (j == i || old.OverlapArea(q.Shape) <= 1)
		}
		if fits {
			parts[i].Shape = old
		}
	}
}

// heirs says which present territory each site continues: of those not yet
// given, the one with which it shares most work.
func (s *solver) heirs(sites []site, weights []float64, t attempt) []int {
	out := make([]int, len(sites))
	for i := range out {
		out[i] = -1
	}
	if len(s.Present) == 0 {
		return out
	}
	// Work by present territory and site.
	shared := make([][]float64, len(s.Present))
	for i := range shared {
		shared[i] = make([]float64, len(sites))
	}
	for _, d := range s.doors {
		if d.owner >= 0 {
			shared[d.owner][s.nearest(sites, weights, t.toll, &d)] += d.minutes
		}
	}
	// The largest share first; each side once.
	for {
		best, from, to := -1.0, -1, -1
		for i := range shared {
			if slices.Contains(out, i) {
				continue
			}
			for j, w := range shared[i] {
				if out[j] < 0 && w > best {
					best, from, to = w, i, j
				}
			}
		}
		if from < 0 {
			return out
		}
		out[to] = from
	}
}

// random returns a generator of random numbers for one purpose.
func (s *solver) random(purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(s.Seed, purpose)) }
