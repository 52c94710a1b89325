package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
)

func (h *fixture) slots(id, date string, minutes int) DaySlots {
	h.t.Helper()
	d, err := h.svc.Slots(context.Background(), boss, SlotParams{Branch: porto, Case: record.CaseIDOf("north", id),
		Date: date, Minutes: minutes})
	ok(h.t, err)
	return d
}

// visit is a visit to a stop half an hour ago, at which nobody was met.
func (h *fixture) visit(st Stop, agent auth.UserID) {
	h.t.Helper()
	a := auth.Actor{User: agent, Role: auth.RoleAgent, Branches: []auth.BranchID{porto}}
	_, err := h.cases.One(context.Background(), a, porto, casework.Request{ID: "m:" + string(agent) + ":" +
		string(st.Case), Cmd: casework.RecordVisit{ID: "visit-" + string(st.Case), From: record.Sent{By: agent},
		Visit: &record.Visit{VisitReport: record.VisitReport{Case: st.Case, Assignment: st.Assignment,
			At: h.now.Add(-30 * time.Minute), Outcome: "NOT_MET_NOBODY"}}}})
	ok(h.t, err)
}

// read lists slots by the clock of the day, in UTC, with who could come or why nobody can.
func read(d DaySlots) (out []string) {
	for _, s := range d.Slots {
		says := s.Team
		if s.Possible != Yes {
			says = strings.TrimSpace(s.Possible + " " + s.Code + " " + s.Rule)
		}
		if !s.Lawful {
			says += " (unlawful)"
		}
		out = append(out, s.From.Format("15:04")+"-"+s.To.Format("15:04")+" "+says)
	}
	return out
}

// cheapest is the slot that is marked, which must be one.
func cheapest(t *testing.T, d DaySlots) Slot {
	t.Helper()
	var found []Slot
	for _, s := range d.Slots {
		if s.Cheapest {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d slots are the cheapest: %v", len(found), read(d))
	}
	best := found[0]
	if best.Possible != Yes || best.ExtraCost == nil || best.ExtraTravelS == nil {
		t.Fatalf("the cheapest slot is %+v", best)
	}
	for _, s := range d.Slots {
		if s.Possible == Yes && *s.ExtraCost < *best.ExtraCost {
			t.Errorf("%s costs %d, the cheapest %d", s.From, *s.ExtraCost, *best.ExtraCost)
		}
	}
	return best
}

// street gives four cases of the west, in a row from west to east.
func (h *fixture) street() {
	for i := range 4 {
		h.take(fmt.Sprintf("c%d", i+1), "lon", fmt.Sprintf("%.3f", -8.640+0.008*float64(i)))
	}
}

// A debtor nobody planned to visit wants one: who could come when, at what
// detour, and whether a promise made so is kept.
func TestAPromisedSlotIsKept(t *testing.T) {
	h := newFixture(t)
	h.street()
	id := h.plan(today).ID
	h.publish(id)
	h.take("new", "lon", "-8.637", "lat", "41.151")
	d := h.slots("new", today, 0)
	// Visits may begin from eight to twenty to eight; the shift is from half past eight to six, when the visit
	// must be over.
	got := read(d)
	if d.Round != id || d.RoundStatus != Published || d.Code != "" || d.TimeZone != "Europe/Lisbon" || len(got) != 12 ||
		got[0] != "08:00-09:00 t-west" || got[9] != "17:00-18:00 t-west" || got[11] != "19:00-19:40 no NO_TIME_IN_WINDOW" {
		t.Fatalf("%s of round %q, %s: %q", d.Code, d.RoundStatus, d.TimeZone, got)
	}
	best := cheapest(t, d)
	if best.ETA.Before(best.From) || !best.ETA.Before(best.To) || *best.ExtraTravelS > 600 {
		t.Errorf("the cheapest is %s to %s at %s, %d s of travel more", best.From, best.To, best.ETA, *best.ExtraTravelS)
	}
	h.do(casework.MakeAppointment{Case: "north.new", From: best.From, To: best.To})
	_, err := h.svc.Replan(context.Background(), h.ask(), id, ReplanParams{Seed: 1, TimeLimitS: 1})
	ok(t, err)
	h.work()
	v := h.view(id)
	if stops(v) != "t-west: c1 c2 c3 c4 new" {
		t.Fatalf("the stops are %q", stops(v))
	}
	for _, st := range v.Routes[len(v.Routes)-1].Stops {
		if st.Case == "north.new" && (st.Appointment == "" || st.ETA.Before(best.From) || !st.ETA.Before(best.To)) {
			t.Errorf("promised from %s to %s, planned at %s", best.From, best.To, st.ETA)
		}
	}

	// It binds the debtor: another case of theirs has no slot. And itself it makes way for another time.
	h.take("twin", "debtor_ref", "Dnew", "lon", "-8.637", "lat", "41.151")
	if d := h.slots("twin", today, 60); d.Code != SameDebtor || d.Rule != "house-one-visit" || len(d.Slots) != 0 {
		t.Errorf("the debtor's other case: %+v", d)
	}
	if again := cheapest(t, h.slots("new", today, 60)); !again.From.Equal(best.From) ||
		*again.ExtraTravelS != *best.ExtraTravelS {
		t.Errorf("once it is planned the cheapest is %s for %d s, before %s for %d s", again.From, *again.ExtraTravelS,
			best.From, *best.ExtraTravelS)
	}
}

// What a planned round leaves room for, by who may go and how many doors.
func TestSlotsKeepWhatTheDayMustKeep(t *testing.T) {
	h := newFixture(t)
	h.street()
	h.take("far", "lon", "-8.58")
	h.take("new", "lon", "-8.62")
	h.team(office.Team{ID: "t-west", Agents: []auth.UserID{"west-1", "west-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true, MaxStops: 4})
	h.do(casework.OpenHold{Case: "north.new", Kind: "dispute", Until: today})
	id := h.plan(today).ID
	if d := h.slots("new", today, 0); d.Code != OnHold || d.Rule != "house-hold" || len(d.Slots) != 0 {
		t.Errorf("a case on hold: %+v", d)
	}
	h.take("late", "lon", "-8.62")
	d := h.slots("late", today, 0)
	if d.Round != id || d.RoundStatus != Planned {
		t.Fatalf("the round is %q, %s", d.Round, d.RoundStatus)
	}
	if got := read(d); len(got) != 12 || got[9] != "17:00-18:00 no NO_TIME" ||
		got[10] != "18:00-19:00 no NO_TIME_IN_WINDOW" || slices.ContainsFunc(got,
		func(s string) bool { return !strings.Contains(s, " no NO_TIME") }) {
		t.Errorf("the team has four doors and may have no more: %q", got)
	}
	// Its own stop makes way for another time, and so does the debtor's other case, which would share the stop.
	h.take("twin", "debtor_ref", "Dc2", "lon", "-8.632")
	if d := h.slots("late", "", 0); d.Date != today || d.Round != id {
		t.Errorf("without a date: %s of round %q", d.Date, d.Round)
	}
	if d := h.slots("c2", today, 30); cheapest(t, d).Team != "t-west" || read(d)[19] != "17:30-18:00 t-west" {
		t.Errorf("a case that is planned: %q", read(d))
	}
	if d := h.slots("twin", today, 30); cheapest(t, d).Team != "t-west" || read(d)[18] != "17:00-17:30 t-west" ||
		read(d)[19] != "17:30-18:00 no NO_TIME_IN_WINDOW" {
		t.Errorf("the debtor's other case, twenty minutes for each: %q", read(d))
	}
	if d := h.slots("far", today, 120); cheapest(t, d).Team != "t-east" || len(d.Slots) != 6 ||
		read(d)[1] != "10:00-12:00 t-east" {
		t.Errorf("the east: %q", read(d))
	}
	// A round that nobody of theirs is in.
	h.take("nowhere", "lon", "-8.9")
	if d := h.slots("nowhere", today, 0); d.Code != NoTerritory || len(d.Slots) != 0 {
		t.Errorf("outside every territory: %+v", d)
	}
	h.territory("north", -8.65, 41.21, -8.60, 41.25)
	h.take("north", "lat", "41.22")
	if d := h.slots("north", today, 0); d.Code != NoTeam || len(d.Slots) != 0 {
		t.Errorf("a territory without a team: %+v", d)
	}
}

// What a promise would do to others: those with an appointment keep it, and moving the rest far has its price.
func TestSlotsCountWhatOthersLose(t *testing.T) {
	h := newFixture(t)
	h.street()
	h.take("firm", "lon", "-8.612")
	h.do(casework.MakeAppointment{Case: "north.firm", From: at("14:00"), To: at("14:20")})
	h.plan(today)
	h.take("long", "lon", "-8.640", "service_min", "40")
	d := h.slots("long", today, 60)
	best := cheapest(t, d)
	if first := d.Slots[0]; first.Possible != Yes || *first.ExtraCost < moveSeconds || *first.ExtraTravelS > 600 ||
		best.From.Equal(first.From) {
		t.Errorf("before nine it costs %d for %d s of travel, and every other stop is forty minutes later; the "+
			"cheapest is %s", *first.ExtraCost, *first.ExtraTravelS, best.From)
	}
	// A visit of twenty minutes next door to a promise for two o'clock, given for until twenty past: after it, not before.
	h.take("next", "lon", "-8.612")
	d = h.slots("next", today, 30)
	if s := d.Slots[12]; s.From.Format("15:04") != "14:00" || s.Possible != Yes || s.ETA.Before(at("14:20")) {
		t.Errorf("beside the promise: %+v", s)
	}
	if ws := routed(hours("10:00", "11:00"), at("00:00")); ws[0].From != 36_000 || ws[0].To != 39_599 {
		t.Errorf("until eleven is %v: nobody begins at eleven", ws)
	}
}

// Where the branch lets neighbours in, a team from over the border may be promised too.
func TestSlotsOfANeighbour(t *testing.T) {
	h := newFixture(t)
	h.team(office.Team{ID: "t-west", Agents: []auth.UserID{"west-1", "west-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true, MaxStops: 1})
	h.take("c1")
	h.plan(today)
	h.take("near", "lon", "-8.602")
	if d := h.slots("near", today, 0); d.Slots[1].Possible != No {
		t.Errorf("with a door taken of one: %q", read(d))
	}
	_, err := h.office.PutBranch(context.Background(), office.Ask{By: "admin"},
		office.Branch{ID: porto, TimeZone: "Europe/Lisbon", NeighboursWithinM: 500})
	ok(t, err)
	if d := h.slots("near", today, 0); cheapest(t, d).Team != "t-east" {
		t.Errorf("the neighbour: %q", read(d))
	}
}

// Half past ten: one visit of four is made, by a team that has four doors.
func TestSlotsOfADayThatHasBegun(t *testing.T) {
	h := newFixture(t)
	h.street()
	west := office.Team{ID: "t-west", Agents: []auth.UserID{"west-1", "west-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true, MaxStops: 4}
	h.team(west)
	id := h.plan(today).ID
	v := h.publish(id)
	other := h.plan(today).ID
	h.take("new", "lon", "-8.62")
	at := slices.IndexFunc(v.Routes, func(r Route) bool { return r.Team == "t-west" })
	first := v.Routes[at].Stops[0]
	h.now = time.Date(2026, 11, 25, 10, 30, 20, 0, time.UTC)
	h.visit(first, "west-1")
	if got := read(h.slots("new", today, 30)); got[0] != "10:31-11:00 no NO_TIME" {
		t.Errorf("one door is done, three are left, and four there may be: %q", got)
	}
	if d := h.slots(ref(first.Case), today, 0); d.Code != Visited || len(d.Slots) != 0 {
		t.Errorf("a case that was visited today: %+v", d)
	}
	// A planned round beside it is on no phone.
	if d := h.slots("new", today, 30); d.Round != id || other == id {
		t.Errorf("the round is %q, published is %q", d.Round, id)
	}
	// One of those left is lost to a hold: there is room.
	h.do(casework.OpenHold{Case: v.Routes[at].Stops[2].Case, Kind: "dispute"})
	d := h.slots("new", today, 30)
	if got := read(d); got[0] != "10:31-11:00 t-west" || cheapest(t, d).ETA.Before(h.now) {
		t.Errorf("with a door less: %q", got)
	}
	// The team drops out.
	_, err := h.svc.Replan(context.Background(), h.ask(), id, ReplanParams{Without: []string{"t-west"}, Seed: 1,
		TimeLimitS: 1})
	ok(t, err)
	h.work()
	if d := h.slots("new", today, 30); d.Code != NoTeam || len(d.Slots) != 0 {
		t.Errorf("without its team: %s %q", d.Code, read(d))
	}
	// At five to eight it is too late for anybody.
	h.now = time.Date(2026, 11, 25, 19, 55, 0, 0, time.UTC)
	h.take("east", "lon", "-8.58")
	if d := h.slots("east", today, 30); d.Code != NoTeam || len(d.Slots) != 0 {
		t.Errorf("in the evening: %s %q", d.Code, read(d))
	}
	if d := h.slots("east", "2026-11-26", 30); d.Code != "" || d.Round != "" || read(d)[0] != "08:00-08:30 unknown" {
		t.Errorf("tomorrow: %s %q", d.Code, read(d))
	}
}

// Two at one door, one after the other, each within its own hours; then a door of its own.
func TestDoorsOfAPlannedRoute(t *testing.T) {
	hour := func(from, to string) Window { return Window{at(from), at(to)} }
	got := knocks([]Stop{
		{Door: 1, Case: "a", ETA: at("10:00"), Window: hour("09:00", "12:00"), ServiceS: 600},
		{Door: 1, Case: "b", ETA: at("10:10"), Window: hour("10:05", "12:05"), ServiceS: 1200, Appointment: "x"},
		{Door: 2, Case: "c", ETA: at("11:00"), Window: hour("09:00", "11:30"), ServiceS: 300},
	}, nil)
	if len(got) != 2 || got[0].service != 1800 || !got[0].must || !got[0].eta.Equal(at("10:00")) ||
		!sameWindows(got[0].windows, hours("09:55", "11:55")) {
		t.Errorf("the first of %d doors: %+v", len(got), got[0])
	}
	if got[1].must || got[1].service != 300 || !sameWindows(got[1].windows, hours("09:00", "11:30")) {
		t.Errorf("the second door: %+v", got[1])
	}
}

// A day to come has no round: the law alone speaks.
func TestSlotsOfADayWithoutARound(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.do(casework.SetRequests{Case: "north.c1", Requests: record.Requests{NoContactTimes: []record.TimeSpan{{From: "12:15",
		To: "13:45"}}}})
	const day = "2026-12-02"
	d := h.slots("c1", day, 0)
	got := read(d)
	if d.Round != "" || d.RoundStatus != "" || d.Code != "" {
		t.Errorf("%+v", d)
	}
	// A visit of twenty minutes is over by a quarter past twelve.
	want := []string{"08:00-09:00 unknown", "09:00-10:00 unknown", "10:00-11:00 unknown", "11:00-11:55 unknown",
		"12:00-13:00 no INCONVENIENT_TIME base-requests (unlawful)", "13:45-14:00 unknown", "14:00-15:00 unknown"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%q, want %q first", got, want)
	}
	for _, s := range d.Slots {
		if s.Lawful != (s.Possible == Unknown) || s.Team != "" || s.ExtraCost != nil || s.Cheapest || !s.Lawful &&
			len(s.Cite) == 0 {
			t.Errorf("without a round: %+v", s)
		}
	}
	h.do(casework.SetRequests{Case: "north.c1", Requests: record.Requests{NoChannels: []string{"visit"}}})
	if d := h.slots("c1", day, 0); d.Code == "" || d.Rule == "" || len(d.Slots) != 0 {
		t.Errorf("no visits at all: %+v", d)
	}
}

func TestSlotsAreRefused(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("gone")
	h.do(casework.CloseCase{Case: "north.gone", Reason: "recalled"})
	elsewhere := auth.Actor{User: "other", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"braga"}}
	for _, c := range []struct {
		what, id, date string
		minutes        int
		by             auth.Actor
		code           string
	}{
		{"a date that is none", "c1", "2026-02-30", 60, boss, "slots.date"},
		{"yesterday", "c1", "2026-11-24", 60, boss, "slots.past"},
		{"the year after next", "c1", "2027-11-26", 60, boss, "slots.far"},
		{"a quarter of an hour", "c1", today, 15, boss, "slots.minutes"},
		{"half a day", "c1", today, 241, boss, "slots.minutes"},
		{"a case nobody knows", "c9", today, 60, boss, "case.not_found"},
		{"another branch's supervisor", "c1", today, 60, elsewhere, "case.not_found"},
		{"another lender", "c1", today, 60, auth.Actor{User: "l", Role: auth.RoleLender, Lender: "south",
			Branches: []auth.BranchID{porto}}, "case.not_found"},
		{"a closed case", "gone", today, 60, boss, "case.closed"},
	} {
		_, err := h.svc.Slots(context.Background(), c.by, SlotParams{Branch: porto, Case: record.CaseIDOf("north", c.id),
			Date: c.date, Minutes: c.minutes})
		if code(err) != c.code {
			t.Errorf("%s: %q, want %s", c.what, code(err), c.code)
		}
	}
}
