package conduct

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"doorstep/auth/refusal"
)

// reassembled loads the parts in another order, as a phone may.
func reassembled(t *testing.T, p *Policy) *Policy {
	t.Helper()
	var packs [][]byte
	for _, part := range p.Parts() {
		packs = append(packs, []byte(part.Text))
	}
	slices.Reverse(packs)
	phone, err := Load(packs...)
	if err != nil {
		t.Fatal(err)
	}
	return phone
}

// TestPartsJudgeAsThePolicyDoes loads the parts as a phone does and judges the vectors by both policies.
func TestPartsJudgeAsThePolicyDoes(t *testing.T) {
	whole := defaultPolicy(t)
	phone := reassembled(t, whole)
	for _, v := range ownVectors(t) {
		want, err := whole.Decide(context.Background(), v.request(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := phone.Decide(context.Background(), v.request(t))
		if err != nil {
			t.Fatal(err)
		}
		if pairs(got.All) != pairs(want.All) || !slices.Equal(got.Advisory, want.Advisory) ||
			!slices.Equal(got.Cite, want.Cite) {
			t.Errorf("%s: the phone says %s, the server %s", v.Title, pairs(got.All), pairs(want.All))
		}
	}
	for _, id := range whole.Profiles() {
		w, _ := whole.About(id)
		if g, ok := phone.About(id); !ok || g.Title != w.Title || len(g.Kept) != len(w.Kept) {
			t.Errorf("%s is %+v on the phone, %+v on the server", id, g, w)
		}
	}
}

// TestACalendarAloneIsAPack adds a year to a calendar: one part changes, and the holiday is a closed day.
func TestACalendarAloneIsAPack(t *testing.T) {
	const holidays = "schema: conduct-policy/v1\ncalendars:\n  GB:\n    - 2027-02-08\n"
	was := defaultPolicy(t)
	p, err := LoadPacks([]Pack{DefaultPack(), {"gb-2027", []byte(holidays)}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Hash() == was.Hash() {
		t.Error("another policy has the same hash")
	}
	var changed []string
	for i, part := range p.Parts() {
		if before := was.Parts()[i]; before != part {
			changed = append(changed, part.Name)
		}
	}
	if !slices.Equal(changed, []string{"calendar.GB"}) {
		t.Errorf("the parts that changed: %v", changed)
	}
	a := Action{Channel: "visit", At: mustWhen(t, "2027-02-08T10:00:00"), TZ: []string{"Europe/London"}, Place: "home"}
	before, err := was.Judge([]string{"uk"}, a, Case{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := p.Judge([]string{"uk"}, a, Case{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(d Decision) bool {
		return slices.ContainsFunc(d.All, func(h Hit) bool { return h.Reason == "CLOSED_DAY" })
	}
	if closed(before) || !closed(after) {
		t.Errorf("closed before %v, after %v", pairs(before.All), pairs(after.All))
	}
}

// TestFaultsOfAPackHaveALineAndAField damages packs and expects the line and the field of the fault.
func TestFaultsOfAPackHaveALineAndAField(t *testing.T) {
	const head = "schema: conduct-policy/v1\n"
	long := "schema: conduct-policy/v1\ncalendars:\n  HK:\n" + strings.Repeat("    - 2027-02-08\n", 6000)
	for _, c := range []struct {
		pack, field string
		line        int
		says        string
	}{
		{"", "", 0, "empty"},
		{"schema: [", "", 1, "did not find"},
		{"schema: a\nschema: b\n", "", 2, "is there twice"},
		{"schema: conduct-policy/v2\n", "schema", 1, "only conduct-policy/v1"},
		{"calendars: {}\n", "schema", 1, "must be given"},
		{head + "---\nprofiles: {}\n", "", 0, "one document"},
		{head + "calendars:\n  HK:\n    - 2027-02-08\n    - 2027-02-30\n", "calendars.HK[1]", 5, "write a date"},
		{head + "calendars:\n  hk: []\n", "calendars.hk", 3, "no profile names"},
		{head + "calendars:\n  h k: []\n", "calendars.h k", 3, "a name has"},
		{head + "calendars:\n  HK:\n    2027-02-08: new year\n", "calendars.HK", 3, "must be a list"},
		{head + "profiles:\n  xx:\n    id: xx\n    status: in_force\n    hours:\n      - id: xx-hours\n        allow: [[\"09:00\", \"08:00\"]]\n", "profiles.xx.hours[0].allow[0]", 8, "hours run"},
		{head + "profiles:\n  xx:\n    id: xx\n    status: in_force\n    hors: []\n", "profiles.xx.hors", 6, "no such field"},
		{head + "profiles:\n  xx:\n    id: xx\n", "profiles.xx.status", 3, "must be given"},
		{head + "profiles:\n  xx: {id: xx, status: in_force, extends: [nowhere]}\n", "profiles.xx.extends[0]", 3,
			"no such profile"},
		{head + "profiles:\n  xx: {id: xx, status: in_force, caps: [{id: c, count: attempts, scope: case, max: .nan, window: {type: calendar_day}}]}\n", "profiles.xx.caps[0].max", 3, "not a number"},
		{head + "note: \xff\n", "", 0, "UTF-8"},
		{long, "calendars.HK", 3, "too long for a phone"},
	} {
		_, err := LoadPacks([]Pack{DefaultPack(), {"mine", []byte(c.pack)}})
		var e *refusal.Error
		if !errors.As(err, &e) || e.Code() != "conduct.pack" || len(e.Faults) == 0 {
			t.Errorf("%.80q: %v", c.pack, err)
			continue
		}
		if p := e.Faults[0]; p.File != "mine" || p.Place != c.field || p.Line != c.line || !strings.Contains(p.Msg, c.says) {
			t.Errorf("%.80q: pack %q, line %d, field %q: %s", c.pack, p.File, p.Line, p.Place, p.Msg)
		}
	}
}

// TestAPackMayBeJSON reads JSON that is indented with tabs.
func TestAPackMayBeJSON(t *testing.T) {
	const pack = "{\n\t\"schema\": \"conduct-policy/v1\",\n\t\"calendars\": {\n\t\t\"HK\": [\"2027-02-08\"]\n\t}\n}\n"
	if _, err := LoadPacks([]Pack{DefaultPack(), {"json", []byte(pack)}}); err != nil {
		t.Error(err)
	}
}

func TestAPolicySaysWhichProfilesItLost(t *testing.T) {
	const pack = "schema: conduct-policy/v1\nprofiles:\n  xx: {id: xx, status: %}\n"
	with := func(status string) *Policy {
		p, err := LoadPacks([]Pack{DefaultPack(), {"xx", []byte(strings.Replace(pack, "%", status, 1))}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if gone := defaultPolicy(t).Gone(with("in_force")); !slices.Equal(gone, []string{"xx"}) {
		t.Errorf("gone are %v", gone)
	}
	if gone := with("draft").Gone(with("in_force")); len(gone) > 0 {
		t.Errorf("gone are %v", gone)
	}
}

// FuzzLoad expects that any bytes give a policy or an error, and that the parts of a policy load again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("schema: conduct-policy/v1\nprofiles:\n  xx: {id: xx, status: in_force, calendar: HK, caps: [{id: c, reason: FREQ_CAP, count: attempts, scope: case, max: 1, window: {type: calendar_day}}]}\n"))
	f.Add([]byte("schema: conduct-policy/v1\ncalendars: {HK: [2027-02-08]}\nsources: {a: {title: \"\\u2028\\x7f\"}}\n"))
	f.Add([]byte("{a: &a [*a]}"))
	f.Add([]byte("profiles: {xx: {calendar: []}}"))
	// Loading the default pack each time would be too slow; a policy needs only its list of reasons.
	reasons := "schema: conduct-policy/v1\nreason_priority: [" + strings.Join(defaultPolicy(f).Reasons(), ", ") + "]\n"
	f.Fuzz(func(t *testing.T, pack []byte) {
		p, err := LoadPacks([]Pack{{"reasons", []byte(reasons)}, {"fuzz", pack}})
		var e *refusal.Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		again := reassembled(t, p)
		if !slices.Equal(again.Parts(), p.Parts()) {
			t.Error("the parts make other parts")
		}
	})
}
