//go:build unix

package server

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAllFilesAreTheirOwners starts a server with umask 0 and checks that only the owner can read its files.
func TestAllFilesAreTheirOwners(t *testing.T) {
	root := t.TempDir()
	was := syscall.Umask(0)
	defer syscall.Umask(was)
	s := run(t, Config{Data: filepath.Join(root, "below", "data")})
	files := 0
	ok(t, filepath.WalkDir(filepath.Join(root, "below"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		return nil
	}))
	if files < 7 {
		t.Errorf("only %d files were looked at", files)
	}
	s.stop()
}
