package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"doorstep/sync/journal"
)

// spansAtOnce are how many spans of an index one statement reads: the last number that is not too many.
var spansAtOnce = []int{100, 10, 1}

// FindEach answers a query for each of several lists of leading values.
func (s *Store) FindEach(ctx context.Context, q journal.Query, eqs [][]any) ([][]journal.Record, error) {
	ix, ok := s.indexes[q.Type+"/"+q.Index]
	if !ok || q.After != "" || q.Limit != 0 || q.Desc {
		return nil, fmt.Errorf("index %s of %s: it is not declared, or asked for a page", q.Index, q.Type)
	}
	spans := make([][2][]byte, len(eqs))
	for i, eq := range eqs {
		of := q
		of.Eq = eq
		var err error
		if spans[i][0], spans[i][1], err = ix.span(of); err != nil {
			return nil, err
		}
	}
	out := make([][]journal.Record, len(eqs))
	for done := 0; done < len(spans); {
		left := len(spans) - done
		n := spansAtOnce[slices.IndexFunc(spansAtOnce, func(n int) bool { return n <= left })]
		if err := s.findSpans(ctx, q, ix, spans[done:done+n], out[done:done+n]); err != nil {
			return nil, err
		}
		done += n
	}
	return out, nil
}

// findSpans reads spans of an index by one statement.
func (s *Store) findSpans(ctx context.Context, q journal.Query, ix index, spans [][2][]byte,
	out [][]journal.Record) error {
	args := make([]any, 0, 3*len(spans)+5)
	for i, sp := range spans {
		args = append(args, i, sp[0], sp[1])
	}
	args = append(args, q.Branch, q.Branch, q.Type, ix.name, q.Type)
	rows, err := s.read.QueryContext(ctx, "SELECT asked.column1, f.key, r.id, r.n, r.rev, r.no, r.body FROM (VALUES "+
		strings.TrimSuffix(strings.Repeat("(?,?,?),", len(spans)), ",")+`) AS asked
		CROSS JOIN found f ON f.branch = ? AND f.gen = `+liveGen+` AND f.ix = ? AND f.key >= asked.column2 AND
			f.key < asked.column3
		CROSS JOIN records r ON r.branch = f.branch AND r.gen = f.gen AND r.type = ? AND r.id = f.id`, args...)
	if err != nil {
		return err
	}
	keys := make([][]string, len(spans)) // of what stands in out, to see that it is in order
	return scan(rows, func() error {
		r := journal.Record{Branch: q.Branch, Type: q.Type}
		var i int
		var key sql.RawBytes
		if err := rows.Scan(&i, &key, &r.ID, &r.N, &r.Rev, &r.No, (*sql.RawBytes)(&r.Body)); err != nil {
			return err
		}
		// SQLite follows the index, though nothing binds it to: each row goes to its place.
		place := string(key) + "\x00" + r.ID
		at, _ := slices.BinarySearch(keys[i], place)
		keys[i] = slices.Insert(keys[i], at, place)
		out[i] = slices.Insert(out[i], at, r)
		return nil
	})
}
