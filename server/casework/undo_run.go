package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

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
