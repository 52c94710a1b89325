package casework

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// twoDevices gives each agent two devices.
type twoDevices struct{}

func (twoDevices) Of(_ context.Context, users []auth.UserID) (out []auth.Device, err error) {
	for _, u := range users {
		for _, n := range []auth.UserID{"-1", "-2"} {
			out = append(out, auth.Device{ID: auth.DeviceID(u + n), User: u})
		}
	}
	return out, nil
}

// reads counts the documents that a store gives.
type reads struct {
	journal.Store
	n int
}

func (r *reads) Records(ctx context.Context, b auth.BranchID, refs []journal.DocRef) ([]journal.Record, error) {
	r.n += len(refs)
	return r.Store.Records(ctx, b, refs)
}

func (r *reads) Find(ctx context.Context, q journal.Query) (journal.Found, error) {
	f, err := r.Store.Find(ctx, q)
	r.n += len(f.Records)
	return f, err
}

func (r *reads) FindEach(ctx context.Context, q journal.Query, eqs [][]any) ([][]journal.Record, error) {
	all, err := r.Store.FindEach(ctx, q, eqs)
	for _, recs := range all {
		r.n += len(recs)
	}
	return all, err
}

// round issues a round of teams with two agents each, and gives the ids of its alerts.
func (h *fixture) round(teams, stops int) (ids []string) {
	h.t.Helper()
	h.svc.devices = twoDevices{}
	var lines [][]string
	for i := range teams * stops {
		lines = append(lines, line(fmt.Sprint("r", teams, "x", i), "debtor_ref", fmt.Sprint("R", teams, "x", i)))
	}
	h.take(lines...)
	for team := range teams {
		var cases []journal.CaseID
		for i := range stops {
			cases = append(cases, journal.CaseID(fmt.Sprint("north.r", teams, "x", team*stops+i)))
		}
		name := fmt.Sprint("t", team)
		agents := []auth.UserID{auth.UserID(name + "a"), auth.UserID(name + "b")}
		h.issue(fmt.Sprint("round", teams), name, "2026-11-26", agents, cases...)
	}
	f, err := h.store.Find(h.t.Context(), journal.Query{Branch: porto, Type: "alerts", Index: AlertsByStatus.Name,
		Eq: []any{"pending"}, Limit: 1000})
	ok(h.t, err)
	for _, rec := range f.Records {
		var n record.Alert
		ok(h.t, decode(rec, &n))
		if slices.Contains(n.Rounds, fmt.Sprint("round", teams)) {
			ids = append(ids, rec.ID)
		}
	}
	return ids
}

func TestAskingAboutARoundIsLinearInIt(t *testing.T) {
	h := newFixture(t)
	read := func(teams int) int {
		ids := h.round(teams, 5)
		if len(ids) != 4*teams {
			t.Fatalf("%d teams have %d alerts", teams, len(ids))
		}
		store := &reads{Store: h.store}
		was := h.svc.store
		h.svc.store = store
		defer func() { h.svc.store = was }()
		for i, a := range h.svc.AskAlerts(t.Context(), porto, ids) {
			if !a.OK || a.Err != nil {
				t.Fatalf("alert %s: %+v", ids[i], a)
			}
		}
		return store.n
	}
	few, many := read(4), read(8)
	if many > few*5/2 {
		t.Errorf("twice the teams read %d documents instead of %d", many, few)
	}
}

func TestAlertIsAskedAboutForItsAgent(t *testing.T) {
	h := newFixture(t)
	ids := h.round(2, 2)
	for i := range 2 { // the day of the first team's stops is over
		_, err := h.do(RetireAssignments{Case: journal.CaseID(fmt.Sprint("north.r2x", i)), Before: "2026-11-27"})
		ok(t, err)
	}
	ids = append(ids, "unknown")
	seen := map[string]int{}
	for i, a := range h.svc.AskAlerts(t.Context(), porto, ids) {
		ok(t, a.Err)
		var n record.Alert
		if ids[i] != "unknown" {
			recs, err := h.store.Records(t.Context(), porto, []journal.DocRef{{Type: "alerts", ID: ids[i]}})
			ok(t, err)
			ok(t, decode(recs[0], &n))
		}
		seen[fmt.Sprint(n.User, " ", a.OK, " ", a.Code)]++
	}
	want := map[string]int{"t0a false revoked": 2, "t0b false revoked": 2, "t1a true ": 2, "t1b true ": 2,
		" false gone": 1}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("answers %v, want %v", seen, want)
	}
}

// BenchmarkAskAlerts asks about a whole round: stops is what all devices together have.
func BenchmarkAskAlerts(b *testing.B) {
	for _, teams := range []int{12, 25} { // 48 and 100 devices, 12 stops a team
		b.Run(fmt.Sprintf("stops=%d/devices=%d", teams*12, teams*4), func(b *testing.B) {
			h := newFixture(b)
			ids := h.round(teams, 12)
			b.ReportAllocs()
			for b.Loop() {
				h.svc.AskAlerts(b.Context(), porto, ids)
			}
		})
	}
}
