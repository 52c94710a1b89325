package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"doorstep/sync/journal"
)

// Small reads a small document.
func (s *Store) Small(ctx context.Context, kind, id string) (body []byte, version uint64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT body, version FROM small WHERE kind = ? AND id = ?", kind, id).Scan(&body,
		&version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, journal.ErrNotFound
	}
	return body, version, err
}

// SwapSmall writes a small document if it is still at a version.
func (s *Store) SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error {
	query, args := "UPDATE small SET body = ?, version = version + 1 WHERE kind = ? AND id = ? AND version = ?",
		[]any{body, kind, id, was}
	if was == 0 {
		query, args = "INSERT INTO small (body, kind, id, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING", args[:3]
	}
	res, err := s.write.ExecContext(ctx, query, args...)
	if err != nil {
		return full(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, journal.ErrRaced)
	}
	return nil
}

// DeleteSmall removes a small document if it is at a version.
func (s *Store) DeleteSmall(ctx context.Context, kind, id string, was uint64) error {
	return s.tx(ctx, func(tx *txn) error {
		var now uint64
		err := tx.QueryRowContext(ctx, "SELECT version FROM small WHERE kind = ? AND id = ?", kind, id).Scan(&now)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return journal.ErrNotFound
		case err != nil:
			return err
		case now != was:
			return journal.ErrRaced
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM small WHERE kind = ? AND id = ?", kind, id)
		return err
	})
}

// Smalls reads several small documents of a kind, in the order asked.
func (s *Store) Smalls(ctx context.Context, kind string, ids []string) ([]journal.SmallDoc, error) {
	out := make([]journal.SmallDoc, len(ids))
	at := make(map[string][]int, len(ids))
	for i, id := range ids {
		out[i].ID = id
		at[id] = append(at[id], i)
	}
	for len(ids) > 0 {
		n := min(len(ids), manyDocs)
		args, list := appendList([]any{kind}, ids[:n])
		rows, err := s.read.QueryContext(ctx, "SELECT id, version, body FROM small WHERE kind = ? AND id IN ("+list+")",
			args...)
		if err != nil {
			return nil, err
		}
		err = scan(rows, func() error {
			var d journal.SmallDoc
			if err := rows.Scan(&d.ID, &d.Version, &d.Body); err != nil {
				return err
			}
			for _, i := range at[d.ID] {
				out[i] = d
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

// InsertSmalls inserts those that are absent, in one transaction.
func (s *Store) InsertSmalls(ctx context.Context, kind string, ids []string, bodies [][]byte) ([]bool, error) {
	inserted := make([]bool, len(ids))
	err := s.tx(ctx, func(tx *txn) error {
		for i, id := range ids {
			res, err := tx.ExecContext(ctx,
				"INSERT INTO small (body, kind, id, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING", bodies[i], kind, id)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			inserted[i] = n > 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return inserted, nil
}

// ListSmall lists ids of a kind with a prefix, sorted.
func (s *Store) ListSmall(ctx context.Context, kind, prefix, after string, limit int) ([]string, error) {
	rows, err := s.read.QueryContext(ctx,
		"SELECT id FROM small WHERE kind = ?1 AND id >= ?2 AND id > ?3 AND substr(id, 1, length(?2)) = ?2 ORDER BY id "+
			"LIMIT ?4",
		kind, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	var out []string
	err = scan(rows, func() error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		out = append(out, id)
		return nil
	})
	return out, err
}
