package casework

import (
	"context"
	"encoding/json"
	"slices"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// HandleQuarantine decides on something a phone sent that was not applied:
// accepted, it is recorded now for the agent who sent it; dismissed, it is kept and closed.
type HandleQuarantine struct {
	ID     string
	Accept bool
	// Corrected are members that take the place of those the phone sent, one JSON object (record's
	// Kind.ReadMended); nil to accept it as it was sent. Times are by the server's clock.
	Corrected json.RawMessage
	Note      string // why; required with Corrected
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
	mends := len(c.Corrected) > 0 && string(c.Corrected) != "null"
	if mends && (!c.Accept || c.Note == "") {
		return nil, refuse(refusal.Invalid, "quarantine.note", "note",
			"members are corrected when an item is accepted, and the note says why")
	}
	want := "dismissed"
	if c.Accept {
		want = "accepted"
	}
	d := t.draft("quarantine." + want)
	if err := t.open(ctx, "quarantine", c.ID, q.Debtor, &q); err != nil {
		return nil, err
	}
	if q.State != "open" && q.State != quarantineWaiting {
		if q.State != want || mends && !q.Corrected.IsErased() && !offline.SameJSON(q.Corrected.Plain(), c.Corrected) {
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
		if q.Agent == t.Actor.User {
			return nil, refuse(refusal.Forbidden, "quarantine.own", "id",
				"another supervisor must accept what you sent yourself")
		}
		if d, err = c.accept(ctx, t, &q); err != nil {
			return nil, err
		}
		d.next("quarantine." + want)
	}
	q.State, q.By, q.HandledAt, q.Note = want, t.Actor.User, t.At, seal.NewText(c.Note)
	d.put("quarantine", c.ID, q.Debtor, &q)
	d.reply = QuarantineReceipt{c.ID, q.State}
	return d, nil
}

// accept records what the phone had sent, as corrected.
func (c HandleQuarantine) accept(ctx context.Context, t *turn, q *record.Quarantined) (*draftBuilder, error) {
	if q.Type == "" {
		// A copy that waited: an update may have brought its type since.
		if kind, known := t.svc.kindOf(q.TypeSaid.Plain()); known {
			q.Type, q.TypeSaid = kind.Name, seal.Text{}
		}
	}
	kind, _ := t.svc.kindOf(q.Type)
	if kind.Action == "" {
		return nil, refuse(refusal.Conflict, "quarantine.not_applicable", "id",
			"this cannot be recorded any more; read it and dismiss it")
	}
	parts, err := t.partsOf(ctx, c.ID, q)
	if err != nil {
		return nil, err
	}
	text, erased := payloadOf(q, parts)
	if erased {
		return nil, refuseErased("id")
	}
	m, err := c.mend(kind, t, q, text)
	if err != nil {
		return nil, err
	}
	from := sender{id: q.Record, monoMs: q.MonoMs,
		from: record.Sent{By: q.Agent, Device: q.Device, Received: q.At, Written: q.Written, SkewS: q.SkewS,
			NotAfter: q.NotAfter, Admitted: m.Admission(c.ID, t.Actor.User, t.At, c.Note), Claimed: m.Claimed,
			MendedAt: !m.At.Equal(m.Claimed)},
		flags: []string{"from_quarantine"}}
	if q.Origin != nil {
		// A phone of another branch made the ids: records of other debtors may have them here.
		p := &placing{turn: t, move: &relocation{Move: record.Move{From: q.Origin.Branch,
			Debtors: []journal.DebtorID{q.Debtor}}}}
		if from.id, err = p.place(ctx, q.Type, q.Record); err != nil {
			return nil, err
		}
		if err := p.rename(ctx, m.State); err != nil {
			return nil, err
		}
	}
	// Another record may stand under the id: this one becomes one of its own.
	var of journal.CaseID
	rec, there, err := t.r.Doc(ctx, q.Type, from.id)
	if err != nil {
		return nil, err
	}
	if there {
		var was owned
		if err := decode(rec, &was); err != nil {
			return nil, err
		}
		of, from.id = was.Case, madeID("q", c.ID)
	}
	cmd, about, bad := from.command(kind, m.State, of)
	if bad != nil {
		return nil, bad
	}
	d, err := cmd.decide(ctx, t)
	if err != nil {
		return nil, err
	}
	if m.Names != nil {
		if q.Corrected, err = seal.NewJSON(c.Corrected); err != nil {
			return nil, err
		}
	}
	q.Recorded = from.id
	return d, c.settleDebtor(ctx, t, d, q, parts, about)
}

// mend reads what the phone sent, with the corrected members.
func (c HandleQuarantine) mend(kind record.Kind, t *turn, q *record.Quarantined, text string) (record.Mended, error) {
	corrected := c.Corrected
	if len(corrected) == 0 || string(corrected) == "null" {
		corrected = json.RawMessage("{}")
	}
	m, bad := kind.ReadMended(json.RawMessage(text), corrected, t.At)
	switch {
	case bad != nil:
		return m, bad
	case slices.Contains(m.Names, "case") && q.Debtor != agentKey(q.Agent):
		return m, refuse(refusal.Conflict, "quarantine.case", "corrected",
			"this is about a case that is known: what was said of one debtor is not put into another's file")
	case !m.At.Equal(m.Claimed) && m.At.After(q.At):
		return m, refuse(refusal.Invalid, "validation.at", "corrected",
			"write a time by the server's clock, before the phone sent this (at)")
	}
	return m, nil
}

// settleDebtor seals an item anew that was about no case we had, once it is: it shares the
// debtor's erasure from then on.
func (c HandleQuarantine) settleDebtor(ctx context.Context, t *turn, d *draftBuilder, q *record.Quarantined,
	parts []record.QuarantinePart, of journal.CaseID) error {
	if q.Debtor != agentKey(q.Agent) {
		return nil
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(of))
	if err != nil || !there {
		return err
	}
	var k record.Case
	if err := decode(rec, &k); err != nil {
		return err
	}
	seal.Renew(q)
	q.Case, q.Debtor = of, k.Debtor
	for n := range parts {
		seal.Renew(&parts[n])
		parts[n].Debtor = k.Debtor
	}
	if len(parts) > 0 {
		d.next("quarantine.accepted")
		d.putParts(c.ID, parts)
	}
	return nil
}

func (c HandleQuarantine) refs() []journal.DocRef {
	return []journal.DocRef{{Type: "quarantine", ID: c.ID}}
}
