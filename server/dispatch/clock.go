package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/sync/journal"
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
		return nil, refuse(refusal.Conflict, "round.branch", "",
			"the time zone of the branch is unknown here; set it with PUT /v1/branches/"+string(b.ID))
	}
	return zone, nil
}

// checkToCome refuses a date that is over at a moment: no team can be sent out
// yesterday, and what the law said then is not what it says now. round.past.
func checkToCome(date string, at time.Time, zone *time.Location) error {
	if today := at.In(zone).Format(time.DateOnly); date < today {
		return refuse(refusal.Invalid, "round.past", "date",
			"the day is over: it is "+today+" at the branch; plan that day or a later one")
	}
	return nil
}

// underWay is the published round of a date, but for one, of which a visit has been
// made or begun; "" when there is none. The decision that asks rests on the answer.
func (s *Service) underWay(ctx context.Context, r *journal.Reader, date, but string) (string, error) {
	r.Depend(dayKey(date))
	recs, err := r.All(ctx, roundsByDate, date)
	if err != nil {
		return "", err
	}
	for _, rec := range recs {
		var round Round
		if err := json.Unmarshal(rec.Body, &round); err != nil {
			return "", fmt.Errorf("read round %s: %w", rec.ID, err)
		}
		if round.ID == but || !round.OnPhones() && round.Status != Publishing {
			continue
		}
		begun, err := casework.RoundBegun(ctx, r, round.ID)
		if err != nil {
			return "", err
		}
		if begun {
			return round.ID, nil
		}
	}
	return "", nil
}

// dayKey is the key of the rounds of a date: every write of a round's header writes it.
func dayKey(date string) journal.Key { return journal.Key("rounds:" + date) }

// refuseUnderWay refuses a second plan for a day that has begun: it would take back
// what the teams are at. round.under_way.
func refuseUnderWay(round string) error {
	return refuse(refusal.Conflict, "round.under_way", "",
		"the round "+round+" of that day is under way; plan it anew with POST /v1/rounds/"+round+"/replan")
}
