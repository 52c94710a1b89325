package conduct

import "time"

// horizon is how far ahead the next lawful time is sought, in seconds, its end included.
const horizon = 60 * daySeconds

// Decide is Judge, and adds when the same act is allowed next: at its own time if
// it is allowed, else at the first such instant within 60 days (of 24 hours); nil
// when there is none, or when the debtor's zone is not known.
//
// The case and the history stay as they are given. A consent that ends, a flag
// with dates and a contact that ages are reckoned with; what may be learned
// meanwhile is not, so the time is to be judged again when it comes.
func (p *Policy) Decide(req Request) (Decision, error) {
	m, err := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
	if err != nil {
		return Decision{}, err
	}
	d := m.judge()
	switch {
	case d.Allowed():
		d.NextAllowedAt = utc(m.at)
	case len(m.zones) > 0:
		m.lawful(m.at, min(m.at+horizon+1, lastSecond), func(from, _ int64) bool {
			d.NextAllowedAt = utc(from)
			return false
		})
	}
	return d, nil
}

func utc(sec int64) *time.Time {
	t := time.Unix(sec, 0).UTC()
	return &t
}
