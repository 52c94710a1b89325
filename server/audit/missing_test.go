package audit_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// damaged is a store one page of which cannot be read.
type damaged struct {
	*sqlitestore.Store
	first, last uint64
}

func (d *damaged) err() error {
	return &journal.DamagedPage{Branch: branch, First: d.first, Last: d.last, Err: errors.New("its bytes are gone")}
}

func (d *damaged) PageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	if b == branch && d.first <= n && n <= d.last {
		return nil, d.err()
	}
	return d.Store.PageOf(ctx, b, n)
}

func (d *damaged) Pages(ctx context.Context, b auth.BranchID, after uint64, limit int) ([]*journal.Page, error) {
	if b == branch && d.first <= after+1 && after+1 <= d.last {
		return nil, d.err()
	}
	ps, err := d.Store.Pages(ctx, b, after, limit)
	for i, p := range ps {
		if b == branch && p.First == d.first {
			return ps[:i], err
		}
	}
	return ps, err
}

// An entry that cannot be read does not end an export: the manifest names it, and says
// that the export is not complete.
func TestAnExportNamesWhatCannotBeRead(t *testing.T) {
	h := newFixture(t)
	for _, span := range [][2]int{{1, 100}, {101, 103}, {104, 300}} {
		h.record(t, span[0], span[1], 0)
	}
	ctx := context.Background()
	check(t, journal.NewViews(h.journal, audit.Tiles()).CatchUp(ctx, branch, "tiles"))
	j := journal.Open(&damaged{h.store, 101, 103}, journal.Options{})
	defer func() { check(t, j.Close(ctx)) }()
	key, err := audit.LoadOrCreateKey(filepath.Join(h.folder, "audit.key"), "doorstep-test")
	check(t, err)
	log := audit.New(j, key, "doorstep-test")
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		var file bytes.Buffer
		m, err := log.Export(ctx, &file, format, audit.Query{Branch: branch}, h)
		check(t, err)
		if m.Visits != 297 || m.Complete || !strings.Contains(m.Proves, "missing") {
			t.Errorf("%s: %d visits, complete %t, proves %q", format, m.Visits, m.Complete, m.Proves)
		}
		if len(m.Missing) != 3 || m.Missing[0].First != 101 || m.Missing[2].No != 103 || m.Missing[1].Visit != visitID(102) {
			t.Errorf("%s: missing %+v", format, m.Missing)
		}
		report, err := audit.Verify(&file, log.PublicKey())
		if err != nil || len(report.Manifest.Missing) != 3 {
			t.Errorf("%s: verified %+v, %v", format, report.Manifest.Missing, err)
		}
	}
}
