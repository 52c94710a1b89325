package seal_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/geo"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// person, place and node are states as a room might write them.
type person struct {
	Name  seal.Text            `json:"name,omitzero"`
	Notes []seal.Text          `json:"notes,omitempty"`
	Said  map[string]seal.Text `json:"said,omitempty"`
}

type origin struct {
	Fix seal.Point `json:"fix,omitzero"`
}

type node struct {
	Text  seal.Text `json:"text,omitzero"`
	Below []*node   `json:"below,omitempty"`
}

type flag struct {
	Flag  string `json:"flag"`
	Level int64  `json:"level,omitempty"`
}

type state struct {
	Case   journal.CaseID            `json:"case"`
	At     time.Time                 `json:"at"`
	People []person                  `json:"people,omitempty"`
	Two    [2]seal.Text              `json:"two"`
	By     map[string]*person        `json:"by,omitempty"`
	Places map[string][]seal.Point   `json:"places,omitempty"`
	Where  *origin                   `json:"where,omitempty"`
	Flags  seal.Value[[]flag]        `json:"flags,omitzero"`
	More   seal.JSON                 `json:"more,omitzero"`
	Tree   *node                     `json:"tree,omitempty"`
	Raw    json.RawMessage           `json:"raw,omitempty"`
	Years  map[int64]seal.Value[int] `json:"years,omitempty"`
	NoTag  seal.Text
	Hidden seal.Text `json:"-"`
	origin
}

// newState has a part in every place a part can stand in, each with a value of its own.
func newState(t *testing.T) *state {
	t.Helper()
	flags, err := seal.NewValue([]flag{{"illness", 2}})
	check(t, err)
	year, err := seal.NewValue(1950)
	check(t, err)
	more, err := seal.NewJSON(json.RawMessage(`{"mood" : "calm", "id":9007199254740993, "a":[1e2,{"b":null}]}`))
	check(t, err)
	text, at := seal.NewText, seal.NewPoint(home)
	return &state{Case: "c1", At: time.Unix(0, 0).UTC(),
		People: []person{{Name: text("secret 1")}, {Name: text("secret 2"), Notes: []seal.Text{text("secret 3"), {},
			text("secret 4")},
			Said: map[string]seal.Text{"a.b~": text("secret 5")}}},
		Two:    [2]seal.Text{{}, text("secret 6")},
		By:     map[string]*person{"x": {Name: text("secret 7")}, "y": nil},
		Places: map[string][]seal.Point{"door": {at}},
		Where:  &origin{Fix: at}, Flags: flags, More: more,
		Tree:  &node{Text: text("secret 8"), Below: []*node{{}, {Below: []*node{{Text: text("secret 9")}}}}},
		Years: map[int64]seal.Value[int]{7: year},
		NoTag: text("secret 10"), Hidden: text("secret 11"), origin: origin{Fix: at}}
}

var fieldsOfState = []string{"people.0.name", "people.1.name", "people.1.notes.0", "people.1.notes.2",
	"people.1.said.a~1b~0",
	"two.1", "by.x.name", "places.door.0", "where.fix", "flags", "more", "tree.text", "tree.below.1.below.0.text",
	"years.7", "NoTag", "fix"}

func fieldsOf(doc any) []string {
	var out []string
	seal.Each(doc, func(field string, _ seal.Part) { out = append(out, field) })
	return out
}

func TestPartsAreFoundByTheirTypeWhereverTheyStand(t *testing.T) {
	v, ctx := open(t, newSmalls(), newClock()), context.Background()
	doc := newState(t)
	if got := fieldsOf(doc); !slices.Equal(got, fieldsOfState) {
		t.Errorf("found %q\nwant  %q", got, fieldsOfState)
	}
	if _, err := seal.Marshal(doc); err == nil {
		t.Error("an unsealed document is stored")
	}
	check(t, v.SealDoc(ctx, debtor, branch, "states", "s1", doc))
	data, err := seal.Marshal(doc)
	check(t, err)
	for _, s := range []string{"secret", "calm", "illness", "9007199254740993", "1950", "41157"} {
		if strings.Contains(string(data), s) {
			t.Errorf("the stored form shows %q", s)
		}
	}
	var read state
	check(t, json.Unmarshal(data, &read))
	check(t, seal.CheckSealed(&read))
	check(t, v.OpenDoc(ctx, debtor, branch, "states", "s1", &read))
	if got := fieldsOf(&read); !slices.Equal(got, fieldsOfState) {
		t.Errorf("after reading: found %q", got)
	}
	if p := read.Flags.Plain(); len(p) != 1 || p[0] != (flag{"illness", 2}) {
		t.Errorf("the flags read %v", p)
	}
	if s := string(read.More.Plain()); s != `{"a":[1e2,{"b":null}],"id":9007199254740993,"mood":"calm"}` {
		t.Errorf("the free object reads %s", s)
	}
	if s := read.By["x"].Name.Plain() + read.People[1].Said["a.b~"].Plain(); s != "secret 7secret 5" {
		t.Errorf("values of maps read %q", s)
	}
	if r := seal.Reveals(&read); len(r) != len(fieldsOfState) {
		t.Errorf("%d parts are revealed, want %d", len(r), len(fieldsOfState))
	}
	again, err := seal.Marshal(&read)
	check(t, err)
	if string(again) != string(data) {
		t.Error("an opened document is stored in other bytes")
	}
}

// TestAPartBelongsToItsIndex: two elements of a list cannot change places.
func TestAPartBelongsToItsIndex(t *testing.T) {
	v, ctx := open(t, newSmalls(), newClock()), context.Background()
	doc := &person{Notes: []seal.Text{seal.NewText("first"), seal.NewText("second")}}
	check(t, v.SealDoc(ctx, debtor, branch, "people", "p1", doc))
	data, err := seal.Marshal(doc)
	check(t, err)
	var read person
	check(t, json.Unmarshal(data, &read))
	read.Notes[0], read.Notes[1] = read.Notes[1], read.Notes[0]
	if err := v.OpenDoc(ctx, debtor, branch, "people", "p1", &read); err == nil {
		t.Error("two elements changed places and open")
	}
}

// TestAPartWhereNoneIsFoundIsNotStored: what the walk cannot reach refuses to be encoded.
func TestAPartWhereNoneIsFoundIsNotStored(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	doc := &struct {
		Any any `json:"any"`
	}{map[string]any{"name": seal.NewText("secret")}}
	check(t, v.SealDoc(context.Background(), debtor, branch, "x", "1", doc))
	if data, err := seal.Marshal(doc); err == nil {
		t.Errorf("a part behind an interface is stored: %s", data)
	}
}

func TestValuesFromOutsideAreOpen(t *testing.T) {
	const sent = `{"case":"c1","people":[{"name":"Zé \u0026 Ana"}],"two":["","x"],"where":{"fix":[-8.6291053,41.1579438,12]},
		"flags":[{"flag":"illness","level":9007199254740993}],"more":{"k":"a","s":"b"},"fix":null}`
	var doc state
	check(t, json.Unmarshal([]byte(sent), &doc))
	check(t, seal.CheckOpen(&doc))
	if err := seal.CheckSealed(&doc); err == nil || strings.Contains(err.Error(), "Ana") || !strings.Contains(err.Error(),
		"people.0.name") {
		t.Errorf("open parts pass for stored ones: %v", err)
	}
	if at, ok := doc.Where.Fix.Plain(); !ok || at.E7() != home.E7() || doc.People[0].Name.Plain() != "Zé & Ana" ||
		!doc.Two[0].IsZero() ||
		doc.Flags.Plain()[0].Level != 9007199254740993 || string(doc.More.Plain()) != `{"k":"a","s":"b"}` {
		t.Error("values from outside do not read")
	}
	// A sealed form is of the server's making alone.
	sealedPart := partsOf(t, sealed(t, open(t, newSmalls(), newClock()), debtor, branch, "cases", "c1"))["name"]
	for _, member := range []string{`"NoTag":`, `"more":`, `"flags":`, `"fix":`} {
		var doc state
		check(t, json.Unmarshal([]byte(`{`+member+string(sealedPart)+`}`), &doc))
		if err := seal.CheckOpen(&doc); err == nil || !strings.Contains(err.Error(), strings.Trim(member, `":`)) {
			t.Errorf("%s takes a sealed part from outside: %v", member, err)
		}
	}
	for _, bad := range []string{`{"fix":[41]}`, `{"fix":[0,91]}`, `{"fix":"[1,2]"}`, `{"flags":{"flag":"x"}}`,
		`{"NoTag":7}`, `{"more":{]}`} {
		if err := json.Unmarshal([]byte(bad), &state{}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestShowWritesValuesAndMarksErasedDocuments(t *testing.T) {
	store := newSmalls()
	v, ctx := open(t, store, newClock()), context.Background()
	doc := newState(t)
	members := func() map[string]json.RawMessage {
		t.Helper()
		data, err := seal.Show(doc)
		check(t, err)
		m := map[string]json.RawMessage{}
		check(t, json.Unmarshal(data, &m))
		return m
	}
	m := members()
	for name, want := range map[string]string{"two": `[null,"secret 6"]`, "fix": `[-8.6291053,41.1579438]`,
		"where": `{"fix":[-8.6291053,41.1579438]}`,
		"flags": `[{"flag":"illness","level":2}]`, "more": `{"a":[1e2,{"b":null}],"id":9007199254740993,"mood":"calm"}`,
		"years": `{"7":1950}`,
		"by":    `{"x":{"name":"secret 7"},"y":null}`} {
		if string(m[name]) != want {
			t.Errorf("%s shows %s, want %s", name, m[name], want)
		}
	}
	if _, there := m["erased"]; there || seal.Erased(doc) {
		t.Error("a document shows as erased")
	}
	// What was shown is not for ever in the clear.
	if _, err := seal.Marshal(doc); err == nil {
		t.Error("a document that was shown is stored in the clear")
	}
	check(t, v.SealDoc(ctx, debtor, branch, "states", "s1", doc))
	data, err := seal.Marshal(doc)
	check(t, err)
	doc = new(state)
	check(t, json.Unmarshal(data, doc))
	if data, err := seal.Show(doc); err == nil {
		t.Errorf("a closed document shows: %s", data)
	}
	check(t, v.Erase(ctx, debtor))
	check(t, v.OpenDoc(ctx, debtor, branch, "states", "s1", doc))
	m = members()
	if string(m["erased"]) != "true" || string(m["two"]) != "[null,null]" || string(m["fix"]) != "null" ||
		string(m["more"]) != "null" || !seal.Erased(doc) {
		t.Errorf("an erased document shows as %s", slices.Sorted(maps.Keys(m)))
	}
	if again, err := seal.Marshal(doc); err != nil || string(again) != string(data) {
		t.Errorf("an erased document that was shown is stored in other bytes: %v", err)
	}
}

// TestKindsOfEqualBytesAreCommittedApart: the three kinds do not pass for each other where their bytes are equal.
func TestKindsOfEqualBytesAreCommittedApart(t *testing.T) {
	v, ctx := open(t, newSmalls(), newClock()), context.Background()
	free, err := seal.NewJSON(json.RawMessage(`[10,20]`))
	check(t, err)
	quoted, err := seal.NewJSON(json.RawMessage(`"[10,20]"`))
	check(t, err)
	doc := &struct {
		Text   seal.Text  `json:"text"`
		Point  seal.Point `json:"point"`
		Free   seal.JSON  `json:"free"`
		Quoted seal.JSON  `json:"quoted"`
	}{seal.NewText("[10,20]"), seal.NewPoint(geo.Point{Lon: 0.000001, Lat: 0.000002}), free, quoted}
	check(t, v.SealDoc(ctx, debtor, branch, "x", "1", doc))
	data, err := seal.Marshal(doc)
	check(t, err)
	parts := partsOf(t, data)
	want := map[string]string{"text": `"[10,20]"`, "point": `[10,20]`, "free": `[10,20]`, "quoted": `"[10,20]"`}
	for _, r := range seal.Reveals(doc) {
		if string(r.Value) != want[r.Field] {
			t.Errorf("%s is revealed as %s", r.Field, r.Value)
		}
		for field, part := range parts {
			if err := r.Check(part); (err == nil) != (field == r.Field) {
				t.Errorf("what %s reveals, checked against %s: %v", r.Field, field, err)
			}
		}
	}
}

// TestAFreeObjectIsCheckedInAnySpelling: a verifier's JSON library writes space and order as it likes.
func TestAFreeObjectIsCheckedInAnySpelling(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	more, err := seal.NewJSON(json.RawMessage(`{"b":"<é>","a":9007199254740993}`))
	check(t, err)
	doc := &struct {
		More seal.JSON `json:"more"`
	}{more}
	check(t, v.SealDoc(context.Background(), debtor, branch, "x", "1", doc))
	data, err := seal.Marshal(doc)
	check(t, err)
	r := seal.Reveals(doc)[0]
	for spelled, ok := range map[string]bool{`{ "a": 9007199254740993, "b": "\u003c\u00e9\u003e" }`: true,
		`{"a":9007199254740992,"b":"<é>"}`: false,
		`{"a":9007199254740993}`:           false, `{"a":9007199254740993,"b":"<é>"} 1`: false} {
		r.Value = json.RawMessage(spelled)
		if err := r.Check(partsOf(t, data)["more"]); (err == nil) != ok {
			t.Errorf("%s: %v", spelled, err)
		}
	}
}
