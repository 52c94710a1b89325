package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"doorstep/auth"
)

// memStore is a store in memory for tests of the committer: pages and views
// apart, as on an engine without transactions across documents, with faults
// injected between the steps. The engines themselves are tested by storetest.
type memStore struct {
	mu       sync.Mutex
	pages    map[auth.BranchID][]*Page
	w        map[auth.BranchID]uint64
	records  map[auth.BranchID]map[DocRef]Record
	receipts map[auth.BranchID]map[string]Receipt
	feeds    map[auth.BranchID]map[feedRef]FeedEntry
	smalls   map[string]map[string]SmallDoc
	damaged  map[auth.BranchID]map[uint64]bool // pages, by first entry, whose bytes cannot be read

	// unfit is a document that can never be kept, and the step at which that shows.
	unfit   DocRef
	unfitAt string

	// fault, when set, is asked before and after the insert of a page and before its views.
	fault func(step string, p *Page) error
	Store // the rest is not used here
}

func newMemStore() *memStore {
	return &memStore{pages: map[auth.BranchID][]*Page{}, w: map[auth.BranchID]uint64{},
		records:  map[auth.BranchID]map[DocRef]Record{},
		receipts: map[auth.BranchID]map[string]Receipt{}, feeds: map[auth.BranchID]map[feedRef]FeedEntry{},
		smalls: map[string]map[string]SmallDoc{}, damaged: map[auth.BranchID]map[uint64]bool{}}
}

func (m *memStore) trip(step string, p *Page) error {
	m.mu.Lock()
	fault := m.fault
	m.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(step, p)
}

func (m *memStore) setFault(fn func(step string, p *Page) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fn
}

func (m *memStore) fit(step string, v ViewWrites) error {
	for _, r := range v.Records {
		if (DocRef{r.Type, r.ID}) == m.unfit && step == m.unfitAt {
			return fmt.Errorf("write documents: %w", &Unfit{Doc: m.unfit, Err: errors.New("no column holds it")})
		}
	}
	return nil
}

func (m *memStore) Commit(ctx context.Context, p *Page, v ViewWrites) error {
	if err := m.trip("before", p); err != nil {
		return err
	}
	if err := m.fit("before", v); err != nil {
		return err
	}
	if err := m.insert(p); err != nil {
		return err
	}
	if err := m.trip("stored", p); err != nil {
		return err
	}
	return m.Apply(ctx, p, v)
}

// insert stores a page, and not its views.
func (m *memStore) insert(p *Page) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	// What is stored is the encoded form: nothing shared with the committer survives.
	stored, err := DecodePage(p.Encode())
	if err != nil {
		return err
	}
	tail := uint64(0)
	if ps := m.pages[p.Branch]; len(ps) > 0 {
		tail = ps[len(ps)-1].Last
	}
	switch {
	case p.First == tail+1:
		m.pages[p.Branch] = append(m.pages[p.Branch], stored)
	case p.First <= tail:
		i := slices.IndexFunc(m.pages[p.Branch], func(q *Page) bool { return q.First == p.First })
		if i < 0 || m.pages[p.Branch][i].ID != p.ID {
			return ErrTaken
		}
	default:
		return errors.New("a page beyond the tail")
	}
	return nil
}

func (m *memStore) Apply(_ context.Context, p *Page, v ViewWrites) error {
	if err := m.trip("views", p); err != nil {
		return err
	}
	if err := m.fit("views", v); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := p.Branch
	if m.records[b] == nil {
		m.records[b], m.receipts[b], m.feeds[b] = map[DocRef]Record{}, map[string]Receipt{}, map[feedRef]FeedEntry{}
	}
	for _, r := range v.Records {
		ref := DocRef{r.Type, r.ID}
		if m.records[b][ref].N < r.N {
			m.records[b][ref] = r
		}
	}
	for _, f := range v.Feeds {
		ref := feedRef{f.Feed, f.Type, f.ID}
		if m.feeds[b][ref].Seq < f.Seq {
			m.feeds[b][ref] = f
		}
	}
	for _, r := range v.Receipts {
		if _, there := m.receipts[b][r.Command]; !there {
			m.receipts[b][r.Command] = r
		}
	}
	if m.w[b]+1 >= p.First && m.w[b] < p.Last {
		m.w[b] = p.Last
	}
	return nil
}

func (m *memStore) PageAt(_ context.Context, b auth.BranchID, first uint64) (*Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pages[b] {
		if p.First == first {
			return m.read(p)
		}
	}
	return nil, ErrNotFound
}

func (m *memStore) PageOf(_ context.Context, b auth.BranchID, n uint64) (*Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pages[b] {
		if p.First <= n && n <= p.Last {
			return m.read(p)
		}
	}
	return nil, ErrNotFound
}

func (m *memStore) Pages(_ context.Context, b auth.BranchID, after uint64, limit int) ([]*Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*Page
	from, _ := slices.BinarySearchFunc(m.pages[b], after+1, func(p *Page, n uint64) int { return cmp.Compare(p.Last, n) })
	for _, p := range m.pages[b][from:] {
		if len(out) < limit {
			if _, err := m.read(p); err != nil && len(out) == 0 {
				return nil, err
			} else if err != nil {
				break
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// read is a page, unless its bytes are damaged.
func (m *memStore) read(p *Page) (*Page, error) {
	if m.damaged[p.Branch][p.First] {
		return nil, &DamagedPage{Branch: p.Branch, First: p.First, Last: p.Last, Err: errors.New("its bytes are cut short")}
	}
	return p, nil
}

func (m *memStore) Watermarks(context.Context) ([]BranchMark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []BranchMark
	for _, b := range slices.Sorted(maps.Keys(m.pages)) {
		out = append(out, BranchMark{b, m.w[b]})
	}
	return out, nil
}

func (m *memStore) Branches(context.Context) ([]auth.BranchID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.pages)), nil
}

func (m *memStore) Small(_ context.Context, kind, id string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, there := m.smalls[kind][id]
	if !there {
		return nil, 0, ErrNotFound
	}
	return d.Body, d.Version, nil
}

func (m *memStore) SwapSmall(_ context.Context, kind, id string, was uint64, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.smalls[kind][id].Version != was {
		return ErrRaced
	}
	if m.smalls[kind] == nil {
		m.smalls[kind] = map[string]SmallDoc{}
	}
	m.smalls[kind][id] = SmallDoc{ID: id, Body: body, Version: was + 1}
	return nil
}

func (m *memStore) DeleteSmall(_ context.Context, kind, id string, was uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, there := m.smalls[kind][id]
	if !there {
		return ErrNotFound
	}
	if d.Version != was {
		return ErrRaced
	}
	delete(m.smalls[kind], id)
	return nil
}

func (m *memStore) Smalls(_ context.Context, kind string, ids []string) ([]SmallDoc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]SmallDoc, len(ids))
	for i, id := range ids {
		out[i] = m.smalls[kind][id]
		out[i].ID = id
	}
	return out, nil
}

func (m *memStore) ListSmall(_ context.Context, kind, prefix, after string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, id := range slices.Sorted(maps.Keys(m.smalls[kind])) {
		if strings.HasPrefix(id, prefix) && id > after && len(out) < limit {
			out = append(out, id)
		}
	}
	return out, nil
}

func (m *memStore) Tail(_ context.Context, b auth.BranchID) (*Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ps := m.pages[b]
	if len(ps) == 0 {
		return nil, ErrNotFound
	}
	return m.read(ps[len(ps)-1])
}

func (m *memStore) Watermark(_ context.Context, b auth.BranchID) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.w[b], nil
}

func (m *memStore) Records(_ context.Context, b auth.BranchID, refs []DocRef) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Record, len(refs))
	for i, ref := range refs {
		out[i] = m.records[b][ref]
	}
	return out, nil
}

func (m *memStore) Receipts(_ context.Context, b auth.BranchID, ids []string) ([]Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Receipt, len(ids))
	for i, id := range ids {
		out[i] = m.receipts[b][id]
	}
	return out, nil
}

func (m *memStore) FindEach(ctx context.Context, q Query, eqs [][]any) ([][]Record, error) {
	out := make([][]Record, len(eqs))
	for i, eq := range eqs {
		q.Eq = eq
		f, err := m.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		out[i] = f.Records
	}
	return out, nil
}

func (m *memStore) Find(_ context.Context, q Query) (Found, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []found
	for ref, r := range m.records[q.Branch] {
		if ref.Type != q.Type || r.Deleted {
			continue
		}
		vals, ok := TopFields(r.Body, []string{"owner", "n"})
		if q.Index == "" {
			vals, ok = []any{"", ref.ID}, true
		}
		if ok && startsWith(vals, q.Eq) && (q.From == nil || compareValues(vals[1], valueOf(q.From)) >= 0) {
			all = append(all, found{r, vals[1]})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(compareValues(a.last, b.last), cmp.Compare(a.ID, b.ID)) })
	if at := slices.IndexFunc(all, func(f found) bool { return f.ID == q.After }); at >= 0 {
		all = all[at+1:]
	}
	var out Found
	for i := range all {
		if q.Limit > 0 && len(out.Records) == q.Limit {
			out.Next = out.Records[q.Limit-1].ID
			break
		}
		out.Records = append(out.Records, all[i].Record)
	}
	return out, nil
}

// entries decodes all stored pages of a branch.
func (m *memStore) entries(b auth.BranchID) []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Entry
	for _, p := range m.pages[b] {
		es, err := p.Decode()
		if err != nil {
			panic(err)
		}
		out = append(out, es...)
	}
	return out
}

func state(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
