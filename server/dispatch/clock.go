package dispatch

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/office"
)

// branch reads a branch and its time zone. round.branch.
func (s *Service) branch(ctx context.Context, id auth.BranchID) (office.Branch, *time.Location, error) {
	b, err := s.opt.Office.Branch(ctx, id)
	if err != nil {
		return office.Branch{}, nil, err
	}
	zone, err := zoneOf(b)
	return b, zone, err
}

// zoneOf is a branch's time zone.
func zoneOf(b office.Branch) (*time.Location, error) {
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return nil, refuse(refusal.Conflict, "round.branch", "", "the time zone of the branch is unknown here; set it with PUT /v1/branches/"+string(b.ID))
	}
	return zone, nil
}

// checkToCome refuses a date that is over at a moment: nobody can be sent out
// yesterday, and what the law said then is not what it says now. round.past.
func checkToCome(date string, at time.Time, zone *time.Location) error {
	if today := at.In(zone).Format(time.DateOnly); date < today {
		return refuse(refusal.Invalid, "round.past", "date", "the day is over: it is "+today+" at the branch; plan that day or a later one")
	}
	return nil
}

// underWay is the published round of a date, but for one, of which a visit has been
// made or begun; "" when there is none.
func (s *Service) underWay(ctx context.Context, b auth.BranchID, date, but string) (string, error) {
	rounds, err := s.roundsOn(ctx, b, date)
	if err != nil {
		return "", err
	}
	for _, r := range rounds {
		if r.ID == but || !r.onPhones() && r.Status != Publishing {
			continue
		}
		issued, err := s.opt.Casework.RoundAssignments(ctx, b, r.ID)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(issued, func(a casework.Issued) bool { return a.Done() || a.UnderWay() }) {
			return r.ID, nil
		}
	}
	return "", nil
}

// refuseUnderWay refuses a second plan for a day that has begun: it would take back
// what the teams are at. round.under_way.
func refuseUnderWay(round string) error {
	return refuse(refusal.Conflict, "round.under_way", "", "the round "+round+" of that day is under way; plan it anew with POST /v1/rounds/"+round+"/replan")
}
