package audit_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"doorstep/server/audit"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// TestTilesAreRebuiltEqual removes all tiles and rebuilds them: they are the same bytes,
// proofs are the same, and the checkpoint counts the same visits, which no view keeps.
func TestTilesAreRebuiltEqual(t *testing.T) {
	ctx := context.Background()
	h := newFixture(t)
	h.record(t, 1, 20, 38) // 780 entries: three full tiles, and the tile above them
	check(t, journal.NewViews(h.journal, audit.Tiles()).CatchUp(ctx, branch, audit.Tiles().Name))
	tiles := func() []journal.Record {
		t.Helper()
		gens, err := h.store.Generations(ctx, branch)
		check(t, err)
		g, _ := journal.Readable(gens, audit.Tiles().Name)
		recs, err := h.store.ScanRecords(ctx, branch, g.Gen, journal.DocRef{}, 1000)
		check(t, err)
		return recs
	}
	proved := func() (proofs []audit.Proof, cp audit.Checkpoint) {
		t.Helper()
		key, err := audit.LoadOrCreateKey(filepath.Join(h.folder, "audit.key"), "doorstep-test")
		check(t, err)
		log := audit.New(h.journal, key, "doorstep-test") // it remembers no tiles yet
		for n := uint64(1); n <= 780; n += 97 {
			p, err := log.Inclusion(ctx, branch, n, 780)
			check(t, err)
			proofs = append(proofs, p)
		}
		cp, err = log.Checkpoint(ctx, branch)
		check(t, err)
		return proofs, cp
	}
	were := tiles()
	proofs, cp := proved()
	if len(were) != 4 || cp.Visits != 20 {
		t.Fatalf("%d tiles, %d visits", len(were), cp.Visits)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, sqlitestore.FileName)+"?_pragma=busy_timeout(10000)")
	check(t, err)
	_, err = db.Exec("DELETE FROM records WHERE type = 'tiles'")
	check(t, err)
	check(t, db.Close())
	found, err := journal.Check(ctx, h.store, branch, nil, audit.Tiles())
	check(t, err)
	for _, f := range found {
		if !strings.Contains(f.What, "the view tiles lacks a document") {
			t.Errorf("without the tiles: %v", f)
		}
	}
	if len(found) != len(were) {
		t.Errorf("without the tiles %d things are found", len(found))
	}
	check(t, journal.Rebuild(ctx, h.store, branch, audit.Tiles(), nil))
	if !reflect.DeepEqual(tiles(), were) {
		t.Errorf("the tiles are %v, and were %v", tiles(), were)
	}
	if again, now := proved(); !reflect.DeepEqual(again, proofs) || !reflect.DeepEqual(now, cp) {
		t.Errorf("after a rebuild the proofs or the checkpoint differ: %+v, %+v", now, cp)
	}
}
