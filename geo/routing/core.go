package routing

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// never is a time after any that can be reached, and -never one before. Both leave
// room for adding a duration without overflow.
const never int32 = 1 << 30

// core is a problem in flat arrays. newCore and setNear fill it; nothing changes it
// after that, so all searches share it without a lock. Times are seconds on the
// clock of the problem, distances metres.
type core struct {
	p *Problem // a copy of the caller's problem in which NoWay is a duration that no shift has time for

	// n is the number of stops. A stop is known by its index u, a shift by its index r.
	n int
	// labels is the largest number of breaks of a shift, plus one. Times of a stop are
	// kept by label: label k stands for k breaks taken before the stop.
	labels int
	// stops has the data of each stop, windows the windows of all stops and breaks, and
	// shifts the data of each shift.
	stops   []node
	windows []span
	shifts  []shiftData
	// turned has for each matrix the transposed durations: what leads to one place lies
	// together. It is nil for a matrix that no shift without hours uses.
	turned [][]int32

	// allowed is a bit matrix: bit r of row u says that shift r may serve stop u. A row
	// has words words. Rows of pinned stops are empty.
	allowed []uint64
	words   int
	// anyone says that every shift may serve every stop.
	anyone bool
	// pinnedBy has for each stop the shift in which it is pinned, or -1.
	pinnedBy []int32
	// class has for each shift the first shift that differs from it only by index. Of
	// the idle shifts of one class the search tries one.
	class []int32

	// worth has for each stop what leaving it out loses. Sums of worth are compared
	// before any cost.
	worth []int64
	// near has for each stop its nearest stops, nearest first (the granular
	// neighbourhood). setNear fills it.
	near [][]int32
	// legTime is the typical duration between neighbours, in seconds, and legCost what
	// it costs. The temperature of the search is a multiple of legCost.
	legTime, legCost float64

	steady    bool // a stop costs more on another shift than in the earlier plan
	setups    bool // some stop has a setup
	geneticOK bool // the local search computes exact costs for this problem, see pure
}

// node is the data of a stop.
type node struct {
	place, service, setup int32
	from, to              int32 // the first window
	w0, w1                int32 // its windows are core.windows[w0:w1]
	load                  int32
	least                 int32 // serving it takes at least so many seconds out of a route: legs and service
}

type span struct{ from, to int32 }

type pause struct {
	service int32
	w0, w1  int32
}

// shiftData is the data of a shift, in the form that the search uses. It does not
// change once newCore is done.
type shiftData struct {
	// The matrix: durations and distances before the first hour, in rows of places
	// cells, and the hours from which other durations hold.
	dur, dist []int32
	places    int32
	hours     []Hour
	turned    []int32 // transposed durations; nil if there are hours

	start, end int32 // places, or NoPlace
	from       int32 // earliest departure
	due        int32 // end of the shift without overtime
	latest     int32 // end of the shift with overtime
	breaks     []pause
	pins       []Pin // the first stops of its route, in this order

	// Limits; 0 means that there is none.
	maxStops, capacity, maxTravel, maxDistance, maxWork int

	rates      Rates   // never the zero value
	perSecond  float64 // cost of a second of travel
	perMetre   float64 // cost of a metre
	perService float64 // cost of a second of service or setup
	fixed      float64 // cost of a route that has a stop

	// What the tests of an insertion may leave out. newShiftData sets these.
	plain    bool // neither breaks nor hours: one label and one matrix
	oneBreak bool // exactly one break and no hours
	swift    bool // plain, and only windows, capacity, number of stops and times are tested
	soft     bool // oneBreak, and timed costs depend only on the begin and the end of the route
	timed    bool // the cost of its route depends on the times of the route
	metres   bool // distances have a cost or a limit
	verify   bool // it has limits that only a route with exact times can be tested for
}

// newCore lays out a valid problem. The error says that its priorities cannot be
// weighed.
func newCore(p *Problem) (*core, *Error) {
	p = p.withoutNoWay()
	c := &core{p: p, n: len(p.Stops), labels: 1, steady: p.Stability.Team > 0}
	worth, err := p.weigh()
	if err != nil {
		return nil, err
	}
	c.worth = worth
	c.pinnedBy = make([]int32, c.n)
	for u := range p.Stops {
		s := &p.Stops[u]
		c.pinnedBy[u] = -1
		nd := node{place: int32(s.Place), service: int32(s.Service), setup: int32(s.Setup), load: int32(s.Load)}
		nd.w0, nd.w1 = c.addWindows(s.Windows)
		nd.from, nd.to = c.windows[nd.w0].from, c.windows[nd.w0].to
		c.stops = append(c.stops, nd)
	}
	for u := range c.stops {
		c.setups = c.setups || c.stops[u].setup > 0
	}
	c.turned = make([][]int32, len(p.Matrices))
	for i := range p.Shifts {
		c.shifts = append(c.shifts, c.newShiftData(&p.Shifts[i]))
		for _, pin := range p.Shifts[i].Pinned {
			c.pinnedBy[pin.Stop] = int32(i)
		}
	}
	c.setLeast()
	c.setAllowed()
	c.anyone = true
	for u := range int32(c.n) {
		for r := range c.shifts {
			c.anyone = c.anyone && c.may(u, int32(r))
		}
	}
	c.setClasses()
	c.geneticOK = c.pure()
	return c, nil
}

// addWindows appends windows to c.windows and returns their range. No window stands
// for any time.
func (c *core) addWindows(ws []Window) (int32, int32) {
	w0 := int32(len(c.windows))
	for _, w := range ws {
		c.windows = append(c.windows, span{int32(w.From), int32(w.To)})
	}
	if len(ws) == 0 {
		c.windows = append(c.windows, span{0, never - 1})
	}
	return w0, int32(len(c.windows))
}

// newShiftData lays out one shift.
func (c *core) newShiftData(s *Shift) shiftData {
	m := &c.p.Matrices[s.Matrix]
	d := shiftData{
		dur: m.Durations, places: int32(m.Places), hours: m.Hours, start: int32(s.Start), end: int32(s.End),
		from: int32(s.Window.From), due: int32(s.Window.To), latest: int32(s.Window.To + s.Overtime),
		pins: s.Pinned, maxStops: s.MaxStops, capacity: s.Capacity, maxTravel: s.MaxTravel,
		maxDistance: s.MaxDistance, maxWork: s.MaxWork, rates: s.Rates,
	}
	if d.rates == (Rates{}) {
		d.rates = DefaultRates
	}
	d.dist = m.Distances
	d.metres = m.Distances != nil && (d.rates.Km > 0 || d.maxDistance > 0)
	for _, b := range s.Breaks {
		w0, w1 := c.addWindows(b.Windows)
		d.breaks = append(d.breaks, pause{int32(b.Service), w0, w1})
	}
	c.labels = max(c.labels, len(d.breaks)+1)
	if len(d.hours) == 0 {
		if c.turned[s.Matrix] == nil {
			c.turned[s.Matrix] = turn(m)
		}
		d.turned = c.turned[s.Matrix]
	}
	d.perSecond = float64(d.rates.TravelHour) / 3600
	d.perMetre = float64(d.rates.Km) / 1000
	d.perService = float64(d.rates.ServiceHour) / 3600
	d.fixed = float64(d.rates.Fixed)
	d.plain = len(d.breaks) == 0 && len(d.hours) == 0
	d.oneBreak = len(d.breaks) == 1 && len(d.hours) == 0
	d.verify = d.maxWork > 0 || d.maxTravel > 0 && (len(d.hours) > 0 || len(d.pins) > 0)
	d.swift = d.plain && len(d.pins) == 0 && !d.metres && !d.verify && d.maxTravel == 0 && d.start >= 0 && d.end >= 0 &&
		!c.setups
	d.timed = len(d.hours) > 0 || d.rates.WaitHour > 0 || d.maxWork > 0 ||
		d.rates.OvertimeHour > 0 && s.Overtime > 0 || c.p.Stability.Move > 0 ||
		c.p.Balance.By == BalanceWork && c.p.Balance.Weight > 0 || len(d.pins) > 0
	d.soft = d.oneBreak && len(d.pins) == 0 && c.p.Stability.Move == 0
	return d
}

// duration returns the seconds from place a to place b before the first hour, 0 if
// either is NoPlace.
func (d *shiftData) duration(a, b int32) int32 {
	if a < 0 || b < 0 {
		return 0
	}
	return d.dur[a*d.places+b]
}

// withoutNoWay returns a copy of p in which NoWay is replaced by a duration that no
// shift has time for, however long it is.
func (p *Problem) withoutNoWay() *Problem {
	const beyond = 4 * MaxSeconds
	wall := func(durations []int32) []int32 {
		if !slices.Contains(durations, NoWay) {
			return durations
		}
		withoutNoWay := slices.Clone(durations)
		for i, d := range withoutNoWay {
			if d == NoWay {
				withoutNoWay[i] = beyond
			}
		}
		return withoutNoWay
	}
	q := *p
	q.Matrices = slices.Clone(p.Matrices)
	for i := range q.Matrices {
		m := &q.Matrices[i]
		m.Durations, m.Hours = wall(m.Durations), slices.Clone(m.Hours)
		for k := range m.Hours {
			m.Hours[k].Durations = wall(m.Hours[k].Durations)
		}
	}
	return &q
}

// turn returns the transposed durations of a matrix. If the matrix is symmetric it
// returns the durations themselves, which halves the memory that the search reads.
func turn(m *Matrix) []int32 {
	if m.twoWay() {
		return m.Durations
	}
	t := make([]int32, len(m.Durations))
	for a := range m.Places {
		for b := range m.Places {
			t[b*m.Places+a] = m.Durations[a*m.Places+b]
		}
	}
	return t
}

// twoWay reports whether all durations are the same in both directions.
func (m *Matrix) twoWay() bool {
	for a := range m.Places {
		for b := range a {
			if m.Durations[a*m.Places+b] != m.Durations[b*m.Places+a] {
				return false
			}
		}
	}
	return true
}

// setLeast computes node.least: the shortest leg to the stop, its service, and the
// shortest leg from it, by any matrix that a shift uses.
func (c *core) setLeast() {
	var places []int32 // of the stops, then of starts and ends
	for u := range c.stops {
		c.stops[u].least = never
		places = append(places, c.stops[u].place)
	}
	legless := make([]bool, len(c.p.Matrices)) // a leg may be absent or shorter than Durations
	used := make([]bool, len(c.p.Matrices))
	for r := range c.shifts {
		d, m := &c.shifts[r], c.p.Shifts[r].Matrix
		used[m] = true
		for _, at := range []int32{d.start, d.end} {
			if at >= 0 {
				places = append(places, at)
			}
			legless[m] = legless[m] || at < 0 || len(d.hours) > 0
		}
	}
	for m := range used {
		if !used[m] {
			continue
		}
		dur, wide := c.p.Matrices[m].Durations, int32(c.p.Matrices[m].Places)
		for u := range c.stops {
			s := &c.stops[u]
			in, on := never, never
			for v, b := range places {
				if v != u {
					in, on = min(in, dur[b*wide+s.place]), min(on, dur[s.place*wide+b])
				}
			}
			if legless[m] {
				in, on = 0, 0
			}
			s.least = min(s.least, in+on+s.service)
		}
	}
}

// setAllowed fills the bit matrix allowed from skills, crew, capacity and
// Stop.Shifts.
func (c *core) setAllowed() {
	c.words = (len(c.shifts) + 63) / 64
	c.allowed = make([]uint64, c.n*c.words)
	for u := range c.p.Stops {
		s := &c.p.Stops[u]
		if c.pinnedBy[u] >= 0 {
			continue
		}
		row := c.allowed[u*c.words:]
		allow := func(k int) {
			h := &c.p.Shifts[k]
			if h.Crew < s.Crew || h.Capacity > 0 && s.Load > h.Capacity {
				return
			}
			for _, skill := range s.Skills {
				if !slices.Contains(h.Skills, skill) {
					return
				}
			}
			row[k/64] |= 1 << (k % 64)
		}
		if s.Shifts == nil {
			for k := range c.shifts {
				allow(k)
			}
		}
		for _, k := range s.Shifts {
			allow(k)
		}
	}
}

// may reports whether shift r may serve stop u. Pinned stops may be served by no
// shift.
func (c *core) may(u, r int32) bool {
	return c.allowed[int(u)*c.words+int(r>>6)]>>(r&63)&1 != 0
}

// setClasses finds shifts that differ only by index.
func (c *core) setClasses() {
	c.class = make([]int32, len(c.shifts))
	column := make([]uint64, len(c.shifts))
	for u := 0; u < c.n; u++ {
		for k := range c.shifts {
			x := column[k]
			if c.may(int32(u), int32(k)) {
				x ^= uint64(u) + 0x9e3779b97f4a7c15
			}
			x = (x ^ x>>29) * 0xbf58476d1ce4e5b9
			column[k] = x ^ x>>32
		}
	}
	byKey := map[string]int32{}
	for k := range c.shifts {
		s := c.p.Shifts[k]
		key := fmt.Sprint(s.Matrix, s.Start, s.End, s.Window, s.Overtime, s.Capacity, s.MaxStops, s.MaxTravel,
			s.MaxDistance, s.MaxWork, s.Rates, column[k])
		for _, b := range s.Breaks {
			key += fmt.Sprint(";", b.Service, b.Windows)
		}
		first, known := byKey[key]
		if !known || len(s.Pinned) > 0 || c.p.Stability.Team > 0 {
			first = int32(k)
			byKey[key] = first
		}
		c.class[k] = first
	}
}

// weigh returns the worth of each stop. Worths are such that their sums compare as
// the objective says: Must stops first, then priorities. The error says that the
// numbers would not fit into 62 bits.
func (p *Problem) weigh() ([]int64, *Error) {
	worth := make([]int64, len(p.Stops))
	sum, high := int64(0), uint64(0)
	add := func(a, b int64) int64 {
		s, carry := bits.Add64(uint64(a), uint64(b), 0)
		if carry > 0 || s > math.MaxInt64/4 {
			high = 1
			return 0
		}
		return int64(s)
	}
	mul := func(a, b int64) int64 {
		h, l := bits.Mul64(uint64(a), uint64(b))
		if h > 0 || l > math.MaxInt64/4 {
			high = 1
			return 0
		}
		return int64(l)
	}
	switch p.Objective {
	case ValueFirst:
		for u := range p.Stops {
			worth[u] = int64(p.Stops[u].Priority)*int64(len(p.Stops)+1) + 1
			sum += worth[u]
		}
	case PriorityFirst:
		count := map[int]int64{}
		for u := range p.Stops {
			count[p.Stops[u].Priority]++
		}
		levels := make([]int, 0, len(count))
		for l := range count {
			levels = append(levels, l)
		}
		slices.Sort(levels)
		of := map[int]int64{}
		for _, l := range levels {
			of[l] = add(sum, 1)
			sum = add(sum, mul(of[l], count[l]))
		}
		for u := range p.Stops {
			worth[u] = of[p.Stops[u].Priority]
		}
	}
	must := int64(0)
	for u := range p.Stops {
		if p.Stops[u].Must {
			must++
			worth[u] = add(worth[u], add(sum, 1))
		}
	}
	mul(add(sum, 1), must+1)
	if high > 0 {
		return nil, fault(CodeObjective, "stops",
			"there are too many kinds of priority for each to outweigh all lower ones")
	}
	return worth, nil
}
