package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"doorstep/server/backup"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// A backup has the sealed frames, and a restore brings back those that were lost and leaves those that came since.
func TestABackupHasTheAttachments(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	s := run(t, Config{Data: data})
	add := func(blob string, n int, text string) {
		t.Helper()
		ok(t, s.store.AddFrame(ctx, blob, n, []byte(text)))
	}
	add("lost", 1, "a photo")
	add("growing", 1, "a part")
	add("dropped", 1, "a draft")
	o := backedUp(t, data, func() {})
	add("growing", 2, "and more")
	add("later", 1, "after the backup")
	s.stop()
	folder := filepath.Join(data, sqlitestore.FramesFolder)
	ok(t, os.RemoveAll(filepath.Join(folder, "lo")))
	ok(t, os.RemoveAll(filepath.Join(folder, "dr")))

	tree := o.File + backup.TreeSuffix
	ok(t, os.Rename(tree, tree+".elsewhere"))
	if _, err := Restore(ctx, o); err == nil || !strings.Contains(err.Error(), "--without-attachments") {
		t.Errorf("restored without the attachments: %v", err)
	}
	ok(t, os.Rename(tree+".elsewhere", tree))
	rep, err := Restore(ctx, o)
	ok(t, err)
	if rep.Attachments.Files != 2 || rep.Manifest.Attachments.Files != 3 {
		t.Errorf("the restore reports %+v of %+v", rep.Attachments, rep.Manifest.Attachments)
	}
	s = run(t, Config{Data: data})
	for blob, want := range map[string]string{"lost": "a photo", "growing": "a partand more", "dropped": "a draft",
		"later": "after the backup"} {
		var got bytes.Buffer
		ok(t, s.store.EachFrame(ctx, blob, func(_ int, frame []byte) error {
			got.Write(frame)
			return nil
		}))
		if got.String() != want {
			t.Errorf("%s reads %q, want %q", blob, got.String(), want)
		}
	}
	// The restored server's frames are its own: what it adds is not in the backup.
	was, err := backup.Measure(tree)
	ok(t, err)
	add("lost", 2, "more")
	if now, err := backup.Measure(tree); now != was || err != nil {
		t.Errorf("the backup had %+v and has %+v, %v", was, now, err)
	}
	ok(t, os.RemoveAll(tree))
	s.stop()
	o.WithoutAttachments = true
	_, err = Restore(ctx, o)
	ok(t, err)
}

// A backup onto a disk that is full says so, leaves nothing under the names, and nothing else either.
func TestABackupOntoAFullDiskLeavesNothing(t *testing.T) {
	ctx, data, disk := context.Background(), filepath.Join(t.TempDir(), "data"), smallDisk(t, 1)
	s := run(t, Config{Data: data})
	full := func(what string) {
		t.Helper()
		_, err := Backup(ctx, BackupOptions{Data: data, File: filepath.Join(disk, "data.bak"),
			Keys: filepath.Join(disk, "keys.bak"), Version: "test"})
		if !errors.Is(err, journal.ErrFull) && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", what, err)
		}
		left, err := os.ReadDir(disk)
		ok(t, err)
		for _, entry := range left {
			if entry.Name() != "ballast" {
				t.Errorf("%s: %s is left", what, entry.Name())
			}
		}
	}
	ballast := filepath.Join(disk, "ballast")
	ok(t, os.WriteFile(ballast, make([]byte, 900<<10), 0o600))
	full("the data")
	ok(t, os.Remove(ballast))
	for n := range 3 {
		ok(t, s.store.AddFrame(ctx, "large", n+1, bytes.Repeat([]byte{1}, 512<<10)))
	}
	full("the attachments")
}
