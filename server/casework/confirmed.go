package casework

import (
	"context"
	"encoding/json"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Confirmed says that an agent whom a visit names was there, from their own phone.
type Confirmed struct {
	By auth.UserID `json:"by" is:"server"`
	At time.Time   `json:"at"`
}

// confirmationsOf lists the confirmations of a case's visits, by visit.
func (s *Service) confirmationsOf(ctx context.Context, branch auth.BranchID, id journal.CaseID) (map[string][]Confirmed,
	error) {
	out := map[string][]Confirmed{}
	q := journal.Query{Branch: branch, Type: "visit_confirmations", Index: ConfirmationsByCase.Name, Eq: []any{string(id)}}
	err := s.each(ctx, q, func(rec journal.Record) error {
		var k record.Confirmation
		if err := decode(rec, &k); err != nil {
			return err
		}
		out[k.Visit] = append(out[k.Visit], Confirmed{k.By, k.At})
		return nil
	})
	return out, err
}

// withConfirmations adds to a visit who confirmed it and when, and which of the agents it names
// have not. The visit itself never changes.
func withConfirmations(rec journal.Record, by []Confirmed, item json.RawMessage) (json.RawMessage, error) {
	var v record.Visit
	if err := decode(rec, &v); err != nil {
		return nil, err
	}
	users := []auth.UserID{}
	for _, c := range by {
		users = append(users, c.By)
	}
	if by == nil {
		by = []Confirmed{}
	}
	return withMembers(item, "confirmed_by", by, "unconfirmed_agents", unconfirmed(&v, users)), nil
}
