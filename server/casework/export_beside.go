package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// BesideVisit is a record that an export shows beside the visits.
type BesideVisit struct {
	Type, ID string
	Entry    uint64
	Of       string // the visit of a review or confirmation, the item of a part, the record of another review
	By       auth.UserID
	At       time.Time
	State    string
	Erased   time.Time // when the debtor was erased; zero if not erased
}

// besideKinds are the kinds of records beside the visits.
var besideKinds = []string{"quarantine", "quarantine_parts", "visit_reviews", "visit_confirmations",
	"correction_reviews"}

// BesideVisits lists what an export shows beside the visits: items of the quarantine in every
// state, with the parts of large ones, reviews and confirmations, and reviews of corrections of other records. The
// lender and the dates of a query select items, by their case and by the dates, in UTC, on which they were written and
// received; an item whose case does not exist belongs to no lender. Reviews of corrections are selected likewise, by
// the date of the review. An export leaves out copies of records that another branch made.
func (s *Service) BesideVisits(ctx context.Context, q ExportQuery) ([]BesideVisit, error) {
	erased, err := s.erasedDebtors(ctx, q.Branch)
	if err != nil {
		return nil, err
	}
	var out []BesideVisit
	private := map[string]bool{} // items whose parts no export shows
	for _, kind := range besideKinds {
		if err := s.each(ctx, journal.Query{Branch: q.Branch, Type: kind}, func(rec journal.Record) error {
			b, of, err := besideOf(rec, q)
			if err != nil || b.ID == "" || private[b.Of] {
				return err
			}
			if of.private {
				private[b.ID] = true
			}
			b.Type, b.Entry, b.Erased = rec.Type, rec.N, erased[of.debtor]
			out = append(out, b)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// besideWhose is whose a record beside the visits is. An export shows of a private one that there is such an item, and
// why it was refused.
type besideWhose struct {
	debtor  journal.DebtorID
	private bool
}

// besideOf reads a record for an export; without an id it is not in the export.
func besideOf(rec journal.Record, q ExportQuery) (b BesideVisit, of besideWhose, err error) {
	k, _ := record.KindOf(rec.Type)
	state := k.New()
	if err := decode(rec, state); err != nil {
		return b, of, err
	}
	switch v := state.(type) {
	case *record.Quarantined:
		if inExport(v, q) {
			b = BesideVisit{ID: rec.ID, State: v.State, By: v.By, At: v.HandledAt}
		}
		of = besideWhose{v.Debtor, v.IsPrivate()}
	case *record.QuarantinePart:
		b, of.debtor = BesideVisit{ID: rec.ID, Of: v.Item}, v.Debtor
	case *record.VisitReview:
		if v.Origin == nil {
			b = BesideVisit{ID: rec.ID, Of: rec.ID, State: v.State, By: v.By, At: v.At}
		}
		of.debtor = v.Debtor
	case *record.CorrectionReview:
		on := v.At.UTC().Format(time.DateOnly)
		if v.Origin == nil && (q.Lender == "" || record.LenderOf(v.Case) == q.Lender) && q.Dates.has(on, on) {
			b = BesideVisit{ID: rec.ID, Of: rec.ID, State: v.State, By: v.By, At: v.At}
		}
		of.debtor = v.Debtor
	case *record.Confirmation:
		if v.Origin == nil {
			b = BesideVisit{ID: rec.ID, Of: v.Visit, By: v.By, At: v.At}
		}
		of.debtor = v.Debtor
	}
	return b, of, nil
}

// inExport tells whether an export with such a query shows an item.
func inExport(v *record.Quarantined, q ExportQuery) bool {
	of := record.LenderOf(v.Case)
	if of == "" && v.Debtor != agentKey(v.Agent) {
		of = record.LenderOf(v.Debtor)
	}
	if q.Lender != "" && (of != q.Lender || v.IsPrivate()) {
		return false
	}
	written := v.At
	if !v.Written.IsZero() {
		written, _ = record.Sent{Device: v.Device, Received: v.At, SkewS: v.SkewS}.Instant(v.Written)
	}
	return q.Dates.has(written.UTC().Format(time.DateOnly), v.At.UTC().Format(time.DateOnly))
}

// RevealBeside opens the sealed parts of such a record's state, as an entry holds it. erased is
// when the debtor was erased if they cannot be opened any more.
func (s *Service) RevealBeside(ctx context.Context, branch auth.BranchID, typ, id string,
	state json.RawMessage) (reveals []seal.Reveal, erased time.Time, err error) {
	k, known := record.KindOf(typ)
	if !known {
		return nil, erased, fmt.Errorf("reveal %s/%s: there is no such kind", typ, id)
	}
	doc := k.New()
	if err := json.Unmarshal(state, doc); err != nil {
		return nil, erased, fmt.Errorf("read %s/%s: %w", typ, id, err)
	}
	if q, is := doc.(*record.Quarantined); is && q.IsPrivate() {
		return nil, erased, nil // a draft is its agent's alone
	}
	if err := s.vault.OpenDoc(ctx, "", branch, typ, id, doc); err != nil {
		return nil, erased, fmt.Errorf("open %s/%s: %w", typ, id, err)
	}
	if !seal.Erased(doc) {
		return seal.Reveals(doc), erased, nil
	}
	var of struct {
		Debtor journal.DebtorID `json:"debtor"`
	}
	if err := json.Unmarshal(state, &of); err != nil {
		return nil, erased, fmt.Errorf("read %s/%s: %w", typ, id, err)
	}
	all, err := s.erasedDebtors(ctx, branch)
	if err != nil {
		return nil, erased, err
	}
	if erased = all[of.Debtor]; erased.IsZero() {
		return nil, erased, fmt.Errorf("the key of %s/%s is destroyed, and no erasure is recorded", typ, id)
	}
	return nil, erased, nil
}
