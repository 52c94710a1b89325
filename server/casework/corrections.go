package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// CorrectionQuery filters a list of corrections: all that are given must hold.
type CorrectionQuery struct {
	Branch auth.BranchID
	Case   journal.CaseID
	Kind   string // cases, visits, visit_notes, …; "" for all
	// From and Before bound when it was corrected; zero for no bound.
	From, Before time.Time
	// Reviewed narrows to corrections of records with a review of what corrects, or to those without; none of cases.
	Reviewed *bool
	Limit    int // 0: 100
	After    string
}

// Correction is a record that was corrected: what was, and what is.
type Correction struct {
	Kind   string         `json:"kind"` // cases, visits, visit_notes, …
	Case   journal.CaseID `json:"case"`
	Record string         `json:"record"` // the id of what says it now
	// Supersedes is the record that said it before, where that is another one.
	Supersedes string      `json:"supersedes,omitempty"`
	At         time.Time   `json:"at"` // when the server took it in; UTC
	By         auth.UserID `json:"by"`
	Entry      uint64      `json:"entry"` // of the branch's journal
	// Accepted says that the office corrected what a phone sent when it accepted that; Item is the item of the
	// quarantine, which keeps it whole.
	Accepted bool   `json:"accepted,omitempty"`
	Item     string `json:"item,omitempty"`
	// Changed are the members that differ, by name.
	Changed []Change `json:"changed"`
	// Reviewed says whether the record that corrects was reviewed, and Review how; nil of cases.
	Reviewed *bool             `json:"reviewed,omitempty"`
	Review   *CorrectionReview `json:"review,omitempty"`
	// Erased says that the debtor was erased: what was personal is null.
	Erased bool `json:"erased,omitempty"`
}

// Change is a member that a correction changes.
type Change struct {
	Member string          `json:"member"`
	Before json.RawMessage `json:"before"` // null: it was not there
	After  json.RawMessage `json:"after"`  // null: it is not there any more
}

// CorrectionReview is what a supervisor made of the record that corrects.
type CorrectionReview struct {
	State string      `json:"state"`
	By    auth.UserID `json:"by"`
	At    time.Time   `json:"at"`
}

// correctedKinds are the kinds of records that are corrected.
var correctedKinds = []string{"cases", "visits", "visit_notes", "visit_confirmations", "consents", "signatures",
	"payments_reported", "plans"}

// Corrections lists what was corrected in a branch, newest first, with what was and what is: corrections of cases by
// the office, records that supersede others, and what the office corrected when it accepted it from the quarantine.
// It shows what is personal. A page may be short and have a successor. Refusals: list.kind, list.date, auth.role,
// branch.not_found.
func (s *Service) Corrections(ctx context.Context, a auth.Actor, q CorrectionQuery) (items []Correction, next string,
	err error) {
	if err := s.workList(ctx, a, q.Branch); err != nil {
		return nil, "", err
	}
	if q.Kind != "" {
		if bad := record.OneOf("list.kind", "kind", q.Kind, correctedKinds); bad != nil {
			return nil, "", bad
		}
	}
	if bad := checkInstants(q.From, q.Before, "from"); bad != nil {
		return nil, "", bad
	}
	from := journal.Query{Branch: q.Branch, Type: deskView, Index: deskCorrections.Name, Eq: []any{int64(1)}, Desc: true}
	if q.Case != "" {
		from.Index, from.Eq = deskCorrectionsByCase.Name, []any{string(q.Case)}
	}
	if !q.From.IsZero() {
		from.From = second(q.From)
	}
	if !q.Before.IsZero() {
		from.To = second(q.Before.Add(time.Second - 1))
	}
	page, err := s.sift(ctx, from, q.Limit, q.After, func(rows []journal.Record) ([]json.RawMessage, error) {
		out := make([]json.RawMessage, len(rows))
		for i, row := range rows {
			c, err := s.correction(ctx, row, &q)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", row.ID, err)
			}
			if c == nil {
				continue
			}
			items = append(items, *c)
			out[i] = json.RawMessage("null") // the page is items
		}
		return out, nil
	})
	return items, page.Next, err
}

// correction reads the correction of a row; nil for one that is not meant.
func (s *Service) correction(ctx context.Context, row journal.Record, q *CorrectionQuery) (*Correction, error) {
	var of deskCorrection
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	if q.Kind != "" && of.Type != q.Kind || q.Reviewed != nil && of.Type == "cases" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, of.At)
	if err != nil {
		return nil, err
	}
	c := &Correction{Kind: of.Type, Case: of.CorrectedIn, Record: of.Record, Supersedes: of.Supersedes, At: at, By: of.By,
		Entry: of.Entry, Accepted: of.Accepted, Changed: []Change{}}
	if of.Type == "cases" {
		return c, s.caseCorrection(ctx, row.Branch, &of, c)
	}
	if err := s.correctionReview(ctx, row.Branch, c); err != nil {
		return nil, err
	}
	if q.Reviewed != nil && *q.Reviewed != *c.Reviewed {
		return nil, nil
	}
	return c, s.recordCorrection(ctx, row.Branch, c)
}

// correctionReview reads the review of the record that corrects.
func (s *Service) correctionReview(ctx context.Context, branch auth.BranchID, c *Correction) error {
	ref := journal.DocRef{Type: "correction_reviews", ID: c.Kind + "/" + c.Record}
	if c.Kind == "visits" {
		ref = journal.DocRef{Type: "visit_reviews", ID: c.Record}
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{ref})
	if err != nil {
		return err
	}
	reviewed := recs[0].Body != nil
	c.Reviewed = &reviewed
	if !reviewed {
		return nil
	}
	var r record.CorrectionReview // a visit's has the same members
	if err := decode(recs[0], &r); err != nil {
		return err
	}
	c.Review = &CorrectionReview{r.State, r.By, r.At}
	return nil
}

// caseCorrection compares two states of a case.
func (s *Service) caseCorrection(ctx context.Context, branch auth.BranchID, of *deskCorrection, c *Correction) error {
	before, erased, err := s.pastCase(ctx, branch, of.Before, of.Record)
	if err != nil {
		return err
	}
	after, gone, err := s.pastCase(ctx, branch, of.Entry, of.Record)
	if err != nil {
		return err
	}
	c.Erased = erased || gone
	var names []string
	for name := range maps.Keys(after) {
		names = append(names, name)
	}
	for name := range maps.Keys(before) {
		names = append(names, name)
	}
	// These follow from the correction or from time, and were corrected by no one.
	names = slices.DeleteFunc(names, func(n string) bool { return n == "updated_at" || n == "erased" || n == "agents" })
	c.Changed = differences(names, before, after)
	return nil
}

// pastCase is a case as an entry wrote it, as the office sees it. It is nil where the entry cannot be read.
func (s *Service) pastCase(ctx context.Context, branch auth.BranchID, n uint64,
	id string) (members map[string]json.RawMessage, erased bool, err error) {
	page, err := s.store.PageOf(ctx, branch, n)
	var damaged *journal.DamagedPage
	if errors.Is(err, journal.ErrNotFound) || errors.As(err, &damaged) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	e, err := page.Entry(n)
	if err != nil {
		return nil, false, err
	}
	for _, d := range e.Docs {
		if d.Type == "cases" && d.ID == id {
			return s.shownMembers(ctx, journal.Record{Branch: branch, Type: d.Type, ID: d.ID, Body: d.State})
		}
	}
	return nil, false, nil
}

// shownMembers are the members of a record as the office sees it, and whether it is of an erased debtor.
func (s *Service) shownMembers(ctx context.Context, rec journal.Record) (map[string]json.RawMessage, bool, error) {
	doc, err := s.shown(ctx, rec, record.Office)
	if err != nil {
		return nil, false, err
	}
	var out map[string]json.RawMessage
	err = json.Unmarshal(doc, &out)
	return out, string(out["erased"]) == "true", err
}

// recordCorrection compares a record with the one that it supersedes, and with what its sender said.
func (s *Service) recordCorrection(ctx context.Context, branch auth.BranchID, c *Correction) error {
	refs := []journal.DocRef{{Type: c.Kind, ID: c.Record}, {Type: c.Kind, ID: c.Supersedes}}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return err
	}
	if recs[0].Body == nil {
		return nil // swept away with its case
	}
	after, erased, err := s.shownMembers(ctx, recs[0])
	if err != nil {
		return err
	}
	c.Erased = erased
	kind, _ := record.KindOf(c.Kind)
	var names []string
	for _, m := range kind.ReportMembers() {
		if m.Name != "supersedes" {
			names = append(names, m.Name)
		}
	}
	var before map[string]json.RawMessage
	switch {
	case c.Supersedes != "" && recs[1].Body != nil:
		if before, erased, err = s.shownMembers(ctx, recs[1]); err != nil {
			return err
		}
		c.Erased = c.Erased || erased
	case c.Accepted:
		var by struct {
			Item      string                     `json:"item"`
			Corrected []string                   `json:"corrected"`
			Sent      map[string]json.RawMessage `json:"sent"`
		}
		if err := json.Unmarshal(after["admitted"], &by); err != nil {
			return err
		}
		c.Item, names, before = by.Item, by.Corrected, by.Sent
	default:
		return nil
	}
	c.Changed = differences(names, before, after)
	return nil
}

// differences are the members, of those named, that two records do not have alike.
func differences(names []string, before, after map[string]json.RawMessage) []Change {
	slices.Sort(names)
	out := []Change{}
	for _, name := range slices.Compact(names) {
		was, is := before[name], after[name]
		if len(was) == 0 {
			was = json.RawMessage("null")
		}
		if len(is) == 0 {
			is = json.RawMessage("null")
		}
		if !offline.SameJSON(was, is) {
			out = append(out, Change{name, was, is})
		}
	}
	return out
}
