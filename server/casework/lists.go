package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Page is one page of a list.
type Page struct {
	Items []json.RawMessage // each a record with its id and rev
	Next  string            // "" at the end
}

// Cases are the ids of the cases that the items are, or are of, each once, in their order.
func (p *Page) Cases() []journal.CaseID {
	var out []journal.CaseID
	for _, item := range p.Items {
		var of struct {
			ID   journal.CaseID `json:"id"`
			Case journal.CaseID `json:"case"`
			Ref  *string        `json:"case_ref"` // of a case alone
		}
		if json.Unmarshal(item, &of) != nil {
			continue // written here
		}
		if of.Ref != nil {
			of.Case = of.ID
		}
		if of.Case != "" && !slices.Contains(out, of.Case) {
			out = append(out, of.Case)
		}
	}
	return out
}

// page reads one page of a list; documents the filter gives nil for are left out.
func (s *Service) page(ctx context.Context, q journal.Query, show func(journal.Record) (json.RawMessage, error)) (Page,
	error) {
	found, err := s.store.Find(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return pageOf(found, show)
}

// pageOf is a page of what was found.
func pageOf(found journal.Found, show func(journal.Record) (json.RawMessage, error)) (Page, error) {
	p := Page{Items: []json.RawMessage{}, Next: found.Next}
	for _, rec := range found.Records {
		doc, err := show(rec)
		if err != nil {
			return Page{}, err
		}
		if doc != nil {
			p.Items = append(p.Items, doc)
		}
	}
	return p, nil
}

// CaseFile is a case as its reader sees it, with its revision, and the records below it by kind.
type CaseFile struct {
	Case json.RawMessage
	Rev  uint64
	// Below has a list for every kind of record below a case, in the order of record.Kinds.
	Below []Below
}

// Below are the records of one kind below a case.
type Below struct {
	Kind  string
	Items []json.RawMessage
}

// MarshalJSON writes the case's members, rev, and a list for each kind below it.
func (f CaseFile) MarshalJSON() ([]byte, error) {
	pairs := []any{"rev", f.Rev}
	for _, b := range f.Below {
		pairs = append(pairs, b.Kind, b.Items)
	}
	return withMembers(f.Case, pairs...), nil
}

// Case is a whole case file: the case and all records below it, as the actor may
// see them. case.not_found when it is out of scope.
func (s *Service) Case(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID) (CaseFile, error) {
	if err := inBranch(a, branch); err != nil {
		return CaseFile{}, noSuchCase()
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return CaseFile{}, fmt.Errorf("read case: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return CaseFile{}, noSuchCase()
	}
	var k record.Case
	if err := decode(recs[0], &k); err != nil {
		return CaseFile{}, err
	}
	if !k.OpenTo(a) {
		return CaseFile{}, noSuchCase()
	}
	to := record.AudienceOf(a.Role)
	file := CaseFile{Rev: recs[0].Rev}
	confirmed, err := s.confirmationsOf(ctx, branch, id)
	if err != nil {
		return CaseFile{}, err
	}
	attached, err := s.storedOf(ctx, branch, id)
	if err != nil {
		return CaseFile{}, err
	}
	if file.Case, err = s.shown(ctx, recs[0], to); err != nil {
		return CaseFile{}, err
	}
	for _, kind := range record.Kinds() {
		if kind.ByCase.Type == "" || kind.Private {
			continue
		}
		below := Below{kind.Name, []json.RawMessage{}}
		q := journal.Query{Branch: branch, Type: kind.Name, Index: kind.ByCase.Name, Eq: []any{string(id)}}
		if err := s.each(ctx, q, func(rec journal.Record) error {
			var item json.RawMessage
			var err error
			if kind.Name == "visits" {
				item, err = s.visitNow(ctx, rec, confirmed[rec.ID], to)
			} else {
				item, err = s.shown(ctx, rec, to)
			}
			if err == nil {
				item = withID(rec, item)
			}
			if err == nil && kind.Name == "plans" {
				item, err = s.withPlanState(ctx, rec, &k, item)
			}
			if err == nil && to == record.Office {
				item, err = withEvidence(rec, attached, item)
			}
			below.Items = append(below.Items, item)
			return err
		}); err != nil {
			return CaseFile{}, err
		}
		file.Below = append(file.Below, below)
	}
	return file, nil
}

// withPlanState adds the state that time and payments make of a plan.
func (s *Service) withPlanState(ctx context.Context, rec journal.Record, k *record.Case,
	item json.RawMessage) (json.RawMessage, error) {
	var p record.Plan
	if err := decode(rec, &p); err != nil {
		return nil, err
	}
	var all []Filed[record.Payment]
	if err := allInto(ctx, stored{s, rec.Branch}, &all, PaymentsByCase, string(k.ID)); err != nil {
		return nil, err
	}
	zone, now := s.zoneOf(k), s.journal.Now()
	today := now.In(zone).Format(time.DateOnly)
	return withMembers(item, "state_now", p.StateOn(now, today), "instalments_now",
		p.InstalmentsOn(today, paidBy(&p, all, zone, today))), nil
}

// paidBy is what was paid for a plan by a local date, without what was taken back by then.
func paidBy(p *record.Plan, payments []Filed[record.Payment], zone *time.Location, day string) []record.PaidPart {
	if p.Request == nil {
		return nil
	}
	var out []record.PaidPart
	for _, x := range countedFor(p, payments, zone) {
		if x.On.String() > day || x.ReversedOn != 0 && x.ReversedOn.String() <= day {
			continue
		}
		ref, _, _ := strings.Cut(x.Ref, "\x00")
		out = append(out, record.PaidPart{Ref: ref, On: x.On.String(), AmountMinor: x.AmountMinor})
	}
	return out
}

// CasePlans lists the plans of a case in the order in which they were made, with what time and payments have made of
// them. case.not_found.
func (s *Service) CasePlans(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID) (
	[]json.RawMessage, error) {
	if err := inBranch(a, branch); err != nil {
		return nil, err
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return nil, err
	}
	var k record.Case
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, noSuchCase()
	}
	if err := decode(recs[0], &k); err != nil {
		return nil, err
	}
	if !k.OpenTo(a) || k.HasMoved() {
		return nil, noSuchCase()
	}
	out := []json.RawMessage{}
	err = s.each(ctx, journal.Query{Branch: branch, Type: "plans", Index: PlansByCase.Name, Eq: []any{string(id)}},
		func(rec journal.Record) error {
			item, err := s.shownWithID(ctx, rec, record.AudienceOf(a.Role))
			if err == nil {
				item, err = s.withPlanState(ctx, rec, &k, item)
			}
			out = append(out, item)
			return err
		})
	return out, err
}

// PlanItem is one plan, with what time and payments have made of it. plan.not_found.
func (s *Service) PlanItem(ctx context.Context, a auth.Actor, branch auth.BranchID, id string) (json.RawMessage,
	error) {
	rec, _, k, err := s.planOf(ctx, a, branch, id)
	if err != nil {
		return nil, err
	}
	item, err := s.shownWithID(ctx, rec, record.AudienceOf(a.Role))
	if err != nil {
		return nil, err
	}
	return s.withPlanState(ctx, rec, k, item)
}

// planOf finds a plan and its case, as they are stored.
func (s *Service) planOf(ctx context.Context, a auth.Actor, branch auth.BranchID, id string) (journal.Record,
	*record.Plan, *record.Case, error) {
	none := refuse(refusal.NotFound, "plan.not_found", "plan", "there is no such plan here")
	if err := inBranch(a, branch); err != nil {
		return journal.Record{}, nil, nil, err
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "plans", ID: id}})
	if err != nil {
		return journal.Record{}, nil, nil, err
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return journal.Record{}, nil, nil, none
	}
	p, k := &record.Plan{}, &record.Case{}
	if err := decode(recs[0], p); err != nil {
		return journal.Record{}, nil, nil, err
	}
	of, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(p.Case)}})
	if err != nil {
		return journal.Record{}, nil, nil, err
	}
	if err := decode(of[0], k); err != nil {
		return journal.Record{}, nil, nil, err
	}
	if !k.OpenTo(a) || k.HasMoved() {
		return journal.Record{}, nil, nil, none
	}
	return recs[0], p, k, nil
}

// shownWithID is a record as an audience sees it, with its id and revision.
func (s *Service) shownWithID(ctx context.Context, rec journal.Record, to record.Audience) (json.RawMessage, error) {
	doc, err := s.shown(ctx, rec, to)
	if err != nil {
		return nil, err
	}
	return withID(rec, doc), nil
}

// withID adds to a shown record its id and revision, and the number of a visit.
func withID(rec journal.Record, doc json.RawMessage) json.RawMessage {
	pairs := []any{"id", rec.ID, "rev", rec.Rev}
	if no := visitNo(rec); no > 0 {
		pairs = append(pairs, "visit_no", no)
	}
	return withMembers(doc, pairs...)
}

// Plans lists a branch's plans; approval "" lists all, pending those that wait.
func (s *Service) Plans(ctx context.Context, a auth.Actor, branch auth.BranchID, approval string, limit int,
	after string) (Page, error) {
	q := journal.Query{Branch: branch, Type: "plans", Limit: limit, After: after}
	if approval != "" {
		if !slices.Contains([]string{record.ApprovalPending, record.ApprovalApproved, record.ApprovalRejected}, approval) {
			return Page{}, refuse(refusal.Invalid, "list.approval", "approval_state", "write pending, approved or rejected")
		}
		q.Index, q.Eq = PlansByApproval.Name, []any{approval}
	}
	return s.ofHere(ctx, a, q)
}

// movedCases tells which of the cases that records belong to are in another branch now.
func (s *Service) movedCases(ctx context.Context, branch auth.BranchID, recs []journal.Record) (map[journal.CaseID]bool,
	error) {
	var refs []journal.DocRef
	for _, rec := range recs {
		var of owned
		if err := decode(rec, &of); err != nil {
			return nil, err
		}
		refs = append(refs, journal.DocRef{Type: "cases", ID: string(of.Case)})
	}
	cases, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	moved := map[journal.CaseID]bool{}
	for _, rec := range cases {
		var k record.Case
		if rec.Type == "" || rec.Deleted {
			continue
		}
		if err := decode(rec, &k); err != nil {
			return nil, err
		}
		moved[k.ID] = k.HasMoved()
	}
	return moved, nil
}

// Alerts lists a branch's alerts to phones, newest first; status "" lists all.
func (s *Service) Alerts(ctx context.Context, a auth.Actor, branch auth.BranchID, status string, limit int,
	after string) (Page, error) {
	q := journal.Query{Branch: branch, Type: "alerts", Index: AlertsByTime.Name, Desc: true, Limit: limit, After: after}
	if status != "" {
		q.Index, q.Eq = AlertsByStatus.Name, []any{status}
	}
	return s.list(ctx, a, q)
}

// Quarantine lists what phones sent and was not applied, oldest first.
func (s *Service) Quarantine(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int,
	after string) (Page, error) {
	if state == "" {
		state = "open"
	}
	return s.list(ctx, a, journal.Query{Branch: branch, Type: "quarantine", Index: QuarantineByState.Name,
		Eq: []any{state}, Limit: limit, After: after})
}

// ofHere is list for records below a case: those of cases that are in another branch now are left out.
func (s *Service) ofHere(ctx context.Context, a auth.Actor, q journal.Query) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	found, err := s.store.Find(ctx, q)
	if err != nil {
		return Page{}, err
	}
	moved, err := s.movedCases(ctx, q.Branch, found.Records)
	if err != nil {
		return Page{}, err
	}
	to := record.AudienceOf(a.Role)
	return pageOf(found, func(rec journal.Record) (json.RawMessage, error) {
		var of owned
		if err := decode(rec, &of); err != nil || moved[of.Case] {
			return nil, err
		}
		return s.shownWithID(ctx, rec, to)
	})
}

func (s *Service) list(ctx context.Context, a auth.Actor, q journal.Query) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	to := record.AudienceOf(a.Role)
	return s.page(ctx, q, func(rec journal.Record) (json.RawMessage, error) { return s.shownWithID(ctx, rec, to) })
}

// BranchOf finds the branch that a case belongs to. The error is case.not_found if the case does not exist.
func (s *Service) BranchOf(ctx context.Context, id journal.CaseID) (auth.BranchID, error) {
	homes, err := s.homes(ctx, []journal.CaseID{id})
	if err != nil {
		return "", err
	}
	if homes[0].Branch == "" {
		return "", noSuchCase()
	}
	return homes[0].Branch, nil
}

// ReceiptOf is the first answer to a command: who sent an id again can ask what became of it.
func (s *Service) ReceiptOf(ctx context.Context, branch auth.BranchID, command string) (Receipt, error) {
	found, err := s.store.Receipts(ctx, branch, []string{command})
	if err != nil {
		return Receipt{}, err
	}
	if found[0].Command == "" {
		return Receipt{}, refuse(refusal.NotFound, "receipt.not_found", "command",
			"no command with this id has been accepted")
	}
	return Receipt{Command: found[0].Command, N: found[0].N, Duplicate: true, Body: found[0].Body}, nil
}
