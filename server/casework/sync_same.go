package casework

import (
	"context"
	"encoding/json"
	"fmt"

	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// same tells whether a mutation says what the record says already: member by
// member, by value, so that another spelling of a time or a number is the same, and
// an app may send back the whole of what it pulled.
func (c mutation) same(ctx context.Context, t *turn, kind record.Kind, rec journal.Record) (bool, error) {
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return false, err
	}
	if p, ok := state.(*record.Plan); ok {
		// A plan that was ended is not what is proposed once more.
		if p.State != record.PlanOffered && p.State != record.PlanAccepted || p.ApprovalState == record.ApprovalRejected {
			return false, nil
		}
	}
	if err := t.open(ctx, rec.Type, rec.ID, "", state); err != nil {
		return false, err
	}
	fields := c.m.Fields
	if c.m.Op == "patch" {
		whole, err := kind.Patched(state, fields)
		if err != nil {
			return false, err
		}
		fields = whole
	}
	sent, bad := kind.Read(fields, t.At)
	if bad != nil {
		return kind.WasSent(state, fields), nil // refused when it is recorded
	}
	return kind.Same(state, sent)
}

// sameRecord tells whether a mutation under a mid that is known is spelled otherwise and says what the agent's record
// says: an app that was updated may write members that are empty, or leave them out.
func (p *push) sameRecord(ctx context.Context, m *offline.Mutation) (bool, error) {
	kind, _ := record.KindOf(m.Type)
	if m.Bad != nil || m.Op != "put" || kind.Rules.Policy != offline.AppendOnly {
		return false, nil
	}
	branch := p.caller.Branch
	recs, err := p.svc.store.Records(ctx, branch, []journal.DocRef{{Type: m.Type, ID: m.ID}})
	if err != nil || len(recs) == 0 || recs[0].Type == "" {
		return false, err
	}
	state := kind.New()
	if err := decode(recs[0], state); err != nil {
		return false, err
	}
	taken := record.TakenOf(state)
	if taken == nil || taken.By != p.caller.Actor.User {
		return false, nil
	}
	if err := p.svc.vault.OpenDoc(ctx, taken.Debtor, branch, m.Type, m.ID, state); err != nil {
		return false, fmt.Errorf("open %s/%s: %w", m.Type, m.ID, err)
	}
	sent, bad := kind.Read(m.Fields, p.caller.At)
	if bad != nil {
		return false, nil
	}
	return kind.Same(state, sent)
}

// wholePlan is a patch of a plan as the put it amounts to.
func (c mutation) wholePlan(ctx context.Context, t *turn, kind record.Kind) (*offline.Mutation, error) {
	rec, _, err := t.r.Doc(ctx, "plans", c.m.ID)
	if err != nil {
		return nil, err
	}
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return nil, err
	}
	if err := t.open(ctx, rec.Type, rec.ID, "", state); err != nil {
		return nil, err
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(c.m.Fields, &object) != nil {
		return c.m, nil // refused when it is read
	}
	if p := state.(*record.Plan); object["request"] != nil {
		// What another request gave is computed anew, unless the patch says it.
		p.Instalments, p.TotalMinor = nil, 0
	}
	m := *c.m
	m.Fields, err = kind.Patched(state, c.m.Fields)
	return &m, err
}

// completed is the mutation of an app of an older version with what that version does not know of the record: it is not
// erased by sending back what was pulled (record.Kind.Completed).
func (c mutation) completed(ctx context.Context, t *turn, kind record.Kind) (mutation, error) {
	if c.push.caller.Schema >= record.Schema || c.m.Op == "delete" || kind.ReportMembers() == nil {
		return c, nil
	}
	rec, there, err := t.r.Doc(ctx, c.m.Type, c.m.ID)
	if err != nil || !there {
		return c, err
	}
	if at, err := c.standing(ctx, t, rec); err != nil || !at.inScope && !at.mine {
		return c, err
	}
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return c, err
	}
	if err := t.open(ctx, rec.Type, rec.ID, "", state); err != nil {
		return c, err
	}
	said, err := kind.Said(state)
	if err != nil {
		return c, err
	}
	m := *c.m
	if m.Fields, err = kind.Completed(said, m.Fields, c.push.caller.Schema, m.Op == "put"); err != nil {
		return c, err
	}
	return mutation{c.push, &m, c.m.Fields}, nil
}
