package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// apply decides mutations in the push's branch.
func (p *push) apply(ctx context.Context, ms []offline.Mutation) ([]offline.Result, error) {
	s, c := p.svc, p.caller
	var err error
	if p.lost, err = s.lostSpans(ctx, c.Branch); err != nil {
		return nil, err
	}
	if err := p.earlier(ctx, ms); err != nil {
		return nil, err
	}
	reqs := make([]Request, len(ms))
	for i := range ms {
		reqs[i] = Request{ID: p.commandOf(&ms[i]), Payload: ms[i].Hash, Claimed: ms[i].ClientTS, Device: c.Device,
			Cmd: mutation{push: p, m: &ms[i]}}
	}
	receipts, err := s.Do(ctx, c.Actor, c.Branch, reqs)
	if err != nil {
		return nil, err
	}
	out := make([]offline.Result, len(ms))
	var again []int   // to be kept in quarantine: the decision could not even be stored
	var waiting []int // for an update of the server
	for i, r := range receipts {
		m := &ms[i]
		out[i] = offline.Result{Mid: m.Mid, Type: m.Type, ID: m.ID}
		switch {
		case r.Err == nil:
			var answer mutationReceipt
			if err := json.Unmarshal(r.Body, &answer); err != nil {
				return nil, fmt.Errorf("read receipt of %s: %w", r.Command, err)
			}
			out[i].Status, out[i].Code, out[i].Detail, out[i].Rev, out[i].Quarantine = answer.Status, answer.Code,
				answer.Detail, answer.Rev, answer.Quarantine
			if r.Duplicate && (out[i].Status == offline.Applied || out[i].Status == offline.Merged) {
				out[i].Status = offline.Duplicate
			}
			if out[i].Status == offline.NotYet && len(m.Fields) <= mostWaitingBytes {
				waiting = append(waiting, i)
			}
		case errors.Is(r.Err, journal.ErrReused):
			if same, err := p.sameRecord(ctx, m); err != nil {
				return nil, err
			} else if same {
				out[i].Status = offline.Duplicate
				continue
			}
			out[i].Status, out[i].Code = offline.Rejected, offline.CodeMidReused
			out[i].Detail = "this mid stands for another mutation; mint a new one at each local write"
			if m.Bad != nil {
				out[i].Code, out[i].Detail = m.Bad.Code, m.Bad.Detail
			}
			again = append(again, i)
		default:
			out[i].Status = offline.Rejected
			out[i].Code, out[i].Detail = record.CodeTooLarge, "the record is too large to be kept once it is sealed"
			if e, ok := refusal.Of(r.Err); ok && e.Kind != refusal.TooLarge {
				out[i].Code, out[i].Detail = e.Code(), e.Error()
			}
			again = append(again, i)
		}
	}
	if waiting, err = p.room(ctx, waiting); err != nil {
		return nil, err
	}
	if err := p.keep(ctx, ms, out, append(again, waiting...)); err != nil {
		return nil, err
	}
	return out, p.current(ctx, out)
}

// mutationReceipt is what is kept for ever about a mutation. It repeats nothing personal.
type mutationReceipt struct {
	Status     string `json:"status"`
	Code       string `json:"code,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Rev        uint64 `json:"rev,omitempty"`
	Quarantine string `json:"quarantine,omitempty"`
}

// push is one push under way.
type push struct {
	svc    *Service
	caller offline.Caller
	done   map[string]string // status by mid, of this push and of those it requires
	// formerly are the other branches that the agent works or worked in: what was decided there is not decided again.
	formerly []auth.BranchID
	// notAfter is when each mutation was written at the latest, where the phone's clocks show it.
	notAfter map[*offline.Mutation]time.Time
	// lost are the spans in which what was acknowledged may be lost.
	lost []lostSpan
}

func (p *push) command(mid string) string {
	return "m:" + string(p.caller.Actor.User) + ":" + strings.ToLower(mid)
}

// commandOf is the command of a mutation. One without a UUID goes by what it has for a mid, or
// by nothing.
func (p *push) commandOf(m *offline.Mutation) string {
	if m.Bad == nil || m.Bad.Code != "validation.mid" {
		return p.command(m.Mid)
	}
	if !record.IsID(m.Mid) {
		return madeID("m:", journal.NewID())
	}
	return madeID("m:", string(p.caller.Actor.User), m.Mid)
}

// mutation decides one mutation: by the policy of its type, then by the domain.
type mutation struct {
	push *push
	m    *offline.Mutation
	// asSent are the fields as they were sent, where m's were completed for an older app; nil: they are m's.
	asSent json.RawMessage
}

func (c mutation) refs() []journal.DocRef {
	var refs []journal.DocRef
	if c.m.Bad == nil {
		refs = append(refs, journal.DocRef{Type: c.m.Type, ID: c.m.ID})
	}
	if of := c.named(); of != "" {
		refs = append(refs, journal.DocRef{Type: "cases", ID: string(of)})
	}
	return refs
}

func (c mutation) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d, status, err := c.judge(ctx, t)
	if err != nil {
		return nil, err
	}
	if status != offline.NotYet && status != offline.Retry {
		if err := c.settleWaiting(ctx, t, d); err != nil {
			return nil, err
		}
	}
	c.push.done[strings.ToLower(c.m.Mid)] = status
	return d, nil
}

// judge gives the draft and the status that mutations requiring this one look at.
func (c mutation) judge(ctx context.Context, t *turn) (*draftBuilder, string, error) {
	m := c.m
	if err := t.once(ctx, c.push.formerly); err != nil {
		return nil, "", err
	}
	if m.Bad != nil {
		return c.refuse(ctx, t, offline.Rejected, m.Bad.Code, m.Bad.Detail, "")
	}
	for _, mid := range m.Requires {
		switch c.push.done[strings.ToLower(mid)] {
		case offline.Applied, offline.Duplicate, offline.Merged:
		case offline.NotYet:
			return c.notYet(t, "a mutation this one requires waits for an update of the server"), offline.NotYet, nil
		case "", offline.Retry:
			if c.waitedLong(t) {
				return c.refuse(ctx, t, offline.Rejected, offline.CodeRequiresMissing,
					"a mutation this one requires has never come", "")
			}
			return t.answer(mutationReceipt{Status: offline.Retry,
				Detail: "a mutation this one requires has not come yet; send it first, or with this one"}), offline.Retry, nil
		default:
			return c.refuse(ctx, t, offline.Rejected, offline.CodeRequires, "a mutation this one requires was refused", "")
		}
	}
	kind, known := c.push.svc.kindOf(m.Type)
	if !known && record.IsTypeName(m.Type) {
		return c.notYet(t, "this server does not know records of this type; keep it, and send it again after an update"),
			offline.NotYet, nil
	}
	if kind.Rules.Policy == "" {
		return c.refuse(ctx, t, offline.Rejected, offline.CodeUnknownType, notWritten, "")
	}
	if kind.Rules.Policy == offline.Merge {
		return c.judgeDraft(ctx, t, kind)
	}
	c, err := c.completed(ctx, t, kind)
	if err != nil {
		return nil, "", err
	}
	m = c.m
	cur, of, err := c.current(ctx, t, kind)
	if err != nil {
		return nil, "", err
	}
	r := offline.Rule(kind.Rules, cur, c.push.caller.Device, *m)
	switch {
	case r.Status == offline.Applied && r.Nothing:
		return c.nothing(ctx, t, cur, of)
	case r.Status == offline.Duplicate:
		d := t.draft("mutation.nothing")
		if d.about, err = c.debtor(ctx, t, of); err != nil {
			return nil, "", err
		}
		d.tell(journal.AgentFeed(t.Actor.User), m.Type, m.ID)
		d.reply = mutationReceipt{Status: offline.Duplicate, Rev: cur.Rev}
		return d, offline.Duplicate, nil
	case r.Status != offline.Applied && r.Status != offline.Merged:
		return c.refuse(ctx, t, r.Status, r.Code, r.Detail, of)
	}
	if m.Type == "plans" && m.Op == "patch" {
		// A plan is changed in part: what the patch does not name stays as it was agreed.
		if m, err = c.wholePlan(ctx, t, kind); err != nil {
			return nil, "", err
		}
	}
	cmd, target, bad := c.command(t, kind, m, cur, of)
	if bad != nil {
		return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), of)
	}
	// What is new must belong to a case in scope; one answer for strangers' cases and for none.
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
		if late, err := c.isLateWork(ctx, t, target); err != nil {
			return nil, "", err
		} else if !late {
			return c.refuse(ctx, t, offline.Revoked, "", "the case is not this device's, or is so no more", target)
		}
	}
	d, err := cmd.decide(ctx, t)
	if e, ok := refusal.Of(err); ok {
		status := offline.Rejected
		if e.Code() == offline.CodeStale {
			status = offline.Conflict
		}
		return c.refuse(ctx, t, status, e.Code(), e.Error(), target)
	}
	if err != nil {
		return nil, "", err
	}
	if !held {
		// The record is kept here, and the phone shall keep it no longer.
		d.tell(journal.AgentFeed(t.Actor.User), m.Type, m.ID)
	}
	d.reply = mutationReceipt{Status: r.Status, Rev: t.r.NextRev(cur.Rev)}
	return d, r.Status, nil
}

// nothing answers a mutation that leaves its record as it is. Even that is remembered, so that its replay finds an
// answer, and the record's state comes back (M6, M7).
func (c mutation) nothing(ctx context.Context, t *turn, cur offline.Current, of journal.CaseID) (d *draftBuilder,
	status string, err error) {
	d = t.draft("mutation.nothing")
	answer := mutationReceipt{Status: offline.Applied}
	if cur.InScope || cur.Mine {
		answer.Rev = cur.Rev
		if cur.Rev > 0 {
			d.tell(journal.AgentFeed(t.Actor.User), c.m.Type, c.m.ID)
		}
	}
	d.reply = answer
	d.about, err = c.debtor(ctx, t, of)
	return d, offline.Applied, err
}

// refusalOf is how a mutation is refused; the zero value: it is not.
type refusalOf struct{ status, code, detail string }

// gone tells how a record of a case is refused whose debtor was erased, or that has moved to another
// branch. Only who holds the case, or has had a stop of it, hears of that.
func (c mutation) gone(ctx context.Context, t *turn, id journal.CaseID, held bool) (refusalOf, error) {
	erased, err := t.erased(ctx, id)
	if err != nil {
		return refusalOf{}, err
	}
	moved := false
	if !erased && !held {
		if moved, err = t.moved(ctx, id); err != nil {
			return refusalOf{}, err
		}
	}
	if !erased && !moved {
		return refusalOf{}, nil
	}
	had := held
	if !had {
		t.r.Depend(journal.CaseKey(id))
		var as []Filed[record.Assignment]
		if err := allInto(ctx, t.r, &as, AssignmentsByCase, string(id)); err != nil {
			return refusalOf{}, err
		}
		had = slices.ContainsFunc(as, func(a Filed[record.Assignment]) bool {
			return slices.Contains(a.State.Agents, t.Actor.User)
		})
	}
	switch {
	case !had:
		return refusalOf{}, nil
	case erased:
		bad := refuseErased("")
		return refusalOf{offline.Rejected, bad.Code(), bad.Error()}, nil
	}
	return refusalOf{offline.Revoked, codeMoved, "the case has moved to another branch, which decides on what is sent " +
		"late"}, nil
}

// holds tells whether the caller holds a case.
func (t *turn) holds(ctx context.Context, id journal.CaseID) (bool, error) {
	rec, there, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil || !there {
		return false, err
	}
	k, err := scopeOf(rec)
	return slices.Contains(k.Agents, t.Actor.User), err
}

// moved tells whether a case is in another branch now, or on its way there.
func (t *turn) moved(ctx context.Context, id journal.CaseID) (bool, error) {
	rec, there, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil || !there {
		return false, err
	}
	k, err := scopeOf(rec)
	return k.HasMoved(), err
}

// owned is what tells whose a record is, in every type phones know.
type owned struct {
	Case journal.CaseID `json:"case"`
	By   string         `json:"by"`
}

// current is how the record stands, and its case.
func (c mutation) current(ctx context.Context, t *turn, kind record.Kind) (offline.Current, journal.CaseID, error) {
	m := c.m
	rec, there, err := t.r.Doc(ctx, m.Type, m.ID)
	if err != nil {
		return offline.Current{}, "", err
	}
	cur := offline.Current{Rev: rec.Rev, RevsAbove: t.r.RevsAbove, Deleted: !there && rec.Rev > 0}
	if !there {
		return cur, "", nil
	}
	at, err := c.standing(ctx, t, rec)
	if err != nil {
		return cur, "", err
	}
	cur.InScope, cur.Mine = at.inScope, at.mine
	switch m.Type {
	case "assignments":
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return cur, "", err
		}
		if err := t.open(ctx, "assignments", m.ID, a.Debtor, &a); err != nil {
			return cur, "", err
		}
		cur.Written = a.Written.Fields()
		cur.Fields, err = kind.Fields(&a)
	case "cases", "policy", "attachments": // phones say nothing of them
	case "plans":
		var p record.Plan
		if err := decode(rec, &p); err != nil {
			return cur, "", err
		}
		cur.OwnSince = p.Row.Base(c.push.caller.Device, rec.Rev)
		cur.Same, err = c.same(ctx, t, kind, rec)
	default:
		cur.Same, err = c.same(ctx, t, kind, rec)
	}
	return cur, at.of, err
}

// standing is how the caller stands to a record.
type standing struct {
	of            journal.CaseID // its case
	inScope, mine bool           // the caller may see it; the caller made it
	had           bool           // it is a stop that was issued to the caller, whatever became of it
}

// standing tells how the caller stands to a record that there is.
func (c mutation) standing(ctx context.Context, t *turn, rec journal.Record) (s standing, err error) {
	switch rec.Type {
	case "assignments":
		var a record.Assignment
		if err := decode(rec, &a); err != nil {
			return s, err
		}
		had := slices.Contains(a.Agents, t.Actor.User)
		return standing{of: a.Case, inScope: (a.Shown() || a.DayOver()) && had, had: had}, nil
	case "cases":
		s.of = journal.CaseID(rec.ID)
	case "policy":
		return standing{inScope: true}, nil
	default:
		var o owned
		if err := decodeSome(rec, &o, "case", "by"); err != nil {
			return s, err
		}
		s.of, s.mine = o.Case, o.By == string(t.Actor.User)
	}
	if isPrivate(rec.Type) && !s.mine {
		return s, nil
	}
	s.inScope, err = t.holds(ctx, s.of)
	return s, err
}

// current shows the phone how the records stand that are not as it wrote them.
func (p *push) current(ctx context.Context, out []offline.Result) error {
	var refs []journal.DocRef
	var which []int
	for i := range out {
		switch out[i].Status {
		case offline.Conflict, offline.Rejected, offline.Duplicate:
			if kind, _ := record.KindOf(out[i].Type); !kind.Synced {
				continue
			}
			refs, which = append(refs, journal.DocRef{Type: out[i].Type, ID: out[i].ID}), append(which, i)
		case offline.Revoked:
			out[i].Op = "revoke"
		}
	}
	if len(refs) == 0 {
		return nil
	}
	recs, err := p.svc.store.Records(ctx, p.caller.Branch, refs)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	var known []journal.Record
	var of []int
	for k, rec := range recs {
		if rec.Type != "" {
			known, of = append(known, rec), append(of, which[k])
		}
	}
	shaped, err := p.svc.Render(ctx, p.caller, known)
	if err != nil {
		return err
	}
	for k, x := range shaped {
		r := &out[of[k]]
		if r.Status == offline.Duplicate {
			if x.Op == "put" {
				r.Rev = known[k].Rev
			}
			continue
		}
		if x.Op == "put" || x.Op == "delete" {
			r.Op, r.Doc, r.Rev = x.Op, x.Doc, known[k].Rev
		}
	}
	return nil
}
