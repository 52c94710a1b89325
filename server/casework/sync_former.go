package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// An agent who was moved to another branch may still have on the phone what they wrote before. It is about debtors of
// the branch they have left: it is decided in that branch, by its rules on what comes late, and waits there if it is to
// be looked at. The supervisors of the new branch see nothing of it.

// Apply decides the mutations of one push, in order, as one conversation in each branch that they belong to (branches).
func (s *Service) Apply(ctx context.Context, c offline.Caller, ms []offline.Mutation) ([]offline.Result, error) {
	p := &push{svc: s, caller: c, done: map[string]string{}, notAfter: notAfter(ms, c.At)}
	var err error
	if s.agents != nil {
		if p.formerly, err = s.agents.Formerly(ctx, c.Actor.User); err != nil {
			return nil, fmt.Errorf("look up an agent's branches: %w", err)
		}
		p.formerly = slices.DeleteFunc(p.formerly, func(b auth.BranchID) bool { return b == c.Branch })
	}
	branches, err := p.branches(ctx, ms)
	if err != nil {
		return nil, err
	}
	out := make([]offline.Result, len(ms))
	// What was written in a former branch was written first.
	for _, b := range append(slices.Clone(p.formerly), c.Branch) {
		if !slices.Contains(branches, b) {
			continue
		}
		there := p.in(b)
		part, at := there.part(ms, branches)
		results, err := there.apply(ctx, part)
		if err != nil {
			return nil, err
		}
		if b != c.Branch {
			if err := p.forget(ctx, part, results); err != nil {
				return nil, err
			}
		}
		for k, i := range at {
			out[i] = results[k]
		}
	}
	return out, nil
}

// branches tells in which branch each mutation is to be decided: the one that has the case or the record it names, the
// present one first; of what no branch has, the one that the agent worked in when it was written.
func (p *push) branches(ctx context.Context, ms []offline.Mutation) ([]auth.BranchID, error) {
	out := make([]auth.BranchID, len(ms))
	if len(p.formerly) == 0 {
		for i := range out {
			out[i] = p.caller.Branch
		}
		return out, nil
	}
	var refs []journal.DocRef
	var of []int // whose each is
	for i := range ms {
		m := mutation{push: p, m: &ms[i]}
		if named := m.named(); named != "" {
			refs, of = append(refs, journal.DocRef{Type: "cases", ID: string(named)}), append(of, i)
		}
		if _, known := record.KindOf(ms[i].Type); known && ms[i].ID != "" {
			refs, of = append(refs, journal.DocRef{Type: ms[i].Type, ID: ms[i].ID}), append(of, i)
		}
	}
	for _, b := range append([]auth.BranchID{p.caller.Branch}, p.formerly...) {
		recs, err := p.svc.store.Records(ctx, b, refs)
		if err != nil {
			return nil, fmt.Errorf("look for what a push names: %w", err)
		}
		for k, rec := range recs {
			if rec.Type != "" && out[of[k]] == "" {
				out[of[k]] = b
			}
		}
	}
	return out, p.byTime(ctx, ms, out)
}

// byTime fills in the branches of mutations whose case and record no branch has.
func (p *push) byTime(ctx context.Context, ms []offline.Mutation, out []auth.BranchID) error {
	var at []time.Time
	var of []int
	for i := range ms {
		if out[i] != "" {
			continue
		}
		out[i] = p.caller.Branch
		if said := ms[i].Written(); !said.IsZero() {
			written, _ := p.sent(&ms[i], p.caller.At).Instant(said)
			at, of = append(at, written), append(of, i)
		}
	}
	if len(at) == 0 {
		return nil
	}
	worked, err := p.svc.agents.WorkedIn(ctx, p.caller.Actor.User, at)
	if err != nil {
		return fmt.Errorf("look up where an agent worked: %w", err)
	}
	for k, b := range worked {
		if slices.Contains(p.formerly, b) {
			out[of[k]] = b
		}
	}
	return nil
}

// in is the push as one to another of the agent's branches.
func (p *push) in(b auth.BranchID) *push {
	if b == p.caller.Branch {
		return p
	}
	q := *p
	q.caller.Branch, q.caller.Actor.Branches = b, []auth.BranchID{b}
	q.formerly = append(slices.DeleteFunc(slices.Clone(p.formerly),
		func(x auth.BranchID) bool { return x == b }), p.caller.Branch)
	return &q
}

// part are the mutations of one branch, and where they stand in the push.
func (p *push) part(ms []offline.Mutation, branches []auth.BranchID) (part []offline.Mutation, at []int) {
	for i, b := range branches {
		if b == p.caller.Branch {
			part, at = append(part, ms[i]), append(at, i)
		}
	}
	if len(part) == len(ms) {
		return ms, at
	}
	whole := p.notAfter
	p.notAfter = map[*offline.Mutation]time.Time{}
	for k, i := range at {
		if t, known := whole[&ms[i]]; known {
			p.notAfter[&part[k]] = t
		}
	}
	return part, at
}

// forget has the phone drop records that a branch keeps which the agent has left: the feed of the present branch says
// that they are not there.
func (p *push) forget(ctx context.Context, ms []offline.Mutation, out []offline.Result) error {
	var reqs []Request
	for i, r := range out {
		kind, _ := record.KindOf(r.Type)
		if kept := r.Status == offline.Applied || r.Status == offline.Merged || r.Status == offline.Duplicate; kept &&
			kind.Synced {
			reqs = append(reqs, Request{ID: madeID("gone:", p.commandOf(&ms[i])), Device: p.caller.Device,
				Cmd: keptElsewhere{r.Type, r.ID}})
		}
	}
	if len(reqs) == 0 {
		return nil
	}
	receipts, err := p.svc.Do(ctx, p.caller.Actor, p.caller.Branch, reqs)
	if err != nil {
		return err
	}
	for _, r := range receipts {
		if r.Err != nil {
			return fmt.Errorf("tell a phone what another branch keeps: %w", r.Err)
		}
	}
	return nil
}

// keptElsewhere tells the agent's phones that a record is not in this branch.
type keptElsewhere struct{ typ, id string }

func (c keptElsewhere) decide(_ context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("mutation.elsewhere")
	d.tell(journal.AgentFeed(t.Actor.User), c.typ, c.id)
	return d, nil
}
