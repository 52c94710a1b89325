package conduct

// AnswerTime is in how many calendar days a complaint has to be answered, and which profile says so.
type AnswerTime struct {
	Days    int // 0: no profile of the chain says
	Profile string
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
		if pr.answerDays > 0 && (out.Days == 0 || pr.answerDays < out.Days) {
			out = AnswerTime{pr.answerDays, pr.ID}
		}
	}
	return out, nil
}
