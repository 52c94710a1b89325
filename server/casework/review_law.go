package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ReviewLaw judges the open assignments of a case again, by the policy in force. One that it forbids is revoked, or
// flagged with the verdict while its team is on its way or at the door. The phones that hold the case are told to pull
// it: they judge by the policy that its card was made under.
type ReviewLaw struct{ Case journal.CaseID }

// LawReview says which open assignments a policy forbids that came into force after they were issued.
type LawReview struct {
	Branch auth.BranchID `json:"branch"`
	// TakenBack left the phones.
	TakenBack []Unlawful `json:"taken_back"`
	// Flagged stay on the phones, with the verdict: their teams were on their way or at the door.
	Flagged []Unlawful `json:"flagged"`
}

// Unlawful is an open assignment that the policy in force forbids.
type Unlawful struct {
	Case       journal.CaseID `json:"case"`
	Assignment string         `json:"assignment"`
	Reason     string         `json:"reason"`
	Rule       string         `json:"rule"`
}

func (c ReviewLaw) refs() []journal.DocRef { return caseRef(c.Case) }

func (c ReviewLaw) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, forConduct|toRevoke)
	if err != nil {
		return nil, err
	}
	var answer LawReview
	var verdicts []verdict
	forbidden := map[string]verdict{} // by assignment
	for i := range f.Assignments {
		a := &f.Assignments[i]
		if a.State.Status != record.AssignmentOpen || !judgedBefore(&a.State, t.policy().Hash()) {
			continue
		}
		if err := t.loadGrounds(ctx, f, a.State.ETA, a.State.Overlays); err != nil {
			return nil, err
		}
		v, err := judgeVisit(t.policy(), &t.svc.zones, phaseDispatch, f, a.State.ETA, stopAct(&a.State))
		if err != nil {
			return nil, fmt.Errorf("judge an open stop again: %w", err)
		}
		if v.Allowed() {
			continue
		}
		forbidden[a.ID], verdicts = v, append(verdicts, v)
	}
	d := t.draft("law.review")
	d.tellAgents(f, "cases", string(f.Case.ID))
	if len(forbidden) == 0 {
		d.reply = answer
		return d, nil
	}
	if err := d.judged(verdicts); err != nil {
		return nil, err
	}
	endShown(f, d, func(a *Filed[record.Assignment]) bool {
		v, found := forbidden[a.ID]
		if !found {
			return false
		}
		what := Unlawful{Case: f.Case.ID, Assignment: a.ID, Reason: v.Reason, Rule: v.Rule}
		a.State.Decisions = append(a.State.Decisions, v)
		if underWay(a.State.AgentStatus) {
			answer.Flagged = append(answer.Flagged, what)
			return true
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "law:"+v.Reason
		answer.TakenBack = append(answer.TakenBack, what)
		return true
	})
	d.reply = answer
	return d, nil
}

// judgedBefore tells whether an assignment was judged by another policy last.
func judgedBefore(a *record.Assignment, hash string) bool {
	n := len(a.Decisions)
	return n == 0 || a.Decisions[n-1].Policy != hash
}

// ReviewOpen judges the open assignments of a branch again that were issued under another policy than the one in force,
// and says which it forbids. Asking again for the same policy has no further effect.
func (s *Service) ReviewOpen(ctx context.Context, branch auth.BranchID, law Law) (out LawReview, err error) {
	out = LawReview{Branch: branch, TakenBack: []Unlawful{}, Flagged: []Unlawful{}}
	shown, err := s.OnPhones(ctx, branch, "")
	if err != nil {
		return out, err
	}
	var reqs []Request
	seen := map[journal.CaseID]bool{}
	for i := range shown {
		a := &shown[i]
		// A policy that came back finds stops that were judged by it, and cards made under the one between.
		if !a.Open() || seen[a.Case] || !judgedBefore(&a.Assignment, law.Policy.Hash()) &&
			!a.IssuedAt.Before(law.Since) {
			continue
		}
		seen[a.Case] = true
		reqs = append(reqs, Request{ID: madeID("law", strconv.FormatUint(law.Org, 10), string(a.Case), a.ID),
			Cmd: ReviewLaw{a.Case}})
	}
	for len(reqs) > 0 {
		n := min(len(reqs), 100)
		receipts, err := s.Do(ctx, auth.System(), branch, reqs[:n])
		if err != nil {
			return out, err
		}
		for _, r := range receipts {
			if _, refused := refusal.Of(r.Err); refused {
				continue // the case moved or was erased: its assignments are revoked
			}
			if r.Err != nil {
				return out, fmt.Errorf("judge open stops of %s again: %w", branch, r.Err)
			}
			var one LawReview
			if err := json.Unmarshal(r.Body, &one); err != nil {
				return out, fmt.Errorf("judge open stops of %s again: read receipt: %w", branch, err)
			}
			out.TakenBack = append(out.TakenBack, one.TakenBack...)
			out.Flagged = append(out.Flagged, one.Flagged...)
		}
		reqs = reqs[n:]
	}
	return out, nil
}
