package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"doorstep/sync/journal"
)

// index is a declared index under its full name.
type index struct {
	journal.Index
	name string
}

// keyOf makes a document's key in the index; nil when it lacks one of the fields.
func (ix index) keyOf(body []byte) []byte {
	vals, ok := journal.TopFields(body, ix.Fields)
	if !ok {
		return nil
	}
	key := []byte{}
	for _, v := range vals {
		key = appendKey(key, v)
	}
	return key
}

// appendKey appends a value so that keys compare as the values do: integers
// before strings, each value ended so that none is a prefix of another.
func appendKey(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v)^1<<63)
	case string:
		b = append(b, 's')
		for i := range len(v) {
			if v[i] == 0 {
				b = append(b, 0, 0xff)
			} else {
				b = append(b, v[i])
			}
		}
		return append(b, 0, 1)
	}
	panic(fmt.Sprintf("sqlitestore: a %T in an index", v)) // TopFields and queryValue give nothing else
}

// queryValue takes a value a query may name.
func queryValue(v any) (any, error) {
	switch v := v.(type) {
	case string, int64:
		return v, nil
	case int:
		return int64(v), nil
	}
	return nil, fmt.Errorf("values are strings or integers, not %T", v)
}

// after is the first key above all that begin with the prefix.
func after(prefix []byte) []byte {
	out := slices.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != 0xff {
			out[i]++
			return out[:i+1]
		}
	}
	return bytes.Repeat([]byte{0xff}, len(prefix)+16)
}

// defaultLimit is a query's when it names none.
const defaultLimit = 500

// span is where an index holds what a query asks for: keys from low, without high.
func (ix index) span(q journal.Query) (low, high []byte, _ error) {
	if len(q.Eq) > len(ix.Fields) || len(q.Eq) < len(ix.Fields)-1 || len(q.Eq) == len(ix.Fields) &&
		(q.From != nil || q.To != nil) {
		return nil, nil, fmt.Errorf("index %s of %s has the fields %v: give all, or all but the last and a range",
			q.Index, q.Type, ix.Fields)
	}
	var prefix []byte
	for _, v := range q.Eq {
		v, err := queryValue(v)
		if err != nil {
			return nil, nil, fmt.Errorf("index %s of %s: %w", q.Index, q.Type, err)
		}
		prefix = appendKey(prefix, v)
	}
	low, high = prefix, after(prefix)
	if len(prefix) == 0 {
		low, high = []byte{}, []byte{0xff}
	}
	for _, bound := range []struct {
		at   any
		into *[]byte
	}{{q.From, &low}, {q.To, &high}} {
		if bound.at == nil {
			continue
		}
		v, err := queryValue(bound.at)
		if err != nil {
			return nil, nil, fmt.Errorf("index %s of %s: %w", q.Index, q.Type, err)
		}
		*bound.into = appendKey(slices.Clone(prefix), v)
	}
	return low, high, nil
}

// Find answers a query by a declared index.
func (s *Store) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	if q.Index == "" {
		return s.list(ctx, q, limit)
	}
	ix, ok := s.indexes[q.Type+"/"+q.Index]
	if !ok {
		return journal.Found{}, fmt.Errorf("no index %s is declared for %s", q.Index, q.Type)
	}
	low, high, err := ix.span(q)
	if err != nil {
		return journal.Found{}, err
	}
	where, args := "f.key >= ? AND f.key < ?", []any{low, high}
	if q.After != "" {
		key, id, err := readCursor(q.After)
		if err != nil {
			return journal.Found{}, err
		}
		op := ">"
		if q.Desc {
			op = "<"
		}
		where += " AND (f.key, f.id) " + op + " (?, ?)"
		args = append(args, key, id)
	}
	dir := ""
	if q.Desc {
		dir = " DESC"
	}
	rows, err := s.read.QueryContext(ctx, `SELECT f.key, r.id, r.n, r.rev, r.no, r.body FROM found f
		CROSS JOIN records r ON r.branch = f.branch AND r.gen = f.gen AND r.type = ? AND r.id = f.id
		WHERE f.branch = ? AND f.gen = `+liveGen+` AND f.ix = ? AND `+where+" ORDER BY f.key"+dir+", f.id"+dir+" LIMIT ?",
		slices.Concat([]any{q.Type, q.Branch, q.Branch, q.Type, ix.name}, args, []any{limit + 1})...)
	if err != nil {
		return journal.Found{}, err
	}
	var out journal.Found
	var keys [][]byte
	err = scan(rows, func() error {
		r := journal.Record{Branch: q.Branch, Type: q.Type}
		var key []byte
		if err := rows.Scan(&key, &r.ID, &r.N, &r.Rev, &r.No, (*sql.RawBytes)(&r.Body)); err != nil {
			return err
		}
		keys = append(keys, key)
		out.Records = append(out.Records, r)
		return nil
	})
	if err != nil {
		return journal.Found{}, err
	}
	if len(out.Records) > limit {
		out.Records = out.Records[:limit]
		out.Next = cursor(keys[limit-1], out.Records[limit-1].ID)
	}
	return out, nil
}

// list lists all documents of a type by id.
func (s *Store) list(ctx context.Context, q journal.Query, limit int) (journal.Found, error) {
	if len(q.Eq) > 0 || q.From != nil || q.To != nil {
		return journal.Found{}, errors.New("a list of a whole type takes no values")
	}
	where, args, dir := "", []any{q.Branch, q.Branch, q.Type, q.Type}, ""
	if q.Desc {
		dir = " DESC"
	}
	if q.After != "" {
		_, id, err := readCursor(q.After)
		if err != nil {
			return journal.Found{}, err
		}
		where = " AND id > ?"
		if q.Desc {
			where = " AND id < ?"
		}
		args = append(args, id)
	}
	rows, err := s.read.QueryContext(ctx,
		"SELECT id, n, rev, no, body FROM records WHERE branch = ? AND gen = "+liveGen+" AND type = ?"+where+
			" AND deleted = 0 ORDER BY id"+dir+" LIMIT ?", append(args, limit+1)...)
	if err != nil {
		return journal.Found{}, err
	}
	var out journal.Found
	err = scan(rows, func() error {
		r := journal.Record{Branch: q.Branch, Type: q.Type}
		if err := rows.Scan(&r.ID, &r.N, &r.Rev, &r.No, (*sql.RawBytes)(&r.Body)); err != nil {
			return err
		}
		out.Records = append(out.Records, r)
		return nil
	})
	if err != nil {
		return journal.Found{}, err
	}
	if len(out.Records) > limit {
		out.Records = out.Records[:limit]
		out.Next = cursor(nil, out.Records[limit-1].ID)
	}
	return out, nil
}

// cursor names the last document of a page.
func cursor(key []byte, id string) string {
	b := binary.AppendUvarint(nil, uint64(len(key)))
	return base64.RawURLEncoding.EncodeToString(append(append(b, key...), id...))
}

func readCursor(text string) (key []byte, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		if n, k := binary.Uvarint(b); k > 0 && n <= uint64(len(b)-k) {
			return b[k : k+int(n)], string(b[k+int(n):]), nil
		}
	}
	return nil, "", journal.ErrCursor
}

// declare fills indexes that are new or have changed, and drops those that are gone.
func (s *Store) declare(ctx context.Context, tx *txn) error {
	had, err := declared(ctx, tx)
	if err != nil {
		return err
	}
	for name := range had {
		if _, ok := s.indexes[name]; !ok {
			if err := s.forget(ctx, tx, name); err != nil {
				return err
			}
		}
	}
	for name, ix := range s.indexes {
		fields := strings.Join(ix.Fields, ",")
		if had[name] == fields {
			continue
		}
		if err := s.forget(ctx, tx, name); err != nil {
			return err
		}
		if err := s.fill(ctx, tx, ix); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO declared (ix, fields) VALUES (?, ?)", name, fields); err != nil {
			return err
		}
	}
	return nil
}

// declared gives the fields of the indexes that the file holds, by their full names.
func declared(ctx context.Context, q rowsQuerier) (map[string]string, error) {
	had := map[string]string{}
	rows, err := q.QueryContext(ctx, "SELECT ix, fields FROM declared")
	if err != nil {
		return nil, err
	}
	return had, scan(rows, func() error {
		var name, fields string
		err := rows.Scan(&name, &fields)
		had[name] = fields
		return err
	})
}

func (s *Store) forget(ctx context.Context, tx *txn, name string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM found WHERE (branch, gen) IN (SELECT branch, gen FROM views) AND ix = ?",
		name); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM declared WHERE ix = ?", name)
	return err
}

func (s *Store) fill(ctx context.Context, tx *txn, ix index) error {
	rows, err := tx.QueryContext(ctx, "SELECT branch, gen, id, body FROM records WHERE type = ? AND deleted = 0", ix.Type)
	if err != nil {
		return err
	}
	var add [][]any
	if err := scan(rows, func() error {
		var branch, id string
		var gen uint64
		var body []byte
		if err := rows.Scan(&branch, &gen, &id, &body); err != nil {
			return err
		}
		if key := ix.keyOf(body); key != nil {
			add = append(add, []any{branch, gen, ix.name, key, id})
		}
		return nil
	}); err != nil {
		return err
	}
	return bulk(ctx, tx, "INSERT INTO found (branch, gen, ix, key, id) VALUES ", "(?,?,?,?,?)", " ON CONFLICT DO NOTHING",
		add)
}
