package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Undoing an import goes through the entries that it wrote, the last one first, and takes back what each changed in
// a command of its own. Its id comes from the entry's number, so that undoing again, or going on after a crash, answers
// for what is done already what was answered then. Nothing is deleted: a case is closed, a payment is reversed, a
// contact is struck, a member gets its earlier value, and the journal keeps both. What somebody has changed since, or
// what people have relied on, is left, and the answer says why.

// UndoReasons are why an import may be undone.
func UndoReasons() []string { return slices.Clone(record.CodesOf("undo_reasons")) }

// UndoReport says what became of what an import changed. Every record that it changed is counted once.
type UndoReport struct {
	Import string `json:"import_id"`         // the import's id
	State  string `json:"state"`             // undoing or undone; done when nothing was changed (dry run)
	DryRun bool   `json:"dry_run,omitempty"` // this is what would become of it
	// Closed is how many cases that the import had opened are closed.
	Closed   int `json:"closed"`
	Restored int `json:"restored"` // records that are as they were before
	Partly   int `json:"partly"`   // records of which something was taken back and something is left
	Struck   int `json:"struck"`   // contacts that count nowhere any more
	Reversed int `json:"reversed"` // payments, and reversals, that were taken back
	Left     int `json:"left"`     // records that stay as they are
	// Lines are records of which something is left, and contacts that decisions had counted: at most 1,000.
	Lines []UndoneRecord `json:"lines"`
	// LinesLeftOut is how many of those are not listed, for their number.
	LinesLeftOut int `json:"lines_left_out,omitempty"`
}

// UndoneRecord is what became of one record that an import had changed.
type UndoneRecord struct {
	Kind   string         `json:"kind"`   // cases, contacts or payments
	Record string         `json:"record"` // the record's id
	Case   journal.CaseID `json:"case"`
	// Became is closed, restored, partly, struck, reversed or left.
	Became string `json:"became"`
	// Kept says what is left, and why.
	Kept []UndoKept `json:"kept,omitempty"`
	// Counted is how many visits and stops of the debtor were judged with a contact that is struck now, and that a cap
	// could count: look at them again.
	Counted int `json:"decisions_counted,omitempty"`
}

// UndoKept is something that an undo leaves as it is.
type UndoKept struct {
	Member string `json:"member,omitempty"` // of the record; "" for the record as a whole
	Code   string `json:"code"`
	Why    string `json:"why,omitempty"` // the code in a sentence, for people
}

// What becomes of a record.
const (
	becameClosed   = "closed"
	becameRestored = "restored"
	becamePartly   = "partly"
	becameStruck   = "struck"
	becameReversed = "reversed"
	becameLeft     = "left"
)

// Why something is left.
const (
	keptVisited   = "visited"
	keptPlan      = "plan_agreed"
	keptRecorded  = "recorded_since"
	keptPaid      = "paid_since"
	keptChanged   = "changed_since"
	keptImported  = "imported_since"
	keptClosed    = "case_closed"
	keptGone      = "not_found"
	keptHold      = "hold_stays"
	keptReversed  = "payment_reversed"
	keptUnread    = "unreadable"
	keptUndone    = "undone_before"
	mostUndoLines = 1000
)

// keptWhy tells people what the codes mean. Codes of refusals, such as case.moved, have sentences of their own.
var keptWhy = map[string]string{
	keptVisited: "the case was visited since; close it if it must not go on",
	keptPlan:    "a repayment plan was agreed since; it rests on these values",
	keptRecorded: "something was recorded of the case since, such as a consent, a note or an appointment; close it if " +
		"it must not go on",
	keptPaid:         "a payment or reversal was recorded since",
	keptChanged:      "the value was changed since",
	keptImported:     "a later import changed it; undo that one first",
	keptClosed:       "the case was closed or reopened since",
	keptGone:         "it is not here any more",
	keptHold:         "a hold that the debtor may have asked for ends by two people: release it if the import was wrong",
	keptReversed:     "the payment was taken back already",
	keptUnread:       "the entries of the journal cannot be read; doorstep fsck says more",
	keptUndone:       "it was undone before",
	codeMoved:        "the debtor moved to another branch, or is on the way; correct the case there",
	codeErased:       "the debtor was erased: nothing about them is kept",
	"case.not_found": "the case is not here any more",
}

// UndoImport begins to undo an import in one branch. Service.Undo takes it, and does what follows.
type UndoImport struct {
	Import string
	Reason string // one of UndoReasons
}

// UndoReceipt answers UndoImport.
type UndoReceipt struct {
	Import string `json:"import_id"` // the import's id
	State  string `json:"state"`     // undoing or undone
}

func (c UndoImport) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, n, err := t.imported(ctx, c.Import)
	if err != nil {
		return nil, err
	}
	if m == nil || !mayUndo(t.Actor, m) {
		return nil, noSuchImport()
	}
	if err := c.check(m, t.At); err != nil {
		return nil, err
	}
	d := t.draft("import.undo")
	if m.Undo == nil {
		if m.First == 0 {
			m.First = n // its first entry is its only word
		}
		if m.State == record.ImportDone {
			m.Last = n
		}
		settleImport(m, t.At)
		m.State = record.ImportUndoing
		m.Undo = &record.ImportUndo{By: t.Actor.User, At: t.At, Reason: c.Reason}
		d.put("imports", c.Import, "", m)
	} else {
		d.nothing()
	}
	d.reply = UndoReceipt{c.Import, m.State}
	return d, nil
}

// check refuses to undo an import that still runs.
func (c UndoImport) check(m *record.Import, now time.Time) error {
	if c.Reason == "" {
		return refuse(refusal.Invalid, "import.undo_reason", "reason", "say why: one of %s",
			strings.Join(UndoReasons(), ", "))
	}
	if err := record.OneOf("import.undo_reason", "reason", c.Reason, UndoReasons()); err != nil {
		return err
	}
	at := *m
	if settleImport(&at, now); at.State == record.ImportRunning {
		return refuse(refusal.Conflict, "import.running", "import",
			"this import is still running; undo it once it has ended, or five minutes after it was cut off")
	}
	return nil
}

// endUndo notes that an import is undone.
type endUndo struct {
	id   string
	last uint64
}

func (c endUndo) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, _, err := t.imported(ctx, c.id)
	if err != nil || m == nil || m.State != record.ImportUndoing {
		return t.answer(UndoReceipt{c.id, record.ImportUndone}), err
	}
	m.State, m.Last, m.Undo.EndedAt = record.ImportUndone, c.last, t.At
	d := t.draft("import.undone")
	d.put("imports", c.id, "", m)
	d.reply = UndoReceipt{c.id, m.State}
	return d, nil
}

// Undo undoes an import in every branch of the actor's that it changed, and reports what became of what it had
// changed. With dry it changes nothing, and reports what would. Once it has begun it ends, by FinishUndos at the
// latest; undoing again answers the same. A lender's system undoes its own imports. q is the request, without a
// command. Refusals: import.not_found, import.running, import.undo_reason.
func (s *Service) Undo(ctx context.Context, actor auth.Actor, q Request, c UndoImport, dry bool) (UndoReport, error) {
	rep := UndoReport{Import: c.Import, DryRun: dry, State: record.ImportUndone, Lines: []UndoneRecord{}}
	found, err := s.importsOf(ctx, actor, c.Import)
	if err != nil {
		return rep, err
	}
	branches := slices.Sorted(maps.Keys(found))
	for _, b := range branches { // all are judged before anything is done
		m := found[b].State
		if err := c.check(&m, s.journal.Now()); err != nil {
			return rep, err
		}
	}
	for _, b := range branches {
		if !dry {
			q.Cmd = c
			if _, err := s.One(ctx, actor, b, q); err != nil {
				return rep, err
			}
		}
		if err := s.undoIn(ctx, actor, b, c.Import, dry, &rep); err != nil {
			return rep, err
		}
	}
	return rep, nil
}

// undoIn takes back what an import changed in a branch.
func (s *Service) undoIn(ctx context.Context, actor auth.Actor, b auth.BranchID, id string, dry bool,
	rep *UndoReport) error {
	recs, err := s.store.Records(ctx, b, []journal.DocRef{{Type: "imports", ID: id}})
	if err != nil {
		return fmt.Errorf("read import: %w", err)
	}
	var m record.Import
	if err := decode(recs[0], &m); err != nil {
		return err
	}
	u := &undoing{svc: s, actor: actor, branch: b, id: id, kind: m.Kind, dry: dry && m.Undo == nil, rep: rep,
		first: m.First, last: m.Last, skip: map[uint64]bool{}}
	if u.first == 0 {
		u.first = recs[0].N
	}
	if u.last == 0 {
		u.last = recs[0].N
	}
	if m.Undo == nil {
		rep.State = m.State
	}
	if err := u.run(ctx); err != nil {
		rep.State = record.ImportUndoing
		return err
	}
	if u.dry || m.State != record.ImportUndoing {
		return nil
	}
	_, err = s.One(ctx, actor, b, Request{ID: "undone:" + id, Cmd: endUndo{id, u.last}})
	return err
}

// undoing is one undo under way in a branch.
type undoing struct {
	svc         *Service
	actor       auth.Actor
	branch      auth.BranchID
	id, kind    string
	first, last uint64
	dry         bool
	rep         *UndoReport
	skip        map[uint64]bool // entries whose record is taken back with a later one of the same import
	page        *journal.Page   // the one that was read last for a single entry
	part        []Request
}

// undoLines is how many records are taken back together.
const undoLines = 100

// run goes through the import's entries, the last one first.
func (u *undoing) run(ctx context.Context) error {
	for n := u.last; n >= u.first; {
		page, err := u.svc.store.PageOf(ctx, u.branch, n)
		var damaged *journal.DamagedPage
		switch {
		case errors.As(err, &damaged):
			u.report(UndoneRecord{Kind: u.kind, Became: becameLeft, Kept: []UndoKept{{Code: keptUnread}}})
			n = min(n, damaged.First) - 1
			continue
		case err != nil:
			return fmt.Errorf("read the entries of an import: %w", err)
		}
		for ; n >= max(page.First, u.first); n-- {
			e, err := page.Entry(n)
			if err != nil {
				u.report(UndoneRecord{Kind: u.kind, Became: becameLeft, Kept: []UndoKept{{Code: keptUnread}}})
				continue
			}
			if !strings.HasPrefix(e.Command, importLines(u.id)) || e.Part > 0 || u.skip[n] {
				delete(u.skip, n)
				continue
			}
			if err := u.add(ctx, &e); err != nil {
				return fmt.Errorf("take back entry %d: %w", n, err)
			}
		}
	}
	return u.flush(ctx)
}

// add takes up what an entry changed.
func (u *undoing) add(ctx context.Context, e *journal.Entry) error {
	var of struct {
		Case    journal.CaseID `json:"case"`
		Contact string         `json:"contact_id"`
		Payment string         `json:"payment_ref"`
	}
	if err := json.Unmarshal(e.Receipt, &of); err != nil {
		return err
	}
	line := UndoneRecord{Kind: u.kind, Case: of.Case}
	var cmd Cmd
	switch u.kind {
	case "cases":
		line.Record = string(of.Case)
		before, after, err := u.states(ctx, e, u.kind, line.Record)
		if err != nil {
			return err
		}
		c := undoCase{undoOf: undoOf{u.id, line}, after: after.(*record.Case)}
		c.before, _ = before.(*record.Case)
		cmd = c
	case "contacts":
		line.Record = of.Contact
		before, after, err := u.states(ctx, e, u.kind, line.Record)
		if err != nil {
			return err
		}
		c := undoContact{undoOf: undoOf{u.id, line}, since: e.Received, after: after.(*record.Contact)}
		c.before, _ = before.(*record.Contact)
		cmd = c
	case "payments":
		line.Record = paymentID(of.Case, of.Payment)
		cmd = undoPayment{undoOf: undoOf{u.id, line}, ref: of.Payment}
	}
	if u.dry {
		cmd = rehearsed{cmd}
	}
	u.part = append(u.part, Request{ID: fmt.Sprintf("undo:%s:%d", u.id, e.N), Cmd: cmd})
	if len(u.part) == undoLines {
		return u.flush(ctx)
	}
	return nil
}

// flush takes back what was taken up, and reports it.
func (u *undoing) flush(ctx context.Context) error {
	if len(u.part) == 0 {
		return nil
	}
	receipts, err := u.svc.Do(ctx, u.actor, u.branch, u.part)
	if err != nil {
		return err
	}
	u.part = u.part[:0]
	for _, r := range receipts {
		if r.Err != nil {
			return r.Err
		}
		var line UndoneRecord
		if err := json.Unmarshal(r.Body, &line); err != nil {
			return fmt.Errorf("read receipt of %s: %w", r.Command, err)
		}
		u.report(line)
	}
	return nil
}

// report counts a record, and lists one of which something is left.
func (u *undoing) report(line UndoneRecord) {
	rep := u.rep
	switch line.Became {
	case becameClosed:
		rep.Closed++
	case becameRestored:
		rep.Restored++
	case becamePartly:
		rep.Partly++
	case becameStruck:
		rep.Struck++
	case becameReversed:
		rep.Reversed++
	default:
		rep.Left++
	}
	if len(line.Kept) == 0 && line.Counted == 0 {
		return
	}
	if len(rep.Lines) == mostUndoLines {
		rep.LinesLeftOut++
		return
	}
	for i := range line.Kept {
		line.Kept[i].Why = keptWhy[line.Kept[i].Code]
	}
	rep.Lines = append(rep.Lines, line)
}

// states reads the states of an entry's record before and after the import, opened. Earlier entries of the same import
// that wrote the record are passed over, and skipped later; before is nil where the import found no record.
func (u *undoing) states(ctx context.Context, e *journal.Entry, typ, id string) (before, after any, err error) {
	if after, err = u.state(ctx, e, typ, id); err != nil {
		return nil, nil, err
	}
	for state := after; ; {
		mark := markOf(state)
		if mark == nil || mark.Before == 0 {
			return nil, after, nil
		}
		was, err := u.entry(ctx, mark.Before)
		if err != nil {
			return nil, nil, err
		}
		if state, err = u.state(ctx, was, typ, id); err != nil {
			return nil, nil, err
		}
		if !strings.HasPrefix(was.Command, importLines(u.id)) {
			return state, after, nil
		}
		u.skip[was.N-uint64(was.Part)] = true
	}
}

// markOf is the import that wrote a state last.
func markOf(state any) *record.Imported {
	switch v := state.(type) {
	case *record.Case:
		return v.Import
	case *record.Contact:
		return v.Import
	}
	return nil
}

// entry reads an entry.
func (u *undoing) entry(ctx context.Context, n uint64) (*journal.Entry, error) {
	if u.page == nil || n < u.page.First || n > u.page.Last {
		page, err := u.svc.store.PageOf(ctx, u.branch, n)
		if err != nil {
			return nil, fmt.Errorf("read entry %d: %w", n, err)
		}
		u.page = page
	}
	e, err := u.page.Entry(n)
	return &e, err
}

// state opens the state that an entry gives a record.
func (u *undoing) state(ctx context.Context, e *journal.Entry, typ, id string) (any, error) {
	for i := range e.Docs {
		doc := &e.Docs[i]
		if doc.Type != typ || doc.ID != id {
			continue
		}
		kind, _ := record.KindOf(typ)
		state := kind.New()
		if err := json.Unmarshal(doc.State, state); err != nil {
			return nil, fmt.Errorf("read %s/%s: %w", typ, id, err)
		}
		if err := u.svc.vault.OpenDoc(ctx, "", u.branch, typ, id, state); err != nil {
			return nil, fmt.Errorf("open %s/%s: %w", typ, id, err)
		}
		return state, nil
	}
	return nil, fmt.Errorf("entry %d does not write %s/%s", e.N, typ, id)
}

// rehearsed decides a command and changes nothing.
type rehearsed struct{ cmd Cmd }

func (c rehearsed) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d, err := c.cmd.decide(ctx, t)
	if err != nil {
		return nil, err
	}
	return t.answer(d.reply), nil
}

// undoOf is what the commands of an undo have in common: the import, and what is known of the record.
type undoOf struct {
	imp  string
	line UndoneRecord
}

func (c undoOf) refs() []journal.DocRef { return caseRef(c.line.Case) }

// kept answers that the record is left as it is. The answer is recorded, so that it stays the same.
func (c undoOf) kept(t *turn, code string) *draftBuilder {
	d := t.draft("import.undo_kept")
	c.line.Became, c.line.Kept = becameLeft, []UndoKept{{Code: code}}
	d.reply = c.line
	return d
}

// file loads the case of the record. One that cannot be changed any more gives a draft that says so.
func (c undoOf) file(ctx context.Context, t *turn, want parts) (*File, *draftBuilder, error) {
	f, err := t.file(ctx, c.line.Case, want)
	if e, refused := refusal.Of(err); refused {
		return nil, c.kept(t, e.Code()), nil
	}
	return f, nil, err
}

// undoCheck is how often RunUndos looks for undos that are not over, and undoLost how long after its last word one
// counts as cut short.
const (
	undoCheck = time.Minute
	undoLost  = 5 * time.Minute
)

// RunUndos goes on with undos that a crash or an unreachable store cut short, at once and then every minute, until
// the context ends.
func (s *Service) RunUndos(ctx context.Context) error {
	tick := time.NewTicker(undoCheck)
	defer tick.Stop()
	for lost := time.Duration(0); ; lost = undoLost {
		if err := s.FinishUndos(ctx, lost); err != nil && ctx.Err() == nil {
			s.log.Warn("undos of imports wait to be finished", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// FinishUndos ends the undos that were asked for longer ago than lost, whichever node began them. One that cannot be
// ended does not stop the others; the error is about all that were left.
func (s *Service) FinishUndos(ctx context.Context, lost time.Duration) error {
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return fmt.Errorf("look for undos: %w", err)
	}
	var errs []error
	for _, b := range branches {
		var begun []string
		q := journal.Query{Branch: b, Type: "imports", Index: importsByState.Name, Eq: []any{record.ImportUndoing}}
		if err := s.each(ctx, q, func(rec journal.Record) error {
			var m record.Import
			if err := decode(rec, &m); err != nil {
				return err
			}
			if s.journal.Now().Sub(m.Undo.At) >= lost {
				begun = append(begun, rec.ID)
			}
			return nil
		}); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, id := range begun {
			if err := s.undoIn(ctx, auth.System(), b, id, false, &UndoReport{}); err != nil {
				errs = append(errs, fmt.Errorf("undo import %s of %s: %w", id, b, err))
			}
		}
	}
	return errors.Join(errs...)
}
