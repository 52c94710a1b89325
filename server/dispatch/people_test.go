package dispatch

import (
	"context"
	"errors"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
)

// twice checks that a refusal names two teams that have an agent in common, and gives its places.
func twice(t *testing.T, err error, a, b string) string {
	t.Helper()
	var e *refusal.Error
	if !errors.As(err, &e) || e.Code() != "round.agents_twice" || !strings.Contains(e.Msg, a) ||
		!strings.Contains(e.Msg, b) {
		t.Fatalf("answered %v, want round.agents_twice with %s and %s", err, a, b)
	}
	var places []string
	for _, f := range e.Faults {
		places = append(places, f.Place)
	}
	return strings.Join(places, " ")
}

// hours gives a team other hours today.
func (h *fixture) hours(team, from, to string, agents ...auth.UserID) {
	h.t.Helper()
	_, err := h.office.PutShift(context.Background(), office.Ask{By: "boss"}, office.Shift{Branch: porto, Team: team,
		Date: today, From: from, To: to, Agents: agents})
	ok(h.t, err)
}

// One person is never planned as two: neither at planning, nor at publishing, nor when the day is planned anew.
func TestAnAgentIsInOneTeamAtATime(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take("c1")
	h.take("c2", "lon", "-8.58")
	ask := func(teams ...string) error {
		_, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today, Teams: teams, TimeLimitS: 1})
		return err
	}
	planned := h.plan(today).ID
	h.hours("t-west", "08:00", "12:01", "west-1", "east-2")
	h.hours("t-east", "12:00", "18:00")
	if got := twice(t, ask("t-east", "t-west"), "t-east", "t-west"); got != "teams[0] teams[1]" {
		t.Errorf("at planning the teams stand at %q", got)
	}
	twice(t, ask(), "t-east", "t-west")
	if err := ask("t-east"); err != nil {
		t.Errorf("one of the teams alone: %v", err)
	}
	h.work()
	_, err := h.svc.Publish(ctx, h.ask(), planned)
	twice(t, err, "t-east", "t-west")
	if h.view(planned).Status != Planned || h.onPhone("west-1") != "" {
		t.Errorf("what was refused left the round %s", h.view(planned).Status)
	}
	// One after the other they may.
	h.hours("t-west", "08:00", "12:00", "west-1", "east-2")
	v := h.publish(h.plan(today).ID)
	if v.Status != Published || v.Stops != 2 {
		t.Errorf("in the morning here, in the afternoon there: %s with %d stops", v.Status, v.Stops)
	}
	h.hours("t-west", "08:00", "13:00", "west-1", "east-2")
	_, err = h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{TimeLimitS: 1})
	twice(t, err, "t-east", "t-west")
	if _, err := h.svc.Replan(ctx, h.ask(), v.ID, ReplanParams{Without: []string{"t-west"}, TimeLimitS: 1}); err != nil {
		t.Errorf("without one of them: %v", err)
	}
}

// A shift that is given between the request and the run does not make two of one either.
func TestARunLooksAtThePeopleAgain(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	r := h.request(today)
	h.hours("t-west", "08:00", "12:00", "east-1")
	h.work()
	if v := h.view(r.ID); v.Status != Failed || v.Failure != "round.agents_twice" {
		t.Errorf("the round is %s %s", v.Status, v.Failure)
	}
}
