package casework

import (
	"context"
	"fmt"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/offline"

	"github.com/google/uuid"
)

// restored has a branch's journal say that a backup was restored.
func (h *fixture) restored(backupAt, at string) {
	h.t.Helper()
	ok(h.t, h.svc.journal.BeginEpoch(context.Background(), porto, "restore:"+at, journal.Restore{At: instant(at),
		BackupAt: instant(backupAt), Epoch: "e2"}))
}

// TestP8WhatIsSentAgainAfterARestoreIsTakenWithItsOwnTime restores a backup of the evening of the 26th on the 5th of
// December. What was written between and acknowledged may be lost: phones send it again for 30 days, and it is not
// late.
func TestP8WhatIsSentAgainAfterARestoreIsTakenWithItsOwnTime(t *testing.T) {
	const of, day = "north.c1", "2026-11-25"
	for name, c := range map[string]struct {
		at, written, arrives, want, flags string
	}{
		"of the week before the backup": {day + "T12:00:00Z", day + "T12:05:00Z", "2026-12-06T07:00:00Z", "applied",
			"after_day sent_again"},
		"three weeks after the restore": {day + "T12:00:00Z", day + "T12:05:00Z", "2026-12-26T07:00:00Z", "applied",
			"after_day sent_again"},
		"31 days after the restore": {day + "T12:00:00Z", day + "T12:05:00Z", "2027-01-05T13:00:00Z", "revoked", ""},
		"written a day and more after the visit": {day + "T12:00:00Z", "2026-11-27T07:00:00Z", "2026-12-06T07:00:00Z",
			"applied", "after_day backdated sent_again"},
		"written after the restore": {day + "T12:00:00Z", "2026-12-05T10:00:00Z", "2026-12-06T07:00:00Z", "revoked", ""},
		"that does not say when":    {day + "T12:00:00Z", "", "2026-12-06T07:00:00Z", "revoked", ""},
		"of a day that was not the agent's": {"2026-11-27T12:00:00Z", "2026-11-27T12:05:00Z",
			"2026-12-06T07:00:00Z", "revoked", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", day, []auth.UserID{"ana"}, of)
			h.now = instant("2026-11-26T07:00:00Z")
			h.retire("2026-11-26", "retire")
			h.restored("2026-11-26T20:00:00Z", "2026-12-05T08:00:00Z")
			h.now = instant(c.arrives)
			m := write("visits", "x1", "put", 0, visit(of, c.at))
			if c.written != "" {
				m.ClientTS = instant(c.written)
			}
			ana := h.phone("ana", "d1")
			r := ana.pushAt(m)[0]
			h.want("it", r, c.want)
			if c.want == "revoked" {
				if r.Quarantine == "" {
					t.Error("it is lost")
				}
				return
			}
			if got := h.flags("x1"); got != c.flags {
				t.Errorf("flags are %q, want %q", got, c.flags)
			}
			h.want("again", ana.pushAt(m)[0], "duplicate")
		})
	}
}

// TestARequirementIsWaitedForAfterARestore has a child come before its parent, which the backup lost.
func TestARequirementIsWaitedForAfterARestore(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.restored("2026-11-25T06:00:00Z", "2026-12-05T08:00:00Z")
	m := write("visit_notes", "n1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "x"})
	m.Requires, m.ClientTS = []string{uuid.NewString()}, instant("2026-11-25T10:00:00Z")
	for _, c := range []struct{ at, want string }{{"2026-12-12T07:59:00Z", "retry"},
		{"2026-12-12T08:01:00Z", "rejected requires_missing"}} {
		h.now = instant(c.at)
		h.want(c.at, h.phone("ana", "d1").pushAt(m)[0], c.want)
	}
}

// A restore of which nothing tells when the backup was made may have lost what phones keep: 30 days, and a week of
// lateness before.
func TestARestoreWithoutItsBackupsTime(t *testing.T) {
	at := instant("2026-12-05T08:00:00Z")
	s := []lostSpan{spanOf(journal.Restore{At: at})}
	if other := spanOf(journal.Restore{At: at, BackupAt: at.Add(time.Hour)}); other != s[0] {
		t.Errorf("a backup of after the restore: %v", other)
	}
	for _, c := range []struct {
		written, received time.Time
		want              bool
	}{
		{at.AddDate(0, 0, -37), at, true},
		{at.AddDate(0, 0, -37).Add(-time.Second), at, false},
		{at, at.AddDate(0, 0, 30), true},
		{at, at.AddDate(0, 0, 30).Add(time.Second), false},
		{at.Add(time.Second), at.Add(time.Minute), false},
		{at.Add(-time.Hour), at.Add(-time.Minute), false},
	} {
		if got := isOfferedAgain(s, c.written, c.received); got != c.want {
			t.Errorf("written %s, received %s: %t", c.written, c.received, got)
		}
	}
}

// TestP8AnOlderChangeUndoesNoNewerOne restores a backup in which a stop and a plan stand at their second revision and a
// draft at its first. Phones come with what they wrote on revisions of the history that was lost, and with what they
// write now.
func TestP8AnOlderChangeUndoesNoNewerOne(t *testing.T) {
	const stop = "a-c1-2026-11-25-r1"
	type step struct {
		phone string // one and two are ana's, three is rui's
		m     offline.Mutation
		want  string
	}
	before, after := instant("2026-11-25T07:00:00Z"), instant("2026-11-25T09:00:00Z")
	patch := func(typ, id string, base uint64, written time.Time, f members) offline.Mutation {
		m := write(typ, id, "patch", base, f)
		m.ClientTS = written
		return m
	}
	remark := func(base uint64, written time.Time, text string) offline.Mutation {
		return patch("assignments", stop, base, written, members{"agent_remark": text})
	}
	content := func(base uint64, written time.Time, text string) offline.Mutation {
		return patch("drafts", "w1", base, written, members{"content": members{"text": text}})
	}
	terms := func(base uint64, written time.Time, day string) offline.Mutation {
		return patch("plans", "p1", base, written,
			members{"request": promiseOn(day)})
	}
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"what was lost comes after what is new": {[]step{
			{"two", remark(2, after, "new"), "applied"},
			{"one", remark(2, before, "lost"), "conflict stale"},
			{"one", remark(3, before, "lost, on a revision that is another one now"), "conflict stale"},
			{"one", remark(4, before, "lost, on a revision that is not there"), "conflict stale"},
		}, "new"},
		"a phone that was away writes on what was lost": {[]step{
			{"two", remark(2, after, "new"), "applied"},
			{"one", remark(3, after, "of a phone that knows of no restore"), "conflict stale"},
		}, "new"},
		"two phones come in the order in which they wrote": {[]step{
			{"one", remark(2, before, "first"), "applied"},
			{"three", remark(3, before, "second"), "applied"},
			{"one", remark(4, before, "third"), "applied"},
		}, "third"},
		"two phones come in another order": {[]step{
			{"three", remark(3, before, "second"), "applied"},
			{"one", remark(2, before, "first"), "conflict stale"},
		}, "second"},
		"a phone's own writes, and then another's that has not seen them": {[]step{
			{"one", remark(2, before, "first"), "applied"},
			{"one", remark(2, before, "second"), "applied"},
			{"three", remark(2, after, "third"), "conflict stale"},
		}, "second"},
		"a draft": {[]step{
			{"one", content(1, after, "new"), "applied"},
			{"two", content(2, before, "lost"), "conflict stale"},
			{"one", content(1, after, "newer"), "applied"},
		}, "newer"},
		"a plan": {[]step{
			{"one", terms(2, after, "2026-12-22"), "applied"},
			{"two", terms(3, before, "2026-12-23"), "conflict stale"},
			{"one", terms(1, after, "2026-12-24"), "applied"},
			{"one", terms(1, after, "2026-12-26"), "applied"},
		}, "2026-12-26"},
	} {
		t.Run(name, func(t *testing.T) {
			h, one, two, three, _ := ruled(t)
			h.want("a plan", one.put("plans", "p1", offered), "applied")
			h.want("the plan again", one.push(terms(1, before, "2026-12-21"))[0], "applied")
			h.want("a remark", one.push(remark(1, before, "kept"))[0], "applied")
			h.want("a draft", one.put("drafts", "w1", draft(members{"text": "begun"})), "applied")
			h.svc.lost.Clear() // a server starts after a restore
			h.restored("2026-11-25T06:00:00Z", "2026-11-25T08:00:00Z")
			phones := map[string]*phone{"one": one, "two": two, "three": three}
			h.now = after
			for i, s := range c.steps {
				h.want(fmt.Sprint(i), phones[s.phone].push(s.m)[0], s.want)
			}
			one.pull()
			got := map[string]any{"assignments": one.docs["assignments"][stop]["agent_remark"],
				"drafts": one.docs["drafts"]["w1"]["content"].(map[string]any)["text"],
				"plans":  one.docs["plans"]["p1"]["instalments"].([]any)[0].(map[string]any)["due_on"]}
			if typ := c.steps[0].m.Type; got[typ] != c.want {
				t.Errorf("the record of %s has %q, want %q", typ, got[typ], c.want)
			}
		})
	}
}
