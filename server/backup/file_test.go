package backup_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/server/backup"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// database is what a copied database looks like to this package.
func database(n int) []byte {
	return append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte("rows "), n)...)
}

func finished(t *testing.T, kind backup.Kind) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b")
	ok(t, os.WriteFile(path, database(1000), 0o644))
	ok(t, backup.Finish(path, backup.Manifest{Kind: kind, ID: "b1", Deployment: "doorstep",
		Branches: []backup.Branch{{Branch: "porto", W: 7}, {Branch: "_org", W: 2}}}))
	return path
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	path := finished(t, backup.Data)
	info, err := os.Stat(path)
	ok(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	f, err := backup.Read(path, backup.Data)
	ok(t, err)
	if f.Manifest.ID != "b1" || f.Manifest.Entries() != 9 {
		t.Errorf("the manifest reads %+v", f.Manifest)
	}
	to := filepath.Join(t.TempDir(), "db")
	ok(t, f.Extract(to))
	got, err := os.ReadFile(to)
	ok(t, err)
	if !bytes.Equal(got, database(1000)) {
		t.Errorf("the database has %d bytes", len(got))
	}
	if err := f.Extract(to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("extracted over a file: %v", err)
	}
	ok(t, os.WriteFile(path, append(got, "more"...), 0o600))
	if err := f.Extract(filepath.Join(t.TempDir(), "db")); err == nil {
		t.Error("a file that changed after it was read was extracted")
	}
}

// A file that is not what was written is refused with a sentence that says what it is, and every single altered byte
// and every shorter length is noticed.
func TestAFileThatIsNotWholeIsRefused(t *testing.T) {
	path := finished(t, backup.Data)
	whole, err := os.ReadFile(path)
	ok(t, err)
	read := func(content []byte) string {
		t.Helper()
		ok(t, os.WriteFile(path, content, 0o600))
		_, err := backup.Read(path, backup.Data)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"whole", whole, ""},
		{"empty", nil, "is not a backup"},
		{"a text", []byte("hello"), "is not a backup"},
		{"a database that was copied", database(1000), "a database that was copied"},
		{"cut in the manifest", whole[:len(whole)-200], "cut short"},
		{"cut by a byte", whole[:len(whole)-1], "cut short"},
		{"lengthened", append(bytes.Clone(whole), 'x'), "cut short"},
		{"its database shortened", append(bytes.Clone(whole[:100]), whole[200:]...), "its length"},
		{"of a newer program", bytes.Replace(whole, []byte("doorstep-backup/1"), []byte("doorstep-backup/2"), 1), "newer"},
		{"its first bytes altered", append([]byte("X"), whole[1:]...), "altered"},
	} {
		got := read(c.content)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for i := 0; i < len(whole); i += 7 {
		altered := bytes.Clone(whole)
		altered[i] ^= 1
		if read(altered) == "" {
			t.Fatalf("byte %d of %d was altered, and nothing was said", i, len(whole))
		}
	}
	ok(t, os.WriteFile(path, whole, 0o600))
	if _, err := backup.Read(path, backup.Keys); err == nil || !strings.Contains(err.Error(), "holds the data") {
		t.Errorf("the data in place of the keys: %v", err)
	}
	if _, err := backup.Read(t.TempDir(), backup.Keys); err == nil {
		t.Error("a folder was read")
	}
	if _, err := backup.Read(path+"-none", backup.Keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestPublishReplacesOnlyWhenTold(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "to")
	ok(t, os.WriteFile(from, []byte("new"), 0o600))
	ok(t, os.WriteFile(to, []byte("old"), 0o600))
	if err := backup.Publish(from, to, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("published over a file: %v", err)
	}
	if text, _ := os.ReadFile(to); string(text) != "old" {
		t.Errorf("the file reads %q", text)
	}
	ok(t, backup.Publish(from, to, true))
	if text, _ := os.ReadFile(to); string(text) != "new" {
		t.Errorf("the file reads %q", text)
	}
	ok(t, os.WriteFile(from, []byte("third"), 0o600))
	ok(t, backup.Publish(from, filepath.Join(folder, "free"), false))
	left, err := os.ReadDir(folder)
	ok(t, err)
	if len(left) != 2 {
		t.Errorf("%d files are left", len(left))
	}
}
