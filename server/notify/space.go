package notify

import (
	"context"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// space keeps the alerts of a device a minute apart: of those due it gives the ones that may go now,
// and has the others wait. What waits for another attempt makes way for a newer alert of its device,
// which tells of both and waits as long; marks say so.
func (o *Outbox) space(ctx context.Context, b auth.BranchID, work []Alert) (marks []Mark, now []Alert, err error) {
	at := o.journal.Now()
	gone := map[string]bool{}
	for _, n := range work {
		if n.Status != Pending {
			continue
		}
		until := o.retry[n.ID].at
		under, err := o.ofDevice(ctx, b, n.Device, Sending, false, batch)
		if err != nil {
			return nil, nil, err
		}
		for _, old := range under {
			if r := o.retry[old.ID]; r.at.After(until) {
				until = r.at
			}
			delete(o.retry, old.ID)
			gone[old.ID] = true
			marks = append(marks, Mark{ID: old.ID, Status: Replaced, Reason: "newer_alert", Attempts: old.Attempts})
		}
		for _, status := range []string{Sent, Unknown} {
			last, err := o.ofDevice(ctx, b, n.Device, status, true, 1)
			if err != nil {
				return nil, nil, err
			}
			for _, l := range last {
				if next := l.DoneAt.Add(apart); next.After(until) {
					until = next
				}
			}
		}
		if until.After(at) {
			o.retry[n.ID] = retry{at: until, attempts: n.Attempts, branch: b}
			gone[n.ID] = true
		}
	}
	for _, n := range work {
		if !gone[n.ID] {
			now = append(now, n)
		}
	}
	return marks, now, nil
}

// ofDevice reads alerts of a device in one status, by time.
func (o *Outbox) ofDevice(ctx context.Context, b auth.BranchID, d auth.DeviceID, status string, desc bool, limit int) (
	[]Alert, error) {
	f, err := o.store.Find(ctx, journal.Query{Branch: b, Type: ByDevice.Type, Index: ByDevice.Name,
		Eq: []any{string(d), status}, Desc: desc, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := make([]Alert, len(f.Records))
	for i, rec := range f.Records {
		if out[i], err = decode(rec); err != nil {
			return nil, err
		}
	}
	return out, nil
}
