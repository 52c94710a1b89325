package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// ExportQuery says which visits EachVisit gives.
type ExportQuery struct {
	Branch auth.BranchID
	Dates
	Lender string // "" for all
	Reveal bool   // open what is sealed
	UpTo   uint64 // the highest entry
}

// Dates bound visits by local dates, inclusive; "" for no bound. From and To bound when they
// happened, ReceivedFrom and ReceivedTo when the server received them.
type Dates struct {
	From, To                 string
	ReceivedFrom, ReceivedTo string
}

// query gives the query for the visits of a branch between the dates, or for more than those.
func (d Dates) query(branch auth.BranchID) journal.Query {
	q := journal.Query{Branch: branch, Type: "visits", Limit: 1000, Index: VisitsByDate.Name}
	from, to := d.From, d.To
	if from == "" && to == "" && (d.ReceivedFrom != "" || d.ReceivedTo != "") {
		q.Index, from, to = VisitsByReceipt.Name, d.ReceivedFrom, d.ReceivedTo
	}
	if from != "" {
		q.From = from
	}
	if to != "" {
		q.To = to + "\x00" // To is exclusive there
	}
	return q
}

// has tells whether a visit of some dates is meant.
func (d Dates) has(on, receivedOn string) bool {
	within := func(day, from, to string) bool { return day >= from && (to == "" || day <= to) }
	return within(on, d.From, d.To) && within(receivedOn, d.ReceivedFrom, d.ReceivedTo)
}

// ExportedVisit is one visit of an export.
type ExportedVisit struct {
	ID      string
	No      uint64 // dense in the branch, from 1
	Entry   uint64
	Reveals []seal.Reveal
	// Erased is when the visit's debtor was erased: what was sealed cannot be read any more. Zero: not erased.
	Erased time.Time

	debtor journal.DebtorID
}

// EachVisit calls fn for every visit of a query, in order of visit_no.
func (s *Service) EachVisit(ctx context.Context, q ExportQuery, fn func(ExportedVisit) error) error {
	erased, err := s.erasedDebtors(ctx, q.Branch)
	if err != nil {
		return err
	}
	var all []ExportedVisit
	if err := s.each(ctx, q.Dates.query(q.Branch), func(rec journal.Record) error {
		if rec.N > q.UpTo || rec.No == 0 { // a copy is exported by the branch the visit was made in
			return nil
		}
		var of struct {
			Lender     string           `json:"lender"`
			Debtor     journal.DebtorID `json:"debtor"`
			On         string           `json:"on"`
			ReceivedOn string           `json:"received_on"`
		}
		if err := decode(rec, &of); err != nil {
			return err
		}
		if q.Lender != "" && of.Lender != q.Lender || !q.Dates.has(of.On, of.ReceivedOn) {
			return nil
		}
		all = append(all, ExportedVisit{ID: rec.ID, No: rec.No, Entry: rec.N, Erased: erased[of.Debtor],
			debtor: of.Debtor})
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b ExportedVisit) int { return cmp.Compare(a.No, b.No) })
	const chunk = 200
	for len(all) > 0 {
		n := min(len(all), chunk)
		if q.Reveal {
			if err := s.reveal(ctx, q.Branch, all[:n]); err != nil {
				return err
			}
		}
		for i := range all[:n] {
			if err := fn(all[i]); err != nil {
				return err
			}
		}
		all = all[n:]
	}
	return nil
}

// erasedDebtors is when each erased debtor of a branch was erased. Of one whose erasure is
// under way it is when it was confirmed.
func (s *Service) erasedDebtors(ctx context.Context, branch auth.BranchID) (map[journal.DebtorID]time.Time, error) {
	out := map[journal.DebtorID]time.Time{}
	for _, state := range []string{record.ErasureConfirmed, record.ErasureErased} {
		found, err := s.erasuresOf(ctx, journal.Query{Branch: branch, Type: "erasures", Index: erasuresByState.Name,
			Eq: []any{state}})
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if out[e.State.Debtor] = e.State.ErasedAt; e.State.ErasedAt.IsZero() {
				out[e.State.Debtor] = e.State.ConfirmedAt
			}
		}
	}
	return out, nil
}

// reveal opens what is sealed in some visits, but for those of erased debtors.
func (s *Service) reveal(ctx context.Context, branch auth.BranchID, vs []ExportedVisit) error {
	refs := make([]journal.DocRef, len(vs))
	for i := range vs {
		refs[i] = journal.DocRef{Type: "visits", ID: vs[i].ID}
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return fmt.Errorf("read visits: %w", err)
	}
	states := make([]record.Visit, len(recs))
	debtors := make([]journal.DebtorID, len(recs))
	for i, rec := range recs {
		if err := decode(rec, &states[i]); err != nil {
			return err
		}
		debtors[i] = vs[i].debtor
	}
	if err := s.vault.Warm(ctx, debtors); err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var now map[journal.DebtorID]time.Time
	for i := range states {
		if !vs[i].Erased.IsZero() {
			continue // this node may hold the destroyed key for up to a minute
		}
		if err := s.vault.OpenDoc(ctx, debtors[i], branch, "visits", vs[i].ID, &states[i]); err != nil {
			return fmt.Errorf("open visit: %w", err)
		}
		if !seal.Erased(&states[i]) {
			vs[i].Reveals = seal.Reveals(&states[i])
			continue
		}
		if now == nil { // erased after the export began
			if now, err = s.erasedDebtors(ctx, branch); err != nil {
				return err
			}
		}
		if vs[i].Erased = now[debtors[i]]; vs[i].Erased.IsZero() {
			return fmt.Errorf("the key of visit %s is destroyed, and no erasure is recorded", vs[i].ID)
		}
	}
	return nil
}
