package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// RecordsOf reads documents of one generation, in the order asked.
func (s *Store) RecordsOf(
	ctx context.Context, b auth.BranchID, gen uint64, refs []journal.DocRef,
) ([]journal.Record, error) {
	return records(ctx, s.read, b, gen, refs)
}

// ScanRecords lists a generation's documents by type and id.
func (s *Store) ScanRecords(ctx context.Context, b auth.BranchID, gen uint64, after journal.DocRef,
	limit int) ([]journal.Record, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT type, id, n, rev, no, deleted, body FROM records
		WHERE branch = ? AND gen = ? AND (type, id) > (?, ?) ORDER BY type, id LIMIT ?`, b, gen, after.Type, after.ID, limit)
	if err != nil {
		return nil, err
	}
	var out []journal.Record
	err = scan(rows, func() error {
		r := journal.Record{Branch: b}
		err := rows.Scan(&r.Type, &r.ID, &r.N, &r.Rev, &r.No, &r.Deleted, (*sql.RawBytes)(&r.Body))
		tidy(&r)
		out = append(out, r)
		return err
	})
	return out, err
}

// ScanFeeds lists a generation's feed rows by feed, type and id.
func (s *Store) ScanFeeds(ctx context.Context, b auth.BranchID, gen uint64, after journal.FeedEntry,
	limit int) ([]journal.FeedEntry, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT feed, type, id, seq FROM feeds
		WHERE branch = ? AND gen = ? AND (feed, type, id) > (?, ?, ?) ORDER BY feed, type, id LIMIT ?`,
		b, gen, after.Feed, after.Type, after.ID, limit)
	if err != nil {
		return nil, err
	}
	var out []journal.FeedEntry
	err = scan(rows, func() error {
		var f journal.FeedEntry
		err := rows.Scan(&f.Feed, &f.Type, &f.ID, &f.Seq)
		out = append(out, f)
		return err
	})
	return out, err
}

// ScanReceipts lists a generation's receipts by command id.
func (s *Store) ScanReceipts(ctx context.Context, b auth.BranchID, gen uint64, after string,
	limit int) ([]journal.Receipt, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT command, n, said, body FROM receipts
		WHERE branch = ? AND gen = ? AND command > ? ORDER BY command LIMIT ?`, b, gen, after, limit)
	if err != nil {
		return nil, err
	}
	var out []journal.Receipt
	err = scan(rows, func() error {
		var r journal.Receipt
		var said, body []byte
		err := rows.Scan(&r.Command, &r.N, &said, &body)
		r.Said = said
		if len(body) > 0 {
			r.Body = body
		}
		out = append(out, r)
		return err
	})
	return out, err
}

// scanChunk is how many rows a check holds at once.
const scanChunk = 500

// CheckIndexes compares the index rows of a generation with its documents: each row
// must stand for a document with that key, and each document must have its rows. What
// changes meanwhile is read again before it is called wrong.
func (s *Store) CheckIndexes(ctx context.Context, b auth.BranchID, gen uint64, bad func(journal.DocRef, string)) error {
	for _, typ := range sortedTypes(s.byType) {
		for _, ix := range s.byType[typ] {
			if err := s.checkRows(ctx, b, gen, ix, bad); err != nil {
				return err
			}
		}
	}
	// Rows of an index that is not declared.
	rows, err := s.read.QueryContext(ctx, "SELECT DISTINCT ix FROM found WHERE branch = ? AND gen = ?", b, gen)
	if err != nil {
		return err
	}
	if err := scan(rows, func() error {
		var name string
		err := rows.Scan(&name)
		if _, ok := s.indexes[name]; !ok && err == nil {
			bad(journal.DocRef{}, fmt.Sprintf("there are rows of an index %s, which is not declared", name))
		}
		return err
	}); err != nil {
		return err
	}
	var after journal.DocRef
	for {
		docs, err := s.ScanRecords(ctx, b, gen, after, scanChunk)
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, r := range docs {
			after = journal.DocRef{Type: r.Type, ID: r.ID}
			for _, ix := range s.byType[r.Type] {
				missing := func(r journal.Record) (bool, error) {
					key := ix.keyOf(r.Body)
					if r.Deleted || key == nil {
						return false, nil
					}
					n := 0
					err := s.read.QueryRowContext(ctx,
						"SELECT count(*) FROM found WHERE branch = ? AND gen = ? AND ix = ? AND key = ? AND id = ?", b, gen, ix.name,
						key, r.ID).Scan(&n)
					return n == 0, err
				}
				if gone, err := missing(r); err != nil || !gone {
					if err != nil {
						return err
					}
					continue
				}
				now, err := records(ctx, s.read, b, gen, []journal.DocRef{after})
				if err != nil {
					return err
				}
				if gone, err := missing(now[0]); err != nil || gone {
					if err != nil {
						return err
					}
					bad(after, fmt.Sprintf("the index %s lacks it", ix.Name))
				}
			}
		}
	}
}

// checkRows checks that each row of an index stands for a document with its key.
func (s *Store) checkRows(ctx context.Context, b auth.BranchID, gen uint64, ix index,
	bad func(journal.DocRef, string)) error {
	key, id := []byte{}, ""
	for {
		rows, err := s.read.QueryContext(ctx,
			`SELECT key, id FROM found WHERE branch = ? AND gen = ? AND ix = ? AND (key, id) > (?, ?)
			ORDER BY key, id LIMIT ?`, b, gen, ix.name, key, id, scanChunk)
		if err != nil {
			return err
		}
		var keys [][]byte
		var refs []journal.DocRef
		if err := scan(rows, func() error {
			key = nil
			err := rows.Scan(&key, &id)
			keys, refs = append(keys, key), append(refs, journal.DocRef{Type: ix.Type, ID: id})
			return err
		}); err != nil || len(refs) == 0 {
			return err
		}
		docs, err := records(ctx, s.read, b, gen, refs)
		if err != nil {
			return err
		}
		for i, r := range docs {
			if r.Type != "" && !r.Deleted && bytes.Equal(ix.keyOf(r.Body), keys[i]) {
				continue
			}
			n := 0
			if err := s.read.QueryRowContext(ctx,
				"SELECT count(*) FROM found WHERE branch = ? AND gen = ? AND ix = ? AND key = ? AND id = ?", b, gen, ix.name,
				keys[i], refs[i].ID).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				bad(refs[i], fmt.Sprintf("the index %s has a row that the document does not give", ix.Name))
			}
		}
	}
}

func sortedTypes(m map[string][]index) []string { return slices.Sorted(maps.Keys(m)) }
