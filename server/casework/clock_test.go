package casework

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// pushAt pushes a visit without waiting until it has happened.
func (p *phone) pushAt(ms ...offline.Mutation) []offline.Result {
	p.h.t.Helper()
	p.caller.At = p.h.now
	a, err := p.h.sync.Push(p.h.t.Context(), p.caller, offline.PushRequest{Mutations: ms})
	ok(p.h.t, err)
	return a.Results
}

// The receipt bounds what a phone claims: the instant by which a visit is judged, counted and
// exported is the claimed one less the phone's skew, and never after the receipt.
func TestTheReceiptBoundsWhatAPhoneClaims(t *testing.T) {
	const received = "2026-11-25T12:00:00Z"
	for name, c := range map[string]struct {
		claimed string
		skew    time.Duration
		at      string // "" for claimed
		flags   string
		open    bool // whether the assignment stays open
	}{
		"as it was":             {claimed: "2026-11-25T10:00:00Z"},
		"in the year 2099":      {claimed: "2099-01-01T10:00:00Z", at: received, flags: "in_future", open: true},
		"14 hours ahead":        {claimed: "2026-11-26T02:00:00Z", at: received, flags: "in_future", open: true},
		"a minute ahead":        {claimed: "2026-11-25T12:01:00Z", at: received},
		"in the year 2001":      {claimed: "2001-01-01T10:00:00Z", flags: "backdated", open: true},
		"written two days late": {claimed: "2026-11-23T10:00:00Z", flags: "backdated", open: true},
		"a clock 10.5 h ahead": {claimed: "2026-11-25T20:30:00Z", skew: 630 * time.Minute,
			at: "2026-11-25T10:00:00Z", flags: "clock_skew"},
		"a clock a day behind": {claimed: "2026-11-24T10:00:00Z", skew: -24 * time.Hour,
			at: "2026-11-25T10:00:00Z", flags: "clock_skew"},
		"a clock of the year 9999": {claimed: "2026-11-25T10:00:00Z", skew: 7973 * 8766 * 36 * time.Second,
			flags: "clock_skew"},
		"ahead of a clock that is ahead": {claimed: "2026-11-25T16:00:00Z", skew: time.Hour, at: received,
			flags: "clock_skew in_future", open: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			h.now = instant(received)
			ana := h.phone("ana", "d1")
			ana.caller.SkewS = int64(c.skew / time.Second)
			m := write("visits", "v1", "put", 0, visit("north.c1", c.claimed))
			m.ClientTS = instant(received).Add(c.skew)
			h.want(name, ana.pushAt(m)[0], "applied")
			var v record.Visit
			h.stored("visits", "v1", &v)
			if c.at == "" {
				c.at = c.claimed
			}
			claimed := time.Time{}
			if c.at != c.claimed {
				claimed = instant(c.claimed)
			}
			if !v.At.Equal(instant(c.at)) || !v.ClaimedAt.Equal(claimed) || !v.ReceivedAt.Equal(h.now) ||
				v.On != c.at[:10] {
				t.Errorf("it is kept as of %v on %s, claimed %v, received %v", v.At, v.On, v.ClaimedAt, v.ReceivedAt)
			}
			flags := slices.DeleteFunc(slices.Clone(v.Flags), func(f string) bool { return f == "no_assignment" })
			if got := strings.Join(flags, " "); got != c.flags {
				t.Errorf("flagged %q, want %q", got, c.flags)
			}
			var a record.Assignment
			h.stored("assignments", "a-c1-2026-11-25-r1", &a)
			if (a.Status == record.AssignmentOpen) != c.open {
				t.Errorf("the assignment is %s", a.Status)
			}
			// What was sent is the same record under a new mid.
			h.want("again", ana.pushAt(write("visits", "v1", "put", 0, visit("north.c1", c.claimed)))[0], "duplicate")
		})
	}
}

// Between two mutations the phone's monotonic clock ran for two hours, so the first was
// written at least two hours before the push, whatever the wall clock said.
func TestTheMonotonicClockBoundsWhatAPhoneClaims(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.now = instant("2026-11-25T12:00:00Z")
	first := write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T11:30:00Z"))
	first.MonoMs = 1000
	note := write("visit_notes", "n1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T11:45:00Z", "text": "x"})
	note.MonoMs = first.MonoMs + 2*3600*1000
	wild := write("visit_notes", "n2", "put", 0, members{"case": "north.c1", "at": "2026-11-25T11:45:00Z", "text": "y"})
	wild.MonoMs = 1 << 60
	for _, r := range h.phone("ana", "d1").pushAt(first, note, wild) {
		h.want(r.ID, r, "applied")
	}
	var v record.Visit
	h.stored("visits", "v1", &v)
	if !v.At.Equal(instant("2026-11-25T10:00:00Z")) || !slices.Contains(v.Flags, "clock_skew") {
		t.Errorf("kept as of %v, flagged %v", v.At, v.Flags)
	}
	var n record.Note
	h.stored("visit_notes", "n1", &n)
	if !n.At.Equal(instant("2026-11-25T11:45:00Z")) || len(n.Flags) > 0 {
		t.Errorf("the note is kept as of %v, flagged %v", n.At, n.Flags)
	}
}

// How long a visit lasted is as the phone says, though its clock is corrected.
func TestACorrectedVisitKeepsItsLength(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.now = instant("2026-11-25T12:00:00Z")
	ana := h.phone("ana", "d1")
	ana.caller.SkewS = int64((10*time.Hour + 30*time.Minute) / time.Second)
	fields := visit("north.c1", "2026-11-25T20:30:00Z")
	fields["check_out"] = members{"at": "2026-11-25T20:41:00Z"}
	fields["left_at"] = "2026-11-25T20:42:00Z"
	h.want("the visit", ana.pushAt(write("visits", "v1", "put", 0, fields))[0], "applied")
	var v record.Visit
	h.stored("visits", "v1", &v)
	if !v.CheckOut.At.Equal(instant("2026-11-25T10:11:00Z")) || !v.LeftAt.Equal(instant("2026-11-25T10:12:00Z")) {
		t.Errorf("at %v, checked out %v, left %v", v.At, v.CheckOut.At, v.LeftAt)
	}
}

// A date of receipt finds what a phone claims to have happened on any other.
func TestExportsSelectByReceipt(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.now = instant("2026-11-25T12:00:00Z")
	ana := h.phone("ana", "d1")
	for id, at := range map[string]string{"v1": "2026-11-25T10:00:00Z", "v2": "2001-01-01T10:00:00Z"} {
		h.issue("r-"+id, "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
		h.want(id, ana.pushAt(write("visits", id, "put", 0, visit("north.c1", at)))[0], "applied")
	}
	h.now = instant("2026-11-26T12:00:00Z")
	h.issue("r-v3", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1")
	h.want("v3", ana.pushAt(write("visits", "v3", "put", 0, visit("north.c1", "2026-11-25T11:00:00Z")))[0], "applied")
	for want, dates := range map[string]Dates{
		"v1 v2 v3": {},
		"v1 v3":    {From: "2026-11-25"},
		"v1 v2":    {ReceivedTo: "2026-11-25"},
		"v3":       {ReceivedFrom: "2026-11-26", ReceivedTo: "2026-11-26"},
		"v1":       {From: "2026-11-25", To: "2026-11-25", ReceivedTo: "2026-11-25"},
		"":         {ReceivedFrom: "2026-11-27"},
	} {
		var got []string
		ok(t, h.svc.EachVisit(t.Context(), ExportQuery{Branch: porto, Dates: dates, UpTo: 1 << 40},
			func(v ExportedVisit) error { got = append(got, v.ID); return nil }))
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%+v finds %v, want %s", dates, got, want)
		}
	}
}

// What comes out of quarantine is corrected by the clock of the phone that had sent it.
func TestTheClockIsRememberedInQuarantine(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.now = instant("2026-11-25T12:00:00Z")
	bob := h.phone("bob", "d2")
	bob.caller.SkewS = 7200
	m := write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T12:00:00Z"))
	m.ClientTS = instant("2026-11-25T12:10:00Z")
	r := bob.pushAt(m)[0]
	h.want("a stranger's visit", r, "revoked")
	h.now = instant("2026-11-27T12:00:00Z")
	h.must(HandleQuarantine{ID: r.Quarantine, Accept: true})
	var v record.Visit
	h.stored("visits", "v1", &v)
	if !v.At.Equal(instant("2026-11-25T10:00:00Z")) || !v.ReceivedAt.Equal(instant("2026-11-25T12:00:00Z")) ||
		!slices.Contains(v.Flags, "clock_skew") || slices.Contains(v.Flags, "backdated") {
		t.Errorf("kept as of %v, received %v, flagged %v", v.At, v.ReceivedAt, v.Flags)
	}
}

// The office has the server's clock: a time of the future is a slip of the hand, and is asked again.
func TestTheOfficeRecordsNothingOfTheFuture(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	for _, at := range []string{"2099-01-01T00:00:00Z", "1821-01-01T00:00:00Z"} {
		for name, c := range map[string]Cmd{
			"a note": RecordNote("n1", record.NoteReport{About: record.About{Case: "north.c1", At: instant(at)},
				Kind: "general", Text: seal.NewText("text")}),
			"a plan": ProposePlan{ID: "p1",
				Plan: &record.Plan{PlanReport: record.PlanReport{Case: "north.c1", At: instant(at)}}},
		} {
			_, err := h.do(c)
			var bad *refusal.Error
			if !errors.As(err, &bad) || bad.Code() != "validation.at" {
				t.Errorf("%s at %s was answered %v", name, at, err)
			}
		}
	}
}

// What a report says besides its own time has not happened after its receipt either: it is flagged, it closes
// nothing, and the visit was over when it was reported.
func TestOtherTimesThatLieAheadAreFlagged(t *testing.T) {
	ahead := "2026-11-26T02:00:00Z"
	for name, with := range map[string]members{
		"none":       {"check_out": members{"at": "2026-11-25T10:20:00Z"}, "announced_at": "2026-11-25T10:00:00Z"},
		"announced":  {"announced_at": ahead},
		"asked":      {"asked_to_leave": true, "asked_at": ahead},
		"left":       {"left_at": "2099-01-01T00:00:00Z"},
		"checked in": {"check_in": members{"at": ahead}},
		"out":        {"check_out": members{"at": ahead}},
		"recorded":   {"recording": members{"media": "audio", "started_at": ahead}},
		"judged":     {"door_decision": members{"at": ahead, "decision": "allow"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			h.now = instant("2026-11-25T12:00:00Z")
			fields := visit("north.c1", "2026-11-25T10:00:00Z")
			maps.Copy(fields, with)
			h.want("the visit", h.phone("ana", "d1").pushAt(write("visits", "v1", "put", 0, fields))[0], "applied")
			var v record.Visit
			h.stored("visits", "v1", &v)
			var a record.Assignment
			h.stored("assignments", "a-c1-2026-11-25-r1", &a)
			flagged, open := slices.Contains(v.Flags, "in_future"), a.Status == record.AssignmentOpen
			if flagged != (name != "none") || open != flagged || len(v.Flags) != len(slices.Compact(v.Flags)) {
				t.Errorf("flagged %v, and the assignment is %s", v.Flags, a.Status)
			}
			if m := minutesAtDoor(&v); m > 120 {
				t.Errorf("it lasted %d minutes, and was reported after 120", m)
			}
		})
	}
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.now = instant("2026-11-25T12:00:00Z")
	ana := h.phone("ana", "d1")
	base := func(more members) members {
		f := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z"}
		maps.Copy(f, more)
		return f
	}
	for id, f := range map[string]members{
		"plans": base(members{"state": "offered", "request": promiseOn("2026-12-10"),
			"copy": members{"via": "paper", "at": ahead}}),
		"consents": base(members{"scope": "visit_time", "status": "given", "receipt": members{"delivered_at": ahead}}),
	} {
		h.want(id, ana.pushAt(write(id, "x1", "put", 0, f))[0], "applied")
		if got := fmt.Sprint(h.child("north.c1", id, "x1")["flags"]); !strings.Contains(got, "in_future") {
			t.Errorf("%s are flagged %s", id, got)
		}
	}
}

// Who says when they were asked to leave was asked.
func TestWhoStaysAfterTheyWereAskedIsFlagged(t *testing.T) {
	for flagged, all := range map[bool][]members{
		true: {{"asked_to_leave": true}, {"asked_at": "2026-11-25T10:05:00Z"}, {"outcome": "MET_ASKED_TO_LEAVE"}},
		// Nobody asked.
		false: {{}, {"asked_to_leave": false}},
	} {
		for _, with := range all {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
			h.now = instant("2026-11-25T12:00:00Z")
			fields := visit("north.c1", "2026-11-25T10:00:00Z", "left_when_asked", false)
			maps.Copy(fields, with)
			h.want("the visit", h.phone("ana", "d1").pushAt(write("visits", "v1", "put", 0, fields))[0], "applied")
			var v record.Visit
			h.stored("visits", "v1", &v)
			if slices.Contains(v.Flags, "stayed_when_asked") != flagged {
				t.Errorf("%v is flagged %v", with, v.Flags)
			}
		}
	}
}
