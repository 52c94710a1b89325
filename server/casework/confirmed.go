package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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

// confirmers are the users of confirmations.
func confirmers(all []Confirmed) []auth.UserID {
	out := make([]auth.UserID, len(all))
	for i, c := range all {
		out[i] = c.By
	}
	return out
}

// visitNow is a visit as an audience sees it: with the flags that hold now and, for the office, who confirmed it and
// when, and which of the agents it names have not. The stored visit never changes.
func (s *Service) visitNow(ctx context.Context, rec journal.Record, by []Confirmed,
	to record.Audience) (json.RawMessage, error) {
	var named []auth.UserID
	doc, err := s.shownAs(ctx, rec, to, func(state any) {
		v := state.(*record.Visit)
		v.Flags, named = v.FlagsNow(confirmers(by)), v.Unconfirmed(confirmers(by))
	})
	if err != nil || to != record.Office {
		return doc, err
	}
	if by == nil {
		by = []Confirmed{}
	}
	return withMembers(doc, "confirmed_by", by, "unconfirmed_agents", named), nil
}

// confirmationsAhead reads the confirmations of the visits of a page that one may change, for all their cases at once;
// by visit.
func (s *Service) confirmationsAhead(ctx context.Context, branch auth.BranchID,
	recs []journal.Record) (map[string][]Confirmed, error) {
	var of []journal.CaseID
	for _, rec := range recs {
		if rec.Type != "visits" || rec.Deleted || rec.Body == nil {
			continue
		}
		var v struct {
			Case  journal.CaseID `json:"case"`
			Flags []string       `json:"flags"`
		}
		if err := decodeSome(rec, &v, "case", "flags"); err != nil {
			return nil, err
		}
		if record.SettledByAgents(v.Flags) {
			of = append(of, v.Case)
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	all, err := s.store.FindEach(ctx, journal.Query{Branch: branch, Type: "visit_confirmations",
		Index: ConfirmationsByCase.Name}, eqs(of))
	if err != nil {
		return nil, fmt.Errorf("read confirmations: %w", err)
	}
	out := map[string][]Confirmed{}
	for _, of := range all {
		for _, rec := range of {
			var k record.Confirmation
			if err := decode(rec, &k); err != nil {
				return nil, err
			}
			out[k.Visit] = append(out[k.Visit], Confirmed{k.By, k.At})
		}
	}
	return out, nil
}

// deskSettle is a visit as far as its flags go.
type deskSettle struct {
	By     auth.UserID   `json:"by"`
	Agents []auth.UserID `json:"agents"`
	Flags  []string      `json:"flags"`
}

// settleOf is that of a visit whose flags a confirmation may change; nil of another.
func settleOf(v *record.Visit) *deskSettle {
	if !record.SettledByAgents(v.Flags) {
		return nil
	}
	s := &deskSettle{By: v.By, Flags: v.Flags}
	for _, x := range v.Agents {
		s.Agents = append(s.Agents, x.Agent)
	}
	return s
}

// confirmed notes that an agent has confirmed a visit: one whose flags that settles waits no more.
func (d *deskRun) confirmed(n uint64, k *record.Confirmation) error {
	var row deskVisit
	if there, err := d.read(visitRow(k.Visit), &row); err != nil || !there || row.Settle == nil {
		return err
	}
	if !slices.Contains(row.Confirmed, k.By) {
		row.Confirmed = append(row.Confirmed, k.By)
	}
	v := record.Visit{VisitFound: record.VisitFound{Taken: record.Taken{By: row.Settle.By, Flags: row.Settle.Flags}}}
	for _, id := range row.Settle.Agents {
		v.Agents = append(v.Agents, record.VisitAgent{Agent: id})
	}
	if len(v.FlagsNow(row.Confirmed)) == 0 {
		row.Flagged, row.todo = 0, todo{}
	}
	return d.put(n, visitRow(k.Visit), row)
}
