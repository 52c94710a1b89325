package travel

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"doorstep/geo"
)

// counting is a source that notes what it is asked.
type counting struct {
	CrowFly
	asked []string
	pairs int
}

func (c *counting) Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	c.asked = append(c.asked, fmt.Sprintf("%dx%d", len(from), len(to)))
	c.pairs += len(from) * len(to)
	return c.CrowFly.Table(ctx, mode, from, to)
}

func TestOneChangedStopCostsOneRowAndOneColumn(t *testing.T) {
	source := &counting{}
	c := NewCached(source, 0)
	r := rand.New(rand.NewPCG(1, 1))
	points := make([]geo.Point, 100)
	for i := range points {
		points[i] = geo.Point{Lon: 1 + r.Float64()/10, Lat: 1 + r.Float64()/10}.E7().Point()
	}
	ask := func(what string, want ...string) {
		t.Helper()
		source.asked = nil
		got, err := c.Matrix(context.Background(), Car, points)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(source.asked, want) {
			t.Errorf("%s: asked for %v, want %v", what, source.asked, want)
		}
		fresh, err := CrowFly{}.Table(context.Background(), Car, points, points)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Durations, fresh.Durations) || !slices.Equal(got.Distances, fresh.Distances) {
			t.Errorf("%s: the matrix is not that of the source", what)
		}
	}
	ask("all new", "100x100")
	ask("nothing new")
	points[40] = geo.Point{Lon: 1.05, Lat: 1.2}
	ask("one moved", "1x100", "99x1")
	points = append(points, geo.Point{Lon: 1.06, Lat: 1.3})
	ask("one added", "1x101", "100x1")
	points = slices.Delete(points, 3, 30)
	ask("some gone")
	slices.Reverse(points)
	ask("another order")
	points = append(points, points[5])
	ask("two at one door")
}

func TestGuessesAreNotRemembered(t *testing.T) {
	p := newPeer(t, serveOSRM)
	p.failures, p.failure = 1, "404"
	r, err := NewOSRM(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCached(r, 0)
	points := row(3, 1, 0.1, 1)
	for i, guessed := range []bool{true, false, false} {
		m, err := c.Matrix(context.Background(), Car, points)
		if err != nil || m.Guessed != guessed {
			t.Errorf("call %d: guessed %v, %v; %s", i+1, m.Guessed, err, m.Note)
		}
	}
	if p.asked() != 2 {
		t.Errorf("%d requests, want one that failed and one that did not", p.asked())
	}
}

func TestOffRoadPointsAreRememberedAsSuch(t *testing.T) {
	s := village(t)
	c := NewCached(s.roads(t), 0)
	points := []geo.Point{s.at['A'], beside(s.at['A'], 0, 5000), s.at['C']}
	for range 2 {
		m, err := c.Matrix(context.Background(), Car, points)
		if err != nil || len(m.CutOff) != 1 || m.CutOff[0].Point != 1 || !m.CutOff[0].OffRoad {
			t.Errorf("%+v, %v", m.CutOff, err)
		}
	}
	points = append(points, s.at['D'], beside(s.at['A'], 0, 6000))
	m, err := c.Matrix(context.Background(), Car, points)
	if err != nil || len(m.CutOff) != 2 || m.CutOff[1].Point != 4 || m.Durations[3] == Never {
		t.Errorf("%+v, %v", m.CutOff, err)
	}
	if w, err := c.Way(context.Background(), Car, points[2:4]); err != nil || w.Source != "road:sketch" {
		t.Errorf("%v, %+v", err, w)
	}
}

func TestPairsWithoutAWayAreCountedAnew(t *testing.T) {
	s := village(t)
	c := NewCached(s.roads(t), 0)
	points := []geo.Point{s.at['A'], s.at['C'], s.at['Y']}
	for _, step := range []struct {
		points []geo.Point
		note   string
	}{{points, "4 of 6 pairs have no way between them by foot"}, {points[:2], ""},
		{append(points, s.at['D']), "6 of 12 pairs have no way between them by foot"}} {
		m, err := c.Matrix(context.Background(), Foot, step.points)
		if err != nil || m.Note != step.note {
			t.Errorf("%d points: %q, want %q; %v", len(step.points), m.Note, step.note, err)
		}
	}
}
