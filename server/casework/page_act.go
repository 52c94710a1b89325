package casework

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// PageAct is what the person visited asks for, or tells, on the page. It takes effect at once, and waits for a person
// of the office as a reply to a text does.
type PageAct struct {
	Case journal.CaseID
	Link string
	Kind string // one of PageActs
	Text string // what they wrote; may be empty, but for a complaint
}

// Kinds of a PageAct.
const (
	PageNoVisits = "no_visits"
	PageNotMe    = "not_me"
	PageMoved    = "moved"
	PagePaid     = "paid"
	PageDispute  = "dispute"
	PageDied     = "died"
	PageIll      = "ill"
	PageComplain = "complaint"
	PagePlan     = "plan"
	PageTimeNone = "other_time"
	PageCopy     = "copy"
)

// pageMeans says what each kind means: what it is as a reply, and which hold it opens.
var pageMeans = map[string]struct {
	ladder.Answer
	hold string
}{
	PageNoVisits: {ladder.Answer{Intent: record.IntentOther, Wishes: []string{"no_visits"}}, ""},
	PageNotMe:    {ladder.Answer{Intent: record.IntentWrongNumber}, ""},
	PageMoved:    {ladder.Answer{Intent: record.IntentOther}, "stop"},
	PagePaid:     {ladder.Answer{Intent: record.IntentPaid}, "dispute"},
	PageDispute:  {ladder.Answer{Intent: record.IntentDispute}, ""},
	PageDied:     {ladder.Answer{Intent: record.IntentOther, Vulnerable: true}, "deceased"},
	PageIll:      {ladder.Answer{Intent: record.IntentOther, Vulnerable: true}, ""},
	PageComplain: {ladder.Answer{Intent: record.IntentComplaint}, ""},
	PagePlan:     {ladder.Answer{Intent: record.IntentPlan}, ""},
	PageTimeNone: {ladder.Answer{Intent: record.IntentCall}, ""},
	PageCopy:     {ladder.Answer{Intent: record.IntentOther}, ""},
}

// webChannel is the channel of what comes by the page.
const webChannel = "web"

// pageProvider is who brings replies that are acts on the page.
const pageProvider = "page"

// PageAnswerDays is in how many days a person of the office answers what came by the page. Our own value.
const PageAnswerDays = 5

// PageReceipt answers what was done on the page.
type PageReceipt struct {
	// Reference is what the person keeps: the beginning of the id of the complaint, reply, appointment or plan.
	Reference string `json:"reference"`
	// AnswerBy is the debtor's local date by which a person answers; "" if nothing is to be answered.
	AnswerBy string   `json:"answer_by,omitempty"`
	Did      []string `json:"did,omitempty"`
}

// reference is the beginning of an id, as a person writes it down.
func reference(id string) string { return strings.ToUpper(id[:min(9, len(id))]) }

func (c PageAct) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "ladders", ID: string(c.Case)})
}

func (c PageAct) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	means, known := pageMeans[c.Kind]
	c.Text = strings.TrimSpace(c.Text)
	switch {
	case !known:
		return nil, refuse(refusal.Invalid, "page.kind", "kind", "the page has no such act")
	case len(c.Text) > maxReply || strings.ContainsRune(c.Text, 0):
		return nil, refuse(refusal.Invalid, "page.text", "text", "a text has at most %d bytes", maxReply)
	case c.Kind == PageComplain && c.Text == "":
		return nil, refuse(refusal.Invalid, "page.text", "text", "say what happened")
	}
	f, l, err := t.pageLink(ctx, c.Case, c.Link, toRevoke)
	if err != nil {
		return nil, err
	}
	reply := takeReply{Case: c.Case, Incoming: Incoming{Provider: pageProvider, ID: madeID("a", t.Request.ID),
		Text: "[" + c.Kind + "] " + c.Text}, number: cmp.Or(l.Number, f.Case.Phone.Plain()), means: means.Answer, main: true,
		channel: webChannel}
	id := reply.replyID()
	if err := t.absentRecord(ctx, "replies", id); err != nil {
		return nil, err
	}
	if err := t.absentRecord(ctx, "complaints", complaintOf(id)); err != nil {
		return nil, err
	}
	ladders, err := t.ladder(ctx, f)
	if err != nil {
		return nil, err
	}
	within, err := t.policy().AnswerTime(f.Case.Profiles)
	if err != nil {
		within = conduct.AnswerTime{} // as in takeReply
	}
	return decidePageAct(f, t.draft("page."+c.Kind), c, l, reply, ladders, within, &t.svc.zones)
}

// decidePageAct decides on an act on the page that was opened by a link.
func decidePageAct(f *File, d *draftBuilder, c PageAct, l record.PageLink, reply takeReply, ladders *record.Ladder,
	within conduct.AnswerTime, zones *zoneCache) (*draftBuilder, error) {
	k, id := &f.Case, reply.replyID()
	today := zones.dayAt(d.At, k.TimeZone)
	r := &record.Reply{Case: k.ID, Debtor: k.Debtor, Lender: k.Lender, Text: seal.NewText(strings.TrimSpace(reply.Text)),
		Number: seal.NewText(reply.number), Provider: pageProvider, ProviderID: reply.Incoming.ID, At: d.At,
		Intent: reply.means.Intent, Vulnerable: reply.means.Vulnerable, State: record.ReplyOpen, Message: l.Message}
	due, err := reply.opens(f, d, r, within, today, zones)
	if err != nil {
		return nil, err
	}
	if hold := pageMeans[c.Kind].hold; hold != "" {
		addHold(f, d, record.Hold{Kind: hold, Since: today, Source: "reply:" + id})
		r.Did = append(r.Did, hold)
		revokeOpen(f, d, record.AssignmentRevoked, "hold")
	}
	switch c.Kind {
	case PageMoved:
		k.AddressVerification = "moved"
		d.putCase(f)
	case PageNotMe:
		notMe(f, d, r, l, id, today)
	}
	d.putChild(f, "replies", id, r)
	if ladders.State != record.LadderCompleted && ladders.Waiting == "" {
		ladders.NextAt = d.At
		d.putChild(f, "ladders", string(k.ID), ladders)
	}
	answer := PageReceipt{Reference: reference(id), AnswerBy: dayAfter(today, PageAnswerDays), Did: r.Did}
	if slices.Contains(r.Did, "complaint") {
		answer.Reference, answer.AnswerBy = reference(complaintOf(id)), due
	}
	if reply.means.Vulnerable {
		answer.AnswerBy = dayAfter(today, 1)
	}
	d.reply = answer
	return d, nil
}

// notMe stops the number that a link went to, or the case if the link came by letter, and ends the links that went
// there: whoever reads them is not the debtor.
func notMe(f *File, d *draftBuilder, r *record.Reply, l record.PageLink, reply, today string) {
	k, source := &f.Case, "reply:"+reply
	if l.Number != "" {
		if stopNumber(f, d, record.NumberStop{Number: l.Number, Kind: record.StopWrongNumber, Source: source}) {
			r.Did = append(r.Did, "number_frozen")
		}
		if k.Phone.Plain() == l.Number {
			k.PhoneState, k.PhoneVerifiedOn = wrongNumber, ""
		}
	} else {
		addHold(f, d, record.Hold{Kind: "stop", Since: today, Source: source})
		r.Did = append(r.Did, "stop")
		revokeOpen(f, d, record.AssignmentRevoked, "hold")
	}
	all := slices.Clone(k.PageLinks.Plain())
	for i := range all {
		if all[i].Ended == nil && (all[i].ID == l.ID || all[i].Number == l.Number) {
			all[i].Ended = &record.Release{At: d.At, By: d.Actor.User, Reason: "not the debtor"}
		}
	}
	k.PageLinks = record.NewPersonal(all)
	d.putCase(f)
}

// PageTime notes a time for a visit that the debtor chose on the page. It takes the place of those that they chose
// there before, and stops that are on phones at other times are taken back. One that the law forbids is refused.
type PageTime struct {
	Case     journal.CaseID
	Link     string
	From, To time.Time
}

func (c PageTime) refs() []journal.DocRef { return caseRef(c.Case) }

func (c PageTime) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, l, err := t.pageLink(ctx, c.Case, c.Link, toRevoke|forConduct)
	if err != nil {
		return nil, err
	}
	if f.Case.Status != record.StatusOpen {
		return nil, caseClosed()
	}
	if bad := checkAppointment(c.From, c.To, t.At); bad != nil {
		return nil, bad
	}
	if err := t.loadGrounds(ctx, f, c.From, nil); err != nil {
		return nil, err
	}
	lawful, err := t.lawfulWithin(f, c.From, c.To)
	if err != nil {
		return nil, err
	}
	if !lawful.Allowed() {
		return nil, refuse(refusal.Refused, "appointment.unlawful", "from", "no visit may begin in this span: %s (rule %s)",
			lawful.Reason, lawful.Rule)
	}
	return decidePageTime(f, t.draft("page.time"), c.From, c.To, "page:"+l.ID)
}

func decidePageTime(f *File, d *draftBuilder, from, to time.Time, source string) (*draftBuilder, error) {
	all := f.Case.AllAppointments()
	for i := range all {
		a := &all[i]
		if a.Cancelled == nil && a.To.After(d.At) && strings.HasPrefix(a.Source, "page:") && !a.From.Equal(from) {
			a.Cancelled = &record.Release{At: d.At, By: d.Actor.User, Reason: "another time was chosen"}
		}
	}
	if len(all) > 0 {
		f.Case.SetAppointments(all)
	}
	id, _, bad := addAppointment(f, d, record.Appointment{From: from.UTC(), To: to.UTC(), Source: source})
	if bad != nil {
		return nil, bad
	}
	d.putCase(f)
	endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Status != record.AssignmentOpen || !a.State.Window.From.Before(from) && !a.State.Window.To.After(to) {
			return false
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "appointment:"+id
		return true
	})
	d.reply = PageReceipt{Reference: reference(id), Did: []string{"appointment"}}
	return d, nil
}
