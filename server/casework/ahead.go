package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// What the mutations of a push read is read ahead, for all of them at once: a statement of the store for each list of
// each case would cost more than to decide.

// readAhead reads what the requests from i on will ask for.
func (c *call) readAhead(ctx context.Context, r *journal.Reader, i int) error {
	var ahead []journal.DocRef
	for k := range c.reqs[i:] {
		if known, ok := c.reqs[i+k].Cmd.(refs); ok {
			ahead = append(ahead, known.refs()...)
		}
	}
	if len(ahead) < 2 {
		return nil
	}
	if err := r.Prefetch(ctx, ahead...); err != nil {
		return err
	}
	var visits, consents []journal.CaseID
	var more []journal.DocRef
	for k := range c.reqs[i:] {
		m, ok := c.reqs[i+k].Cmd.(mutation)
		if !ok || m.m.Bad != nil {
			continue
		}
		switch of := m.named(); m.m.Type {
		case "visits":
			visits = append(visits, of)
			more = append(more, journal.DocRef{Type: "contacts", ID: contactID(of, "visit:"+m.m.ID)})
		case "consents":
			consents = append(consents, of)
		}
	}
	if len(visits)+len(consents) < 2 {
		return nil
	}
	var debtors []journal.DebtorID
	for _, of := range visits {
		rec := r.Prefetched(journal.DocRef{Type: "cases", ID: string(of)})
		if rec.Body == nil {
			continue
		}
		k, err := scopeOf(rec)
		if err != nil {
			return err
		}
		debtors = append(debtors, k.Debtor)
		more = append(more, journal.DocRef{Type: "links", ID: string(k.Debtor)})
	}
	if err := r.Prefetch(ctx, more...); err != nil {
		return err
	}
	both := slices.Concat(visits, consents)
	for _, list := range []struct {
		ix  journal.Index
		eqs [][]any
	}{{ConsentsByCase, eqs(both)}, {PlansByCase, eqs(visits)}, {AssignmentsByCase, eqs(visits)},
		{CasesByDebtor, eqs(debtors)}} {
		if err := r.PrefetchAll(ctx, list.ix, list.eqs...); err != nil {
			return err
		}
	}
	return nil
}

// eqs are the leading values of as many lists, each once.
func eqs[ID ~string](ids []ID) [][]any {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out [][]any
	for _, id := range slices.Compact(ids) {
		out = append(out, []any{string(id)})
	}
	return out
}

// ahead is the finder of what is not a decision, with what was read for several cases at once.
type ahead struct {
	stored
	lists   map[string][]journal.Record
	persons map[journal.DebtorID][]journal.DebtorID
	doors   map[journal.CaseID]caseDoor
	names   map[auth.UserID]string // of the agents of all the cases; nil: not read
	rules   map[string]lenderRules // by lender, those that were read
}

func newAhead(s *Service, branch auth.BranchID) *ahead {
	return &ahead{stored: stored{s, branch}, lists: map[string][]journal.Record{},
		persons: map[journal.DebtorID][]journal.DebtorID{}, doors: map[journal.CaseID]caseDoor{},
		rules: map[string]lenderRules{}}
}

func aheadKey(ix journal.Index, from any, eq []any) string {
	return fmt.Sprintf("%s/%s %v %q", ix.Type, ix.Name, from, eq)
}

// read reads a part of an index for each of several lists of leading values: from is the lower bound of its last field.
func (a *ahead) read(ctx context.Context, ix journal.Index, from any, eqs [][]any) error {
	all, err := a.svc.store.FindEach(ctx, journal.Query{Branch: a.branch, Type: ix.Type, Index: ix.Name, From: from}, eqs)
	if err != nil {
		return fmt.Errorf("find %s by %s: %w", ix.Type, ix.Name, err)
	}
	for i, eq := range eqs {
		a.lists[aheadKey(ix, from, eq)] = all[i]
	}
	return nil
}

// link reads who the debtors are.
func (a *ahead) link(ctx context.Context, debtors []journal.DebtorID) error {
	refs := make([]journal.DocRef, len(debtors))
	for i, id := range debtors {
		refs[i] = journal.DocRef{Type: "links", ID: string(id)}
	}
	recs, err := a.svc.store.Records(ctx, a.branch, refs)
	if err != nil {
		return fmt.Errorf("read links: %w", err)
	}
	for i, id := range debtors {
		if recs[i].Type == "" || recs[i].Deleted {
			a.persons[id] = []journal.DebtorID{id}
		} else if a.persons[id], err = a.stored.linked(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Some gives what was read ahead, or else reads from the store.
func (a *ahead) Some(ctx context.Context, ix journal.Index, part journal.Range, eq ...any) ([]journal.Record, error) {
	if part.Most == 0 {
		if recs, known := a.lists[aheadKey(ix, part.From, eq)]; known {
			return recs, nil
		}
	}
	return a.stored.Some(ctx, ix, part, eq...)
}

func (a *ahead) linked(ctx context.Context, id journal.DebtorID) ([]journal.DebtorID, error) {
	if all, known := a.persons[id]; known {
		return all, nil
	}
	return a.stored.linked(ctx, id)
}
