package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Options of New.
type Options struct {
	Journal *journal.Journal
	Vault   *seal.Vault
	// Policy is the conduct policy in force at the start; Service.UsePolicy changes it.
	Policy *conduct.Policy
	// Territories gives the territory index of a branch as it stands; nil: no branch has territories.
	Territories func(ctx context.Context, branch auth.BranchID) (TerritoryIndex, error)
	// Lenders knows which lender has a contract with which branch; nil: every lender has one with every branch.
	Lenders Lenders
	// Devices are told of tasks that are new, changed or taken away; nil: none is.
	Devices Devices
	// Teams knows who works where; nil: only a case's own team is known.
	Teams Teams
	// Agents knows who worked where; nil: whoever a stop was issued to.
	Agents Agents
	// Names knows what agents are called, for the case cards of their colleagues; nil: no card has names.
	Names Names
	// Erasures keeps who was erased; nil: no debtor can be erased.
	Erasures ErasureList
	Texting  Texting // of texts to debtors
	// PlanRules keeps what lenders allow in repayment plans; nil: no lender has rules.
	PlanRules PlanRules
	Limits    PlanLimits
	Log       *slog.Logger // nil: discarded
}

// TerritoryIndex tells in which territory a point lies.
type TerritoryIndex interface {
	// Find takes degrees, WGS 84. ok is false outside every territory.
	Find(lon, lat float64) (territory string, ok bool)
}

// Lenders keeps the list of lenders. The errors are the store's.
type Lenders interface {
	// Contracts gives the branches a lender has a contract with; known is false for a lender that does not exist.
	Contracts(ctx context.Context, lender string) (branches []auth.BranchID, known bool, err error)
	// AddLender makes a lender with a contract with one branch. One that exists stays as it is.
	AddLender(ctx context.Context, by auth.UserID, lender string, branch auth.BranchID) error
	// ContactLimit is how many contacts a lender lets a debtor have within how many days; no contacts: as many as the law
	// allows.
	ContactLimit(ctx context.Context, lender string) (contacts, days int, err error)
}

// Devices knows the phones of agents.
type Devices interface {
	// Of lists the devices to alert of all the users: those in use that were seen lately. The error is the store's.
	Of(ctx context.Context, users []auth.UserID) ([]auth.Device, error)
}

// Teams knows which territories teams work.
type Teams interface {
	// Works tells a decision whether a team works a territory of the reader's branch on a local date ("2006-01-02");
	// a territory of "" is outside every one, which no team works. The decision rests on what it read. The error is
	// the store's.
	Works(ctx context.Context, r *journal.Reader, team, date, territory string) (bool, error)
	// Crew tells a decision who of a team can be sent out on a local date, and when.
	Crew(ctx context.Context, r *journal.Reader, team, date string) (Crew, error)
}

// Agents knows who worked for a branch, and when.
type Agents interface {
	// Absent tells which of some users could not work in a branch at an instant: who does not exist, was disabled or
	// elsewhere, or whose devices were all blocked or wiped. What is decided on it stands in the entry. The error is
	// the store's.
	Absent(ctx context.Context, branch auth.BranchID, users []auth.UserID, at time.Time) ([]auth.UserID, error)
	// Formerly lists the branches that a user worked in before, without those of now. The error is the store's.
	Formerly(ctx context.Context, user auth.UserID) ([]auth.BranchID, error)
	// WorkedIn gives the branch that a user was an agent of at each of some instants, "" where none is known. The error
	// is the store's.
	WorkedIn(ctx context.Context, user auth.UserID, at []time.Time) ([]auth.BranchID, error)
}

// Service is the one door for changes of cases and all that belongs to them.
// It is safe for concurrent use.
type Service struct {
	journal     *journal.Journal
	store       journal.Store
	vault       *seal.Vault
	policy      atomic.Pointer[conduct.Policy]
	territories func(context.Context, auth.BranchID) (TerritoryIndex, error)
	lenders     Lenders
	devices     Devices
	teams       Teams
	agents      Agents
	names       Names
	erasures    ErasureList
	texting     Texting
	planRules   PlanRules
	limits      PlanLimits
	log         *slog.Logger
	zones       zoneCache
	// kindOf is record.KindOf; tests make it forget a kind.
	kindOf func(name string) (record.Kind, bool)
	views  *journal.Views
	lost   sync.Map // auth.BranchID → []lostSpan
}

// New makes a Service.
func New(opt Options) *Service {
	s := &Service{journal: opt.Journal, store: opt.Journal.Store(), vault: opt.Vault, territories: opt.Territories,
		lenders: opt.Lenders, devices: opt.Devices, teams: opt.Teams, agents: opt.Agents,
		names: opt.Names, erasures: opt.Erasures, texting: opt.Texting.filled(), planRules: opt.PlanRules,
		limits: opt.Limits, kindOf: record.KindOf,
		log:   opt.Log,
		views: journal.NewViews(opt.Journal, Views(opt.Vault)...)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.policy.Store(opt.Policy)
	return s
}

// UsePolicy puts another conduct policy in force for decisions that begin after it returns.
func (s *Service) UsePolicy(p *conduct.Policy) { s.policy.Store(p) }

// Request is one change that an actor asks for.
type Request struct {
	ID      string    // the command id: the same id has one effect and one receipt, for ever
	Payload [32]byte  // hash of what was asked, kept sealed; the same id with another is journal.ErrReused
	Claimed time.Time // when the device says it happened; zero when it said nothing
	Device  auth.DeviceID
	Cmd     Cmd
	// Seen is what its sender had before them of a case; the zero value: they do not say.
	Seen SeenCase
}

// Cmd is a change of this room: one exported struct each (OpenHold, RecordVisit, …).
type Cmd interface {
	// decide loads what the decision needs through the turn and decides. It has
	// no clock but t.At and no effect but the draft; it is called again when what it read has changed.
	decide(ctx context.Context, t *turn) (*draftBuilder, error)
}

// Receipt is what became of one request.
type Receipt struct {
	Command   string
	N         uint64          // the first entry; 0 when nothing was appended
	Duplicate bool            // accepted before; Body is the first answer
	Body      json.RawMessage // of the command's own kind, without personal data, the same for ever
	// Err is a *refusal.Error; the other requests are not touched by it.
	Err error
	// Docs are the documents as appended, with their revisions; nil for a duplicate.
	Docs []journal.Doc
}

// Do decides the requests in order and appends what they change, as one
// conversation: each sees the effects of those before it. The returned error is
// about the whole call: of requests without a receipt nothing is known then but
// what the error says (journal.Do), and sending the same ids again is safe. A branch
// the actor does not belong to is a *refusal.Error, branch.not_found.
func (s *Service) Do(ctx context.Context, actor auth.Actor, branch auth.BranchID, reqs []Request) ([]Receipt, error) {
	if err := inBranch(actor, branch); err != nil {
		return nil, err
	}
	c := &call{svc: s, actor: actor, reqs: reqs, last: -1}
	cmds := make([]journal.Command, len(reqs))
	for i := range reqs {
		q := &reqs[i]
		cmds[i] = journal.Command{ID: q.ID, Payload: q.Payload, Actor: actor.User, Device: q.Device, Claimed: q.Claimed,
			Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) { return c.decide(ctx, r, i) },
			Same:   func(ctx context.Context, before []byte) (bool, error) { return s.sameSaid(ctx, branch, q, before) }}
	}
	outs, err := s.journal.Do(ctx, branch, cmds)
	receipts := make([]Receipt, len(outs))
	for i, o := range outs {
		receipts[i] = Receipt{Command: o.Command, N: o.N, Duplicate: o.Duplicate, Body: o.Receipt, Err: o.Err, Docs: o.Docs}
		var before *answeredBefore
		if errors.As(o.Err, &before) {
			receipts[i] = Receipt{Command: o.Command, N: before.receipt.N, Duplicate: true, Body: before.receipt.Body}
			continue
		}
		if o.Err != nil && err == nil && !isRefusal(o.Err) {
			err = fmt.Errorf("decide %s: %w", o.Command, o.Err)
		}
	}
	return receipts, err
}

// One decides a single request; its refusal is the error.
func (s *Service) One(ctx context.Context, actor auth.Actor, branch auth.BranchID, q Request) (Receipt, error) {
	rs, err := s.Do(ctx, actor, branch, []Request{q})
	if err != nil {
		return Receipt{}, err
	}
	return rs[0], rs[0].Err
}

// call is one Do: its requests share what is read ahead.
type call struct {
	svc   *Service
	actor auth.Actor
	reqs  []Request
	last  int // the request decided last
	terr  TerritoryIndex
	// devices are those to alert, of the users who were looked up.
	devices map[auth.UserID][]auth.Device
}

// refs is implemented by commands whose documents are known before they are
// read, so that a chunk of them is read at once.
type refs interface{ refs() []journal.DocRef }

// decide decides request i.
func (c *call) decide(ctx context.Context, r *journal.Reader, i int) (journal.Draft, error) {
	q := &c.reqs[i]
	// Requests are decided in order; one at or before the last begins another
	// round, on newer documents.
	if i <= c.last || c.last < 0 {
		c.terr = nil
		if err := c.readAhead(ctx, r, i); err != nil {
			return journal.Draft{}, err
		}
	}
	c.last = i
	if q.Cmd == nil {
		return journal.Draft{}, refuse(refusal.Invalid, "command.invalid", "", "the request names no command")
	}
	t := &turn{svc: c.svc, call: c, r: r, Actor: c.actor, Branch: r.Branch, At: r.At.UTC().Truncate(time.Second),
		Request: q}
	if err := t.stillAs(ctx, q.Seen); err != nil {
		return journal.Draft{}, err
	}
	d, err := q.Cmd.decide(ctx, t)
	if err != nil || d == nil {
		return journal.Draft{}, err
	}
	if err := t.stopLoads(ctx, d); err != nil {
		return journal.Draft{}, err
	}
	if err := t.tellDoors(ctx, d); err != nil {
		return journal.Draft{}, err
	}
	if err := t.tellDevices(ctx, d); err != nil {
		return journal.Draft{}, err
	}
	for i := range d.parts {
		r.Depend(d.parts[i].writes...) // a key may be written only if it was read (J1)
	}
	draft, err := d.finish(ctx, c.svc.vault, r.Branch)
	if err == nil {
		draft.Said, err = d.say(ctx, c.svc.vault, r.Branch, q.Payload)
	}
	return draft, refusalOfErased(err)
}

// turn is one decision under way: what a command reads through.
type turn struct {
	svc     *Service
	call    *call
	r       *journal.Reader
	Actor   auth.Actor
	Branch  auth.BranchID
	At      time.Time // when the server received the request: UTC, whole seconds
	Request *Request
}

// policy is the conduct policy in force.
func (t *turn) policy() *conduct.Policy { return t.svc.policy.Load() }

// territoryAt finds the territory a home lies in; "" outside every one.
func (t *turn) territoryAt(ctx context.Context, lon, lat float64) (string, error) {
	if t.svc.territories == nil {
		return "", nil
	}
	if t.call.terr == nil {
		ix, err := t.svc.territories(ctx, t.Branch)
		if err != nil {
			return "", fmt.Errorf("load territories of %s: %w", t.Branch, err)
		}
		t.call.terr = ix
	}
	id, ok := t.call.terr.Find(lon, lat)
	if !ok {
		return "", nil
	}
	return id, nil
}

// draft begins the result of a decision.
func (t *turn) draft(action string) *draftBuilder {
	return &draftBuilder{At: t.At, Actor: t.Actor, Device: t.Request.Device, Claimed: t.Request.Claimed,
		Command: t.Request.ID, parts: []draftPart{{action: action}}}
}

// answer is a draft that changes nothing, leaves no trace, and tells the sender so.
func (t *turn) answer(reply any) *draftBuilder {
	d := t.draft("")
	d.reply = reply
	return d
}

// nothing forgets what was drafted and keeps the answer: no entry is written.
func (d *draftBuilder) nothing() *draftBuilder {
	d.parts, d.alerts, d.contacted = []draftPart{{}}, nil, nil
	return d
}

// answering answers with the case's receipt; without a change nothing is appended.
func (d *draftBuilder) answering(f *File, changed bool) *draftBuilder {
	d.reply = CaseReceipt{Case: f.Case.ID, Changed: changed}
	if !changed {
		return d.nothing()
	}
	return d
}

// draftBuilder collects what a decision wants appended: open states, feed rows
// and the receipt. Sealing and encoding come after deciding (finish).
type draftBuilder struct {
	At      time.Time // UTC, whole seconds
	Actor   auth.Actor
	Device  auth.DeviceID
	Claimed time.Time
	Command string

	// about is the debtor whose key seals what was asked; "" for that of the first document that has one.
	about journal.DebtorID
	parts []draftPart
	// alerts are what agents are to be alerted of (alert, tellDevices).
	alerts []cause
	// contacted are the files of the cases with a new contact (stopLoads).
	contacted []*File
	reply     any
}

// draftPart becomes one entry.
type draftPart struct {
	action   string
	docs     []draftDoc
	feeds    []journal.FeedRow
	writes   []journal.Key
	verdicts json.RawMessage
}

// draftDoc is one document's new state, or its tombstone when state is nil.
type draftDoc struct {
	typ, id string
	debtor  journal.DebtorID
	state   any
	copy    bool // of a document of another branch (draftBuilder.copied)
}

// now is the part being filled.
func (d *draftBuilder) now() *draftPart { return &d.parts[len(d.parts)-1] }

// next begins a further entry of the same command, for one too large for a single entry. One
// that nothing is in yet becomes it.
func (d *draftBuilder) next(action string) {
	if p := d.now(); len(p.docs)+len(p.feeds)+len(p.writes) == 0 && p.verdicts == nil {
		p.action = action
		return
	}
	d.parts = append(d.parts, draftPart{action: action})
}

// put adds a document's new state, a pointer; a second state of the same document
// in the same entry replaces the first. The debtor's key seals its personal parts;
// a document without any may name no debtor.
func (d *draftBuilder) put(typ, id string, debtor journal.DebtorID, state any) {
	p := d.now()
	for i := range p.docs {
		if p.docs[i].typ == typ && p.docs[i].id == id {
			p.docs[i].state = state
			return
		}
	}
	p.docs = append(p.docs, draftDoc{typ: typ, id: id, debtor: debtor, state: state})
}

// putCase adds the case's new state and tells the agents who hold the case.
func (d *draftBuilder) putCase(f *File) {
	f.Case.UpdatedAt = d.At
	f.touched = true
	d.put("cases", string(f.Case.ID), f.Case.Debtor, &f.Case)
	d.touch(f)
	d.tellAgents(f, "cases", string(f.Case.ID))
}

// putChild adds the new state of a document below the case and tells the agents who hold the case.
func (d *draftBuilder) putChild(f *File, typ, id string, state any) {
	d.put(typ, id, f.Case.Debtor, state)
	d.touch(f)
	d.tellAgents(f, typ, id)
	if typ == "consents" || typ == "plans" {
		d.tellAgents(f, "cases", string(f.Case.ID)) // the door of the card holds what they allow and forbid
	}
}

// putContact adds a contact to the case file. It counts for every case of the debtor.
func (d *draftBuilder) putContact(f *File, id string, c *record.Contact) {
	c.Case, c.Debtor, c.Branch, c.Lender = f.Case.ID, f.Case.Debtor, f.Case.Branch, f.Case.Lender
	counted(c)
	d.put("contacts", id, f.Case.Debtor, c)
	d.touch(f)
	d.write(debtorKey(f.Case.Debtor))
	// The card on the phone sums up the last contacts.
	d.tellAgents(f, "cases", string(f.Case.ID))
	f.addContact(id, *c)
	if c.Loads() && !slices.Contains(d.contacted, f) {
		d.contacted = append(d.contacted, f)
	}
}

// touch says that the case file changed, so that decisions resting on it are taken again.
func (d *draftBuilder) touch(f *File) { d.write(journal.CaseKey(f.Case.ID)) }

// write adds keys the change writes besides those of its documents.
func (d *draftBuilder) write(keys ...journal.Key) {
	p := d.now()
	for _, k := range keys {
		if !slices.Contains(p.writes, k) {
			p.writes = append(p.writes, k)
		}
	}
}

// tell adds a feed row, once. Rows beyond what an entry holds go into a further entry.
func (d *draftBuilder) tell(feed journal.Feed, typ, id string) {
	p := d.now()
	row := journal.FeedRow{Feed: feed, Type: typ, ID: id}
	if slices.Contains(p.feeds, row) {
		return
	}
	if len(p.feeds) == journal.MaxFeedRows {
		d.next(p.action)
		p = d.now()
	}
	p.feeds = append(p.feeds, row)
}

// tellAgents adds a row to the feed of each agent who holds the case now.
func (d *draftBuilder) tellAgents(f *File, typ, id string) {
	for _, a := range f.Case.Agents {
		d.tell(journal.AgentFeed(a), typ, id)
	}
}

// finish seals and encodes. A string in the clear that is no code, number or id refuses the
// command (J12). A state is sealed in place; parts already sealed stay as they are.
func (d *draftBuilder) finish(ctx context.Context, vault *seal.Vault, branch auth.BranchID) (journal.Draft, error) {
	var out journal.Draft
	for i := range d.parts {
		p := &d.parts[i]
		part := journal.Draft{Action: p.action, Feeds: p.feeds, Writes: p.writes, Verdicts: p.verdicts}
		for _, doc := range p.docs {
			if doc.state == nil {
				part.Delete(doc.typ, doc.id)
				continue
			}
			if bad := record.CheckClear(doc.state); bad != nil {
				return journal.Draft{}, bad
			}
			if err := vault.SealDoc(ctx, doc.debtor, branch, doc.typ, doc.id, doc.state); err != nil {
				return journal.Draft{}, fmt.Errorf("seal %s/%s: %w", doc.typ, doc.id, err)
			}
			body, err := encode(doc.state)
			if err != nil {
				return journal.Draft{}, fmt.Errorf("encode %s/%s: %w", doc.typ, doc.id, err)
			}
			part.Put(doc.typ, doc.id, body)
			part.Docs[len(part.Docs)-1].Copy = doc.copy
		}
		if i == 0 {
			out = part
		} else {
			out.More = append(out.More, part)
		}
	}
	if d.reply != nil {
		body, err := json.Marshal(d.reply)
		if err != nil {
			return journal.Draft{}, fmt.Errorf("encode receipt of %s: %w", d.Command, err)
		}
		out.Receipt = body
	}
	return out, nil
}
