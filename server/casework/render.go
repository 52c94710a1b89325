package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// shown is a record as an audience sees it.
func (s *Service) shown(ctx context.Context, rec journal.Record, to record.Audience) (json.RawMessage, error) {
	return s.shownAs(ctx, rec, to, func(any) {})
}

// shownAs is shown for a state that now brings up to date: what holds at present of what was written once.
func (s *Service) shownAs(ctx context.Context, rec journal.Record, to record.Audience,
	now func(state any)) (json.RawMessage, error) {
	kind, ok := record.KindOf(rec.Type)
	if !ok {
		return nil, fmt.Errorf("show %s/%s: a kind of record that is not known", rec.Type, rec.ID)
	}
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return nil, err
	}
	// The debtor does not matter to opening: the part names its key.
	if err := s.vault.OpenDoc(ctx, "", rec.Branch, rec.Type, rec.ID, state); err != nil {
		return nil, fmt.Errorf("open %s: %w", rec.Type, err)
	}
	now(state)
	switch v := state.(type) {
	case *record.Visit:
		if to == record.Lender {
			v.Outcome = record.OutcomeFor(to, v.Outcome)
		}
	case *record.Quarantined:
		if v.IsPrivate() {
			v.Fields = seal.Text{}
		}
	}
	return record.Show(state, to)
}

// Types lists the types phones may pull.
func (s *Service) Types() []string {
	var names []string
	for _, k := range record.Kinds() {
		if k.Synced {
			names = append(names, k.Name)
		}
	}
	return names
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
		}
		if err := decodeSome(rec, &o, "case", "by", "debtor"); err != nil {
			return nil, err
		}
		whose[i] = o.owned
		out[i].Mine = o.By == string(c.Actor.User)
		if !slices.Contains(debtors, o.Debtor) {
			debtors = append(debtors, o.Debtor)
		}
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
	doors, err := s.doors(ctx, c, recs)
	if err != nil {
		return nil, err
	}
	confirmed, err := s.confirmationsAhead(ctx, c.Branch, recs)
	if err != nil {
		return nil, err
	}
	me := c.Actor.User
	for i, rec := range recs {
		var k *record.Case
		switch {
		case !knows(c, rec.Type):
			continue // the app does not know such records
		case rec.Deleted || rec.Body == nil:
			out[i].Op = "delete"
			continue
		case rec.Type == "policy":
		case rec.Type == "cases":
			k = &record.Case{}
			if err := decode(rec, k); err != nil {
				return nil, err
			}
			if !slices.Contains(k.Agents, me) {
				out[i].Op = "revoke"
			}
		case rec.Type == "assignments":
			var a record.Assignment
			if err := decode(rec, &a); err != nil {
				return nil, err
			}
			if !a.Shown() || !slices.Contains(a.Agents, me) {
				out[i].Op = "revoke"
			}
		case !held[whose[i].Case] || isPrivate(rec.Type) && !out[i].Mine:
			out[i].Op = "revoke"
		}
		if out[i].Op != "" {
			continue
		}
		var doc json.RawMessage
		switch {
		case k != nil:
			doc, err = s.card(ctx, doors, rec, k, c.At, c.Schema)
		case rec.Type == "visits":
			doc, err = s.visitNow(ctx, rec, confirmed[rec.ID], record.Agent)
		default:
			doc, err = s.shown(ctx, rec, record.Agent)
		}
		if err != nil {
			return nil, err
		}
		kind, _ := record.KindOf(rec.Type)
		if doc, err = kind.Shaped(doc, c.Schema); err != nil {
			return nil, fmt.Errorf("shape %s/%s for version %d: %w", rec.Type, rec.ID, c.Schema, err)
		}
		if no := visitNo(rec); no > 0 {
			doc = withMembers(doc, "visit_no", no)
		}
		out[i].Op, out[i].Doc = "put", doc
	}
	return out, nil
}

// knows tells whether the caller's app knows records of a type. It pulls from 0 once it does.
func knows(c offline.Caller, typ string) bool {
	kind, _ := record.KindOf(typ)
	return kind.Known(c.Schema)
}

// isPrivate tells whether records of a type are seen by the phones of the agent who made them alone.
func isPrivate(typ string) bool {
	kind, _ := record.KindOf(typ)
	return kind.Private
}

// heldCases tells which of some cases the caller holds.
func (s *Service) heldCases(ctx context.Context, c offline.Caller, refs []journal.DocRef) (map[journal.CaseID]bool,
	error) {
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
		var k struct {
			ID     journal.CaseID `json:"id"`
			Agents []auth.UserID  `json:"agents"`
		}
		if err := decodeSome(rec, &k, "id", "agents"); err != nil {
			return nil, err
		}
		held[k.ID] = slices.Contains(k.Agents, c.Actor.User)
	}
	return held, nil
}

// InScope lists every record of a type the device may see, sorted by id.
func (s *Service) InScope(ctx context.Context, c offline.Caller, typ string) ([]offline.Rev, error) {
	out := []offline.Rev{}
	add := func(rec journal.Record) { out = append(out, offline.Rev{ID: rec.ID, Rev: rec.Rev}) }
	if !knows(c, typ) {
		return out, nil
	}
	if typ == "policy" {
		return out, s.each(ctx, journal.Query{Branch: c.Branch, Type: typ},
			func(rec journal.Record) error { add(rec); return nil })
	}
	held, err := s.heldStops(ctx, c)
	if err != nil {
		return nil, err
	}
	var refs []journal.DocRef
	for _, a := range held {
		ref := journal.DocRef{Type: "cases", ID: string(a.of.Case)}
		if typ == "assignments" {
			add(a.rec)
		} else if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	kind, _ := record.KindOf(typ)
	switch {
	case typ == "assignments":
	case typ == "cases":
		recs, err := s.store.Records(ctx, c.Branch, refs)
		if err != nil {
			return nil, fmt.Errorf("read cases: %w", err)
		}
		for _, rec := range recs {
			if rec.Type != "" && !rec.Deleted {
				add(rec)
			}
		}
	default:
		for _, ref := range refs {
			if err := s.each(ctx, journal.Query{Branch: c.Branch, Type: typ, Index: kind.ByCase.Name, Eq: []any{ref.ID}},
				func(rec journal.Record) error {
					var o owned
					err := decodeSome(rec, &o, "case", "by")
					if !kind.Private || o.By == string(c.Actor.User) {
						add(rec)
					}
					return err
				}); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b offline.Rev) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// heldStop is an assignment that a phone shows.
type heldStop struct {
	rec journal.Record
	of  record.Assignment
}

// heldStops reads the assignments that the caller's phones show. It reads those of the caller alone, of whom the view
// of the desk has a row for each.
func (s *Service) heldStops(ctx context.Context, c offline.Caller) ([]heldStop, error) {
	if err := s.views.CatchUp(ctx, c.Branch, deskView); err != nil {
		return nil, err
	}
	var refs []journal.DocRef
	if err := s.each(ctx, journal.Query{Branch: c.Branch, Type: deskView, Index: deskStopsHeld.Name,
		Eq: []any{string(c.Actor.User)}}, func(rec journal.Record) error {
		var row deskStopBy
		err := decode(rec, &row)
		refs = append(refs, journal.DocRef{Type: "assignments", ID: row.Stop})
		return err
	}); err != nil || len(refs) == 0 {
		return nil, err
	}
	recs, err := s.store.Records(ctx, c.Branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read assignments: %w", err)
	}
	var out []heldStop
	for _, rec := range recs {
		a := heldStop{rec: rec}
		if rec.Type == "" || rec.Deleted {
			continue
		}
		if err := decode(rec, &a.of); err != nil {
			return nil, err
		}
		if a.of.Shown() && slices.Contains(a.of.Agents, c.Actor.User) { // the view may be behind
			out = append(out, a)
		}
	}
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

// withMembers adds members that no state has to a shown record: pairs of a name and
// a value that always encodes.
func withMembers(doc json.RawMessage, pairs ...any) json.RawMessage {
	out := append(json.RawMessage(nil), doc[:len(doc)-1]...)
	for i := 0; i < len(pairs); i += 2 {
		value, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic("casework: a member does not encode: " + err.Error()) // of our own
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, pairs[i].(string)), ':')
		out = append(out, value...)
	}
	return append(out, '}')
}
