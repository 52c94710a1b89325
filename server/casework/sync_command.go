package casework

import (
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// sender says where a report on its way to its command comes from, read into a state
// of its kind.
type sender struct {
	id   string
	base uint64
	from record.Sent
	// monoMs is the phone's monotonic clock.
	monoMs int64
	flags  []string
}

// command is the domain's command for a state that was read, and the case it is about.
// A plan that names no case stays with of, the case of the record as it stands.
func (s sender) command(kind record.Kind, state any, of journal.CaseID) (Cmd, journal.CaseID, *refusal.Error) {
	switch v := state.(type) {
	case *record.Visit:
		return RecordVisit{ID: s.id, Visit: v, MonoMs: s.monoMs, From: s.from, Flags: s.flags}, v.Case, nil
	case *record.Plan:
		if v.Case == "" {
			v.Case = of
		}
		return ProposePlan{ID: s.id, Base: s.base, Plan: v, From: s.from}, v.Case, nil
	case evidence:
		return recordEvidence{kind, s.id, v, s.from}, v.CaseOf(), nil
	}
	return nil, "", refuse(refusal.Invalid, offline.CodeUnknownType, "type", "%s", notWritten)
}

// notWritten refuses a type of which phones do not write records, and names the others.
var notWritten = "phones do not write records of this type; they write " + strings.Join(writtenTypes(), ", ")

func writtenTypes() []string {
	var out []string
	for _, k := range record.Kinds() {
		if k.ReportMembers() != nil {
			out = append(out, k.Name)
		}
	}
	return out
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
		p.id, p.by = m.ID, c.write(t, cur.Rev)
		return p, of, bad
	}
	s := sender{id: m.ID, base: cur.Rev, from: c.sent(t), monoMs: m.MonoMs}
	return s.command(kind, state, of)
}

// write says where in the history of a record that stands at a revision a mutation writes.
func (c mutation) write(t *turn, rev uint64) record.Write {
	return record.Write{Device: c.push.caller.Device, Base: c.m.Base, Rev: t.r.NextRev(rev), Before: c.isBefore(t)}
}

// sent says how a mutation came.
func (c mutation) sent(t *turn) record.Sent {
	s := c.push.sent(c.m, t.At)
	s.Again = !s.Written.IsZero() && isOfferedAgain(c.push.lost, s.Recorded(), t.At)
	return s
}

// sent says how a mutation of the push came, received at an instant.
func (p *push) sent(m *offline.Mutation, received time.Time) record.Sent {
	return record.Sent{By: p.caller.Actor.User, Device: p.caller.Device, Received: received, Written: m.ClientTS,
		SkewS: p.caller.SkewS, NotAfter: p.notAfter[m]}
}

// mostUptime bounds what is believed of a phone's monotonic clock.
const mostUptime = 60 * 24 * time.Hour

// notAfter gives for each mutation the latest instant at which it can have been written, by
// the server's clock: the time of the push less what the phone's monotonic clock ran on until
// a later mutation of the push was written. A restart of the phone sets that clock to nothing,
// so it never shows more time than passed.
func notAfter(ms []offline.Mutation, pushed time.Time) map[*offline.Mutation]time.Time {
	out := map[*offline.Mutation]time.Time{}
	var latest int64 // the highest reading after the mutation
	for i := range slices.Backward(ms) {
		m := &ms[i]
		ran := time.Duration(max(0, min(latest-m.MonoMs, int64(mostUptime/time.Millisecond)))) * time.Millisecond
		if m.MonoMs > 0 && ran > 0 {
			out[m] = pushed.Add(-ran)
		}
		if m.MonoMs > latest && time.Duration(m.MonoMs) <= mostUptime/time.Millisecond {
			latest = m.MonoMs
		}
	}
	return out
}
