package record

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"doorstep/auth/strictjson"
	"doorstep/sync/offline"
)

// The schema versions of apps (X-Schema-Version). An app of an older version is given records without the kinds,
// members and codes that later versions brought. Three versions are kept: testdata/shapes pins what each of them has.
//
// A new kind says in the table of kinds since which version it is; a new member or code is one line in brought. What is
// not named there every version has, and the test of the pinned shapes fails. The first new one after a release begins
// another version: Schema goes up by one, MinSchema follows, and what only the version below MinSchema lacked is
// dropped from brought.
const (
	// Schema is the newest version, MinSchema the oldest that is served.
	Schema    = 3
	MinSchema = 1
)

// broughtBy is what a version brought.
type broughtBy struct {
	version int
	// members are the ways to members, "kind.member.inner" with * for every kind; of codes, by list, the code that an
	// older app is shown instead, which every version has.
	members []string
	codes   map[string]map[string]string
}

var brought = []broughtBy{
	{2, []string{"*.admitted", "assignments.decline_reason", "cases.appointments", "plans.hardship"},
		map[string]map[string]string{"note_kinds": {"hardship": "general"}, "payment_methods": {"mobile_money": "other"}}},
	{3, []string{"cases.home_time_zone", "cases.unsafe_note",
		"consents.withdraws", "plans.advice", "plans.affordability",
		"plans.cancelled_for", "plans.default_terms.partly_from_bp", "plans.needs_approval_for", "plans.offered_by",
		"plans.remaining_after_minor", "plans.replaced_by", "plans.request", "plans.rules", "plans.standing"},
		map[string]map[string]string{"decline_reasons": {"unwell": "other"}}},
}

// shaper is what an app of a version is not shown.
type shaper struct {
	gone  map[string]bool // by the way to a member
	codes map[string]map[string]string
}

func shaperOf(version int) shaper {
	s := shaper{map[string]bool{}, map[string]map[string]string{}}
	for _, b := range brought {
		if b.version <= version {
			continue
		}
		for _, way := range b.members {
			s.gone[way] = true
		}
		for list, instead := range b.codes {
			if s.codes[list] == nil {
				s.codes[list] = map[string]string{}
			}
			for code, older := range instead {
				s.codes[list][code] = older
			}
		}
	}
	return s
}

// shapers are those of the versions before the newest.
var shapers = func() (out [Schema]shaper) {
	for version := range out {
		out[version] = shaperOf(version)
	}
	return out
}()

// Known tells whether apps of a schema version know the kind.
func (k Kind) Known(version int) bool { return k.Since <= version }

// Shaped is a shown record of the kind as apps of a schema version know it. The error is of a document that is no
// object.
func (k Kind) Shaped(doc json.RawMessage, version int) (json.RawMessage, error) {
	if version >= Schema || len(doc) == 0 {
		return doc, nil
	}
	s := shapers[max(version, 0)]
	return s.object(doc, k.Members(), k.Name)
}

func (s shaper) object(doc json.RawMessage, ms []Member, at string) (json.RawMessage, error) {
	said, bad := strictjson.Members(doc)
	if bad != nil {
		if isNull(doc) {
			return doc, nil
		}
		return nil, bad
	}
	kind, _, _ := strings.Cut(at, ".")
	// The order stays, so that apps of all versions are shown the same in one order.
	out := append(make(json.RawMessage, 0, len(doc)), '{')
	for _, one := range said {
		way, value := at+"."+one.Name, one.Value
		if n := slices.IndexFunc(ms, func(m Member) bool { return m.Name == one.Name }); n >= 0 {
			if s.gone[way] || at == kind && s.gone["*."+one.Name] {
				continue
			}
			var err error
			if value, err = s.value(value, &ms[n], ms[n].Type, way); err != nil {
				return nil, err
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(strictjson.AppendString(out, one.Name), ':'), value...)
	}
	return append(out, '}'), nil
}

func (s shaper) value(doc json.RawMessage, m *Member, t reflect.Type, at string) (json.RawMessage, error) {
	t = plainOf(t)
	switch {
	case isNull(doc):
	case isInner(t):
		return s.object(doc, Members(t), at)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && doc[0] == '[':
		var all []json.RawMessage
		if err := json.Unmarshal(doc, &all); err != nil {
			return nil, err
		}
		for i := range all {
			shaped, err := s.value(all[i], m, t.Elem(), at)
			if err != nil {
				return nil, err
			}
			all[i] = shaped
		}
		return json.Marshal(all)
	case t.Kind() == reflect.String && s.codes[m.Is] != nil:
		var code string
		if err := json.Unmarshal(doc, &code); err != nil {
			return nil, err
		}
		if older, newer := s.codes[m.Is][code]; newer {
			return json.Marshal(older)
		}
	}
	return doc, nil
}

// plainOf is the type behind pointers and of what a sealed part holds.
func plainOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isPart(t) {
		if plain, ok := reflect.PointerTo(t).MethodByName("Plain"); ok && plain.Type.NumOut() == 1 {
			return plain.Type.Out(0)
		}
	}
	return t
}

// Completed is what an app of an older version says of a record that it pulled, with what it could not know: a member
// that it sends back as it was shown to it keeps its value, and whole says that members which its version lacks stay as
// they are though they are absent. said is what the record says (Kind.Said). What is no object is given back as it is.
func (k Kind) Completed(said, sent json.RawMessage, version int, whole bool) (json.RawMessage, error) {
	if version >= Schema {
		return sent, nil
	}
	shown, err := k.Shaped(said, version)
	if err != nil {
		return nil, err
	}
	var was, seen, now object
	if err := json.Unmarshal(said, &was); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(shown, &seen); err != nil {
		return nil, err
	}
	if json.Unmarshal(sent, &now) != nil || now == nil {
		return sent, nil // refused when it is read
	}
	for name, value := range was {
		got, there := now[name]
		switch _, known := seen[name]; {
		case there && known && offline.SameJSON(got, seen[name]):
			now[name] = value
		case whole && !there && !known:
			now[name] = value
		}
	}
	return encodeRaw(now), nil
}
