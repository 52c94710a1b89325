// One file because what is asked of a text before it is queued, and again before it is sent, is read together.

package casework

import (
	"context"
	"maps"
	"slices"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// MessageReceipt answers QueueText, SendText, SettleText and CancelText.
type MessageReceipt struct {
	Message string `json:"message_id"`
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
	// Started says that the message went to sending by this command.
	Started bool `json:"started,omitempty"`
}

// QueueText queues a text outside the ladder: a notice of a visit, an offer of a plan and the like. It is judged when
// it is sent.
type QueueText struct {
	Case journal.CaseID
	Kind string
	// Values are those of the variables that no record has (ladder.Given).
	Values map[string]string
}

func (c QueueText) refs() []journal.DocRef { return caseRef(c.Case) }

func (c QueueText) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	kinds := []string{ladder.PlanOffer, ladder.VisitNotice, ladder.PlanReminder, ladder.ThankYou}
	if bad := record.OneOf("message.kind", "kind", c.Kind, kinds); bad != nil {
		return nil, bad
	}
	if bad := checkGiven(c.Kind, c.Values); bad != nil {
		return nil, bad
	}
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	k := &f.Case
	if k.Status != record.StatusOpen && c.Kind != ladder.ThankYou {
		return nil, caseClosed()
	}
	if bad := canText(k); bad != nil {
		return nil, bad
	}
	id := madeID("m", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "messages", id); err != nil {
		return nil, err
	}
	m := &record.Message{Kind: c.Kind, State: record.MessageQueued, QueuedAt: t.At, NextAt: t.At, By: t.Actor.User,
		Expires: t.At.Add(queuedFor)}
	if len(c.Values) > 0 {
		var given []record.GivenValue
		for _, name := range slices.Sorted(maps.Keys(c.Values)) {
			given = append(given, record.GivenValue{Name: name, Value: c.Values[name]})
		}
		m.Given = record.NewPersonal(given)
	}
	d := t.draft("message.queue")
	putMessage(f, d, id, m)
	d.reply = MessageReceipt{Message: id, State: m.State}
	return d, nil
}

// canText refuses a text to a case that has no number for it.
func canText(k *record.Case) *refusal.Error {
	switch {
	case k.Phone.Plain() == "" || k.PhoneState != "":
		return refuse(refusal.Conflict, "message.no_number", "case",
			"the case has no number that is the debtor's; correct it first")
	case k.StopOf(k.Phone.Plain(), smsChannel) != nil:
		return refuse(refusal.Refused, "message.opted_out", "case", "the person asked for no texts to this number")
	}
	return nil
}

// queuedFor is how long a message outside the ladder is tried. Doorstep chose the value; no law gives it.
const queuedFor = 3 * 24 * time.Hour

// confirmFor is how long the confirmation of a stop is tried: a later one would only remind of the debt.
const confirmFor = 24 * time.Hour

// SendText judges a message at the moment of sending. One that may be sent is at sending when it returns, and counts as
// a contact; one that may not keeps the rule and is tried again when that allows it, or is cancelled.
type SendText struct {
	ID string
}

func (c SendText) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, f, err := t.textFile(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if !m.Waits() {
		return t.answer(MessageReceipt{Message: c.ID, State: m.State, Reason: m.Reason}), nil
	}
	d := t.draft("message.send")
	if f == nil {
		return cancelText(nil, d, c.ID, m, nil, "case_gone"), nil
	}
	var l *record.Ladder
	if m.Step > 0 {
		if l, err = t.ladder(ctx, f); err != nil {
			return nil, err
		}
	}
	why, err := t.useless(ctx, f, m, l, c.ID)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return cancelText(f, d, c.ID, m, l, why), nil
	}
	overlays, err := t.svc.texting.Texts.Overlays(ctx, t.Branch)
	if err != nil {
		return nil, err
	}
	w, err := t.word(ctx, f, m)
	if err != nil {
		return nil, err
	}
	act := textAct{kind: m.Kind, number: numberOf(f, m), tags: w.tags(), overlays: overlays,
		asked: m.Kind == ladder.StopConfirm || m.Kind == ladder.PageCode}
	if err := t.loadTextGrounds(ctx, f, act); err != nil {
		return nil, err
	}
	v, next, err := judgeText(ctx, t.policy(), &t.svc.zones, f, t.At, act)
	if err != nil {
		return nil, err
	}
	if v.Allowed() && !act.asked {
		other, err := t.textedElsewhere(ctx, f)
		if err != nil {
			return nil, err
		}
		if other {
			v.Answer, v.Reason, v.Rule, v.Cite = conduct.Deny, reasonOneText, ruleOneText, []string{"house"}
			v.All = append(v.All, record.Hit{Reason: reasonOneText, Rule: ruleOneText})
			next = t.svc.zones.startOf(dayAfter(t.day(f), 1), f.Case.TimeZone)
		}
	}
	contact := contactID(f.Case.ID, "message:"+c.ID)
	if _, _, err := t.r.Doc(ctx, "contacts", contact); err != nil {
		return nil, err
	}
	if v.Allowed() && w.reason != "" {
		v = w.refusedWith(v)
		next = t.svc.zones.startOf(dayAfter(t.day(f), 1), f.Case.TimeZone)
	}
	return decideSend(f, d, c.ID, m, &w, v, next, contact)
}

// Why a text waits though the law allows it: the person was sent one for another case that day. Our own rule.
const (
	reasonOneText = "FREQ_CAP"
	ruleOneText   = "house-one-text"
)

// textedElsewhere tells whether the debtor, or somebody linked, was sent a text for another case on this local day. The
// linked debtors must be loaded.
func (t *turn) textedElsewhere(ctx context.Context, f *File) (bool, error) {
	from := t.svc.zones.startOf(t.day(f), f.Case.TimeZone)
	for _, id := range f.linked {
		recs, err := t.Some(ctx, ContactsByDebtor, journal.Range{From: second(from)}, string(id))
		if err != nil {
			return false, err
		}
		contacts, err := decodeAll[record.Contact](recs)
		if err != nil {
			return false, err
		}
		for i := range contacts {
			k := &contacts[i].State
			if k.Case != f.Case.ID && k.Channel == smsChannel && !k.Uncounted() && k.Result != "failed" && !k.At.Before(from) {
				return true, nil
			}
		}
	}
	return false, nil
}

// numberOf is the number that a message goes to: the case's, or for the answer to a reply the one that it came from.
func numberOf(f *File, m *record.Message) string {
	if m.Answers != "" {
		return m.Number.Plain()
	}
	return f.Case.Phone.Plain()
}

func decideSend(f *File, d *draftBuilder, id string, m *record.Message, w *wording, v verdict, next time.Time,
	contact string) (*draftBuilder, error) {
	m.Decision = &v
	var err error
	if d.now().verdicts, err = verdictsJSON(v); err != nil {
		return nil, err
	}
	if !v.Allowed() {
		m.State, m.Reason, m.NextAt, m.Faults = record.MessageRefused, v.Reason, next, w.faults
		putMessage(f, d, id, m)
		d.reply = MessageReceipt{Message: id, State: m.State, Reason: m.Reason}
		return d, nil
	}
	m.State, m.Reason, m.NextAt, m.Faults = record.MessageSending, "", time.Time{}, nil
	m.Template, m.Version, m.Language = w.template.ID, w.template.Version, w.template.Language
	m.Neutral, m.NumberVerifiedOn = w.neutral, f.Case.PhoneVerifiedOn
	m.Number, m.Text = seal.NewText(numberOf(f, m)), seal.NewText(w.text)
	m.SentAt, m.Contact = d.At, contact
	m.Attempts++
	if w.link {
		addPageLink(f, d, record.PageLink{ID: linkOfText(id), At: d.At, Expires: d.At.AddDate(0, 0, record.PageLinkDays),
			Message: id, Number: numberOf(f, m)})
	}
	d.putContact(f, contact, &record.Contact{Channel: smsChannel, At: d.At, Result: "sent", Party: record.DebtorParty,
		Number: seal.NewText(numberOf(f, m)), By: d.Actor.User})
	putMessage(f, d, id, m)
	d.reply = MessageReceipt{Message: id, State: m.State, Started: true}
	return d, nil
}

// textFile reads a message and its case file; no file for a case that has moved or whose debtor is erased.
func (t *turn) textFile(ctx context.Context, id string) (*record.Message, *File, error) {
	rec, there, err := t.r.Doc(ctx, "messages", id)
	if err != nil {
		return nil, nil, err
	}
	if !there {
		return nil, nil, noSuchMessage()
	}
	m := &record.Message{}
	if err := decode(rec, m); err != nil {
		return nil, nil, err
	}
	krec, there, err := t.r.Doc(ctx, "cases", string(m.Case))
	if err != nil {
		return nil, nil, err
	}
	var k record.Case
	if there {
		if err := decode(krec, &k); err != nil {
			return nil, nil, err
		}
	}
	if !there || k.HasMoved() || k.IsErased() {
		return m, nil, nil
	}
	f, err := t.file(ctx, m.Case, forConduct)
	if err != nil {
		return nil, nil, err
	}
	return m, f, t.open(ctx, "messages", id, m.Debtor, m)
}

// useless is the code of why a message that waits is not to be sent any more; "" if it is.
func (t *turn) useless(ctx context.Context, f *File, m *record.Message, l *record.Ladder, id string) (string, error) {
	k := &f.Case
	number := numberOf(f, m)
	answers := m.Kind == ladder.StopConfirm || m.Kind == ladder.PageCode
	if number != "" && !answers {
		if stopped, err := t.svc.stopped(ctx, number); err != nil || stopped {
			return map[bool]string{true: "opted_out"}[stopped], err
		}
	}
	switch {
	case !m.Expires.IsZero() && !t.At.Before(m.Expires):
		return "expired", nil
	case k.Status != record.StatusOpen && m.Kind != ladder.ThankYou && !answers:
		return ladderClosed, nil
	case number == "" || !answers && k.PhoneState != "":
		return ladderNoNumber, nil
	case !answers && k.StopOf(number, smsChannel) != nil:
		return "opted_out", nil
	case answers && k.StopOf(number, "") != nil && k.StopOf(number, "").Kind == record.StopWrongNumber:
		return ladderNoNumber, nil
	case l == nil:
		return "", nil
	case l.Waiting != id || l.State != record.LadderActive:
		return "not_due", nil
	}
	waits, err := t.replyWaits(ctx, f)
	if err != nil || waits {
		return map[bool]string{true: ladderReply}[waits], err
	}
	def, err := t.svc.texting.Texts.Ladder(ctx, k.Lender, k.Country)
	if err != nil {
		return "", err
	}
	next := def.Next(k.DueDate, t.day(f), sentOf(l))
	if next.Step < 0 || def.Steps[next.Step].Kind != m.Kind {
		return "not_due", nil
	}
	return "", nil
}

// cancelText ends a message that waits. f is nil if the case is gone, l if the message is outside the ladder.
func cancelText(f *File, d *draftBuilder, id string, m *record.Message, l *record.Ladder, why string) *draftBuilder {
	m.State, m.Reason, m.NextAt = record.MessageCancelled, why, time.Time{}
	d.reply = MessageReceipt{Message: id, State: m.State, Reason: why}
	if f == nil {
		d.put("messages", id, m.Debtor, m)
		return d
	}
	putMessage(f, d, id, m)
	if l != nil && l.Waiting == id {
		l.Waiting, l.NextAt = "", d.At
		d.putChild(f, "ladders", string(f.Case.ID), l)
	}
	return d
}

// CancelText has a message that waits not sent, by a supervisor.
type CancelText struct {
	ID string
}

func (c CancelText) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, f, err := t.textFile(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case m.State == record.MessageCancelled:
		return t.answer(MessageReceipt{Message: c.ID, State: m.State, Reason: m.Reason}), nil
	case !m.Waits():
		return nil, refuse(refusal.Conflict, "message.state", "message",
			"only a message that is queued or refused is cancelled; this one is %s", m.State)
	}
	var l *record.Ladder
	if f != nil && m.Step > 0 {
		if l, err = t.ladder(ctx, f); err != nil {
			return nil, err
		}
		// The step is not taken again the same minute: a person ended it, so the ladder waits for a person.
		if l.Waiting == c.ID {
			l.State, l.Reason, l.By = record.LadderPaused, "cancelled", t.Actor.User
		}
	}
	return cancelText(f, t.draft("message.cancel"), c.ID, m, l, "by_supervisor"), nil
}

// SettleText notes what became of a message that was handed to a provider.
type SettleText struct {
	ID    string
	State string // sent, delivered, failed, unknown, or queued for one that was certainly not taken
	// Provider and ProviderID are the provider's name and its id for the message.
	Provider, ProviderID string
	Reason               string // a code
	// After is when a message that was not taken is tried again, at the earliest.
	After time.Time
	// Receipt says that the provider told it later of its own accord: a message that does not have the provider's id
	// yet takes it, and another id is refused.
	Receipt bool
}

// mostAttempts is how often a message is handed over before it is given up.
const mostAttempts = 5

func (c SettleText) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, f, err := t.textFile(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	answer := MessageReceipt{Message: c.ID, State: m.State, Reason: m.Reason}
	if c.Receipt {
		switch {
		case m.Provider != "" && m.Provider != c.Provider || m.ProviderID != "" && m.ProviderID != c.ProviderID:
			return nil, noSuchMessage()
		case m.Waits() || m.State == record.MessageCancelled:
			return nil, refuse(refusal.Conflict, "message.state", "message", "this message was not sent")
		}
	}
	if c.State == record.MessageQueued && m.Attempts >= mostAttempts {
		c.State = record.MessageFailed
	}
	if !record.MessageStep(m.State, c.State) || m.State == c.State {
		// Told before, or later than what is known. The provider's id is kept if it comes only now.
		if m.ProviderID != "" || c.ProviderID == "" || f == nil || m.Waits() {
			return t.answer(answer), nil
		}
		d := t.draft("message.settle")
		m.Provider, m.ProviderID = c.Provider, c.ProviderID
		putMessage(f, d, c.ID, m)
		d.reply = answer
		return d, nil
	}
	var l *record.Ladder
	if f != nil {
		if m.Step > 0 {
			if l, err = t.ladder(ctx, f); err != nil {
				return nil, err
			}
		}
		if _, _, err := t.r.Doc(ctx, "contacts", m.Contact); err != nil {
			return nil, err
		}
	}
	return decideSettle(f, t.draft("message.settle"), c, m, l, t.svc.zones.dayAt(m.SentAt, zoneOf(f))), nil
}

func zoneOf(f *File) string {
	if f == nil {
		return ""
	}
	return f.Case.TimeZone
}

// decideSettle notes what became of a message; on is the local date on which it was sent.
func decideSettle(f *File, d *draftBuilder, c SettleText, m *record.Message, l *record.Ladder,
	on string) *draftBuilder {
	m.State, m.Reason = c.State, c.Reason
	if c.Provider != "" {
		m.Provider = c.Provider
	}
	if c.ProviderID != "" {
		m.ProviderID = c.ProviderID
	}
	result, excluded := "sent", false
	switch c.State {
	case record.MessageDelivered:
		m.DeliveredAt, result = d.At, "delivered"
	case record.MessageFailed:
		result = "failed"
	case record.MessageQueued:
		m.NextAt = d.At
		if c.After.After(d.At) {
			m.NextAt = record.WholeUTC(c.After)
		}
		// Nothing left for the person, so that nothing counts.
		result, excluded = "failed", true
	}
	d.reply = MessageReceipt{Message: c.ID, State: m.State, Reason: m.Reason}
	if f == nil {
		d.put("messages", c.ID, m.Debtor, m)
		return d
	}
	if m.Contact != "" {
		d.putContact(f, m.Contact, &record.Contact{Channel: smsChannel, At: m.SentAt, Result: result, Excluded: excluded,
			Party: record.DebtorParty, Number: seal.NewText(m.Number.Plain()), By: d.Actor.User})
	}
	switch {
	case m.Kind == ladder.VisitNotice:
		noticeByText(f, d, m)
	case m.State == record.MessageDelivered && !m.Neutral && offersPlan(m.Kind) && !f.Case.HasFact("plan_offered"):
		f.Case.Facts = append(slices.Clone(f.Case.Facts), record.Fact{Kind: "plan_offered", Since: on, At: d.At})
		d.putCase(f)
	}
	putMessage(f, d, c.ID, m)
	if l != nil && c.State != record.MessageQueued {
		tookText(l, c.ID, m, on)
		l.NextAt = d.At
		d.putChild(f, "ladders", string(f.Case.ID), l)
	}
	return d
}

// offersPlan tells whether a text of a kind, other than a neutral one, offers a plan: these must have the link to one.
func offersPlan(kind string) bool {
	return kind == ladder.PlanOffer || kind == ladder.SecondReminder || kind == ladder.CollectionNotice
}

// tookText notes in a ladder what became of the text of a step, which was sent on a local date.
func tookText(l *record.Ladder, id string, m *record.Message, on string) {
	if l.Waiting == id {
		l.Waiting = ""
	}
	for i := range l.Texts {
		if l.Texts[i].Message == id {
			l.Texts[i].State = m.State
			return
		}
	}
	l.Texts = append(l.Texts, record.LadderText{Kind: m.Kind, Message: id, On: on, State: m.State})
	l.Step, l.Kind = m.Step, m.Kind
}

// noticeByText has a notice of a visit that was sent by text count as the notice that the law asks for, and no more if
// it did not arrive.
func noticeByText(f *File, d *draftBuilder, m *record.Message) {
	at := record.WholeUTC(m.SentAt)
	known := f.Case.Notice.Visit
	switch m.State {
	case record.MessageSent, record.MessageDelivered:
		if !newerNotice(known, at) || known != nil && known.Form == smsChannel && known.SentAt.Equal(at) {
			return
		}
		f.Case.Notice.Visit = &record.SentNotice{SentAt: at, Form: smsChannel,
			Contents: []string{"date", "likely_time", "lender_contact"}}
	case record.MessageFailed, record.MessageQueued:
		if known == nil || known.Form != smsChannel || !known.SentAt.Equal(at) {
			return
		}
		f.Case.Notice.Visit = nil
	default:
		return
	}
	d.putCase(f)
}
