package figures

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/sync/journal"
)

// viewName is the view's name and its documents' type.
const viewName = "figures"

// The indexes over the view.
var (
	byTime = journal.Index{Type: viewName, Name: "kind", Fields: []string{"kind", "until"}}
	byOf   = journal.Index{Type: viewName, Name: "of", Fields: []string{"of", "kind"}}
)

// Indexes lists the declared indexes of this room.
func Indexes() []journal.Index { return []journal.Index{byTime, byOf} }

// View is the view of what figures count: a row for each record that has a part in one. Its state is replaced, never
// added to, so that a run may be applied twice.
func View() journal.View {
	return journal.View{Name: viewName, Folds: true,
		Apply: func(ctx context.Context, run journal.Run) ([]journal.Record, error) {
			var entries []journal.Entry
			var ids []string
			if err := run.Entries(func(e *journal.Entry) error {
				if of := idsOf(e); len(of) > 0 {
					entries, ids = append(entries, *e), append(ids, of...)
				}
				return nil
			}); err != nil || len(entries) == 0 {
				return nil, err
			}
			slices.Sort(ids)
			ids = slices.Compact(ids)
			now, met := map[string]journal.Record{}, map[string]uint64{}
			for part := range slices.Chunk(ids, 400) {
				recs, err := run.Docs(ctx, part...)
				if err != nil {
					return nil, err
				}
				for i, rec := range recs {
					now[part[i]], met[part[i]] = rec, rec.N
				}
			}
			for i := range entries {
				if err := applyEntry(&entries[i], now, met); err != nil {
					return nil, err
				}
			}
			out := make([]journal.Record, 0, len(now))
			for id, rec := range now {
				if rec.N > met[id] {
					out = append(out, rec)
				}
			}
			return out, nil
		}}
}

// applyEntry applies an entry to rows. What a row has met already is passed over.
func applyEntry(e *journal.Entry, now map[string]journal.Record, met map[string]uint64) error {
	var bad error
	was := func(id string) *row {
		body := now[id].Body
		if body == nil {
			return nil
		}
		r := &row{}
		if err := json.Unmarshal(body, r); err != nil && bad == nil {
			bad = fmt.Errorf("read row %s: %w", id, err)
		}
		return r
	}
	put := func(id string, r *row) error {
		if e.N <= met[id] || r == nil && now[id].Body == nil {
			return nil
		}
		rec := journal.Record{ID: id, N: e.N, Rev: e.N, Deleted: r == nil}
		if r != nil {
			var err error
			if rec.Body, err = json.Marshal(r); err != nil {
				return err
			}
		}
		now[id] = rec
		return nil
	}
	if err := rowsOf(e, was, put); err != nil {
		return fmt.Errorf("entry %d: %w", e.N, err)
	}
	return bad
}
