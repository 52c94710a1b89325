package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"doorstep/server/play"
)

// daySlots holds the members of the answer that this test reads.
type daySlots struct {
	Round    string `json:"round"`
	TimeZone string `json:"time_zone"`
	Code     string `json:"code"`
	Rule     string `json:"rule"`
	Slots    []struct {
		From, To    time.Time
		Lawful      bool
		Possible    string
		Cheapest    bool
		Team        string
		ETA         time.Time
		ExtraTravel *int `json:"extra_travel_s"`
	}
}

// TestADebtorIsPromisedAnHour asks at noon for the slots of a debtor without a visit. One
// slot is agreed as an appointment, the round is planned again, and a stop is planned
// within the slot.
func TestADebtorIsPromisedAnHour(t *testing.T) {
	s, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	ok(t, day.Publish(ctx, nil))
	_, err := day.PullAll(ctx)
	ok(t, err)
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s = later(t, s, day, noon)
	random := rand.New(rand.NewPCG(7, 7))
	visited := ""
	for i, p := range day.Phones {
		if i%2 == 1 {
			continue
		}
		as, err := p.Assignments(day.Date)
		ok(t, err)
		for _, a := range as {
			if a.ETA.Add(time.Duration(a.ServiceS) * time.Second).Before(noon) {
				ok(t, p.Visit(a, random))
				visited = a.Case
			}
		}
		ok(t, p.Push(ctx, nil))
	}
	slots := func(id, query string) (d daySlots) {
		t.Helper()
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id+"/appointment-slots?date="+query, nil, &d))
		return d
	}

	// Two debtors of each afternoon dispute what they owe, which leaves time for others.
	var r plannedRound
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID, nil, &r))
	for _, route := range r.Routes {
		for _, st := range route.Stops[max(0, len(route.Stops)-2):] {
			if st.ETA.After(noon) {
				ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+st.Case+"/holds", map[string]any{"kind": "dispute"}, nil))
			}
		}
	}

	if d := slots(visited, day.Date); d.Code != "VISITED" || len(d.Slots) != 0 {
		t.Errorf("a case that was visited this morning: %+v", d)
	}
	var agreed string
	var offered daySlots
	best := -1
	for _, u := range day.Round.Unassigned {
		if u.Code == "HOLD" {
			if d := slots(u.Case, day.Date); d.Code != "HOLD" || d.Rule != "house-hold" {
				t.Errorf("a case on hold: %+v", d)
			}
		}
		if u.Code != "NO_TIME" || best >= 0 {
			continue
		}
		agreed, offered = u.Case, slots(u.Case, day.Date+"&minutes=60")
		for i, slot := range offered.Slots {
			switch {
			case slot.From.Before(noon) || slot.Possible == "unknown" || !slot.Lawful && slot.Possible != "no":
				t.Errorf("offered at noon: %+v", slot)
			case slot.Possible == "yes" && (slot.ETA.Before(slot.From) || !slot.ETA.Before(slot.To) || slot.ExtraTravel == nil ||
				slot.Team == ""):
				t.Errorf("a slot that is possible: %+v", slot)
			case slot.Cheapest:
				best = i
			}
		}
	}
	if best < 0 {
		t.Fatal("no debtor without a visit can be promised one; the day is no test")
	}
	if offered.Round != day.Round.ID || offered.TimeZone != "Europe/Lisbon" {
		t.Errorf("of round %q in %s", offered.Round, offered.TimeZone)
	}
	slot := offered.Slots[best]
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+agreed+"/appointments",
		map[string]any{"from": slot.From, "to": slot.To}, nil))
	r = replanned(t, day, map[string]any{"time_limit_s": 1, "seed": 1})
	served := false
	for _, route := range r.Routes {
		for _, st := range route.Stops {
			if st.Case != agreed {
				continue
			}
			served = true
			if st.Appointment == "" || st.ETA.Before(slot.From) || !st.ETA.Before(slot.To) {
				t.Errorf("promised from %s to %s by %s, planned at %s by %s", slot.From, slot.To, slot.Team, st.ETA, route.Team)
			}
		}
	}
	if !served {
		t.Errorf("%s was promised %s to %s and gets no visit", agreed, slot.From, slot.To)
	}

	// A later day has no round, but the answer says which slots are lawful.
	later := slots(agreed, "2026-12-02&minutes=240")
	if later.Round != "" || len(later.Slots) == 0 || !later.Slots[0].Lawful || later.Slots[0].Possible != "unknown" ||
		later.Slots[0].To.Sub(later.Slots[0].From) != 4*time.Hour {
		t.Errorf("a week later: %+v", later)
	}
	for query, code := range map[string]string{day.Date + "&minutes=20": "validation", "2026-11-24": "slots.past",
		"2026-13-01": "slots.date", "2030-01-01": "slots.far"} {
		err := day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+agreed+"/appointment-slots?date="+query, nil, nil)
		if play.CodeOf(err) != code {
			t.Errorf("date=%s: %v, want %s", query, err, code)
		}
	}
	err = day.Admin.Do(ctx, http.MethodGet, "/v1/cases/nobodys/appointment-slots?date="+day.Date, nil, nil)
	if play.CodeOf(err) != "case.not_found" {
		t.Errorf("an unknown case: %v", err)
	}
	s.stop()
	checkClean(t, s.cfg.Data)
}
