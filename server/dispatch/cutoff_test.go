package dispatch

import (
	"context"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/travel"
	"doorstep/server/office"
)

// ferry is crow-fly travel, but for the far bank, north of 41.16, to which no
// road leads, and the hills north of 41.155, a long way off.
type ferry struct{ travel.CrowFly }

func (f ferry) Table(ctx context.Context, mode travel.Mode, from, to []geo.Point) (travel.Table, error) {
	t, err := f.CrowFly.Table(ctx, mode, from, to)
	for i, a := range from {
		for j, b := range to {
			cell := &t.Durations[i*t.Columns+j]
			switch {
			case a == b:
			case a.Lat > 41.16 != (b.Lat > 41.16):
				*cell = travel.Never
			case a.Lat > 41.155 != (b.Lat > 41.155):
				*cell = 10 * 3600
			}
		}
	}
	return t, err
}

func (f ferry) Matrix(ctx context.Context, mode travel.Mode, points []geo.Point) (travel.Matrix, error) {
	t, err := f.Table(ctx, mode, points, points)
	return travel.Matrix{N: t.Rows, Durations: t.Durations, Distances: t.Distances, Source: t.Source}, err
}

// A place that no road leads to is told from one that is too far, and both
// from a bad hour.
func TestCutOffAndFarCasesAreLeftOutAsSuch(t *testing.T) {
	h := newFixture(t)
	h.svc.opt.Travel = ferry{}
	at := geo.Point{Lon: -8.62, Lat: 41.15}.E7()
	h.team(office.Team{ID: "t-west", Agents: []auth.UserID{"west-1", "west-2"}, Territories: []string{"west"},
		Items:     []string{"badge", "authorisation_letter"},
		Recording: true, Start: &at})
	h.take("near")
	h.take("hills", "lat", "41.158")
	h.take("far-bank", "lat", "41.17")
	v := h.plan(today)
	if got := leftOut(v); stops(v) != "t-west: near" || got["hills"] != BeyondLimits || got["far-bank"] != Unreachable ||
		len(got) != 2 {
		t.Errorf("%s %s: stops %q, left out %v", v.Status, v.Failure, stops(v), got)
	}
	for id, want := range map[string]string{"hills": BeyondLimits, "far-bank": Unreachable} {
		for _, slot := range read(h.slots(id, today, 0)) {
			if !strings.HasSuffix(slot, " no "+want) {
				t.Errorf("%s: slot %s, want %s", id, slot, want)
			}
		}
	}
}
