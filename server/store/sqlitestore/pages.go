package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Commit stores a page, its views and the watermark in one transaction.
func (s *Store) Commit(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	body := p.Encode()
	return s.tx(ctx, func(tx *sql.Tx) error {
		var last uint64
		err := tx.QueryRowContext(ctx, "SELECT last FROM pages WHERE branch = ? ORDER BY first DESC LIMIT 1", p.Branch).Scan(&last)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		switch {
		case last+1 == p.First:
			if _, err := tx.ExecContext(ctx, "INSERT INTO pages (branch, first, last, id, body) VALUES (?,?,?,?,?)",
				p.Branch, p.First, p.Last, p.ID, body); err != nil {
				return err
			}
			return s.apply(ctx, tx, p, v, true)
		case last < p.First:
			return fmt.Errorf("page %s/%d would leave a gap after %d", p.Branch, p.First, last)
		}
		var id string
		err = tx.QueryRowContext(ctx, "SELECT id FROM pages WHERE branch = ? AND first = ?", p.Branch, p.First).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) || err == nil && id != p.ID {
			return journal.ErrTaken
		}
		if err != nil {
			return err
		}
		return s.apply(ctx, tx, p, v, false)
	})
}

// Apply applies the views of a page that is stored.
func (s *Store) Apply(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return s.apply(ctx, tx, p, v, false) })
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, p *journal.Page, v journal.ViewWrites, fresh bool) error {
	if err := s.putRecords(ctx, tx, v.Records, fresh); err != nil {
		return fmt.Errorf("write documents: %w", err)
	}
	rows := make([][]any, len(v.Feeds))
	for i, f := range v.Feeds {
		rows[i] = []any{p.Branch, f.Feed, f.Type, f.ID, f.Seq}
	}
	if err := bulk(ctx, tx, "INSERT INTO feeds (branch, feed, type, id, seq) VALUES ", "(?,?,?,?,?)",
		" ON CONFLICT (branch, feed, type, id) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq", rows); err != nil {
		return fmt.Errorf("write feeds: %w", err)
	}
	rows = make([][]any, len(v.Receipts))
	for i, r := range v.Receipts {
		rows[i] = []any{p.Branch, r.Command, r.N, r.Said, []byte(r.Body)}
	}
	if err := bulk(ctx, tx, "INSERT INTO receipts (branch, command, n, said, body) VALUES ", "(?,?,?,?,?)",
		" ON CONFLICT (branch, command) DO NOTHING", rows); err != nil {
		return fmt.Errorf("write receipts: %w", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO watermarks (branch, w) SELECT ?1, ?2 WHERE ?3 = 1
		ON CONFLICT (branch) DO NOTHING`, p.Branch, p.Last, p.First)
	if err == nil {
		_, err = tx.ExecContext(ctx, "UPDATE watermarks SET w = ?2 WHERE branch = ?1 AND w = ?3", p.Branch, p.Last, p.First-1)
	}
	if err != nil {
		return fmt.Errorf("raise watermark: %w", err)
	}
	return nil
}

// PageAt reads the page stored under (branch, first).
func (s *Store) PageAt(ctx context.Context, b auth.BranchID, first uint64) (*journal.Page, error) {
	return s.page(ctx, "SELECT branch, first, last, body FROM pages WHERE branch = ? AND first = ?", b, first)
}

// PageOf reads the page that holds entry n.
func (s *Store) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	p, err := s.page(ctx, "SELECT branch, first, last, body FROM pages WHERE branch = ? AND first <= ? ORDER BY first DESC LIMIT 1", b, n)
	var damaged *journal.DamagedPage
	if err == nil && p.Last < n || errors.As(err, &damaged) && damaged.Last < n {
		return nil, journal.ErrNotFound
	}
	return p, err
}

// Tail reads the last page of a branch.
func (s *Store) Tail(ctx context.Context, b auth.BranchID) (*journal.Page, error) {
	return s.page(ctx, "SELECT branch, first, last, body FROM pages WHERE branch = ? ORDER BY first DESC LIMIT 1", b)
}

func (s *Store) page(ctx context.Context, query string, args ...any) (*journal.Page, error) {
	p, err := readPage(s.read.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, journal.ErrNotFound
	}
	return p, err
}

// readPage reads a row of branch, first, last, body. A *journal.DamagedPage.
func readPage(row interface{ Scan(...any) error }) (*journal.Page, error) {
	var b auth.BranchID
	var first, last uint64
	var body []byte
	if err := row.Scan(&b, &first, &last, &body); err != nil {
		return nil, err
	}
	return journal.ReadPage(b, first, last, body)
}

// Pages reads pages whose Last is above a number, in order.
func (s *Store) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*journal.Page, error) {
	var from uint64
	err := s.read.QueryRowContext(ctx, "SELECT first FROM pages WHERE branch = ? AND first <= ? ORDER BY first DESC LIMIT 1", b, after+1).Scan(&from)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, "SELECT branch, first, last, body FROM pages WHERE branch = ? AND first >= ? AND last > ? ORDER BY first LIMIT ?", b, from, after, max(limit, 1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []*journal.Page
	for rows.Next() {
		p, err := readPage(rows)
		var damaged *journal.DamagedPage
		if errors.As(err, &damaged) && len(out) > 0 {
			return out, nil // whoever goes on meets it first
		}
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Watermark is W of a branch.
func (s *Store) Watermark(ctx context.Context, b auth.BranchID) (uint64, error) {
	return watermark(ctx, s.read, b)
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func watermark(ctx context.Context, q querier, b auth.BranchID) (uint64, error) {
	var w uint64
	err := q.QueryRowContext(ctx, "SELECT w FROM watermarks WHERE branch = ?", b).Scan(&w)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return w, err
}

const branchesQuery = `WITH RECURSIVE leap (b) AS (SELECT min(branch) FROM pages
		UNION ALL SELECT (SELECT min(branch) FROM pages WHERE branch > b) FROM leap WHERE b IS NOT NULL)
		SELECT b FROM leap WHERE b IS NOT NULL`

// Branches lists the branches that have a page. It leaps from branch to branch along
// the pages' keys: its cost does not grow with the pages.
func (s *Store) Branches(ctx context.Context) ([]auth.BranchID, error) {
	rows, err := s.read.QueryContext(ctx, branchesQuery)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []auth.BranchID
	for rows.Next() {
		var b auth.BranchID
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}
