package dispatch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// propose asks for a proposal.
func (h *fixture) propose(id string, p ProposalParams) *Proposed {
	h.t.Helper()
	p.Seed, p.TimeLimitS = 1, 1
	out, err := h.svc.Propose(context.Background(), h.ask(), id, p)
	ok(h.t, err)
	return out
}

// twoInTheWest are two teams in the west, of which each has a part of six cases on its phones.
func (h *fixture) twoInTheWest() View {
	h.t.Helper()
	h.agents("other-1", "other-2")
	h.team(office.Team{ID: "t-other", Agents: []auth.UserID{"other-1", "other-2"}, Territories: []string{"west"},
		Items: []string{"badge", "authorisation_letter"}, Recording: true})
	h.shift("t-other", today)
	var cases [][]string
	for i := range 6 {
		cases = append(cases, []string{fmt.Sprintf("c%d", i+1), "lon", fmt.Sprintf("%f", -8.645+0.007*float64(i)),
			"service_min", "40"})
	}
	h.takeAll(cases)
	r, err := h.svc.Create(context.Background(), h.ask(), Params{Branch: porto, Date: today, Seed: 1, TimeLimitS: 1,
		Balance: "stops"})
	ok(h.t, err)
	h.work()
	return h.publish(r.ID)
}

// teamOf is the team whose route has a case; "" for none.
func teamOf(routes []Route, c string) string {
	for _, r := range routes {
		for _, st := range r.Stops {
			if ref(st.Case) == c {
				return r.Team
			}
		}
	}
	return ""
}

// caseOf is a case that a team has.
func caseOf(t *testing.T, v View, team string) string {
	t.Helper()
	for _, r := range v.Routes {
		if r.Team == team && len(r.Stops) > 0 {
			return ref(r.Stops[0].Case)
		}
	}
	t.Fatalf("%s has no stop: %s", team, stops(v))
	return ""
}

// changesOf are the changes of a proposal as "c1 moved t-west t-other".
func changesOf(p *Proposed) string {
	var out []string
	for _, c := range p.Change {
		text := ref(c.Case) + " " + c.Kind
		if c.Was != nil {
			text += " from " + c.Was.Team
		}
		if c.Then != nil {
			text += " to " + c.Then.Team
		}
		if c.Code != "" {
			text += " " + c.Code
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// A proposal changes nothing until it is accepted, and then the phones have what it showed.
func TestAProposalIsInForceOnceItIsAccepted(t *testing.T) {
	h := newFixture(t)
	v := h.twoInTheWest()
	h.now = at("09:00")
	moved := caseOf(t, v, "t-other")
	phones := [2]string{h.onPhone("west-1"), h.onPhone("other-1")}
	p := h.propose(v.ID, ProposalParams{Moves: []MovedCase{{journal.CaseID("north." + moved), "t-west"}}})
	if len(p.Broken) > 0 || !strings.Contains(changesOf(p), moved+" moved from t-other to t-west") {
		t.Fatalf("the proposal changes %q, and breaks %v", changesOf(p), p.Broken)
	}
	for _, team := range p.Teams {
		if team.Team == "t-west" && team.New < 1 || team.Team == "t-other" && team.Gone < 1 {
			t.Errorf("%+v", team)
		}
	}
	if now := h.view(v.ID); now.Version != 0 || now.Status != Published || stops(now) != stops(v) ||
		h.onPhone("west-1") != phones[0] || h.onPhone("other-1") != phones[1] {
		t.Fatalf("nobody has accepted, and the round is %s, version %d: %q", now.Status, now.Version, stops(now))
	}
	ctx := context.Background()
	for range 2 { // twice is the same
		_, err := h.svc.AcceptProposal(ctx, h.ask(), v.ID, p.ID)
		ok(t, err)
		h.work()
	}
	now := h.view(v.ID)
	if now.Status != Published || now.Version != 1 || teamOf(now.Routes, moved) != "t-west" {
		t.Fatalf("accepted: %s, version %d: %q", now.Status, now.Version, stops(now))
	}
	for _, r := range p.Routes {
		for _, st := range r.Stops {
			if got := now.stop(ref(st.Case)); !got.ETA.Equal(st.ETA) || teamOf(now.Routes, ref(st.Case)) != r.Team {
				t.Errorf("%s was shown at %s with %s", st.Case, st.ETA, r.Team)
			}
		}
	}
	if !strings.Contains(h.onPhone("west-1"), moved) || strings.Contains(h.onPhone("other-1"), moved) {
		t.Errorf("phones: west %q, other %q", h.onPhone("west-1"), h.onPhone("other-1"))
	}
	// Later plans of the day leave the case where the supervisor moved it.
	if now = h.replan(v.ID, ReplanParams{}); teamOf(now.Routes, moved) != "t-west" ||
		len(now.Replan.Moves) != 1 {
		t.Errorf("planned anew, %s has %s", teamOf(now.Routes, moved), moved)
	}
}

// Locks hold a team's visits together, a visit with its team, and a time.
func TestLocksAreKept(t *testing.T) {
	h := newFixture(t)
	v := h.twoInTheWest()
	h.now = at("09:00")
	mine := caseOf(t, v, "t-west")
	id := journal.CaseID("north." + mine)
	out := ReplanParams{Without: []string{"t-other"}}
	// Without the other team its cases come to this one, unless this one is locked.
	free := h.propose(v.ID, ProposalParams{ReplanParams: out})
	if !strings.Contains(changesOf(free), "to t-west") {
		t.Fatalf("nothing comes to the team: %q", changesOf(free))
	}
	locked := h.propose(v.ID, ProposalParams{ReplanParams: out, Locks: []Lock{{Team: "t-west"}}})
	if strings.Contains(changesOf(locked), "to t-west") && strings.Contains(changesOf(locked), "from t-other to") ||
		!strings.Contains(changesOf(locked), "gone from t-other TEAM_LOCKED") || len(locked.Broken) > 0 {
		t.Errorf("locked: %q, broken %v", changesOf(locked), locked.Broken)
	}
	// A visit is moved, unless it is locked to its team.
	both := ProposalParams{Moves: []MovedCase{{id, "t-other"}}, Locks: []Lock{{Case: id, Keep: KeepTeam}}}
	if p := h.propose(v.ID, both); len(p.Broken) == 0 {
		t.Errorf("a lock and a move against it: %q, broken %v", changesOf(p), p.Broken)
	}
	// A late day moves all visits; one whose time is locked stays.
	last := v.Routes[0]
	for _, r := range v.Routes {
		if r.Team == "t-west" {
			last = r
		}
	}
	late := last.Stops[len(last.Stops)-1]
	h.now = late.ETA.Add(-20 * time.Minute)
	p := h.propose(v.ID, ProposalParams{Locks: []Lock{{Case: late.Case, Keep: KeepTime}}})
	for _, c := range p.Change {
		if c.Case == late.Case && (c.Then == nil || c.Then.ETA.Sub(late.ETA).Abs() > keepWithin) {
			t.Errorf("the visit at %s would be %+v, broken %v", late.ETA, c.Then, p.Broken)
		}
	}
	if len(p.Broken) > 0 {
		t.Errorf("broken: %+v", p.Broken)
	}
	// What cannot be kept is told: the shift has become too short for all.
	h.now = at("09:00")
	h.hours("t-west", "08:30", "09:50")
	var all []Lock
	for _, st := range last.Stops {
		all = append(all, Lock{Case: st.Case, Keep: KeepVisit}, Lock{Case: st.Case, Keep: KeepTeam})
	}
	p = h.propose(v.ID, ProposalParams{ReplanParams: out, Locks: all})
	if len(p.Broken) == 0 || p.Broken[0].Code == "" {
		t.Errorf("all visits within 50 minutes: %q, broken %+v", changesOf(p), p.Broken)
	}
}

// A proposal that does not know how the day stands cannot be accepted.
func TestAnOldProposalIsRefused(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		then func(h *fixture, v View)
		code string
	}{
		"in time":       {func(*fixture, View) {}, ""},
		"too late":      {func(h *fixture, _ View) { h.now = h.now.Add(proposalLasts + time.Second) }, "round.proposal_old"},
		"a replan":      {func(h *fixture, v View) { h.replan(v.ID, ReplanParams{}) }, "round.proposal_old"},
		"given by hand": {func(h *fixture, v View) { h.give(v, "t-west", "t-other") }, "round.proposal_old"},
		"declined": {func(h *fixture, v View) {
			h.say("west-1", v.stop(caseOf(h.t, v, "t-west")),
				`{"agent_status":"declined","decline_reason":"conflict_of_interest"}`)
		}, "round.proposal_old"},
		"called off": {func(h *fixture, v View) {
			_, err := h.svc.Cancel(ctx, h.ask(), v.ID)
			ok(h.t, err)
		}, "round.proposal_old"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			v := h.twoInTheWest()
			h.now = at("09:00")
			p := h.propose(v.ID, ProposalParams{})
			c.then(h, v)
			if _, err := h.svc.AcceptProposal(ctx, h.ask(), v.ID, p.ID); code(err) != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

// give gives a case of one team to another for good.
func (h *fixture) give(v View, from, to string) {
	h.t.Helper()
	h.do(casework.Reassign{Case: v.stop(caseOf(h.t, v, from)).Case, Team: &to})
}

// What a proposal cannot be asked for is refused at its place.
func TestProposalsThatCannotBe(t *testing.T) {
	h := newFixture(t)
	v := h.twoInTheWest()
	h.now = at("09:00")
	mine := journal.CaseID("north." + caseOf(t, v, "t-west"))
	for name, c := range map[string]struct {
		p        ProposalParams
		code, at string
	}{
		"a lock of nothing": {ProposalParams{Locks: []Lock{{}}}, "round.lock", "locks[0]"},
		"a lock of both":    {ProposalParams{Locks: []Lock{{Team: "t-west", Case: mine}}}, "round.lock", "locks[0]"},
		"no such team":      {ProposalParams{Locks: []Lock{{Team: "nobody"}}}, "round.lock", "locks[0].team"},
		"no such visit": {ProposalParams{Locks: []Lock{{Case: "north.x", Keep: "team"}}}, "round.lock",
			"locks[0].case"},
		"no such thing to keep": {ProposalParams{Locks: []Lock{{Case: mine, Keep: "all"}}}, "round.lock", "locks[0].keep"},
		"a move of no case":     {ProposalParams{Moves: []MovedCase{{"north.x", "t-west"}}}, "round.move", "moves[0].case"},
		"a move to no team":     {ProposalParams{Moves: []MovedCase{{mine, "nobody"}}}, "round.move", "moves[0].team"},
		"a move twice": {ProposalParams{Moves: []MovedCase{{mine, "t-west"}, {mine, "t-other"}}}, "round.move",
			"moves[1].case"},
		"a search without end":   {ProposalParams{ReplanParams: ReplanParams{TimeLimitS: 31}}, "round.limit", "time_limit_s"},
		"a team that has no day": {ProposalParams{ReplanParams: ReplanParams{Without: []string{"nobody"}}}, "round.team", ""},
	} {
		_, err := h.svc.Propose(context.Background(), h.ask(), v.ID, c.p)
		if code(err) != c.code || c.at != "" && !strings.Contains(fmt.Sprintf("%#v", err), `"`+c.at+`"`) {
			t.Errorf("%s: %#v, want %s at %s", name, err, c.code, c.at)
		}
	}
	if _, err := h.svc.AcceptProposal(context.Background(), h.ask(), v.ID, "none"); code(err) != "round.proposal" {
		t.Errorf("accepting none: %v", err)
	}
	other := h.plan(today)
	if _, err := h.svc.AcceptProposal(context.Background(), h.ask(), other.ID, h.propose(v.ID,
		ProposalParams{}).ID); code(err) != "round.proposal" {
		t.Errorf("accepting another round's: %v", err)
	}
	if _, err := h.svc.Propose(context.Background(), h.ask(), other.ID, ProposalParams{}); code(err) != "round.state" {
		t.Errorf("a proposal for a draft: %v", err)
	}
	stranger := auth.Actor{User: "else", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"lisbon"}}
	if _, err := h.svc.Propose(context.Background(), Ask{Actor: stranger}, v.ID,
		ProposalParams{}); code(err) != "round.not_found" {
		t.Errorf("a supervisor of another branch: %v", err)
	}
}

// A search that is stopped gives the best plan that it has, long before its time is over.
func TestAStoppedSearchKeepsItsBest(t *testing.T) {
	h := newFixture(t)
	var cases [][]string
	for i := range 40 {
		cases = append(cases, []string{fmt.Sprintf("c%d", i), "lon", fmt.Sprintf("%f", -8.645+0.001*float64(i)), "lat",
			fmt.Sprintf("%f", 41.11+0.013*float64(i%7))})
	}
	h.takeAll(cases)
	ctx := context.Background()
	r, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today, Seed: 1, TimeLimitS: MaxTimeLimitS})
	ok(t, err)
	h.svc.second = time.Second // two minutes of search
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = h.svc.work(ctx)
	}()
	for end := time.Now().Add(20 * time.Second); ; {
		if v := h.view(r.ID); v.Progress != nil && v.Progress.Stage == "searching" && v.Progress.Stops > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the search does not begin")
		}
		time.Sleep(time.Millisecond)
	}
	stopped, err := h.svc.Stop(ctx, h.ask(), r.ID)
	ok(t, err)
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("the search goes on")
	}
	v := h.view(r.ID)
	if stopped.StoppedBy != "boss" || v.Status != Planned || v.Stops < 8 {
		t.Errorf("stopped by %s, %s with %d stops", stopped.StoppedBy, v.Status, v.Stops)
	}
	if again, err := h.svc.Stop(ctx, h.ask(), r.ID); err != nil || again.Status != Planned {
		t.Errorf("stopping what is planned: %s, %v", again.Status, err)
	}
	// One that is stopped before its search begins is planned all the same.
	h.shift("t-west", "2026-11-26")
	r, err = h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: "2026-11-26", Seed: 1, TimeLimitS: MaxTimeLimitS})
	ok(t, err)
	_, err = h.svc.Stop(ctx, h.ask(), r.ID)
	ok(t, err)
	began := time.Now()
	h.work()
	if v := h.view(r.ID); v.Status != Planned || v.Stops < 8 || time.Since(began) > 60*time.Second {
		t.Errorf("%s with %d stops after %s", v.Status, v.Stops, time.Since(began))
	}
}
