package casework

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// plainJSON is a document with its personal parts in the clear (seal.Show). Those
// of an erased debtor are null, and the member erased is true. Numbers stay as they were written.
func plainJSON(doc any) (map[string]any, error) {
	body, err := seal.Show(doc)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := decodeExact(body, &out); err != nil {
		return nil, err
	}
	// What a newer app sent and nobody here knows goes back where it stood.
	if more, ok := out["more"].(string); ok {
		var unknown map[string]any
		if decodeExact([]byte(more), &unknown) == nil {
			for name, v := range unknown {
				if _, taken := out[name]; !taken {
					out[name] = v
				}
			}
		}
	}
	delete(out, "more")
	if text, ok := out["affordability"].(string); ok {
		var v any
		if decodeExact([]byte(text), &v) == nil {
			out["affordability"] = v
		}
	}
	return out, nil
}

// decodeExact reads JSON and keeps numbers as they are written.
func decodeExact(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// docOf makes an empty state of a type; nil for a type without personal parts.
func docOf(typ string) any {
	switch typ {
	case "cases":
		return &Case{}
	case "assignments":
		return &Assignment{}
	case "visits":
		return &Visit{}
	case "visit_reviews":
		return &VisitReview{}
	case "visit_notes":
		return &Note{}
	case "consents":
		return &Consent{}
	case "signatures":
		return &Signature{}
	case "payments_reported":
		return &PaymentReported{}
	case "plans":
		return &Plan{}
	case "quarantine":
		return &Quarantined{}
	}
	return nil
}

// shown is a record in the clear, without what is ours alone.
func (s *Service) shown(ctx context.Context, rec journal.Record) (map[string]any, error) {
	doc := docOf(rec.Type)
	if doc == nil {
		out := map[string]any{}
		return out, decode(rec, &out)
	}
	if err := decode(rec, doc); err != nil {
		return nil, err
	}
	// The debtor does not matter to opening: the part names its key.
	if err := s.vault.OpenDoc(ctx, "", rec.Branch, rec.Type, rec.ID, doc); err != nil {
		return nil, fmt.Errorf("open %s: %w", rec.Type, err)
	}
	out, err := plainJSON(doc)
	for _, name := range []string{"import_hash", "imported", "written", "on_phones", "said", "extra"} {
		delete(out, name)
	}
	return out, err
}

// cardFields are the case card an agent needs at the door, nothing more.
var cardFields = []string{"case_ref", "debtor_ref", "debtor_name", "language", "phone", "phone_state", "address", "postal_code", "city", "country", "home",
	"address_verification", "time_zone", "currency", "amount_due_minor", "due_date", "product_type", "lender", "priority", "service_min", "status",
	"holds", "requests", "facts", "appointments", "live_plan", "profiles", "territory", "erased"}

// Types lists the types phones may pull.
func (s *Service) Types() []string {
	return []string{"assignments", "cases", "visits", "visit_notes", "consents", "signatures", "payments_reported", "plans", "policy"}
}

// Render answers whether the device may see each record and what it looks like.
// Scope is judged now, on the case as it stands: a case that leaves it takes all below it along.
func (s *Service) Render(ctx context.Context, c offline.Caller, recs []journal.Record) ([]offline.Rendered, error) {
	out := make([]offline.Rendered, len(recs))
	whose := make([]owned, len(recs))
	var refs []journal.DocRef
	var debtors []journal.DebtorID
	for i, rec := range recs {
		if rec.Deleted || rec.Body == nil {
			continue
		}
		var o struct {
			owned
			Debtor journal.DebtorID `json:"debtor"`
			Ref    journal.DebtorID `json:"debtor_ref"`
		}
		if err := decode(rec, &o); err != nil {
			return nil, err
		}
		whose[i] = o.owned
		debtors = append(debtors, journal.DebtorID(cmpOr(string(o.Debtor), string(o.Ref))))
		if rec.Type != "cases" && rec.Type != "assignments" && rec.Type != "policy" && o.Case != "" {
			refs = append(refs, journal.DocRef{Type: "cases", ID: string(o.Case)})
		}
	}
	if err := s.vault.Warm(ctx, debtors); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	held, err := s.heldCases(ctx, c, refs)
	if err != nil {
		return nil, err
	}
	me := c.Actor.User
	for i, rec := range recs {
		switch {
		case rec.Deleted || rec.Body == nil:
			out[i].Op = "delete"
			continue
		case rec.Type == "policy":
		case rec.Type == "cases":
			var k Case
			if err := decode(rec, &k); err != nil {
				return nil, err
			}
			if !slices.Contains(k.Agents, me) {
				out[i].Op = "revoke"
			}
		case rec.Type == "assignments":
			var a Assignment
			if err := decode(rec, &a); err != nil {
				return nil, err
			}
			if !a.shown() || !slices.Contains(a.Agents, me) {
				out[i].Op = "revoke"
			}
		case !held[whose[i].Case]:
			out[i].Op = "revoke"
		}
		if out[i].Op != "" {
			continue
		}
		doc, err := s.shown(ctx, rec)
		if err != nil {
			return nil, err
		}
		if rec.Type == "cases" {
			card := make(map[string]any, len(cardFields))
			for _, name := range cardFields {
				if v, ok := doc[name]; ok {
					card[name] = v
				}
			}
			doc = card
		}
		if rec.No > 0 {
			doc["visit_no"] = rec.No
		}
		out[i].Op = "put"
		if out[i].Doc, err = json.Marshal(doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// heldCases tells which of some cases the caller holds.
func (s *Service) heldCases(ctx context.Context, c offline.Caller, refs []journal.DocRef) (map[journal.CaseID]bool, error) {
	held := map[journal.CaseID]bool{}
	slices.SortFunc(refs, func(a, b journal.DocRef) int { return strings.Compare(a.ID, b.ID) })
	refs = slices.Compact(refs)
	if len(refs) == 0 {
		return held, nil
	}
	recs, err := s.store.Records(ctx, c.Branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	for _, rec := range recs {
		if rec.Type == "" || rec.Deleted {
			continue
		}
		var k Case
		if err := decode(rec, &k); err != nil {
			return nil, err
		}
		held[k.CaseRef] = slices.Contains(k.Agents, c.Actor.User)
	}
	return held, nil
}

// InScope lists every record of a type the device may see, sorted by id.
func (s *Service) InScope(ctx context.Context, c offline.Caller, typ string) ([]offline.Rev, error) {
	out := []offline.Rev{}
	add := func(rec journal.Record) { out = append(out, offline.Rev{ID: rec.ID, Rev: rec.Rev}) }
	if typ == "policy" {
		return out, s.each(ctx, journal.Query{Branch: c.Branch, Type: typ}, func(rec journal.Record) error { add(rec); return nil })
	}
	cases := map[journal.CaseID]bool{}
	if err := s.each(ctx, journal.Query{Branch: c.Branch, Type: "assignments", Index: AssignmentsOnPhones.Name, Eq: []any{int64(1)}}, func(rec journal.Record) error {
		var a Assignment
		if err := decode(rec, &a); err != nil {
			return err
		}
		if a.shown() && slices.Contains(a.Agents, c.Actor.User) {
			cases[a.Case] = true
			if typ == "assignments" {
				add(rec)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	index := map[string]journal.Index{"visits": VisitsByCase, "visit_notes": NotesByCase, "consents": ConsentsByCase, "signatures": SignaturesByCase,
		"payments_reported": PaymentsReportedByCase, "plans": PlansByCase}
	for id := range cases {
		switch typ {
		case "assignments":
		case "cases":
			recs, err := s.store.Records(ctx, c.Branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
			if err != nil {
				return nil, err
			}
			if recs[0].Type != "" && !recs[0].Deleted {
				add(recs[0])
			}
		default:
			if err := s.each(ctx, journal.Query{Branch: c.Branch, Type: typ, Index: index[typ].Name, Eq: []any{string(id)}}, func(rec journal.Record) error {
				add(rec)
				return nil
			}); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b offline.Rev) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// each reads all records of a query, page by page.
func (s *Service) each(ctx context.Context, q journal.Query, fn func(journal.Record) error) error {
	for {
		found, err := s.store.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("read %s: %w", q.Type, err)
		}
		for _, rec := range found.Records {
			if err := fn(rec); err != nil {
				return err
			}
		}
		if found.Next == "" {
			return nil
		}
		q.After = found.Next
	}
}
