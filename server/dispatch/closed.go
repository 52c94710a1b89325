package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
)

// closed is a branch's closed day of a local date; nil if it is open. Closed days are in the organisation's journal: no
// decision of the branch can rest on them. Issuing looks again.
func (s *Service) closed(ctx context.Context, b auth.BranchID, date string) (*office.ClosedDay, error) {
	c, is, err := s.opt.Office.ClosedOn(ctx, b, date)
	if err != nil || !is {
		return nil, err
	}
	return &c, nil
}

// checkOpen refuses a day on which the branch is closed. round.branch_closed.
func checkOpen(c *office.ClosedDay) error {
	if c == nil {
		return nil
	}
	return refuse(refusal.Conflict, "round.branch_closed", "date", fmt.Sprintf("the branch is closed on %s (%s). Open "+
		"the day again with DELETE /v1/branches/%s/closed-days/%s, or plan another", c.Date, c.Reason, c.Branch, c.Date))
}

// ofOffice is why a case gets no stop for a reason of the office that is a rule of our own; the code is "" for others.
func ofOffice(code string) whyNot {
	switch code {
	case OnLeave:
		return whyNot{code: OnLeave, rule: "house-leave", cite: []string{"house"}}
	case CertExpired:
		return whyNot{code: CertExpired, rule: "house-certificate", cite: []string{"house"}}
	case BranchClosed:
		return whyNot{code: BranchClosed, rule: "house-closed", cite: []string{"house"}}
	}
	return whyNot{}
}

// allOnLeave tells whether every agent of a team is on leave; false for none.
func allOnLeave(agents []auth.UserID, unable map[auth.UserID]string) bool {
	for _, id := range agents {
		if unable[id] != office.AgentOnLeave {
			return false
		}
	}
	return len(agents) > 0
}

// emptyWhy is why a case gets no stop that only teams without an agent would go to.
func emptyWhy(empty []crew, would []int) whyNot {
	why := OnLeave
	for _, i := range would {
		switch {
		case empty[i].uncertified:
			why = CertExpired
		case !empty[i].onLeave:
			return whyNot{code: NoAgent}
		}
	}
	return ofOffice(why)
}

// uncertified tells whether agents of a team lack a certificate, and all others are on leave.
func uncertified(agents []auth.UserID, unable map[auth.UserID]string) bool {
	lacks := false
	for _, id := range agents {
		switch unable[id] {
		case office.AgentCertExpired:
			lacks = true
		case office.AgentOnLeave:
		default:
			return false
		}
	}
	return lacks
}

// Touched is a round that has work on a day on which its branch is closed, or for an agent who is on leave.
type Touched struct {
	Round  string `json:"round"`
	Date   string `json:"date"`
	Status string `json:"status"` // planned or published
}

// touchedDays is how many days are looked through for rounds: rounds are planned a few days ahead.
const touchedDays = 31

// Touched lists the planned and published rounds of some days, from today on and of at most a month, that have a route
// of an agent, or any with agent "". What of them is on phones was taken back; what is only planned is left out when
// they are published, unless they are planned anew.
func (s *Service) Touched(ctx context.Context, b auth.BranchID, from, to string, agent auth.UserID) ([]Touched, error) {
	out := []Touched{}
	today, err := s.today(ctx, b)
	if err != nil {
		return nil, err
	}
	day, err := time.Parse(time.DateOnly, max(from, today))
	if err != nil {
		return nil, fmt.Errorf("read a date: %w", err)
	}
	for range touchedDays {
		date := day.Format(time.DateOnly)
		if date > to {
			break
		}
		rounds, err := s.roundsOn(ctx, b, date)
		if err != nil {
			return nil, err
		}
		for _, r := range rounds {
			if r.Status != Planned && !r.OnPhones() {
				continue
			}
			routes, err := s.routes(ctx, r)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(routes, func(x Route) bool {
				return len(x.Stops) > 0 && (agent == "" || slices.Contains(x.Agents, agent))
			}) {
				status := Planned
				if r.OnPhones() {
					status = Published
				}
				out = append(out, Touched{r.ID, date, status})
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return out, nil
}
