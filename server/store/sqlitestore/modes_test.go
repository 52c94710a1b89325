//go:build unix

package sqlitestore_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"doorstep/server/store/sqlitestore"
	"doorstep/server/store/storetest"
)

// TestFilesOfTheStoreAreTheirOwners opens a store in a folder that all may use, with
// an umask that takes nothing, and one whose files others may read.
func TestFilesOfTheStoreAreTheirOwners(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	ok(t, os.Chmod(folder, 0o777))
	was := syscall.Umask(0)
	defer syscall.Umask(was)
	for range 2 {
		s, err := sqlitestore.Open(ctx, folder, storetest.Indexes())
		ok(t, err)
		ok(t, s.SwapSmall(ctx, "k", "a", 0, []byte("v")))
		_, err = s.InsertKeys(ctx, []string{"a"}, [][]byte{[]byte("v")})
		ok(t, err)
		files, err := os.ReadDir(folder)
		ok(t, err)
		if len(files) < 5 { // two databases, the journal's side files, the lock
			t.Errorf("only %d files are there", len(files))
		}
		for _, f := range files {
			info, err := f.Info()
			ok(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %04o", f.Name(), info.Mode().Perm())
			}
		}
		ok(t, s.DeleteSmall(ctx, "k", "a", 1))
		ok(t, s.Close())
		for name := range contents(t, folder) {
			ok(t, os.Chmod(filepath.Join(folder, name), 0o644))
		}
	}
}
