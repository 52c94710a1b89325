package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// phoneTypes are the types phones may write, with the policy of each (SYNC.md).
var phoneTypes = map[string]offline.Rules{
	"assignments":       {Policy: offline.ServerOwned, PhoneFields: []string{"agent_status", "visit_order", "agent_remark"}},
	"cases":             {Policy: offline.ServerOwned},
	"policy":            {Policy: offline.ServerOwned},
	"visits":            {Policy: offline.AppendOnly},
	"visit_notes":       {Policy: offline.AppendOnly},
	"consents":          {Policy: offline.AppendOnly},
	"signatures":        {Policy: offline.AppendOnly},
	"payments_reported": {Policy: offline.AppendOnly},
	"plans":             {Policy: offline.Decision},
}

// Apply decides the mutations of one push, in order, as one conversation.
func (s *Service) Apply(ctx context.Context, c offline.Caller, ms []offline.Mutation) ([]offline.Result, error) {
	p := &push{svc: s, caller: c, done: map[string]string{}}
	if err := p.earlier(ctx, ms); err != nil {
		return nil, err
	}
	reqs := make([]Request, len(ms))
	for i := range ms {
		reqs[i] = Request{ID: p.command(ms[i].Mid), Payload: ms[i].Hash, Claimed: ms[i].ClientTS, Device: c.Device, Cmd: mutation{p, &ms[i]}}
	}
	receipts, err := s.Do(ctx, c.Actor, c.Branch, reqs)
	if err != nil {
		return nil, err
	}
	out := make([]offline.Result, len(ms))
	var again []int // to be kept in quarantine: the decision could not even be stored
	for i, r := range receipts {
		m := &ms[i]
		out[i] = offline.Result{Mid: m.Mid, Type: m.Type, ID: m.ID}
		switch {
		case r.Err == nil:
			var answer mutationReceipt
			if err := json.Unmarshal(r.Body, &answer); err != nil {
				return nil, fmt.Errorf("read receipt of %s: %w", r.Command, err)
			}
			out[i].Status, out[i].Code, out[i].Detail, out[i].Rev, out[i].Quarantine = answer.Status, answer.Code, answer.Detail, answer.Rev, answer.Quarantine
			if r.Duplicate && out[i].Status == offline.Applied {
				out[i].Status = offline.Duplicate
			}
		case errors.Is(r.Err, journal.ErrReused):
			out[i].Status, out[i].Code = offline.Rejected, offline.CodeMidReused
			out[i].Detail = "this mid stands for another mutation; mint a new one at each local write"
			again = append(again, i)
		default:
			out[i].Status = offline.Rejected
			out[i].Code, out[i].Detail = "validation.too_large", "the record is too large to be kept"
			var coded interface{ Code() string }
			if errors.As(r.Err, &coded) {
				out[i].Code = coded.Code()
			}
			again = append(again, i)
		}
	}
	if err := p.keep(ctx, ms, out, again); err != nil {
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
}

func (p *push) command(mid string) string {
	return "m:" + string(p.caller.Actor.User) + ":" + strings.ToLower(mid)
}

// earlier looks up the mutations of earlier pushes that these require.
func (p *push) earlier(ctx context.Context, ms []offline.Mutation) error {
	var mids, commands []string
	for i := range ms {
		for _, mid := range ms[i].Requires {
			mids, commands = append(mids, mid), append(commands, p.command(mid))
		}
	}
	if len(mids) == 0 {
		return nil
	}
	receipts, err := p.svc.store.Receipts(ctx, p.caller.Branch, commands)
	if err != nil {
		return fmt.Errorf("look up required mutations: %w", err)
	}
	for i, r := range receipts {
		if r.Command == "" {
			continue
		}
		var answer mutationReceipt
		if err := json.Unmarshal(r.Body, &answer); err != nil {
			return fmt.Errorf("read receipt of %s: %w", r.Command, err)
		}
		p.done[strings.ToLower(mids[i])] = answer.Status
	}
	return nil
}

// mutation decides one mutation: by the policy of its type, then by the domain.
type mutation struct {
	push *push
	m    *offline.Mutation
}

func (c mutation) refs() []journal.DocRef {
	refs := []journal.DocRef{{Type: c.m.Type, ID: c.m.ID}}
	var of struct {
		Case string `json:"case"`
	}
	if json.Unmarshal(c.m.Fields, &of) == nil && of.Case != "" {
		refs = append(refs, journal.DocRef{Type: "cases", ID: of.Case})
	}
	return refs
}

func (c mutation) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d, status, err := c.judge(ctx, t)
	if err != nil {
		return nil, err
	}
	c.push.done[strings.ToLower(c.m.Mid)] = status
	return d, nil
}

// judge gives the draft and the status that mutations requiring this one look at.
func (c mutation) judge(ctx context.Context, t *turn) (*draftBuilder, string, error) {
	m := c.m
	for _, mid := range m.Requires {
		switch c.push.done[strings.ToLower(mid)] {
		case offline.Applied, offline.Duplicate, offline.Merged:
		case "":
			return t.answer(mutationReceipt{Status: offline.Retry, Detail: "a mutation this one requires has not come yet; send it first, or with this one"}), offline.Retry, nil
		default:
			return c.refuse(ctx, t, offline.Rejected, offline.CodeRequires, "a mutation this one requires was refused", "")
		}
	}
	rules, known := phoneTypes[m.Type]
	if !known {
		return c.refuse(ctx, t, offline.Rejected, offline.CodeUnknownType, "phones do not write records of this type", "")
	}
	cur, of, err := c.current(ctx, t)
	if err != nil {
		return nil, "", err
	}
	r := offline.Rule(rules, cur, c.push.caller.Device, *m)
	switch {
	case r.Status == offline.Applied && r.Nothing:
		// Even what changes nothing is remembered, so that its replay finds an answer, and the record's state comes back (M6, M7).
		d := t.draft("mutation.nothing")
		if cur.Rev > 0 && (cur.InScope || cur.Mine) {
			d.tell(journal.AgentFeed(t.Actor.User), m.Type, m.ID)
		}
		d.reply = mutationReceipt{Status: offline.Applied, Rev: cur.Rev}
		return d, offline.Applied, nil
	case r.Status == offline.Duplicate:
		d := t.draft("mutation.nothing")
		d.tell(journal.AgentFeed(t.Actor.User), m.Type, m.ID)
		d.reply = mutationReceipt{Status: offline.Duplicate, Rev: cur.Rev}
		return d, offline.Duplicate, nil
	case r.Status != offline.Applied:
		return c.refuse(ctx, t, r.Status, r.Code, r.Detail, of)
	}
	cmd, target, bad := c.command(cur, of)
	if bad != nil {
		return c.refuse(ctx, t, offline.Rejected, bad.Code(), bad.Error(), of)
	}
	// What is new must belong to a case in scope; one answer for strangers' cases and for none.
	inScope, err := t.holds(ctx, target)
	if err != nil {
		return nil, "", err
	}
	if !inScope {
		return c.refuse(ctx, t, offline.Revoked, "", "the case is not this device's, or is so no more", target)
	}
	d, err := cmd.decide(ctx, t)
	if e, ok := refusal(err); ok {
		status := offline.Rejected
		if e.Code() == offline.CodeStale {
			status = offline.Conflict
		}
		return c.refuse(ctx, t, status, e.Code(), e.Error(), target)
	}
	if err != nil {
		return nil, "", err
	}
	rev := cur.Rev + 1
	d.reply = mutationReceipt{Status: offline.Applied, Rev: rev}
	return d, offline.Applied, nil
}

// holds tells whether the caller holds a case.
func (t *turn) holds(ctx context.Context, id journal.CaseID) (bool, error) {
	rec, there, err := t.r.Doc(ctx, "cases", string(id))
	if err != nil || !there {
		return false, err
	}
	var k Case
	if err := decode(rec, &k); err != nil {
		return false, err
	}
	return slices.Contains(k.Agents, t.Actor.User), nil
}

// owned is what tells whose a record is, in every type phones know.
type owned struct {
	Case journal.CaseID `json:"case"`
	By   string         `json:"by"`
}

// current is how the record stands, and its case.
func (c mutation) current(ctx context.Context, t *turn) (offline.Current, journal.CaseID, error) {
	m := c.m
	rec, there, err := t.r.Doc(ctx, m.Type, m.ID)
	if err != nil {
		return offline.Current{}, "", err
	}
	cur := offline.Current{Rev: rec.Rev, Deleted: !there && rec.Rev > 0}
	if !there {
		return cur, "", nil
	}
	switch m.Type {
	case "assignments":
		var a Assignment
		if err := decode(rec, &a); err != nil {
			return cur, "", err
		}
		if err := t.open(ctx, "assignments", m.ID, a.Debtor, &a); err != nil {
			return cur, "", err
		}
		cur.InScope = a.shown() && slices.Contains(a.Agents, t.Actor.User)
		cur.Written = a.Written
		cur.Fields, err = phoneFields(&a)
		return cur, a.Case, err
	case "cases":
		cur.InScope, err = t.holds(ctx, journal.CaseID(m.ID))
		return cur, journal.CaseID(m.ID), err
	case "policy":
		cur.InScope = true
		return cur, "", nil
	}
	var o owned
	if err := decode(rec, &o); err != nil {
		return cur, "", err
	}
	cur.Mine = o.By == string(t.Actor.User)
	cur.InScope, err = t.holds(ctx, o.Case)
	return cur, o.Case, err
}

func phoneFields(a *Assignment) (map[string]json.RawMessage, error) {
	raw := func(v any) json.RawMessage {
		b, _ := json.Marshal(v) // strings and ints always encode
		return b
	}
	out := map[string]json.RawMessage{}
	if a.AgentStatus != "" {
		out["agent_status"] = raw(a.AgentStatus)
	}
	if a.VisitOrder != 0 {
		out["visit_order"] = raw(a.VisitOrder)
	}
	if s := a.AgentRemark.Plain(); s != "" {
		out["agent_remark"] = raw(s)
	}
	return out, nil
}

// command is the domain's command for a mutation the policy allows, and the case it is about; of is the record's own case.
func (c mutation) command(cur offline.Current, of journal.CaseID) (Cmd, journal.CaseID, *Error) {
	m := c.m
	by := c.push.caller.Actor.User
	switch m.Type {
	case "assignments":
		p, bad := readPatch(m.Fields)
		if bad != nil {
			return nil, "", bad
		}
		p.id, p.device, p.rev = m.ID, c.push.caller.Device, cur.Rev+1
		return p, of, nil
	case "visits":
		var in visitIn
		more, bad := readFields(m.Fields, &in)
		if bad != nil {
			return nil, "", bad
		}
		v, bad := in.visit(more)
		if bad != nil {
			return nil, "", bad
		}
		return RecordVisit{ID: m.ID, Visit: v, MonoMs: m.MonoMs, SkewS: c.push.caller.SkewS, By: by}, v.Case, nil
	case "plans":
		var in planIn
		more, bad := readFields(m.Fields, &in)
		if bad != nil {
			return nil, "", bad
		}
		p, bad := in.plan(more)
		if bad != nil {
			return nil, "", bad
		}
		if p.Case == "" {
			p.Case = of
		}
		return ProposePlan{ID: m.ID, Base: m.Base, Plan: p, By: by}, p.Case, nil
	}
	state, bad := readEvidence(m.Type, m.Fields)
	if bad != nil {
		return nil, "", bad
	}
	return recordEvidence{m.Type, m.ID, state, by}, state.caseID(), nil
}

// readEvidence reads a record of one of the types phones create once.
func readEvidence(typ string, fields json.RawMessage) (evidence, *Error) {
	switch typ {
	case "visit_notes":
		var in noteIn
		more, bad := readFields(fields, &in)
		return &Note{Case: journal.CaseID(in.Case), Visit: in.Visit, At: wholeUTC(in.At), Text: sealedText(in.Text), Kind: in.Kind,
			Supersedes: in.Supersedes, More: sealedText(more)}, bad
	case "consents":
		var in consentIn
		more, bad := readFields(fields, &in)
		if in.Receipt != nil {
			in.Receipt.At = wholeUTC(in.Receipt.At)
		}
		return &Consent{Case: journal.CaseID(in.Case), Visit: in.Visit, Scope: in.Scope, Status: in.Status, Method: in.Method, Language: in.Language,
			NoticeVersion: in.NoticeVersion, TextSHA256: in.TextSHA256, At: wholeUTC(in.At), ValidFrom: wholeUTC(in.ValidFrom),
			ExpiresAt: wholeUTC(in.ExpiresAt), Withdraws: in.Withdraws, Via: in.Via, Limits: in.Limits, LegalBasis: in.LegalBasis,
			Categories: in.Categories, Sensitive: in.Sensitive, Controller: in.Controller, Processor: in.Processor, ThirdParties: in.ThirdParties,
			Evidence: in.Evidence, Receipt: in.Receipt, Supersedes: in.Supersedes, More: sealedText(more)}, bad
	case "signatures":
		var in signatureIn
		more, bad := readFields(fields, &in)
		return &Signature{Case: journal.CaseID(in.Case), Visit: in.Visit, OfType: in.OfType, Of: in.Of, Role: in.Role, At: wholeUTC(in.At),
			SHA256: in.SHA256, Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more)}, bad
	case "payments_reported":
		var in reportedIn
		more, bad := readFields(fields, &in)
		return &PaymentReported{Case: journal.CaseID(in.Case), Visit: in.Visit, At: wholeUTC(in.At), AmountMinor: in.AmountMinor, Currency: in.Currency,
			Method: in.Method, Reference: in.Reference, Attachments: in.Attachments, Supersedes: in.Supersedes, More: sealedText(more)}, bad
	}
	return nil, refuse(Invalid, offline.CodeUnknownType, "type", "phones do not write records of this type")
}

// refuse keeps a mutation that is not applied, and puts the record's current
// state back into the pusher's feed (M6).
func (c mutation) refuse(ctx context.Context, t *turn, status, code, detail string, of journal.CaseID) (*draftBuilder, string, error) {
	d := t.draft("mutation." + status)
	id, err := c.quarantine(ctx, t, d, status, code, of)
	if err != nil {
		return nil, "", err
	}
	d.tell(journal.AgentFeed(t.Actor.User), c.m.Type, c.m.ID)
	d.reply = mutationReceipt{Status: status, Code: code, Detail: detail, Quarantine: id}
	return d, status, nil
}

// quarantine drafts the payload as it was sent, sealed, with a task for a supervisor.
func (c mutation) quarantine(ctx context.Context, t *turn, d *draftBuilder, outcome, code string, of journal.CaseID) (string, error) {
	id := madeID("q", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "quarantine", id); err != nil {
		return "", err
	}
	q := &Quarantined{Agent: t.Actor.User, Device: c.push.caller.Device, Mid: c.m.Mid, Type: c.m.Type, Record: c.m.ID, Op: c.m.Op, Case: of,
		Outcome: outcome, Code: code, State: "open", At: t.At}
	// Its debtor's key seals it; of a payload about no case of ours nobody knows the debtor: the agent's own key does.
	q.Debtor = journal.DebtorID("agent:" + string(t.Actor.User))
	if of != "" {
		rec, there, err := t.r.Doc(ctx, "cases", string(of))
		if err != nil {
			return "", err
		}
		var k Case
		if there {
			if err := decode(rec, &k); err != nil {
				return "", err
			}
			q.Debtor = k.Debtor
		}
	}
	if len(c.m.Fields) > 0 {
		q.Fields = sealedJSON(c.m.Fields)
		if q.Fields.IsZero() {
			q.Fields = sealedText(string(c.m.Fields))
		}
	}
	d.put("quarantine", id, q.Debtor, q)
	return id, nil
}

// keep stores in quarantine what could not be stored under its own command id.
func (p *push) keep(ctx context.Context, ms []offline.Mutation, out []offline.Result, which []int) error {
	if len(which) == 0 {
		return nil
	}
	reqs := make([]Request, len(which))
	for k, i := range which {
		reqs[k] = Request{ID: madeID("q:", p.command(ms[i].Mid), string(ms[i].Hash[:])), Payload: ms[i].Hash, Claimed: ms[i].ClientTS, Device: p.caller.Device,
			Cmd: keptMutation{mutation{p, &ms[i]}, out[i].Code}}
	}
	receipts, err := p.svc.Do(ctx, p.caller.Actor, p.caller.Branch, reqs)
	if err != nil {
		return err
	}
	for k, r := range receipts {
		if r.Err != nil {
			continue // larger than anything that can be kept; the answer says so
		}
		var answer mutationReceipt
		if err := json.Unmarshal(r.Body, &answer); err != nil {
			return fmt.Errorf("read receipt of %s: %w", r.Command, err)
		}
		out[which[k]].Quarantine = answer.Quarantine
	}
	return nil
}

// keptMutation only quarantines.
type keptMutation struct {
	mutation
	code string
}

func (c keptMutation) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d, _, err := c.refuse(ctx, t, offline.Rejected, c.code, "", "")
	return d, err
}

// current shows the phone how the records stand that are not as it wrote them.
func (p *push) current(ctx context.Context, out []offline.Result) error {
	var refs []journal.DocRef
	var which []int
	for i := range out {
		switch out[i].Status {
		case offline.Conflict, offline.Rejected, offline.Duplicate:
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
func readPatch(fields json.RawMessage) (patchAssignment, *Error) {
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
		return patchAssignment{}, refuse(Invalid, offline.CodeFields, "fields", "this is not a JSON object")
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
		if err := listed("agent_status", *p.status, agentStatuses[:]); err != nil {
			return p, err
		}
	}
	if p.order != nil && (*p.order < 0 || *p.order > 1000) {
		return p, refuse(Invalid, "validation.visit_order", "visit_order", "between 0 and 1000")
	}
	if p.remark != nil && len(*p.remark) > 1000 {
		return p, refuse(Invalid, "validation.agent_remark", "agent_remark", "at most 1000 bytes")
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
		return nil, refuse(NotFound, "assignment.not_found", "id", "there is no such assignment here")
	}
	var a Assignment
	if err := decode(rec, &a); err != nil {
		return nil, err
	}
	f, err := t.file(ctx, a.Case, 0)
	if err != nil {
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
	d.put("assignments", c.id, a.Debtor, &a)
	d.touch(f)
	for _, agent := range a.Agents {
		d.tell(journal.AgentFeed(agent), "assignments", c.id)
	}
	return d, nil
}
