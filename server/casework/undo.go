package casework

import (
	"context"
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
// contact is struck, a member gets its earlier value, and the journal keeps both. What was changed since by
// hand or by another import, and what people have relied on, stays as it is, and the answer says why.

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
	// Removed is how many territories that the import had made are removed.
	Removed int `json:"removed,omitempty"`
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
	// Kept says what stays as it is, and why.
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
		if bad := byLines(&m); bad != nil {
			return rep, bad
		}
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
