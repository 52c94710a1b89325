package mongostore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// defaultLimit is a query's when it names none.
const defaultLimit = 500

// span is a run of an index: one query reads it in order.
type span struct{ filter, sort bson.D }

// Find answers a query by a declared index.
func (s *Store) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	var from *cursor
	if q.After != "" {
		c, err := readCursor(q.After)
		if err != nil {
			return journal.Found{}, err
		}
		from = &c
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	var out journal.Found
	err := s.pinned(ctx, q.Branch, func(gens []journal.Generation) (err error) {
		out, err = s.find(ctx, q, readable(gens, journal.ViewOf(gens, q.Type)), from)
		return err
	})
	return out, err
}

// FindEach answers a query for each of several lists of leading values, one after the other.
func (s *Store) FindEach(ctx context.Context, q journal.Query, eqs [][]any) ([][]journal.Record, error) {
	if q.After != "" || q.Limit != 0 || q.Desc {
		return nil, fmt.Errorf("index %s of %s: asked for a page", q.Index, q.Type)
	}
	out := make([][]journal.Record, len(eqs))
	for i, eq := range eqs {
		of := q
		of.Eq = eq
		for {
			found, err := s.Find(ctx, of)
			if err != nil {
				return nil, err
			}
			if out[i] = append(out[i], found.Records...); found.Next == "" {
				break
			}
			of.After = found.Next
		}
	}
	return out, nil
}

// find answers a query from one generation.
func (s *Store) find(ctx context.Context, q journal.Query, gen uint64, from *cursor) (journal.Found, error) {
	if q.Index == "" {
		return s.list(ctx, q, gen, from)
	}
	ix, ok := s.indexes[q.Type+"/"+q.Index]
	if !ok {
		return journal.Found{}, fmt.Errorf("no index %s is declared for %s", q.Index, q.Type)
	}
	spans, err := spansOf(q, gen, ix, from)
	if err != nil {
		return journal.Found{}, fmt.Errorf("index %s of %s: %w", q.Index, q.Type, err)
	}
	last := ix.Fields[len(ix.Fields)-1]
	return s.walk(ctx, q, spans, func(r journal.Record) (any, error) {
		vals, ok := journal.TopFields(r.Body, []string{last})
		if !ok {
			return nil, fmt.Errorf("document %s/%s was found by a field %q that it has not", r.Type, r.ID, last)
		}
		return vals[0], nil
	})
}

// walk reads spans in order until it has more than the limit; by gives a record's value in the last field.
func (s *Store) walk(ctx context.Context, q journal.Query, spans []span, by func(journal.Record) (any,
	error)) (journal.Found, error) {
	var out journal.Found
	for _, sp := range spans {
		want := q.Limit + 1 - len(out.Records)
		err := each(ctx, s, s.view(q.Type), sp.filter,
			options.Find().SetSort(sp.sort).SetLimit(int64(want)).SetProjection(withoutNative()), func(d document) error {
				out.Records = append(out.Records, d.record(q.Branch, q.Type))
				return nil
			})
		if err != nil {
			return journal.Found{}, err
		}
		if len(out.Records) <= q.Limit {
			continue
		}
		out.Records = out.Records[:q.Limit]
		end := out.Records[q.Limit-1]
		v, err := by(end)
		if err != nil {
			return journal.Found{}, err
		}
		out.Next = newCursor(v, end.ID)
		break
	}
	return out, nil
}

// list lists all documents of a type by id.
func (s *Store) list(ctx context.Context, q journal.Query, gen uint64, from *cursor) (journal.Found, error) {
	if len(q.Eq) > 0 || q.From != nil || q.To != nil {
		return journal.Found{}, errors.New("a list of a whole type takes no values")
	}
	ids := bson.D{{Key: "$gte", Value: rowKey(q.Branch, gen, "")}, {Key: "$lt", Value: beyondGen(q.Branch, gen)}}
	dir, op := direction(q.Desc)
	if from != nil {
		ids = append(ids, bson.E{Key: op, Value: rowKey(q.Branch, gen, from.ID)})
		if q.Desc {
			ids = slices.Delete(ids, 1, 2)
		}
	}
	filter := bson.D{{Key: "branch", Value: string(q.Branch)}, {Key: "_id", Value: ids}, {Key: "deleted", Value: false}}
	return s.walk(ctx, q, []span{{filter, bson.D{{Key: "_id", Value: dir}}}}, func(journal.Record) (any,
		error) {
		return nil, nil
	})
}

// spansOf turns a query into spans of its index, in the order of the results. Integers
// come before strings; a comparison in a query sees one kind only, so that a range
// open to both is two spans, and what follows a cursor begins with a span of the
// cursor's own value.
func spansOf(q journal.Query, gen uint64, ix journal.Index, from *cursor) ([]span, error) {
	n := len(ix.Fields)
	if len(q.Eq) > n || len(q.Eq) < n-1 || len(q.Eq) == n && (q.From != nil || q.To != nil) {
		return nil, fmt.Errorf("it has the fields %v: give all, or all but the last and a range", ix.Fields)
	}
	base := bson.D{{Key: "branch", Value: string(q.Branch)}, {Key: "gen", Value: int64(gen)}}
	for i, v := range q.Eq {
		v, err := scalar(v)
		if err != nil {
			return nil, err
		}
		base = append(base, bson.E{Key: "state." + ix.Fields[i], Value: v})
	}
	dir, op := direction(q.Desc)
	byID := bson.D{{Key: "_id", Value: dir}}
	var rest bson.D
	if from != nil {
		rest = bson.D{{Key: "_id", Value: bson.D{{Key: op, Value: rowKey(q.Branch, gen, from.ID)}}}}
	}
	if len(q.Eq) == n {
		return []span{{slices.Concat(base, rest), byID}}, nil
	}
	last := "state." + ix.Fields[n-1]
	sort := append(bson.D{{Key: last, Value: dir}}, byID...)
	where := func(cond bson.D) span { return span{slices.Concat(base, bson.D{{Key: last, Value: cond}}), sort} }
	if q.From == nil && q.To == nil && from == nil {
		return []span{where(bson.D{{Key: "$type", Value: bson.A{"long", "string"}}})}, nil
	}
	r := newRange()
	if err := r.bound("$gte", q.From); err != nil {
		return nil, err
	}
	if err := r.bound("$lt", q.To); err != nil {
		return nil, err
	}
	var out []span
	if from != nil {
		if from.value() == nil {
			return nil, journal.ErrCursor
		}
		if err := r.bound(op, from.value()); err != nil {
			return nil, err
		}
		out = append(out, span{slices.Concat(base, bson.D{{Key: last, Value: from.value()}}, rest), byID})
	}
	kinds := []bson.D{r.numbers, r.strings}
	if q.Desc {
		slices.Reverse(kinds)
	}
	for _, cond := range kinds {
		if cond != nil {
			out = append(out, where(cond))
		}
	}
	return out, nil
}

// kindRange is a range of values, for each kind apart; nil when no value of a kind is in it.
type kindRange struct{ numbers, strings bson.D }

func newRange() kindRange {
	return kindRange{numbers: bson.D{{Key: "$gte", Value: int64(math.MinInt64)}},
		strings: bson.D{{Key: "$gte", Value: ""}}}
}

// bound narrows the range: all integers are below all strings. Nil narrows nothing.
func (r *kindRange) bound(op string, v any) error {
	if v == nil {
		return nil
	}
	v, err := scalar(v)
	if err != nil {
		return err
	}
	upper := op == "$lt"
	switch v := v.(type) {
	case int64:
		if upper {
			r.strings = nil
		}
		if r.numbers != nil {
			r.numbers = narrow(r.numbers, op, v)
		}
	case string:
		if !upper {
			r.numbers = nil
		}
		if r.strings != nil {
			r.strings = narrow(r.strings, op, v)
		}
	}
	return nil
}

// narrow adds a bound to a condition. One of the same kind that is there already stays
// if it is the stricter: no operator may be in a condition twice.
func narrow[T cmp.Ordered](cond bson.D, op string, v T) bson.D {
	for i, e := range cond {
		if e.Key != op {
			continue
		}
		if have := e.Value.(T); (op == "$lt") == (v < have) {
			cond[i].Value = v
		}
		return cond
	}
	return append(cond, bson.E{Key: op, Value: v})
}

// scalar takes a value a query may name.
func scalar(v any) (any, error) {
	switch v := v.(type) {
	case string, int64:
		return v, nil
	case int:
		return int64(v), nil
	}
	return nil, fmt.Errorf("values are strings or integers, not %T", v)
}

// direction is the order of the results and what "after" means in it.
func direction(desc bool) (dir int32, after string) {
	if desc {
		return -1, "$lt"
	}
	return 1, "$gt"
}

// cursor names the last document of a page: its value in the index's last field, and its id.
type cursor struct {
	N  *int64  `json:"n,omitempty"`
	S  *string `json:"s,omitempty"`
	ID string  `json:"id"`
}

func (c cursor) value() any {
	switch {
	case c.N != nil:
		return *c.N
	case c.S != nil:
		return *c.S
	}
	return nil
}

func newCursor(v any, id string) string {
	c := cursor{ID: id}
	switch v := v.(type) {
	case int64:
		c.N = &v
	case string:
		c.S = &v
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and an integer
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(text string) (cursor, error) {
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return cursor{}, journal.ErrCursor
	}
	return c, nil
}
