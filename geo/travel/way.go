package travel

import (
	"context"

	"doorstep/geo"
)

// Guide is a Source that can show the way, and not only say how long it takes.
type Guide interface {
	// Way returns the fastest way through points in their order. The error is
	// that of ctx, or a *refusal.Error.
	Way(ctx context.Context, mode Mode, points []geo.Point) (Way, error)
}

// Way is a line through points, to be drawn on a map.
type Way struct {
	// Line goes from the first point to the last, through all.
	Line []geo.Point
	// Legs are the parts from each point to the next.
	Legs []Leg
	// Source, Note and Guessed are as in Matrix.
	Source, Note string
	Guessed      bool
}

// Leg is the part of a Way from one point to the next.
type Leg struct {
	// Seconds and Metres are as in a Matrix: Never if there is no way, and
	// the line is straight then.
	Seconds, Metres int32
	// End is the index in Line of the point where the leg ends.
	End int
}

// WayOf asks source for the way if it is a Guide, and draws straight lines if not.
func WayOf(ctx context.Context, source Source, mode Mode, points []geo.Point) (Way, error) {
	if guide, ok := source.(Guide); ok {
		return guide.Way(ctx, mode, points)
	}
	return CrowFly{}.Way(ctx, mode, points)
}

// Way returns straight lines.
func (CrowFly) Way(_ context.Context, mode Mode, points []geo.Point) (Way, error) {
	if err := checkPoints(mode, points); err != nil {
		return Way{}, err
	}
	w := Way{Source: crowFlySource, Note: crowFlyNote}
	g, at := guessOf(mode), unitVectors(points)
	for i, p := range points {
		w.Line = append(w.Line, p)
		if i > 0 {
			seconds, metres := g.between(at[i-1], at[i])
			w.Legs = append(w.Legs, Leg{seconds, metres, i})
		}
	}
	return w, nil
}

// Way asks the source: ways are not remembered.
func (c *Cached) Way(ctx context.Context, mode Mode, points []geo.Point) (Way, error) {
	return WayOf(ctx, c.source, mode, points)
}

// Way returns the way by road. Where a point lies beside the road, the line
// goes straight to it.
func (r *Roads) Way(ctx context.Context, mode Mode, points []geo.Point) (Way, error) {
	if err := checkPoints(mode, points); err != nil {
		return Way{}, err
	}
	g, err := r.graph(mode)
	if err != nil {
		return Way{}, err
	}
	w := Way{Source: r.source()}
	places, _ := g.places(points)
	search := newWaySearch(g)
	for i, p := range points {
		if err := ctx.Err(); err != nil {
			return Way{}, err
		}
		if i > 0 {
			cost, line := search.between(places[i-1], places[i])
			if points[i-1] == p {
				cost = 0
			}
			for _, e := range line {
				w.Line = w.append(e.Point())
			}
			if cost == noWay {
				w.Note = "where there is no way the line is straight"
			}
			seconds, metres := cost.rounded()
			w.Line = w.append(p)
			w.Legs = append(w.Legs, Leg{seconds, metres, len(w.Line) - 1})
			continue
		}
		w.Line = append(w.Line, p)
	}
	return w, nil
}

// append adds a point unless the line is there already.
func (w *Way) append(p geo.Point) []geo.Point {
	if n := len(w.Line); n > 0 && w.Line[n-1].E7() == p.E7() {
		return w.Line
	}
	return append(w.Line, p)
}
