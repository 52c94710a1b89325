package memstore

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
)

// defaultLimit is a query's when it names none.
const defaultLimit = 500

// compare orders values of an index: integers before strings.
func compare(a, b any) int {
	x, xs := a.(string)
	y, ys := b.(string)
	switch {
	case xs && ys:
		return cmp.Compare(x, y)
	case xs:
		return 1
	case ys:
		return -1
	}
	return cmp.Compare(a.(int64), b.(int64))
}

// value takes a value that a query may name; nil stays nil.
func value(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	}
	return nil, fmt.Errorf("values are strings or integers, not %T", v)
}

// cursor names the last document of a page: its value in the last field of the index, if there is one, and its id.
type cursor struct {
	N  *int64  `json:"n,omitempty"`
	S  *string `json:"s,omitempty"`
	ID string  `json:"id"`
}

func cursorOf(v any, id string) string {
	c := cursor{ID: id}
	switch v := v.(type) {
	case int64:
		c.N = &v
	case string:
		c.S = &v
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and an integer
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// read gives the value and the id. ErrCursor.
func (c *cursor) read(text string) (any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, c) != nil {
		return nil, journal.ErrCursor
	}
	switch {
	case c.N != nil:
		return *c.N, nil
	case c.S != nil:
		return *c.S, nil
	}
	return nil, nil
}

// Find answers a query by a declared index.
func (s *Store) Find(ctx context.Context, q journal.Query) (out journal.Found, err error) {
	err = s.read(ctx, "find", fmt.Sprintf("%s/%s/%s", q.Branch, q.Type, q.Index), func() (err error) {
		out, err = s.find(q)
		return err
	})
	return out, err
}

// FindEach answers a query for each of several lists of leading values.
func (s *Store) FindEach(ctx context.Context, q journal.Query, eqs [][]any) ([][]journal.Record, error) {
	if q.Index == "" || q.After != "" || q.Limit != 0 || q.Desc {
		return nil, fmt.Errorf("index %s of %s: a list of lists takes an index, and no page of it", q.Index, q.Type)
	}
	out := make([][]journal.Record, len(eqs))
	err := s.read(ctx, "find each", fmt.Sprintf("%s/%s/%s", q.Branch, q.Type, q.Index), func() error {
		q.Limit = math.MaxInt
		for i, eq := range eqs {
			q.Eq = eq
			found, err := s.find(q)
			if err != nil {
				return err
			}
			out[i] = found.Records
		}
		return nil
	})
	return out, err
}

// bounds reads the values that a query names. n is how many fields its index has.
func bounds(q journal.Query, n int) (eq []any, from, to any, err error) {
	if len(q.Eq) > n || len(q.Eq) < n-1 || len(q.Eq) == n && (q.From != nil || q.To != nil) {
		return nil, nil, nil, errors.New("give all fields of the index, or all but the last and a range")
	}
	for _, v := range q.Eq {
		if v, err = value(v); err != nil || v == nil {
			return nil, nil, nil, errors.Join(err, errors.New("a field is equal to a string or an integer"))
		}
		eq = append(eq, v)
	}
	if from, err = value(q.From); err == nil {
		to, err = value(q.To)
	}
	return eq, from, to, err
}

func (s *Store) find(q journal.Query) (out journal.Found, err error) {
	limit := cmp.Or(max(q.Limit, 0), defaultLimit)
	fields := 0
	if q.Index != "" {
		i := slices.IndexFunc(s.indexes[q.Type], func(ix journal.Index) bool { return ix.Name == q.Index })
		if i < 0 {
			return out, fmt.Errorf("no index %s is declared for %s", q.Index, q.Type)
		}
		fields = len(s.indexes[q.Type][i].Fields)
	}
	eq, from, to, err := bounds(q, fields)
	if err != nil {
		return out, fmt.Errorf("index %s of %s: %w", q.Index, q.Type, err)
	}
	type hit struct {
		last any // the value of the last field; nil in a list
		row
	}
	order := func(a, b hit) int {
		n := 0
		if a.last != nil && b.last != nil {
			n = compare(a.last, b.last)
		}
		if n = cmp.Or(n, cmp.Compare(a.ID, b.ID)); q.Desc {
			return -n
		}
		return n
	}
	var beyond *hit
	if q.After != "" {
		var c cursor
		v, err := c.read(q.After)
		if err != nil || (v == nil) != (fields == 0) {
			return out, journal.ErrCursor
		}
		beyond = &hit{last: v}
		beyond.ID = c.ID
	}
	var hits []hit
	for ref, r := range s.disk.records[s.disk.readable(q.Branch, journal.ViewOf(s.disk.gens[q.Branch], q.Type))] {
		if ref.Type != q.Type || r.Deleted {
			continue
		}
		h := hit{row: r}
		if q.Index != "" {
			vals, there := r.found[q.Index]
			if !there || !slices.Equal(eq, vals[:len(eq)]) {
				continue
			}
			h.last = vals[fields-1]
			if from != nil && compare(h.last, from) < 0 || to != nil && compare(h.last, to) >= 0 {
				continue
			}
		}
		if beyond == nil || order(h, *beyond) > 0 {
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, order)
	for i, h := range hits[:min(limit, len(hits))] {
		out.Records = append(out.Records, h.copied())
		if i == limit-1 && len(hits) > limit {
			out.Next = cursorOf(h.last, h.ID)
		}
	}
	return out, nil
}
