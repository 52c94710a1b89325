package routing

import (
	"math"
	"slices"
)

// spot is a position for a stop: index i in the route of shift r, at a cost. r is -1
// if there is none.
type spot struct {
	r, i int32
	cost float64
}

// nowhere is the spot of a stop that fits into no route.
var nowhere = spot{r: -1}

// ask is try, but returns best at once if an earlier call found that route r, as it
// is now, has no room for u.
func (p *plan) ask(u, r int32, best spot, b *blinker) spot {
	if best.r >= 0 {
		return p.try(u, r, best, b)
	}
	known := &p.unfit[int(u)*len(p.seq)+int(r)]
	if *known == p.version[r] {
		return best
	}
	if b != nil {
		b.did = false
	}
	best = p.try(u, r, best, b)
	if best.r < 0 && (b == nil || !b.did) {
		*known = p.version[r]
	}
	return best
}

// try returns the cheapest spot for u in route r, or best if no spot is cheaper. The
// blinker skips some positions at random; nil skips none.
func (p *plan) try(u, r int32, best spot, b *blinker) spot {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	s, sum := &c.stops[u], &p.sums[r]
	if p.left[r] < s.load || p.most[r] < s.least {
		return best
	}
	base := float64(s.service) * d.perService
	if c.steady {
		base += float64(p.moves(r, u))
	}
	if p.even.by != BalanceNone {
		base += p.even.change(r, p.even.unit(int(s.service)))
	}
	if len(seq) == 0 {
		base += d.fixed
	}
	if d.swift && c.labels == 1 {
		return p.trySwift(u, r, base, best, b)
	}
	if c.labels > 1 && len(d.hours) == 0 && !d.metres && d.start >= 0 && d.end >= 0 && (d.maxTravel == 0 || d.verify) {
		return p.tryBreaks(u, r, base, best, b)
	}
	fast := d.plain && c.labels == 1
	lastFrom := c.windows[s.w1-1].to
	row := s.place * d.places
	for i := len(d.pins); i <= len(seq); i++ {
		a, z := d.start, d.end
		left := d.from
		if i > 0 {
			a = c.stops[seq[i-1]].place
			if fast {
				left = p.dep[seq[i-1]]
			}
		}
		if fast && left > lastFrom {
			break
		}
		if b != nil && b.blink() {
			continue
		}
		if i < len(seq) {
			z = c.stops[seq[i]].place
		}
		more, metres, setup := int32(0), int32(0), int32(0)
		in, on := int32(0), int32(0)
		if a >= 0 {
			in = d.dur[a*d.places+s.place]
			more += in
		}
		if z >= 0 {
			on = d.dur[row+z]
			more += on
			if a >= 0 && len(seq) > 0 {
				more -= d.dur[a*d.places+z]
			}
		}
		if d.metres {
			metres = d.detour(a, s.place, z, len(seq) > 0)
		}
		if a != s.place {
			setup = s.setup
		}
		spent := setup
		if i < len(seq) {
			v := &c.stops[seq[i]]
			if a != z {
				spent -= v.setup
			}
			if s.place != z {
				spent += v.setup
			}
		}
		cost := base + float64(more)*d.perSecond + float64(metres)*d.perMetre + float64(spent)*d.perService
		if best.r >= 0 && cost >= best.cost {
			continue
		}
		if d.maxTravel > 0 && !d.verify && sum.travel+int(more) > d.maxTravel ||
			d.maxDistance > 0 && sum.distance+int(metres) > d.maxDistance {
			continue
		}
		if fast {
			t := left + in + setup
			if t < s.from {
				t = s.from
			} else if t > s.to {
				if t = c.next(s.w0, s.w1, t); t >= never {
					continue
				}
			}
			t += s.service + on
			if i == len(seq) {
				if t > d.latest {
					continue
				}
			} else {
				v := &c.stops[seq[i]]
				if s.place != z {
					t += v.setup
				}
				if t > p.lat[seq[i]] {
					continue
				}
			}
		} else if !p.fits(r, int32(i), u) {
			continue
		}
		if d.verify && !p.holds(r, i, u) {
			continue
		}
		best = spot{r, int32(i), cost}
	}
	return best
}

// trySwift is try for swift shifts: only windows and times are left to test.
func (p *plan) trySwift(u, r int32, base float64, best spot, b *blinker) spot {
	c, d := p.c, &p.c.shifts[r]
	s := &c.stops[u]
	row := d.dur[s.place*d.places:][:d.places]
	column := d.turned[s.place*d.places:][:d.places]
	a, left := d.start, d.from
	last := c.windows[s.w1-1].to
	early := s.from + s.service
	// A detour of limit seconds or more is no better than best.
	limit := int32(math.MaxInt32)
	if best.r >= 0 {
		limit = tooFar(best.cost-base, d.perSecond)
	}
	posts := p.posts[r]
	for i := range posts {
		if left > last {
			break
		}
		x := &posts[i]
		prev, from, due := a, left, x.late
		a, left = x.place, x.soon
		if early > due || s.least > x.room { // tested first, because looking up durations takes most of the time
			continue
		}
		in, on := column[prev], row[a]
		more := in + on - x.into
		if more >= limit || early+on > due || from+in > last || from+in+s.service+on > due {
			continue
		}
		if t := from + in; t > s.to {
			if t = c.next(s.w0, s.w1, t); t >= never || t+s.service+on > due {
				continue
			}
		}
		if b != nil && b.blink() {
			continue
		}
		best = spot{r, int32(i), base + float64(more)*d.perSecond}
		limit = more
	}
	return best
}

// tooFar returns the smallest whole number of seconds that costs at least room.
func tooFar(room, perSecond float64) int32 {
	if perSecond <= 0 {
		if room > 0 {
			return math.MaxInt32
		}
		return math.MinInt32
	}
	return int32(min(max(math.Ceil(room/perSecond), math.MinInt32), math.MaxInt32))
}

// detour returns the additional metres of going from a to z by way of b. used says
// that the route has stops.
func (d *shiftData) detour(a, b, z int32, used bool) int32 {
	more := int32(0)
	if a >= 0 {
		more += d.dist[a*d.places+b]
	}
	if z >= 0 {
		more += d.dist[b*d.places+z]
		if a >= 0 && used {
			more -= d.dist[a*d.places+z]
		}
	}
	return more
}

// tryBreaks is try for shifts without hours where only times are left to test. It
// rejects most positions without looking at the breaks.
func (p *plan) tryBreaks(u, r int32, base float64, best spot, b *blinker) spot {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	s := &c.stops[u]
	row := d.dur[s.place*d.places:][:d.places]
	column := d.turned[s.place*d.places:][:d.places]
	a, left := d.start, d.from
	pins := len(d.pins)
	if pins > 0 {
		a, left = p.posts[r][pins-1].place, p.posts[r][pins-1].soon
	}
	last := c.windows[s.w1-1].to
	early := s.from + s.service
	limit := int32(math.MaxInt32)
	one := d.oneBreak && c.labels == 2
	priced := d.perService > 0 && c.setups
	if best.r >= 0 && !priced {
		limit = tooFar(best.cost-base, d.perSecond)
	}
	posts := p.posts[r]
	for i := pins; i < len(posts); i++ {
		if left > last {
			break
		}
		x := &posts[i]
		prev, from, due := a, left, x.late
		a, left = x.place, x.soon
		if early > due || s.least > x.room {
			continue
		}
		in, on := column[prev], row[a]
		more := in + on - x.into
		if more >= limit || early+on > due || from+in > last {
			continue
		}
		v, z := int32(-1), a
		if i < len(seq) {
			v = seq[i]
		}
		t := from + in
		setup := int32(0)
		if prev != s.place {
			setup = s.setup
			t += setup
		}
		if t < s.from {
			t = s.from
		} else if t > s.to {
			if t = c.next(s.w0, s.w1, t); t >= never {
				continue
			}
		}
		setup2 := int32(0)
		if v >= 0 && z != s.place {
			setup2 = c.stops[v].setup
		}
		if t+s.service+on+setup2 > due {
			continue
		}
		cost := base + float64(more)*d.perSecond
		if priced {
			spent := int32(0)
			if prev != s.place {
				spent += s.setup
			}
			if v >= 0 && prev != z {
				spent -= c.stops[v].setup
			}
			if v >= 0 && s.place != z {
				spent += c.stops[v].setup
			}
			cost += float64(spent) * d.perService
		}
		if best.r >= 0 && cost >= best.cost || b != nil && b.blink() {
			continue
		}
		if one {
			if in+setup+s.service+on+setup2 > x.room {
				continue
			}
			if !p.fitsOne(r, int32(i), u, v, in, on, setup, setup2) {
				continue
			}
		} else if !p.fits(r, int32(i), u) {
			continue
		}
		if d.verify && !p.holds(r, i, u) {
			continue
		}
		best = spot{r, int32(i), cost}
		if !priced {
			limit = more
		}
	}
	return best
}

// fits reports whether the times of route r allow u at position i.
func (p *plan) fits(r, i, u int32) bool {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	var room [MaxBreaks + 1]int32
	out := room[:]
	a, in := p.before(r, i)
	c.reach(d, a, in, u, out)
	s := &c.stops[u]
	if int(i) == len(seq) {
		return c.finish(d, s.place, out) <= d.latest
	}
	v := &c.stops[seq[i]]
	setup := v.setup
	if v.place == s.place {
		setup = 0
	}
	lat := p.latest(seq[i])
	for k := range len(d.breaks) + 1 {
		if out[k] >= never {
			continue
		}
		for k2 := k; k2 <= len(d.breaks); k2++ {
			if lat[k2] < 0 || out[k] > lat[k2] {
				continue
			}
			t := c.leg(d, s.place, v.place, out[k], k, k2)
			if t < never && c.next(v.w0, v.w1, t+setup) <= lat[k2] {
				return true
			}
		}
	}
	return false
}

// holds reports whether the limits that need exact times allow u at position i of
// route r.
func (p *plan) holds(r int32, i int, u int32) bool {
	p.trial = append(p.trial[:0], p.seq[r]...)
	p.trial = slices.Insert(p.trial, i, u)
	return p.c.within(r, p.trial, &p.paper)
}

// within reports whether a route keeps the limits that need exact times.
func (c *core) within(r int32, seq []int32, w *sheet) bool {
	d := &c.shifts[r]
	t := c.layOut(r, seq, w, nil)
	return t.ok && (d.maxWork == 0 || t.end-t.start-t.breaks <= d.maxWork) &&
		(d.maxTravel == 0 || t.travel <= d.maxTravel)
}

// sound reports whether route r keeps all limits except capacity and number of
// stops. Its labels and sums must be up to date. The pinned stops alone always keep
// them.
func (p *plan) sound(r int32) bool {
	c, d, seq := p.c, &p.c.shifts[r], p.seq[r]
	if len(seq) == len(d.pins) {
		return true
	}
	a, in := p.before(r, int32(len(seq)))
	if c.finish(d, a, in) > d.latest || d.maxDistance > 0 && p.sums[r].distance > d.maxDistance {
		return false
	}
	if d.verify {
		return c.within(r, seq, &p.paper)
	}
	return d.maxTravel == 0 || p.sums[r].travel <= d.maxTravel
}

// put inserts u at a spot and updates labels and sums but not the cost.
func (p *plan) put(u int32, at spot) {
	r, i := at.r, at.i
	seq := append(p.seq[r], 0)
	copy(seq[i+1:], seq[i:])
	seq[i] = u
	p.seq[r] = seq
	p.takeIn(u)
	p.renew(r, i, i)
	p.tally(r)
}
