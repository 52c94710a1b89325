package journal

import (
	"cmp"
	"context"
	"encoding/json"
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

	store   Store
	drafted *drafted
	keys    map[Key]struct{}
	seen    map[DocRef]Record
}

// drafted holds the documents that earlier commands of one Do call have written.
type drafted struct {
	docs map[DocRef]Record
	// byType lists them, since a search must look at all of a type.
	byType map[string][]DocRef
}

func newDrafted() *drafted {
	return &drafted{docs: map[DocRef]Record{}, byType: map[string][]DocRef{}}
}

func (d *drafted) put(r Record) {
	ref := DocRef{r.Type, r.ID}
	if _, there := d.docs[ref]; !there {
		d.byType[r.Type] = append(d.byType[r.Type], ref)
	}
	d.docs[ref] = r
}

// Depend says that the decision rests on a key that no single document stands
// for: a case file (CaseKey), a uniqueness rule, a debtor's count.
func (r *Reader) Depend(keys ...Key) {
	for _, k := range keys {
		r.keys[k] = struct{}{}
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
		r.keys[DocKey(ref.Type, ref.ID)] = struct{}{}
		if rec, ok := r.drafted.docs[ref]; ok {
			out[i] = rec
		} else if rec, ok := r.seen[ref]; ok {
			out[i] = rec
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

// read lists the keys of what was read.
func (r *Reader) read() []Key {
	out := make([]Key, 0, len(r.keys))
	for k := range r.keys {
		out = append(out, k)
	}
	return out
}

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
	var out []Record
	q := Query{Branch: r.Branch, Type: ix.Type, Index: ix.Name, Eq: eq, Limit: 1000}
	for {
		f, err := r.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("find %s by %s: %w", ix.Type, ix.Name, err)
		}
		for _, rec := range f.Records {
			ref := DocRef{rec.Type, rec.ID}
			if _, ok := r.drafted.docs[ref]; !ok {
				out = append(out, rec)
				r.seen[ref] = rec
			}
		}
		if f.Next == "" {
			break
		}
		q.After = f.Next
	}
	stored := len(out)
	for _, ref := range r.drafted.byType[ix.Type] {
		rec := r.drafted.docs[ref]
		if !rec.Deleted && hasFields(rec.Body, ix.Fields, eq) {
			out = append(out, rec)
		}
	}
	if len(out) > stored {
		last := ix.Fields[len(ix.Fields)-1]
		slices.SortStableFunc(out, func(a, b Record) int {
			return cmp.Or(compareField(a.Body, b.Body, last), cmp.Compare(a.ID, b.ID))
		})
	}
	for _, rec := range out {
		r.keys[DocKey(rec.Type, rec.ID)] = struct{}{}
	}
	return out, nil
}

// hasFields tells whether a state has all the fields, the leading ones with the given values.
func hasFields(state json.RawMessage, fields []string, eq []any) bool {
	var m map[string]json.RawMessage
	if json.Unmarshal(state, &m) != nil {
		return false
	}
	for i, f := range fields {
		v, ok := m[f]
		if !ok || string(v) == "null" {
			return false
		}
		if i < len(eq) {
			want, err := json.Marshal(eq[i])
			var is, be any // by value: the same text can be spelled in several ways
			if err != nil || json.Unmarshal(want, &be) != nil || json.Unmarshal(v, &is) != nil || is != be {
				return false
			}
		}
	}
	return true
}

func compareField(a, b json.RawMessage, field string) int {
	x, y := fieldOf(a, field), fieldOf(b, field)
	if xn, ok := x.(float64); ok {
		if yn, ok := y.(float64); ok {
			return cmp.Compare(xn, yn)
		}
	}
	xs, _ := x.(string)
	ys, _ := y.(string)
	return cmp.Compare(xs, ys)
}

func fieldOf(state json.RawMessage, field string) any {
	var m map[string]any
	if json.Unmarshal(state, &m) != nil {
		return nil
	}
	return m[field]
}
