package conduct

import (
	"context"
	"slices"
	"time"

	"doorstep/auth/refusal"
)

// Band is a part of a day in which an act is decided alike: the decision and its first reason do not change.
type Band struct {
	From     time.Time `json:"from"` // UTC
	To       time.Time `json:"to"`   // the end does not belong to it
	Decision string    `json:"decision"`
	Reason   string    `json:"reason,omitempty"` // of the first hit; none if allowed
	Rule     string    `json:"rule,omitempty"`   // of the first hit; none if allowed
	Cite     []string  `json:"cite"`             // keys of the sources of the first hit's rule
}

// Day is a local date of the debtor's first zone, in bands.
type Day struct {
	Date  string `json:"date"`
	Zone  string `json:"zone"`
	Bands []Band `json:"bands"` // in order, without gaps; none for a date that the zone skipped
}

// Day judges an act at every instant of the local date on which it would begin, in the debtor's first zone. An act that
// lasts is judged by its whole length, so that a band ends where the act could begin last. The error is a
// *refusal.Error, conduct.zone_unknown where neither the act nor a profile names a zone, or that of ctx.
func (p *Policy) Day(ctx context.Context, req Request) (Day, error) {
	m, malformed := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
	if malformed != nil {
		return Day{}, malformed
	}
	if len(m.zones) == 0 {
		return Day{}, refusal.New(refusal.Invalid, "conduct.zone_unknown", "action.tz",
			"name the debtor's zone, such as Europe/Lisbon: none of the profiles names one")
	}
	z := m.zones[0]
	date := z.dayOf(m.at)
	out := Day{Date: time.Unix(int64(date)*daySeconds, 0).UTC().Format(time.DateOnly), Zone: z.name, Bands: []Band{}}
	v, edges := trial{matter: m}, m.clockEdges()
	for _, part := range z.instantsOf(date) {
		times := slices.Concat(m.slowBreaks(part.from, part.to), m.clockBreaks(part.from, part.to, edges))
		slices.Sort(times)
		times = slices.Compact(times)
		for i, t := range times[:len(times)-1] {
			if i%64 == 0 && ctx.Err() != nil {
				return Day{}, ctx.Err()
			}
			v.run(t)
			out.add(t, times[i+1], sortHits(slices.Clone(v.hits)))
		}
	}
	return out, nil
}

// add puts a span at the end of a day, as a part of the band before it where that is decided alike.
func (d *Day) add(from, to int64, hits []Hit) {
	b := Band{From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC(), Decision: Allow, Cite: []string{}}
	if len(hits) > 0 {
		b.Decision, b.Reason, b.Rule = Deny, hits[0].Reason, hits[0].Rule
		b.Cite = append(b.Cite, hits[0].Cite...)
	}
	if n := len(d.Bands); n > 0 {
		if was := &d.Bands[n-1]; was.To.Equal(b.From) && was.Decision == b.Decision && was.Rule == b.Rule &&
			was.Reason == b.Reason {
			was.To = b.To
			return
		}
	}
	d.Bands = append(d.Bands, b)
}
