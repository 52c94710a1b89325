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
	"time"
)

// samples are the least a phone may say of each kind that it writes.
var samples = map[string]string{
	"visits":              `{"case":"c1","at":"2026-11-25T10:00:00Z","outcome":"NOT_MET_NOBODY"}`,
	"visit_confirmations": `{"case":"c1","visit":"v1","at":"2026-11-25T10:00:00Z"}`,
	"visit_notes":         `{"case":"c1","at":"2026-11-25T10:00:00Z","text":"a dog"}`,
	"consents":            `{"case":"c1","at":"2026-11-25T10:00:00Z","scope":"visit_time","status":"given"}`,
	"signatures":          `{"case":"c1","at":"2026-11-25T10:00:00Z","signer_role":"debtor","sha256":"ab"}`,
	"payments_reported": `{"case":"c1","at":"2026-11-25T10:00:00Z","amount_minor":100,"currency":"EUR",
		"method":"transfer"}`,
	"plans": `{"case":"c1","at":"2026-11-25T10:00:00Z","request":{"kind":"ptp_single","start_on":"2026-12-01"},"total_minor":100,
		"instalments":[{"n":1,"due_on":"2026-12-01","amount_minor":100}],"state":"offered"}`,
	"assignments": `{"agent_status":"at_door"}`,
	"drafts":      `{"case":"c1","of_type":"visits","content":{"outcome":"NOT_MET_NOBODY","text":"half a"}}`,
}

// written calls fn for each kind that phones write.
func written(t *testing.T, fn func(t *testing.T, k Kind)) {
	for _, k := range Kinds() {
		if k.ReportMembers() == nil {
			continue
		}
		if samples[k.Name] == "" {
			t.Errorf("there is no sample of %s", k.Name)
			continue
		}
		t.Run(k.Name, func(t *testing.T) { fn(t, k) })
	}
}

func read(t *testing.T, k Kind, text string) any {
	t.Helper()
	state, bad := k.Read(json.RawMessage(text), noon)
	if bad != nil {
		t.Fatalf("%s refused: %v\n%s", k.Name, bad, text)
	}
	return state
}

// with is a JSON object with some members more, or in the place of its own.
func with(t *testing.T, text string, more map[string]any) string {
	t.Helper()
	all := map[string]any{}
	must(t, json.Unmarshal([]byte(text), &all))
	maps.Copy(all, more)
	out, err := json.Marshal(all)
	must(t, err)
	return string(out)
}

func same(t *testing.T, k Kind, stored, sent any) bool {
	t.Helper()
	is, err := k.Same(stored, sent)
	must(t, err)
	return is
}

// What a phone is sent it may send back: it says the same, whatever the record holds.
func TestWhatAPhonePullsItMaySendBack(t *testing.T) {
	v := vault(t)
	written(t, func(t *testing.T, k Kind) {
		for seed := range uint64(40) {
			draw := rand.New(rand.NewPCG(seed, 2))
			if seed == 0 {
				draw = nil
			}
			full, _ := filled(k, draw)
			report := reflect.ValueOf(full).Elem().Field(k.report - 1)
			first, bad := k.Read(said1(t, full, report), noon)
			if bad != nil {
				if seed == 0 {
					t.Fatalf("a full report is refused: %v", bad)
				}
				continue // a member that must be there is not
			}
			keep := opened(t, v, k, stored(t, v, k, first))
			text, err := Show(keep, Agent)
			must(t, err)
			again, bad := k.Read(text, noon)
			if bad != nil {
				t.Fatalf("what was pulled is refused: %v\n%s", bad, text)
			}
			if !same(t, k, keep, again) {
				t.Errorf("sent back it says another thing:\n%s", text)
			}
			twice, err := Show(opened(t, v, k, stored(t, v, k, again)), Agent)
			must(t, err)
			if string(twice) != string(text) {
				t.Errorf("sent back and kept it reads\n%s, was\n%s", twice, text)
			}
		}
	})
}

// said1 is a report as the phone spells it.
func said1(t *testing.T, state any, report reflect.Value) json.RawMessage {
	t.Helper()
	k, _ := KindOf(nameOf(state))
	text, err := k.Said(state)
	must(t, err)
	return text
}

func nameOf(state any) string {
	for _, k := range Kinds() {
		if reflect.TypeOf(k.New()) == reflect.TypeOf(state) {
			return k.Name
		}
	}
	return ""
}

// A phone that names what is the server's to say changes nothing of it: neither the
// state, nor what is kept beside it, wherever it puts the member.
func TestAPhoneCannotSayWhatIsTheServers(t *testing.T) {
	v := vault(t)
	written(t, func(t *testing.T, k Kind) {
		full, _ := filled(k, nil)
		all, err := Show(full, All)
		must(t, err)
		server := map[string]any{}
		var every map[string]json.RawMessage
		must(t, json.Unmarshal(all, &every))
		for _, name := range serverNames {
			every[name] = json.RawMessage(`[{"n":1,"status":"paid"}]`)
		}
		for _, m := range k.Members() {
			if every[m.Name] == nil {
				every[m.Name] = json.RawMessage(`"spoofed"`) // what nobody is shown
			}
		}
		for _, m := range k.ReportMembers() {
			delete(every, m.Name)
		}
		delete(every, "more") // what it means to send that is another test's
		for name, value := range every {
			server[name] = value
		}
		if len(server) < 5 {
			t.Fatalf("the server says only %v", server)
		}
		sample := samples[k.Name]
		if k.Name == "visits" {
			sample = with(t, sample, map[string]any{"check_in": map[string]any{"at": "2026-11-25T10:00:00Z",
				"point": []float64{-8.61, 41.15}}})
			nested := map[string]any{"at": "2026-11-25T10:00:00Z", "point": []float64{-8.61, 41.15}, "inside_fence": true,
				"distance_m": 3}
			server["check_in"] = nested
		}
		want, _ := json.Marshal(clear(t, k, read(t, k, sample)))
		for what, text := range map[string]string{
			"beside":        with(t, sample, server),
			"under more":    with(t, sample, map[string]any{"more": server}),
			"more and more": with(t, sample, map[string]any{"more": map[string]any{"more": server}}),
		} {
			state, bad := k.Read(json.RawMessage(text), noon)
			if bad != nil {
				t.Errorf("%s: refused: %v", what, bad)
				continue
			}
			if got, _ := json.Marshal(clear(t, k, state)); what == "beside" && string(got) != string(want) {
				t.Errorf("%s: the state is\n%s, want\n%s", what, got, want)
			}
			shown := show(t, opened(t, v, k, stored(t, v, k, state)), All)
			if more := string(shown["more"]); k.Name != "visits" && more != "" || what == "beside" && more != "" ||
				strings.Contains(more, "inside_fence") || strings.Contains(more, "flags") {
				t.Errorf("%s: kept beside the state: %s", what, more)
			}
		}
	})
}

// clear is everything in a state, in the clear.
func clear(t *testing.T, k Kind, state any) map[string]json.RawMessage {
	t.Helper()
	return show(t, state, All)
}

// Members of a newer app are kept apart, whole numbers exact, those of inner objects
// too; they come back under more, and sent back they stay as they are.
func TestMembersOfNewerAppsAreKept(t *testing.T) {
	v := vault(t)
	newer := map[string]any{"wish": json.RawMessage(`{"big":9223372036854775808,"half":1e3,"list":[1,null,{"a":null}]}`),
		"Outcome": "MARK-other-case", "gone": nil}
	written(t, func(t *testing.T, k Kind) {
		switch k.Name {
		case "assignments":
			return // the server's; a phone may patch three members of it, and others are refused
		case "drafts":
			return // whatever the app writes is its content
		}
		sample := samples[k.Name]
		plain := read(t, k, sample)
		sent := with(t, sample, newer)
		state := read(t, k, sent)
		text := stored(t, v, k, state)
		if strings.Contains(string(text), "MARK") || strings.Contains(string(text), "9223372036854775808") {
			t.Errorf("members of a newer app stand in the clear: %s", text)
		}
		keep := opened(t, v, k, text)
		pulled, err := Show(keep, Agent)
		must(t, err)
		var doc struct{ More map[string]json.RawMessage }
		must(t, json.Unmarshal(pulled, &doc))
		if got := string(doc.More["wish"]); !strings.Contains(got, `"big":9223372036854775808`) ||
			!strings.Contains(got, `1e3`) && !strings.Contains(got, "1000") {
			t.Errorf("whole numbers are not exact: %s", got)
		}
		if string(doc.More["Outcome"]) != `"MARK-other-case"` || len(doc.More) != 2 {
			t.Errorf("names are not kept as they were spelled: %s", pulled)
		}
		if same(t, k, keep, plain) {
			t.Error("without the newer members it is called the same")
		}
		for what, again := range map[string]string{"what was sent": sent, "what was pulled": string(pulled),
			"both":   with(t, string(pulled), newer),
			"nested": with(t, sample, map[string]any{"more": map[string]any{"more": doc.More}})} {
			once := read(t, k, again)
			if !same(t, k, keep, once) {
				t.Errorf("%s: says another thing", what)
			}
			back, err := Show(once, Agent)
			must(t, err)
			if strings.Count(string(back), `"wish"`) != 1 || strings.Count(string(back), `"more"`) != 1 {
				t.Errorf("%s: comes back as %s", what, back)
			}
		}
	})
	visits, _ := KindOf("visits")
	state := read(t, visits, with(t, samples["visits"], map[string]any{
		"check_in":            map[string]any{"at": "2026-11-25T10:00:00Z", "AT": "2027-01-01T00:00:00Z", "satellites": 7},
		"agents":              []any{map[string]any{"agent_id": "ana"}, map[string]any{"agent_id": "rui", "shoe": 43}},
		"observations":        map[string]any{"distress_level": 1, "smell": "gas"},
		"vulnerability_flags": []any{"illness"}}))
	if got, want := string(state.(*Visit).More.Plain()),
		`{"agents":[null,{"shoe":43}],"check_in":{"AT":"2027-01-01T00:00:00Z","satellites":7},"observations":{"smell":"gas"}}`; got != want {
		t.Errorf("of inner objects is kept %s, want %s", got, want)
	}
	if at := state.(*Visit).CheckIn.At; !at.Equal(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("another spelling of a name was read as ours: %v", at)
	}
}

// What cannot be read one way only is refused, with its place.
func TestWhatAPhoneSaysIsReadStrictly(t *testing.T) {
	visits, _ := KindOf("visits")
	head := `{"case":"c1","at":"2026-11-25T10:00:00Z","outcome":"NOT_MET_NOBODY"`
	for text, place := range map[string]string{
		`[]`: "fields", `"x"`: "fields", `null`: "fields", `{`: "fields",
		head + `,"outcome":"MET_PAID"}`:                                                      "fields",
		head + `,"check_in":{"at":"2026-11-25T10:00:00Z","at":null}}`:                        "check_in",
		head + `,"more":{"a":1,"a":2}}`:                                                      "more",
		head + `,"check_in":{"point":[31.2]}}`:                                               "check_in.point",
		head + `,"check_in":{"point":[-200,41]}}`:                                            "check_in.point",
		head + `,"check_in":{"point":"here"}}`:                                               "check_in.point",
		head + `,"check_in":[1]}`:                                                            "check_in",
		head + `,"agents":[{"agent_id":7}]}`:                                                 "agents[0].agent_id",
		head + `,"mono":1,"_x":2}`:                                                           "fields",
		head + `,"id":"x"}`:                                                                  "fields",
		head + `,"announced_at":"9999-12-31T23:59:59-01:00"}`:                                "announced_at",
		head + `,"recording":{"started_at":"0000-01-01T00:00:00+03:00"}}`:                    "recording.started_at",
		head + `,"check_in":{"at":"9999-12-31T23:59:59-01:00"}}`:                             "check_in.at",
		head + `,"agents":[{"agent_id":"a1"},{"agent_id":"Ana of the office"}]}`:             "agents[1].agent_id",
		head + `,"observations":{"complaint_made":"yes"}}`:                                   "observations.complaint_made",
		head + `,"check_out":{"at":7}}`:                                                      "check_out.at",
		head + `,"left_at":"2026-11-25 10:00"}`:                                              "left_at",
		head + `,"check_in":{"at":"2026-11-25T10:00:00Z","accuracy_m":-1}}`:                  "check_in.accuracy_m",
		head + `,"observations":{"weather":"rain, says Maria"}}`:                             "observations.weather",
		head + `,"outcome_detail":{"k":"x","s":"eA==","c":"eA=="}}`:                          "outcome_detail",
		head + `,"attachments":[` + strings.Repeat(`{},`, 100) + `{}]}`:                      "attachments",
		`{"CASE":"c1","at":"2026-11-25T10:00:00Z","outcome":"NOT_MET_NOBODY"}`:               "case",
		`{"case":"c1","at":"9999-12-31T23:59:59-01:00","outcome":"MET_PAID"}`:                "at",
		`{"case":"c1","at":"2026-11-25T10:00:00Z","outcome":"met_paid"}`:                     "outcome",
		`{"case":"c1","at":"2026-11-25T10:00:00Z","outcome":1}`:                              "outcome",
		head + `,"wide":"` + strings.Repeat("x", mostOfRecord) + `"}`:                        "fields",
		head + `,"appointment":{"from":"2026-11-26T10:00:00Z","to":"2026-11-26T10:00:00Z"}}`: "appointment",
	} {
		if _, bad := visits.Read(json.RawMessage(text), noon); bad == nil {
			t.Errorf("taken: %.120s", text)
		} else if bad.Place != place {
			t.Errorf("%.120s: refused at %q (%v), want %q", text, bad.Place, bad, place)
		}
	}
	for _, k := range Kinds() {
		if k.ReportMembers() == nil {
			if _, bad := k.Read(json.RawMessage(`{}`), noon); bad == nil {
				t.Errorf("a phone writes %s", k.Name)
			}
		}
	}
}

// A position that came in another datum is converted once, also when it comes back.
func TestAFixIsConvertedOnce(t *testing.T) {
	visits, _ := KindOf("visits")
	sent := with(t, samples["visits"], map[string]any{"check_in": map[string]any{"point": []float64{114.0596, 22.5429},
		"datum": "gcj02"}})
	first := read(t, visits, sent)
	text, err := Show(first, Agent)
	must(t, err)
	again := read(t, visits, string(text))
	p, _ := first.(*Visit).CheckIn.Point.Plain()
	q, _ := again.(*Visit).CheckIn.Point.Plain()
	if p != q || fmt.Sprint(p.Lon) == "114.0596" || !same(t, visits, first, again) {
		t.Errorf("%v came back as %v", p, q)
	}
	if d := again.(*Visit).CheckIn.Datum; d != "gcj02" {
		t.Errorf("the datum it came in is %q", d)
	}
	if !slices.Contains(CodesOf("datums"), "gcj02") {
		t.Error("gcj02 is no datum")
	}
}

// A whole number is known by its value, wherever it stands.
func TestWholeNumbersAreReadByTheirValue(t *testing.T) {
	plans, _ := KindOf("plans")
	const plan = `{"case":"c1","state":"offered","at":"2026-11-25T10:00:00Z","request":{"kind":"instalments",` +
		`"start_on":"2026-12-20","frequency":"monthly","count":%s,"weights":[%s,1]}}`
	plain := read(t, plans, fmt.Sprintf(plan, "3", "1"))
	for _, spelled := range [][2]any{{"3.0", "1"}, {"3", "1.00"}, {"0.3e1", "10e-1"}} {
		if again := read(t, plans, fmt.Sprintf(plan, spelled[:]...)); !same(t, plans, plain, again) {
			t.Errorf("%v is read as %+v", spelled, again.(*Plan).Request)
		}
	}
	for place, text := range map[string]string{"request.count": fmt.Sprintf(plan, "3.5", "1"),
		"request.weights[0]": fmt.Sprintf(plan, "3", "1.5")} {
		if _, bad := plans.Read(json.RawMessage(text), noon); bad == nil || bad.Place != place {
			t.Errorf("a fraction at %s: %v", place, bad)
		}
	}
}
