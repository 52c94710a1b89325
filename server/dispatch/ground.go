package dispatch

import (
	"context"
	"fmt"
	"time"

	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/geo/travel"
)

// ground collects the places and ways of moving of a routing problem, and has the travel times measured.
type ground struct {
	place  map[geo.E7]int
	points []geo.Point
	matrix map[travel.Mode]int
	modes  []travel.Mode
}

func newGround() *ground {
	return &ground{place: map[geo.E7]int{}, matrix: map[travel.Mode]int{}}
}

// at is the index of a place in the matrices.
func (g *ground) at(p geo.Point) int {
	k := p.E7()
	i, ok := g.place[k]
	if !ok {
		i = len(g.points)
		g.place[k] = i
		g.points = append(g.points, k.Point())
	}
	return i
}

// shift is a crew's day as the routing problem takes it.
func (g *ground) shift(c *crew, origin time.Time) routing.Shift {
	m, ok := g.matrix[c.mode]
	if !ok {
		m = len(g.modes)
		g.matrix[c.mode] = m
		g.modes = append(g.modes, c.mode)
	}
	sh := routing.Shift{ID: c.team.ID, Matrix: m, Start: routing.NoPlace, End: routing.NoPlace, MaxStops: c.maxDoors,
		Crew:   len(c.agents),
		Window: routing.Window{From: since(origin, c.from), To: since(origin, c.to)}, Rates: routing.Rates{TravelHour: 3600,
			WaitHour: 360}, Breaks: c.breaks}
	if c.start != nil {
		sh.Start = g.at(*c.start)
	}
	if c.team.End != nil {
		sh.End = g.at(c.team.End.Point())
	}
	return sh
}

// matrices measures the travel times between all places, a matrix for each way of moving.
func (g *ground) matrices(ctx context.Context, source travel.Source) (ms []routing.Matrix, from []travel.Matrix,
	err error) {
	for _, mode := range g.modes {
		m, err := source.Matrix(ctx, mode, g.points)
		if err != nil {
			return nil, nil, fmt.Errorf("travel times by %s: %w", mode, err)
		}
		from = append(from, m)
		ms = append(ms, routing.Matrix{Name: string(mode), Places: m.N, Durations: m.Durations, Distances: m.Distances})
	}
	return ms, from, nil
}

// routed are windows as the routing problem takes them: those of the law are
// half-open, those of the problem are not.
func routed(ws []Window, origin time.Time) (out []routing.Window) {
	for _, w := range ws {
		out = append(out, routing.Window{From: since(origin, w.From), To: since(origin, w.To) - 1})
	}
	return out
}
