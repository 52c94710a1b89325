package casework

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// views are all rows of the views that are read, in the order of their keys.
func (h *fixture) views() string {
	h.t.Helper()
	ctx := context.Background()
	var b strings.Builder
	gens, err := h.store.Generations(ctx, porto)
	ok(h.t, err)
	names := journal.BuiltInViews()
	for _, v := range Views(h.vault) {
		names = append(names, v.Name)
	}
	for _, view := range names {
		g, there := journal.Readable(gens, view)
		if !there {
			h.t.Fatalf("the view %s has no generation", view)
		}
		recs, err := h.store.ScanRecords(ctx, porto, g.Gen, journal.DocRef{}, 1e6)
		ok(h.t, err)
		for _, r := range recs {
			fmt.Fprintf(&b, "%s: %s/%s %d %d %d %t %s\n", view, r.Type, r.ID, r.N, r.Rev, r.No, r.Deleted, r.Body)
		}
		feeds, err := h.store.ScanFeeds(ctx, porto, g.Gen, journal.FeedEntry{}, 1e6)
		ok(h.t, err)
		receipts, err := h.store.ScanReceipts(ctx, porto, g.Gen, "", 1e6)
		ok(h.t, err)
		fmt.Fprintf(&b, "%s: %v %v\n", view, feeds, receipts)
	}
	return b.String()
}

// emptied removes every row of every view and rebuilds them. Nothing may be left that a
// rebuild does not bring back equal.
func (h *fixture) emptied() {
	h.t.Helper()
	ctx := context.Background()
	for _, v := range Views(h.vault) {
		ok(h.t, h.svc.views.CatchUp(ctx, porto, v.Name))
	}
	before := h.views()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, sqlitestore.FileName)+"?_pragma=busy_timeout(10000)")
	ok(h.t, err)
	for _, table := range []string{"records", "found", "feeds", "receipts"} {
		_, err := db.Exec("DELETE FROM " + table)
		ok(h.t, err)
	}
	ok(h.t, db.Close())
	if h.views() == before {
		h.t.Fatal("the views were not emptied")
	}
	for _, view := range journal.BuiltInViews() {
		ok(h.t, journal.Rebuild(ctx, h.store, porto, journal.View{Name: view}, nil))
	}
	for _, v := range Views(h.vault) {
		ok(h.t, journal.Rebuild(ctx, h.store, porto, v, nil))
	}
	if after := h.views(); after != before {
		h.t.Errorf("the views were\n%s\nand are after a rebuild\n%s", before, after)
	}
	found, err := journal.Check(ctx, h.store, porto, nil, Views(h.vault)...)
	ok(h.t, err)
	if len(found) > 0 {
		h.t.Errorf("after a rebuild: %v", found)
	}
}

// TestARebuildBringsBackWhatIsCounted tells one story twice, the second time with all views
// emptied and rebuilt in the middle: visit numbers go on where they were, the caps count
// the same contacts, payments add up, and what was sent before is known.
func TestARebuildBringsBackWhatIsCounted(t *testing.T) {
	story := func(rebuild bool) string {
		h := newFixture(t)
		var said strings.Builder
		h.take(line("c1", "debtor_ref", "D1"), line("c2", "debtor_ref", "D1"), line("c3"))
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2", "north.c3")
		ana := h.phone("ana", "d1")
		first := write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "MET_PTP",
			"person_met", members{"relationship": "debtor", "identity_check": "document"}))
		h.want("the first visit", ana.push(first)[0], "applied")
		h.want("another", ana.put("visits", "v2", visit("north.c3", "2026-11-25T11:00:00Z")), "applied")
		plan := twoParts()
		plan.Case = "north.c1"
		h.must(ProposePlan{ID: "p1", Plan: plan})
		pay := func(ref string) {
			t.Helper()
			rep, err := h.svc.ImportPayments(t.Context(), boss, porto, "text/csv", strings.NewReader(
				"payment_ref,case_ref,paid_at,amount_minor,currency\n"+ref+",c1,2026-11-25T08:00:00Z,100,EUR\n"), ImportOptions{})
			ok(t, err)
			fmt.Fprintf(&said, "payment %s: %d new, %d unchanged\n", ref, rep.Accepted, rep.Unchanged)
		}
		pay("m1")
		if rebuild {
			h.emptied()
		}
		again := ana.push(first)[0]
		fmt.Fprintf(&said, "the first visit again: %s\n", again.Status)
		pay("m1")
		pay("m2")
		h.want("a third visit", ana.put("visits", "v3", visit("north.c1", "2026-11-25T12:00:00Z", "outcome",
			"MET_PTP")), "applied")
		for _, id := range []string{"v1", "v2", "v3"} {
			var v struct {
				Flags     []string `json:"flags"`
				Decisions []struct {
					Rule   string `json:"rule"`
					Reason string `json:"reason"`
				} `json:"decisions"`
			}
			rec := h.stored("visits", id, &v)
			fmt.Fprintf(&said, "%s is number %d: %v %v\n", id, rec.No, v.Flags, v.Decisions)
		}
		file := h.shown("north.c1")
		fmt.Fprintf(&said, "%v of the case, %v\n", file["paid_minor"], h.contacts("north.c2"))
		page, err := h.store.Pages(t.Context(), porto, 0, 1000)
		ok(t, err)
		last := page[len(page)-1]
		fmt.Fprintf(&said, "%d visits are numbered\n", last.Numbered.Plus(last.NumberedIn).Of("visits"))
		return said.String()
	}
	without, with := story(false), story(true)
	if with != without || !strings.Contains(without, "v3 is number 3") || !strings.Contains(without, "FREQ_CAP") {
		t.Errorf("without a rebuild:\n%s\nwith one:\n%s", without, with)
	}
}
