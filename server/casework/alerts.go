package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// AlertMark is a new status of an alert.
type AlertMark struct {
	ID       string
	Status   string
	Outcome  string // a provider's id, or a code; nothing personal
	Attempts int
}

// MarkAlerts records what became of alerts. Outcomes are entries; a rebuild of the views never sends.
type MarkAlerts struct {
	Marks []AlertMark
}

func (c MarkAlerts) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("alert.mark")
	for _, m := range c.Marks {
		rec, there, err := t.r.Doc(ctx, "alerts", m.ID)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		var n record.Alert
		if err := decode(rec, &n); err != nil {
			return nil, err
		}
		n.Status, n.Outcome, n.Attempts = m.Status, m.Outcome, m.Attempts
		if slices.Contains([]string{"sent", "dead", "unknown", "refused"}, m.Status) {
			n.DoneAt = t.At
		}
		d.put("alerts", m.ID, "", &n)
	}
	if len(d.now().docs) == 0 {
		return d.nothing(), nil
	}
	return d, nil
}

// AskAlert judges an alert again at the moment of sending: its assignments must
// still be open and their visits still lawful at their time. code says why not.
func (s *Service) AskAlert(ctx context.Context, branch auth.BranchID, id string) (ok bool, code string, err error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "alerts", ID: id}})
	if err != nil {
		return false, "", err
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return false, "gone", nil
	}
	var n record.Alert
	if err := decode(recs[0], &n); err != nil {
		return false, "", err
	}
	if n.Round == "" {
		return true, "", nil
	}
	code = "revoked"
	err = s.each(ctx, journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsByRound.Name,
		Eq: []any{n.Round}}, func(rec journal.Record) error {
		if ok {
			return nil
		}
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return err
		}
		if a.Status != record.AssignmentOpen || a.Retired || !slices.Contains(a.Agents, n.User) {
			return nil
		}
		v, err := s.judgeAssignment(ctx, branch, &a)
		if err != nil {
			return err
		}
		if ok = v.Allowed(); !ok {
			code = v.Reason
		}
		return nil
	})
	if err != nil {
		return false, "", err
	}
	if ok {
		code = ""
	}
	return ok, code, nil
}

// judgeAssignment asks the law about an issued stop as its case stands now.
func (s *Service) judgeAssignment(ctx context.Context, branch auth.BranchID, a *record.Assignment) (verdict, error) {
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(a.Case)}})
	if err != nil {
		return verdict{}, err
	}
	f := &File{}
	if recs[0].Type == "" || recs[0].Deleted {
		return verdict{Reason: "CASE_CLOSED"}, nil
	}
	if err := decode(recs[0], &f.Case); err != nil {
		return verdict{}, err
	}
	if err := s.vault.OpenDoc(ctx, f.Case.Debtor, branch, "cases", string(a.Case), &f.Case); err != nil {
		return verdict{}, fmt.Errorf("open case: %w", err)
	}
	if err := s.judgedBy(ctx, branch, f); err != nil {
		return verdict{}, err
	}
	who, err := s.personOf(ctx, branch, f.Case.Debtor)
	if err != nil {
		return verdict{}, err
	}
	f.linked = who.debtors
	policy := s.policy.Load()
	if err := historyOf(policy, stored{s, branch}, f, a.Overlays).load(ctx, a.ETA); err != nil {
		return verdict{}, err
	}
	act := visitAct{agents: len(a.Agents), minutes: a.ServiceS / 60, items: a.Items, recording: a.Recording,
		overlays: a.Overlays}
	v, err := judgeVisit(policy, &s.zones, phaseAlert, f, a.ETA, act)
	if err != nil {
		return verdict{}, fmt.Errorf("judge a stop again: %w", err)
	}
	return v, nil
}
