package routing

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestPinsThatCannotBeKeptSayWhichAndWhy(t *testing.T) {
	const km = 100 // seconds, along a street
	street := func() Problem {
		p := Problem{Matrices: []Matrix{{Places: 5, Durations: make([]int32, 25)}}}
		for a := range 4 { // place 4 is an island
			for b := range 4 {
				p.Matrices[0].Durations[a*5+b] = int32(km * abs(a-b))
			}
			p.Matrices[0].Durations[a*5+4], p.Matrices[0].Durations[4*5+a] = NoWay, NoWay
		}
		for i := range 5 {
			p.Stops = append(p.Stops, Stop{Place: i, Service: 60, Load: 1})
		}
		p.Shifts = []Shift{{Window: Window{1000, 2000}, Pinned: []Pin{{Stop: 1}, {Stop: 2}, {Stop: 3}}}}
		return p
	}
	if _, err := Solve(context.Background(), street(), Options{Iterations: 1}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		break_ func(p *Problem, s *Shift)
		path   string
		says   string
	}{
		{"before the shift", func(p *Problem, s *Shift) { s.Pinned[0] = Pin{Stop: 1, Fixed: true, At: 990} },
			"shifts[0].pinned[0]", "10 seconds before the team's day begins"},
		{"before the one before is done", func(p *Problem, s *Shift) {
			s.Pinned[1] = Pin{Stop: 2, Fixed: true, At: 1150}
		},
			"shifts[0].pinned[1]", "10 seconds before the stop before it is done"},
		{"window over", func(p *Problem, s *Shift) { p.Stops[2].Windows = []Window{{0, 10}, {20, 1200}} },
			"shifts[0].pinned[1]", "60 seconds after its last window has ended"},
		{"window over for the setup", func(p *Problem, s *Shift) {
			p.Stops[2].Windows, p.Stops[2].Setup = []Window{{0, 1265}}, 7
		}, "shifts[0].pinned[1]", "2 seconds after its last window"},
		{"no way there", func(p *Problem, s *Shift) { s.Pinned[2].Stop = 4 }, "shifts[0].pinned[2]", "no way"},
		{"no way home", func(p *Problem, s *Shift) {
			s.Pinned[2] = Pin{Stop: 4, Fixed: true, At: 1500}
		}, "shifts[0].pinned", "no way to where"},
		{"not done in time", func(p *Problem, s *Shift) {
			p.Stops[3].Service = 600
		}, "shifts[0].pinned[2]", "is done 20 seconds after the end"},
		{"not home in time", func(p *Problem, s *Shift) {
			p.Stops[3].Service, s.Overtime = 500, 9
		}, "shifts[0].pinned", "an arrival 211 seconds after"},
		{"break that cannot be kept", func(p *Problem, s *Shift) {
			s.Breaks = []Break{{Windows: []Window{{0, 10}}}}
		}, "shifts[0].pinned", "no time for the team's breaks"},
		{"load", func(p *Problem, s *Shift) {
			s.Capacity = 2
		}, "shifts[0].capacity", "is 2, but the pinned stops need 3"},
		{"stops", func(p *Problem, s *Shift) {
			s.MaxStops = 1
		}, "shifts[0].max_stops", "is 1, but the pinned stops need 3"},
		{"travel", func(p *Problem, s *Shift) { s.MaxTravel = 599 }, "shifts[0].max_travel", "need 600"},
		{"work", func(p *Problem, s *Shift) { s.MaxWork = 700 }, "shifts[0].max_work", "need 780"},
		{"distance", func(p *Problem, s *Shift) {
			p.Matrices[0].Distances, s.MaxDistance = p.Matrices[0].Durations, 5
		}, "shifts[0].max_distance", "need 600"},
	} {
		p := street()
		x.break_(&p, &p.Shifts[0])
		var e *Error
		if _, err := Solve(context.Background(), p, Options{Iterations: 1}); !errors.As(err, &e) ||
			e.Code() != CodePinned || e.Path != x.path || !strings.Contains(e.Msg, x.says) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}
