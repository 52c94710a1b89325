package casework

import (
	"time"

	"doorstep/server/record"
)

// within tells whether an agent may agree to the plan alone. day is the local date of the agreement.
func (l PlanLimits) within(p *record.Plan, day string) bool {
	if l.MaxInstalments > 0 && len(p.Instalments) > l.MaxInstalments {
		return false
	}
	if limit, ok := l.MaxTotalMinor[p.Currency]; ok && p.TotalMinor > limit {
		return false
	}
	// What is given up is somebody else's money: without a limit for the currency nobody may give any alone.
	if given := p.GivenUp(); given > 0 && given > l.MaxConcessionMinor[p.Currency] {
		return false
	}
	if p.TotalMinor > p.BalanceMinor {
		return false
	}
	if l.MaxDays > 0 {
		from, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return false
		}
		if p.Instalments[len(p.Instalments)-1].DueOn > from.AddDate(0, 0, l.MaxDays).Format(time.DateOnly) {
			return false
		}
	}
	return true
}
