package ladder

import (
	"slices"

	"doorstep/auth/refusal"
)

// Before is what a case must have behind it before it enters a round, as its lender wants it. The zero value asks for
// nothing: then the conduct profiles alone say when a visit may be planned.
type Before struct {
	// Delivered wants each text of the ladder delivered, or the letter that stands for it sent.
	Delivered bool `json:"delivered,omitempty" doc:"Each text of the ladder was delivered, or the letter that stands for it was sent."`
	// PlanOffered wants a plan offered.
	PlanOffered bool `json:"plan_offered,omitempty" doc:"A plan was offered."`
	// ConfirmedDays wants the address and the contact confirmed at most so many local days before the visit; 0 does not.
	ConfirmedDays int `json:"confirmed_days,omitempty" doc:"The address and the number were confirmed at most so many local days before the visit; 0: not wanted."`
	// NoticeDays wants a notice of the visit that names its date, sent at least so many local days before it; 0 wants
	// none.
	NoticeDays int `json:"notice_days,omitempty" doc:"A notice that names the date went out at least so many local days before it; 0: not wanted."`
}

// Limits of what is wanted before a visit.
const (
	mostConfirmedDays = 365
	mostNoticeDays    = 30
)

// Check refuses numbers out of range. The codes are ladder.confirmed_days and ladder.notice_days.
func (b Before) Check() *refusal.Error {
	switch {
	case b.ConfirmedDays < 0 || b.ConfirmedDays > mostConfirmedDays:
		return refusal.New(refusal.Invalid, "ladder.confirmed_days", "before_visits.confirmed_days",
			"write 1 to %d days, or 0 if nothing is to be confirmed", mostConfirmedDays)
	case b.NoticeDays < 0 || b.NoticeDays > mostNoticeDays:
		return refusal.New(refusal.Invalid, "ladder.notice_days", "before_visits.notice_days",
			"write 1 to %d days, or 0 if no notice is wanted", mostNoticeDays)
	}
	return nil
}

// What a case lacks before a visit, besides the texts of its ladder, which go by their kinds.
const (
	LacksPlan    = "plan_offered"
	LacksAddress = "address_confirmed"
	LacksContact = "contact_confirmed"
	LacksNotice  = VisitNotice
)

// Lacking are the codes of what a case can lack before a visit.
func Lacking() []string {
	return append(slices.Clone(inOrder), LacksPlan, LacksAddress, LacksContact, LacksNotice)
}

// Behind is what a case has behind it.
type Behind struct {
	// Delivered are the kinds of texts that were delivered, and of letters that were sent.
	Delivered   []string
	PlanOffered bool
	// AddressOn and ContactOn are the local dates on which the address and the contact were confirmed; "" for never.
	AddressOn, ContactOn string
	// NoticeOn are the local dates on which notices were sent that name the day of the visit.
	NoticeOn []string
}

// Lacks lists what a case lacks for a visit on a local date, in the order in which it is to be done; none if it may
// enter a round. A notice that can still be sent in time, by today, is not lacking yet, unless issue says that the
// visit is to be issued now.
func (d Definition) Lacks(b Behind, day, today string, issue bool) []string {
	var out []string
	want := d.Before
	if want == nil {
		return nil
	}
	if want.Delivered {
		for _, s := range d.Steps {
			if !slices.Contains(b.Delivered, s.Kind) {
				out = append(out, s.Kind)
			}
		}
	}
	if want.PlanOffered && !b.PlanOffered && !slices.Contains(out, PlanOffer) {
		out = append(out, LacksPlan)
	}
	if want.ConfirmedDays > 0 {
		from := addDays(day, -want.ConfirmedDays)
		if b.AddressOn < from {
			out = append(out, LacksAddress)
		}
		if b.ContactOn < from {
			out = append(out, LacksContact)
		}
	}
	if want.NoticeDays > 0 {
		last := addDays(day, -want.NoticeDays)
		sent := slices.ContainsFunc(b.NoticeOn, func(on string) bool { return on <= last })
		if !sent && (issue || today > last) {
			out = append(out, LacksNotice)
		}
	}
	return out
}
