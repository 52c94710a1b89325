package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// A mutation of a type that this server does not know comes from a newer app, or was sent while the server is being
// updated. It is answered not_yet and not decided, so that its mid is free: the phone keeps it and offers it again.
// A copy waits in quarantine, for the case that the phone is lost. It asks nothing of a supervisor.
const (
	// quarantineWaiting is the state of such a copy, and quarantineSettled that of one whose mutation came again and was
	// decided.
	quarantineWaiting = "waiting"
	quarantineSettled = "settled"
	// mostWaiting bounds the copies that wait for one agent, and mostWaitingBytes their size, which is that of the
	// largest record. The phone has what is not copied.
	mostWaiting      = 500
	mostWaitingBytes = 64 << 10
)

// notYet answers a mutation that an update of the server will decide. It leaves no trace.
func (c mutation) notYet(t *turn, detail string) *draftBuilder {
	return t.answer(mutationReceipt{Status: offline.NotYet, Code: offline.CodeUnknownType, Detail: detail})
}

// room is how many of the mutations that wait may be copied, the first ones. Pushes at the same time may exceed the
// bound by what they bring.
func (p *push) room(ctx context.Context, waiting []int) ([]int, error) {
	if len(waiting) == 0 {
		return nil, nil
	}
	found, err := p.svc.store.Find(ctx, journal.Query{Branch: p.caller.Branch, Type: "quarantine",
		Index: quarantineOfAgent.Name, Eq: []any{string(p.caller.Actor.User), quarantineWaiting}, Limit: mostWaiting})
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	return waiting[:min(len(waiting), mostWaiting-len(found.Records))], nil
}

// settleWaiting closes the copies of a mutation that has waited and is decided now. Only types that later versions
// brought are looked at, and what requires others: the rest never had to wait.
func (c mutation) settleWaiting(ctx context.Context, t *turn, d *draftBuilder) error {
	if kind, _ := c.push.svc.kindOf(c.m.Type); kind.Since <= 1 && len(c.m.Requires) == 0 || c.m.Bad != nil {
		return nil
	}
	for try := 1; try <= mostUnderOneMid; try++ {
		id := madeID("q", keptID(c.push.command(c.m.Mid), try))
		rec, there, err := t.r.Doc(ctx, "quarantine", id)
		if err != nil || !there {
			return err
		}
		var q record.Quarantined
		if err := decode(rec, &q); err != nil {
			return err
		}
		if q.State != quarantineWaiting {
			continue
		}
		q.State, q.HandledAt = quarantineSettled, t.At
		d.put("quarantine", id, q.Debtor, &q)
	}
	return nil
}

// earlier looks up the mutations of earlier pushes that these require: what was decided of them, or else that they
// wait for an update of the server.
func (p *push) earlier(ctx context.Context, ms []offline.Mutation) error {
	var mids, decided, waiting []string
	for i := range ms {
		for _, mid := range ms[i].Requires {
			mid = strings.ToLower(mid)
			mids, decided = append(mids, mid), append(decided, p.command(mid))
			waiting = append(waiting, keptID(p.command(mid), 1))
		}
	}
	if len(mids) == 0 {
		return nil
	}
	for _, commands := range [][]string{decided, waiting} {
		for _, b := range append([]auth.BranchID{p.caller.Branch}, p.formerly...) {
			receipts, err := p.svc.store.Receipts(ctx, b, commands)
			if err != nil {
				return fmt.Errorf("look up required mutations: %w", err)
			}
			for i, r := range receipts {
				if r.Command == "" || p.done[mids[i]] != "" {
					continue
				}
				var answer mutationReceipt
				if err := json.Unmarshal(r.Body, &answer); err != nil {
					return fmt.Errorf("read receipt of %s: %w", r.Command, err)
				}
				p.done[mids[i]] = answer.Status
			}
		}
	}
	return nil
}
