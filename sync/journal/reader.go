package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
)

// Reader is what a decision reads through. It remembers the keys of all it was
// asked for, absent documents included, and shows what earlier commands of the
// same call have drafted, so that a batch decides as if each command had been
// appended before the next.
type Reader struct {
	// Branch is the journal that is read.
	Branch auth.BranchID
	// At is when the server received the command (UTC, milliseconds): the only clock a decision has.
	At time.Time
	// W is the watermark the reads are based on; nothing read is older.
	W uint64
	// RevsAbove is what revisions are above that were given since the branch's last restore, but for the first of a
	// document; 0 if it was never restored. What histories that were lost gave is not above it.
	RevsAbove uint64

	store   Store
	drafted *drafted
	keys    map[Key]seenAt
	seen    map[DocRef]Record
	lists   map[string][]Record // what PrefetchAll found
}

// seenAt is what is known of a key that was read.
type seenAt struct {
	stored bool   // a document of the store stands under the key, or none does
	n      uint64 // the entry that wrote what the store gave for it; 0: it had no such document
}

// readKey is a key that a decision rests on.
type readKey struct {
	Key
	seenAt
}

// drafted holds the documents that earlier commands of one Do call have written.
type drafted struct {
	docs map[DocRef]Record
	// byType lists them, since a search must look at all of a type.
	byType map[string][]DocRef
	// fields remembers the documents' values of the indexes that were searched, by the
	// index's name; nil for a document that an index does not hold.
	fields map[string]map[DocRef][]any
}

func newDrafted() *drafted {
	return &drafted{docs: map[DocRef]Record{}, byType: map[string][]DocRef{}, fields: map[string]map[DocRef][]any{}}
}

func (d *drafted) put(r Record) {
	ref := DocRef{r.Type, r.ID}
	if _, there := d.docs[ref]; !there {
		d.byType[r.Type] = append(d.byType[r.Type], ref)
	}
	d.docs[ref] = r
	for _, known := range d.fields {
		delete(known, ref)
	}
}

// Depend says that the decision rests on a key that no single document stands
// for: a case file (CaseKey), a uniqueness rule, a debtor's count.
func (r *Reader) Depend(keys ...Key) {
	for _, k := range keys {
		r.note(k, seenAt{})
	}
}

// note remembers that a key was read; what is known of it stays known.
func (r *Reader) note(k Key, at seenAt) {
	if was, there := r.keys[k]; !there || !was.stored {
		r.keys[k] = at
	}
}

// Doc reads a document. ok is false when it does not exist or is deleted; the record then
// still tells the revision of the tombstone, if there is one.
func (r *Reader) Doc(ctx context.Context, typ, id string) (rec Record, ok bool, err error) {
	recs, err := r.Docs(ctx, DocRef{typ, id})
	if err != nil {
		return Record{}, false, err
	}
	return recs[0], recs[0].Type != "" && !recs[0].Deleted, nil
}

// Docs reads several documents at once, in the order asked; absent ones have Type "".
func (r *Reader) Docs(ctx context.Context, refs ...DocRef) ([]Record, error) {
	out := make([]Record, len(refs))
	var ask []DocRef
	var where []int
	for i, ref := range refs {
		k := DocKey(ref.Type, ref.ID)
		if rec, ok := r.drafted.docs[ref]; ok {
			out[i] = rec
			r.note(k, seenAt{})
		} else if rec, ok := r.seen[ref]; ok {
			out[i] = rec
			r.note(k, seenAt{true, rec.N})
		} else {
			ask, where = append(ask, ref), append(where, i)
		}
	}
	if len(ask) > 0 {
		recs, err := r.store.Records(ctx, r.Branch, ask)
		if err != nil {
			return nil, fmt.Errorf("read %s/%s and %d more: %w", ask[0].Type, ask[0].ID, len(ask)-1, err)
		}
		for i, rec := range recs {
			out[where[i]] = rec
			r.seen[ask[i]] = rec
			r.note(DocKey(ask[i].Type, ask[i].ID), seenAt{true, rec.N})
		}
	}
	return out, nil
}

// Prefetch reads documents at once that this decision or later ones of the call will ask
// for. The decision does not rest on them until it asks.
func (r *Reader) Prefetch(ctx context.Context, refs ...DocRef) error {
	var ask []DocRef
	for _, ref := range refs {
		if _, there := r.seen[ref]; !there {
			ask = append(ask, ref)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	recs, err := r.store.Records(ctx, r.Branch, ask)
	if err != nil {
		return fmt.Errorf("read %s/%s and %d more: %w", ask[0].Type, ask[0].ID, len(ask)-1, err)
	}
	for i, rec := range recs {
		r.seen[ask[i]] = rec
	}
	return nil
}

// Prefetched is a document that Prefetch has read; Type is "" for one that it did not find or did not look for. The
// decision does not rest on it: it is for choosing what else to prefetch.
func (r *Reader) Prefetched(ref DocRef) Record { return r.seen[ref] }

// PrefetchAll finds at once what this decision or later ones of the call will ask All for: the documents of an index
// for each of several lists of leading values. The decision does not rest on them until it asks.
func (r *Reader) PrefetchAll(ctx context.Context, ix Index, eqs ...[]any) error {
	var ask [][]any
	for _, eq := range eqs {
		if _, there := r.lists[listKey(ix, eq)]; !there {
			ask = append(ask, eq)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	all, err := r.store.FindEach(ctx, Query{Branch: r.Branch, Type: ix.Type, Index: ix.Name}, ask)
	if err != nil {
		return fmt.Errorf("find %s by %s: %w", ix.Type, ix.Name, err)
	}
	for i, eq := range ask {
		r.lists[listKey(ix, eq)] = all[i]
	}
	return nil
}

func listKey(ix Index, eq []any) string { return fmt.Sprintf("%s/%s %q", ix.Type, ix.Name, eq) }

// read lists the keys of what was read.
func (r *Reader) read() []readKey {
	out := make([]readKey, 0, len(r.keys))
	for k, at := range r.keys {
		out = append(out, readKey{k, at})
	}
	return out
}

// NextRev is the revision that a document gets which stands at one; 0 is for one that does not exist.
func (r *Reader) NextRev(rev uint64) uint64 { return nextRev(rev, r.RevsAbove) }

// rev is the revision of a document that was read.
func (r *Reader) rev(ref DocRef) uint64 {
	if rec, ok := r.drafted.docs[ref]; ok {
		return rec.Rev
	}
	return r.seen[ref].Rev
}

// All finds every document of an index with the given leading values, drafted
// ones included, ordered by the index's last field and then by id. The caller
// must Depend on a key that every writer of such documents writes: an index has none of its own.
// The documents found count as read.
func (r *Reader) All(ctx context.Context, ix Index, eq ...any) ([]Record, error) {
	return r.Some(ctx, ix, Range{}, eq...)
}

// Range narrows what Reader.Some finds.
type Range struct {
	From any // inclusive lower bound of the index's last field, a string or an int64; nil: none
	Most int // as many of the first; 0: all
}

// Some is All of a part of what it would find. It reads no more than it gives and what
// the call itself has drafted.
func (r *Reader) Some(ctx context.Context, ix Index, part Range, eq ...any) ([]Record, error) {
	var out []found
	take := func(recs []Record) {
		for _, rec := range recs {
			ref := DocRef{rec.Type, rec.ID}
			if _, ok := r.drafted.docs[ref]; !ok {
				out = append(out, found{Record: rec})
				r.seen[ref] = rec
			}
		}
	}
	ahead, known := []Record(nil), false
	if part == (Range{}) {
		ahead, known = r.lists[listKey(ix, eq)]
		take(ahead)
	}
	q := Query{Branch: r.Branch, Type: ix.Type, Index: ix.Name, Eq: eq, From: part.From, Limit: 1000}
	if part.Most > 0 {
		q.Limit = part.Most
	}
	for !known {
		f, err := r.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("find %s by %s: %w", ix.Type, ix.Name, err)
		}
		take(f.Records)
		if f.Next == "" || part.Most > 0 && len(out) >= part.Most {
			break
		}
		q.After = f.Next
	}
	if drafted := r.drafted.find(ix, part.From, eq); len(drafted) > 0 {
		for i := range out {
			if vals, ok := TopFields(out[i].Body, ix.Fields); ok {
				out[i].last = vals[len(vals)-1]
			}
		}
		out = append(out, drafted...)
		slices.SortStableFunc(out, func(a, b found) int {
			return cmp.Or(compareValues(a.last, b.last), cmp.Compare(a.ID, b.ID))
		})
	}
	if part.Most > 0 && len(out) > part.Most {
		out = out[:part.Most]
	}
	recs := make([]Record, len(out))
	for i := range out {
		recs[i] = out[i].Record
		_, drafted := r.drafted.docs[DocRef{recs[i].Type, recs[i].ID}]
		r.note(DocKey(recs[i].Type, recs[i].ID), seenAt{!drafted, recs[i].N})
	}
	return recs, nil
}

// found is a document with its value of the index's last field.
type found struct {
	Record
	last any
}

// find gives the drafted documents that an index holds under the leading values.
func (d *drafted) find(ix Index, from any, eq []any) []found {
	var out []found
	known := d.fields[ix.Name]
	for _, ref := range d.byType[ix.Type] {
		rec := d.docs[ref]
		if rec.Deleted {
			continue
		}
		vals, there := known[ref]
		if !there {
			if all, ok := TopFields(rec.Body, ix.Fields); ok {
				vals = all
			}
			if known == nil {
				known = map[DocRef][]any{}
				d.fields[ix.Name] = known
			}
			known[ref] = vals
		}
		if vals == nil || !startsWith(vals, eq) {
			continue
		}
		last := vals[len(vals)-1]
		if from == nil || compareValues(last, valueOf(from)) >= 0 {
			out = append(out, found{rec, last})
		}
	}
	return out
}

// startsWith tells whether values begin with those a query names.
func startsWith(vals, eq []any) bool {
	for i, v := range eq {
		if vals[i] != valueOf(v) {
			return false
		}
	}
	return true
}

// valueOf is a value of a query as TopFields gives it.
func valueOf(v any) any {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v
}

// compareValues orders values as stores do: integers before strings.
func compareValues(a, b any) int {
	x, isInt := a.(int64)
	y, isIntToo := b.(int64)
	switch {
	case isInt && isIntToo:
		return cmp.Compare(x, y)
	case isInt:
		return -1
	case isIntToo:
		return 1
	}
	s, _ := a.(string)
	t, _ := b.(string)
	return cmp.Compare(s, t)
}
