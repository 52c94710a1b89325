package casework

import (
	"context"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ConfirmCase notes what came of confirming where a debtor lives and how to reach them, before anybody is sent. What is
// found takes effect at once: a wrong address takes the case out of rounds, a wrong number is not used again, and a
// number that was found to be the debtor's may be sent an amount.
type ConfirmCase struct {
	Case   journal.CaseID
	At     time.Time
	Method string // a code of confirm_methods
	// Address is a code of address_verifications, Contact one of contact_outcomes; "" for what was not asked.
	Address, Contact string
}

// ConfirmReceipt answers ConfirmCase.
type ConfirmReceipt struct {
	Case journal.CaseID `json:"case"`
	// AddressVerifiedOn and PhoneVerifiedOn are the local dates on which each was last found to be right; "" for never.
	AddressVerifiedOn string `json:"address_verified_on"`
	PhoneVerifiedOn   string `json:"phone_verified_on"`
}

func (c ConfirmCase) refs() []journal.DocRef { return caseRef(c.Case) }

func (c ConfirmCase) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.openFile(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	return decideConfirm(f, t.draft("case.confirm"), c, &t.svc.zones)
}

func decideConfirm(f *File, d *draftBuilder, c ConfirmCase, zones *zoneCache) (*draftBuilder, error) {
	k := &f.Case
	for _, x := range []struct{ list, place, code string }{{"confirm_methods", "method", c.Method},
		{"address_verifications", "address", c.Address}, {"contact_outcomes", "contact", c.Contact}} {
		if x.code == "" && x.place != "method" {
			continue
		}
		if bad := record.OneOf("confirm."+x.place, x.place, x.code, record.CodesOf(x.list)); bad != nil {
			return nil, bad
		}
	}
	switch {
	case c.Address == "" && c.Contact == "":
		return nil, refuse(refusal.Invalid, "confirm.nothing", "address",
			"say what came of the address, the contact, or both")
	case c.Contact == record.ContactConfirmed && (k.Phone.Plain() == "" || k.PhoneState != ""):
		return nil, refuse(refusal.Conflict, "message.no_number", "contact",
			"the case has no number that is the debtor's; correct it first")
	}
	if bad := happened("at", c.At, d.At); bad != nil {
		return nil, bad
	}
	on := zones.dayAt(c.At, k.TimeZone)
	if was := k.Confirmed; was != nil && c.At.Before(was.At) {
		return nil, refuse(refusal.Conflict, "confirm.late", "at",
			"something later is known, of %s; what was found before it changes nothing", was.On)
	}
	k.Confirmed = &record.CaseConfirmed{On: on, At: record.WholeUTC(c.At), By: d.Actor.User, Method: c.Method,
		Address: c.Address, Contact: c.Contact}
	if c.Address != "" {
		k.AddressVerification = c.Address
		switch {
		case strings.HasPrefix(c.Address, "confirmed_"):
			k.AddressVerifiedOn = on
		case addressUnfit(c.Address):
			k.AddressVerifiedOn = ""
			revokeOpen(f, d, record.AssignmentRevoked, "address")
		}
	}
	switch c.Contact {
	case record.ContactConfirmed:
		k.PhoneVerifiedOn = on
	case record.ContactWrong:
		k.PhoneState, k.PhoneVerifiedOn = wrongNumber, ""
	}
	d.putCase(f)
	d.reply = ConfirmReceipt{k.ID, k.AddressVerifiedOn, k.PhoneVerifiedOn}
	return d, nil
}

// addressUnfit tells whether nobody is sent to an address of which this is known.
func addressUnfit(verification string) bool {
	return verification == "moved" || verification == "wrong_address" || verification == "not_found"
}
