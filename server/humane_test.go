package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// leftOutWhy holds the members of a left-out case that these tests read.
type leftOutWhy struct {
	Case    string   `json:"case"`
	Code    string   `json:"code"`
	Rule    string   `json:"rule"`
	Missing []string `json:"missing"`
}

// whyLeftOut is why the day's round leaves a case out; a code "" for one that has a stop.
func whyLeftOut(t *testing.T, day *play.Day, of string) leftOutWhy {
	t.Helper()
	var r struct {
		Unassigned []leftOutWhy `json:"unassigned"`
	}
	ok(t, day.Admin.Do(context.Background(), http.MethodGet, "/v1/rounds/"+day.Round.ID, nil, &r))
	for _, l := range r.Unassigned {
		if l.Case == of {
			return l
		}
	}
	return leftOutWhy{}
}

// A lender wants addresses confirmed and notices sent before anybody goes. A case without them is left out and the
// round says what is missing; once they are there, the case gets its stop.
func TestALenderWantsMoreDoneBeforeAVisit(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	day.Date = "2026-11-26"
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	of := day.Round.Routes[0].Stops[0].Case
	lender, _, _ := strings.Cut(of, ".")
	put := func(before map[string]any, want string) {
		t.Helper()
		err := day.Admin.Do(ctx, http.MethodPut, "/v1/lenders/"+lender+"/ladder", map[string]any{"steps": []map[string]any{
			{"kind": "overdue_reminder", "dpd_from": 1, "min_gap_days": 0}}, "before_visits": before}, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Fatalf("put a ladder with %v: %v, want %q", before, err, want)
		}
	}
	put(map[string]any{"notice_days": 31}, "ladder.notice_days")
	put(map[string]any{"confirmed_days": 1, "notice_days": 1}, "")

	// What was planned before is not issued now.
	ok(t, day.Publish(ctx, nil))
	if why := whyLeftOut(t, day, of); why.Code != "ladder_not_finished" || why.Rule != "house-ladder" ||
		!slices.Contains(why.Missing, "visit_notice") {
		t.Errorf("published: %+v", why)
	}
	ok(t, day.Plan(ctx, nil))
	if why := whyLeftOut(t, day, of); why.Code != "ladder_not_finished" ||
		!slices.Equal(why.Missing, []string{"address_confirmed", "contact_confirmed"}) {
		t.Errorf("planned: %+v", why)
	}
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+of+"/confirmations", map[string]any{"at": "2026-11-25T06:00:00Z",
		"method": "call", "address": "confirmed_by_debtor", "contact": "confirmed"}, nil))
	ok(t, day.Plan(ctx, nil))
	if why := whyLeftOut(t, day, of); why.Code != "" {
		t.Fatalf("once it is confirmed: %+v", why)
	}
	var announced struct {
		Queued int `json:"queued"`
		Stops  []struct {
			Case    string `json:"case"`
			Message string `json:"message_id"`
			Code    string `json:"code"`
		} `json:"stops"`
	}
	announce := func() {
		t.Helper()
		announced.Stops = nil
		ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/rounds/"+day.Round.ID+"/announce", nil, &announced))
	}
	announce()
	if announced.Queued != 1 {
		t.Fatalf("announced %+v", announced)
	}
	for _, st := range announced.Stops {
		if (st.Case == of) != (st.Message != "") || st.Case != of && st.Code != "not_wanted" {
			t.Errorf("announced: %+v", st)
		}
	}
	if announce(); announced.Queued != 0 {
		t.Errorf("announced again: %+v", announced)
	}
	var texts struct {
		Items []struct {
			Kind    string    `json:"kind"`
			State   string    `json:"state"`
			VisitOn string    `json:"visit_on"`
			Expires time.Time `json:"expires_at"`
		} `json:"items"`
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/messages?branch="+day.Branch+"&case="+of, nil, &texts))
	if n := len(texts.Items); n != 1 || texts.Items[0].Kind != "visit_notice" || texts.Items[0].VisitOn != day.Date ||
		!texts.Items[0].Expires.Equal(time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("queued: %+v", texts)
	}
	// It has no text in force, so that it does not go out, and nobody goes.
	ok(t, day.Publish(ctx, nil))
	if why := whyLeftOut(t, day, of); !slices.Equal(why.Missing, []string{"visit_notice"}) {
		t.Errorf("published without its notice: %+v", why)
	}
}
