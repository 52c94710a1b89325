package office

import (
	"context"
	"testing"
	"time"

	"doorstep/auth"
)

// actor is a user of a branch.
func actor(id auth.UserID, role auth.Role, b auth.BranchID) auth.Actor {
	return auth.Actor{User: id, Role: role, Branches: []auth.BranchID{b}}
}

// A timer that runs out alerts once, however often it is looked at; the agent's word ends it, and a late word too.
func TestATimerThatRunsOutAlertsOnce(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	ana := actor("ana", auth.RoleAgent, porto)
	start := func(at time.Time, minutes int) error {
		_, err := h.StartCheckin(ctx, h.ask(), NewCheckin{Actor: ana, At: at, Minutes: minutes, Assignment: "a1"})
		return err
	}
	alerts := func(want string) {
		t.Helper()
		all, err := h.CheckinAlerts(ctx, porto)
		ok(t, err)
		got := ""
		for _, c := range all {
			got += string(c.Agent) + " " + c.State
		}
		if got != want {
			t.Errorf("alerts: %q, want %q", got, want)
		}
	}
	runOut := func(want int) {
		t.Helper()
		if n, err := h.RunOutCheckins(ctx, porto, h.now); err != nil || n != want {
			t.Errorf("%d timers ran out (%v), want %d", n, err, want)
		}
	}
	refused(t, "no minutes", start(time.Time{}, 0), "checkin.minutes")
	refused(t, "a week", start(time.Time{}, 241), "checkin.minutes")
	refused(t, "tomorrow", start(h.now.Add(time.Hour), 10), "checkin.at")
	refused(t, "long ago", start(h.now.Add(-25*time.Hour), 10), "checkin.at")
	_, err := h.StartCheckin(ctx, h.ask(), NewCheckin{Actor: actor("boss", auth.RoleSupervisor, porto), Minutes: 10})
	refused(t, "a supervisor", err, "auth.role")
	_, err = h.EndCheckin(ctx, h.ask(), NewCheckin{Actor: ana})
	refused(t, "no timer", err, "checkin.not_found")

	ok(t, start(time.Time{}, 30))
	refused(t, "an older one", start(h.now.Add(-time.Minute), 30), "checkin.late")
	runOut(0)
	h.now = h.now.Add(30*time.Minute - time.Second)
	runOut(0)
	h.now = h.now.Add(time.Second)
	runOut(1)
	runOut(0)
	alerts("ana overdue")
	_, err = h.EndCheckin(ctx, h.ask(), NewCheckin{Actor: ana})
	ok(t, err)
	alerts("")
	// One that was begun again is due later.
	ok(t, start(time.Time{}, 10))
	h.now = h.now.Add(9 * time.Minute)
	ok(t, start(time.Time{}, 10))
	h.now = h.now.Add(9 * time.Minute)
	runOut(0)
	// A phone that was without network tells late that it began one, which is over by now.
	h.now = h.now.Add(time.Hour)
	runOut(1)
	_, err = h.HandleCheckin(ctx, h.ask(), actor("boss", auth.RoleSupervisor, porto), porto, "ana")
	ok(t, err)
	alerts("")
	_, err = h.HandleCheckin(ctx, h.ask(), actor("boss", auth.RoleSupervisor, porto), porto, "ana")
	refused(t, "nothing to handle", err, "checkin.no_alert")
	_, err = h.HandleCheckin(ctx, h.ask(), actor("boss", auth.RoleSupervisor, "faro"), porto, "ana")
	refused(t, "another branch", err, "branch.not_found")
	ok(t, start(h.now.Add(-time.Hour+time.Second), 5))
	runOut(1)
}

// Who feels unsafe is looked after by a supervisor: neither another timer nor the agent's phone ends the alert.
func TestOnlyASupervisorEndsThatAnAgentFeelsUnsafe(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	say := NewCheckin{Actor: actor("ana", auth.RoleAgent, porto)}
	_, err := h.FeelsUnsafe(ctx, h.ask(), say)
	ok(t, err)
	again, err := h.FeelsUnsafe(ctx, h.ask(), say)
	ok(t, err)
	if again.State != CheckinUnsafe || again.AlertAt.IsZero() {
		t.Errorf("said again: %+v", again)
	}
	_, err = h.EndCheckin(ctx, h.ask(), say)
	refused(t, "by the phone", err, "checkin.unsafe")
	say.Minutes = 5
	_, err = h.StartCheckin(ctx, h.ask(), say)
	refused(t, "by another timer", err, "checkin.unsafe")
	all, err := h.Checkins(ctx, porto)
	ok(t, err)
	if len(all) != 1 || all[0].Alert != 1 {
		t.Errorf("the supervisor reads %+v", all)
	}
	if other, err := h.Checkins(ctx, "faro"); err != nil || len(other) != 0 {
		t.Errorf("another branch reads %+v, %v", other, err)
	}
	h.now = h.now.Add(time.Minute)
	_, err = h.HandleCheckin(ctx, h.ask(), actor("boss", auth.RoleSupervisor, porto), porto, "ana")
	ok(t, err)
	// What the phone sends once more, since no answer came, is the same call for help.
	say.At = h.now.Add(-30 * time.Second)
	late, err := h.FeelsUnsafe(ctx, h.ask(), say)
	if err != nil || late.State != CheckinHandled {
		t.Errorf("a call from before: %+v, %v", late, err)
	}
	say.At = time.Time{}
	h.now = h.now.Add(time.Minute)
	if next, err := h.FeelsUnsafe(ctx, h.ask(), say); err != nil || next.Alert != 1 {
		t.Errorf("another call: %+v, %v", next, err)
	}
}

// From the day after a certificate has run out an agent is not sent out, unless another of its kind holds; a branch can
// want kinds that an agent never had.
func TestAnAgentWithoutACertificateIsNotSentOut(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("ana", porto)
	put := func(all ...Certificate) error {
		_, err := h.PatchUser(ctx, h.ask(), "ana", UserPatch{Certificates: &all})
		return err
	}
	unable := func(date, want string) {
		t.Helper()
		got, err := h.UnableOn(ctx, porto, date, []auth.UserID{"ana", "nobody"})
		ok(t, err)
		if got["ana"] != want || got["nobody"] != AgentUnknown {
			t.Errorf("on %s: %v, want %q", date, got, want)
		}
	}
	unable("2026-11-25", "")
	refused(t, "a date that is none", put(Certificate{Kind: "collection", ValidTo: "2026-02-30"}), "user.certificate")
	refused(t, "a kind that is none", put(Certificate{Kind: "so many words", ValidTo: "2026-02-20"}), "user.certificate")
	ok(t, put(Certificate{Kind: "collection", No: "C-1", ValidTo: "2026-11-25"}))
	unable("2026-11-25", "")
	unable("2026-11-26", AgentCertExpired)
	ok(t, put(Certificate{Kind: "collection", ValidTo: "2026-11-25"}, Certificate{Kind: "collection",
		ValidTo: "2027-11-25"}))
	unable("2026-11-26", "")
	_, err := h.PutBranch(ctx, h.ask(), Branch{ID: porto, TimeZone: "Europe/Lisbon", Certificates: []string{"training"}})
	ok(t, err)
	unable("2026-11-26", AgentCertExpired)
	ok(t, put(Certificate{Kind: "training", ValidTo: "2026-11-26"}))
	unable("2026-11-26", "")
	_, err = h.PutBranch(ctx, h.ask(), Branch{ID: porto, TimeZone: "Europe/Lisbon", Certificates: []string{"a b"}})
	refused(t, "a kind that is none", err, "branch.certificates")
}
