package dispatch

import (
	"context"
	"strings"
	"testing"

	"doorstep/server/casework"
)

// A shift goes once nothing is to be done in it, and a team once it has no shift, stop or case.
func TestShiftsAndTeamsAreRemoved(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.street()
	const tomorrow = "2026-11-26"
	shift := func(date, want string) {
		t.Helper()
		if err := h.svc.RemoveShift(ctx, h.ask(), porto, "t-west", date); code(err) != want {
			t.Errorf("the shift of %s: %v, want %q", date, err, want)
		}
	}
	team := func(want, says string) {
		t.Helper()
		err := h.svc.RemoveTeam(ctx, h.ask(), porto, "t-west")
		if code(err) != want || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("the team: %v, want %q with %q", err, want, says)
		}
	}
	v := h.publish(h.plan(today).ID)
	shift(today, "shift.in_use")
	team("team.in_use", v.ID)
	_, err := h.svc.Cancel(ctx, h.ask(), v.ID)
	ok(t, err)
	team("team.in_use", today)

	// A day that is planned and not published loses the shift: its stops are left out with the reason.
	next := h.plan(today).ID
	shift(today, "")
	shift(today, "shift.not_found")
	if w := h.publish(next); stops(w) != "" || leftOut(w)["c1"] != NoTeam {
		t.Errorf("without the shift: stops %q, left out %v", stops(w), leftOut(w))
	}
	shift("2026-11-24", "shift.past")
	shift("2026-11-31", "shift.date")

	h.shift("t-west", tomorrow)
	team("team.in_use", tomorrow)
	shift(tomorrow, "")
	to := "t-west"
	h.do(casework.Reassign{Case: "north.c1", Team: &to})
	team("team.in_use", "north.c1")
	to = ""
	h.do(casework.Reassign{Case: "north.c1", Team: &to})
	team("", "")
	team("team.not_found", "")
}
