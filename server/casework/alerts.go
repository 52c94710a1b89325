package casework

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// AlertMark is a new status of an alert.
type AlertMark struct {
	ID       string
	Status   string
	Reason   string // a code
	Provider string // the provider's id for the message
	Attempts int
}

// MarkAlerts records what became of alerts. Outcomes are entries; a rebuild of the views never
// sends. An alert whose present status does not allow the new one keeps its status: another
// node, or a person, was first.
type MarkAlerts struct {
	Marks []AlertMark
}

// MarkReceipt answers MarkAlerts.
type MarkReceipt struct {
	Passed []string `json:"passed,omitempty"` // alerts whose status is what it was
}

func (c MarkAlerts) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("alert.mark")
	var receipt MarkReceipt
	for _, m := range c.Marks {
		n, err := t.readAlert(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		if n == nil || !record.AlertStep(n.Status, m.Status) || m.Status == record.AlertPending {
			receipt.Passed = append(receipt.Passed, m.ID)
			continue
		}
		n.Status, n.Reason, n.Provider, n.Attempts = m.Status, m.Reason, m.Provider, m.Attempts
		if record.AlertOver(m.Status) {
			n.DoneAt = t.At
		}
		d.put("alerts", m.ID, "", n)
		d.write(record.AlertsKey(n.Device))
	}
	d.reply = receipt
	if len(d.now().docs) == 0 {
		return d.nothing(), nil
	}
	return d, nil
}

// AlertAnswer says whether an alert may still go out; Code says why not.
type AlertAnswer struct {
	OK   bool
	Code string
	Err  error // the alert, its round or the law could not be read
}

// AskAlerts judges alerts of a branch again at the moment of sending, in the order of
// their ids: of new tasks, at least one must still be open and its visit still
// lawful at its time. The assignments of a round are read once for all its alerts, and
// each is judged once at most, for all devices of its team. Each call reads anew.
func (s *Service) AskAlerts(ctx context.Context, branch auth.BranchID, ids []string) []AlertAnswer {
	out := make([]AlertAnswer, len(ids))
	refs := make([]journal.DocRef, len(ids))
	for i, id := range ids {
		refs[i] = journal.DocRef{Type: "alerts", ID: id}
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		for i := range out {
			out[i].Err = fmt.Errorf("read alerts: %w", err)
		}
		return out
	}
	rounds := map[string]*openRound{}
	for i, rec := range recs {
		out[i] = s.askAlert(ctx, branch, rec, rounds)
	}
	return out
}

func (s *Service) askAlert(ctx context.Context, branch auth.BranchID, rec journal.Record,
	rounds map[string]*openRound) AlertAnswer {
	if rec.Type == "" || rec.Deleted {
		return AlertAnswer{Code: "gone"}
	}
	var n record.Alert
	if err := decode(rec, &n); err != nil {
		return AlertAnswer{Err: err}
	}
	if n.Kind != record.AlertNew {
		return AlertAnswer{OK: true} // that a task is gone must be told whatever the law says
	}
	answer := AlertAnswer{OK: len(n.Rounds) == 0}
	for _, id := range n.Rounds {
		r := rounds[id]
		if r == nil {
			r = s.openRound(ctx, branch, id)
			rounds[id] = r
		}
		if answer = s.askRound(ctx, branch, r, n.User); answer.OK || answer.Err != nil {
			break
		}
	}
	return answer
}

// askRound tells whether one open assignment of a user in a round is still lawful.
func (s *Service) askRound(ctx context.Context, branch auth.BranchID, r *openRound, user auth.UserID) AlertAnswer {
	if r.err != nil {
		return AlertAnswer{Err: r.err}
	}
	code := "revoked"
	for _, a := range r.of[user] {
		if !a.judged {
			a.verdict, a.err = s.judgeAssignment(ctx, branch, &a.Assignment)
			a.judged = true
		}
		if a.err != nil {
			return AlertAnswer{Err: a.err}
		}
		if a.verdict.Allowed() {
			return AlertAnswer{OK: true}
		}
		code = a.verdict.Reason
	}
	return AlertAnswer{Code: code}
}

// openRound holds the open assignments of a round by agent, in order of case.
type openRound struct {
	of  map[auth.UserID][]*openStop
	err error // the assignments could not be read
}

// openStop is an open assignment and what the law says of it.
type openStop struct {
	record.Assignment
	judged  bool // verdict or err is set
	verdict verdict
	err     error
}

func (s *Service) openRound(ctx context.Context, branch auth.BranchID, id string) *openRound {
	r := &openRound{of: map[auth.UserID][]*openStop{}}
	r.err = s.each(ctx, journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsByRound.Name,
		Eq: []any{id}}, func(rec journal.Record) error {
		a := &openStop{}
		if err := decode(rec, &a.Assignment); err != nil {
			return err
		}
		if a.Status == record.AssignmentOpen && !a.Retired {
			for _, u := range a.Agents {
				r.of[u] = append(r.of[u], a)
			}
		}
		return nil
	})
	return r
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
	policy := s.policy.Load()
	if err := loadGrounds(ctx, policy, stored{s, branch}, f, a.Overlays, a.ETA); err != nil {
		return verdict{}, err
	}
	v, err := judgeVisit(policy, &s.zones, phaseAlert, f, a.ETA, stopAct(a))
	if err != nil {
		return verdict{}, fmt.Errorf("judge a stop again: %w", err)
	}
	return v, nil
}
