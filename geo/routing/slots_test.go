package routing

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// orderOf is a result's stops by shift.
func orderOf(p Problem, r Result) [][]int {
	order := make([][]int, len(p.Shifts))
	for _, route := range r.Routes {
		for _, s := range route.Steps {
			if s.Kind == StepStop {
				order[route.Shift] = append(order[route.Shift], s.Index)
			}
		}
	}
	return order
}

// resultOf lays out a day in a given order and adds it up; ok is false if a
// route cannot be in time. Whether the day keeps anything else is the referee's to say.
func resultOf(p Problem, order [][]int, left []LeftOut) (res Result, ok bool) {
	c, fault := newCore(&p)
	if fault != nil {
		return res, false
	}
	var w sheet
	each := make([]int64, len(order))
	for r, seq := range order {
		if len(seq) == 0 {
			continue
		}
		var flat []int32
		for _, u := range seq {
			flat = append(flat, int32(u))
		}
		route := Route{Shift: r}
		if !c.layOut(int32(r), flat, &w, &route.Steps).ok {
			return res, false
		}
		t, changes := &route.Total, int64(0)
		for _, s := range route.Steps {
			t.Travel, t.Distance, t.Setup, t.Wait = t.Travel+s.Travel, t.Distance+s.Distance, t.Setup+s.Setup,
				t.Wait+s.Wait
			switch s.Kind {
			case StepStop:
				t.Stops, t.Priority, t.Service = t.Stops+1, t.Priority+p.Stops[s.Index].Priority, t.Service+s.Service
				if e := p.Stops[s.Index].Earlier; e != nil {
					if e.Shift != r {
						changes += p.Stability.Team
					}
					if abs(s.Start()-e.Start) > p.Stability.Tolerance {
						changes += p.Stability.Move
					}
				}
			case StepBreak:
				t.Breaks += s.Service
			}
		}
		sh, end := &p.Shifts[r], route.Steps[len(route.Steps)-1].Arrival
		t.Overtime, t.Work = max(0, end-sh.Window.To), end-route.Steps[0].Arrival-t.Breaks
		x := sh.Rates
		if x == (Rates{}) {
			x = DefaultRates
		}
		route.Cost = Cost{Fixed: x.Fixed, Travel: charge(x.TravelHour, t.Travel, 3600),
			Distance: charge(x.Km, t.Distance, 1000), Wait: charge(x.WaitHour, t.Wait, 3600),
			Service: charge(x.ServiceHour, t.Setup+t.Service, 3600), Overtime: charge(x.OvertimeHour, t.Overtime, 3600),
			Changes: changes}
		switch p.Balance.By {
		case BalanceStops:
			each[r] = int64(t.Stops)
		case BalanceWork:
			each[r] = int64(t.Work)
		}
		res.Routes = append(res.Routes, route)
		res.Cost.add(route.Cost)
		res.Total.add(route.Total)
	}
	res.Cost.Balance = p.Balance.cost(each)
	res.LeftOut = left
	for _, l := range left {
		if p.Objective == CostFirst {
			res.Cost.LeftOut += p.Stops[l.Stop].Value
		}
	}
	return res, true
}

// wrongOf are the referee's objections, but for the reasons why other stops than
// u were left out: those were of the day without it.
func wrongOf(p Problem, r Result, u int) []Objection {
	return slices.DeleteFunc(check(p, r), func(v Objection) bool {
		return v.Stop != u && (v.Kind == "wrong_reason" || v.Kind == "must_left_out")
	})
}

// TestSlotsAgainstEveryInsertion holds what is offered against putting the stop
// everywhere, each day so made judged by the referee; and what is not offered
// against the referee's own search for room.
func TestSlotsAgainstEveryInsertion(t *testing.T) {
	offered, refused := 0, map[Reason]int{}
	rapid.Check(t, func(t *rapid.T) {
		// The last stop drawn is the one to promise.
		whole := drawProblem(t, 7, 3)
		if len(whole.Stops) == 0 {
			t.Skip("nothing to promise")
		}
		u := len(whole.Stops) - 1
		for i, m := range whole.Matrices {
			// A drive that an hour without distances ends while it waits for a break is
			// laid out as ended there, and the referee has it go on after the break.
			if slices.ContainsFunc(m.Hours, func(h Hour) bool {
				return !slices.ContainsFunc(h.Durations, func(d int32) bool { return d > 0 && d < NoWay })
			}) {
				whole.Matrices[i].Hours = nil
			}
		}
		for i := range whole.Shifts {
			whole.Shifts[i].Window.To = min(whole.Shifts[i].Window.To, 300) // no shift works later
			whole.Shifts[i].Pinned = slices.DeleteFunc(whole.Shifts[i].Pinned, func(p Pin) bool { return p.Stop == u })
		}
		day, stop := whole, whole.Stops[u]
		day.Stops = slices.Clip(whole.Stops[:u])
		res, err := Solve(context.Background(), day, Options{Iterations: 20})
		if err != nil {
			t.Skip("the day cannot be")
		}
		order := orderOf(day, res)
		base, ok := resultOf(day, order, res.LeftOut)
		if !ok || base.Cost != res.Cost {
			t.Fatalf("the day is laid out at %+v, not %+v", base.Cost, res.Cost)
		}
		var windows []Window
		for range rapid.IntRange(1, 4).Draw(t, "slots") {
			from := rapid.IntRange(0, 150).Draw(t, "from")
			windows = append(windows, Window{from, from + rapid.IntRange(0, 60).Draw(t, "length")})
		}
		got, err := Slots(day, order, stop, windows)
		if err != nil {
			t.Fatalf("%v", err)
		}
		for i, w := range windows {
			p := whole
			p.Stops = slices.Clone(whole.Stops)
			p.Stops[u].Windows, p.Stops[u].Must = common(stop.Windows, w), true
			meet := len(p.Stops[u].Windows) > 0
			if !meet {
				p.Stops[u].Windows = []Window{{MaxSeconds, MaxSeconds}} // no shift works then
			}
			most := int64(-1)
			for r := range order {
				for at := 0; at <= len(order[r]); at++ {
					with := slices.Clone(order)
					with[r] = slices.Insert(slices.Clone(order[r]), at, u)
					applied, ok := resultOf(p, with, res.LeftOut)
					if !ok || len(wrongOf(p, applied, u)) > 0 {
						continue
					}
					if cost := applied.Cost.Sum() - res.Cost.Sum(); most < 0 || cost < most {
						most = max(0, cost)
					}
					if got[i].Reason != "" {
						t.Fatalf("window %v is refused for %q, but shift %d has room at %d\n%+v", w, got[i].Reason, r,
							at, p)
					}
				}
			}
			if got[i].Reason != "" {
				refused[got[i].Reason]++
				left := append(slices.Clone(res.LeftOut), LeftOut{u, got[i].Reason})
				out, _ := resultOf(p, order, left)
				if wrong := wrongOf(p, out, u); len(wrong) > 0 {
					t.Fatalf("window %v is refused for %q: %+v\n%+v", w, got[i].Reason, wrong, p)
				}
				continue
			}
			offered++
			s := got[i]
			with := slices.Clone(order)
			with[s.Shift] = slices.Insert(slices.Clone(order[s.Shift]), s.Position, u)
			applied, ok := resultOf(p, with, res.LeftOut)
			if !ok {
				t.Fatalf("window %v: the slot %+v cannot be driven\n%+v", w, s, p)
			}
			if wrong := wrongOf(p, applied, u); len(wrong) > 0 {
				t.Fatalf("window %v: the slot %+v breaks the day: %+v\n%+v", w, s, wrong, p)
			}
			if cost := applied.Cost.Sum() - res.Cost.Sum(); cost != s.Cost || max(0, cost) != most {
				t.Fatalf("window %v: the slot costs %d, the day so made %d, the cheapest %d\n%+v", w, s.Cost, cost,
					most, p)
			}
			if travel := applied.Total.Travel - res.Total.Travel; travel != s.Travel {
				t.Fatalf("window %v: %d s of travel, but the day so made has %d more", w, s.Travel, travel)
			}
			for _, route := range applied.Routes {
				for _, step := range route.Steps {
					if step.Kind == StepStop && step.Index == u && step.Start() != s.Start {
						t.Fatalf("window %v: starts at %d, not %d", w, step.Start(), s.Start)
					}
				}
			}
		}
	})
	// A short run draws too few days to meet all of them; no time is rare, and seen along the street.
	if testing.Short() {
		return
	}
	if offered == 0 || refused[NoFitTeam] == 0 || refused[NoLawfulWindow] == 0 {
		t.Errorf("%d windows offered and %v refused; the days are no test", offered, refused)
	}
}

// A street of doors ten minutes apart, one team going along it from eight to
// ten: what is promised, where it goes, and what a late team leaves behind.
func TestSlotsAlongAStreet(t *testing.T) {
	m := Matrix{Places: 8, Durations: make([]int32, 64)}
	for a := range 8 {
		for b := range 8 {
			m.Durations[a*8+b] = int32(600 * abs(a-b))
		}
	}
	clock := func(minutes int) int { return (8*60 + minutes) * 60 }
	p := Problem{Matrices: []Matrix{m}, Shifts: []Shift{{Start: 0, End: 0, Window: Window{clock(0), clock(120)}}}}
	for place := 1; place <= 3; place++ {
		p.Stops = append(p.Stops, Stop{Place: place, Service: 600})
	}
	order := [][]int{{0, 1, 2}} // 10, 20, 30 minutes there, 30 of work, 30 back: 90
	windows := []Window{{clock(0), clock(29)}, {clock(60), clock(89)}, {clock(110), clock(120)},
		{clock(300), clock(310)}}
	read := func(stop Stop) (out []string) {
		t.Helper()
		got, err := Slots(p, order, stop, windows)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got {
			if s.Reason != "" {
				out = append(out, string(s.Reason))
				continue
			}
			out = append(out, time.Duration(s.Start*1e9).String()+" at "+string(
				rune('0'+s.Position))+" for "+time.Duration(s.Travel*1e9).String())
		}
		return out
	}
	fit, law, time := string(NoFitTeam), string(NoLawfulWindow), string(NoTime)
	expect := func(what string, stop Stop, want ...string) {
		t.Helper()
		if got := read(stop); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	expect("a door on the way", Stop{Place: 2, Service: 600}, "8h20m0s at 0 for 20m0s", "9h0m0s at 2 for 0s", law, law)
	expect("a door that asks for two", Stop{Place: 2, Service: 600, Crew: 2}, fit, fit, fit, fit)
	expect("a door that opens late", Stop{Place: 2, Service: 600, Windows: []Window{{clock(75), clock(400)}}}, law,
		"9h15m0s at 3 for 0s", law, law)
	expect("a long talk", Stop{Place: 2, Service: 2400}, time, time, law, law)
	// It is late: of the route of an hour and a half the first door alone can be kept.
	p.Shifts[0].Window.From = clock(75)
	expect("a late team", Stop{Place: 1, Service: 600}, law, "9h25m0s at 0 for 0s", law, law)
	p.Stops[2].Must = true
	expect("a team too late for what it must", Stop{Place: 1, Service: 600}, law, time, law, law)
}

func TestSlotsRefuseAnOrderThatIsNone(t *testing.T) {
	p := cityDay(12, 3, 1)
	p.Stops[4] = Stop{Place: p.Stops[4].Place}
	p.Shifts[1].Pinned = []Pin{{Stop: 4}}
	good := orderOf(p, solve(t, p, Options{Iterations: 50}))
	if len(good[0]) == 0 {
		t.Fatal("shift 0 has no stop to move")
	}
	for what, plant := range map[string]func(order [][]int) [][]int{
		"a shift too few": func(o [][]int) [][]int { return o[:2] },
		"a stop twice":    func(o [][]int) [][]int { o[0] = append(o[0], o[0][0]); return o },
		"no such stop":    func(o [][]int) [][]int { o[0][0] = 99; return o },
		"a pin left out":  func(o [][]int) [][]int { o[1] = nil; return o },
		"a pin not the first": func(o [][]int) [][]int {
			o[0], o[1] = o[0][1:], append([]int{o[0][0]}, o[1]...)
			return o
		},
	} {
		order := make([][]int, len(good))
		for r := range good {
			order[r] = slices.Clone(good[r])
		}
		order = plant(order)
		var e *Error
		if _, err := Slots(p, order, Stop{}, nil); !errors.As(err, &e) || e.Code() == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	var e *Error
	if _, err := Slots(p, good, Stop{}, []Window{{10, 5}}); !errors.As(err, &e) || e.Code() != CodeWindow {
		t.Errorf("a window upside down: %v", err)
	}
	if _, err := Slots(p, good, Stop{Place: 77}, nil); !errors.As(err, &e) || e.Code() != CodeIndex {
		t.Errorf("a stop nowhere: %v", err)
	}
}

// fullDay is a day of routes with so many stops each, all with lunch, in the
// order in which they were drawn.
func fullDay(routes, stops int) (Problem, [][]int) {
	g := rand.New(rand.NewPCG(1, 2))
	places := routes*stops + 1
	xs := make([][2]float64, places)
	for i := range xs {
		xs[i] = [2]float64{float64(max(0, i-1)/stops)*600 + g.Float64()*600, g.Float64() * 600}
	}
	m := Matrix{Places: places, Durations: make([]int32, places*places)}
	for a := range xs {
		for b := range xs {
			dx, dy := xs[a][0]-xs[b][0], xs[a][1]-xs[b][1]
			m.Durations[a*places+b] = int32(max(dx, -dx) + max(dy, -dy))
		}
	}
	p := Problem{Matrices: []Matrix{m}, Balance: Balance{By: BalanceWork, Weight: 1800},
		Stability: Stability{Team: 1800, Move: 1200, Tolerance: 1800}}
	order := make([][]int, routes)
	for r := range routes {
		p.Shifts = append(p.Shifts, Shift{Start: NoPlace, End: NoPlace, Window: Window{8 * 3600, 20 * 3600},
			MaxStops: stops + 5, Rates: Rates{TravelHour: 3600, WaitHour: 360},
			Breaks: []Break{{Service: 1800, Windows: []Window{{12 * 3600, 14 * 3600}}}}})
		for i := range stops {
			u := len(p.Stops)
			p.Stops = append(p.Stops, Stop{Place: u + 1, Service: 600, Setup: 60,
				Windows: []Window{{9 * 3600, 21 * 3600}}, Earlier: &Earlier{r, 9*3600 + i*1000}})
			order[r] = append(order[r], u)
		}
	}
	return p, order
}

func hourly(n int) (ws []Window) {
	for i := range n {
		ws = append(ws, Window{(9 + i) * 3600, (10+i)*3600 - 1})
	}
	return ws
}

// A debtor is on the line while this runs.
func TestSlotsOfALargeDayAreThereAtOnce(t *testing.T) {
	p, order := fullDay(100, 30)
	began := time.Now()
	got, err := Slots(p, order, Stop{Place: 0, Service: 600, Setup: 60}, hourly(12))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took) // a busy machine, or the race detector: far from what BenchmarkSlots says
	}
	possible := 0
	for _, s := range got {
		if s.Reason == "" {
			possible++
		}
	}
	if possible < 6 {
		t.Errorf("%d of %d hours are possible; the day is no test", possible, len(got))
	}
}

func BenchmarkSlots(b *testing.B) {
	p, order := fullDay(100, 30)
	ws := hourly(12)
	for b.Loop() {
		if _, err := Slots(p, order, Stop{Place: 0, Service: 600, Setup: 60}, ws); err != nil {
			b.Fatal(err)
		}
	}
}
