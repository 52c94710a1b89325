package routing

import (
	"context"
	"encoding/csv"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Realistic days of a city: go test -run TestCityDay -city 500 -cpu-time 5s -reference 10m;
// scripts/bench-routing --city makes the whole table.
var (
	citySize = flag.Int("city", 0, "stops of the city day to measure")
	threads  = flag.Int("threads", 1,
		"searches side by side that plan the city day; with more than one, times are the clock's")
	reference = flag.Duration("reference", 10*time.Minute,
		"processor time of the search that the short one is held against")
)

const cityCases = "../../../shared/data/cases/porto.csv"

// doorstep is a place to be visited.
type doorstep struct {
	lon, lat          float64
	priority, service int // service in minutes
}

// cityDoors reads the doors of a real city, or makes up a town where it is not there.
func cityDoors(t testing.TB, g *rand.Rand) []doorstep {
	f, err := os.Open(cityCases)
	if err != nil {
		t.Logf("NOT THE REAL CITY: %v; a made-up town stands in", err)
		var out []doorstep
		for range 3000 {
			district := g.IntN(12)
			out = append(out, doorstep{-8.62 + 0.02*float64(district%4) + 0.008*g.NormFloat64(),
				41.15 + 0.015*float64(district/4) + 0.006*g.NormFloat64(), 1 + g.IntN(3), 8 + g.IntN(22)})
		}
		return out
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	number := func(row []string, name string) float64 {
		v, err := strconv.ParseFloat(row[column[name]], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var out []doorstep
	for _, row := range rows[1:] {
		out = append(out, doorstep{number(row, "lon"), number(row, "lat"), int(number(row, "priority")),
			int(number(row, "service_min"))})
	}
	return out
}

// townDay makes a day of n stops with a tenth more work than its teams can do:
// contact hours with what people asked for cut out, appointments, certificates,
// two-agent teams, territories of their own with a neighbour's help, lunch. Times
// are seconds since midnight, travel is 1.4 times the straight line at 25 km/h.
func townDay(t testing.TB, n int, seed uint64) Problem {
	g := rand.New(rand.NewPCG(seed, 99))
	doors := cityDoors(t, g)
	g.Shuffle(len(doors), func(i, j int) { doors[i], doors[j] = doors[j], doors[i] })
	doors = doors[:n]
	const hour, oneBreak, perLeg = 3600, 1800, 120
	work := 0
	for _, d := range doors {
		work += d.service*60 + 60 + perLeg
	}
	day := 9*hour + hour/2 - oneBreak
	teams := max(2, int(math.Round(float64(work)/1.1/float64(day))))
	var p Problem
	// Territories: a grid of blocks as even as may be, each with its teams.
	columns := max(1, int(math.Round(math.Sqrt(float64(teams)/3))))
	block := func(d doorstep) (int, int) {
		x := int(float64(columns) * (d.lon + 8.72) / 0.19)
		y := int(float64(columns) * (d.lat - 41.09) / 0.11)
		return min(max(x, 0), columns-1), min(max(y, 0), columns-1)
	}
	places := append([]doorstep{}, doors...)
	type home struct{ x, y int }
	var at []home
	for r := range teams {
		d := doors[(r*n)/teams] // an office somewhere in the teams' part
		x, y := block(d)
		at = append(at, home{x, y})
		sh := Shift{Start: n + r, End: n + r, Crew: 1 + g.IntN(2), MaxStops: 45,
			Rates:  Rates{TravelHour: 3600, WaitHour: 360},
			Breaks: []Break{{Service: oneBreak, Windows: []Window{{12 * hour, 14 * hour}}}},
			Window: Window{8*hour + 1800, 18 * hour}}
		if g.IntN(3) == 0 {
			sh.Window = Window{10 * hour, 19*hour + 1800}
		}
		if g.IntN(5) < 3 {
			sh.Skills = append(sh.Skills, "certificate")
		}
		if r%3 == 0 {
			sh.Crew = 2
		}
		places = append(places, d)
		p.Shifts = append(p.Shifts, sh)
	}
	for i, d := range doors {
		s := Stop{Place: i, Service: d.service * 60, Setup: 60, Priority: d.priority, Value: int64(d.priority) * hour,
			Windows: []Window{{8 * hour, 20 * hour}}}
		switch k := g.IntN(100); {
		case k < 12:
			s.Windows = []Window{{8 * hour, 12 * hour}, {14 * hour, 20 * hour}}
		case k < 22:
			s.Windows = []Window{{8 * hour, 12 * hour}}
		case k < 34:
			s.Windows = []Window{{17 * hour, 20 * hour}}
		case k < 37:
			from := (9 + g.IntN(8)) * hour
			s.Windows, s.Must = []Window{{from, from + hour}}, true
		}
		if g.IntN(12) == 0 {
			s.Skills = []string{"certificate"}
		}
		if g.IntN(8) == 0 {
			s.Crew = 2
		}
		x, y := block(d)
		for r, b := range at {
			if (b.x-x)*(b.x-x)+(b.y-y)*(b.y-y) <= 1 {
				s.Shifts = append(s.Shifts, r)
			}
		}
		if s.Shifts == nil {
			s.Shifts = []int{i % teams}
		}
		p.Stops = append(p.Stops, s)
	}
	m := Matrix{Name: "car", Places: len(places), Durations: make([]int32, len(places)*len(places)),
		Distances: make([]int32, len(places)*len(places))}
	for a, x := range places {
		for b, y := range places {
			dx, dy := (x.lon-y.lon)*math.Cos(x.lat*math.Pi/180)*111_320, (x.lat-y.lat)*110_570
			way := 1.4 * math.Hypot(dx, dy)
			m.Distances[a*len(places)+b] = int32(way)
			m.Durations[a*len(places)+b] = int32(way / (25 / 3.6))
		}
	}
	p.Matrices = []Matrix{m}
	return p
}

// nearestNeighbour plans as a person with a map would: each team goes where it can
// be at work soonest, among all that it may and can still serve.
func nearestNeighbour(t testing.TB, p Problem) Result {
	s := searchOf(t, p)
	c := s.c
	var w sheet
	for r := range c.shifts {
		d := &c.shifts[r]
		from, now := d.start, d.from
		for {
			best, soonest := int32(-1), int32(math.MaxInt32)
			for u := range int32(c.n) {
				if s.p.route[u] >= 0 || !c.may(u, int32(r)) || d.maxStops > 0 && len(s.p.seq[r]) >= d.maxStops {
					continue
				}
				x := &c.stops[u]
				start := c.next(x.w0, x.w1, now+d.dur[from*d.places+x.place])
				if start < soonest && c.within(int32(r), append(append([]int32{}, s.p.seq[r]...), u), &w) {
					best, soonest = u, start
				}
			}
			if best < 0 {
				break
			}
			s.place(best, spot{r: int32(r), i: int32(len(s.p.seq[r]))})
			s.p.price(int32(r))
			from, now = c.stops[best].place, soonest+c.stops[best].service
		}
	}
	return c.result(s)
}

// broken is what the referee has against a plan, but for the reasons it gives:
// going to the nearest leaves out what would still fit, and appointments.
func broken(p Problem, r Result) []Objection {
	var out []Objection
	for _, v := range check(p, r) {
		if v.Kind != "wrong_reason" && v.Kind != "must_left_out" {
			out = append(out, v)
		}
	}
	return out
}

// worth is a day as one number: seconds of travel, and an hour for each step of
// priority left out. Less is better.
func (r *Result) worth(p Problem) (cost float64, priority, out int) {
	cost = float64(r.Total.Travel)
	for _, l := range r.LeftOut {
		cost += float64(p.Stops[l.Stop].Value)
	}
	return cost, r.Total.Priority, len(r.LeftOut)
}

// net is the value served, an hour for each step of priority, less the seconds of
// travel. More is better.
func (r *Result) net(p Problem) float64 {
	cost, _, _ := r.worth(p)
	for u := range p.Stops {
		cost -= float64(p.Stops[u].Value)
	}
	return -cost
}

func solved(t testing.TB, p Problem, cpu time.Duration) Result {
	t.Helper()
	o, ctx := Options{Seed: *seed, clock: cpuClock(), budget: cpu}, context.Background()
	if *threads > 1 {
		var cancel context.CancelFunc
		o = Options{Seed: *seed, Threads: *threads}
		ctx, cancel = context.WithTimeout(ctx, cpu)
		defer cancel()
	}
	r, err := Solve(ctx, p, o)
	if err != nil {
		t.Fatal(err)
	}
	if found := check(p, r); len(found) > 0 {
		t.Fatalf("the referee: %v", found[0])
	}
	return r
}

// atNoon is the day planned anew at one o'clock: what began before is done, a team
// drops out, and ten new stops must be visited.
func atNoon(t testing.TB, p Problem, was Result, seed uint64) Problem {
	const now = 13 * 3600
	g := rand.New(rand.NewPCG(seed, 13))
	p.Shifts = append([]Shift{}, p.Shifts...)
	p.Stops = append([]Stop{}, p.Stops...)
	gone := was.Routes[len(was.Routes)/2].Shift
	for i := range p.Stops {
		p.Stops[i].Must = p.Stops[i].Must && p.Stops[i].Windows[0].To > now
		var later []Window
		for _, w := range p.Stops[i].Windows {
			if w.From = max(w.From, now); w.From < w.To {
				later = append(later, w)
			}
		}
		if later == nil {
			later = []Window{{20*3600 + 1, 20*3600 + 2}} // too late today
		}
		p.Stops[i].Windows = later
	}
	for _, r := range was.Routes {
		for _, st := range r.Steps {
			if st.Kind != StepStop {
				continue
			}
			if st.Start() < now {
				p.Shifts[r.Shift].Pinned = append(p.Shifts[r.Shift].Pinned,
					Pin{Stop: st.Index, Fixed: true, At: st.Start()})
				continue
			}
			p.Stops[st.Index].Earlier = &Earlier{Shift: r.Shift, Start: st.Start()}
			p.Stops[st.Index].Value *= 4
		}
	}
	for i := range p.Stops {
		var may []int
		for _, r := range p.Stops[i].Shifts {
			if r != gone {
				may = append(may, r)
			}
		}
		p.Stops[i].Shifts = may
		if may == nil {
			p.Stops[i].Shifts = []int{}
		}
	}
	left := was.LeftOut
	for range min(10, len(left)) {
		u := left[g.IntN(len(left))].Stop
		p.Stops[u].Windows, p.Stops[u].Must = []Window{{14 * 3600, 18 * 3600}}, true
	}
	p.Objective = CostFirst
	p.Stability = Stability{Team: 1800, Move: 1200, Tolerance: 1800}
	return p
}

// TestCityDay measures one size and prints a row for scripts/bench-routing.
func TestCityDay(t *testing.T) {
	if *citySize == 0 {
		t.Skip("only with -city")
	}
	p := townDay(t, *citySize, *seed)
	naive := nearestNeighbour(t, p)
	if found := broken(p, naive); len(found) > 0 {
		t.Fatalf("the referee on the nearest neighbours: %v", found[0])
	}
	short, long := solved(t, p, *cpuTime), solved(t, p, *reference)
	off := func(a, b float64) float64 { return 100 * (a/b - 1) }
	lost, priority, _ := long.worth(p)
	show := func(name string, r Result) {
		cost, served, out := r.worth(p)
		t.Logf("row %d stops, %d teams  %-20s value less cost %9.0f (%+6.2f %%): priority %5d (%+6.2f %%), travel "+
			"%7d s (%+6.2f %%); left out %3d, value lost and cost %8.0f (%+7.2f %%)",
			*citySize, len(p.Shifts), name, r.net(p), off(r.net(p), long.net(p)), served,
			off(float64(served), float64(priority)),
			r.Total.Travel, off(float64(r.Total.Travel), float64(long.Total.Travel)), out, cost, off(cost, lost))
	}
	show("nearest neighbour", naive)
	show((*cpuTime).String(), short)
	show((*reference).String(), long)

	changed := atNoon(t, p, short, *seed)
	quick, slow := solved(t, changed, time.Second), solved(t, changed, min(time.Minute, *reference))
	best := float64(slow.Cost.Sum())
	for _, x := range []struct {
		name string
		r    Result
	}{{"planned anew in 1s", quick}, {"planned anew in 1m", slow}} {
		moved, must := 0, 0
		for _, r := range x.r.Routes {
			for _, st := range r.Steps {
				if st.Kind == StepStop {
					if e := changed.Stops[st.Index].Earlier; e != nil &&
						(e.Shift != r.Shift || max(e.Start-st.Start(), st.Start()-e.Start) > 1800) {
						moved++
					}
				}
			}
		}
		for _, l := range x.r.LeftOut {
			if changed.Stops[l.Stop].Must {
				must++
			}
		}
		t.Logf("row %d stops, %d teams  %-22s cost %9d (%+6.2f %%)  %d stops moved far or to another team, %d "+
			"appointments missed", *citySize, len(p.Shifts), x.name, x.r.Cost.Sum(), off(float64(x.r.Cost.Sum()), best),
			moved, must)
	}
}

// A small day of every kind stands in for the big ones in ordinary runs.
func TestASmallCityDayIsPlannedAndPlannedAnew(t *testing.T) {
	p := townDay(t, 60, 3)
	r, err := Solve(context.Background(), p, Options{Seed: 1, Iterations: 2000})
	if err != nil {
		t.Fatal(err)
	}
	naive := nearestNeighbour(t, p)
	if found := check(p, r); len(found) > 0 {
		t.Error(found[0])
	}
	if found := broken(p, naive); len(found) > 0 {
		t.Errorf("nearest neighbour: %v", found[0])
	}
	got, _, _ := r.worth(p)
	if person, _, _ := naive.worth(p); got >= person {
		t.Errorf("the plan costs %.0f, going to the nearest each time %.0f", got, person)
	}
	changed := atNoon(t, p, r, 3)
	again, err := Solve(context.Background(), changed, Options{Seed: 1, Iterations: 2000})
	if err != nil {
		t.Fatal(err)
	}
	if found := check(changed, again); len(found) > 0 {
		t.Error(found[0])
	}
}
