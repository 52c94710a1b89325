package casework

import (
	"context"
	"encoding/json"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// correctable are the kinds of records that a supervisor may correct.
var correctable = []string{"visits", "visit_notes", "consents", "payments_reported"}

// CorrectRecord corrects what was recorded of a case, such as a visit: what was recorded stays, and a new record of
// the kind supersedes it, with the corrected members in the place of its own. The new one is by the user who made the
// first; its admitted says who corrected which members, and why.
type CorrectRecord struct {
	Case   journal.CaseID
	Kind   string
	Record string // the id of the one that is corrected
	ID     string // of the new one
	// Corrected are members that a phone may say, one JSON object; null takes a member away.
	Corrected json.RawMessage
	Reason    string
}

func (c CorrectRecord) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: c.Kind, ID: c.Record}, journal.DocRef{Type: c.Kind, ID: c.ID})
}

func (c CorrectRecord) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	kind, _ := record.KindOf(c.Kind)
	if bad := record.OneOf("record.type", "type", c.Kind, correctable); bad != nil {
		return nil, bad
	}
	if len(c.Reason) == 0 || len(c.Reason) > 200 {
		return nil, refuse(refusal.Invalid, "record.reason", "reason", "say why in 1 to 200 bytes")
	}
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	state := kind.New()
	var of owned
	rec, there, err := t.r.Doc(ctx, c.Kind, c.Record)
	if err == nil && there {
		err = decode(rec, &of)
	}
	if err != nil {
		return nil, err
	}
	if of.Case != f.Case.ID {
		return nil, refuse(refusal.NotFound, "record.not_found", "record", "the case has no such record")
	}
	if err := decode(rec, state); err != nil {
		return nil, err
	}
	if err := t.open(ctx, c.Kind, c.Record, f.Case.Debtor, state); err != nil {
		return nil, err
	}
	m, err := c.mend(kind, t, state)
	if err != nil {
		return nil, err
	}
	from := sender{id: c.ID, from: record.Sent{By: auth.UserID(of.By), Received: t.At, Claimed: m.Claimed,
		Admitted: m.Admission("", t.Actor.User, t.At, c.Reason), MendedAt: !m.At.Equal(m.Claimed)}}
	if v, ok := state.(*record.Visit); ok {
		from.monoMs = v.MonoMs
	}
	cmd, _, bad := from.command(kind, m.State, c.Case)
	if bad != nil {
		return nil, bad
	}
	d, err := cmd.decide(ctx, t)
	if err != nil {
		return nil, err
	}
	d.reply = EvidenceReceipt{c.Kind, c.ID}
	return d, nil
}

// mend reads the record with the corrected members.
func (c CorrectRecord) mend(kind record.Kind, t *turn, state any) (record.Mended, error) {
	link, err := json.Marshal(map[string]string{"supersedes": c.Record})
	if err != nil {
		return record.Mended{}, err
	}
	said, err := kind.Patched(state, link)
	if err != nil {
		return record.Mended{}, err
	}
	m, bad := kind.ReadMended(said, c.Corrected, t.At)
	switch {
	case bad != nil:
		return m, bad
	case len(m.Names) == 0:
		return m, refuse(refusal.Invalid, "record.same", "corrected", "the record says this already; nothing is corrected")
	case slices.Contains(m.Names, "supersedes") || slices.Contains(m.Names, "case"):
		return m, refuse(refusal.Invalid, "record.member", "corrected",
			"a correction stays with its case and its record; leave out case and supersedes")
	case m.At.After(t.At):
		return m, refuse(refusal.Invalid, "validation.at", "corrected", "write a time that does not lie in the future (at)")
	}
	return m, nil
}
