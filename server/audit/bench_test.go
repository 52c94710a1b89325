package audit_test

import (
	"context"
	"path/filepath"
	"testing"

	"doorstep/server/audit"
)

// BenchmarkExport exports 500 visits out of a journal of 20,000 entries. "first"
// is a log that has made no tile yet, "again" one that has.
func BenchmarkExport(b *testing.B) {
	h := newHouse(b)
	h.record(b, 1, 500, 39)
	fresh := func() {
		key, err := audit.LoadOrCreateKey(filepath.Join(h.folder, "audit.key"), "doorstep-test")
		check(b, err)
		h.log = audit.New(h.journal, key, "doorstep-test")
	}
	run := func(before func()) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				before()
				b.StartTimer()
				if _, m := h.export(b, audit.NDJSON, audit.Query{}); m.Visits != 500 {
					b.Fatal(m.Visits, "visits")
				}
			}
		}
	}
	b.Run("first", run(func() {
		ids, err := h.store.ListSmall(context.Background(), "tile", "", "", 1000)
		check(b, err)
		for _, id := range ids {
			_, v, err := h.store.Small(context.Background(), "tile", id)
			check(b, err)
			check(b, h.store.DeleteSmall(context.Background(), "tile", id, v))
		}
		fresh()
	}))
	b.Run("after a restart", run(fresh))
	b.Run("again", run(func() {}))
}
