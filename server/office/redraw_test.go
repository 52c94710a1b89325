package office

import (
	"context"
	"testing"

	"doorstep/auth"
	"doorstep/geo"
)

// A map is told of before it is saved: the work it shares out, the cases that change hands, its holes and overlaps, and
// the teams and cases that it leaves behind. The present map stays.
func TestAMapIsToldOfBeforeItIsSaved(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("a1", porto)
	area := func(id string, west, east float64) Territory {
		return Territory{ID: id, Branch: porto, Shape: rectangle(t, west, 41.1, east, 41.2)}
	}
	x, y := area("X", -8.7, -8.6), area("Y", -8.6, -8.5)
	_, err := h.ReplaceTerritories(ctx, Ask{By: "boss"}, porto, "", []Territory{x, y}, nil)
	ok(t, err)
	_, err = h.PutTeam(ctx, Ask{By: "boss"}, Team{ID: "t1", Branch: porto, Agents: []auth.UserID{"a1"},
		Territories: []string{"Y"}})
	ok(t, err)
	home := func(ref string, lon float64) Work {
		return Work{Case: ref, HasHome: true, Home: geo.Point{Lon: lon, Lat: 41.15}, ServiceMin: 20}
	}
	placed := home("placed", -8.65)
	placed.Pinned, placed.Territory = true, "Y"
	work := []Work{home("west", -8.68), home("middle", -8.62), home("east", -8.52), placed}
	now, err := h.Territories(ctx, porto)
	ok(t, err)
	hash, err := MapHash(now)
	ok(t, err)

	r, err := h.Redraw(ctx, porto, now, work)
	ok(t, err)
	if r.Proposal.Moved != 0 || len(r.Proposal.Removed) != 0 || r.Proposal.BasedOn != hash ||
		len(r.Coverage.Territories) != 2 || r.Coverage.Territories[0].Cases != 2 {
		t.Errorf("the map as it is: %d moved, removed %v, based on %s", r.Proposal.Moved, r.Proposal.Removed,
			r.Proposal.BasedOn)
	}
	// X gives its east to Z, which takes the place of Y and lies over a part of X.
	next := []Territory{area("X", -8.7, -8.63), area("Z", -8.64, -8.55)}
	r, err = h.Redraw(ctx, porto, next, work)
	ok(t, err)
	p, c := r.Proposal, r.Coverage
	if len(p.Removed) != 1 || p.Removed[0] != "Y" || len(p.Moves) != 1 || p.Moves[0].Team != "t1" ||
		len(p.Stranded) != 1 || p.Stranded[0].CaseIDs[0] != "placed" {
		t.Errorf("removed %v, teams left behind %+v, cases %+v", p.Removed, p.Moves, p.Stranded)
	}
	if p.Moved != 2 || c.Outside != 1 || len(c.Overlaps) != 1 || c.Overlaps[0].A != "X" {
		t.Errorf("%d moved, %d outside, overlaps %+v", p.Moved, c.Outside, c.Overlaps)
	}
	if again, err := h.Territories(ctx, porto); err != nil || len(again) != 2 || again[1].ID != "Y" {
		t.Errorf("the map that was asked about is there: %v, %v", again, err)
	}
	var refused interface{ Code() string }
	for name, c := range map[string]struct {
		next []Territory
		code string
	}{
		"twice":     {[]Territory{x, x}, "territory.twice"},
		"no id":     {[]Territory{{Branch: porto, Shape: x.Shape}}, "territory.id"},
		"no branch": {[]Territory{x}, ""},
	} {
		_, err := h.Redraw(ctx, porto, c.next, work)
		refused, _ = err.(interface{ Code() string })
		if got := ""; refused != nil {
			if got = refused.Code(); got != c.code {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || c.code != "" {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}
