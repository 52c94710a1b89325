package conduct

import (
	"context"
	"time"
)

// horizon is how far ahead Decide looks for the next lawful time, in seconds, its end included.
const horizon = 60 * daySeconds

// Decide does what Judge does and sets NextAllowedAt: the act's own time if it is
// allowed, or else the first instant within 60 days (of 24 hours) at which it is
// allowed. NextAllowedAt is nil if there is no such instant or the debtor's zone is
// not known.
//
// Decide assumes that the case and the history do not change until then. It takes
// account of consents that end, flags with dates and contacts that grow old. Judge
// the act again when its time comes: the case may have changed.
//
// An error is Judge's, or that of ctx, which stops the search.
func (p *Policy) Decide(ctx context.Context, req Request) (Decision, error) {
	m, malformed := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
	if malformed != nil {
		return Decision{}, malformed
	}
	d := m.judge()
	switch {
	case d.Allowed():
		d.NextAllowedAt = utc(m.at)
	case len(m.zones) > 0:
		err := m.lawful(ctx, m.at, min(m.at+horizon+1, lastSecond), func(from, _ int64) bool {
			d.NextAllowedAt = utc(from)
			return false
		})
		if err != nil {
			return Decision{}, err
		}
	}
	return d, nil
}

func utc(sec int64) *time.Time {
	t := time.Unix(sec, 0).UTC()
	return &t
}
