package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// pending lists the alerts that wait, as "device kind", sorted.
func (h *fixture) pending() (out []string) {
	h.t.Helper()
	for id, a := range h.alerts() {
		if a.Status == record.AlertPending {
			out = append(out, fmt.Sprint(a.Device, " ", a.Kind))
			if !strings.HasPrefix(id, "n") {
				h.t.Errorf("an alert is called %s", id)
			}
		}
	}
	slices.Sort(out)
	return out
}

// alerts reads all alerts, by id.
func (h *fixture) alerts() map[string]record.Alert {
	h.t.Helper()
	out := map[string]record.Alert{}
	f, err := h.store.Find(context.Background(), journal.Query{Branch: porto, Type: "alerts", Index: AlertsByTime.Name,
		Limit: 5000})
	ok(h.t, err)
	for _, rec := range f.Records {
		var a record.Alert
		ok(h.t, decode(rec, &a))
		out[rec.ID] = a
	}
	return out
}

// mark marks an alert, and tells whether that was a step.
func (h *fixture) mark(id, status string) bool {
	h.t.Helper()
	_, passed := h.must(MarkAlerts{Marks: []AlertMark{{ID: id, Status: status, Reason: "test"}}})["passed"]
	return !passed
}

// sent marks all alerts that wait as sent.
func (h *fixture) sent() {
	h.t.Helper()
	for id, a := range h.alerts() {
		if a.Status == record.AlertPending && (!h.mark(id, record.AlertSending) || !h.mark(id, record.AlertSent)) {
			h.t.Fatalf("%s cannot be sent", id)
		}
	}
}

// Every way in which work comes to agents, is changed or is taken from them alerts those who are
// concerned, and them alone.
func TestAgentsAreAlertedOfWhatConcernsThem(t *testing.T) {
	const day = "2026-11-25"
	team := []auth.UserID{"ana", "rui"}
	both := func(kind string) string {
		return strings.ReplaceAll("ana-1 K, ana-2 K, rui-1 K, rui-2 K", "K", kind)
	}
	for name, c := range map[string]struct {
		happens func(h *fixture)
		want    string
	}{
		"nothing": {func(*fixture) {}, ""},
		"another case": {func(h *fixture) { h.issue("r2", "t2", day, []auth.UserID{"eva"}, "north.c2") },
			"eva-1 new_task, eva-2 new_task"},
		"hold":         {func(h *fixture) { h.must(OpenHold{Case: "north.c1", Kind: "dispute"}) }, both("task_revoked")},
		"hold to come": {func(h *fixture) { h.must(OpenHold{Case: "north.c1", Kind: "dispute", Since: "2026-12-01"}) }, ""},
		"recall": {func(h *fixture) { h.must(CloseCase{Case: "north.c1", Reason: "recalled"}) },
			both("task_revoked")},
		"paid by import": {func(h *fixture) { h.take(line("c1", "amount_due_minor", "0")) }, both("task_revoked")},
		"reassigned":     {func(h *fixture) { h.must(Reassign{Case: "north.c1", Team: new("t9")}) }, both("task_revoked")},
		"taken back": {func(h *fixture) { h.must(RevokeAssignments{Case: "north.c1", Reason: "round:replanned"}) },
			both("task_revoked")},
		"the agent is disabled": {func(h *fixture) {
			h.must(ReleaseAgent{Case: "north.c1", Agent: "ana", Reason: "disabled"})
		}, "ana-1 task_revoked, ana-2 task_revoked, rui-1 task_changed, rui-2 task_changed"},
		"the day is over": {func(h *fixture) { h.must(RetireAssignments{Case: "north.c1", Before: "2026-11-26"}) }, ""},
		"moved":           {func(h *fixture) { h.leave("north.Dc1", porto, braga) }, both("task_revoked")},
		"another team": {func(h *fixture) { h.issue("r1", "t2", day, []auth.UserID{"eva"}, "north.c1") },
			"ana-1 task_revoked, ana-2 task_revoked, eva-1 new_task, eva-2 new_task, rui-1 task_revoked, rui-2 task_revoked"},
		"another colleague": {func(h *fixture) { h.reissue("a-c1-"+day+"-r1", "10:00", "rui", "eva") },
			"ana-1 task_revoked, ana-2 task_revoked, eva-1 new_task, eva-2 new_task, rui-1 task_changed, rui-2 task_changed"},
		"another hour": {func(h *fixture) { h.reissue("a-c1-"+day+"-r1", "15:00", team...) }, both("task_changed")},
		"a minute":     {func(h *fixture) { h.reissue("a-c1-"+day+"-r1", "10:01", team...) }, ""},
		"a visit": {func(h *fixture) {
			h.want("a visit", h.phone("ana", "ana-1").put("visits", "v1", visit("north.c1", day+"T10:05:00Z")), "applied")
		}, ""},
		"a visit that makes a later stop unlawful": {func(h *fixture) {
			h.issue("r3", "t1", "2026-11-26", team, "north.c1")
			h.sent()
			h.now = instant(day + "T10:30:00Z")
			h.want("a visit", h.phone("ana", "ana-1").put("visits", "v1", visit("north.c1", day+"T10:05:00Z",
				"outcome", "MET_PTP")), "applied")
		}, "ana-2 task_revoked, rui-1 task_revoked, rui-2 task_revoked"}, // ana-1 has just said it itself
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.svc.devices = twoDevices{}
			h.take(line("c1"), line("c2"))
			h.reissue("a-c1-"+day+"-r1", "10:00", team...)
			if got := strings.Join(h.pending(), ", "); got != both("new_task") {
				t.Fatalf("issued, %s wait", got)
			}
			h.sent()
			c.happens(h)
			if got := strings.Join(h.pending(), ", "); got != c.want {
				t.Errorf("%q wait, want %q", got, c.want)
			}
		})
	}
}

// reissue issues the stop of north.c1 under an id at an hour to agents.
func (h *fixture) reissue(id, at string, agents ...auth.UserID) {
	h.t.Helper()
	eta := instant("2026-11-25T" + at + ":00Z")
	h.must(IssueRoute{Round: "r1", Route: "r1.t1", Team: "t1", Date: "2026-11-25", Agents: agents,
		Items: []string{"badge", "authorisation_letter"}, Recording: true, Stops: []IssuedStop{{Case: "north.c1",
			Assignment: id, Seq: 1, ETA: eta, ServiceS: 1200, Window: record.Window{From: instant("2026-11-25T09:00:00Z"),
				To: instant("2026-11-25T20:00:00Z")}}}})
}

// While an alert waits for a device, all that happens is told by it: the most urgent kind, until
// the last is over. Nothing is written for what it tells already.
func TestADeviceHasOneAlertThatWaits(t *testing.T) {
	h := newFixture(t)
	h.svc.devices = twoDevices{}
	h.round(1, 6)
	h.sent()
	h.now = h.now.Add(time.Hour)
	h.must(RevokeAssignments{Case: "north.r1x0", Reason: "test"})
	h.now = h.now.Add(time.Minute)
	was, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	for i := 1; i < 4; i++ {
		h.must(RevokeAssignments{Case: journal.CaseID(fmt.Sprint("north.r1x", i)), Reason: "test"})
	}
	now, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	h.issue("later", "t0", "2026-11-27", []auth.UserID{"t0a"}, "north.r1x1")
	want := "t0a-1 task_revoked, t0a-2 task_revoked, t0b-1 task_revoked, t0b-2 task_revoked"
	if got := strings.Join(h.pending(), ", "); got != want || now != was+3 {
		t.Errorf("%s wait, and %d entries were added", got, now-was)
	}
	for _, a := range h.alerts() {
		if a.Status == record.AlertPending && a.User == "t0a" && (!slices.Equal(a.Rounds, []string{"later"}) ||
			!a.At.Equal(h.now.Add(-time.Minute)) || a.Expires.Before(instant("2026-11-27T12:00:00Z"))) {
			t.Errorf("the alert is %+v", a)
		}
	}
	// One that is being sent may not have arrived: the next tells of both.
	for id, a := range h.alerts() {
		if a.Status == record.AlertPending {
			h.mark(id, record.AlertSending)
		}
	}
	h.now = h.now.Add(time.Minute)
	h.issue("later", "t0", "2026-11-27", []auth.UserID{"t0a"}, "north.r1x2")
	if got := strings.Join(h.pending(), ", "); got != "t0a-1 task_revoked, t0a-2 task_revoked" {
		t.Errorf("beside those being sent, %s wait", got)
	}
}

// hundreds gives each agent 300 devices.
type hundreds struct{}

func (hundreds) Of(_ context.Context, users []auth.UserID) (out []auth.Device, err error) {
	for _, u := range users {
		for i := range 300 {
			out = append(out, auth.Device{ID: auth.DeviceID(fmt.Sprint(u, "-", i)), User: u})
		}
	}
	return out, nil
}

// However many devices a team has, its route is issued: alerts are in entries of their own, of at
// most a hundred.
func TestAlertsAreInEntriesOfTheirOwn(t *testing.T) {
	h := newFixture(t)
	h.svc.devices = hundreds{}
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui", "eva", "ivo"}, "north.c1", "north.c2")
	if n := len(h.pending()); n != 1200 {
		t.Errorf("%d alerts wait", n)
	}
	entries := 0
	h.eachEntry(func(_ string, e journal.Entry) {
		alerts, others := 0, 0
		for _, d := range e.Docs {
			if d.Type == "alerts" {
				alerts++
			} else {
				others++
			}
		}
		if alerts > 0 {
			entries++
			if alerts > alertsPerEntry || others > 0 || e.Action != "alert.make" {
				t.Errorf("an entry %s has %d alerts and %d other documents", e.Action, alerts, others)
			}
		}
	})
	if entries != 12 {
		t.Errorf("%d entries have alerts", entries)
	}
}

// An alert without a provider waits for ever, and does not grow for ever.
func TestAnAlertThatNeverLeavesStaysSmall(t *testing.T) {
	h := newFixture(t)
	h.svc.devices = twoDevices{}
	h.take(line("c1"))
	for i := range 20 {
		h.must(RevokeAssignments{Case: "north.c1", Reason: "test"})
		h.issue(fmt.Sprintf("round-%02d", i), "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	}
	for _, a := range h.alerts() {
		if len(a.Rounds) != mostRounds || a.Rounds[mostRounds-1] != "round-19" {
			t.Errorf("the alert names %v", a.Rounds)
		}
	}
}

// An alert takes only the steps of the table: one that was delivered is not sent again, and one
// that failed is queued again only by hand.
func TestAlertsTakeTheStepsOfATable(t *testing.T) {
	statuses := []string{"pending", "sending", "sent", "dead", "unknown", "refused", "replaced", "lost"}
	allowed := []string{"pending sending", "pending refused", "pending dead", "pending replaced", "sending sending",
		"sending sent", "sending refused", "sending dead", "sending unknown", "sending replaced"}
	way := map[string][]string{"sending": {"sending"}, "sent": {"sending", "sent"}, "dead": {"dead"},
		"unknown": {"sending", "unknown"}, "refused": {"refused"}, "replaced": {"replaced"}}
	h := newFixture(t)
	h.svc.devices = twoDevices{}
	h.take(line("c1"))
	n := 0
	for _, from := range statuses[:7] {
		for _, to := range statuses {
			n++
			round := fmt.Sprint("r", n)
			h.issue(round, "t1", "2026-11-25", []auth.UserID{auth.UserID(fmt.Sprint("u", n))}, "north.c1")
			for id, a := range h.alerts() {
				if a.Device != auth.DeviceID(fmt.Sprint("u", n, "-1")) || !slices.Contains(a.Rounds, round) {
					continue
				}
				for _, step := range way[from] {
					if !h.mark(id, step) {
						t.Fatalf("%s is not reached", from)
					}
				}
				want := slices.Contains(allowed, from+" "+to)
				got := h.mark(id, to)
				now := h.alerts()[id]
				if got != want || want && now.Status != to || !want && now.Status != from {
					t.Errorf("from %s to %s: %v, it is %s", from, to, got, now.Status)
				}
				if record.AlertOver(now.Status) != !now.DoneAt.IsZero() {
					t.Errorf("%s is done at %v", now.Status, now.DoneAt)
				}
			}
		}
	}
	if h.mark("none", "dead") {
		t.Error("an alert that does not exist was marked")
	}
}

// A dead alert can be sent again while what it tells of is not over and no newer one waits.
func TestADeadAlertIsSentAgainByHand(t *testing.T) {
	h := newFixture(t)
	h.svc.devices = twoDevices{}
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	var id string
	for x, a := range h.alerts() {
		if a.Device == "ana-1" {
			id = x
		}
	}
	try := func(want string) {
		t.Helper()
		_, err := h.do(RetryAlert{ID: id})
		if got := code(err); got != want {
			t.Errorf("%s: %v, want %q", h.alerts()[id].Status, err, want)
		}
	}
	try("alert.state")
	h.mark(id, "dead")
	h.must(RevokeAssignments{Case: "north.c1", Reason: "test"})
	try("alert.newer")
	h.sent()
	try("")
	if a := h.alerts()[id]; a.Status != "pending" || a.Attempts != 0 || a.Reason != "" || !a.DoneAt.IsZero() {
		t.Errorf("it is %+v", a)
	}
	h.mark(id, "dead")
	h.now = h.now.Add(48 * time.Hour)
	try("alert.expired")
	id = "none"
	try("alert.not_found")
}
