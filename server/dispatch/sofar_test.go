package dispatch

import (
	"slices"
	"testing"
	"time"

	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

func planned(seq int, id, eta string) Stop {
	return Stop{Seq: seq, Door: seq, Case: journal.CaseID(id), Assignment: "of " + id, ETA: at(eta), ServiceS: 1200}
}

func issuedAs(team, id, status, agentStatus, visited string) casework.Issued {
	i := casework.Issued{ID: "of " + id,
		Assignment: record.Assignment{AssignmentFound: record.AssignmentFound{Case: journal.CaseID(id), Team: team,
			Status: status}, AssignmentReport: record.AssignmentReport{AgentStatus: agentStatus}}}
	if visited != "" {
		i.VisitedAt = at(visited)
	}
	return i
}

// A day at noon: one team visited in another order than planned and is on its way
// to the third; the other declined a stop, lost one to a hold, and has one left.
func TestWhereADayStands(t *testing.T) {
	routes := []Route{
		{Team: "t1", Stops: []Stop{planned(1, "a", "09:00"), planned(2, "b", "10:00"), planned(3, "c", "11:50"),
			planned(4, "d", "14:00")},
			Breaks: []Pause{{At: at("11:00"), Minutes: 30}, {At: at("15:00"), Minutes: 15}}},
		{Team: "t2", Stops: []Stop{planned(1, "e", "13:00"), planned(2, "f", "14:00"), planned(3, "g", "15:00")}},
	}
	p := standing(&Replan{At: at("12:00")}, routes, []casework.Issued{
		issuedAs("t1", "a", "done", "visited", "10:30"), issuedAs("t1", "b", "done", "visited", "09:10"),
		issuedAs("t1", "c", "open", "en_route", ""), issuedAs("t1", "d", "open", "", ""),
		issuedAs("t2", "e", "open", "declined", ""), issuedAs("t2", "f", "revoked", "", ""), issuedAs("t2", "g", "open",
			"accepted", ""),
	})
	var order []string
	for _, st := range p.teams["t1"].stops {
		order = append(order, string(st.Case)+" "+st.State)
	}
	if want := []string{"b done", "a done", "c under_way"}; !slices.Equal(order, want) {
		t.Errorf("kept %v, want %v", order, want)
	}
	// It was to be at c at 11:50 and is late: it begins now at the earliest.
	if free := p.teams["t1"].free; !free.Equal(at("12:20")) {
		t.Errorf("t1 is free at %s, want 12:20", free)
	}
	if !p.keeps("a") || !p.keeps("c") || p.keeps("d") || p.keeps("e") || p.keeps("f") {
		t.Errorf("kept cases %v, want a, b and c", p.kept)
	}
	for id, why := range map[journal.CaseID]string{"e": "declined", "f": "taken back"} {
		if _, ok := p.earlier(id); ok {
			t.Errorf("a stop that was %s is still in the plan", why)
		}
	}
	if id := p.assignment("d", "t1"); id != "of d" {
		t.Errorf("d with its own team is %q; want the assignment the phones have", id)
	}
	if id := p.assignment("d", "t2"); id == "of d" {
		t.Errorf("d with another team is %q; want a new assignment", id)
	}

	origin := at("00:00")
	pause := func(from, to string, minutes int) routing.Break {
		return routing.Break{Service: minutes * 60, Windows: []routing.Window{{From: since(origin, at(from)),
			To: since(origin, at(to))}}}
	}
	home := geo.Point{Lon: 1, Lat: 2}
	p.teams["t1"].at = &home
	crews := p.goOn([]crew{
		{team: office.Team{ID: "t1"}, from: at("08:00"), to: at("18:00"), maxDoors: 5,
			breaks: []routing.Break{pause("11:00", "13:00", 30), pause("12:10", "16:00", 15)}},
		{team: office.Team{ID: "t2"}, from: at("13:00"), to: at("18:00"), breaks: []routing.Break{pause("11:00", "11:30",
			30)}},
		{team: office.Team{ID: "t3"}, from: at("06:00"), to: at("12:00")},
	}, origin)
	if len(crews) != 2 || crews[0].team.ID != "t1" || crews[1].team.ID != "t2" {
		t.Fatalf("%d crews go on, want t1 and t2: the day of t3 is over", len(crews))
	}
	c := crews[0]
	if !c.from.Equal(at("12:20")) || c.start == nil || *c.start != home || c.maxDoors != 2 {
		t.Errorf("t1 goes on at %s from %v with %d doors, want 12:20, from its last door, with 2", c.from, c.start,
			c.maxDoors)
	}
	if len(c.breaks) != 1 || c.breaks[0].Windows[0].From != since(origin, at("12:20")) {
		t.Errorf("t1 has breaks %+v, want the second, from 12:20", c.breaks)
	}
	if c := crews[1]; !c.from.Equal(at("13:00")) || len(c.breaks) != 0 {
		t.Errorf("t2 begins at %s with %d breaks, want 13:00 and none: its break is past", c.from, len(c.breaks))
	}
	if ws := p.toCome(hours("09:00", "11:00", "11:30", "12:30", "14:00", "15:00")); !sameWindows(ws,
		hours("12:00", "12:30", "14:00", "15:00")) {
		t.Errorf("what is to come is %v", ws)
	}
}

func TestATeamThatDroppedOutLeavesWhatItWasOnItsWayTo(t *testing.T) {
	routes := []Route{{Team: "t1", Stops: []Stop{planned(1, "a", "09:00"), planned(2, "b", "12:30")}}}
	p := standing(&Replan{At: at("12:00"), Without: []string{"t1"}}, routes, []casework.Issued{
		issuedAs("t1", "a", "done", "visited", "09:00"), issuedAs("t1", "b", "open", "en_route", "")})
	if !p.keeps("a") || p.keeps("b") {
		t.Errorf("kept %v, want a alone", p.kept)
	}
	d := &day{}
	p.add(Round{ID: "r", Version: 1, Run: "run"}, d)
	if len(d.routes) != 1 || len(d.routes[0].Stops) != 1 || d.routes[0].ID != "r.t1.v1" || d.routes[0].Run != "run" ||
		d.cases != 1 {
		t.Errorf("the team's done work is %+v of %d cases, want one route with one stop", d.routes, d.cases)
	}
	if free := p.teams["t1"].free; !free.Equal(at("12:00").Add(0 * time.Second)) {
		t.Errorf("free at %s", free)
	}
}
