package travel

import (
	"context"
	"math"

	"doorstep/geo"
)

// CrowFly guesses from coordinates alone: the great-circle distance times a
// detour factor, at a steady speed. It needs no map and always answers.
//
// The factors are of the size found for cities. Roads: 1.42 on average over
// the United States in F. P. Boscoe, K. A. Henry and M. S. Zdeb, "A Nationwide
// Comparison of Driving Distance Versus Straight-Line Distance to Hospitals",
// The Professional Geographer 64 (2012); between towns and by country from 1.1
// to 2.1, mostly 1.2 to 1.5, in R. H. Ballou, H. Rahardja and N. Sakai,
// "Selected country circuity factors for road travel distance estimation",
// Transportation Research Part A 36 (2002). Paths on foot and by bicycle are
// straighter, for they know fewer one-way streets and more short cuts. Single
// trips scatter widely about the mean: a river between two doors is not seen.
//
// The speeds are those of a city, with crossings, traffic and lights.
type CrowFly struct{}

// guess is how one mode departs from the straight line.
type guess struct {
	detour float64 // way over straight line
	kmh    float64
}

func guessOf(mode Mode) guess {
	switch mode {
	case Foot:
		return guess{1.3, 4.8}
	case Bicycle:
		return guess{1.3, 14}
	case Scooter:
		return guess{1.4, 25}
	}
	return guess{1.4, 25}
}

const (
	crowFlySource = "crow-fly"
	crowFlyNote   = "guessed from straight lines, not from roads"
)

// Matrix returns guesses; every pair is the same both ways.
func (c CrowFly) Matrix(ctx context.Context, mode Mode, points []geo.Point) (Matrix, error) {
	if err := checkPoints(mode, points); err != nil {
		return Matrix{}, err
	}
	g, n := guessOf(mode), len(points)
	t := newTable(n, n, crowFlySource)
	t.Note = crowFlyNote
	at := unitVectors(points)
	for i := range at {
		if err := ctx.Err(); err != nil {
			return Matrix{}, err
		}
		row := i * n
		for j := i + 1; j < n; j++ {
			seconds, metres := g.between(at[i], at[j])
			t.Durations[row+j], t.Distances[row+j] = seconds, metres
			t.Durations[j*n+i], t.Distances[j*n+i] = seconds, metres
		}
	}
	return t.square(mode), nil
}

// Table returns guesses.
func (c CrowFly) Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	if err := checkPoints(mode, from, to); err != nil {
		return Table{}, err
	}
	g := guessOf(mode)
	t := newTable(len(from), len(to), crowFlySource)
	t.Note = crowFlyNote
	starts, ends := unitVectors(from), unitVectors(to)
	for i := range starts {
		if err := ctx.Err(); err != nil {
			return Table{}, err
		}
		row := i * len(to)
		for j := range ends {
			t.Durations[row+j], t.Distances[row+j] = g.between(starts[i], ends[j])
		}
	}
	return t, nil
}

// unit is a direction from the middle of the Earth.
type unit [3]float64

func unitVectors(points []geo.Point) []unit {
	units := make([]unit, len(points))
	for i, p := range points {
		lon, lat := p.Lon*math.Pi/180, p.Lat*math.Pi/180
		units[i] = unit{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	return units
}

func (g guess) between(a, b unit) (seconds, metres int32) {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	half := math.Sqrt(x*x+y*y+z*z) / 2
	angle := half
	if half < 0.02 { // 250 km: four terms are exact to a millimetre
		s := half * half
		angle *= 1 + s*(1.0/6+s*(3.0/40+s*(15.0/336)))
	} else {
		angle = math.Asin(min(1, half))
	}
	way := 2 * geo.EarthRadius * angle * g.detour
	return int32(min(way/g.kmh*3.6+0.5, float64(Never)-1)), int32(way + 0.5)
}
