package httpapi

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

func TestEveryKindOfRefusalHasAStatus(t *testing.T) {
	for _, k := range refusal.Kinds() {
		p, known := problemOf(fmt.Errorf("load case: %w", refusal.New(k, "a.code", "member", "mend it")))
		if !known || p.Status < 400 || p.Status > 503 || p.Title == "" || p.Code != "a.code" || p.Detail != "mend it" {
			t.Errorf("%v becomes %+v, known %v", k, p, known)
		}
	}
	if len(statuses) != len(refusal.Kinds()) {
		t.Errorf("%d kinds have a status, of %d", len(statuses), len(refusal.Kinds()))
	}
}

func TestPlacesOfARefusalAreThoseOfTheRequest(t *testing.T) {
	in := parts{of: map[string]string{"date": "query.date", "case": "path.id"}, body: true}
	for _, c := range []struct {
		kind  refusal.Kind
		code  string
		place string
		want  []string
	}{
		{refusal.Invalid, "round.date", "date", []string{"query.date"}},
		{refusal.Invalid, "case.x", "case", []string{"path.id"}},
		{refusal.Invalid, "validation.at", "check_in.at", []string{"body"}}, // of the record, not the request
		{refusal.Malformed, "sync.malformed", "mutations[3].mid", []string{"body.mutations[3].mid"}},
		{refusal.Invalid, "geo.ring_open", "features[2].geometry", []string{"body.features[2].geometry"}},
		{refusal.Malformed, "conduct.invalid", "action.Ana Lopes.x", []string{"body.action"}}, // never a sent name
		{refusal.NotFound, "case.not_found", "", nil},
	} {
		p, _ := problemOf(refusal.New(c.kind, c.code, c.place, "no"))
		var got []string
		for _, f := range p.located(in).Errors {
			got = append(got, f.Location)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s at %q is at %q, want %q", c.code, c.place, got, c.want)
		}
	}
}

func TestExtraMembersOfARefusalAreTold(t *testing.T) {
	e := refusal.New(refusal.Gone, "cursor_expired", "", "pull from 0")
	e.Epoch, e.Wipe, e.RetryAfter = "e2", true, 1500*time.Millisecond
	p, _ := problemOf(e)
	if !p.Reset || p.Epoch != "e2" || !p.Wipe || p.retryAfter != 2 {
		t.Errorf("the problem is %+v", p)
	}
	e = refusal.New(refusal.Malformed, "conduct.pack", "", "all of it")
	e.Faults = []refusal.Fault{{File: "mine", Line: 3, Place: "profiles.ph", Msg: "unknown"}, {Msg: "no pack"}}
	p, _ = problemOf(e)
	p = p.located(parts{body: true})
	if len(p.Errors) != 2 || p.Errors[0].Location != "mine, line 3, profiles.ph" || p.Errors[1].Location != "body" {
		t.Errorf("the places are %+v", p.Errors)
	}
}
