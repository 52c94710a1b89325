package casework

import (
	"context"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// TakeStep looks at the ladder of texts of a case and queues the message of the step that is due, if one is. Whether
// it may be sent is judged when it is sent (SendText).
type TakeStep struct {
	Case journal.CaseID
}

// LadderReceipt answers TakeStep and SetLadder.
type LadderReceipt struct {
	Case    journal.CaseID `json:"case"`
	State   string         `json:"state"`
	Reason  string         `json:"reason,omitempty"`
	Message string         `json:"message_id,omitempty"`
}

func (c TakeStep) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "ladders", ID: string(c.Case)})
}

func (c TakeStep) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, forConduct)
	if err != nil {
		return nil, err
	}
	l, err := t.ladder(ctx, f)
	if err != nil {
		return nil, err
	}
	if l.Waiting != "" {
		return t.answer(LadderReceipt{Case: c.Case, State: l.State, Message: l.Waiting}), nil // it is settled first
	}
	def, err := t.svc.texting.Texts.Ladder(ctx, f.Case.Lender, f.Case.Country)
	if err != nil {
		return nil, err
	}
	waits, err := t.replyWaits(ctx, f)
	if err != nil {
		return nil, err
	}
	id := madeID("m", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "messages", id); err != nil {
		return nil, err
	}
	return decideStep(f, t.draft("ladder.step"), l, def, waits, id, &t.svc.zones)
}

// replyWaits tells whether a reply waits for a person that says more than a stop word or an insult: the case is sent no
// text before it was answered.
func (t *turn) replyWaits(ctx context.Context, f *File) (bool, error) {
	var replies []Filed[record.Reply]
	if err := allInto(ctx, t, &replies, byCase("replies"), string(f.Case.ID)); err != nil {
		return false, err
	}
	return slices.ContainsFunc(replies, func(r Filed[record.Reply]) bool { return asksSomething(&r.State) }), nil
}

// asksSomething tells whether a reply waits to which the next text of a ladder would be no answer.
func asksSomething(r *record.Reply) bool {
	if r.State != record.ReplyOpen {
		return false
	}
	return r.Vulnerable || slices.ContainsFunc([]string{record.IntentWrongNumber, record.IntentComplaint,
		record.IntentDispute, record.IntentPaid, record.IntentPlan, record.IntentCall}, r.Has)
}

// Reasons of a ladder that takes no step now.
const (
	ladderClosed   = "case_closed"
	ladderNoNumber = "no_number"
	ladderReply    = "reply"
	ladderHold     = "hold"
	ladderPlan     = "plan"
)

func decideStep(f *File, d *draftBuilder, l *record.Ladder, def ladder.Definition, replyWaits bool, id string,
	zones *zoneCache) (*draftBuilder, error) {
	k := &f.Case
	today := zones.dayAt(d.At, k.TimeZone)
	number := k.Phone.Plain()
	l.NextAt = time.Time{}
	set := func(state, reason string) { l.State, l.Reason = state, reason }
	tomorrow := zones.startOf(dayAfter(today, 1), k.TimeZone)
	switch {
	case k.Status != record.StatusOpen:
		set(record.LadderStopped, ladderClosed)
	case l.By != "" && (l.State == record.LadderPaused || l.State == record.LadderStopped):
		// A supervisor said so.
	case number == "" || k.PhoneState != "" || k.StopOf(number, smsChannel) != nil:
		set(record.LadderPaused, ladderNoNumber)
	case replyWaits:
		set(record.LadderPaused, ladderReply)
	case len(k.OpenHolds(today)) > 0:
		set(record.LadderPaused, ladderHold)
		l.NextAt = tomorrow
	case f.planPerforming(today, d.At):
		set(record.LadderPaused, ladderPlan)
		l.NextAt = tomorrow
	default:
		next := def.Next(k.DueDate, today, sentOf(l))
		set(record.LadderActive, next.Why)
		switch {
		case next.Why == ladder.Done:
			set(record.LadderCompleted, "")
		case next.Why == ladder.Undeliverable:
			set(record.LadderStopped, next.Why)
		case next.Until != "":
			l.NextAt = zones.startOf(next.Until, k.TimeZone)
		case next.Step >= 0:
			l.Waiting = id
			putMessage(f, d, id, &record.Message{Kind: def.Steps[next.Step].Kind, Step: next.Step + 1,
				State: record.MessageQueued, QueuedAt: d.At, NextAt: d.At})
		}
	}
	d.putChild(f, "ladders", string(k.ID), l)
	d.reply = LadderReceipt{Case: k.ID, State: l.State, Reason: l.Reason, Message: l.Waiting}
	return d, nil
}

// sentOf are the texts of a ladder as the rules of ladders take them.
func sentOf(l *record.Ladder) []ladder.Sent {
	out := make([]ladder.Sent, len(l.Texts))
	for i, x := range l.Texts {
		out[i] = ladder.Sent{Kind: x.Kind, On: x.On}
		switch x.State {
		case record.MessageDelivered:
			out[i].State = ladder.Delivered
		case record.MessageFailed:
			out[i].State = ladder.Failed
		}
	}
	return out
}

// startOf is the first instant of a local date.
func (z *zoneCache) startOf(day, zone string) time.Time {
	loc := z.find(zone)
	if loc == nil {
		loc = time.UTC
	}
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{} // of a date that was checked
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, loc).UTC()
}

// putMessage drafts a message of a case.
func putMessage(f *File, d *draftBuilder, id string, m *record.Message) {
	m.Case, m.Debtor, m.Lender, m.Branch = f.Case.ID, f.Case.Debtor, f.Case.Lender, f.Case.Branch
	d.putChild(f, "messages", id, m)
}

// SetLadder pauses, stops or goes on with the ladder of a case, by a supervisor. A ladder that goes on is looked at at
// once; a message of it that waits is sent or not as the ladder says then.
type SetLadder struct {
	Case   journal.CaseID
	State  string // active, paused or stopped
	Reason string // a code; "" for none
}

func (c SetLadder) refs() []journal.DocRef { return TakeStep{Case: c.Case}.refs() }

func (c SetLadder) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	l, err := t.ladder(ctx, f)
	if err != nil {
		return nil, err
	}
	states := []string{record.LadderActive, record.LadderPaused, record.LadderStopped}
	if bad := record.OneOf("ladder.state", "state", c.State, states); bad != nil {
		return nil, bad
	}
	if c.Reason != "" && (!record.IsID(c.Reason) || strings.Contains(c.Reason, "/")) {
		return nil, refuse(refusal.Invalid, "ladder.reason", "reason", "a reason is a short code, such as on_request")
	}
	if l.State == record.LadderCompleted {
		return nil, refuse(refusal.Conflict, "ladder.completed", "state", "all steps of this ladder were taken")
	}
	d := t.draft("ladder.set")
	l.State, l.Reason, l.By, l.NextAt = c.State, c.Reason, t.Actor.User, time.Time{}
	if c.State == record.LadderActive {
		l.By, l.Reason, l.NextAt = "", "", t.At
	}
	d.putChild(f, "ladders", string(c.Case), l)
	d.reply = LadderReceipt{Case: c.Case, State: l.State, Reason: l.Reason, Message: l.Waiting}
	return d, nil
}
