package figures

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// found is a row with its id.
type found struct {
	id string
	row
}

// source is where rows are read: the view, or what was made of a journal. The errors are the store's.
type source interface {
	// since lists the rows of a kind whose Until is not before from, and before to; "" for no bound.
	since(ctx context.Context, b auth.BranchID, kind, from, to string) ([]found, error)
	// under lists the rows of a kind that belong to something.
	under(ctx context.Context, b auth.BranchID, of, kind string) ([]found, error)
	// get reads rows by their ids; those that do not exist are absent.
	get(ctx context.Context, b auth.BranchID, ids []string) (map[string]row, error)
}

// stored reads the view.
type stored struct {
	store journal.Store
}

func (s stored) find(ctx context.Context, q journal.Query) ([]found, error) {
	var out []found
	q.Type, q.Limit = viewName, 2000
	for {
		page, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("find figures: %w", err)
		}
		for _, rec := range page.Records {
			x := found{id: rec.ID}
			if err := json.Unmarshal(rec.Body, &x.row); err != nil {
				return nil, fmt.Errorf("read row %s: %w", rec.ID, err)
			}
			out = append(out, x)
		}
		if q.After = page.Next; q.After == "" {
			return out, nil
		}
	}
}

func (s stored) since(ctx context.Context, b auth.BranchID, kind, from, to string) ([]found, error) {
	q := journal.Query{Branch: b, Index: byTime.Name, Eq: []any{kind}}
	if from != "" {
		q.From = from
	}
	if to != "" {
		q.To = to
	}
	return s.find(ctx, q)
}

func (s stored) under(ctx context.Context, b auth.BranchID, of, kind string) ([]found, error) {
	return s.find(ctx, journal.Query{Branch: b, Index: byOf.Name, Eq: []any{of, kind}})
}

func (s stored) get(ctx context.Context, b auth.BranchID, ids []string) (map[string]row, error) {
	out := map[string]row{}
	for part := range slices.Chunk(ids, 400) {
		refs := make([]journal.DocRef, len(part))
		for i, id := range part {
			refs[i] = journal.DocRef{Type: viewName, ID: id}
		}
		recs, err := s.store.Records(ctx, b, refs)
		if err != nil {
			return nil, fmt.Errorf("read figures: %w", err)
		}
		for i, rec := range recs {
			if rec.Type == "" || rec.Deleted {
				continue
			}
			var r row
			if err := json.Unmarshal(rec.Body, &r); err != nil {
				return nil, fmt.Errorf("read row %s: %w", part[i], err)
			}
			out[part[i]] = r
		}
	}
	return out, nil
}

// folded are the rows that were made of entries, without a store.
type folded map[auth.BranchID]*foldedBranch

type foldedBranch struct {
	rows map[string]row
	of   map[string][]found // by what they belong to, sorted
	kind map[string][]found // sorted
}

// fold applies the entries of a branch up to and including upTo.
func (f folded) fold(ctx context.Context, s journal.Store, b auth.BranchID, upTo uint64) error {
	now, met := map[string]journal.Record{}, map[string]uint64{}
	for e, err := range journal.Entries(ctx, s, b, 0, upTo) {
		if err != nil {
			return err
		}
		if err := applyEntry(&e, now, met); err != nil {
			return err
		}
	}
	out := &foldedBranch{rows: map[string]row{}, of: map[string][]found{}, kind: map[string][]found{}}
	for id, rec := range now {
		if rec.Body == nil {
			continue
		}
		x := found{id: id}
		if err := json.Unmarshal(rec.Body, &x.row); err != nil {
			return fmt.Errorf("read row %s: %w", id, err)
		}
		out.rows[id] = x.row
		out.of[x.Of], out.kind[x.Kind] = append(out.of[x.Of], x), append(out.kind[x.Kind], x)
	}
	for _, lists := range []map[string][]found{out.of, out.kind} {
		for _, list := range lists {
			slices.SortFunc(list, func(a, b found) int {
				return cmp.Or(strings.Compare(a.Until, b.Until), strings.Compare(a.id, b.id))
			})
		}
	}
	f[b] = out
	return nil
}

func (f folded) branch(b auth.BranchID) *foldedBranch {
	if f[b] == nil {
		return &foldedBranch{}
	}
	return f[b]
}

func (f folded) since(_ context.Context, b auth.BranchID, kind, from, to string) ([]found, error) {
	return slices.DeleteFunc(slices.Clone(f.branch(b).kind[kind]), func(x found) bool {
		return x.Until == "" || x.Until < from || to != "" && x.Until >= to
	}), nil
}

func (f folded) under(_ context.Context, b auth.BranchID, of, kind string) ([]found, error) {
	return slices.DeleteFunc(slices.Clone(f.branch(b).of[of]), func(x found) bool { return x.Kind != kind }), nil
}

func (f folded) get(_ context.Context, b auth.BranchID, ids []string) (map[string]row, error) {
	out := map[string]row{}
	for _, id := range ids {
		if r, there := f.branch(b).rows[id]; there {
			out[id] = r
		}
	}
	return out, nil
}
