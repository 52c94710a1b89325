package sqlitestore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"doorstep/server/store/sqlitestore"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents are the bytes of every file in a folder, by name.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	files, err := os.ReadDir(folder)
	ok(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(folder, f.Name()))
		ok(t, err)
		out[f.Name()] = data
	}
	return out
}

// TestADestroyedKeyLeavesNoBytes looks for the wrapped keys in every file of the
// folder, while the store is open and after it is closed: keys.db, its side files,
// and the journal's own file, which must never have held them.
func TestADestroyedKeyLeavesNoBytes(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	s, err := sqlitestore.Open(ctx, folder, nil)
	ok(t, err)
	const keys, batch = 3000, 500
	var ids []string
	var wrapped [][]byte
	for range keys {
		id, key := make([]byte, 12), make([]byte, 90+len(ids)%60)
		_, _ = rand.Read(id)
		_, _ = rand.Read(key)
		ids, wrapped = append(ids, hex.EncodeToString(id)), append(wrapped, key)
	}
	for i := 0; i < keys; i += batch {
		_, err := s.InsertKeys(ctx, ids[i:i+batch], wrapped[i:i+batch])
		ok(t, err)
	}
	found := func() (destroyed, kept int) {
		for name, data := range contents(t, folder) {
			for i, key := range wrapped {
				// A part of a key is too much as well.
				if !bytes.Contains(data, key[20:52]) {
					continue
				}
				if i%5 != 0 {
					kept++
				} else if destroyed++; destroyed < 5 {
					t.Errorf("%s holds destroyed key %d", name, i)
				}
			}
		}
		return destroyed, kept
	}
	for i := 0; i < keys; i += 5 {
		ok(t, s.DestroyKey(ctx, ids[i]))
	}
	// Later work of the store must not bring them back.
	more := [][]byte{make([]byte, 120)}
	_, err = s.InsertKeys(ctx, []string{"later"}, more)
	ok(t, err)
	if destroyed, kept := found(); destroyed != 0 || kept != keys-keys/5 {
		t.Errorf("while open: %d destroyed keys are found, and %d of %d others", destroyed, kept, keys-keys/5)
	}
	ok(t, s.Close())
	if destroyed, kept := found(); destroyed != 0 || kept != keys-keys/5 {
		t.Errorf("after closing: %d destroyed keys are found, and %d of %d others", destroyed, kept, keys-keys/5)
	}
	for name := range contents(t, folder) {
		if name == sqlitestore.KeysFileName+"-wal" || name == sqlitestore.KeysFileName+"-shm" {
			t.Errorf("a log is left: %s", name)
		}
	}
}
