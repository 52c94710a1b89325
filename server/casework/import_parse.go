package casework

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"
	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"

	"doorstep/geo"
	"doorstep/geo/country"
	"doorstep/server/casework/rows"
	"doorstep/server/record"
)

// fields reads the values of one row and collects what is wrong with them.
type fields struct {
	schema []rows.Column
	vals   []string
	errs   []rows.LineError
}

// get is a column's value; "" when absent.
func (f *fields) get(name string) string {
	i := slices.IndexFunc(f.schema, func(c rows.Column) bool { return c.Name == name })
	return f.vals[i]
}

// bad notes that a column cannot be used. The message never repeats the value.
func (f *fields) bad(column, code, message string) {
	f.errs = append(f.errs, rows.LineError{Column: column, Code: code, Message: message})
}

var (
	refPattern  = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	codePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,64}$`)
)

// ref reads a required id.
func (f *fields) ref(name string) string {
	v := f.get(name)
	switch {
	case v == "":
		f.bad(name, "import.empty", "this value is required")
	case !refPattern.MatchString(v):
		f.bad(name, "import.id", "an id has 1 to 64 of the letters A to Z, digits, dots, dashes and underscores")
	case len(v) > record.MaxID:
		f.tooLong(name)
	}
	return v
}

// wholeID judges the length of a lender's id and a reference together.
func (f *fields) wholeID(name, lender, ref string) {
	if len(ref) <= record.MaxID && len(lender)+1+len(ref) > record.MaxID {
		f.tooLong(name)
	}
}

func (f *fields) tooLong(name string) {
	f.bad(name, "import.ref_too_long",
		"the lender's id, a dot and this reference have more than 64 characters together; use a shorter one")
}

// text reads free text of at most so many bytes.
func (f *fields) text(name string, required bool, most int) string {
	v := f.get(name)
	switch {
	case v == "" && required:
		f.bad(name, "import.empty", "this value is required")
	case len(v) > most:
		f.bad(name, "import.too_long", "this value has more than "+strconv.Itoa(most)+" bytes; shorten it")
	case strings.ContainsFunc(v, isControl):
		f.bad(name, "import.control", "this value holds control characters; remove them")
	}
	return v
}

// date reads a date of the calendar.
func (f *fields) date(name string, required bool) string {
	v := f.get(name)
	if v == "" {
		if required {
			f.bad(name, "import.empty", "this value is required; write a date as 2006-01-02")
		}
		return ""
	}
	d, err := time.Parse(time.DateOnly, v)
	switch {
	case err != nil:
		f.bad(name, "import.date", "this is no date; write it as 2006-01-02")
	case d.Year() < 1990 || d.Year() > 2100:
		f.bad(name, "import.date", "this date lies before 1990 or after 2100; check the year")
	}
	return v
}

// time reads an instant or a local time.
func (f *fields) time(name string) saidTime {
	v := f.get(name)
	if v == "" {
		f.bad(name, "import.empty",
			"this value is required; write a time as 2006-01-02T15:04:05, local to the case, or with an offset")
		return saidTime{}
	}
	at, ok := parseTime(v)
	switch {
	case !ok:
		f.bad(name, "import.time",
			"this is no time; write it as 2006-01-02T15:04:05, local to the case, or with an offset such as +08:00")
	case at.at.Year() < 1990 || at.at.Year() > 2100:
		f.bad(name, "import.time", "this lies before 1990 or after 2100; check the year")
	}
	return at
}

// listed reads a code of a closed list.
func (f *fields) listed(name, code string, required bool, list []string) string {
	v := f.get(name)
	switch {
	case v == "" && required:
		f.bad(name, "import.empty", "this value is required: one of "+strings.Join(list, ", "))
	case v != "" && !slices.Contains(list, v):
		f.bad(name, code, "this is not one of "+strings.Join(list, ", "))
	}
	return v
}

// yes reads a yes or no; empty is no.
func (f *fields) yes(name string) bool {
	switch strings.ToLower(f.get(name)) {
	case "", "false", "no", "0":
		return false
	case "true", "yes", "1":
		return true
	}
	f.bad(name, "import.bool", "write true or false, or leave it empty for false")
	return false
}

// number reads a whole number within bounds; fallback when empty and not required.
func (f *fields) number(name string, required bool, fallback, least, most int64, what string) int64 {
	v := f.get(name)
	if v == "" {
		if required {
			f.bad(name, "import.empty", "this value is required; write "+what)
		}
		return fallback
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < least || n > most {
		f.bad(name, "import.number", "write "+what)
		return fallback
	}
	return n
}

// amount reads minor units.
func (f *fields) amount(name string, required bool, least int64) int64 {
	what := "a whole number of minor units (cents), without separators or sign"
	return f.number(name, required, 0, least, record.MaxMinor, what)
}

// currency reads an ISO 4217 code.
func (f *fields) currency(name string) string {
	v := f.get(name)
	if v == "" || !currency.IsValid(v) {
		f.bad(name, "import.currency", "write an ISO 4217 currency such as EUR, in capitals")
	}
	return v
}

// parse judges a line of a case import by itself.
func (ci *caseImport) parse(vals []string) (caseLine, []rows.LineError) {
	f := &fields{schema: caseColumns, vals: vals}
	c := caseLine{
		CaseRef:           f.ref("case_ref"),
		Lender:            f.lender("lender"),
		DebtorRef:         f.ref("debtor_ref"),
		DebtorName:        f.text("debtor_name", true, 200),
		PhoneVerifiedOn:   f.date("phone_verified_on", false),
		Address:           f.text("address", true, 500),
		PostalCode:        f.text("postal_code", false, 20),
		City:              f.text("city", false, 100),
		AddressVerifiedOn: f.date("address_verified_on", false),
		Currency:          f.currency("currency"),
		AmountDueMinor:    f.amount("amount_due_minor", true, 0),
		PrincipalMinor:    f.amount("principal_minor", false, 0),
		DueDate:           f.date("due_date", true),
		Priority: int(f.number("priority", false, 1, 0, 100,
			"a whole number from 0 to 100, or leave it empty for 1")),
		ServiceMin: int(f.number("service_min", false, 15, 1, 240,
			"the minutes at the door, 1 to 240, or leave it empty for 15")),
	}
	f.wholeID("case_ref", c.Lender, c.CaseRef)
	f.wholeID("debtor_ref", c.Lender, c.DebtorRef)
	if c.ProductType = f.get("product_type"); !codePattern.MatchString(c.ProductType) {
		f.bad("product_type", "import.code",
			"write a code of at most 64 letters, digits, dots, dashes and underscores, such as personal_loan")
	}
	c.Language = f.language("language")
	if c.Phone = f.get("phone"); c.Phone != "" && !isPhone(c.Phone) {
		f.bad("phone", "import.phone",
			"this is no number that can exist; write it with its country code and without spaces, such as +351…, or leave "+
				"it empty")
	}
	c.Home, c.Datum = f.home()
	if c.Country = f.get("country"); !isCountry(c.Country) {
		f.bad("country", "import.country",
			"write an ISO 3166 country such as PT, or a part of one such as US-MA, in capitals")
	} else {
		c.TimeZone = ci.timeZone(f, c.Country)
		c.Profiles = ci.profilesOf(f, c.Country)
		if c.Home != nil {
			if wrong := country.Misplaced(c.Country, c.Home.Point()); wrong != "" {
				f.bad("lon", "import.point", wrong)
			}
		}
	}
	c.Flags = f.flags("flags")
	c.Net = ci.net
	if f.get("net") != "" {
		net := f.yes("net")
		c.Net = &net
	}
	return c, f.errs
}

// lender reads a lender's id.
func (f *fields) lender(name string) string {
	v := f.get(name)
	switch {
	case v == "":
		f.bad(name, "import.empty", "this value is required")
	case !record.IsLender(v):
		f.bad(name, "import.lender", "a lender's id has 1 to 62 letters A to Z, digits, dashes and underscores, and no dot")
	}
	return v
}

// language reads a BCP 47 tag and gives its canonical form.
func (f *fields) language(name string) string {
	v := f.get(name)
	if v == "" {
		return ""
	}
	tag, err := language.Parse(v)
	if err != nil || len(v) > 35 {
		f.bad(name, "import.language", "write a BCP 47 language such as pt or zh-CN, or leave it empty")
		return ""
	}
	return tag.String()
}

// isPhone tells whether a number is written in E.164 and can exist.
func isPhone(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	n, err := phonenumbers.Parse(s, "")
	return err == nil && phonenumbers.IsValidNumber(n) && phonenumbers.Format(n, phonenumbers.E164) == s
}

// timeZone reads the zone, or takes the country's where it has but one.
func (ci *caseImport) timeZone(f *fields, country string) string {
	v := f.get("time_zone")
	if v == "" {
		zone, _ := zoneOfCountry(country)
		if zone == "" {
			f.bad("time_zone", "import.time_zone",
				"clocks differ within this country; name the debtor's time zone, such as Atlantic/Azores")
		}
		return zone
	}
	if wrong := wrongZone(&ci.zones, country, v); wrong != "" {
		f.bad("time_zone", "import.time_zone", wrong)
	}
	return v
}

// profilesOf reads the conduct profiles, joined by +, or takes the country's.
func (ci *caseImport) profilesOf(f *fields, country string) []string {
	named := splitList(strings.ReplaceAll(f.get("profile"), ";", "+"), "+")
	if len(named) == 0 {
		return countryProfiles(ci.profiles, country)
	}
	for i, p := range named {
		if !ci.profiles.Has(p) {
			f.bad("profile", "import.profile",
				"there is no such conduct profile; name one that is in force here, several joined by +, or leave it empty "+
					"for the country's")
			return nil
		}
		if slices.Contains(named[:i], p) {
			f.bad("profile", "import.profile", "a conduct profile is named twice; remove one")
			return nil
		}
	}
	return named
}

// defaultProfile is for places without a profile of their own.
const defaultProfile = "house-visit"

// countryProfiles is the profile a country's cases get when they name none: that
// of the part of the country (us-ma for US-MA), else the country's, else the cautious default.
func countryProfiles(known profileList, country string) []string {
	code := strings.ToLower(country)
	if code[:2] == "gb" {
		code = "uk" + code[2:]
	}
	if known.Has(code) {
		return []string{code}
	}
	if known.Has(code[:2]) {
		return []string{code[:2]}
	}
	return []string{defaultProfile}
}

// home reads the position and turns it into WGS 84.
func (f *fields) home() (*geo.E7, string) {
	datum, lon, lat := f.get("datum"), f.get("lon"), f.get("lat")
	if _, err := geo.ParseDatum(datum); err != nil {
		f.bad("datum", "import.datum", "this is not one of "+strings.Join(record.CodesOf("datums"), ", ")+
			", or empty for wgs84")
		return nil, ""
	}
	if lon == "" && lat == "" {
		return nil, datumName(datum)
	}
	p := geo.Point{}
	for _, axis := range []struct {
		name, text string
		into       *float64
	}{{"lon", lon, &p.Lon}, {"lat", lat, &p.Lat}} {
		v, err := strconv.ParseFloat(axis.text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			f.bad(axis.name, "import.point", "write degrees with a decimal point, or leave both lon and lat empty")
			return nil, ""
		}
		*axis.into = v
	}
	p, bad := placeOf(p, datum)
	if bad != nil {
		f.bad("lon", "import.point",
			"lon and lat are no place on land: longitude comes first, both in degrees; are they swapped?")
		return nil, ""
	}
	at := p.E7()
	return &at, datumName(datum)
}

// flags reads hold kinds separated by semicolons.
func (f *fields) flags(name string) []string {
	list := splitList(f.get(name), ";")
	for _, kind := range list {
		if _, ok := record.HoldKindNamed(kind); !ok {
			f.bad(name, "import.flag", "a flag is not one of "+strings.Join(record.CodesOf("hold_kinds"), ", ")+
				" (separate several by semicolons)")
			return nil
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
