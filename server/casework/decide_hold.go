package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// OpenHold keeps a case out of rounds and tells every channel why. Open
// assignments of the case are revoked if the hold binds today. Opening the same
// hold again answers with the one that is open.
type OpenHold struct {
	Case journal.CaseID
	Kind string // a HoldKind's name
	// Since and Until are local dates of the debtor; "" for now and until released.
	Since, Until string
	Source       string // "" for supervisor
}

// HoldReceipt answers OpenHold, ReleaseHold and KeepHold.
type HoldReceipt struct {
	Case journal.CaseID `json:"case"`
	Hold string         `json:"hold_id"`
	// State is open, ending or released. A hold that is ending still binds: another person has
	// to agree to its end.
	State string `json:"state"`
}

func (c OpenHold) refs() []journal.DocRef { return caseRef(c.Case) }

func (c OpenHold) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	return decideOpenHold(f, t.draft("hold.open"), c, t.day(f))
}

// decideOpenHold decides on a local date of the debtor.
func decideOpenHold(f *File, d *draftBuilder, c OpenHold, today string) (*draftBuilder, error) {
	if _, ok := record.HoldKindNamed(c.Kind); !ok {
		return nil, refuse(refusal.Invalid, "hold.unknown_kind", "kind", "this is not one of %s",
			strings.Join(record.CodesOf("hold_kinds"), ", "))
	}
	if err := checkDates(c.Since, c.Until, today); err != nil {
		return nil, err
	}
	h := record.Hold{Kind: c.Kind, Since: c.Since, Until: c.Until, Source: c.Source}
	if h.Source == "" {
		h.Source = "supervisor"
	}
	if h.Since == "" {
		h.Since = today
	}
	id, added := addHold(f, d, h)
	d.reply = HoldReceipt{f.Case.ID, id, record.HoldOpen}
	if !added {
		return d.nothing(), nil
	}
	if h.OpenOn(today) {
		revokeOpen(f, d, "revoked", "hold")
	}
	return d, nil
}

// checkDates refuses dates that are none, or a span that is over before it begins.
func checkDates(since, until, today string) *refusal.Error {
	if since != "" && !record.IsDate(since) {
		return refuse(refusal.Invalid, "hold.date", "since", "write a date as 2006-01-02, or leave it out for today")
	}
	if until != "" && !record.IsDate(until) {
		return refuse(refusal.Invalid, "hold.date", "until",
			"write a date as 2006-01-02, or leave it out to hold until released")
	}
	if until != "" && until < max(since, today) {
		return refuse(refusal.Invalid, "hold.date", "until",
			"the hold would be over before it begins; give a date from today on")
	}
	return nil
}

// SetFact makes a fact of the conduct decision known, or takes it back.
type SetFact struct {
	Case  journal.CaseID
	Kind  string // one of FactKinds
	Known bool
	Since string // local date; "" for always
}

// CaseReceipt answers commands about a case as a whole.
type CaseReceipt struct {
	Case    journal.CaseID `json:"case"`
	Changed bool           `json:"changed"`
	// Warnings say what was taken and may be a mistake.
	Warnings []string `json:"warnings,omitempty"`
	// Assignment is the open stop of the team that the case was given to.
	Assignment string `json:"assignment,omitempty"`
	TakenBack  int    `json:"taken_back,omitempty"` // open stops of other teams that were taken back
}

func (c SetFact) refs() []journal.DocRef { return caseRef(c.Case) }

func (c SetFact) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideSetFact(f, t.draft("fact.set"), c)
}

func decideSetFact(f *File, d *draftBuilder, c SetFact) (*draftBuilder, error) {
	if err := record.OneOf("fact.unknown_kind", "kind", c.Kind, record.CodesOf("fact_kinds")); err != nil {
		return nil, err
	}
	if c.Since != "" && !record.IsDate(c.Since) {
		return nil, refuse(refusal.Invalid, "fact.date", "since", "write a date as 2006-01-02, or leave it out")
	}
	changed := false
	if c.Known {
		changed = addFact(f, d, c.Kind, c.Since)
	} else if f.Case.HasFact(c.Kind) {
		f.Case.Facts = slices.DeleteFunc(f.Case.Facts, func(x record.Fact) bool { return x.Kind == c.Kind })
		d.putCase(f)
		changed = true
	}
	return d.answering(f, changed), nil
}

// SetRequests replaces what the person asked for. It binds every channel.
type SetRequests struct {
	Case     journal.CaseID
	Requests record.Requests
}

func (c SetRequests) refs() []journal.DocRef { return caseRef(c.Case) }

func (c SetRequests) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	return decideSetRequests(f, t.draft("requests.set"), c)
}

func decideSetRequests(f *File, d *draftBuilder, c SetRequests) (*draftBuilder, error) {
	if err := checkRequests(c.Requests); err != nil {
		return nil, err
	}
	if same(&f.Case.Requests, &c.Requests) {
		return d.answering(f, false), nil
	}
	f.Case.Requests = c.Requests
	d.putCase(f)
	return d.answering(f, true), nil
}

// checkRequests refuses codes the conduct decision would not understand.
func checkRequests(r record.Requests) *refusal.Error {
	for _, span := range r.NoContactTimes {
		if !isClock(span.From) || !isClock(span.To) {
			return refuse(refusal.Invalid, "requests.time", "no_contact_times", "write each end as 15:04, from 00:00 to 23:59")
		}
	}
	for _, p := range r.NoPlaces {
		if err := record.OneOf("requests.place", "no_places", p, conduct.Places()); err != nil {
			return err
		}
	}
	for _, c := range r.NoChannels {
		if err := record.OneOf("requests.channel", "no_channels", c, conduct.Channels()); err != nil {
			return err
		}
	}
	for _, c := range r.OptOut {
		if err := record.OneOf("requests.channel", "opt_out", c, conduct.Channels()); err != nil {
			return err
		}
	}
	return nil
}

// isClock tells whether a text is a wall time, "15:04".
func isClock(s string) bool {
	if len(s) != 5 || s[2] != ':' {
		return false
	}
	for i, c := range []byte(s) {
		if i != 2 && (c < '0' || c > '9') {
			return false
		}
	}
	return s[:2] <= "23" && s[3:] <= "59"
}

// addHold opens a hold and drafts the case. One of the same kind that is open on
// the same dates already is left as it is: added is then false. One that ends more easily does not stand for it: what
// the debtor says themselves takes two people to end, and what an import says ends when the import is undone.
func addHold(f *File, d *draftBuilder, h record.Hold) (id string, added bool) {
	for _, there := range f.Case.AllHolds() {
		if there.Kind == h.Kind && there.Released == nil && there.Since == h.Since && there.Until == h.Until &&
			(there.NeedsTwo() || !h.NeedsTwo()) && (there.Source != fromImport || h.Source == fromImport) {
			return there.ID, false
		}
	}
	h.At, h.By = d.At, d.Actor.User
	holds := f.Case.AllHolds()
	// The id stands in the receipt, so that it tells nothing of the kind.
	h.ID = madeID("h", d.Command, fmt.Sprint(len(holds)))
	f.Case.SetHolds(append(holds, h))
	d.putCase(f)
	return h.ID, true
}

// addFact makes a fact known and drafts the case.
func addFact(f *File, d *draftBuilder, kind, since string) (added bool) {
	if f.Case.HasFact(kind) {
		return false
	}
	f.Case.Facts = append(f.Case.Facts, record.Fact{Kind: kind, Since: since, At: d.At})
	d.putCase(f)
	return true
}
