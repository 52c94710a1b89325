package conduct

import "time"

// AnswerTime is in how many days a complaint has to be answered, and which profile says so.
type AnswerTime struct {
	Days int // calendar days; 0: no profile of the chain gives any
	// WorkingDays are days from Monday to Friday that are no holiday of the profile's calendar, the day of the complaint
	// not counted; 0: none are given.
	WorkingDays int
	Profile     string
	Cite        []string // the profile's sources

	holidays map[int32]bool
}

// AnswerTime returns the shortest time that a profile of the chain gives for the answer to a complaint. For a
// profile that is in no pack it returns a *refusal.Error with the code conduct.unknown_profile.
func (p *Policy) AnswerTime(profiles []string) (AnswerTime, error) {
	c, bad := p.chain(profiles)
	if bad != nil {
		return AnswerTime{}, bad
	}
	var out AnswerTime
	for _, pr := range c.profiles {
		next := AnswerTime{Days: pr.answerDays, WorkingDays: pr.answerWorkingDays, Profile: pr.ID, Cite: pr.answerCite,
			holidays: p.calendars[pr.Calendar]}
		if n := next.length(); n > 0 && (out.length() == 0 || n < out.length()) {
			out = next
		}
	}
	return out, nil
}

// length is about how many calendar days the time lasts; 0 for none.
func (a AnswerTime) length() int {
	if a.WorkingDays > 0 && (a.Days == 0 || a.WorkingDays*7/5 < a.Days) {
		return max(1, a.WorkingDays*7/5)
	}
	return a.Days
}

// Due is the last date on which a complaint of a local date, "2006-01-02", is answered in time; "" where no profile
// says, or for a date that cannot be read. Of calendar days and working days the earlier one counts.
func (a AnswerTime) Due(date string) string {
	from, err := time.Parse(time.DateOnly, date)
	if err != nil || a.length() == 0 {
		return ""
	}
	due := ""
	if a.Days > 0 {
		due = from.AddDate(0, 0, a.Days).Format(time.DateOnly)
	}
	if a.WorkingDays > 0 {
		day := from
		for left := a.WorkingDays; left > 0; {
			day = day.AddDate(0, 0, 1)
			n := int32(day.Unix() / (24 * 60 * 60))
			if w := weekdayOf(n); w != 0 && w != 6 && !a.holidays[n] {
				left--
			}
		}
		if last := day.Format(time.DateOnly); due == "" || last < due {
			due = last
		}
	}
	return due
}
