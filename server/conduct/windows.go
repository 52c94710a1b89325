package conduct

import (
	"context"
	"slices"
	"time"
)

// Interval is a half-open span of time, in UTC and whole seconds.
type Interval struct{ From, To time.Time }

// Windows returns the lawful times to start an act on a local date ("2006-01-02")
// of the first zone: exactly the instants at which Judge allows it. Windows ignores the
// act's time but not its duration. The spans are sorted, do not touch each other and
// lie inside the date, which may have 23 or 25 hours.
//
// If there are no spans, hits say why: the hits that hold all day, such as a stop or a
// cap that is used up, or else all hits of an instant that has the fewest. A date
// that the zone skipped has neither spans nor hits. An error is a *refusal.Error, or that of ctx.
func (p *Policy) Windows(
	ctx context.Context, profiles []string, day string, a Action, c Case, history []HistoryEntry,
) (spans []Interval, hits []Hit, err error) {
	date, ok := parseDay(day)
	if !ok {
		return nil, nil, invalid("day", "write a date as 2006-01-02")
	}
	a.At = When{int64(date) * daySeconds, wall}
	m, e := p.prepare(profiles, &a, &c, history)
	if e != nil {
		return nil, nil, e
	}
	if len(m.zones) == 0 {
		return nil, m.judge().All, nil
	}
	parts := m.zones[0].instantsOf(date)
	for _, part := range parts {
		err := m.lawful(ctx, part.from, part.to, func(from, to int64) bool {
			spans = append(spans, Interval{time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()})
			return true
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if len(spans) == 0 {
		if hits, err = m.whyNever(ctx, parts); err != nil {
			return nil, nil, err
		}
	}
	return spans, hits, nil
}

// instantsOf returns the spans of instants that have a local date: usually one, several
// if the zone set its clocks back just after midnight, none for a date that it skipped.
func (z *zone) instantsOf(day int32) []span {
	midnight := int64(day) * daySeconds
	var parts []span
	for i := z.span(midnight - maxOffset); i <= z.span(midnight+daySeconds+maxOffset); i++ {
		from, to := max(midnight-z.offsets[i], firstSecond), min(midnight+daySeconds-z.offsets[i], lastSecond)
		if i > 0 {
			from = max(from, z.starts[i])
		}
		if i+1 < len(z.starts) {
			to = min(to, z.starts[i+1])
		}
		switch n := len(parts); {
		case from >= to:
		case n > 0 && parts[n-1].to == from:
			parts[n-1].to = to
		default:
			parts = append(parts, span{from, to})
		}
	}
	return parts
}

// lawful yields the spans of [from, to) in which the matter is allowed, in order and
// joined, until yield returns false. The decision cannot change between two
// breakpoints, so one trial decides for all instants between them. The rules about
// hours have many breakpoints a day; they are judged only where all other rules allow.
// It stops with the error of ctx.
func (m *matter) lawful(ctx context.Context, from, to int64, yield func(from, to int64) bool) error {
	v := trial{matter: m, brief: true}
	edges := m.clockEdges()
	trials := 0
	var start int64
	open := false // an allowed span runs from start
	slow := m.slowBreaks(from, to)
	for i, t := range slow[:len(slow)-1] {
		fine := slow[i : i+2]
		possible := v.allows(t, clockless)
		if possible {
			fine = m.clockBreaks(t, slow[i+1], edges)
		}
		for _, t := range fine[:len(fine)-1] {
			if trials++; trials%512 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			switch ok := possible && v.allows(t, clockOnly); {
			case ok && !open:
				start, open = t, true
			case !ok && open:
				if open = false; !yield(start, t) {
					return nil
				}
			}
		}
	}
	if open {
		yield(start, to)
	}
	return nil
}

// allows tells whether a part of the rules has no hit at an instant.
func (v *trial) allows(t int64, by ruleKind) bool {
	v.judged = by
	v.run(t)
	return len(v.hits) == 0
}

// slowBreaks returns the instants at which a rule that is not about hours may change the
// decision: the midnights of the first zone, and the times of consents, notices and
// earlier contacts. The first is from and the last is to.
func (m *matter) slowBreaks(from, to int64) []int64 {
	b := breaks{from: from, to: to, list: []int64{from, to}}
	z := m.zones[0]
	for i := z.span(from); i <= z.span(to); i++ {
		b.add(z.starts[i])
		for day := dayOfWall(from + z.offsets[i]); day <= dayOfWall(to+z.offsets[i]); day++ {
			b.add(int64(day)*daySeconds - z.offsets[i])
		}
	}
	for i := range m.consents {
		b.add(m.consents[i].from)
		b.add(m.consents[i].to)
	}
	for i := range m.history {
		b.add(m.history[i].at)
	}
	b.add(m.visitNotice.at)
	b.add(m.agencyNotice.at)
	return b.sorted()
}

// clockEdges returns the seconds of the day at which hours and no-contact times begin or end, and midnight.
func (m *matter) clockEdges() []int64 {
	edges := []int64{0}
	for _, pr := range m.chain.profiles {
		for i := range pr.hours {
			for _, s := range pr.hours[i].allow {
				edges = append(edges, s.from, s.to%daySeconds)
			}
		}
	}
	for _, s := range m.noTimes {
		edges = append(edges, s.from, s.to%daySeconds)
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// clockBreaks returns the instants at which a rule about hours may change the decision:
// where the act's start or its end reaches an edge or a clock change in any zone, and one
// second later.
func (m *matter) clockBreaks(from, to int64, edges []int64) []int64 {
	b := breaks{from: from, to: to, list: []int64{from, to}}
	meet := func(t int64) {
		b.add(t)
		b.add(t + 1)
		b.add(t - m.duration + 1)
	}
	end := to + m.duration
	for _, z := range m.zones {
		for i := z.span(from); i <= z.span(end); i++ {
			meet(z.starts[i])
			for day := dayOfWall(from+z.offsets[i]) - 1; day <= dayOfWall(end+z.offsets[i])+1; day++ {
				for _, e := range edges {
					meet(int64(day)*daySeconds + e - z.offsets[i])
				}
			}
		}
	}
	return b.sorted()
}

// breaks collects the breakpoints between from and to.
type breaks struct {
	from, to int64
	list     []int64
}

func (b *breaks) add(t int64) {
	if b.from < t && t < b.to {
		b.list = append(b.list, t)
	}
}

func (b *breaks) sorted() []int64 {
	slices.Sort(b.list)
	return slices.Compact(b.list)
}

// whyNever explains a date without a lawful instant: it returns the hits that all its
// instants share, or else the hits of the first instant that has the fewest.
func (m *matter) whyNever(ctx context.Context, parts []span) ([]Hit, error) {
	v := trial{matter: m}
	var shared, fewest []Hit
	first := true
	edges := m.clockEdges()
	for _, part := range parts {
		times := slices.Concat(m.slowBreaks(part.from, part.to), m.clockBreaks(part.from, part.to, edges))
		slices.Sort(times)
		for i, t := range slices.Compact(times) {
			if i%64 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if t == part.to {
				continue
			}
			v.run(t)
			hits := sortHits(slices.Clone(v.hits))
			if first {
				shared, fewest, first = slices.Clone(hits), hits, false
				continue
			}
			shared = slices.DeleteFunc(shared, func(h Hit) bool {
				return !slices.ContainsFunc(hits, func(o Hit) bool { return o.priority == h.priority && o.Rule == h.Rule })
			})
			if len(hits) < len(fewest) {
				fewest = hits
			}
		}
	}
	if len(shared) > 0 {
		return shared, nil
	}
	return fewest, nil
}
