package routing

import (
	"math/bits"
	"slices"
)

// result returns the plan of s as a Result.
func (c *core) result(s *search) Result {
	p := s.p
	var res Result
	each := make([]int64, len(c.shifts))
	for r := range c.shifts {
		if len(p.seq[r]) == 0 {
			continue
		}
		var steps []Step
		t := c.layOut(int32(r), p.seq[r], &p.paper, &steps)
		d := &c.shifts[r]
		work := t.end - t.start - t.breaks
		late := max(0, t.end-int(d.due))
		route := Route{Shift: r, Steps: steps}
		route.Total = Total{Stops: len(p.seq[r]), Travel: t.travel, Distance: t.distance, Setup: t.setup,
			Service: t.service, Wait: t.wait, Breaks: t.breaks, Overtime: late, Work: work}
		moved := t.moves
		for _, u := range p.seq[r] {
			route.Total.Priority += c.p.Stops[u].Priority
			moved += p.moves(int32(r), u)
		}
		route.Cost = Cost{Fixed: d.rates.Fixed, Travel: charge(d.rates.TravelHour, t.travel, 3600),
			Distance: charge(d.rates.Km, t.distance, 1000), Wait: charge(d.rates.WaitHour, t.wait, 3600),
			Service:  charge(d.rates.ServiceHour, t.setup+t.service, 3600),
			Overtime: charge(d.rates.OvertimeHour, late, 3600), Changes: moved}
		res.Routes = append(res.Routes, route)
		res.Cost.add(route.Cost)
		res.Total.add(route.Total)
		switch c.p.Balance.By {
		case BalanceStops:
			each[r] = int64(len(p.seq[r]))
		case BalanceWork:
			each[r] = int64(work)
		}
	}
	res.Cost.Balance = c.p.Balance.cost(each)
	s.setSpare()
	out := slices.Clone(p.out)
	slices.Sort(out)
	why := explainer{s: s}
	for _, u := range out {
		if c.p.Objective == CostFirst {
			res.Cost.LeftOut += c.p.Stops[u].Value
		}
		res.LeftOut = append(res.LeftOut, LeftOut{Stop: int(u), Reason: why.reason(u)})
	}
	return res
}

// cost returns what a balance costs if each shift has so many stops or seconds of
// work: the weight for each unit of distance from the mean, rounded to the nearest
// whole number.
func (b Balance) cost(each []int64) int64 {
	if b.By == BalanceNone || len(each) == 0 {
		return 0
	}
	sum, off := int64(0), int64(0)
	for _, v := range each {
		sum += v
	}
	n := int64(len(each))
	for _, v := range each {
		off += max(v*n-sum, sum-v*n)
	}
	if b.By == BalanceWork {
		n *= 3600
	}
	return charge(b.Weight, int(off), n)
}

// charge returns rate*amount/unit, rounded to the nearest whole number, halves up.
func charge(rate int64, amount int, unit int64) int64 {
	h, l := bits.Mul64(uint64(rate), uint64(amount))
	l, carry := bits.Add64(l, uint64(unit/2), 0)
	q, _ := bits.Div64(h+carry, l, uint64(unit))
	return int64(q)
}

// add adds each part of o.
func (c *Cost) add(o Cost) {
	c.Fixed += o.Fixed
	c.Travel += o.Travel
	c.Distance += o.Distance
	c.Wait += o.Wait
	c.Service += o.Service
	c.Overtime += o.Overtime
	c.Changes += o.Changes
	c.Balance += o.Balance
	c.LeftOut += o.LeftOut
}

// add adds each sum of o.
func (t *Total) add(o Total) {
	t.Stops += o.Stops
	t.Priority += o.Priority
	t.Travel += o.Travel
	t.Distance += o.Distance
	t.Setup += o.Setup
	t.Service += o.Service
	t.Wait += o.Wait
	t.Breaks += o.Breaks
	t.Overtime += o.Overtime
	t.Work += o.Work
}
