package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/server/casework"
)

// TestTheErasureListHoldsEachErasureOnce adds lines twice, and after an append that wrote half a line.
func TestTheErasureListHoldsEachErasureOnce(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "erasures.jsonl")
	l, lines, err := openErasures(folder)
	ok(t, err)
	if len(lines) != 0 {
		t.Fatalf("a list that is not there has the lines %v", lines)
	}
	line := func(id string) casework.ErasureLine { return casework.ErasureLine{Erasure: id, Debtor: "L1.D1"} }
	add := func(l *erasureList, id string, want bool) {
		t.Helper()
		added, err := l.Add(line(id))
		ok(t, err)
		if added != want {
			t.Errorf("%s was added: %t, want %t", id, added, want)
		}
	}
	add(l, "e1", true)
	add(l, "e1", false)
	text, err := os.ReadFile(path)
	ok(t, err)
	half := strings.Replace(string(text), "e1", "e2", 1)[:20]
	ok(t, os.WriteFile(path, append(text, half...), 0o600)) // what an append leaves on a full disk
	full, err := os.ReadFile(path)
	ok(t, err)
	ok(t, l.mend([]byte(strings.Replace(string(text), "e1", "e2", 1))))
	add(l, "e2", true)
	l, lines, err = openErasures(folder)
	ok(t, err)
	if len(lines) != 2 || lines[0] != line("e1") || lines[1] != line("e2") {
		t.Errorf("the list reads %v", lines)
	}
	add(l, "e2", false)
	add(l, "e3", true)

	ok(t, os.WriteFile(path, full, 0o600))
	if err := l.mend([]byte("another line\n")); err == nil {
		t.Error("the rest of a line that is not ours was removed")
	}
	ok(t, os.Remove(path))
	ok(t, os.Mkdir(path, 0o700)) // nothing can be appended to it
	if _, err := l.Add(line("e4")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on a list that cannot be written: %v", err)
	}
	ok(t, os.Remove(path))
	if added, err := l.Add(line("e5")); err == nil || added {
		t.Errorf("after a failure that left the list in doubt: added %t, %v", added, err)
	}
}
