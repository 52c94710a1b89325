package sms

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/server/notify"
)

// A full file is put aside, the newest four of these are kept, and no text is lost that they could hold.
func TestAFullFileIsPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sms.ndjson")
	f := NewFile(path, func() time.Time { return time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC) })
	f.most = 1 // each text fills it
	for _, id := range []string{"m1", "m2", "m3", "m4", "m5", "m6", "m7"} {
		if _, err := f.Carry(context.Background(), notify.Text{ID: id, Number: "+351912000001", Text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	for name, id := range map[string]string{path: "m7", path + ".1": "m6", path + ".2": "m5", path + ".3": "m4",
		path + ".4": "m3"} {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), `"`+id+`"`) || strings.Count(string(text), "\n") != 1 {
			t.Errorf("%s has %q, %v", filepath.Base(name), text, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", filepath.Base(name), err)
		}
	}
	if _, err := os.Stat(path + ".5"); err == nil {
		t.Error("a fifth old file is kept")
	}
}
