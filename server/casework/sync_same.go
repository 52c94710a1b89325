package casework

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"

	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// said is what is kept of a record's fields as a phone sent them: equal for two
// spellings of the same, and of no use to whoever lacks the key.
func (s *Service) said(fields json.RawMessage) string {
	h := s.vault.Hash("said", offline.Canonical(fields))
	return hex.EncodeToString(h[:16])
}

// same tells whether a mutation says what the record says already: what was sent
// when it was made, or what phones are shown of it.
func (c mutation) same(ctx context.Context, t *turn, rec journal.Record, said string) (bool, error) {
	if rec.Type == "plans" {
		var p record.Plan
		if err := decode(rec, &p); err != nil {
			return false, err
		}
		// A plan that somebody ended is not what is proposed once more.
		if p.State != record.PlanOffered && p.State != record.PlanAccepted || p.ApprovalState == record.ApprovalRejected {
			return false, nil
		}
	}
	if c.m.Op == "put" && said == t.svc.said(c.m.Fields) {
		return true, nil
	}
	doc, err := t.svc.shown(ctx, rec)
	if err != nil {
		return false, err
	}
	if rec.No > 0 {
		doc["visit_no"] = rec.No
	}
	if c.m.Op == "patch" {
		var named map[string]any
		if json.Unmarshal(c.m.Fields, &named) != nil {
			return false, nil
		}
		maps.DeleteFunc(doc, func(name string, _ any) bool { _, ok := named[name]; return !ok })
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return false, err
	}
	return bytes.Equal(offline.Canonical(text), offline.Canonical(c.m.Fields)), nil
}

// wholePlan is a patch of a plan as the put it amounts to.
func (c mutation) wholePlan(ctx context.Context, t *turn) (*offline.Mutation, error) {
	rec, _, err := t.r.Doc(ctx, "plans", c.m.ID)
	if err != nil {
		return nil, err
	}
	doc, err := t.svc.shown(ctx, rec)
	if err != nil {
		return nil, err
	}
	for _, name := range planServerFields {
		delete(doc, name)
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(c.m.Fields, &named); err != nil {
		return c.m, nil // refused when it is read
	}
	for name, v := range named {
		doc[name] = v
	}
	m := *c.m
	m.Fields, err = json.Marshal(doc)
	return &m, err
}
