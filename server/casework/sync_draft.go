package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

var (
	// draftsByAgent has the drafts of an agent, and draftsTouched all by when they were changed last.
	draftsByAgent = journal.Index{Type: "drafts", Name: "by", Fields: []string{"by", "touched_at"}}
	draftsTouched = journal.Index{Type: "drafts", Name: "touched", Fields: []string{"touched_at"}}
)

// draftsKey is the key of what is counted of an agent's drafts.
func draftsKey(agent auth.UserID) journal.Key { return journal.Key("drafts:" + string(agent)) }

// judgeDraft decides a mutation of a draft. Its agent's phones alone hear of it.
func (c mutation) judgeDraft(ctx context.Context, t *turn, kind record.Kind) (*draftBuilder, string, error) {
	m, device := c.m, c.push.caller.Device
	rec, there, err := t.r.Doc(ctx, m.Type, m.ID)
	if err != nil {
		return nil, "", err
	}
	cur := offline.Current{Rev: rec.Rev, RevsAbove: t.r.RevsAbove, Deleted: !there && rec.Rev > 0}
	var was record.Draft
	if there {
		if err := decode(rec, &was); err != nil {
			return nil, "", err
		}
		if cur.Mine = was.By == t.Actor.User; cur.Mine {
			if cur.InScope, err = t.holds(ctx, was.Case); err != nil {
				return nil, "", err
			}
		}
	}
	ruled := *m
	var changes map[string]json.RawMessage
	if m.Op != "delete" {
		var bad *refusal.Error
		if changes, bad = record.DraftChanges(m.Fields); bad != nil {
			return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), was.Case)
		}
		if ruled.Fields, err = json.Marshal(changes); err != nil {
			return nil, "", fmt.Errorf("write the changes of a draft: %w", err)
		}
	}
	if cur.InScope {
		if err := t.open(ctx, m.Type, m.ID, was.Debtor, &was); err != nil {
			return nil, "", err
		}
		cur.Fields, cur.Written = was.Fields(), was.Written.Plain().Fields()
		if m.Op != "delete" {
			if bad := sameDraft(kind, &was, m.Fields); bad != nil {
				return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), was.Case)
			}
		}
	}
	r := offline.Rule(kind.Rules, cur, device, ruled)
	switch {
	case r.Status == offline.Applied && r.Nothing:
		return c.nothing(ctx, t, cur, was.Case)
	case r.Status == offline.Revoked || r.Status == offline.Rejected || m.Op == "delete" && r.Status == offline.Conflict:
		return c.refuse(ctx, t, r.Status, r.Code, r.Detail, was.Case)
	}
	draft := &was
	if !there {
		var bad *refusal.Error
		if draft, bad = newDraft(kind, m.Fields, t.At); bad != nil {
			return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), "")
		}
	}
	target := draft.Case
	held, err := t.holds(ctx, target)
	if err != nil {
		return nil, "", err
	}
	if gone, err := c.gone(ctx, t, target, held); err != nil {
		return nil, "", err
	} else if gone.status != "" {
		return c.refuse(ctx, t, gone.status, gone.code, gone.detail, target)
	}
	if !held {
		return c.refuse(ctx, t, offline.Revoked, "", "the case is not this device's, or is so no more", target)
	}
	f, err := t.file(ctx, target, 0)
	if err != nil {
		return nil, "", err
	}
	d := t.draft("draft." + m.Op)
	d.reply = mutationReceipt{Status: r.Status, Code: r.Code, Detail: r.Detail, Rev: t.r.NextRev(rec.Rev)}
	d.about = f.Case.Debtor
	d.touch(f) // who takes the case off the phones names its drafts
	d.tell(journal.AgentFeed(t.Actor.User), m.Type, m.ID)
	if m.Op == "delete" {
		d.put(m.Type, m.ID, "", nil)
		return d, r.Status, nil
	}
	if !there {
		if bad, err := t.moreDrafts(ctx, d); err != nil {
			return nil, "", err
		} else if bad != nil {
			return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), target)
		}
		draft.Debtor, draft.By = f.Case.Debtor, t.Actor.User
	}
	if bad := draft.Merge(changes, r.Lost, c.write(t, rec.Rev), t.At); bad != nil {
		return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), target)
	}
	d.put(m.Type, m.ID, draft.Debtor, draft)
	return d, r.Status, nil
}

// newDraft is a draft that a phone begins.
func newDraft(kind record.Kind, fields json.RawMessage, at time.Time) (*record.Draft, *refusal.Error) {
	state, bad := kind.Read(fields, at)
	if bad != nil {
		return nil, bad
	}
	said := state.(*record.Draft)
	// What it holds is merged into it, so that each member has its revision.
	return &record.Draft{DraftReport: record.DraftReport{Case: said.Case, OfType: said.OfType}}, nil
}

// sameDraft refuses a change that makes another draft of it: one of another case or type.
func sameDraft(kind record.Kind, was *record.Draft, fields json.RawMessage) *refusal.Error {
	whole, err := kind.Patched(was, fields)
	if err != nil {
		return refuse(refusal.Invalid, offline.CodeFields, "fields", "this is not a JSON object")
	}
	state, bad := kind.Read(whole, time.Time{})
	if bad != nil {
		return bad
	}
	switch said := state.(*record.Draft); {
	case said.Case != was.Case:
		return refuse(refusal.Invalid, "validation.case", "case", "a draft stays with its case; begin another")
	case said.OfType != was.OfType:
		return refuse(refusal.Invalid, "validation.of_type", "of_type", "a draft keeps its type; begin another")
	}
	return nil
}

// moreDrafts refuses a draft beyond what an agent may have at a time.
func (t *turn) moreDrafts(ctx context.Context, d *draftBuilder) (*refusal.Error, error) {
	key := draftsKey(t.Actor.User)
	t.r.Depend(key)
	had, err := t.Some(ctx, draftsByAgent, journal.Range{Most: record.MostDrafts}, string(t.Actor.User))
	if err != nil {
		return nil, err
	}
	if len(had) >= record.MostDrafts {
		return refuse(refusal.Invalid, "draft.too_many", "", "an agent has at most %d drafts; send or delete some",
			record.MostDrafts), nil
	}
	d.write(key)
	return nil, nil
}

// dropDraft deletes a draft that was not changed for long.
type dropDraft struct {
	id     string
	before time.Time
}

func (c dropDraft) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "drafts", c.id)
	if err != nil || !there {
		return nil, err
	}
	var was record.Draft
	if err := decode(rec, &was); err != nil {
		return nil, err
	}
	d := t.draft("draft.expire")
	if !was.TouchedAt.Before(c.before) {
		return d.nothing(), nil
	}
	t.r.Depend(journal.CaseKey(was.Case))
	d.write(journal.CaseKey(was.Case))
	d.put("drafts", c.id, "", nil)
	d.tell(journal.AgentFeed(was.By), "drafts", c.id)
	return d, nil
}

// SweepDrafts deletes the drafts of a branch that were not changed for record.DraftsFor, and says how many.
func (s *Service) SweepDrafts(ctx context.Context, branch auth.BranchID) (swept int, err error) {
	before := s.journal.Now().UTC().Add(-record.DraftsFor).Truncate(time.Second)
	var reqs []Request
	if err := s.each(ctx, journal.Query{Branch: branch, Type: "drafts", Index: draftsTouched.Name,
		To: before.Format(time.RFC3339)}, func(rec journal.Record) error {
		reqs = append(reqs, Request{ID: madeID("drop", rec.ID, fmt.Sprint(rec.Rev)), Cmd: dropDraft{rec.ID, before}})
		return nil
	}); err != nil {
		return 0, err
	}
	for len(reqs) > 0 {
		n := min(len(reqs), 100)
		receipts, err := s.Do(ctx, auth.System(), branch, reqs[:n])
		if err != nil {
			return swept, err
		}
		for _, r := range receipts {
			if r.Err != nil {
				return swept, fmt.Errorf("delete a draft: %w", r.Err)
			}
			if r.N > 0 {
				swept++
			}
		}
		reqs = reqs[n:]
	}
	return swept, nil
}
