package sqlitestore_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"doorstep/server/store/sqlitestore"
)

// A guest copies data and keys beside the store that has them open. Keys that were destroyed leave no bytes in the
// copy, their markers are there, and the data hold no key.
func TestCopiesBesideAnOpenStore(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	s, err := sqlitestore.Open(ctx, folder, nil)
	ok(t, err)
	defer func() { ok(t, s.Close()) }()
	kept, gone := bytes.Repeat([]byte("kept"), 30), bytes.Repeat([]byte("gone"), 30)
	_, err = s.InsertKeys(ctx, []string{"k", "g"}, [][]byte{kept, gone})
	ok(t, err)
	ok(t, s.DestroyKey(ctx, "g"))
	ok(t, s.SwapSmall(ctx, "epoch", "b", 0, []byte(`{"name":"e1"}`)))

	guest, err := sqlitestore.Inspect(ctx, folder, nil)
	ok(t, err)
	to := t.TempDir()
	data, keys := filepath.Join(to, sqlitestore.FileName), filepath.Join(to, sqlitestore.KeysFileName)
	ok(t, guest.CopyData(ctx, data))
	ok(t, guest.CopyKeys(ctx, keys))
	if err := guest.SwapSmall(ctx, "epoch", "c", 0, []byte(`{}`)); err == nil {
		t.Error("a store that only reads wrote after it had made a copy")
	}
	if err := guest.CopyData(ctx, data); err == nil {
		t.Error("copied over a file")
	}
	ok(t, guest.Close())
	// The store itself goes on.
	ok(t, s.SwapSmall(ctx, "epoch", "b", 1, []byte(`{"name":"e2"}`)))

	for path, want := range map[string]bool{data: false, keys: true} {
		text, err := os.ReadFile(path)
		ok(t, err)
		if bytes.Contains(text, kept) != want || bytes.Contains(text, gone) {
			t.Errorf("%s: holds a key %t, and a destroyed one %t", filepath.Base(path), bytes.Contains(text, kept),
				bytes.Contains(text, gone))
		}
		info, err := os.Stat(path)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(path), info.Mode())
		}
	}
	copied, err := sqlitestore.Open(ctx, to, nil)
	ok(t, err)
	defer func() { ok(t, copied.Close()) }()
	found, err := copied.Keys(ctx, []string{"k", "g", "none"})
	ok(t, err)
	if !bytes.Equal(found[0], kept) || found[1] == nil || len(found[1]) != 0 || found[2] != nil {
		t.Errorf("the copied keys are %q", found)
	}
	body, _, err := copied.Small(ctx, "epoch", "b")
	ok(t, err)
	if string(body) != `{"name":"e1"}` {
		t.Errorf("the copy reads %s", body)
	}
}
