package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
)

// Debtors' keys stand in a file of their own, so that a destroyed key leaves no copy
// behind: not in a log (the side file is emptied with every transaction), and not in
// the file itself. A wrapped key is written once, into a row that is appended; rows
// in the order of their numbers are never moved to another page. Destroying it
// overwrites its bytes in place with as many zeros, and the row stays as the marker.

// KeysFileName is the name of the keys' file in a data folder.
const KeysFileName = "keys.db"

const keysSchema = `CREATE TABLE IF NOT EXISTS debtorkey (
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL, destroyed INTEGER NOT NULL DEFAULT 0)`

// openKeys opens the keys' file of a data folder, and makes it when it is not there.
func openKeys(ctx context.Context, driver, folder string) (*pool, error) {
	path := filepath.Join(folder, KeysFileName)
	if err := private(path); err != nil {
		return nil, err
	}
	db, err := openPool(driver,
		"file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=immediate&_pragma=busy_timeout(10000)"+
			"&_pragma=journal_mode(TRUNCATE)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, keysSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return db, nil
}

// Keys reads wrapped keys, in the order asked: nil where there is none, empty where it is destroyed.
func (s *Store) Keys(ctx context.Context, ids []string) ([][]byte, error) {
	out := make([][]byte, len(ids))
	at := make(map[string][]int, len(ids))
	for i, id := range ids {
		at[id] = append(at[id], i)
	}
	for len(ids) > 0 {
		n := min(len(ids), manyDocs)
		args, list := appendList(nil, ids[:n])
		rows, err := s.keys.QueryContext(ctx, "SELECT id, wrapped, destroyed FROM debtorkey WHERE id IN ("+list+")",
			args...)
		if err != nil {
			return nil, err
		}
		if err := scan(rows, func() error {
			var id string
			var wrapped []byte
			var destroyed bool
			if err := rows.Scan(&id, &wrapped, &destroyed); err != nil {
				return err
			}
			if destroyed {
				wrapped = []byte{}
			}
			for _, i := range at[id] {
				out[i] = wrapped
			}
			return nil
		}); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

// InsertKeys keeps the wrapped keys whose ids are new, in one durable write, and says
// which. An id whose key is destroyed is not new.
func (s *Store) InsertKeys(ctx context.Context, ids []string, wrapped [][]byte) ([]bool, error) {
	inserted := make([]bool, len(ids))
	tx, err := s.keys.BeginTx(ctx, nil)
	if err != nil {
		return nil, full(err)
	}
	err = func() error {
		insert, err := tx.PrepareContext(ctx, "INSERT INTO debtorkey (id, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		defer insert.Close()
		for i, id := range ids {
			res, err := insert.ExecContext(ctx, id, wrapped[i])
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			inserted[i] = n > 0
		}
		return tx.Commit()
	}()
	if err != nil {
		return nil, full(errors.Join(err, rollback(tx)))
	}
	return inserted, nil
}

// DestroyKey overwrites a wrapped key and leaves a marker; an id that has none gets
// the marker too, so that no key can be made for it. Durable when it returns nil.
func (s *Store) DestroyKey(ctx context.Context, id string) error {
	_, err := s.keys.ExecContext(ctx, `INSERT INTO debtorkey (id, wrapped, destroyed) VALUES (?, x'00', 1)
		ON CONFLICT (id) DO UPDATE SET wrapped = zeroblob(length(wrapped)), destroyed = 1`, id)
	return full(err)
}
