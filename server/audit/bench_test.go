package audit_test

import (
	"path/filepath"
	"testing"

	"doorstep/server/audit"
)

// BenchmarkExport exports 500 visits out of a journal of 20,000 entries.
func BenchmarkExport(b *testing.B) {
	h := newFixture(b)
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
	b.Run("after a restart", run(fresh))
	b.Run("again", run(func() {}))
}
