package conduct

import (
	"slices"
	"time"
)

// Holidays are the public holidays of the calendar of a chain, the first that its profiles have, as dates in their
// order; none for a chain without a calendar. For a profile that is in no pack it returns a *refusal.Error with the
// code conduct.unknown_profile.
func (p *Policy) Holidays(profiles []string) ([]string, error) {
	c, bad := p.chain(profiles)
	if bad != nil {
		return nil, bad
	}
	for _, pr := range c.profiles {
		if pr.Calendar == "" {
			continue
		}
		var out []string
		for day := range p.calendars[pr.Calendar] {
			out = append(out, time.Unix(int64(day)*24*60*60, 0).UTC().Format(time.DateOnly))
		}
		slices.Sort(out)
		return out, nil
	}
	return nil, nil
}
