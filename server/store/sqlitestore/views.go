package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Generations lists a branch's generations by number.
func (s *Store) Generations(ctx context.Context, b auth.BranchID) ([]journal.Generation, error) {
	return generations(ctx, s.read, b)
}

func generations(ctx context.Context, q rowsQuerier, b auth.BranchID) ([]journal.Generation, error) {
	rows, err := q.QueryContext(ctx, "SELECT gen, view, w, state FROM views WHERE branch = ? ORDER BY gen", b)
	if err != nil {
		return nil, err
	}
	var out []journal.Generation
	err = scan(rows, func() error {
		var g journal.Generation
		err := rows.Scan(&g.Gen, &g.View, &g.W, &g.State)
		out = append(out, g)
		return err
	})
	return out, err
}

func addGeneration(ctx context.Context, tx *txn, b auth.BranchID, g journal.Generation) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO views (branch, gen, view, w, state) VALUES (?,?,?,?,?)", b, g.Gen, g.View,
		g.W, g.State)
	return err
}

// AddGeneration adds an empty generation under the next number.
func (s *Store) AddGeneration(ctx context.Context, b auth.BranchID, view string) (journal.Generation, error) {
	g := journal.Generation{View: view, State: journal.Filling}
	err := s.tx(ctx, func(tx *txn) error {
		if err := tx.QueryRowContext(ctx, "SELECT ifnull(max(gen), 0) + 1 FROM views WHERE branch = ?",
			b).Scan(&g.Gen); err != nil {
			return err
		}
		return addGeneration(ctx, tx, b, g)
	})
	return g, err
}

// generation finds one generation; ErrRaced when it is not there.
func generation(ctx context.Context, tx *txn, b auth.BranchID, gen uint64) (journal.Generation,
	[]journal.Generation, error) {
	gens, err := generations(ctx, tx, b)
	if err != nil {
		return journal.Generation{}, nil, err
	}
	for _, g := range gens {
		if g.Gen == gen {
			return g, gens, nil
		}
	}
	return journal.Generation{}, nil, fmt.Errorf("branch %s has no generation %d: %w", b, gen, journal.ErrRaced)
}

// Fill writes to one generation and raises its watermark, in one transaction.
func (s *Store) Fill(ctx context.Context, b auth.BranchID, gen, after, upTo uint64, v journal.ViewWrites) error {
	return s.tx(ctx, func(tx *txn) error {
		g, _, err := generation(ctx, tx, b, gen)
		if err != nil {
			return err
		}
		if g.W != after || g.State != journal.Filling && g.State != journal.Live {
			return journal.ErrRaced
		}
		if err := s.writeTo(ctx, tx, b, g, v, false); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE views SET w = ? WHERE branch = ? AND gen = ?", upTo, b, gen)
		return err
	})
}

// writeTo writes to a generation what belongs to its view.
func (s *Store) writeTo(ctx context.Context, tx *txn, b auth.BranchID, g journal.Generation, v journal.ViewWrites,
	fresh bool) error {
	switch g.View {
	case journal.FeedsView:
		rows := make([][]any, len(v.Feeds))
		for i, f := range v.Feeds {
			rows[i] = []any{b, g.Gen, f.Feed, f.Type, f.ID, f.Seq}
		}
		if err := bulk(ctx, tx, "INSERT INTO feeds (branch, gen, feed, type, id, seq) VALUES ", "(?,?,?,?,?,?)",
			" ON CONFLICT (branch, gen, feed, type, id) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq",
			rows); err != nil {
			return fmt.Errorf("write feeds: %w", err)
		}
	case journal.ReceiptsView:
		rows := make([][]any, len(v.Receipts))
		for i, r := range v.Receipts {
			rows[i] = []any{b, g.Gen, r.Command, r.N, r.Said, []byte(r.Body)}
		}
		if err := bulk(ctx, tx, "INSERT INTO receipts (branch, gen, command, n, said, body) VALUES ", "(?,?,?,?,?,?)",
			" ON CONFLICT (branch, gen, command) DO NOTHING", rows); err != nil {
			return fmt.Errorf("write receipts: %w", err)
		}
	default:
		if err := s.putRecords(ctx, tx, b, g.Gen, v.Records, fresh); err != nil {
			return fmt.Errorf("write documents: %w", err)
		}
	}
	return nil
}

// Switch makes a filled generation the live one, in one transaction.
func (s *Store) Switch(ctx context.Context, b auth.BranchID, gen uint64) error {
	return s.tx(ctx, func(tx *txn) error {
		g, gens, err := generation(ctx, tx, b, gen)
		if err != nil {
			return err
		}
		was, there := journal.Readable(gens, g.View)
		if g.State != journal.Filling || there && (was.W > g.W || was.Gen > g.Gen) {
			return journal.ErrRaced
		}
		_, err = tx.ExecContext(ctx, "UPDATE views SET state = 'old' WHERE branch = ? AND view = ? AND state = 'live'", b,
			g.View)
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE views SET state = 'live' WHERE branch = ? AND gen = ?", b, gen)
		}
		return err
	})
}

// dropRows is how many rows one transaction removes, so that writers come between.
const dropRows = 2000

// DropGeneration removes a generation's rows. Readers need no time to leave it: each
// finds the live generation in the snapshot that it reads.
func (s *Store) DropGeneration(ctx context.Context, b auth.BranchID, gen uint64) error {
	err := s.tx(ctx, func(tx *txn) error {
		gens, err := generations(ctx, tx, b)
		for _, g := range gens {
			if g.Gen == gen && g.State == journal.Live {
				return journal.ErrRaced
			}
		}
		if err == nil {
			// From here on no filler can go on with it.
			_, err = tx.ExecContext(ctx,
				"UPDATE views SET state = 'dropping' WHERE branch = ? AND gen = ? AND state IN ('filling', 'old')", b, gen)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range []struct{ table, key string }{
		{"found", "branch, gen, ix, key, id"}, {"feeds", "branch, gen, feed, type, id"},
		{"receipts", "branch, gen, command"}, {"records", "branch, gen, type, id"},
	} {
		if err := s.removeRows(ctx, t.table, t.key, b, gen); err != nil {
			return fmt.Errorf("remove generation %d of %s: %w", gen, b, err)
		}
	}
	_, err = s.write.ExecContext(ctx, "UPDATE views SET state = 'gone' WHERE branch = ? AND gen = ?", b, gen)
	return err
}

func (s *Store) removeRows(ctx context.Context, table, key string, b auth.BranchID, gen uint64) error {
	query := fmt.Sprintf("DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE branch = ? AND gen = ? "+
		"LIMIT %[3]d)", table, key, dropRows)
	for {
		res, err := s.write.ExecContext(ctx, query, b, gen)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n < dropRows {
			return err
		}
	}
}

// Sweep removes old tombstones and the feed rows that lead to them.
func (s *Store) Sweep(ctx context.Context, b auth.BranchID, floor uint64) (int, error) {
	const gens = `WITH r AS (SELECT gen FROM views WHERE branch = ?1 AND state = 'live' AND view = 'records'),
		f AS (SELECT gen FROM views WHERE branch = ?1 AND state = 'live' AND view = 'feeds')`
	removed := 0
	for _, query := range []string{
		gens + ` DELETE FROM feeds WHERE (branch, gen, feed, type, id) IN (
			SELECT x.branch, x.gen, x.feed, x.type, x.id FROM feeds x
			LEFT JOIN records d ON d.branch = x.branch AND d.gen = (SELECT gen FROM r) AND d.type = x.type AND d.id = x.id
			WHERE x.branch = ?1 AND x.gen = (SELECT gen FROM f) AND x.seq <= ?2
			AND (d.id IS NULL OR d.deleted = 1 AND d.n <= ?3) LIMIT ?4)`,
		gens + ` DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE branch = ?1 AND gen = (SELECT gen FROM r)
			AND deleted = 1 AND n <= ?3 AND ?2 > 0 LIMIT ?4)`,
	} {
		for {
			res, err := s.write.ExecContext(ctx, query, b, journal.SeqTop(0, floor), floor, dropRows)
			if err != nil {
				return removed, err
			}
			n, err := res.RowsAffected()
			if removed += int(n); err != nil || n < dropRows {
				if err != nil {
					return removed, err
				}
				break
			}
		}
	}
	return removed, nil
}

// StrayGenerations finds numbers of rows that no generation has.
func (s *Store) StrayGenerations(ctx context.Context, b auth.BranchID) ([]uint64, error) {
	// The rows first: a generation is there before it has any.
	found := map[uint64]bool{}
	for _, table := range []string{"records", "found", "feeds", "receipts"} {
		for gen := int64(-1); ; {
			err := s.read.QueryRowContext(ctx, "SELECT gen FROM "+table+" WHERE branch = ? AND gen > ? ORDER BY gen LIMIT 1", b,
				gen).Scan(&gen)
			if errors.Is(err, sql.ErrNoRows) {
				break
			}
			if err != nil {
				return nil, err
			}
			found[uint64(gen)] = true
		}
	}
	gens, err := s.Generations(ctx, b)
	for _, g := range gens {
		if g.State != journal.Gone {
			delete(found, g.Gen)
		}
	}
	return slices.Sorted(maps.Keys(found)), err
}
