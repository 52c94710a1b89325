package dispatch

import (
	"fmt"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
)

// A day at noon: what each team has done, and whose phones are silent.
func TestProgressOfADay(t *testing.T) {
	at := func(clock string) time.Time {
		x, err := time.Parse(time.RFC3339, "2026-11-25T"+clock+":00Z")
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	stop := func(team, status, agent, said, eta string) casework.Issued {
		a := casework.Issued{ID: team + eta}
		a.Team, a.Status, a.AgentStatus, a.ETA, a.Agents = team, status, said, at(eta), []auth.UserID{auth.UserID(agent)}
		if status == record.AssignmentDone {
			a.VisitedAt = at(eta)
		}
		return a
	}
	issued := []casework.Issued{
		stop("west", "done", "ana", "visited", "09:00"), stop("west", "open", "ana", "en_route", "10:00"),
		stop("west", "open", "ana", "declined", "10:30"), stop("west", "open", "ana", "accepted", "11:00"),
		stop("west", "revoked", "eva", "", "12:00"),
		stop("east", "open", "rui", "", "09:00"), stop("east", "cancelled", "rui", "", "10:00"),
		stop("done", "done", "gil", "visited", "09:00"), stop("none", "open", "zoe", "", "09:00"),
	}
	devices := []office.Device{{ID: "a1", User: "ana"}, {ID: "a2", User: "ana"}, {ID: "r1", User: "rui"},
		{ID: "g1", User: "gil"}, {ID: "e1", User: "eva"}}
	calls := map[auth.DeviceID]time.Time{"a1": at("05:00"), "a2": at("11:50"), "r1": at("06:30")}
	routes := []Route{{Team: "west", Leaves: at("08:00"), Returns: at("17:00")},
		{Team: "east", Leaves: at("08:00"), Returns: at("17:00")}}
	r := Round{ID: "r1", Status: Published, PublishedAt: at("06:00")}
	p := tally(r, routes, issued, devices, calls, at("12:00"))
	got := ""
	for _, x := range p.Teams {
		got += fmt.Sprintf("%s %v", x.Team, x.Tally)
		for _, ph := range x.Phones {
			got += fmt.Sprintf(" %s/%s:%t", ph.User, ph.Device, ph.Silent)
		}
		got += "\n"
	}
	want := "done {1 0 0 1 0 0 0} gil/g1:true\n" + "east {2 1 0 0 0 0 1} rui/r1:true\n" +
		"none {1 1 0 0 0 0 0} zoe/:true\n" + "west {5 1 1 1 1 1 0} ana/a1:false ana/a2:false\n"
	if got != want {
		t.Errorf("the teams:\n%swant\n%s", got, want)
	}
	if p.Tally != (Tally{Stops: 9, Open: 3, UnderWay: 1, Done: 2, Declined: 1, Revoked: 1, Cancelled: 1}) {
		t.Errorf("in all: %+v", p.Tally)
	}
	if west := p.Teams[3]; !west.NextETA.Equal(at("10:00")) || !west.LastDoneAt.Equal(at("09:00")) {
		t.Errorf("west: %+v", west)
	}
	got = fmt.Sprint(silentOf(&p))
	if want := fmt.Sprint([]SilentPhone{{"rui", "r1", "r1", "east", at("06:30")}, {"zoe", "", "r1", "none",
		at("06:00")}}); got != want {
		t.Errorf("silent: %s, want %s", got, want)
	}
	r.Status = Planned
	if p := tally(r, routes, issued, devices, calls, at("12:00")); len(silentOf(&p)) > 0 {
		t.Error("phones are silent about a round they do not have")
	}
}

// A phone has fifteen minutes after publishing, and two hours in the field.
func TestWhenAPhoneIsSilent(t *testing.T) {
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	h := func(hours float64) time.Time { return day.Add(time.Duration(hours * float64(time.Hour))) }
	for _, c := range []struct {
		last, published, now float64
		since                float64 // 0: not silent
	}{
		{5, 6, 6.2, 0}, {5, 6, 6.25, 6}, {6, 6, 7, 0}, {6.1, 6, 7.9, 0}, // before they leave at eight
		{7, 6, 8.9, 0}, {7, 6, 9, 7}, {9, 6, 11, 9}, {9, 6, 10.99, 0},
		{9, 6, 17, 0},                // they are back
		{9, 10.9, 11, 0},             // published a moment ago
		{5, 10, 10.1, 0},             // the same
		{9, 10.5, 11, 10.5},          // not heard since
		{10.6, 10.5, 12.4, 0},        // heard since
		{10.6, 10.5, 12.7, 10.6},     // and then no more
		{16.9, 6, 16.95, 0},          //
		{10.4999, 10.5, 10.7, 0},     //
		{10.4999, 10.5, 10.75, 10.5}, //
	} {
		want := time.Time{}
		if c.since > 0 {
			want = h(c.since)
		}
		if got := silentSince(h(c.last), h(c.published), h(8), h(17), h(c.now)); !got.Equal(want) {
			t.Errorf("%+v: silent since %v", c, got)
		}
	}
}
