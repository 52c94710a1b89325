package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// plannedRound holds the members of a round that these tests read.
type plannedRound struct {
	Status  string `json:"status"`
	Version int    `json:"version"`
	Cases   int    `json:"cases"`
	Replan  *struct {
		Kept, New, Changed, Revoked int
		Failure                     string
	} `json:"replan"`
	Routes []struct {
		Team  string `json:"team"`
		Stops []struct {
			Seq         int       `json:"seq"`
			Case        string    `json:"case"`
			Assignment  string    `json:"assignment"`
			ETA         time.Time `json:"eta"`
			State       string    `json:"state"`
			Appointment string    `json:"appointment"`
			ServiceS    int       `json:"service_s"`
		} `json:"stops"`
	} `json:"routes"`
	Unassigned []struct {
		Case string `json:"case"`
		Code string `json:"code"`
	} `json:"unassigned"`
}

func replanned(t *testing.T, day *play.Day, body map[string]any) plannedRound {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	at := "/v1/rounds/" + day.Round.ID
	var r plannedRound
	ok(t, day.Admin.Do(ctx, http.MethodGet, at, nil, &r))
	version := r.Version
	ok(t, day.Admin.Do(ctx, http.MethodPost, at+"/replan", body, nil))
	for {
		r = plannedRound{}
		ok(t, day.Admin.Do(ctx, http.MethodGet, at, nil, &r))
		if r.Status == "published" && r.Version > version {
			return r
		}
		if r.Replan != nil && r.Replan.Failure != "" {
			t.Fatalf("the round was not planned anew: %s", r.Replan.Failure)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the round is still %s", r.Status)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestARoundIsReplannedAtNoon makes some visits; one team is on its way, one drops out, and
// an appointment is agreed. The rest of the round is planned again, and phones pull only
// what changed.
func TestARoundIsReplannedAtNoon(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short mode: it takes long")
	}
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
	done, way := map[string]bool{}, map[string]bool{}
	for i, p := range day.Phones {
		if i%2 == 1 {
			continue
		}
		as, err := p.Assignments(day.Date)
		ok(t, err)
		for _, a := range as {
			if a.ETA.Add(time.Duration(a.ServiceS) * time.Second).Before(noon) {
				ok(t, p.Visit(a, random))
				done[a.Case] = true
				continue
			}
			if i == 0 {
				p.Write("assignments", a.ID, "patch", noon, map[string]any{"agent_status": "en_route"})
				way[a.Case] = true
			}
			break
		}
		ok(t, p.Push(ctx, nil))
	}
	if len(done) < 10 || len(way) != 1 {
		t.Fatalf("the morning had %d visits and %d teams on their way; the day is no test", len(done), len(way))
	}
	before := map[string]map[string]uint64{} // revisions of assignments by phone
	for _, p := range day.Phones {
		_, err := p.Pull(ctx)
		ok(t, err)
		before[p.Agent] = maps.Clone(p.Revs)
	}

	// A case without a visit this morning gets an appointment at four o'clock; an unlawful hour is refused.
	agreed := ""
	for _, u := range day.Round.Unassigned {
		if u.Code == "NO_TIME" {
			agreed = u.Case
		}
	}
	if agreed == "" {
		t.Fatal("every case got a visit, so the test shows nothing")
	}
	span := func(from, to string) map[string]any {
		return map[string]any{"from": "2026-11-25T" + from + ":00Z", "to": "2026-11-25T" + to + ":00Z"}
	}
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+agreed+"/appointments", span("15:30", "16:30"), nil))
	if err := day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+agreed+"/appointments", span("23:00", "23:30"),
		nil); play.CodeOf(err) != "appointment.unlawful" {
		t.Errorf("an appointment at eleven at night was answered %v", err)
	}

	out := day.Teams[len(day.Teams)-1].ID
	r := replanned(t, day, map[string]any{"without": []string{out}, "time_limit_s": 60, "seed": 1})
	seen := map[string]string{}
	for _, route := range r.Routes {
		stage := 0
		for i, st := range route.Stops {
			if seen[st.Case] != "" {
				t.Errorf("case %s is in two routes", st.Case)
			}
			seen[st.Case] = route.Team
			is := map[string]int{"done": 0, "under_way": 1, "open": 2}[st.State]
			if is < stage || st.Seq != i+1 {
				t.Errorf("%s: stop %d has number %d and state %q after stage %d", route.Team, i+1, st.Seq, st.State, stage)
			}
			stage = is
			switch {
			case (st.State == "done") != done[st.Case]:
				t.Errorf("%s: case %s is %q, visited: %t", route.Team, st.Case, st.State, done[st.Case])
			case (st.State == "under_way") != way[st.Case]:
				t.Errorf("%s: case %s is %q, on the way: %t", route.Team, st.Case, st.State, way[st.Case])
			case st.State == "open" && st.ETA.Before(noon):
				t.Errorf("%s: a visit is planned at %s, before noon", route.Team, st.ETA)
			case st.State != "done" && route.Team == out:
				t.Errorf("the team that dropped out still has case %s", st.Case)
			}
			if st.Case == agreed && (st.Appointment == "" || st.ETA.Before(noon.Add(210*time.Minute)) ||
				!st.ETA.Before(noon.Add(270*time.Minute))) {
				t.Errorf("the appointment is kept at %s", st.ETA)
			}
		}
	}
	if seen[agreed] == "" {
		t.Error("the appointment is not kept")
	}
	if n := len(seen) + len(r.Unassigned); n != r.Cases {
		t.Errorf("%d cases, %d of them accounted for", r.Cases, n)
	}
	if r.Replan.Kept != len(done)+len(way) {
		t.Errorf("%d stops kept, %d were done or under way", r.Replan.Kept, len(done)+len(way))
	}

	// The phones hold exactly the round, and they pulled only what changed.
	came, unchanged := 0, 0
	for i, p := range day.Phones {
		_, err := p.Pull(ctx)
		ok(t, err)
		for id, doc := range p.Docs["assignments"] {
			var a play.Assignment
			ok(t, json.Unmarshal(doc, &a))
			if team := day.Teams[i/2].ID; seen[a.Case] != team {
				t.Errorf("a phone of %s holds case %s of %s", team, a.Case, seen[a.Case])
			}
			if p.Revs["assignments/"+id] == before[p.Agent]["assignments/"+id] {
				unchanged++
			} else {
				came++
			}
		}
	}
	if want := 2 * (r.Replan.New + r.Replan.Changed); came != want {
		t.Errorf("%d assignments were sent again, %d were new or changed for two phones each", came, want)
	}
	if unchanged < 2*len(done) {
		t.Errorf("%d assignments were left alone, at least the %d done ones should have been", unchanged, 2*len(done))
	}

	t.Run("again, with nothing new", func(t *testing.T) {
		again := replanned(t, day, map[string]any{"without": []string{out}, "time_limit_s": 60, "seed": 2})
		type place struct {
			team string
			eta  time.Time
		}
		was := map[string]place{}
		for _, route := range r.Routes {
			for _, st := range route.Stops {
				if st.State == "open" {
					was[st.Case] = place{route.Team, st.ETA}
				}
			}
		}
		far := 0
		for _, route := range again.Routes {
			for _, st := range route.Stops {
				if w, ok := was[st.Case]; ok && (w.team != route.Team || w.eta.Sub(st.ETA).Abs() > 30*time.Minute) {
					far++
				}
			}
		}
		if far > len(was)/5 {
			t.Errorf("%d of %d stops moved far or to another team though nothing was new", far, len(was))
		}
	})
	t.Run("the calendar", func(t *testing.T) {
		var b bytes.Buffer
		ok(t, day.Admin.Send(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID+".ics?team="+day.Teams[0].ID, "", nil, &b))
		text := b.String()
		events := strings.Count(text, "BEGIN:VEVENT")
		stops := 0
		var now play.Round // as the last replan left it
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID, nil, &now))
		for _, route := range now.Routes {
			if route.Team == day.Teams[0].ID {
				stops = len(route.Stops)
			}
		}
		if events < stops || !strings.HasPrefix(text, "BEGIN:VCALENDAR\r\n") || strings.Contains(text, "Demo Debtor") {
			t.Errorf("%d events for %d stops in:\n%.400s", events, stops, text)
		}
		b.Reset()
		ok(t, day.Admin.Send(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID+".ics?places=true&team="+day.Teams[0].ID,
			"", nil, &b))
		if n := strings.Count(b.String(), "\r\nGEO:41."); n != stops || strings.Count(b.String(), "\r\nLOCATION:") != stops ||
			strings.Contains(text, "GEO:") {
			t.Errorf("%d positions for %d stops where places were asked for, in:\n%.400s", n, stops, b.String())
		}
		if err := day.Admin.Send(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID+".ics?places=1", "", nil,
			io.Discard); play.CodeOf(err) != "validation" || placesOf(err) != "query.places" {
			t.Errorf("places that are neither true nor false: %v", err)
		}
		err := day.Admin.Send(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID+".ics?team=nobody", "", nil, io.Discard)
		if play.CodeOf(err) != "round.team" {
			t.Errorf("the calendar of an unknown team: %v", err)
		}
	})
	t.Run("only a published round", func(t *testing.T) {
		err := day.Admin.Do(ctx, http.MethodPost, fmt.Sprintf("/v1/rounds/%s/replan", play.NewID()), map[string]any{}, nil)
		if play.CodeOf(err) != "round.not_found" {
			t.Errorf("an unknown round: %v", err)
		}
	})
	s.stop()
	checkClean(t, s.cfg.Data)
}

// Impossible requests are refused. The answer names the place in the request and says what to do.
func TestRequestsForARoundThatCannotBe(t *testing.T) {
	_, day, _ := city(t, nil)
	ctx := context.Background()
	ok(t, day.MakeTeams(ctx))
	ok(t, day.Plan(ctx, nil))
	ok(t, day.Publish(ctx, nil))
	rounds, replan := "/v1/rounds", "/v1/rounds/"+day.Round.ID+"/replan"
	all := []string{}
	for _, team := range day.Teams {
		all = append(all, team.ID)
	}
	for name, c := range map[string]struct {
		path           string
		body           map[string]any
		code, at, says string
	}{
		"a day there is not": {rounds, map[string]any{"date": "2026-02-30"}, "round.date", "body.date", "no such day"},
		"no date at all":     {rounds, map[string]any{"date": "25.11.2026"}, "round.date", "body.date", "year-month-day"},
		"unknown teams": {rounds, map[string]any{"date": day.Date, "teams": []string{"NOPE", all[0], "NADA"}},
			"round.team", "body.teams[0] body.teams[2]", "no such team"},
		"a team that is off": {rounds, map[string]any{"date": "2026-11-28", "teams": all[1:2]}, "round.team",
			"body.teams[0]", all[1] + " has no shift"},
		"no team has a shift": {rounds, map[string]any{"date": "2026-11-28"}, "round.no_shifts", "body.date",
			"PUT /v1/teams"},
		"an unknown dropped out": {replan, map[string]any{"without": []string{all[0], "NOPE"}}, "round.team",
			"body.without[1]", "no such team"},
		"all teams dropped out": {replan, map[string]any{"without": all}, "round.no_team_left", "body.without",
			"do nothing"},
		"no such round": {"/v1/rounds/" + play.NewID() + "/replan", map[string]any{}, "round.not_found",
			"path.id", ""},
	} {
		if c.path == rounds {
			c.body["branch"] = day.Branch
		}
		err := day.Admin.Do(ctx, http.MethodPost, c.path, c.body, nil)
		if play.CodeOf(err) != c.code || placesOf(err) != c.at || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\n\tat %q; want %s at %q saying %q", name, err, placesOf(err), c.code, c.at, c.says)
		}
	}
	var r plannedRound
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/rounds/"+day.Round.ID, nil, &r))
	if r.Status != "published" || r.Version != 0 {
		t.Errorf("what was refused left the round %s, version %d", r.Status, r.Version)
	}
}
