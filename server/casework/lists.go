package casework

import (
	"context"
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
	Items []map[string]any
	Next  string // "" at the end
}

// CaseQuery filters a list of cases. At most one of Territory and Lender.
type CaseQuery struct {
	Branch    auth.BranchID
	Status    string // open, closed; "" for all
	Territory *string
	Limit     int
	After     string
}

// Cases lists cases in order of case_ref. A lender sees its own; names, phones
// and addresses are in the single case only.
func (s *Service) Cases(ctx context.Context, a auth.Actor, q CaseQuery) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	query := journal.Query{Branch: q.Branch, Type: "cases", Limit: q.Limit, After: q.After}
	switch {
	case a.Role == auth.RoleLender:
		query.Index, query.Eq = CasesByLender.Name, []any{a.Lender}
	case q.Territory != nil:
		query.Index, query.Eq = CasesByTerritory.Name, []any{*q.Territory}
	case q.Status != "":
		query.Index, query.Eq = CasesByStatus.Name, []any{q.Status}
	}
	return s.page(ctx, query, func(rec journal.Record) (map[string]any, error) {
		var k record.Case
		if err := decode(rec, &k); err != nil {
			return nil, err
		}
		if !k.OpenTo(a) || q.Status != "" && k.Status != q.Status {
			return nil, nil
		}
		doc, err := s.shown(ctx, rec)
		for _, name := range []string{"debtor_name", "phone", "address", "home"} {
			delete(doc, name)
		}
		return doc, err
	})
}

// page reads one page of a list; documents the filter gives nil for are left out.
func (s *Service) page(ctx context.Context, q journal.Query, show func(journal.Record) (map[string]any, error)) (Page, error) {
	found, err := s.store.Find(ctx, q)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: []map[string]any{}, Next: found.Next}
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

// Case is a whole case file: the case, its contacts, visits with their reviews, notes, consents,
// plans, assignments, signatures and payments. case.not_found when it is out of scope.
func (s *Service) Case(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID) (map[string]any, error) {
	if err := inBranch(a, branch); err != nil {
		return nil, noSuchCase()
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, noSuchCase()
	}
	var k record.Case
	if err := decode(recs[0], &k); err != nil {
		return nil, err
	}
	if !k.OpenTo(a) {
		return nil, noSuchCase()
	}
	doc, err := s.shown(ctx, recs[0])
	if err != nil {
		return nil, err
	}
	doc["rev"] = recs[0].Rev
	for _, child := range []struct {
		name string
		ix   journal.Index
		eq   string
	}{
		{"contacts", ContactsByCase, string(id)}, {"visits", VisitsByCase, string(id)}, {"visit_reviews", ReviewsByCase, string(id)}, {"visit_notes", NotesByCase, string(id)},
		{"consents", ConsentsByCase, string(id)}, {"plans", PlansByCase, string(id)}, {"assignments", AssignmentsByCase, string(id)},
		{"signatures", SignaturesByCase, string(id)}, {"payments_reported", PaymentsReportedByCase, string(id)}, {"payments", PaymentsByCase, string(id)},
	} {
		items := []map[string]any{}
		if err := s.each(ctx, journal.Query{Branch: branch, Type: child.ix.Type, Index: child.ix.Name, Eq: []any{child.eq}}, func(rec journal.Record) error {
			item, err := s.shownWithID(ctx, rec)
			if child.name == "plans" && err == nil {
				err = s.planState(ctx, rec, &k, item)
			}
			items = append(items, item)
			return err
		}); err != nil {
			return nil, err
		}
		doc[child.name] = items
	}
	return doc, nil
}

// planState adds the state that time and payments make of a plan.
func (s *Service) planState(ctx context.Context, rec journal.Record, k *record.Case, item map[string]any) error {
	var p record.Plan
	if err := decode(rec, &p); err != nil {
		return err
	}
	zone := s.zones.find(k.TimeZone)
	if zone == nil {
		zone = time.UTC
	}
	now := s.journal.Now()
	item["state_now"] = p.StateAt(now, zone, k.PaidMinor-p.PaidBeforeMinor)
	var paid []record.PaidPart
	if err := s.each(ctx, journal.Query{Branch: rec.Branch, Type: "payments", Index: PaymentsByCase.Name, Eq: []any{string(k.CaseRef)}}, func(r journal.Record) error {
		var m record.Payment
		if err := decode(r, &m); err != nil {
			return err
		}
		if on := m.PaidAt.In(zone).Format(time.DateOnly); on >= p.At.In(zone).Format(time.DateOnly) {
			paid = append(paid, record.PaidPart{strings.TrimPrefix(r.ID, string(k.CaseRef)+"/"), on, m.AmountMinor})
		}
		return nil
	}); err != nil {
		return err
	}
	item["instalments_now"] = p.InstalmentsOn(now.In(zone).Format(time.DateOnly), paid)
	return nil
}

// shownWithID is a record in the clear with its id and revision.
func (s *Service) shownWithID(ctx context.Context, rec journal.Record) (map[string]any, error) {
	doc, err := s.shown(ctx, rec)
	if err != nil {
		return nil, err
	}
	doc["id"], doc["rev"] = rec.ID, rec.Rev
	if rec.No > 0 {
		doc["visit_no"] = rec.No
	}
	return doc, nil
}

// Plans lists a branch's plans; approval "" lists all, pending those that wait.
func (s *Service) Plans(ctx context.Context, a auth.Actor, branch auth.BranchID, approval string, limit int, after string) (Page, error) {
	q := journal.Query{Branch: branch, Type: "plans", Limit: limit, After: after}
	if approval != "" {
		if !slices.Contains([]string{record.ApprovalPending, record.ApprovalApproved, record.ApprovalRejected}, approval) {
			return Page{}, refuse(refusal.Invalid, "list.approval", "approval_state", "write pending, approved or rejected")
		}
		q.Index, q.Eq = PlansByApproval.Name, []any{approval}
	}
	return s.list(ctx, a, q)
}

// Notices lists a branch's notices, newest first; status "" lists all.
func (s *Service) Notices(ctx context.Context, a auth.Actor, branch auth.BranchID, status string, limit int, after string) (Page, error) {
	q := journal.Query{Branch: branch, Type: "notices", Index: NoticesByTime.Name, Desc: true, Limit: limit, After: after}
	if status != "" {
		q.Index, q.Eq = NoticesByStatus.Name, []any{status}
	}
	return s.list(ctx, a, q)
}

// Quarantine lists what phones sent and was not applied, oldest first.
func (s *Service) Quarantine(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int, after string) (Page, error) {
	if state == "" {
		state = "open"
	}
	return s.list(ctx, a, journal.Query{Branch: branch, Type: "quarantine", Index: QuarantineByState.Name, Eq: []any{state}, Limit: limit, After: after})
}

func (s *Service) list(ctx context.Context, a auth.Actor, q journal.Query) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	return s.page(ctx, q, func(rec journal.Record) (map[string]any, error) { return s.shownWithID(ctx, rec) })
}

// BranchOf finds the branch a case lives in; case.not_found when there is no such case.
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
		return Receipt{}, refuse(refusal.NotFound, "receipt.not_found", "command", "no command with this id has been accepted")
	}
	return Receipt{Command: found[0].Command, N: found[0].N, Duplicate: true, Body: found[0].Body}, nil
}
