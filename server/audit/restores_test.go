package audit_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"doorstep/server/audit"
	"doorstep/sync/journal"
)

func (h *fixture) restore(t *testing.T, epoch string) {
	t.Helper()
	check(t, h.journal.BeginEpoch(context.Background(), branch, "restore:"+epoch, journal.Restore{At: moment,
		BackupAt: moment.Add(-time.Hour), Epoch: epoch}))
}

// TestJ13AnExportShowsItsRestores exports before a restore, after it, and after another.
func TestJ13AnExportShowsItsRestores(t *testing.T) {
	h := newFixture(t)
	verified := func(format audit.Format) audit.Report {
		t.Helper()
		file, _ := h.export(t, format, audit.Query{})
		r, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey())
		check(t, err)
		return r
	}
	h.record(t, 1, 3, 1)
	first := verified(audit.NDJSON)
	h.restore(t, "e2")
	h.record(t, 4, 300, 0) // beyond a full tile
	second := verified(audit.CSV)
	h.restore(t, "e3")
	third := verified(audit.NDJSON)
	for i, r := range []audit.Report{first, second, third} {
		want := []string{"/1", "/e2", "/e3"}[i]
		if len(r.Restores) != i || !strings.HasSuffix(r.Head.Origin, string(branch)+want) || !r.Manifest.Complete {
			t.Errorf("export %d is of %s with %+v", i, r.Head.Origin, r.Restores)
		}
	}
	if r := third.Restores; r[0].Entry != 7 || r[0].Size != 6 || r[0].Visits != 3 || r[1].Before != "e2" {
		t.Errorf("the restores read %+v", r)
	}
	if r := audit.Compare(first, third); r.Kind != audit.KindRestored || r.Restore.Epoch != "e2" {
		t.Errorf("compared: %+v", r)
	}
}

// TestAFalseRestoreWithAValidSignatureIsFound verifies exports whose signer tells something else of restores than the
// tree holds.
func TestAFalseRestoreWithAValidSignatureIsFound(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 3, 0)
	before, _ := h.export(t, audit.NDJSON, audit.Query{})
	h.restore(t, "e2")
	h.record(t, 4, 5, 0)
	h.restore(t, "e3")
	file, m := h.export(t, audit.NDJSON, audit.Query{})
	same := func(lines [][]byte) [][]byte { return lines }
	first, last := m.Restores[0], m.Restores[1]
	type told = []audit.ProvedRestore
	with := func(change func(r *audit.ProvedRestore)) audit.ProvedRestore {
		r := first
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		of   []byte
		told told
		says string
	}{
		"unchanged":        {file, told{first, last}, ""},
		"none is told":     {file, nil, "lead to the epoch 1"},
		"the last is not":  {file, told{first}, "lead to the epoch e2"},
		"the first is not": {file, told{last}, "does not follow"},
		"of an older log":  {before, nil, ""},
		"in another order": {file, told{last, first}, "does not follow"},
		"one twice":        {file, told{first, first, last}, "does not follow"},
		"another entry":    {file, told{with(func(r *audit.ProvedRestore) { r.EntryNo = 5 }), last}, "is not an entry"},
		"another document": {file, told{with(func(r *audit.ProvedRestore) { r.ID = "000002" }), last}, "does not hold"},
		"no proof of it":   {file, told{with(func(r *audit.ProvedRestore) { r.Proof = nil }), last}, "is not in the tree"},
		"no consistency":   {file, told{with(func(r *audit.ProvedRestore) { r.Consistency = nil }), last}, "not a prefix"},
		"an altered entry": {file, told{with(func(r *audit.ProvedRestore) {
			r.Entry = bytes.Replace(r.Entry, []byte(`"visits":3`), []byte(`"visits":2`), 1)
		}), last}, "is not in the tree"},
	} {
		_, err := audit.Verify(bytes.NewReader(forge(t, h, c.of, same, func(m map[string]any) {
			m["restores"] = c.told
		})), h.log.PublicKey())
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
