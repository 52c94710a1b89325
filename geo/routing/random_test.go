package routing

import (
	"fmt"

	"pgregory.net/rapid"
)

// drawProblem draws a small problem dense round the edges: windows that just
// touch, limits that just bind, places that coincide.
func drawProblem(t *rapid.T, stops, shifts int) Problem {
	num := func(lo, hi int, name string) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	once := func(n int, name string) bool { return rapid.IntRange(1, n).Draw(t, name) == 1 }
	p := Problem{Objective: Objective(num(0, 2, "objective"))}
	places := num(1, 6, "places")
	xs := make([][2]int, places)
	for i := range xs {
		xs[i] = [2]int{num(0, 10, "x"), num(0, 10, "y")}
	}
	ways := func(pace int) []int32 {
		m := make([]int32, places*places)
		for a := range xs {
			for b := range xs {
				m[a*places+b] = int32(pace * (abs(xs[a][0]-xs[b][0]) + abs(xs[a][1]-xs[b][1])))
			}
		}
		return m
	}
	island, oneWay := num(-3*places, places-1, "island"), once(2, "one way")
	block := func(durations []int32) { // no way to the island, and perhaps none from it
		for a := range places {
			if island >= 0 && a != island {
				durations[a*places+island] = NoWay
				if !oneWay {
					durations[island*places+a] = NoWay
				}
			}
		}
	}
	for range num(1, 2, "matrices") {
		m := Matrix{Places: places, Durations: ways(num(1, 3, "pace"))}
		if once(2, "distances") {
			m.Distances = ways(10)
		}
		if once(3, "hours") {
			m.Hours = append(m.Hours, Hour{From: num(0, 60, "hour"), Durations: ways(num(0, 4, "pace"))})
			m.Hours = append(m.Hours, Hour{From: m.Hours[0].From + num(1, 40, "hour"),
				Durations: ways(num(1, 4, "pace"))})
		}
		if block(m.Durations); once(2, "always") {
			for _, h := range m.Hours {
				block(h.Durations)
			}
		}
		p.Matrices = append(p.Matrices, m)
	}
	windows := func(most, long int) []Window {
		var ws []Window
		at := 0
		for range num(0, most, "windows") {
			from := at + num(1, 60, "gap")
			to := from + num(0, long, "long")
			ws = append(ws, Window{from, to})
			at = to
		}
		return ws
	}
	limit := func(hi int, name string) int {
		if once(4, name) {
			return num(1, hi, name)
		}
		return 0
	}
	skills := []string{"a", "b"}
	nShifts := num(1, shifts, "shifts")
	nStops := num(0, stops, "stops")
	for i := range nStops {
		s := Stop{ID: fmt.Sprint("s", i), Place: num(0, places-1, "place"), Service: num(0, 12, "service"),
			Setup:   num(0, 4, "setup"),
			Windows: windows(3, 50), Load: num(0, 3, "load"), Priority: num(0, 3, "priority"),
			Value: int64(num(0, 60, "value"))}
		if once(4, "skill") {
			s.Skills = skills[num(0, 1, "skill"):]
		}
		if once(5, "shifts") {
			s.Shifts = []int{num(0, nShifts-1, "shift")}
		}
		if once(6, "crew") {
			s.Crew = 2
		}
		s.Must = once(8, "must")
		if once(4, "earlier") {
			s.Earlier = &Earlier{Shift: num(0, nShifts-1, "shift"), Start: num(0, 150, "start")}
		}
		p.Stops = append(p.Stops, s)
	}
	free := rapid.Permutation(seq(nStops)).Draw(t, "free")
	for i := range nShifts {
		from := num(0, 30, "from")
		s := Shift{ID: fmt.Sprint("t", i), Matrix: num(0, len(p.Matrices)-1, "matrix"),
			Start: num(NoPlace, places-1, "start"),
			End:   num(NoPlace, places-1, "end"), Window: Window{from, from + num(0, 200, "length")},
			Capacity: limit(6, "capacity"),
			MaxStops: limit(4, "max stops"), MaxTravel: limit(60, "max travel"),
			MaxDistance: limit(600, "max distance"),
			MaxWork:     limit(150, "max work"), Crew: num(1, 2, "crew")}
		if once(20, "endless") {
			s.Window = Window{0, MaxSeconds}
		}
		if once(3, "overtime") {
			s.Overtime = num(1, 40, "overtime")
		}
		for range num(0, 2, "breaks") {
			s.Breaks = append(s.Breaks, Break{Service: num(0, 15, "break"), Windows: windows(2, 40)})
		}
		if once(2, "skilled") {
			s.Skills = skills[:num(0, 2, "skills")]
		}
		if once(2, "rates") {
			s.Rates = Rates{Fixed: int64(num(0, 30, "rate")), TravelHour: int64(num(0, 7200, "rate")),
				Km:       int64(num(0, 300, "rate")),
				WaitHour: int64(num(0, 3600, "rate")), ServiceHour: int64(num(0, 3600, "rate")),
				OvertimeHour: int64(num(0, 7200, "rate"))}
		}
		if once(4, "pinned") {
			at := from
			for range min(num(1, 3, "pins"), len(free)) {
				pin := Pin{Stop: free[0], Fixed: once(2, "fixed")}
				if at += num(0, 30, "at"); pin.Fixed {
					pin.At = at
				}
				at += p.Stops[free[0]].Service
				s.Pinned = append(s.Pinned, pin)
				free = free[1:]
			}
		}
		p.Shifts = append(p.Shifts, s)
	}
	if once(3, "stability") {
		p.Stability = Stability{Team: int64(num(0, 20, "team")), Move: int64(num(0, 20, "move")),
			Tolerance: num(0, 20, "tolerance")}
	}
	if once(3, "balance") {
		p.Balance = Balance{By: BalanceBy(num(0, 2, "by")), Weight: int64(num(0, 4000, "weight"))}
	}
	return p
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func abs(x int) int { return max(x, -x) }
