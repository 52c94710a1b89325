package journal

import (
	"cmp"
	"context"
	"slices"

	"doorstep/auth"
)

// What Check asks of a store, for memStore: one generation of each built-in view.

func (m *memStore) Generations(_ context.Context, b auth.BranchID) ([]Generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Generation
	for i, view := range BuiltInViews() {
		out = append(out, Generation{View: view, Gen: uint64(i + 1), W: m.w[b], State: Live})
	}
	return out, nil
}

// scanned gives the values of a map that come after a given one, in order.
func scanned[K comparable, V any](m *memStore, all map[K]V, limit int, order func(a, b V) int,
	isAfter func(V) bool) []V {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []V
	for _, v := range all {
		if isAfter(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, order)
	return out[:min(limit, len(out))]
}

func (m *memStore) ScanRecords(_ context.Context, b auth.BranchID, _ uint64, after DocRef, limit int) ([]Record,
	error) {
	order := func(a, b Record) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) }
	return scanned(m, m.records[b], limit, order, func(r Record) bool {
		return order(r, Record{Type: after.Type,
			ID: after.ID}) > 0
	}), nil
}

func (m *memStore) ScanFeeds(_ context.Context, b auth.BranchID, _ uint64, after FeedEntry, limit int) ([]FeedEntry,
	error) {
	order := func(a, b FeedEntry) int {
		return cmp.Or(cmp.Compare(a.Feed, b.Feed), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	}
	return scanned(m, m.feeds[b], limit, order, func(f FeedEntry) bool { return order(f, after) > 0 }), nil
}

func (m *memStore) ScanReceipts(_ context.Context, b auth.BranchID, _ uint64, after string, limit int) ([]Receipt,
	error) {
	order := func(a, b Receipt) int { return cmp.Compare(a.Command, b.Command) }
	return scanned(m, m.receipts[b], limit, order, func(r Receipt) bool { return r.Command > after }), nil
}

func (m *memStore) CheckIndexes(context.Context, auth.BranchID, uint64, func(DocRef, string)) error {
	return nil // it keeps none
}

func (m *memStore) StrayGenerations(context.Context, auth.BranchID) ([]uint64, error) {
	return nil, nil
}
