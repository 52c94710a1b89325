package backup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"doorstep/server/backup"
)

func TestAFolderIsFilledWithWhatItLacks(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	from, to := filepath.Join(root, "from"), filepath.Join(root, "to")
	write := func(folder, name, text string) {
		t.Helper()
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		ok(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	is := func(folder, name, want string) {
		t.Helper()
		if text, err := os.ReadFile(filepath.Join(folder, name)); string(text) != want {
			t.Errorf("%s holds %q, %v, want %q", name, text, err, want)
		}
	}
	if added, err := backup.Fill(ctx, from, to, true); added.Files != 0 || err != nil {
		t.Errorf("a folder that is not there: %+v, %v", added, err)
	}
	write(from, "aa/new", "12345")
	write(from, "bb/longer", "1234567")
	write(from, "bb/shorter", "1")
	write(to, "bb/longer", "123")
	write(to, "bb/shorter", "12")
	write(to, "cc/own", "own")
	added, err := backup.Fill(ctx, from, to, false)
	ok(t, err)
	if added != (backup.Tree{Files: 2, Bytes: 12}) {
		t.Errorf("came: %+v", added)
	}
	for name, want := range map[string]string{"aa/new": "12345", "bb/longer": "1234567", "bb/shorter": "12",
		"cc/own": "own"} {
		is(to, name, want)
	}
	if has, err := backup.Measure(to); has != (backup.Tree{Files: 4, Bytes: 17}) || err != nil {
		t.Errorf("there are %+v, %v", has, err)
	}
	// A copy is another file than the one it was made of, and a link the same.
	linked := filepath.Join(root, "linked")
	_, err = backup.Fill(ctx, from, linked, true)
	ok(t, err)
	write(from, "aa/new", "12345678")
	is(to, "aa/new", "12345")
	is(linked, "aa/new", "12345678")

	name := filepath.Join(root, "name")
	ok(t, backup.PublishTree(filepath.Join(root, "none"), name, false))
	ok(t, backup.PublishTree(to, name, false))
	if err := backup.PublishTree(linked, name, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("published over a folder: %v", err)
	}
	is(name, "cc/own", "own")
	ok(t, backup.PublishTree(linked, name, true))
	if has, err := backup.Measure(name); has.Files != 3 || err != nil {
		t.Errorf("published %+v, %v", has, err)
	}
}
