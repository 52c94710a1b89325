package casework

import (
	"context"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"

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
