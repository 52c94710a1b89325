package casework

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/ladder"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// tokenBytes is how many random-looking bytes a token has: 160 bits.
const tokenBytes = 20

// pageToken is the token of a link. It follows from the link's id and the deployment's key, so that it is kept nowhere
// and is the same whenever the same command is answered again.
func pageToken(vault *seal.Vault, link string) string {
	h := vault.Hash("page token", []byte(link))
	return base64.RawURLEncoding.EncodeToString(h[:tokenBytes])
}

// PageToken is the token of a link of this deployment: whoever has it may open the page of the person visited.
func (s *Service) PageToken(link string) string { return pageToken(s.vault, link) }

// pageCode are the six digits that a message brings.
func pageCode(vault *seal.Vault, message string) string {
	h := vault.Hash("page code", []byte(message))
	n := uint32(h[0])<<24 | uint32(h[1])<<16 | uint32(h[2])<<8 | uint32(h[3])
	return fmt.Sprintf("%06d", n%1_000_000)
}

// IsPageCode tells whether a code is the one that a message brought.
func (s *Service) IsPageCode(message, code string) bool {
	// Both sides are hashed, so that the time taken tells nothing.
	return message != "" && s.vault.Hash("page code typed", []byte(code)) ==
		s.vault.Hash("page code typed", []byte(pageCode(s.vault, message)))
}

// PageRef is where a link leads.
type PageRef struct {
	Branch auth.BranchID
	Case   journal.CaseID
	Link   string
}

// PageAt finds where a token leads, of the branches named. ok is false for a token that there is not, and for a link
// that was revoked; whether it has expired its reader says (record.PageLink.InForce). The error is the store's.
func (s *Service) PageAt(ctx context.Context, token string, branches []auth.BranchID) (ref PageRef, ok bool,
	err error) {
	for _, b := range branches {
		if err := s.views.CatchUp(ctx, b, blindView); err != nil {
			return ref, false, err
		}
		found, err := s.store.Find(ctx, journal.Query{Branch: b, Type: blindView, Index: blindByLink.Name,
			Eq: []any{blinded(s.vault, b, "page_link", token)}, Limit: 1})
		if err != nil {
			return ref, false, fmt.Errorf("find a link: %w", err)
		}
		if len(found.Records) > 0 {
			var row blindLink
			if err := decode(found.Records[0], &row); err != nil {
				return ref, false, err
			}
			return PageRef{b, row.Case, row.ID}, true, nil
		}
	}
	return ref, false, nil
}

// IssuePageLink issues a link to the page of the person visited, for the office to hand over.
type IssuePageLink struct {
	Case journal.CaseID
	// Days is how long it is in force; 0: record.PageLinkDays.
	Days int
}

// PageLinkReceipt answers the commands about links.
type PageLinkReceipt struct {
	Case journal.CaseID `json:"case"`
	Link string         `json:"link_id"`
	// Expires is when it ends.
	Expires time.Time `json:"expires_at,omitzero"`
	State   string    `json:"state" enum:"in_force,ended"`
}

// States of a link in receipts.
const (
	linkInForce = "in_force"
	linkEnded   = "ended"
)

func (c IssuePageLink) refs() []journal.DocRef { return caseRef(c.Case) }

func (c IssuePageLink) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if c.Days < 0 || c.Days > record.MostPageLinkDays {
		return nil, refuse(refusal.Invalid, "link.days", "days", "a link is in force for 1 to %d days",
			record.MostPageLinkDays)
	}
	f, err := t.openFile(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	if c.Days == 0 {
		c.Days = record.PageLinkDays
	}
	d := t.draft("link.issue")
	l := record.PageLink{ID: madeID("w", t.Request.ID), At: t.At, By: t.Actor.User, Expires: t.At.AddDate(0, 0, c.Days)}
	addPageLink(f, d, l)
	d.reply = PageLinkReceipt{f.Case.ID, l.ID, l.Expires, linkInForce}
	return d, nil
}

// addPageLink adds a link to a case. Those that are over are forgotten after as long as a link may be in force; of too
// many the oldest ends. One of the same id takes the new time.
func addPageLink(f *File, d *draftBuilder, l record.PageLink) {
	var kept []record.PageLink
	for _, there := range f.Case.PageLinks.Plain() {
		if there.ID != l.ID && there.Expires.After(d.At.AddDate(0, 0, -record.MostPageLinkDays)) {
			kept = append(kept, there)
		}
	}
	kept = append(kept, l)
	f.Case.PageLinks = record.NewPersonal(kept[max(0, len(kept)-record.MostPageLinks):])
	d.putCase(f)
}

// RevokePageLink ends a link: the page opens by it no more, for who is on it too.
type RevokePageLink struct {
	Case   journal.CaseID
	Link   string
	Reason string // required; never personal data
}

func (c RevokePageLink) refs() []journal.DocRef { return caseRef(c.Case) }

func (c RevokePageLink) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := checkText("reason", c.Reason, 1, 200); err != nil {
		return nil, err
	}
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	l := f.Case.PageLinkOf(c.Link)
	if l == nil {
		return nil, noSuchLink()
	}
	d := t.draft("link.revoke")
	d.reply = PageLinkReceipt{f.Case.ID, l.ID, l.Expires, linkEnded}
	if l.Ended != nil {
		return d.nothing(), nil
	}
	l.Ended = &record.Release{At: t.At, By: t.Actor.User, Reason: c.Reason}
	putPageLink(f, d, *l)
	return d, nil
}

func noSuchLink() *refusal.Error {
	return refuse(refusal.NotFound, "link.not_found", "link", "the case has no such link")
}

// putPageLink drafts the new state of a link of a case.
func putPageLink(f *File, d *draftBuilder, l record.PageLink) {
	all := slices.Clone(f.Case.PageLinks.Plain())
	for i := range all {
		if all[i].ID == l.ID {
			all[i] = l
		}
	}
	f.Case.PageLinks = record.NewPersonal(all)
	d.putCase(f)
}

// pageLink loads a case and its link that is in force.
func (t *turn) pageLink(ctx context.Context, id journal.CaseID, link string, want parts) (*File, record.PageLink,
	error) {
	f, err := t.file(ctx, id, want)
	if err != nil {
		return nil, record.PageLink{}, err
	}
	l := f.Case.PageLinkOf(link)
	if l == nil || !l.InForce(t.At) {
		return nil, record.PageLink{}, noSuchLink()
	}
	return f, *l, nil
}

// NotePageCheck notes how somebody answered the check of the page. record.MostWrong wrong answers end the link.
type NotePageCheck struct {
	Case  journal.CaseID
	Link  string
	Right bool
}

func (c NotePageCheck) refs() []journal.DocRef { return caseRef(c.Case) }

func (c NotePageCheck) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, l, err := t.pageLink(ctx, c.Case, c.Link, 0)
	if err != nil {
		return nil, err
	}
	d := t.draft("link.check")
	if c.Right {
		l.Checked, l.Wrong, l.Code, l.CodeAt = t.At, 0, "", time.Time{}
	} else if l.Wrong++; l.Wrong >= record.MostWrong {
		l.Ended = &record.Release{At: t.At, By: t.Actor.User, Reason: "wrong answers"}
	}
	putPageLink(f, d, l)
	d.reply = PageLinkReceipt{f.Case.ID, l.ID, l.Expires, linkInForce}
	if l.Ended != nil {
		d.reply = PageLinkReceipt{f.Case.ID, l.ID, l.Expires, linkEnded}
	}
	return d, nil
}

// SendPageCode queues a text with a code to the case's number, for who has opened the page and asks for it. The number
// must have been verified lately. It is judged when it is sent, as every text is.
type SendPageCode struct {
	Case journal.CaseID
	Link string
}

func (c SendPageCode) refs() []journal.DocRef { return caseRef(c.Case) }

func (c SendPageCode) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, l, err := t.pageLink(ctx, c.Case, c.Link, 0)
	if err != nil {
		return nil, err
	}
	if !CanTakeCode(&f.Case, t.day(f)) {
		return nil, refuse(refusal.Conflict, "message.no_number", "case",
			"the case has no number that was verified lately")
	}
	id := madeID("m", t.Request.ID)
	if _, _, err := t.r.Doc(ctx, "messages", id); err != nil {
		return nil, err
	}
	d := t.draft("link.code")
	l.Code, l.CodeAt = id, t.At
	putPageLink(f, d, l)
	putMessage(f, d, id, &record.Message{Kind: ladder.PageCode, State: record.MessageQueued, QueuedAt: t.At, NextAt: t.At,
		Expires: t.At.Add(record.PageCodeLife)})
	d.reply = MessageReceipt{Message: id, State: record.MessageQueued}
	return d, nil
}

// CanTakeCode tells whether a code can be sent to the number of a case on a local date of the debtor.
func CanTakeCode(k *record.Case, today string) bool {
	number := k.Phone.Plain()
	stop := k.StopOf(number, smsChannel)
	return number != "" && k.PhoneState == "" && ladder.Verified(k.PhoneVerifiedOn, today) &&
		(stop == nil || stop.Kind != record.StopWrongNumber)
}
