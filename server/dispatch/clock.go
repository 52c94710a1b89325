package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// checkToCome refuses a date that is over at a moment: nobody can be sent out
// yesterday, and what the law said then is not what it says now. round.past.
func checkToCome(date string, at time.Time, zone *time.Location) error {
	if today := at.In(zone).Format(time.DateOnly); date < today {
		return refuse(Invalid, "round.past", "date", "the day is over: it is "+today+" at the branch; plan that day or a later one")
	}
	return nil
}

// underWay is the published round of a date, but for one, of which a visit has been
// made or begun; "" when there is none.
func (s *Service) underWay(ctx context.Context, b auth.BranchID, date, but string) (string, error) {
	q := journal.Query{Branch: b, Type: "rounds", Index: roundsByDate.Name, Eq: []any{date}}
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return "", err
		}
		for _, rec := range f.Records {
			var r Round
			if err := json.Unmarshal(rec.Body, &r); err != nil {
				return "", fmt.Errorf("read round %s: %w", rec.ID, err)
			}
			if r.ID == but || r.Status != Published && r.Status != Replanning {
				continue
			}
			issued, err := s.opt.Casework.RoundAssignments(ctx, b, r.ID)
			if err != nil {
				return "", err
			}
			for i := range issued {
				if issued[i].Done() || issued[i].UnderWay() {
					return r.ID, nil
				}
			}
		}
		if f.Next == "" {
			return "", nil
		}
		q.After = f.Next
	}
}

// refuseUnderWay refuses a second plan for a day that has begun: it would take back
// what the teams are at. round.under_way.
func refuseUnderWay(round string) error {
	return refuse(Conflict, "round.under_way", "", "the round "+round+" of that day is under way; plan it anew with POST /v1/rounds/"+round+"/replan")
}
