package casework

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"doorstep/server/record"
	"doorstep/sync/journal"
)

// waitedLong tells whether a mutation was written so long ago that what it requires will not
// come any more, as far as it says: by its client_ts, or else by the time in its mid. One that
// says neither waits as long as its phone sends it.
func (c mutation) waitedLong(t *turn) bool {
	said := c.m.Written()
	if said.IsZero() {
		return false
	}
	written, _ := c.sent(t).Instant(said)
	return t.At.Sub(waitedSince(c.push.lost, written)) > record.LateWindow
}

// isBefore tells whether a mutation was written before the branch was last restored, as far as it says.
func (c mutation) isBefore(t *turn) bool {
	said := c.m.Written()
	if said.IsZero() {
		return false
	}
	written, _ := c.sent(t).Instant(said)
	return waitedSince(c.push.lost, written).After(written)
}

// isLateWork tells whether a mutation brings what the caller did on a day when the case was
// theirs: the day is over, the case was not taken back, it happened on that day, and it comes
// within record.LateWindow of it. Consents given, plans and reported payments need the case
// itself: brought late, they wait for a supervisor.
func (c mutation) isLateWork(ctx context.Context, t *turn, id journal.CaseID) (bool, error) {
	t.r.Depend(journal.CaseKey(id))
	var said struct {
		At      time.Time `json:"at"`
		CheckIn struct {
			At time.Time `json:"at"`
		} `json:"check_in"`
		Status string `json:"status"`
	}
	if json.Unmarshal(c.m.Fields, &said) != nil {
		return false, nil
	}
	switch c.m.Type {
	case "plans", "payments_reported":
		return false, nil
	case "consents":
		if said.Status == "given" {
			return false, nil
		}
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil || !there {
		return false, err
	}
	var k record.Case
	if err := decode(rec, &k); err != nil {
		return false, err
	}
	at := said.At
	if at.IsZero() {
		at = said.CheckIn.At
	}
	if c.m.Type == "assignments" || at.IsZero() {
		at = c.m.ClientTS
	}
	sent := c.sent(t)
	at, _ = sent.Instant(at)
	on := t.svc.zones.dayAt(at, k.TimeZone)
	var as []Filed[record.Assignment]
	if err := allInto(ctx, t.r, &as, AssignmentsByCase, string(id)); err != nil {
		return false, err
	}
	return slices.ContainsFunc(as, func(a Filed[record.Assignment]) bool {
		return a.State.DayOver() && slices.Contains(a.State.Agents, t.Actor.User) && a.State.Date == on &&
			!sent.Late(at)
	}), nil
}
