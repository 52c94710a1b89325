package casework

import (
	"context"
	"encoding/json"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/offline"
)

// patchAssignment changes the phone's own fields of an assignment.
type patchAssignment struct {
	id     string
	device auth.DeviceID
	rev    uint64
	status *string
	order  *int
	remark *string
	names  []string
}

// readPatch reads the phone's fields; null clears one.
func readPatch(fields json.RawMessage) (patchAssignment, *refusal.Error) {
	var in struct {
		Status *string `json:"agent_status"`
		Order  *int    `json:"visit_order"`
		Remark *string `json:"agent_remark"`
	}
	if _, bad := readFields(fields, &in); bad != nil {
		return patchAssignment{}, bad
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(fields, &names); err != nil {
		return patchAssignment{}, refuse(refusal.Invalid, offline.CodeFields, "fields", "this is not a JSON object")
	}
	p := patchAssignment{}
	empty, zero := "", 0
	for name := range names {
		p.names = append(p.names, name)
		switch name {
		case "agent_status":
			p.status = cmpPtr(in.Status, &empty)
		case "visit_order":
			p.order = cmpPtr(in.Order, &zero)
		case "agent_remark":
			p.remark = cmpPtr(in.Remark, &empty)
		}
	}
	slices.Sort(p.names)
	if p.status != nil {
		if err := record.Listed("agent_status", *p.status, record.AgentStatuses[:]); err != nil {
			return p, err
		}
	}
	if p.order != nil && (*p.order < 0 || *p.order > 1000) {
		return p, refuse(refusal.Invalid, "validation.visit_order", "visit_order", "between 0 and 1000")
	}
	if p.remark != nil && len(*p.remark) > 1000 {
		return p, refuse(refusal.Invalid, "validation.agent_remark", "agent_remark", "at most 1000 bytes")
	}
	return p, nil
}

func cmpPtr[T any](p, other *T) *T {
	if p != nil {
		return p
	}
	return other
}

func (c patchAssignment) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "assignments", c.id)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, refuse(refusal.NotFound, "assignment.not_found", "id", "there is no such assignment here")
	}
	var a record.Assignment
	if err := decode(rec, &a); err != nil {
		return nil, err
	}
	if _, err := t.file(ctx, a.Case, 0); err != nil {
		return nil, err
	}
	if c.status != nil {
		a.AgentStatus = *c.status
	}
	if c.order != nil {
		a.VisitOrder = *c.order
	}
	if c.remark != nil {
		a.AgentRemark = sealedText(*c.remark)
	}
	if a.Written == nil {
		a.Written = map[string]offline.FieldWrite{}
	}
	for _, name := range c.names {
		a.Written[name] = offline.FieldWrite{Rev: c.rev, Device: c.device}
	}
	d := t.draft("assignment.patch")
	d.putAssignment(c.id, &a)
	return d, nil
}
