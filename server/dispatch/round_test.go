package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// field is a text member of a stored document.
func field(t testing.TB, rec journal.Record, name string) string {
	t.Helper()
	var m map[string]any
	ok(t, json.Unmarshal(rec.Body, &m))
	s, _ := m[name].(string)
	return s
}

// Every case that gets no stop has a reason, and its rule and source where the
// law is the reason; nothing is lost between stops and reasons.
func TestEveryCaseHasAStopOrAReason(t *testing.T) {
	h := newFixture(t)
	h.take("fine")
	h.take("fine-too", "lon", "-8.58")
	h.take("no-point", "lon", "", "lat", "")
	h.take("far-out", "lat", "41.30")
	h.territory("south", -8.65, 41.0, -8.55, 41.05)
	h.take("teamless", "lat", "41.02")
	h.take("held", "flags", "dispute")
	h.take("moved")
	h.do(casework.Correct{Case: "north.moved", AddressVerification: ptr("moved")})
	h.take("met-lately")
	h.do(casework.RecordContact{Case: "north.met-lately", Channel: "visit", At: h.now.Add(-48 * time.Hour),
		Result: "contact"})
	h.take("asleep")
	h.do(casework.SetRequests{Case: "north.asleep",
		Requests: record.Requests{NoContactTimes: []record.TimeSpan{{From: "09:00", To: "09:00"}}}})
	h.take("early-bird")
	h.do(casework.SetRequests{Case: "north.early-bird",
		Requests: record.Requests{NoContactTimes: []record.TimeSpan{{From: "08:25", To: "21:00"}}}})
	h.take("closed")
	h.do(casework.CloseCase{Case: "north.closed", Reason: "recalled"})

	v := h.plan(today)
	if got := stops(v); v.Status != Planned || got != "t-east: fine-too; t-west: fine" {
		t.Errorf("the round is %s %s with stops %q", v.Status, v.Failure, got)
	}
	got := leftOut(v)
	for id, want := range map[string]string{"no-point": "NO_POSITION", "far-out": "NO_TERRITORY", "teamless": "NO_TEAM",
		"held":  "HOLD house-hold",
		"moved": "ADDRESS_UNFIT house-address", "met-lately": "FREQ_CAP hv-visit-7",
		"asleep":     "INCONVENIENT_TIME base-requests",
		"early-bird": "NO_TIME_IN_WINDOW"} {
		if got[id] != want {
			t.Errorf("%s is left out for %q, want %q", id, got[id], want)
		}
	}
	if v.Cases != 10 || v.Cases != v.Stops+v.Round.LeftOut || v.Round.LeftOut != len(v.LeftOut) {
		t.Errorf("%d cases, %d stops, %d left out, %d reasons", v.Cases, v.Stops, v.Round.LeftOut, len(v.LeftOut))
	}
	for _, l := range v.LeftOut {
		if l.Rule != "" && len(l.Cite) == 0 {
			t.Errorf("%s is left out by rule %s without its source", l.Case, l.Rule)
		}
	}
	if v.Cost == nil || v.Cost.PriorityServed != 4 || v.Cost.PriorityLeft != 2*8 {
		t.Errorf("the cost is %+v, want priorities 4 served and 16 left", v.Cost)
	}
	for _, r := range v.Routes {
		for _, s := range r.Stops {
			if s.ETA.Before(s.Window.From) || !s.ETA.Before(s.Window.To) || s.Assignment == "" {
				t.Errorf("stop %+v is outside its window or has no assignment", s)
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

// The round that is published last is the day's; what it does not visit leaves the phones.
func TestARoundReplacesTheOlderOfItsDay(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2")
	first := h.publish(h.plan(today).ID)
	if first.Status != Published || first.Issued != 2 || h.onPhone("west-1") != "c1 "+today+", c2 "+today ||
		h.onPhone("west-2") != h.onPhone("west-1") || h.onPhone("east-1") != "" {
		t.Fatalf("published %s with %d; the phones show %q and %q", first.Status, first.Issued, h.onPhone("west-1"),
			h.onPhone("east-1"))
	}
	// c1 moves to the east, where another team works; c2 is no longer to be visited.
	h.do(casework.Reassign{Case: "north.c1", Territory: ptr("east")})
	h.do(casework.Correct{Case: "north.c2", AddressVerification: ptr("moved")})
	second := h.publish(h.plan(today).ID)
	if got := h.view(first.ID); got.Status != Replaced || got.ReplacedBy != second.ID {
		t.Errorf("the older round is %s by %s", got.Status, got.ReplacedBy)
	}
	if h.onPhone("west-1") != "" || h.onPhone("east-1") != "c1 "+today {
		t.Errorf("the phones show %q in the west and %q in the east", h.onPhone("west-1"), h.onPhone("east-1"))
	}
	_, err := h.svc.Publish(context.Background(), h.ask(), first.ID)
	if code(err) != "round.state" {
		t.Errorf("publishing a replaced round: %v", err)
	}
}

// The law is asked again at the moment of publishing.
func TestAHoldBetweenPlanningAndPublishingKeepsTheStopFromBeingIssued(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2")
	h.take("c3")
	v := h.plan(today)
	if v.Stops != 3 {
		t.Fatalf("%d stops", v.Stops)
	}
	h.do(casework.OpenHold{Case: "north.c2", Kind: "complaint"})
	h.do(casework.CloseCase{Case: "north.c3", Reason: "recalled"})
	v = h.publish(v.ID)
	if v.Issued != 1 || v.Refused != 2 || h.onPhone("west-1") != "c1 "+today {
		t.Errorf("%d issued, %d refused, the phone shows %q", v.Issued, v.Refused, h.onPhone("west-1"))
	}
	// What was refused stands among the cases left out, with its reason, and in no route.
	if got := leftOut(v); stops(v) != "t-west: c1" || got["c2"] != "COMPLAINT_OPEN hv-complaint" ||
		got["c3"] != "CASE_CLOSED" || v.Stops != 1 || v.Round.LeftOut != 2 || v.Cases != 3 {
		t.Errorf("stops %q, left out %v; the header says %d and %d of %d", stops(v), got, v.Stops, v.Round.LeftOut,
			v.Cases)
	}
	for _, l := range v.LeftOut {
		if l.Rule != "" && len(l.Cite) == 0 {
			t.Errorf("%s is refused by rule %s without its source", l.Case, l.Rule)
		}
	}
}

func TestPublishingAgainDoesNothingMore(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	id := h.plan(today).ID
	ask := h.ask()
	for range 3 {
		_, err := h.svc.Publish(context.Background(), ask, id)
		ok(t, err)
	}
	// The process dies when the routes are out and the header does not say so yet.
	if _, err := h.svc.issueRoutes(context.Background(), h.view(id).Round); err != nil {
		t.Fatal(err)
	}
	if v := h.view(id); v.Status != Publishing {
		t.Fatalf("the round is %s", v.Status)
	}
	w, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	h.work()
	h.publish(id)
	after, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	if v := h.view(id); v.Status != Published || v.Issued != 1 || h.onPhone("west-1") != "c1 "+today || after != w+2 {
		t.Errorf("the round is %s with %d issued, the phone shows %q; %d entries were added, want the attempt and the header",
			v.Status, v.Issued, h.onPhone("west-1"), after-w)
	}
	notices, err := h.cases.Alerts(context.Background(), boss, porto, "", 0, "")
	ok(t, err)
	if len(notices.Items) != 2 {
		t.Errorf("%d notices, want one for each of two devices", len(notices.Items))
	}
}

// A run that left no result is done again; its documents do not count beside the new ones.
func TestARunWithoutAResultIsPlannedAgain(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2", "flags", "stop")
	r := h.request(today)
	// The process dies after the routes are written and before the header says so.
	lost := r
	lost.Run = "01900000-0000-7000-8000-000000000000"
	d, err := h.svc.planDay(context.Background(), lost)
	ok(t, err)
	d.routes = append(d.routes, Route{ID: r.ID + ".ghost", Round: r.ID, Branch: porto, Run: lost.Run, Team: "ghost",
		Stops: []Stop{}})
	ok(t, h.svc.storeDay(context.Background(), lost, d))
	if v := h.view(r.ID); !v.PlannedAt.IsZero() || len(v.Routes) != 0 {
		t.Errorf("before it is planned the round is %s with %d routes", v.Status, len(v.Routes))
	}
	h.svc = New(h.svc.opt) // another process
	h.svc.second = 50 * time.Millisecond
	h.work()
	v := h.view(r.ID)
	if v.Status != Planned || v.Run == lost.Run || stops(v) != "t-west: c1" || len(v.Routes) != 1 || len(v.LeftOut) != 1 {
		t.Errorf("the round is %s, run %s, stops %q, %d routes, %d left out", v.Status, v.Run, stops(v), len(v.Routes),
			len(v.LeftOut))
	}
}

func TestARoundThatCannotBeIsRefusedWithItsReason(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for want, p := range map[string]Params{
		"round.date":       {Branch: porto, Date: "25.11.2026"},
		"round.branch":     {Branch: "elsewhere", Date: today},
		"round.no_shifts":  {Branch: porto, Date: "2026-11-26"},
		"round.team":       {Branch: porto, Date: today, Teams: []string{"nobody"}},
		"round.limit":      {Branch: porto, Date: today, TimeLimitS: MaxTimeLimitS + 1},
		"round.objective":  {Branch: porto, Date: today, Objective: "fun"},
		"branch.not_found": {Branch: "faro", Date: today},
	} {
		ask := h.ask()
		ask.Actor.Branches = []auth.BranchID{porto, "faro"}
		if _, err := h.svc.Create(ctx, ask, p); code(err) != want {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
	// The same request again is the same round.
	ask := h.ask()
	a, err := h.svc.Create(ctx, ask, Params{Branch: porto, Date: today})
	ok(t, err)
	b, err := h.svc.Create(ctx, ask, Params{Branch: porto, Date: today})
	ok(t, err)
	if a.ID != b.ID {
		t.Error("one request made two rounds")
	}
	if _, err := h.svc.Publish(ctx, h.ask(), a.ID); code(err) != "round.state" {
		t.Errorf("publishing what is not planned: %v", err)
	}
	stranger := Ask{Actor: auth.Actor{User: "x", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"lisboa"}}}
	if _, err := h.svc.Publish(ctx, stranger, a.ID); code(err) != "round.not_found" {
		t.Errorf("publishing another branch's round: %v", err)
	}
}

// A team that cannot go is told by its place, and whether it is unknown or off.
func TestATeamThatCannotGoIsNamed(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.team(office.Team{ID: "t-off", Agents: []auth.UserID{"west-1"}, Territories: []string{"west"}})
	places := func(err error) string {
		var e *refusal.Error
		if !errors.As(err, &e) || e.Code() != "round.team" {
			t.Fatalf("refused with %v", err)
		}
		var out []string
		for _, p := range e.Faults {
			out = append(out, p.Place+": "+p.Msg)
		}
		return strings.Join(out, "\n")
	}
	_, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today, Teams: []string{"t-west", "nobody", "t-off"}})
	if got := places(err); !strings.HasPrefix(got, "teams[1]: the branch has no such team") ||
		!strings.Contains(got, "\nteams[2]: the team t-off has no shift that day; give it one") {
		t.Errorf("of the round it says\n%s", got)
	}
	h.take("c1")
	v := h.publish(h.plan(today).ID)
	_, err = h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{Without: []string{"t-off", "t-east", "nobody"}})
	if got := places(err); !strings.HasPrefix(got, "without[0]: the team t-off has no shift that day") ||
		!strings.Contains(got, "\nwithout[2]: the branch has no such team") {
		t.Errorf("of the replan it says\n%s", got)
	}
}

// A day that nobody would go on with is not planned anew: the phones keep what they have.
func TestADayNobodyGoesOnWithIsNotPlannedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		teams, without []string
		at             string // local
		want           string
	}{
		"everybody drops out":                  {nil, []string{"t-west", "t-east"}, "10:00", "round.no_team_left"},
		"everybody of the round drops out":     {[]string{"t-west"}, []string{"t-west"}, "10:00", "round.no_team_left"},
		"the only team whose shift still runs": {nil, []string{"t-east"}, "15:00", "round.no_team_left"},
		"all shifts are over":                  {nil, nil, "18:00", "round.no_team_left"},
		"one drops out, another goes on":       {nil, []string{"t-west"}, "10:00", ""},
		"the last minute of the last shift":    {nil, nil, "17:59", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			ctx := context.Background()
			_, err := h.office.PutShift(ctx, office.Ask{By: "boss"}, office.Shift{Branch: porto, Team: "t-west", Date: today,
				From: "08:30", To: "14:00"})
			ok(t, err)
			h.take("c1")
			r, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today, Teams: c.teams, Seed: 1, TimeLimitS: 1})
			ok(t, err)
			h.work()
			h.publish(r.ID)
			had := h.onPhone("west-1")
			h.now = at(c.at)
			_, err = h.svc.Replan(ctx, h.ask(), r.ID, ReplanParams{Without: c.without, TimeLimitS: 1})
			if code(err) != c.want {
				t.Fatalf("answered %v, want %q", err, c.want)
			}
			if c.want == "" {
				return
			}
			h.work()
			if got := h.onPhone("west-1"); got != had || had == "" || h.view(r.ID).Status != Published {
				t.Errorf("the phone shows %q, before it was %q", got, had)
			}
		})
	}
}

// The same command has the same answer, whatever the clock says by then; and what a
// round is comes before who would go.
func TestARepeatedReplanIsAnsweredAsBefore(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	request := h.ask()
	params := Params{Branch: porto, Date: today, Seed: 1, TimeLimitS: 1}
	r, err := h.svc.Create(ctx, request, params)
	ok(t, err)
	h.work()
	if _, err := h.svc.Replan(ctx, h.ask(), r.ID, ReplanParams{Without: []string{"t-west",
		"t-east"}}); code(err) != "round.state" {
		t.Errorf("of a planned round: %v", err)
	}
	h.publish(r.ID)
	h.now = at("17:50")
	replan := h.ask()
	_, err = h.svc.Replan(ctx, replan, r.ID, ReplanParams{TimeLimitS: 1})
	ok(t, err)
	h.work()
	h.now = at("18:01")
	if _, err := h.svc.Replan(ctx, replan, r.ID, ReplanParams{TimeLimitS: 1}); err != nil {
		t.Errorf("the replan sent again: %v", err)
	}
	params.Teams = []string{"t-late"}
	if _, err := h.svc.Create(ctx, h.ask(), params); code(err) != "round.team" {
		t.Errorf("a round of an unknown team: %v", err)
	}
	if again, err := h.svc.Create(ctx, request, params); err != nil || again.ID != r.ID {
		t.Errorf("the request sent again: %v", err)
	}
}

// The agents of a shift replace the team that day.
func TestTheShiftSaysWhoGoes(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.agents("spare")
	h.shift("t-west", today, "spare")
	h.publish(h.plan(today).ID)
	if h.onPhone("west-1") != "" || h.onPhone("spare") != "c1 "+today {
		t.Errorf("the phones show %q and %q", h.onPhone("west-1"), h.onPhone("spare"))
	}
	// One agent where the law wants two.
	h.take("cn", "profile", "cn")
	h.team(office.Team{ID: "t-west", Agents: []auth.UserID{"west-1"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true})
	if got := leftOut(h.plan(today))["cn"]; got != "TEAM_TOO_SMALL cn-two" {
		t.Errorf("one agent where the law wants two: %q", got)
	}
}

// Publishing ends the days that are over; so does midnight, without a new round.
func TestDaysThatAreOverLeaveThePhones(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	h.take("c2", "lon", "-8.58")
	h.publish(h.plan(today).ID)
	if h.onPhone("west-1") != "c1 "+today || h.onPhone("east-1") != "c2 "+today {
		t.Fatalf("the phones show %q and %q", h.onPhone("west-1"), h.onPhone("east-1"))
	}
	// The round of tomorrow leaves those of today, which is not over, and does not plan them twice.
	h.now = time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC)
	h.shift("t-west", "2026-11-26")
	h.take("c3")
	tomorrow := h.publish(h.plan("2026-11-26").ID)
	if got := h.onPhone("west-1"); got != "c1 2026-11-25, c3 2026-11-26" || leftOut(tomorrow)["c1"] != "ASSIGNED" {
		t.Errorf("in the evening the phone shows %q; left out %v", got, leftOut(tomorrow))
	}
	// Midnight; the east has no new round.
	h.now = time.Date(2026, 11, 25, 23, 59, 0, 0, time.UTC)
	h.work()
	if got := h.onPhone("east-1"); got != "c2 2026-11-25" {
		t.Errorf("before midnight the phone shows %q", got)
	}
	h.now = time.Date(2026, 11, 26, 0, 1, 0, 0, time.UTC)
	h.work()
	if w, e := h.onPhone("west-1"), h.onPhone("east-1"); w != "c3 2026-11-26" || e != "" {
		t.Errorf("after midnight the phones show %q and %q", w, e)
	}
	// A node that was down at midnight: publishing alone does it.
	h.now = time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	h.svc.ended[porto] = "2026-11-27"
	h.shift("t-east", "2026-11-27")
	h.publish(h.plan("2026-11-27").ID)
	if w, e := h.onPhone("west-1"), h.onPhone("east-1"); w != "" || e != "c2 2026-11-27" {
		t.Errorf("after publishing the phones show %q and %q", w, e)
	}
}
