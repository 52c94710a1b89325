package dispatch

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
)

// replan plans a published round anew and gives what came of it.
func (h *fixture) replan(id string, p ReplanParams) View {
	h.t.Helper()
	p.Seed, p.TimeLimitS = 1, 1
	_, err := h.svc.Replan(context.Background(), h.ask(), id, p)
	ok(h.t, err)
	h.work()
	v := h.view(id)
	if v.Replan.Failure != "" {
		h.t.Fatalf("the replan failed: %s", v.Replan.Failure)
	}
	return v
}

// A day that is over is not planned, nor published when it was planned in time.
func TestADayThatIsOverIsNotPlanned(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.shift("t-west", "2026-11-24")
	_, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: "2026-11-24", TimeLimitS: 1})
	if code(err) != "round.past" {
		t.Errorf("planning yesterday: %v", err)
	}
	id := h.plan(today).ID
	h.now = h.now.AddDate(0, 0, 1)
	if _, err := h.svc.Publish(ctx, h.ask(), id); code(err) != "round.past" || h.onPhone("west-1") != "" {
		t.Errorf("publishing yesterday's: %v; the phone shows %q", err, h.onPhone("west-1"))
	}
}

// A round for today that is asked for in the middle of the day begins then.
func TestTodayIsPlannedFromNowOn(t *testing.T) {
	h := newFixture(t)
	h.street()
	h.now = at("12:40")
	v := h.plan(today)
	if v.Status != Planned || v.Stops != 4 {
		t.Fatalf("%s %s with %d stops", v.Status, v.Failure, v.Stops)
	}
	for _, r := range v.Routes {
		if r.Leaves.Before(h.now) {
			t.Errorf("%s leaves at %s", r.Team, r.Leaves)
		}
		for _, st := range r.Stops {
			if st.ETA.Before(h.now) || !st.Window.From.Before(h.now) {
				t.Errorf("at %s a visit begins at %s, lawful from %s", h.now, st.ETA, st.Window.From)
			}
		}
	}
	h.now = at("18:00")
	if v := h.plan(today); v.Status != Failed || v.Failure != "round.no_shifts" {
		t.Errorf("after all shifts it is %s %s", v.Status, v.Failure)
	}
}

// While one round's visits are being made, another of the day is neither planned nor published.
func TestADayUnderWayHasOneRound(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.street()
	first, spare := h.plan(today).ID, h.plan(today).ID
	v := h.publish(first)
	h.now = at("10:00")
	h.visit(v.Routes[slices.IndexFunc(v.Routes, func(r Route) bool { return r.Team == "t-west" })].Stops[0], "west-1")
	if _, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today,
		TimeLimitS: 1}); code(err) != "round.under_way" {
		t.Errorf("a second plan: %v", err)
	}
	had := h.onPhone("west-1")
	if _, err := h.svc.Publish(ctx, h.ask(), spare); code(err) != "round.under_way" || h.onPhone("west-1") != had ||
		had == "" {
		t.Errorf("a second round: %v; the phone shows %q", err, h.onPhone("west-1"))
	}
	if _, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: "2026-11-26",
		TimeLimitS: 1}); code(err) != "round.no_shifts" {
		t.Errorf("another day: %v", err)
	}
}

// Who was visited for one debt is not visited for another the same day.
func TestADebtorVisitedTodayIsNotVisitedAgain(t *testing.T) {
	h := newFixture(t)
	h.take("first", "debtor_ref", "D-one", "priority", "5")
	h.take("second", "debtor_ref", "D-one", "lon", "-8.58")
	h.take("else", "lon", "-8.57")
	v := h.publish(h.plan(today).ID)
	if got := leftOut(v); got["second"] != "SAME_DEBTOR house-one-visit" || stops(v) != "t-east: else; t-west: first" {
		t.Fatalf("stops %q, left out %v", stops(v), got)
	}
	h.now = at("10:00")
	h.visit(v.Routes[slices.IndexFunc(v.Routes, func(r Route) bool { return r.Team == "t-west" })].Stops[0], "west-1")
	v = h.replan(v.ID, ReplanParams{})
	if got := leftOut(v); got["second"] != "SAME_DEBTOR house-one-visit" || h.onPhone("east-1") != "else "+today {
		t.Errorf("after the visit: left out %v, the phone shows %q", got, h.onPhone("east-1"))
	}
	if v.Cases != v.Stops+v.Round.LeftOut {
		t.Errorf("%d cases, %d stops, %d left out", v.Cases, v.Stops, v.Round.LeftOut)
	}
}

// Debtors of two lenders whom a supervisor linked are one person: cases at one door are
// one stop, another place is left out, and after the visit nobody goes there that day.
func TestLinkedDebtorsAreVisitedOnce(t *testing.T) {
	h := newFixture(t)
	h.take("first", "debtor_ref", "D-one", "priority", "5", "service_min", "50")
	h.take("door", "lender", "south", "debtor_ref", "D-one", "service_min", "50")
	h.take("second", "lender", "west", "debtor_ref", "D-one", "lon", "-8.58")
	doors := func(v View) int {
		seen := map[string]bool{}
		for _, r := range v.Routes {
			for _, st := range r.Stops {
				seen[fmt.Sprint(r.Team, st.Door)] = true
			}
		}
		return len(seen)
	}
	if v := h.plan(today); doors(v) != 3 {
		t.Fatalf("unlinked: %d doors, want three: %q", doors(v), stops(v))
	}
	h.do(casework.LinkDebtors{Debtor: "north.D-one", Other: "south.D-one"})
	h.do(casework.LinkDebtors{Debtor: "north.D-one", Other: "west.D-one"})
	v := h.publish(h.plan(today).ID)
	if got := leftOut(v); got["west.second"] != "SAME_DEBTOR house-one-visit" || stops(v) != "t-west: first south.door" ||
		doors(v) != 1 {
		t.Fatalf("stops %q, left out %v", stops(v), got)
	}
	h.now = at("10:00")
	h.visit(v.Routes[0].Stops[0], "west-1")
	v = h.replan(v.ID, ReplanParams{})
	if got := leftOut(v); got["west.second"] != "SAME_DEBTOR house-one-visit" {
		t.Errorf("after the visit: left out %v", got)
	}
}

// A replan that changes nothing tells the phones nothing, whatever the clock says.
func TestAReplanWithoutNewsIsSilent(t *testing.T) {
	h := newFixture(t)
	h.street()
	v := h.publish(h.plan(today).ID)
	h.now = at("10:30")
	h.replan(v.ID, ReplanParams{}) // nobody has been visited: all moves
	for range 2 {
		h.now = h.now.Add(3 * time.Second)
		if p := h.replan(v.ID, ReplanParams{}).Replan; p.New+p.Changed+p.Revoked != 0 {
			t.Errorf("three seconds later: %d new, %d changed, %d revoked", p.New, p.Changed, p.Revoked)
		}
	}
}

// A team that dropped out stays out until it is said to be back.
func TestATeamThatDroppedOutStaysOut(t *testing.T) {
	h := newFixture(t)
	h.agents("other-1", "other-2")
	h.team(office.Team{ID: "t-other", Agents: []auth.UserID{"other-1", "other-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true})
	h.shift("t-other", today)
	h.street()
	v := h.publish(h.plan(today).ID)
	h.now = at("09:00")
	h.replan(v.ID, ReplanParams{Without: []string{"t-west"}})
	v = h.replan(v.ID, ReplanParams{})
	if !slices.Equal(v.Replan.Without, []string{"t-west"}) || h.onPhone("west-1") != "" ||
		stops(v) != "t-other: c1 c2 c3 c4" {
		t.Errorf("without %v: stops %q, the phone shows %q", v.Replan.Without, stops(v), h.onPhone("west-1"))
	}
	ctx := context.Background()
	if _, err := h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{Without: []string{"t-other"}}); code(err) != "round.team" &&
		code(err) != "round.no_team_left" {
		// t-east has a shift too: the day goes on with it.
		ok(t, err)
		h.work()
	}
	if _, err := h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{Back: []string{"t-east"}}); code(err) != "round.team" {
		t.Errorf("back without having been away: %v", err)
	}
	v = h.replan(v.ID, ReplanParams{Back: []string{"t-west"}})
	if !slices.Equal(v.Replan.Without, []string{"t-other"}) || stops(v) != "t-west: c1 c2 c3 c4" {
		t.Errorf("back again, without %v: stops %q", v.Replan.Without, stops(v))
	}
}

// What moves from one team to another leaves the phones of the first.
func TestWhatMovesIsCountedAsRevoked(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2")
	v := h.publish(h.plan(today).ID)
	west := v.Routes[slices.IndexFunc(v.Routes, func(r Route) bool { return r.Team == "t-west" })]
	r := v.Round
	r.Replan = &Replan{}
	moved := west
	moved.Stops = slices.Clone(west.Stops)
	moved.Stops[0].Assignment = "new"
	for name, c := range map[string]struct {
		routes []Route
		want   int
	}{"as it was": {[]Route{west}, 0}, "one moves": {[]Route{moved},
		1}, "one moves, one is left out": {[]Route{{Stops: moved.Stops[:1]}}, 2}} {
		n, err := h.svc.takeBack(context.Background(), r, c.routes)
		ok(t, err)
		if n != c.want {
			t.Errorf("%s: %d are revoked, want %d", name, n, c.want)
		}
	}
}

// Several cases at one door are one visit: while the team is there, or was there
// last, none of them is given to others.
func TestTheDoorATeamIsAtIsKeptWhole(t *testing.T) {
	door := func(seq, door int, id, eta string) Stop {
		st := planned(seq, id, eta)
		st.Door = door
		return st
	}
	route := func() []Route {
		return []Route{{Team: "t1", Stops: []Stop{door(1, 1, "a", "09:00"), door(2, 1, "b", "09:20"),
			door(3, 2, "c", "11:50"), door(4, 2, "d", "12:10"), door(5, 3, "e", "14:00")}}}
	}
	for name, c := range map[string]struct {
		issued []casework.Issued
		want   string
	}{
		"at the second": {[]casework.Issued{issuedAs("t1", "a", "done", "visited", "09:00"), issuedAs("t1", "b", "open", "",
			""), issuedAs("t1", "c", "open", "at_door", ""),
			issuedAs("t1", "d", "open", "", ""), issuedAs("t1", "e", "open", "", "")}, "acd"},
		"half done with the second": {[]casework.Issued{issuedAs("t1", "a", "done", "visited", "09:00"),
			issuedAs("t1", "b", "done", "visited", "09:20"), issuedAs("t1", "c", "done", "visited", "11:50"),
			issuedAs("t1", "d", "open", "", ""), issuedAs("t1", "e", "open", "", "")}, "abcd"},
		"half done with the first": {[]casework.Issued{issuedAs("t1", "a", "done", "visited", "09:00"),
			issuedAs("t1", "b", "open", "", ""), issuedAs("t1", "c", "open", "", ""),
			issuedAs("t1", "d", "open", "", ""), issuedAs("t1", "e", "open", "", "")}, "ab"},
	} {
		p := standing(&Replan{At: at("12:00")}, route(), c.issued)
		got := ""
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			if p.keeps(planned(1, id, "09:00").Case) {
				got += id
				if _, open := p.earlier(planned(1, id, "09:00").Case); open {
					t.Errorf("%s: %s is kept, and to be planned", name, id)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s are kept, want %s", name, got, c.want)
		}
	}
}

// A case does not come back to an agent who declined it: not when the day is planned anew, and not on another day. A
// team without that agent goes.
func TestADeclinedStopDoesNotComeBack(t *testing.T) {
	h := newFixture(t)
	h.agents("other-1", "other-2")
	h.take("c1")
	h.take("c2")
	v := h.publish(h.plan(today).ID)
	h.now = at("09:00")
	h.say("west-1", v.stop("c1"), `{"agent_status":"declined","decline_reason":"conflict_of_interest"}`)
	if v = h.view(v.ID); v.News.Declined != 1 {
		t.Errorf("the news are %+v, want one stop declined", v.News)
	}
	v = h.replan(v.ID, ReplanParams{})
	if leftOut(v)["c1"] != "DECLINED" || h.onPhone("west-2") != "c2 "+today || v.News.Declined != 0 {
		t.Errorf("left out %v, the phone shows %q", leftOut(v), h.onPhone("west-2"))
	}
	h.shift("t-west", "2026-11-26")
	if w := h.plan("2026-11-26"); leftOut(w)["c1"] != "DECLINED" {
		t.Errorf("tomorrow: stops %q, left out %v", stops(w), leftOut(w))
	}
	h.team(office.Team{ID: "t-other", Agents: []auth.UserID{"other-1", "other-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true})
	h.shift("t-other", today)
	v = h.replan(v.ID, ReplanParams{})
	if stops(v) != "t-other: c1; t-west: c2" || h.onPhone("other-1") != "c1 "+today {
		t.Errorf("with another team: stops %q, left out %v", stops(v), leftOut(v))
	}
}
