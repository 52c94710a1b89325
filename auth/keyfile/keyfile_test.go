//go:build unix

package keyfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"doorstep/auth/keyfile"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	return info.Mode().Perm()
}

// TestFilesAreTheirOwnersWhateverTheUmask runs alone: the umask is the process's.
func TestFilesAreTheirOwnersWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o277} {
		folder := filepath.Join(t.TempDir(), "keys")
		check(t, os.Mkdir(folder, 0o777))
		check(t, os.Chmod(folder, 0o777))
		was := syscall.Umask(umask)
		err := errors.Join(keyfile.Create(filepath.Join(folder, "made"), []byte("x")),
			keyfile.Append(filepath.Join(folder, "list"), []byte("a\n")),
			keyfile.Append(filepath.Join(folder, "list"), []byte("b\n")), keyfile.Folder(filepath.Join(folder, "below")))
		syscall.Umask(was)
		check(t, err)
		for name, want := range map[string]fs.FileMode{"made": 0o600, "list": 0o600, "below": 0o700, ".": 0o777} {
			if got := mode(t, filepath.Join(folder, name)); got != want {
				t.Errorf("umask %04o: %s has mode %04o, want %04o", umask, name, got, want)
			}
		}
		text, err := os.ReadFile(filepath.Join(folder, "list"))
		check(t, err)
		if string(text) != "a\nb\n" {
			t.Errorf("the list holds %q", text)
		}
	}
}

func TestAFileThatOthersReadIsTightened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	check(t, os.WriteFile(path, []byte("secret"), 0o600))
	check(t, os.Chmod(path, 0o644))
	data, err := keyfile.Read(path)
	check(t, err)
	if string(data) != "secret" || mode(t, path) != 0o600 {
		t.Errorf("read %q with mode %04o", data, mode(t, path))
	}
	if err := keyfile.Create(path, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second creation: %v", err)
	}
	if _, err := keyfile.Read(path + "2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if err := keyfile.Tighten(filepath.Dir(path)); err == nil {
		t.Error("a folder passes for a file")
	}
}
