package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Commit stores a page, its views and the watermark in one transaction.
func (s *Store) Commit(ctx context.Context, p *journal.Page, v journal.ViewWrites) error {
	body := p.Encode()
	return s.tx(ctx, func(tx *txn) error {
		var last uint64
		err := tx.QueryRowContext(ctx, "SELECT last FROM pages WHERE branch = ? ORDER BY first DESC LIMIT 1",
			p.Branch).Scan(&last)
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
	return s.tx(ctx, func(tx *txn) error { return s.apply(ctx, tx, p, v, false) })
}

// apply writes a page's views to the generations that are read or keep step. A
// generation that is being filled and is not there yet meets the page on its way.
func (s *Store) apply(ctx context.Context, tx *txn, p *journal.Page, v journal.ViewWrites, fresh bool) error {
	gens, err := generations(ctx, tx, p.Branch)
	if err != nil {
		return fmt.Errorf("read generations: %w", err)
	}
	if len(gens) == 0 {
		if p.First != 1 {
			return fmt.Errorf("branch %s has a journal and no views; run doorstep rebuild", p.Branch)
		}
		for i, view := range journal.BuiltInViews() {
			g := journal.Generation{View: view, Gen: uint64(i + 1), State: journal.Live}
			if err := addGeneration(ctx, tx, p.Branch, g); err != nil {
				return err
			}
			gens = append(gens, g)
		}
	}
	for _, g := range gens {
		step := g.W == p.First-1
		if !slices.Contains(journal.BuiltInViews(), g.View) || g.State != journal.Live &&
			(g.State != journal.Filling || !step) {
			continue
		}
		if err := s.writeTo(ctx, tx, p.Branch, g, v, fresh && step); err != nil {
			return err
		}
		if !step {
			continue
		}
		if _, err := tx.ExecContext(ctx, "UPDATE views SET w = ? WHERE branch = ? AND gen = ?", p.Last, p.Branch,
			g.Gen); err != nil {
			return fmt.Errorf("raise watermark: %w", err)
		}
	}
	return nil
}

// PageAt reads the page stored under (branch, first).
func (s *Store) PageAt(ctx context.Context, b auth.BranchID, first uint64) (*journal.Page, error) {
	return s.page(ctx, "SELECT branch, first, last, body FROM pages WHERE branch = ? AND first = ?", b, first)
}

// PageOf reads the page that holds entry n.
func (s *Store) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	p, err := s.page(ctx,
		"SELECT branch, first, last, body FROM pages WHERE branch = ? AND first <= ? ORDER BY first DESC LIMIT 1", b, n)
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
	err := s.read.QueryRowContext(ctx,
		"SELECT first FROM pages WHERE branch = ? AND first <= ? ORDER BY first DESC LIMIT 1", b, after+1).Scan(&from)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx,
		"SELECT branch, first, last, body FROM pages WHERE branch = ? AND first >= ? AND last > ? ORDER BY first LIMIT ?", b,
		from, after, max(limit, 1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []*journal.Page
	for rows.Next() {
		p, err := readPage(rows)
		var damaged *journal.DamagedPage
		if errors.As(err, &damaged) && len(out) > 0 {
			return out, nil // the caller that reads on meets it first
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

// watermark is the lowest of the built-in views': they rise together.
func watermark(ctx context.Context, q querier, b auth.BranchID) (uint64, error) {
	var w sql.NullInt64
	err := q.QueryRowContext(ctx,
		"SELECT min(w) FROM views WHERE branch = ? AND state = 'live' AND view IN ('records', 'feeds', 'receipts')",
		b).Scan(&w)
	return uint64(w.Int64), err
}

// markRows is how many generations Watermarks reads at once.
const markRows = 1000

const nextMarks = "SELECT branch, gen, view, w, state FROM views WHERE (branch, gen) > (?, ?) " +
	"ORDER BY branch, gen LIMIT ?"

// Watermarks gives the watermarks of all branches; it reads many generations at once.
func (s *Store) Watermarks(ctx context.Context) ([]journal.BranchMark, error) {
	var out []journal.BranchMark
	var gens []journal.Generation
	var b auth.BranchID
	var g journal.Generation
	for n := markRows; n == markRows; {
		n = 0
		rows, err := s.read.QueryContext(ctx, nextMarks, b, g.Gen, markRows)
		if err != nil {
			return nil, err
		}
		err = scan(rows, func() error {
			n++
			if err := rows.Scan(&b, &g.Gen, &g.View, &g.W, &g.State); err != nil {
				return err
			}
			if len(out) == 0 || out[len(out)-1].Branch != b {
				out, gens = append(out, journal.BranchMark{Branch: b}), nil
			}
			gens = append(gens, g)
			out[len(out)-1].W = journal.LowestOf(gens)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

const nextBranch = "SELECT branch FROM views WHERE branch > ? ORDER BY branch LIMIT 1"

// Branches lists the branches that have a generation, leaping from one to the next.
func (s *Store) Branches(ctx context.Context) ([]auth.BranchID, error) {
	var out []auth.BranchID
	for last := ""; ; {
		err := s.read.QueryRowContext(ctx, nextBranch, last).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, auth.BranchID(last))
	}
}
