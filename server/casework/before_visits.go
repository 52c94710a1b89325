package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// LadderNotFinished is why a case enters no round whose lender wants more done before anybody is sent; RuleLadder is
// the rule. What is missing goes by the codes of ladder.Lacking.
const (
	LadderNotFinished = "ladder_not_finished"
	RuleLadder        = "house-ladder"
)

// beforeVisit is what the lender of a case wants done before a visit, and what was done; a definition without Before
// wants nothing.
type beforeVisit struct {
	def    ladder.Definition
	behind ladder.Behind
	// notices are the texts that gave notice of a visit and went out, with the local dates on which they did.
	notices []sentNotice
}

// sentNotice is a notice of a visit that went out by text.
type sentNotice struct {
	on, visitOn string
	span        record.Window
}

// loadBefore reads what a case, which is open, has behind it; the plans must be loaded.
func (s *Service) loadBefore(ctx context.Context, from indexReader, f *File) (*beforeVisit, error) {
	if s.texting.Texts == nil {
		return nil, nil
	}
	k := &f.Case
	def, err := s.texting.Texts.Ladder(ctx, k.Lender, k.Country)
	if err != nil || def.Before == nil {
		return nil, err
	}
	b := &beforeVisit{def: def}
	var ladders []Filed[record.Ladder]
	var letters []Filed[record.Letter]
	var texts []Filed[record.Message]
	for _, x := range []func() error{
		func() error { return allInto(ctx, from, &ladders, byCase("ladders"), string(k.ID)) },
		func() error { return allInto(ctx, from, &letters, byCase("letters"), string(k.ID)) },
		func() error { return allInto(ctx, from, &texts, byCase("messages"), string(k.ID)) },
	} {
		if err := x(); err != nil {
			return nil, err
		}
	}
	for i := range ladders {
		if ladders[i].State.DueDate < k.DueDate {
			continue // of what was due before
		}
		for _, t := range ladders[i].State.Texts {
			if t.State == record.MessageDelivered {
				b.behind.Delivered = append(b.behind.Delivered, t.Kind)
			}
		}
	}
	for i := range letters {
		b.letter(&letters[i].State, s.zones.dayAt(letters[i].State.SentAt, k.TimeZone), k)
	}
	for i := range texts {
		b.text(&texts[i].State, s.zones.dayAt(texts[i].State.SentAt, k.TimeZone))
	}
	b.behind.PlanOffered = b.behind.PlanOffered || k.HasFact("plan_offered") ||
		slices.ContainsFunc(f.Plans, func(p Filed[record.Plan]) bool { return p.State.Offered != nil || p.State.State != "" })
	if !addressUnfit(k.AddressVerification) {
		b.behind.AddressOn = k.AddressVerifiedOn
	}
	if k.PhoneState == "" {
		b.behind.ContactOn = k.PhoneVerifiedOn
	}
	return b, nil
}

// letter counts a letter that was sent on a local date for the text that it stands for: who has no number is written
// to. A reminder stands for the first text; a second one for the second.
func (b *beforeVisit) letter(l *record.Letter, on string, k *record.Case) {
	if l.State != record.LetterSent || l.Party != "" && l.Party != record.DebtorParty || on < k.DueDate {
		return
	}
	switch l.Kind {
	case "reminder":
		kind := ladder.OverdueReminder
		if slices.Contains(b.behind.Delivered, kind) {
			kind = ladder.SecondReminder
		}
		b.behind.Delivered = append(b.behind.Delivered, kind)
	case ladder.CollectionNotice:
		b.behind.Delivered = append(b.behind.Delivered, l.Kind)
	case ladder.PlanOffer:
		b.behind.Delivered, b.behind.PlanOffered = append(b.behind.Delivered, l.Kind), true
	}
}

// text counts a text that went out on a local date.
func (b *beforeVisit) text(m *record.Message, on string) {
	went := m.State == record.MessageSent || m.State == record.MessageDelivered
	switch {
	case m.Kind == ladder.VisitNotice && went && m.VisitOn != "" && m.VisitSpan != nil:
		b.notices = append(b.notices, sentNotice{on: on, visitOn: m.VisitOn, span: *m.VisitSpan})
	case m.Kind == ladder.PlanOffer && m.State == record.MessageDelivered:
		b.behind.PlanOffered = true
	}
}

// lacks lists what the case lacks for a visit on a local date that begins in a span, and the span that a notice in time
// names, if there is one. issue says that the visit is to go to the phones now, beginning at span.From.
func (b *beforeVisit) lacks(day, today string, eta time.Time, issue bool) (lacks []string, noticed *record.Window) {
	if b == nil {
		return nil, nil
	}
	behind := b.behind
	behind.NoticeOn = nil
	for _, n := range b.notices {
		if n.visitOn != day || issue && (eta.Before(n.span.From) || !eta.Before(n.span.To)) {
			continue
		}
		behind.NoticeOn = append(behind.NoticeOn, n.on)
		if b.def.Before.NoticeDays > 0 && ladder.DaysLate(n.on, day) >= b.def.Before.NoticeDays {
			noticed = &n.span
		}
	}
	return b.def.Lacks(behind, day, today, issue), noticed
}

// Lacks lists what a case lacks before it may be planned for a local date, by the codes of ladder.Lacking; none where
// its lender wants nothing more. noticed is the span of the day in which the person was told to expect the visit: a
// plan keeps to it; nil for none.
func (f *PlanningFile) Lacks(day string) (lacks []string, noticed *record.Window) {
	return f.before.lacks(day, f.today, time.Time{}, false)
}

// lacksNow lists what a case lacks for a stop that is to go to the phones now.
func (t *turn) lacksNow(ctx context.Context, f *File, day string, st IssuedStop) ([]string, error) {
	if st.Appointment != "" {
		return nil, nil // the person agreed to this very visit
	}
	if err := t.fill(ctx, f, withPlans); err != nil {
		return nil, err
	}
	b, err := t.svc.loadBefore(ctx, t.r, f)
	if err != nil {
		return nil, fmt.Errorf("read what was done before a visit: %w", err)
	}
	lacks, _ := b.lacks(day, t.day(f), st.ETA, true)
	return lacks, nil
}

// AnnounceVisit queues the notice of a planned visit: a text with its date and when it begins. It is judged when it is
// sent, and expires when it would come too late. A visit that has its notice already gets no other.
type AnnounceVisit struct {
	Case journal.CaseID
	Date string // the debtor's local date
	ETA  time.Time
	// Window is the lawful span in which the visit was planned.
	Window record.Window
}

// AnnounceReceipt answers AnnounceVisit.
type AnnounceReceipt struct {
	Case    journal.CaseID `json:"case"`
	Message string         `json:"message_id,omitempty"`
	// Not is the code of why no notice was queued: not_wanted, announced or too_late; "" for one that was.
	Not string `json:"not,omitempty"`
}

// Why no notice is queued.
const (
	NoticeNotWanted = "not_wanted" // the case's lender wants none
	NoticeThere     = "announced"  // one is queued or was sent
	NoticeTooLate   = "too_late"   // it would not be in time
)

// noticeSlack is how long before and after the planned time a visit may begin by its notice. Our own value: the day
// changes while teams work, and who waits for longer than two hours waits in vain.
const noticeSlack = time.Hour

func (c AnnounceVisit) refs() []journal.DocRef { return caseRef(c.Case) }

func (c AnnounceVisit) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, withPlans)
	if err != nil {
		return nil, err
	}
	b, err := t.svc.loadBefore(ctx, t.r, f)
	if err != nil {
		return nil, err
	}
	not := func(why string) (*draftBuilder, error) {
		return t.answer(AnnounceReceipt{Case: c.Case, Not: why}), nil
	}
	if b == nil || b.def.Before.NoticeDays == 0 {
		return not(NoticeNotWanted)
	}
	var texts []Filed[record.Message]
	if err := allInto(ctx, t.r, &texts, byCase("messages"), string(c.Case)); err != nil {
		return nil, err
	}
	for i := range texts {
		m := &texts[i].State
		if m.Kind == ladder.VisitNotice && m.VisitOn == c.Date && m.State != record.MessageFailed &&
			m.State != record.MessageCancelled {
			return not(NoticeThere)
		}
	}
	k := &f.Case
	late := t.svc.zones.startOf(dayAfter(c.Date, 1-b.def.Before.NoticeDays), k.TimeZone)
	if !t.At.Before(late) {
		return not(NoticeTooLate)
	}
	if bad := canText(k); bad != nil {
		return nil, bad
	}
	id := madeID("m", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "messages", id); err != nil {
		return nil, err
	}
	span := announcedSpan(c)
	m := &record.Message{Kind: ladder.VisitNotice, State: record.MessageQueued, QueuedAt: t.At, NextAt: t.At,
		By: t.Actor.User, Expires: late, VisitOn: c.Date, VisitSpan: &span}
	d := t.draft("message.queue")
	putMessage(f, d, id, m)
	d.reply = AnnounceReceipt{Case: c.Case, Message: id}
	return d, nil
}

// announcedSpan is when a planned visit begins as its notice says it: within an hour of the planned time, cut to
// quarters of an hour, and inside the lawful span.
func announcedSpan(c AnnounceVisit) record.Window {
	span := record.Window{From: c.ETA.Add(-noticeSlack).Truncate(15 * time.Minute).UTC(),
		To: c.ETA.Add(noticeSlack + 15*time.Minute - 1).Truncate(15 * time.Minute).UTC()}
	if span.From.Before(c.Window.From) {
		span.From = c.Window.From.UTC()
	}
	if c.Window.To.After(c.ETA) && span.To.After(c.Window.To) {
		span.To = c.Window.To.UTC()
	}
	return span
}

// visitValues are the values of a notice that the server made: the date, and from when to when the visit begins, in the
// debtor's own time.
func (z *zoneCache) visitValues(k *record.Case, m *record.Message, language string) map[string]string {
	if m.VisitOn == "" || m.VisitSpan == nil {
		return nil
	}
	loc := z.find(k.TimeZone)
	if loc == nil {
		loc = time.UTC
	}
	clock := func(at time.Time) string { return at.In(loc).Format("15:04") }
	return map[string]string{"visit_date": ladder.Date(m.VisitOn, language),
		"visit_window": clock(m.VisitSpan.From) + "-" + clock(m.VisitSpan.To)}
}
