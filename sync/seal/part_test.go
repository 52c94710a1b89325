package seal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"doorstep/geo"
	"doorstep/sync/seal"
)

func TestAPartNeverShowsItself(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	ctx := context.Background()
	unsealed, doc := newCard(), newCard()
	check(t, v.SealDoc(ctx, debtor, branch, "cases", "c1", doc))
	data, err := json.Marshal(doc)
	check(t, err)
	closed, opened := read(t, data), read(t, data)
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", opened))
	for what, x := range map[string]*card{"unsealed": unsealed, "sealed here": doc, "closed": closed, "opened": opened} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
			for _, value := range []any{x, *x, x.Name, &x.Name, x.Phone, *x.Phone, x.Home, *x.Home, []seal.Text{x.Name},
				map[string]seal.Point{"at": *x.Home}} {
				hides(t, what+" by "+verb, fmt.Sprintf(verb, value))
			}
		}
		hides(t, what+" by String", x.Name.String()+x.Home.String())
		hides(t, what+" in an error", fmt.Errorf("case %v of %w", x, errors.New(fmt.Sprint(x.Name))).Error())
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelError} {
			var text, asJSON bytes.Buffer
			for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level})),
				slog.New(slog.NewJSONHandler(&asJSON, &slog.HandlerOptions{Level: level}))} {
				l.Log(ctx, slog.LevelError, "look", "name", x.Name, "phone", x.Phone, "home", x.Home, "doc", x,
					slog.Group("g", "at", *x.Home), "all", []any{x.Name, x})
			}
			hides(t, what+" in a log", text.String()+asJSON.String())
		}
		if what == "unsealed" {
			if b, err := json.Marshal(x); err == nil || strings.Contains(err.Error(), "Amélia") {
				t.Errorf("an unsealed card encodes to %s, %v", b, err)
			}
			continue
		}
		b, err := json.Marshal(x)
		check(t, err)
		hides(t, what+" as JSON", string(b))
	}
	hides(t, "the store", store.all())
	if opened.Name.Plain() != name || opened.Phone.Plain() != phone {
		t.Errorf("the opened card says %q and %q", opened.Name.Plain(), opened.Phone.Plain())
	}
	if at, ok := opened.Home.Plain(); !ok || at.E7() != home.E7() {
		t.Errorf("the opened card's home is %v, %v", at, ok)
	}
}

func TestWhatAPartTells(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	closed := read(t, sealed(t, v, debtor, branch, "cases", "c1"))
	empty := seal.NewText("")
	for what, c := range map[string]struct{ got, want any }{
		"an empty text":                {empty.IsZero(), true},
		"an empty text prints as":      {empty.String(), ""},
		"a text":                       {seal.NewText("x").IsZero(), false},
		"a closed text":                {closed.Name.IsZero(), false},
		"a closed text is open":        {closed.Name.IsOpen(), false},
		"a closed text's value":        {closed.Name.Plain(), ""},
		"a new text is open":           {seal.NewText("x").IsOpen(), true},
		"a text that is not UTF-8":     {seal.NewText("a\xffb").Plain(), "a\ufffdb"},
		"a closed text prints as":      {fmt.Sprint(closed.Name), "(personal)"},
		"nobody has erased this":       {closed.Name.IsErased(), false},
		"the place at the origin is a": {seal.NewPoint(geo.Point{}).IsZero(), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if _, ok := closed.Home.Plain(); ok {
		t.Error("a closed position has a value")
	}
	if b, err := json.Marshal(seal.Text{}); err != nil || string(b) != "null" {
		t.Errorf("no value encodes to %s, %v", b, err)
	}
	var x seal.Text
	check(t, json.Unmarshal([]byte("null"), &x))
	if !x.IsZero() {
		t.Error("null decodes to a value")
	}
	for _, bad := range []string{`{}`, `12`, `["Amélia"]`, `{"k":"k","s":"AAAA"}`, `{"k":"","s":"AAAA","c":"AAAA"}`,
		`{"k":"k","s":"AAAA","c":"AAAA"}`, `{"name":"Amélia"}`} {
		if err := json.Unmarshal([]byte(bad), &x); err == nil {
			t.Errorf("%s decodes to a sealed part", bad)
		} else {
			hides(t, "the error", err.Error())
		}
	}
}

func TestWhatIsSealedStaysAsItIs(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	ctx := context.Background()
	first := sealed(t, v, debtor, branch, "cases", "c1")
	c := read(t, first)
	c.Case = "c2"
	check(t, v.SealDoc(ctx, debtor, branch, "cases", "c1", c))
	again, err := json.Marshal(c)
	check(t, err)
	if want := bytes.Replace(first, []byte(`"c1"`), []byte(`"c2"`), 1); !bytes.Equal(again, want) {
		t.Errorf("a closed card was sealed anew: %s, was %s", again, first)
	}
	if bytes.Equal(sealed(t, v, debtor, branch, "cases", "c1"), first) {
		t.Error("two sealings of one text are equal, which tells that the texts are")
	}
}

// A text appends what encoding/json writes of it: sealed, in the clear while it is shown, null when it is erased or
// there is none, and nothing but an error when it is not sealed yet or shown before it was opened.
func TestATextAppendsWhatItMarshals(t *testing.T) {
	store, c := newSmalls(), newClock()
	v := open(t, store, c)
	ctx := t.Context()
	unsealed, sealed := newCard(), newCard()
	check(t, v.SealDoc(ctx, debtor, branch, "cases", "c1", sealed))
	data, err := json.Marshal(sealed)
	check(t, err)
	closed, opened, erased := read(t, data), read(t, data), read(t, data)
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", opened))
	check(t, v.Erase(ctx, debtor))
	check(t, v.OpenDoc(ctx, debtor, branch, "cases", "c1", erased))
	if !erased.Name.IsErased() {
		t.Fatal("the name was opened under a destroyed key")
	}
	same := func(what string, x *seal.Text) {
		want, wantErr := json.Marshal(x)
		got, err := x.AppendJSON([]byte("x"))
		switch {
		case (err != nil) != (wantErr != nil):
			t.Errorf("%s: appending says %v, marshalling %v", what, err, wantErr)
		case err == nil && string(got) != "x"+string(want):
			t.Errorf("%s: appended %s, want x%s", what, got, want)
		}
	}
	for what, x := range map[string]*card{"none": {}, "unsealed": unsealed, "sealed": sealed, "closed": closed,
		"opened": opened, "erased": erased} {
		same(what, &x.Name)
		_, err := seal.ShowWith(x, func() ([]byte, error) {
			same(what+", shown", &x.Name)
			return []byte("{}"), nil
		})
		check(t, err)
	}
}
