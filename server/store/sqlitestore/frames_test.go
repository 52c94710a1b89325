package sqlitestore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"doorstep/server/store/sqlitestore"
	"doorstep/server/store/storetest"
)

// TestACutFrameDoesNotCount cuts a blob's file at every byte of its last frame, as a crash may, and wipes parts of it,
// as a file system may after a loss of power: the frames before count, and the next one takes the place.
func TestACutFrameDoesNotCount(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	open := func() *sqlitestore.Store {
		s, err := sqlitestore.Open(ctx, folder, storetest.Indexes())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for n := 1; n <= 3; n++ {
		if err := s.AddFrame(ctx, "blob", n, fmt.Appendf(nil, "frame %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, sqlitestore.FramesFolder, "bl", "blob")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	third := len(whole) * 2 / 3
	damaged := [][]byte{append(bytes.Clone(whole[:third]), make([]byte, 4096)...)}
	for n := third; n < len(whole); n++ {
		damaged = append(damaged, whole[:n], append(bytes.Clone(whole[:n]), make([]byte, len(whole)-n)...))
	}
	for i, text := range damaged {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s = open()
		n, last, err := s.LastFrame(ctx, "blob")
		if err != nil || n != 2 || string(last) != "frame 2" {
			t.Fatalf("damage %d: %d frames, the last is %q, %v", i, n, last, err)
		}
		if err := s.AddFrame(ctx, "blob", 3, []byte("3rd")); err != nil {
			t.Fatalf("damage %d: %v", i, err)
		}
		all := ""
		if err := s.EachFrame(ctx, "blob", func(_ int, f []byte) error { all += string(f) + ";"; return nil }); err != nil ||
			all != "frame 1;frame 2;3rd;" {
			t.Fatalf("damage %d: %s, %v", i, all, err)
		}
		if info, err := os.Stat(file); err != nil || info.Size() != int64(third+len("3rd")+8) {
			t.Fatalf("damage %d: the file holds more than its frames: %d bytes, %v", i, info.Size(), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBlobsHaveNamesOfOurs(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	s, err := sqlitestore.Open(ctx, folder, storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	long := string(bytes.Repeat([]byte("a"), 65))
	for _, name := range []string{"", "a", "../../etc", "..", "AB12", "a/b", "a.b", long} {
		if err := s.AddFrame(ctx, name, 1, []byte("x")); err == nil {
			t.Errorf("%q is taken for the name of a blob", name)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, sqlitestore.FramesFolder)); err == nil {
		t.Error("a folder was made for a blob without a name")
	} else if !os.IsNotExist(err) {
		t.Error(err)
	}
}
