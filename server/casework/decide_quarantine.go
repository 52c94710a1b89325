package casework

import (
	"context"
	"encoding/json"

	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// HandleQuarantine decides on something a phone sent that was not applied:
// accepted, it is recorded now for the agent who sent it; dismissed, it is kept and closed.
type HandleQuarantine struct {
	ID     string
	Accept bool
	Note   string // why; never personal data
}

// QuarantineReceipt answers HandleQuarantine.
type QuarantineReceipt struct {
	ID    string `json:"quarantine_id"`
	State string `json:"state"`
}

func (c HandleQuarantine) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "quarantine", c.ID)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, refuse(NotFound, "quarantine.not_found", "id", "there is no such item here")
	}
	var q Quarantined
	if err := decode(rec, &q); err != nil {
		return nil, err
	}
	if len(c.Note) > 200 {
		return nil, refuse(Invalid, "quarantine.note", "note", "at most 200 bytes")
	}
	want := "dismissed"
	if c.Accept {
		want = "accepted"
	}
	d := t.draft("quarantine." + want)
	if q.State != "open" {
		if q.State != want {
			return nil, refuse(Conflict, "quarantine.handled", "id", "this was %s already", q.State)
		}
		d.reply = QuarantineReceipt{c.ID, q.State}
		return d.nothing(), nil
	}
	if c.Accept {
		if err := t.open(ctx, "quarantine", c.ID, q.Debtor, &q); err != nil {
			return nil, err
		}
		if q.Fields.IsErased() {
			return nil, refuseErased("id")
		}
		if d, err = t.acceptQuarantined(ctx, &q); err != nil {
			return nil, err
		}
		d.next("quarantine." + want)
	}
	q.State, q.By, q.Note = want, t.Actor.User, c.Note
	d.put("quarantine", c.ID, q.Debtor, &q)
	d.reply = QuarantineReceipt{c.ID, q.State}
	return d, nil
}

// acceptQuarantined records what the phone had sent.
func (t *turn) acceptQuarantined(ctx context.Context, q *Quarantined) (*draftBuilder, error) {
	if q.Outcome == offline.Conflict && q.Type == "assignments" || phoneTypes[q.Type].Policy == "" || phoneTypes[q.Type].Policy == offline.ServerOwned {
		return nil, refuse(Conflict, "quarantine.not_applicable", "id", "this cannot be recorded any more; read it and dismiss it")
	}
	fields := json.RawMessage(q.Fields.Plain())
	switch q.Type {
	case "visits":
		var in visitIn
		more, bad := readFields(fields, &in)
		if bad != nil {
			return nil, bad
		}
		v, bad := in.visit(more)
		if bad != nil {
			return nil, bad
		}
		v.Said = t.svc.said(fields)
		return RecordVisit{ID: q.Record, Visit: v, By: q.Agent, Flags: []string{"from_quarantine"}}.decide(ctx, t)
	case "plans":
		var in planIn
		more, bad := readFields(fields, &in)
		if bad != nil {
			return nil, bad
		}
		p, bad := in.plan(more)
		if bad != nil {
			return nil, bad
		}
		p.Said = t.svc.said(fields)
		// The other version stands under the record's id; this one becomes a plan of its own.
		id := q.Record
		rec, there, err := t.r.Doc(ctx, "plans", id)
		if err != nil {
			return nil, err
		}
		if there {
			if p.Case == "" {
				var was Plan
				if err := decode(rec, &was); err != nil {
					return nil, err
				}
				p.Case = was.Case
			}
			id = madeID("p", q.Mid)
		}
		return ProposePlan{ID: id, Plan: p, By: q.Agent}.decide(ctx, t)
	}
	state, bad := readEvidence(q.Type, fields, t.svc.said(fields))
	if bad != nil {
		return nil, bad
	}
	return recordEvidence{q.Type, q.Record, state, q.Agent, 0}.decide(ctx, t)
}

func (c HandleQuarantine) refs() []journal.DocRef {
	return []journal.DocRef{{Type: "quarantine", ID: c.ID}}
}
