package casework

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Incoming is a text that a provider brought.
type Incoming struct {
	// Provider is the name of who brought it, ID its id there: the same id has one effect.
	Provider, ID string
	Number       string // of who sent it, as the provider writes it
	Text         string
}

// Limits of a text that comes in.
const (
	maxReply = 4000
	maxRefID = 100
)

// Reply takes in a text of a debtor. It belongs to the case that was sent a text last, of those with its number in all
// the branches; a stop word stops the number in every one of them. The id of the provider has one effect. Refusals:
// reply.invalid, reply.unknown_number; journal.ErrReused for another text under an id that is known.
func (s *Service) Reply(ctx context.Context, in Incoming, branches []auth.BranchID) error {
	in.Text = strings.TrimSpace(in.Text)
	number, ok := samePhone(in.Number, "")
	switch {
	case !ok:
		return refuse(refusal.Invalid, "reply.invalid", "from", "this is no number with its country code")
	case !record.IsID(in.ID) || len(in.ID) > maxRefID:
		return refuse(refusal.Invalid, "reply.invalid", "id", "an id has 1 to 100 letters A to Z, digits and any of _.:/@#+-")
	case in.Text == "" || len(in.Text) > maxReply || strings.ContainsRune(in.Text, 0):
		return refuse(refusal.Invalid, "reply.invalid", "text", "a text has 1 to %d bytes", maxReply)
	}
	found, err := s.withNumber(ctx, number, branches)
	if err != nil {
		return err
	}
	language := ""
	if len(found) > 0 {
		language = found[0].language
	}
	means := s.texting.Intent(language, in.Text)
	payload := sha256.Sum256([]byte(in.Provider + "\x00" + in.ID + "\x00" + number + "\x00" + in.Text))
	if len(found) == 0 && means.Has(record.IntentStop) {
		return s.noteStopped(ctx, in, number, payload) // for a case that gets the number later
	}
	if len(found) == 0 {
		return refuse(refusal.NotFound, "reply.unknown_number", "from", "no case has this number")
	}
	first := found[0]
	for i, of := range found {
		if i > 0 && !means.Has(record.IntentStop) && !(means.Has(record.IntentWrongNumber) && of.debtor == first.debtor) {
			continue
		}
		if _, err := s.One(ctx, auth.System(), of.branch, Request{
			ID: "reply:" + in.Provider + ":" + in.ID + ":" + string(of.id), Payload: payload,
			Cmd: takeReply{Case: of.id, Incoming: in, number: number, means: means, main: i == 0}}); err != nil {
			return err
		}
	}
	if means.Has(record.IntentStop) {
		return s.noteStopped(ctx, in, number, payload)
	}
	return nil
}

// caseOfNumber is a case with a number.
type caseOfNumber struct {
	branch   auth.BranchID
	id       journal.CaseID
	debtor   journal.DebtorID
	language string
	open     bool
	texted   time.Time // when it was last sent a text
}

// withNumber lists the cases with a number: first the one that was sent a text last.
func (s *Service) withNumber(ctx context.Context, number string, branches []auth.BranchID) ([]caseOfNumber, error) {
	var out []caseOfNumber
	for _, b := range branches {
		if err := s.views.CatchUp(ctx, b, blindView); err != nil {
			return nil, err
		}
		if err := s.each(ctx, journal.Query{Branch: b, Type: blindView, Index: blindByPhone.Name,
			Eq: []any{blinded(s.vault, b, "phone", number)}}, func(row journal.Record) error {
			recs, err := s.store.Records(ctx, b, []journal.DocRef{{Type: "cases", ID: row.ID}})
			if err != nil {
				return err
			}
			var k record.Case
			if recs[0].Type == "" || recs[0].Deleted {
				return nil
			}
			if err := decode(recs[0], &k); err != nil || k.HasMoved() || k.IsErased() {
				return err
			}
			of := caseOfNumber{branch: b, id: k.ID, debtor: k.Debtor, language: k.Language, open: k.Status == record.StatusOpen}
			err = s.each(ctx, journal.Query{Branch: b, Type: "messages", Index: byCase("messages").Name,
				Eq: []any{row.ID}}, func(rec journal.Record) error {
				var m record.Message
				err := decode(rec, &m)
				if m.SentAt.After(of.texted) {
					of.texted = m.SentAt
				}
				return err
			})
			out = append(out, of)
			return err
		}); err != nil {
			return nil, err
		}
	}
	rank := func(b bool) int { return map[bool]int{true: 0, false: 1}[b] }
	slices.SortStableFunc(out, func(a, b caseOfNumber) int {
		return cmp.Or(b.texted.Compare(a.texted), cmp.Compare(rank(a.open), rank(b.open)), cmp.Compare(a.id, b.id))
	})
	return out, nil
}

// takeReply takes in a reply for one case. Of the cases that share a number only the main one keeps it; in the others a
// stop and a wrong number take effect.
type takeReply struct {
	Case journal.CaseID
	Incoming
	number string
	means  ladder.Answer
	main   bool
	// channel is the channel by which a complaint came; "" for a text.
	channel string
}

// ReplyReceipt answers takeReply and HandleReply.
type ReplyReceipt struct {
	Reply string   `json:"reply_id,omitempty"`
	State string   `json:"state,omitempty"`
	Did   []string `json:"did,omitempty"`
}

func (c takeReply) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "ladders", ID: string(c.Case)})
}

// replyID is the id of a reply's document: the same for the same text of a provider.
func (c takeReply) replyID() string { return madeID("r", c.Provider, c.ID, string(c.Case)) }

func (c takeReply) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	id := c.replyID()
	if err := t.absentRecord(ctx, "replies", id); err != nil {
		return nil, err
	}
	if err := t.absentRecord(ctx, "complaints", complaintOf(id)); err != nil {
		return nil, err
	}
	var sent []Filed[record.Message]
	if err := allInto(ctx, t, &sent, byCase("messages"), string(c.Case)); err != nil {
		return nil, err
	}
	last := -1
	for i := range sent {
		if m := &sent[i].State; !m.SentAt.IsZero() && !m.Waits() {
			last = i
		}
	}
	l, err := t.ladder(ctx, f)
	if err != nil {
		return nil, err
	}
	within, err := t.policy().AnswerTime(f.Case.Profiles)
	if err != nil {
		within = conduct.AnswerTime{} // a pack that the case names was removed: Doorstep's default time applies
	}
	confirm := madeID("m", t.Request.ID, "confirm")
	if _, _, err := t.r.Doc(ctx, "messages", confirm); err != nil {
		return nil, err
	}
	var to *Filed[record.Message]
	if last >= 0 {
		to = &sent[last]
		if _, _, err := t.r.Doc(ctx, "messages", to.ID); err != nil {
			return nil, err
		}
	}
	return decideReply(f, t.draft("reply.take"), c, to, l, within, confirm, &t.svc.zones)
}

// complaintOf is the id of the complaint that a reply makes.
func complaintOf(reply string) string { return madeID("k", reply) }

// answerWithin is in how many days a complaint is answered where no profile of the case says so. Our own value.
const answerWithin = 14

// decideReply decides on a reply to the message to (nil for none): everything that it means takes effect.
func decideReply(f *File, d *draftBuilder, c takeReply, to *Filed[record.Message], l *record.Ladder,
	within conduct.AnswerTime, confirm string, zones *zoneCache) (*draftBuilder, error) {
	k, id := &f.Case, c.replyID()
	today := zones.dayAt(d.At, k.TimeZone)
	source := "reply:" + id
	r := &record.Reply{Case: k.ID, Debtor: k.Debtor, Lender: k.Lender, Number: seal.NewText(c.number),
		Text: seal.NewText(c.Text), Provider: c.Provider, ProviderID: c.Incoming.ID, At: d.At, Intent: c.means.Intent,
		Also: c.means.Also, Vulnerable: c.means.Vulnerable, State: record.ReplyOpen}
	did := func(what string) { r.Did = append(r.Did, what) }
	wrong := r.Has(record.IntentWrongNumber)
	if r.Has(record.IntentStop) && stopNumber(f, d, record.NumberStop{Number: c.number, Channel: smsChannel,
		Kind: record.StopOptOut, Source: source}) {
		did("opted_out")
		if c.main && !wrong && to != nil {
			did("confirmed")
			putMessage(f, d, confirm, &record.Message{Kind: ladder.StopConfirm, State: record.MessageQueued, QueuedAt: d.At,
				NextAt: d.At, Expires: d.At.Add(confirmFor), Number: seal.NewText(c.number), Answers: id})
		}
	}
	if wrong && stopNumber(f, d, record.NumberStop{Number: c.number, Kind: record.StopWrongNumber, Source: source}) {
		did("number_frozen")
		if k.Phone.Plain() == c.number {
			k.PhoneState, k.PhoneVerifiedOn = wrongNumber, ""
		}
	}
	if c.main {
		if _, err := c.opens(f, d, r, within, today, zones); err != nil {
			return nil, err
		}
		if to != nil {
			r.Message = to.ID
			m := to.State
			m.Reply, m.ReplyIntent = id, r.Intent
			d.putChild(f, "messages", to.ID, &m)
		}
		d.putChild(f, "replies", id, r)
	}
	if len(r.Did) == 0 && !c.main {
		return d.nothing(), nil
	}
	if l.State != record.LadderCompleted && l.Waiting == "" {
		l.NextAt = d.At
		d.putChild(f, "ladders", string(k.ID), l)
	}
	d.reply = ReplyReceipt{Reply: id, State: r.State, Did: r.Did}
	return d, nil
}

// opens opens the complaint and the holds that a reply asks for, and takes the case off the phones. answerDue is the
// date by which a complaint is answered; "" if it opened none.
func (c takeReply) opens(f *File, d *draftBuilder, r *record.Reply, within conduct.AnswerTime, today string,
	zones *zoneCache) (answerDue string, err error) {
	source := "reply:" + c.replyID()
	holds := false
	if r.Has(record.IntentComplaint) && f.Case.Status == record.StatusOpen {
		from := ""
		if r.Has(record.IntentWrongNumber) {
			from = "unknown"
		}
		due := ""
		if within.Due(today) == "" {
			due = dayAfter(today, answerWithin)
		}
		reply := d.reply
		if _, err := decideComplaint(f, d, RecordComplaint{ID: complaintOf(c.replyID()), AnswerDue: due,
			Said: record.ComplaintSaid{Case: f.Case.ID, At: d.At, Channel: cmp.Or(c.channel, smsChannel), From: from,
				Subjects: []string{"other"}, Text: seal.NewText(c.Text)}}, within, zones); err != nil {
			return "", err
		}
		if k, ok := d.reply.(ComplaintReceipt); ok {
			answerDue = k.AnswerDue
		}
		d.reply = reply
		r.Did = append(r.Did, "complaint")
	}
	if r.Has(record.IntentDispute) {
		addHold(f, d, record.Hold{Kind: "dispute", Since: today, Source: source})
		r.Did, holds = append(r.Did, "dispute"), true
	}
	for _, wish := range c.means.Wishes {
		switch {
		case wish == "no_visits":
			addHold(f, d, record.Hold{Kind: "cease_visit", Since: today, Source: source})
			r.Did, holds = append(r.Did, "no_visits"), true
		case wish == "no_calls" && !slices.Contains(f.Case.Requests.NoChannels, "call"):
			f.Case.Requests.NoChannels = append(slices.Clone(f.Case.Requests.NoChannels), "call")
			d.putCase(f)
			r.Did = append(r.Did, "no_calls")
		}
	}
	if r.Vulnerable {
		addHold(f, d, record.Hold{Kind: "vulnerable", Since: today, Source: source})
		r.Did, holds = append(r.Did, "vulnerable"), true
	}
	if holds {
		revokeOpen(f, d, record.AssignmentRevoked, "hold")
	}
	return answerDue, nil
}

// stopNumber stops a number of a case; false if it was stopped so already.
func stopNumber(f *File, d *draftBuilder, s record.NumberStop) bool {
	all := f.Case.NumberStops.Plain()
	for _, was := range all {
		if was.Number == s.Number && was.Channel == s.Channel && was.Kind == s.Kind {
			return false
		}
	}
	s.At = d.At
	f.Case.NumberStops = record.NewPersonal(append(slices.Clone(all), s))
	d.putCase(f)
	return true
}

// HandleReply notes that a person has dealt with a reply. The ladder of the case goes on, if nothing else keeps it.
type HandleReply struct {
	ID   string
	Note string // what was done; kept sealed
}

func (c HandleReply) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	rec, there, err := t.r.Doc(ctx, "replies", c.ID)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, refuse(refusal.NotFound, "reply.not_found", "reply", "there is no such reply here")
	}
	r := &record.Reply{}
	if err := decode(rec, r); err != nil {
		return nil, err
	}
	if strings.TrimSpace(c.Note) == "" || len(c.Note) > 2000 {
		return nil, refuse(refusal.Invalid, "reply.note", "note", "say what was done, in 1 to 2000 bytes")
	}
	f, err := t.file(ctx, r.Case, 0)
	if err != nil {
		return nil, err
	}
	if err := t.open(ctx, "replies", c.ID, r.Debtor, r); err != nil {
		return nil, err
	}
	if r.State != record.ReplyOpen {
		return nil, refuse(refusal.Conflict, "reply.handled", "reply", "this reply was dealt with already")
	}
	l, err := t.ladder(ctx, f)
	if err != nil {
		return nil, err
	}
	d := t.draft("reply.handle")
	r.State, r.HandledBy, r.HandledAt, r.Note = record.ReplyHandled, t.Actor.User, t.At, seal.NewText(c.Note)
	d.putChild(f, "replies", c.ID, r)
	if l.State != record.LadderCompleted {
		l.NextAt = t.At
		d.putChild(f, "ladders", string(f.Case.ID), l)
	}
	d.reply = ReplyReceipt{Reply: c.ID, State: r.State}
	return d, nil
}
