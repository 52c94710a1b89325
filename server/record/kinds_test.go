package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// eachType calls fn for every member of a type and of the types inside it: lists,
// pointers, and what a personal value holds.
func eachType(t reflect.Type, path string, sealed bool, fn func(path string, m *Member, t reflect.Type, sealed bool)) {
	ms := Members(t)
	for i := range ms {
		m := &ms[i]
		at := path + "." + m.Name
		inner, hidden := elem(m.Type), sealed
		if isPart(inner) {
			hidden = true
			if plain, ok := inner.MethodByName("Plain"); ok {
				inner = elem(plain.Type.Out(0))
			}
		}
		fn(at, m, inner, hidden)
		if isInner(inner) && inner.PkgPath() == t.PkgPath() {
			eachType(inner, at, hidden, fn)
		}
	}
}

// Every kind of record says of each member who sees it and what it may be.
func TestEveryMemberIsTagged(t *testing.T) {
	for _, k := range Kinds() {
		state := reflect.TypeOf(k.New()).Elem()
		for _, m := range k.Members() {
			if f := fieldOf(state, m); f.Tag.Get("see") == "" {
				t.Errorf("%s.%s: say who may see it, by a see tag", k.Name, m.Name)
			}
		}
		eachType(state, k.Name, false, func(path string, m *Member, of reflect.Type, sealed bool) {
			switch of.Kind() {
			case reflect.Float32, reflect.Float64, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func:
				t.Errorf("%s is a %s: it has no one spelling to be hashed", path, of.Kind())
			case reflect.Uint8:
				if !slices.Contains([]string{"more", "sent", "corrected", "content", "value"}, m.Name) {
					t.Errorf("%s is raw JSON or bytes: give it a type", path)
				}
			case reflect.String:
				if isPart(elem(m.Type)) && !isPersonal(m.Type) {
					return // a sealed text
				}
				_, rule := rules[m.Is]
				if !rule && CodesOf(m.Is) == nil {
					t.Errorf("%s stands in the clear and its is tag, %q, is neither a rule nor a list of codes", path, m.Is)
				}
				if m.Is == "text" && !sealed {
					t.Errorf("%s is free text in the clear", path)
				}
			}
		})
	}
}

// isPersonal tells whether a type is a Personal of something.
func isPersonal(t reflect.Type) bool { return strings.HasPrefix(t.Name(), "Personal[") }

func fieldOf(t reflect.Type, m Member) reflect.StructField { return t.FieldByIndex(m.index) }

// A kind below a case is found by its case, in an order that a member gives.
func TestEveryKindBelowACaseHasAnIndex(t *testing.T) {
	other := map[string]string{
		"quarantine": "found by state; most are about no case of ours",
	}
	for _, k := range Kinds() {
		var names []string
		for _, m := range k.Members() {
			names = append(names, m.Name)
		}
		below := slices.Contains(names, "case")
		switch {
		case k.ByCase.Name == "" && below && other[k.Name] == "":
			t.Errorf("%s names a case and has no index", k.Name)
		case k.ByCase.Name != "" && (!below || k.ByCase.Type != k.Name || !slices.Contains(names, k.ByCase.Fields[1])):
			t.Errorf("%s has the index %+v and the members %v", k.Name, k.ByCase, names)
		case k.ReportMembers() != nil && k.Rules.Policy == "" || k.Rules.Policy != "" && !k.Synced:
			t.Errorf("%s is written by phones and has no sync policy, or is not pulled by them", k.Name)
		}
	}
}

// What is personal never stands in the stored bytes, and comes back when it is opened.
func TestEveryPersonalMemberIsSealed(t *testing.T) {
	v := vault(t)
	for _, k := range Kinds() {
		state, f := filled(k, nil)
		want := show(t, state, All)
		text := stored(t, v, k, state)
		for member, marks := range f.marks {
			if m := anyOf(marks, string(text)); m != "" {
				t.Errorf("%s.%s stands in the stored bytes in the clear: %s", k.Name, member, m)
			}
		}
		if got := show(t, opened(t, v, k, text), All); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s opened again reads\n%s, want\n%s", k.Name, got, want)
		}
		if bad := CheckClear(state); bad != nil {
			t.Errorf("%s: a state of codes is refused: %v", k.Name, bad)
		}
	}
}

// eachClear calls fn for every string of a filled state that is stored in the clear.
func eachClear(v reflect.Value, path string, fn func(path string, m *Member, s reflect.Value)) {
	ms := Members(v.Type())
	for i := range ms {
		eachClearValue(&ms[i], ms[i].of(v), path+"."+ms[i].Name, fn)
	}
}

func eachClearValue(m *Member, v reflect.Value, path string, fn func(path string, m *Member, s reflect.Value)) {
	switch t := v.Type(); {
	case isPart(t) || t == timeType:
	case t.Kind() == reflect.Pointer && !v.IsNil():
		eachClearValue(m, v.Elem(), path, fn)
	case t.Kind() == reflect.Struct:
		eachClear(v, path, fn)
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			eachClearValue(m, v.Index(i), path, fn)
		}
	case t.Kind() == reflect.String:
		fn(path, m, v)
	}
}

// Free text has no room in a member that stands in the clear, whoever writes it.
func TestFreeTextHasNoRoomInTheClear(t *testing.T) {
	for _, k := range Kinds() {
		state, _ := filled(k, nil)
		tried := 0
		try := func(path string, m *Member, s reflect.Value, bad func(any) bool, of any) {
			if m.Is == "public" {
				return
			}
			was := s.String()
			for _, text := range []string{"Maria Silva, Rua 5", "Maria Silva 12", "Мария", "a\x00b", strings.Repeat("x", 300)} {
				tried++
				if s.SetString(text); !bad(of) {
					t.Errorf("%s takes %.20q in the clear", path, text)
				}
			}
			s.SetString(was)
		}
		eachClear(reflect.ValueOf(state).Elem(), k.Name, func(path string, m *Member, s reflect.Value) {
			try(path, m, s, func(x any) bool { return CheckClear(x) != nil }, state)
		})
		if k.report > 0 {
			report := reflect.ValueOf(state).Elem().Field(k.report - 1)
			eachClear(report, k.Name, func(path string, m *Member, s reflect.Value) {
				try(path, m, s, func(x any) bool { return Check(x) != nil }, report.Addr().Interface())
			})
		}
		if tried == 0 && k.Name != "" {
			t.Errorf("%s: nothing was tried", k.Name)
		}
	}
}

// Every audience sees the members that name it and no others, whatever a record holds.
func TestEveryAudienceSeesWhatItsTagsAllow(t *testing.T) {
	audiences := []Audience{Office, Agent, Lender, Auditor, AudienceOf("a new role")}
	for seed := range uint64(60) {
		draw := rand.New(rand.NewPCG(seed, 1))
		if seed == 0 {
			draw = nil // everything has a value
		}
		for _, k := range Kinds() {
			state, f := filled(k, draw)
			for _, to := range audiences {
				shown := show(t, state, to)
				text := fmt.Sprint(shown)
				raw, err := json.Marshal(shown)
				must(t, err)
				for _, m := range k.Members() {
					_, there := shown[m.Name]
					allowed := m.See&to != 0
					if there && !allowed || seed == 0 && allowed && !there {
						t.Errorf("%s.%s is shown to audience %b: %t", k.Name, m.Name, to, there)
					}
					if mark := anyOf(f.marks[m.Name], string(raw)); mark != "" && !allowed {
						t.Errorf("%s.%s is not for audience %b and stands in %s", k.Name, m.Name, to, text)
					}
					delete(shown, m.Name)
				}
				if len(shown) > 0 {
					t.Errorf("%s shows members it does not have: %v", k.Name, slices.Collect(maps.Keys(shown)))
				}
				if to == 0 && string(raw) != "{}" {
					t.Errorf("%s: a role that is not known sees %s", k.Name, raw)
				}
			}
		}
	}
}

// namesFor lists the members an audience sees.
func namesFor(kind string, to Audience) string {
	k, _ := KindOf(kind)
	var names []string
	for _, m := range k.Members() {
		if m.See&to != 0 {
			names = append(names, m.Name)
		}
	}
	return strings.Join(names, " ")
}

// What phones pull has none of the names that the protocol keeps for itself: RxDB and WatermelonDB have members of
// these names in each record of their own.
func TestWhatPhonesPullLeavesTheProtocolItsNames(t *testing.T) {
	for _, k := range Kinds() {
		for _, name := range strings.Fields(namesFor(k.Name, Agent)) {
			if k.Synced && isProtocolName(name) {
				t.Errorf("phones pull %s with a member %s", k.Name, name)
			}
		}
	}
}

// A lender reads outcomes and no more; an agent reads the card of a case.
func TestWhatLendersAndAgentsSee(t *testing.T) {
	for _, secret := range strings.Fields("check_in check_out observations vulnerability_flags person_met outcome_detail agents " +
		"recording photos flags decisions more") {
		if slices.Contains(strings.Fields(namesFor("visits", Lender)), secret) {
			t.Errorf("lenders see the %s of a visit", secret)
		}
	}
	if got := namesFor("visit_notes", Lender) + namesFor("consents", Lender); strings.Contains(got, "text") ||
		strings.Contains(got, "scope") {
		t.Errorf("lenders see notes or consents: %s", got)
	}
	want := "case_ref lender product_type profiles debtor debtor_ref debtor_name language phone phone_state address postal_code city " +
		"country home address_verification time_zone home_time_zone currency amount_due_minor due_date priority service_min territory status " +
		"holds requests unsafe_note facts appointments live_plan"
	if got := namesFor("cases", Agent); got != want {
		t.Errorf("the card of a case is\n%s, want\n%s", got, want)
	}
	for _, k := range []string{"contacts", "alerts", "erasures", "quarantine", "visit_reviews"} {
		if got := namesFor(k, Agent); got != "" {
			t.Errorf("agents see of %s: %s", k, got)
		}
	}
}
