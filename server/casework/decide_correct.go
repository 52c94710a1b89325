package casework

import (
	"context"
	"strings"

	"golang.org/x/text/language"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/geo/country"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Correct changes what is known of the debtor and their home. Nil leaves a value
// alone. A correction outlives later imports as long as the lender goes on
// sending the old value.
type Correct struct {
	Case       journal.CaseID
	DebtorName *string
	// Phone is E.164. A new number is unverified unless PhoneVerifiedOn says when it was verified.
	Phone           *string
	PhoneVerifiedOn *string
	// WrongNumber freezes the number: it is not called, and no message goes to it, until it is replaced.
	WrongNumber bool
	Address     *string
	PostalCode  *string
	City        *string
	// Home is the corrected position, in Datum ("" for WGS 84). A new address without a position keeps the old one.
	Home                *geo.Point
	Datum               string
	AddressVerifiedOn   *string
	AddressVerification *string // one of AddressVerifications
	TimeZone            *string
	Language            *string // BCP 47
	ServiceMin          *int    // 1 to 240
	Priority            *int    // 0 to 100
}

func (c Correct) refs() []journal.DocRef { return caseRef(c.Case) }

func (c Correct) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	territory := f.Case.Territory
	var others ground
	if c.Home != nil {
		if others, err = t.svc.groundOf(ctx, t.Actor, t.Branch); err != nil {
			return nil, err
		}
	}
	if c.Home != nil && !f.Case.TerritoryPinned {
		home, bad := placeOf(*c.Home, c.Datum)
		if bad != nil {
			return nil, bad
		}
		if territory, err = t.territoryAt(ctx, home.Lon, home.Lat); err != nil {
			return nil, err
		}
	}
	return decideCorrect(f, t.draft("case.correct"), c, territory, others, &t.svc.zones)
}

// decideCorrect decides a correction. territory is that of the corrected home, others are homes of the branch.
func decideCorrect(f *File, d *draftBuilder, c Correct, territory string, others ground,
	zones *zoneCache) (*draftBuilder, error) {
	k := &f.Case
	if c.DebtorName != nil {
		if err := checkText("debtor_name", *c.DebtorName, 1, 200); err != nil {
			return nil, err
		}
		k.DebtorName = seal.NewText(*c.DebtorName)
	}
	if err := correctPhone(k, c); err != nil {
		return nil, err
	}
	if err := correctAddress(k, c, territory); err != nil {
		return nil, err
	}
	if c.TimeZone != nil {
		if wrong := wrongZone(zones, k.Country, *c.TimeZone); wrong != "" {
			return nil, refuse(refusal.Invalid, "case.time_zone", "time_zone", "%s", wrong)
		}
		k.TimeZone = *c.TimeZone
	}
	if c.TimeZone != nil || c.Home != nil {
		settleZones(zones, k, d.At)
	}
	if c.Language != nil {
		if _, err := language.Parse(*c.Language); err != nil {
			return nil, refuse(refusal.Invalid, "case.language", "language", "write a BCP 47 language such as pt or zh-CN")
		}
		k.Language = *c.Language
	}
	if c.ServiceMin != nil {
		if *c.ServiceMin < 1 || *c.ServiceMin > 240 {
			return nil, refuse(refusal.Invalid, "case.service_min", "service_min", "a visit takes 1 to 240 minutes")
		}
		k.ServiceMin = *c.ServiceMin
	}
	if c.Priority != nil {
		if *c.Priority < 0 || *c.Priority > 100 {
			return nil, refuse(refusal.Invalid, "case.priority", "priority", "a priority lies between 0 and 100")
		}
		k.Priority = *c.Priority
	}
	d.putCase(f)
	d.reply = CaseReceipt{Case: f.Case.ID, Changed: true, Warnings: warningsOf(k, c, others)}
	return d, nil
}

// warningsOf are the warnings about a correction of the position or the zone of a home.
func warningsOf(k *record.Case, c Correct, others ground) []string {
	home, ok := homeOf(k)
	if !ok || c.Home == nil && c.TimeZone == nil {
		return nil
	}
	all := homeWarnings(k, home)
	if w := others.far(home); w != nil {
		all = append(all, *w)
	}
	var out []string
	for _, w := range all {
		out = append(out, w.message)
	}
	return out
}

func correctPhone(k *record.Case, c Correct) *refusal.Error {
	if c.Phone != nil {
		if !isPhone(*c.Phone) {
			return refuse(refusal.Invalid, "case.phone", "phone",
				"write a number that exists, with its country code, such as +351…")
		}
		k.Phone, k.PhoneState, k.PhoneVerifiedOn = seal.NewText(*c.Phone), "", ""
	}
	if c.PhoneVerifiedOn != nil {
		if *c.PhoneVerifiedOn != "" && !record.IsDate(*c.PhoneVerifiedOn) {
			return refuse(refusal.Invalid, "case.date", "phone_verified_on", "write a date as 2006-01-02")
		}
		k.PhoneVerifiedOn = *c.PhoneVerifiedOn
	}
	if c.WrongNumber {
		k.PhoneState, k.PhoneVerifiedOn = wrongNumber, ""
	}
	return nil
}

// wrongNumber is the PhoneState of a number that belongs to another person.
const wrongNumber = "wrong_number"

func correctAddress(k *record.Case, c Correct, territory string) *refusal.Error {
	if c.Address != nil {
		if err := checkText("address", *c.Address, 1, 500); err != nil {
			return err
		}
		k.Address, k.AddressVerifiedOn, k.AddressVerification = seal.NewText(*c.Address), "", ""
	}
	if c.PostalCode != nil {
		if err := checkText("postal_code", *c.PostalCode, 0, 20); err != nil {
			return err
		}
		k.PostalCode = seal.NewText(*c.PostalCode)
	}
	if c.City != nil {
		if err := checkText("city", *c.City, 0, 100); err != nil {
			return err
		}
		k.City = seal.NewText(*c.City)
	}
	if c.Home != nil {
		home, err := placeOf(*c.Home, c.Datum)
		if err != nil {
			return err
		}
		if wrong := country.Misplaced(k.Country, home); wrong != "" {
			return refuse(refusal.Invalid, "case.point", "home", "%s", wrong)
		}
		k.Home, k.Datum, k.Territory = seal.NewPoint(home), datumName(c.Datum), territory
	}
	if c.AddressVerifiedOn != nil {
		if *c.AddressVerifiedOn != "" && !record.IsDate(*c.AddressVerifiedOn) {
			return refuse(refusal.Invalid, "case.date", "address_verified_on", "write a date as 2006-01-02")
		}
		k.AddressVerifiedOn = *c.AddressVerifiedOn
	}
	if c.AddressVerification != nil {
		if err := record.OneOf("case.address_verification", "address_verification", *c.AddressVerification,
			record.CodesOf("address_verifications")); err != nil {
			return err
		}
		k.AddressVerification = *c.AddressVerification
	}
	return nil
}

// checkText refuses a text that is too short or long (in bytes), or holds control characters.
func checkText(field, s string, least, most int) *refusal.Error {
	if len(strings.TrimSpace(s)) < least {
		return refuse(refusal.Invalid, "case.empty", field, "this must not be empty")
	}
	if len(s) > most {
		return refuse(refusal.Invalid, "case.too_long", field, "this has more than %d bytes; shorten it", most)
	}
	if strings.ContainsFunc(s, isControl) {
		return refuse(refusal.Invalid, "case.control", field, "this holds control characters; remove them")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }

// placeOf gives a position in WGS 84.
func placeOf(p geo.Point, datum string) (geo.Point, *refusal.Error) {
	d, err := geo.ParseDatum(datum)
	if err != nil {
		return geo.Point{}, refuse(refusal.Invalid, "case.datum", "datum", "write wgs84 or gcj02, or leave it out for wgs84")
	}
	p = geo.ToWGS84(p, d)
	if p.Validate() != nil {
		return geo.Point{}, refuse(refusal.Invalid, "case.point", "home",
			"this is no place on land: give [lon, lat] in degrees, in this order")
	}
	return p, nil
}

func datumName(datum string) string {
	if datum == "" {
		return string(geo.WGS84)
	}
	return datum
}
