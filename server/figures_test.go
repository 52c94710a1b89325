package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/figures"
	"doorstep/server/play"
	"doorstep/sync/journal"
)

// The figures of days that are played at random are those that the journal's entries give, and those of a view that is
// made anew; and they are what was played.
func TestFiguresComeFromTheJournal(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { figuresOfADay(t, seed) })
	}
}

func figuresOfADay(t *testing.T, seed uint64) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(seed, 0))
	s, day, _ := city(t, nil)
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	ok(t, day.Publish(ctx, nil))
	_, err := day.PullAll(ctx)
	ok(t, err)
	visits, err := day.VisitAll(random)
	ok(t, err)
	s = later(t, s, day, time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC))
	for _, p := range day.Phones {
		ok(t, p.Push(ctx, nil))
	}
	// Payments for some cases, of which some are taken back; a complaint; a limit that the visits fill.
	lender, _, _ := strings.Cut(day.Round.Routes[0].Stops[0].Case, ".")
	var paid int64
	file := "payment_ref,case_ref,lender,paid_at,amount_minor,currency,reverses\n"
	for i, stop := range day.Round.Routes[0].Stops {
		of, ref, _ := strings.Cut(stop.Case, ".")
		amount := int64(1 + random.IntN(5000))
		file += fmt.Sprintf("P%d,%s,%s,2026-11-25,%d,EUR,\n", i, ref, of, amount)
		paid += amount
		if random.IntN(3) == 0 {
			file += fmt.Sprintf("R%d,%s,%s,2026-11-25,%d,EUR,P%d\n", i, ref, of, amount, i)
			paid -= amount
		}
	}
	var rep play.ImportReport
	ok(t, day.Admin.Send(ctx, http.MethodPost, "/v1/imports/payments?branch="+day.Branch, "text/csv",
		strings.NewReader(file), &rep))
	if rep.Rejected > 0 {
		t.Fatalf("payments are refused: %+v", rep)
	}
	first := day.Round.Routes[0].Stops[0].Case
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+first+"/complaints", map[string]any{"id": "k",
		"at": "2026-11-25T18:00:00Z", "channel": "call", "subjects": []string{"contact_times"}, "text": "Too often.",
		"answer_due": "2026-12-09"}, nil))
	ok(t, day.Admin.Do(ctx, http.MethodPut, "/v1/lenders/"+lender,
		map[string]any{"contact_limit": map[string]any{"contacts": 1, "days": 7}}, nil))
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+first+"/contacts", map[string]any{"channel": "call",
		"at": "2026-11-25T18:00:00Z", "result": "answered"}, nil))

	read := func(query string) (out figures.Counted, text []byte) {
		t.Helper()
		var raw json.RawMessage
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/figures?branch="+day.Branch+query, nil, &raw))
		ok(t, json.Unmarshal(raw, &out))
		return out, raw
	}
	got, _ := read("")
	f := got.Total.Figures
	if f["visits"] == 0 || int(f["visits"]) > visits || got.Total.Money["EUR"] != paid || f["complaints"] != 1 ||
		f["load_stops"] != 1 || f["plans_offered"] == 0 || f["visits_prevented"] == 0 {
		t.Errorf("%d visits and %d cents were played; the figures are %+v", visits, paid, got.Total)
	}
	for _, q := range []figures.Query{{}, {By: []string{"day"}, From: "2026-11-01", To: "2026-12-01"},
		{By: []string{"day", "lender", "team"}, From: "2026-11-01"}, {By: []string{"team"}, Lender: lender}} {
		query := ""
		if q.From != "" {
			query += "&from=" + q.From
		}
		if q.To != "" {
			query += "&to=" + q.To
		}
		if len(q.By) > 0 {
			query += "&by=" + strings.Join(q.By, ",")
		}
		if q.Lender != "" {
			query += "&lender=" + q.Lender
		}
		q.Branch = auth.BranchID(day.Branch)
		got, text := read(query)
		same := func(what string) {
			t.Helper()
			other, err := figures.FromJournal(ctx, s.store, auth.RoleAdmin, q, got.CountedAt, got.Entries, got.OrgEntries)
			ok(t, err)
			again, err := json.Marshal(other)
			ok(t, err)
			if !bytes.Equal(again, text) {
				t.Errorf("%s%s: the journal says\n%s\nand not\n%s", what, query, again, text)
			}
		}
		same("as it is")
		if len(q.By) == 3 {
			ok(t, journal.Rebuild(ctx, s.store, q.Branch, figures.View(), nil))
			now, text2 := read(query)
			got, text = now, text2
			same("made anew")
		}
	}
	s.stop()
	checkClean(t, s.cfg.Data)
}
