package dispatch

import (
	"context"
	"testing"

	"doorstep/server/office"
)

// What a decision of a round has read may change before it is appended: it is then decided
// again on what is there (J1).
func TestARoundIsDecidedOnWhatIsThere(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		after string // the search after which it happens
		do    func(h *fixture, first, spare View) (happen func(), try func() error)
		want  string
	}{
		"a visit is made while another round is asked for": {"assignments round", func(h *fixture, first, _ View) (func(),
			func() error) {
			return func() { h.visit(stopOf(first, "t-west"), "west-1") },
				func() error {
					_, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: today, TimeLimitS: 1})
					return err
				}
		}, "round.under_way"},
		"a visit is made while another round is published": {"assignments round", func(h *fixture, first, spare View) (func(),
			func() error) {
			return func() { h.visit(stopOf(first, "t-west"), "west-1") },
				func() error { _, err := h.svc.Publish(ctx, h.ask(), spare.ID); return err }
		}, "round.under_way"},
		"a shift is put while a round is refused for having none": {"shifts date", func(h *fixture, _, _ View) (func(),
			func() error) {
			return func() { h.shift("t-west", "2026-11-26") },
				func() error {
					_, err := h.svc.Create(ctx, h.ask(), Params{Branch: porto, Date: "2026-11-26", TimeLimitS: 1})
					return err
				}
		}, ""},
		"a shift is cut short while the day is planned anew": {"shifts date", func(h *fixture, first, _ View) (func(),
			func() error) {
			return func() {
					_, err := h.office.PutShift(ctx, office.Ask{By: "boss"}, office.Shift{Branch: porto, Team: "t-east", Date: today,
						From: "08:00", To: "09:30"})
					ok(h.t, err)
				},
				func() error {
					_, err := h.svc.Replan(ctx, h.ask(), first.ID, ReplanParams{Without: []string{"t-west"}, TimeLimitS: 1})
					return err
				}
		}, "round.no_team_left"},
		"the round is replaced while it is planned anew": {"shifts date", func(h *fixture, first, spare View) (func(),
			func() error) {
			return func() { h.publish(spare.ID) },
				func() error {
					_, err := h.svc.Replan(ctx, h.ask(), first.ID, ReplanParams{TimeLimitS: 1})
					return err
				}
		}, "round.state"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.street()
			first, spare := h.plan(today), h.plan(today)
			first = h.publish(first.ID)
			h.now = at("10:00")
			happen, try := c.do(h, first, spare)
			h.meanwhile.after, h.meanwhile.happen = c.after, happen
			if err := try(); code(err) != c.want {
				t.Errorf("it was answered %v, want %q", err, c.want)
			}
			if h.meanwhile.happen != nil {
				t.Error("nothing happened: no search was made")
			}
		})
	}
}

// stopOf is the first stop of a team.
func stopOf(v View, team string) Stop {
	for _, r := range v.Routes {
		if r.Team == team {
			return r.Stops[0]
		}
	}
	return Stop{}
}
