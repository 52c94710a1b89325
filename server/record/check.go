package record

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"doorstep/auth/refusal"
	"doorstep/sync/seal"
)

// invalid refuses what was sent; place is "" when it is about the whole record.
func invalid(code, place, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Invalid, code, place, format, args...)
}

// rules are what a string in the clear may be, by the word of its is tag. What is
// kept in the clear for ever must have no room for a name or an address; sentences
// belong into the members that are sealed. A word that is not here is the name of
// a list of codes.
var rules = map[string]struct {
	ok    func(string) bool
	about string
}{
	"id": {idPattern.MatchString, "this is an id or a code: at most 128 letters A to Z, digits and any of _.:/@#+-; " +
		"write sentences in a note"},
	"type":     {IsTypeName, "name a type of records in lower case, such as visits"},
	"date":     {IsDate, "write a date of the calendar as 2006-01-02"},
	"day":      {dayPattern.MatchString, "write a weekday as mon, tue, wed, thu, fri, sat or sun"},
	"clock":    {clockPattern.MatchString, "write a time of the day as 15:04"},
	"zone":     {zonePattern.MatchString, "write a time zone of the IANA list such as Europe/Lisbon"},
	"currency": {currencyPattern.MatchString, "write an ISO 4217 code such as EUR"},
	"country":  {countryPattern.MatchString, "write an ISO 3166 code such as PT"},
	"language": {isLanguage, "write a BCP 47 language such as pt or zh-CN"},
	"cell":     {cellPattern.MatchString, "a coarse cell of at most 6 letters and digits, never a point"},
	"url":      {urlPattern.MatchString, "write a URL with https, of at most 200 characters"},
	"text":     {func(s string) bool { return len(s) <= 2000 }, "at most 2,000 bytes"}, // inside a personal value
	// server is a code or an id of the server's own, never a phone's: office and dispatch see to its shape.
	"server": {serverPattern.MatchString, "a code or an id has at most 200 letters A to Z, digits and any of _.:/@#+=,-"},
	// public is a text that anybody may read: the conduct policy.
	"public": {func(string) bool { return true }, ""},
}

var (
	typePattern     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9_.:/@#+-]{1,128}$`)
	serverPattern   = regexp.MustCompile(`^[A-Za-z0-9_.:/@#+=,-]{1,200}$`)
	dayPattern      = regexp.MustCompile(`^(mon|tue|wed|thu|fri|sat|sun)$`)
	clockPattern    = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	zonePattern     = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
	cellPattern     = regexp.MustCompile(`^[A-Za-z0-9]{1,6}$`)
	urlPattern      = regexp.MustCompile(`^https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,190}$`)
)

// IsID tells whether a text is an id or a code: 1 to 128 letters A to Z, digits and any of _.:/@#+-.
func IsID(s string) bool { return idPattern.MatchString(s) }

// IsTypeName tells whether a text looks like the type of records, such as a newer app may send: visit_notes.
func IsTypeName(s string) bool { return typePattern.MatchString(s) }

// IsDate tells whether a text is a date of the calendar, "2006-01-02".
func IsDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isLanguage(s string) bool {
	if len(s) > 35 {
		return false
	}
	_, err := language.Parse(s)
	return err == nil
}

// Limits of a record's lists and personal texts without a most tag.
const (
	mostEntries = 50
	mostBytes   = 4000
)

// Check refuses a record whose members are not what their tags say: the place, and
// what would be right. A member without a value is taken, unless its need tag says
// otherwise. record is a pointer to a struct; its instants are cut to whole seconds in UTC.
func Check(record any) *refusal.Error { return checkStruct(reflect.ValueOf(record).Elem(), "") }

// CheckClear refuses a record that holds a string in the clear that is not what its
// tag says. It looks at nothing else: it is the last look at what is about to be stored
// for ever. record is a pointer to a struct.
func CheckClear(record any) *refusal.Error { return checkClear(reflect.ValueOf(record).Elem(), "") }

func checkClear(v reflect.Value, at string) *refusal.Error {
	ms := Members(v.Type())
	for i := range ms {
		m := &ms[i]
		if bad := checkClearValue(m, m.of(v), place(at, m)); bad != nil {
			return bad
		}
	}
	return nil
}

func checkClearValue(m *Member, f reflect.Value, at string) *refusal.Error {
	switch t := f.Type(); {
	case t.Kind() == reflect.Pointer && !f.IsNil():
		return checkClearValue(m, f.Elem(), at)
	case isInner(t):
		return checkClear(f, at)
	case t.Kind() == reflect.String:
		return CheckWord(m.Is, at, f.String())
	case t.Kind() == reflect.Slice:
		for i := range f.Len() {
			if bad := checkClearValue(m, f.Index(i), entry(at, i)); bad != nil {
				return bad
			}
		}
	}
	return nil
}

// place is the way to a member of what stands at a place.
func place(at string, m *Member) string {
	if at == "" {
		return m.Name
	}
	return at + "." + m.Name
}

func checkStruct(v reflect.Value, at string) *refusal.Error {
	ms := Members(v.Type())
	for i := range ms {
		m := &ms[i]
		if bad := checkValue(m, m.of(v), place(at, m)); bad != nil {
			return bad
		}
	}
	return nil
}

func checkValue(m *Member, f reflect.Value, at string) *refusal.Error {
	if m.Need != "" && saysNothing(f) {
		if list := CodesOf(m.Is); list != nil {
			return invalid("validation."+m.Name, at, "%s: one of %s", m.Need, strings.Join(list, ", "))
		}
		return invalid("validation."+m.Name, at, "%s", m.Need)
	}
	switch t := f.Type(); {
	case t == timeType:
		return checkTime(f, at)
	case isPart(t):
		return checkPart(m, f, at)
	case isInner(t):
		return checkStruct(f, at)
	case t.Kind() == reflect.Pointer:
		if f.IsNil() {
			return nil
		}
		return checkValue(m, f.Elem(), at)
	case t.Kind() == reflect.String:
		return CheckWord(m.Is, at, f.String())
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if most := orElse(m.Most, mostEntries); f.Len() > most {
			return invalid("validation.too_many", at, "at most %d entries", most)
		}
		for i := range f.Len() {
			if bad := checkValue(m, f.Index(i), entry(at, i)); bad != nil {
				return bad
			}
		}
	case f.CanInt() && m.Most > 0:
		if n := f.Int(); n < 0 || n > int64(m.Most) {
			return invalid("validation."+lastName(at), at, "between 0 and %d", m.Most)
		}
	}
	return nil
}

// saysNothing tells whether a member that must be given is absent or empty.
func saysNothing(f reflect.Value) bool {
	if part, ok := f.Addr().Interface().(*seal.Text); ok {
		return part.Plain() == ""
	}
	return isEmpty(f)
}

// checkTime cuts an instant to whole seconds in UTC. Years beyond 2000 to 2199 are typing errors.
func checkTime(f reflect.Value, at string) *refusal.Error {
	t := f.Interface().(time.Time)
	if t.IsZero() {
		return nil
	}
	t = WholeUTC(t)
	if !InYears(t) {
		return invalid("validation."+lastName(at), at, "write a time from 2000 to 2199, as RFC 3339 with an offset")
	}
	f.Set(reflect.ValueOf(t))
	return nil
}

// checkPart bounds a personal part and looks at the members of a personal struct.
func checkPart(m *Member, f reflect.Value, at string) *refusal.Error {
	most := orElse(m.Most, mostBytes)
	switch p := f.Addr().Interface().(type) {
	case *seal.Text:
		if len(p.Plain()) > most {
			return invalid("validation."+lastName(at), at, "at most %d bytes", most)
		}
	case *seal.JSON:
		if len(p.Plain()) > most {
			return invalid("validation."+lastName(at), at, "at most %d bytes", most)
		}
	case interface{ check(string) *refusal.Error }:
		return p.check(at)
	}
	return nil
}

// CheckWord refuses a string in the clear that is not what the word says; "" is no
// value. A list of codes is named with its codes. What was sent is not repeated.
func CheckWord(is, at, value string) *refusal.Error {
	if value == "" {
		return nil
	}
	if rule, ok := rules[is]; ok {
		if rule.ok(value) {
			return nil
		}
		return invalid("validation."+lastName(at), at, "%s", rule.about)
	}
	return OneOf("validation."+lastName(at), at, value, CodesOf(is))
}

// OneOf refuses a code that is not on its list, naming the list.
func OneOf(code, at, value string, list []string) *refusal.Error {
	if slices.Contains(list, value) {
		return nil
	}
	return invalid(code, at, "this is not one of %s", strings.Join(list, ", "))
}

// WholeUTC is an instant in UTC, cut to whole seconds; the zero time stays zero.
func WholeUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// InYears tells whether an instant lies in the years that records may have.
func InYears(t time.Time) bool { return t.UTC().Year() >= 2000 && t.UTC().Year() <= 2199 }

// lastName is the last name in a place.
func lastName(at string) string {
	name, _, _ := strings.Cut(at[strings.LastIndexByte(at, '.')+1:], "[")
	return name
}

func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}
