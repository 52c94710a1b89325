package casework

import (
	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// sender says where a report on its way to its command comes from, read into a state
// of its kind, and who sent it.
type sender struct {
	id    string
	base  uint64
	by    auth.UserID
	skewS int64
	// monoMs is the phone's monotonic clock.
	monoMs int64
	flags  []string
}

// command is the domain's command for a state that was read, and the case it is about.
// A plan that names no case stays with of, the case of the record as it stands.
func (s sender) command(kind record.Kind, state any, of journal.CaseID) (Cmd, journal.CaseID, *refusal.Error) {
	switch v := state.(type) {
	case *record.Visit:
		return RecordVisit{ID: s.id, Visit: v, MonoMs: s.monoMs, SkewS: s.skewS, By: s.by, Flags: s.flags}, v.Case, nil
	case *record.Plan:
		if v.Case == "" {
			v.Case = of
		}
		return ProposePlan{ID: s.id, Base: s.base, Plan: v, By: s.by, SkewS: s.skewS}, v.Case, nil
	case evidence:
		return recordEvidence{kind, s.id, v, s.by, s.skewS}, v.CaseOf(), nil
	}
	return nil, "", refuse(refusal.Invalid, offline.CodeUnknownType, "type", "phones do not write records of this type")
}

// command is the domain's command for a mutation the policy allows, and the case it is about; of is the
// record's own case.
func (c mutation) command(t *turn, kind record.Kind, m *offline.Mutation, cur offline.Current, of journal.CaseID) (Cmd,
	journal.CaseID, *refusal.Error) {
	state, bad := kind.Read(m.Fields, t.At)
	if bad != nil {
		return nil, "", bad
	}
	if a, ok := state.(*record.Assignment); ok {
		p, bad := readPatch(kind, m.Fields, a)
		p.id, p.device, p.rev = m.ID, c.push.caller.Device, cur.Rev+1
		return p, of, bad
	}
	s := sender{id: m.ID, base: m.Base, by: c.push.caller.Actor.User, skewS: c.push.caller.SkewS, monoMs: m.MonoMs}
	return s.command(kind, state, of)
}
