package casework

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// cause is what an agent is to be alerted of.
type cause struct {
	user    auth.UserID
	kind    string
	rounds  []string  // of new tasks
	expires time.Time // of no use afterwards
}

// alert has the devices of agents told that something about a stop has changed for them. One
// alert a device comes of it, however many stops a command is about.
func (d *draftBuilder) alert(kind string, a *record.Assignment, agents ...auth.UserID) {
	// Whole hours, so that the stops of a day rarely differ. What is revoked late is told all the same.
	expires := a.Window.To.UTC().Truncate(time.Hour).Add(time.Hour)
	if until := d.At.Truncate(time.Hour).Add(2 * time.Hour); kind == record.AlertRevoked && expires.Before(until) {
		expires = until
	}
	for _, user := range agents {
		c := cause{user: user, kind: kind, expires: expires}
		if kind == record.AlertNew {
			c.rounds = []string{a.Round}
		}
		i := slices.IndexFunc(d.alerts, func(x cause) bool { return x.user == user })
		if i < 0 {
			d.alerts = append(d.alerts, c)
			continue
		}
		d.alerts[i].join(c)
	}
}

// alertChange alerts the agents of an assignment that has changed: those who had it already, those who have
// it now, and those who have it no more.
func (d *draftBuilder) alertChange(a *record.Assignment, had []auth.UserID) {
	for _, agent := range a.Agents {
		kind := record.AlertNew
		if slices.Contains(had, agent) {
			kind = record.AlertChanged
		}
		d.alert(kind, a, agent)
	}
	for _, agent := range had {
		if !slices.Contains(a.Agents, agent) {
			d.alert(record.AlertRevoked, a, agent)
		}
	}
}

// join tells of both causes at once.
func (c *cause) join(other cause) {
	c.kind = record.MoreUrgent(c.kind, other.kind)
	for _, r := range other.rounds {
		if !slices.Contains(c.rounds, r) {
			c.rounds = append(c.rounds, r)
		}
	}
	// An alert that never leaves, for lack of a provider, must not grow for ever.
	c.rounds = c.rounds[max(0, len(c.rounds)-mostRounds):]
	if c.expires.Before(other.expires) {
		c.expires = other.expires
	}
}

// mostRounds is how many rounds an alert may name, the last ones.
const mostRounds = 8

// alertsPerEntry bounds the alerts of an entry: they are in entries of their own.
const alertsPerEntry = 100

// tellDevices drafts an alert for each device of the agents that the command is to alert. One that
// waits for the device already tells of this too, and is written again only if that changes it.
// The device that sent the command knows.
func (t *turn) tellDevices(ctx context.Context, d *draftBuilder) error {
	if t.svc.devices == nil || len(d.alerts) == 0 {
		return nil
	}
	n := 0
	for _, c := range d.alerts {
		devices, err := t.call.devicesOf(ctx, c.user)
		if err != nil {
			return err
		}
		for _, dev := range devices {
			if dev.ID == d.Device {
				continue
			}
			id, a, err := t.alertFor(ctx, dev, c)
			if err != nil {
				return err
			}
			if a == nil {
				continue
			}
			if n%alertsPerEntry == 0 {
				d.next("alert.make")
			}
			n++
			d.put("alerts", id, "", a)
			d.write(record.AlertsKey(dev.ID))
		}
	}
	return nil
}

// alertFor is the alert of a device that tells of a cause, to be written; nil if the one that
// waits does so as it is.
func (t *turn) alertFor(ctx context.Context, dev auth.Device, c cause) (string, *record.Alert, error) {
	t.r.Depend(record.AlertsKey(dev.ID))
	waiting, err := t.r.All(ctx, AlertsByDevice, string(dev.ID), record.AlertPending)
	if err != nil {
		return "", nil, err
	}
	for _, rec := range waiting {
		var a record.Alert
		if err := decode(rec, &a); err != nil {
			return "", nil, err
		}
		if a.User != dev.User {
			continue // the device has changed hands
		}
		now := cause{kind: a.Kind, rounds: slices.Clone(a.Rounds), expires: a.Expires}
		now.join(c)
		if now.kind == a.Kind && slices.Equal(now.rounds, a.Rounds) && now.expires.Equal(a.Expires) {
			return "", nil, nil
		}
		a.Kind, a.Rounds, a.Expires = now.kind, now.rounds, now.expires
		return rec.ID, &a, nil
	}
	// One whose sending is under way may not have arrived: the newer takes its place, and tells of both.
	under, err := t.r.All(ctx, AlertsByDevice, string(dev.ID), record.AlertSending)
	if err != nil {
		return "", nil, err
	}
	rounds := slices.Clone(c.rounds)
	for _, rec := range under {
		var a record.Alert
		if err := decode(rec, &a); err != nil {
			return "", nil, err
		}
		if a.User == dev.User {
			c.rounds = rounds
			c.join(cause{kind: a.Kind, rounds: a.Rounds, expires: a.Expires})
		}
	}
	id := madeID("n", t.Request.ID, string(dev.ID))
	if _, _, err := t.r.Doc(ctx, "alerts", id); err != nil {
		return "", nil, err
	}
	return id, &record.Alert{Kind: c.kind, Channel: "push", Device: dev.ID, User: dev.User, Branch: t.Branch,
		Rounds: c.rounds, Status: record.AlertPending, At: t.At, Expires: c.expires}, nil
}

// devicesOf reads the devices of an agent to alert, once for all requests of the call.
func (c *call) devicesOf(ctx context.Context, user auth.UserID) ([]auth.Device, error) {
	if known, ok := c.devices[user]; ok {
		return known, nil
	}
	found, err := c.svc.devices.Of(ctx, []auth.UserID{user})
	if err != nil {
		return nil, err
	}
	if c.devices == nil {
		c.devices = map[auth.UserID][]auth.Device{}
	}
	c.devices[user] = found
	return found, nil
}

// RetryAlert has an alert that was given up sent again.
type RetryAlert struct {
	ID string
}

// AlertReceipt answers RetryAlert.
type AlertReceipt struct {
	Alert string `json:"alert"`
}

func (c RetryAlert) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	a, err := t.readAlert(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, refuse(refusal.NotFound, "alert.not_found", "id", "the branch has no such alert")
	}
	t.r.Depend(record.AlertsKey(a.Device))
	waiting, err := t.r.All(ctx, AlertsByDevice, string(a.Device), record.AlertPending)
	if err != nil {
		return nil, err
	}
	switch {
	case !record.AlertStep(a.Status, record.AlertPending):
		return nil, refuse(refusal.Conflict, "alert.state", "id",
			"only an alert that is dead can be sent again; this one is %s", a.Status)
	case !a.Expires.IsZero() && !t.At.Before(a.Expires):
		return nil, refuse(refusal.Conflict, "alert.expired", "id",
			"what the alert tells of is over; there is nothing left to be told")
	case len(waiting) > 0:
		return nil, refuse(refusal.Conflict, "alert.newer", "id",
			"a newer alert waits for the device, and takes the place of this one")
	}
	d := t.draft("alert.retry")
	a.Status, a.Reason, a.Attempts, a.DoneAt = record.AlertPending, "", 0, time.Time{}
	d.put("alerts", c.ID, "", a)
	d.write(record.AlertsKey(a.Device))
	d.reply = AlertReceipt{c.ID}
	return d, nil
}

// readAlert reads an alert; nil if there is none of the id.
func (t *turn) readAlert(ctx context.Context, id string) (*record.Alert, error) {
	rec, there, err := t.r.Doc(ctx, "alerts", id)
	if err != nil || !there {
		return nil, err
	}
	a := &record.Alert{}
	return a, decode(rec, a)
}
