package casework

import (
	"context"
	"encoding/json"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
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
		return nil, refuse(refusal.NotFound, "quarantine.not_found", "id", "there is no such item here")
	}
	var q record.Quarantined
	if err := decode(rec, &q); err != nil {
		return nil, err
	}
	if len(c.Note) > 200 {
		return nil, refuse(refusal.Invalid, "quarantine.note", "note", "at most 200 bytes")
	}
	want := "dismissed"
	if c.Accept {
		want = "accepted"
	}
	d := t.draft("quarantine." + want)
	if q.State != "open" {
		if q.State != want {
			return nil, refuse(refusal.Conflict, "quarantine.handled", "id", "this was %s already", q.State)
		}
		d.reply = QuarantineReceipt{c.ID, q.State}
		return d.nothing(), nil
	}
	if m, err := t.moveOf(ctx, q.Debtor); err != nil {
		return nil, err
	} else if m.Away() {
		return nil, refuseMoved("id") // it is handed on
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
	q.State, q.By, q.Note = want, t.Actor.User, seal.NewText(c.Note)
	d.put("quarantine", c.ID, q.Debtor, &q)
	d.reply = QuarantineReceipt{c.ID, q.State}
	return d, nil
}

// acceptQuarantined records what the phone had sent.
func (t *turn) acceptQuarantined(ctx context.Context, q *record.Quarantined) (*draftBuilder, error) {
	kind, _ := record.KindOf(q.Type)
	if kind.Action == "" {
		return nil, refuse(refusal.Conflict, "quarantine.not_applicable", "id",
			"this cannot be recorded any more; read it and dismiss it")
	}
	state, bad := kind.Read(json.RawMessage(q.Fields.Plain()), t.At)
	if bad != nil {
		return nil, bad
	}
	from := sender{id: q.Record, from: record.Sent{By: q.Agent, Device: q.Device, Received: q.At,
		Written: q.Written, SkewS: q.SkewS},
		flags: []string{"from_quarantine"}}
	if q.Origin != nil {
		// A phone of another branch made the ids: records of other debtors may have them here.
		p := &placing{turn: t, move: &luggage{Move: record.Move{From: q.Origin.Branch,
			Debtors: []journal.DebtorID{q.Debtor}}}}
		var err error
		if from.id, err = p.place(ctx, q.Type, q.Record); err != nil {
			return nil, err
		}
		if err := p.rename(ctx, state); err != nil {
			return nil, err
		}
	}
	var of journal.CaseID
	if q.Type == "plans" {
		// The other version stands under the record's id; this one becomes a plan of its own.
		rec, there, err := t.r.Doc(ctx, "plans", from.id)
		if err != nil {
			return nil, err
		}
		if there {
			var was record.Plan
			if err := decode(rec, &was); err != nil {
				return nil, err
			}
			of, from.id = was.Case, madeID("p", q.Mid)
		}
	}
	cmd, _, bad := from.command(kind, state, of)
	if bad != nil {
		return nil, bad
	}
	return cmd.decide(ctx, t)
}

func (c HandleQuarantine) refs() []journal.DocRef {
	return []journal.DocRef{{Type: "quarantine", ID: c.ID}}
}
