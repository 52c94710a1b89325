package conduct

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

// TestAWordOutsideItsListIsToldTheList checks that an error names what is allowed.
func TestAWordOutsideItsListIsToldTheList(t *testing.T) {
	p := defaultPolicy(t)
	good := Action{Channel: "visit", Place: "home", At: mustWhen(t, "2026-03-10T10:00:00")}
	for name, c := range map[string]struct {
		spoil func(a *Action, c *Case)
		says  []string
	}{
		"by":         {func(a *Action, _ *Case) { a.By = "Agency" }, Bys()},
		"channel":    {func(a *Action, _ *Case) { a.Channel = "Visit" }, Channels()},
		"no channel": {func(a *Action, _ *Case) { a.Channel = "" }, Channels()},
		"place":      {func(a *Action, _ *Case) { a.Place = "" }, Places()},
		"party":      {func(a *Action, _ *Case) { a.Party = "friend" }, Parties()},
		"items":      {func(a *Action, _ *Case) { a.Items = []string{"card"} }, Papers()},
		"tag":        {func(a *Action, _ *Case) { a.ContentTags = []string{"kind"} }, p.ContentTags()},
		"flag":       {func(_ *Action, c *Case) { c.Flags = map[string]Flag{"decesed": {}} }, p.Flags()},
		"scope": {func(_ *Action, c *Case) { c.Consents = []Consent{{Scope: "all", GivenAt: good.At}} },
			p.ConsentScopes()},
		"form": {func(_ *Action, c *Case) { c.Notice.Visit = &Notice{Form: "telegram"} }, NoticeForms()},
	} {
		a, cs := good, Case{}
		c.spoil(&a, &cs)
		_, err := p.Judge([]string{"ph"}, a, cs, nil)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v does not name %s", name, err, word)
			}
		}
	}
}

// TestAQuestionHasBounds asks what is just within the bounds and what is just beyond them.
func TestAQuestionHasBounds(t *testing.T) {
	p := defaultPolicy(t)
	zones := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("Etc/GMT+%d", i))
		}
		return list
	}
	spans := func(n int) (list []Span) {
		for i := range n {
			list = append(list, Span{fmt.Sprintf("%02d:%02d", i*20/60, i*20%60), fmt.Sprintf("%02d:%02d", i*20/60, i*20%60+9)})
		}
		return list
	}
	contacts := func(n int) []HistoryEntry {
		list := make([]HistoryEntry, n)
		for i := range list {
			list[i] = HistoryEntry{Channel: "call", At: mustWhen(t, "2026-03-01"), Result: "failed"}
		}
		return list
	}
	for name, c := range map[string]struct {
		zones   []string
		spans   []Span
		history []HistoryEntry
		field   string // of the refusal; "" if there is none
	}{
		"8 zones":              {zones: zones(8)},
		"8 zones, repeated":    {zones: append(zones(8), append(zones(8), zones(8)...)...)},
		"9 zones":              {zones: zones(9), field: "action.tz"},
		"50 spans":             {spans: spans(50)},
		"51 spans":             {spans: spans(51), field: "case.requests.no_contact_times"},
		"many spans that meet": {spans: append(append(spans(50), spans(50)...), Span{"00:00", "12:00"})},
		"10,000 contacts":      {history: contacts(10_000)},
		"10,001 contacts":      {history: contacts(10_001), field: "history"},
	} {
		a := Action{Channel: "call", At: mustWhen(t, "2026-03-10T10:00:00"), TZ: c.zones}
		_, err := p.Judge([]string{"ph"}, a, Case{Requests: Requests{NoContactTimes: c.spans}}, c.history)
		var problem *refusal.Error
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.field != "" && (!errors.As(err, &problem) || problem.Place != c.field):
			t.Errorf("%s: %v, want a refusal of %s", name, err, c.field)
		}
	}
}

// costly is a question at every bound that no hour allows in all its zones: the search goes on to the horizon, and the
// rules that are not about hours allow, so that it looks at every edge of the hours.
func costly(t *testing.T) Request {
	req := Request{Profiles: []string{"us"}, Action: Action{Channel: "call", At: mustWhen(t, "2026-03-10T10:00:00Z"),
		DurationMin: 61, Debt: "A"}}
	for i := range maxZones {
		req.Action.TZ = append(req.Action.TZ, []string{"America/New_York", "Europe/Lisbon", "Asia/Kolkata",
			"Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Pacific/Chatham"}[i])
	}
	for i := range maxNoTimes {
		at := i * 28
		req.Case.Requests.NoContactTimes = append(req.Case.Requests.NoContactTimes,
			Span{fmt.Sprintf("%02d:%02d", at/60, at%60), fmt.Sprintf("%02d:%02d", (at+1)/60, (at+1)%60)})
	}
	for i := range maxHistory {
		req.History = append(req.History, HistoryEntry{Channel: "call", Result: "failed", Debt: "B",
			At: At(time.Date(2026, 3, 10, 10, 0, i*500, 0, time.UTC))})
	}
	return req
}

// TestTheCostliestQuestionIsAnsweredInTime takes about half a second; the bound leaves room for the race detector on a
// busy machine.
func TestTheCostliestQuestionIsAnsweredInTime(t *testing.T) {
	p, req := defaultPolicy(t), costly(t)
	began := time.Now()
	d, err := p.Decide(context.Background(), req)
	if err != nil || d.Allowed() {
		t.Fatal(d, err)
	}
	took := time.Since(began)
	t.Logf("%s, next allowed at %v", took, d.NextAllowedAt)
	if took > time.Minute {
		t.Errorf("the answer took %s", took)
	}
}

func TestAContextStopsTheSearch(t *testing.T) {
	p, req := defaultPolicy(t), costly(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if d, err := p.Decide(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", d.NextAllowedAt, err)
	}
	if _, _, err := p.Windows(ctx, req.Profiles, "2026-03-10", req.Action, req.Case, req.History); !errors.Is(err,
		context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestARuleThatCanNeverDenyIsRefused(t *testing.T) {
	for _, c := range []struct{ section, says string }{
		{`stops: [{id: r, flag: f, reason: DISPUTED, channels: []}]`, "channels"},
		{`stops: [{id: r, flag: f, reason: DISPUTED, places: []}]`, "places"},
		{`stops: [{id: r, flag: f, reason: DISPUTED, unless_flag: f}]`, "unless_flag"},
		{`stops: [{id: r, flag: f, reason: DISPUTED, allow_purpose: all}]`, "allow_purpose"},
		{`stops: [{id: r, flag: f, reason: DISPUTED, unless_party: all}]`, "unless_party"},
		{`closed_days: [{id: r, days: []}]`, "days"},
		{`closed_days: [{id: r, days: [], public_holidays: false}]`, "days"},
		{`caps: [{id: r, channels: [], count: attempts, scope: case, max: 1, window: {type: calendar_day}}]`, "channels"},
		{`team: [{id: r, channels: [visit]}]`, "min_agents"},
		{`team: [{id: r, channels: [visit], min_agents: 1}]`, "min_agents"},
		{`recording: [{id: r, channels: [visit]}]`, "required"},
		{`onsite: [{id: r, event: remain, reason: MUST_LEAVE}]`, "never deny"},
		{`onsite: [{id: r, event: remain, reason: MUST_LEAVE, allowed: true}]`, "never deny"},
		{`onsite: [{id: r, event: remain, reason: MUST_LEAVE, allowed: false, channels: [call]}]`, "visit"},
		{`content: [{id: r, reason: CONTENT_FALSE}]`, "never deny"},
		{`content: [{id: r, reason: CONTENT_FALSE, forbid_tags: []}]`, "never deny"},
		{`last_resort: [{id: r, channels: [visit]}]`, "never deny"},
		{`last_resort: [{id: r, channels: [visit], needs_history: []}]`, "never deny"},
		{`channel_rules: [{id: r, reason: OPT_OUT_MISSING, channels: [sms]}]`, "never deny"},
		{`requests: {honour_no_channel: false}`, "never deny"},
		{`notice: [{id: r, channels: [visit], form: []}]`, "form"},
		{`notice: [{id: r, channels: [visit], form: [telegram]}]`, "letter, sms, email"},
	} {
		pack := "schema: conduct-policy/v1\nprofiles:\n  xx: {id: xx, status: in_force, extends: [base], " + c.section + "}\n"
		if _, err := Load(defaultPack, []byte(pack)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want a fault that names %s", c.section, err, c.says)
		}
	}
}

func TestAPolicyHasAtMost500Profiles(t *testing.T) {
	pack := func(n int) []byte {
		var b strings.Builder
		b.WriteString("schema: conduct-policy/v1\nprofiles:\n")
		for i := range n {
			fmt.Fprintf(&b, "  x%d: {id: x%d, status: in_force}\n", i, i)
		}
		return []byte(b.String())
	}
	shipped := len(defaultPolicy(t).Profiles())
	if _, err := Load(defaultPack, pack(500-shipped)); err != nil {
		t.Error(err)
	}
	if _, err := Load(defaultPack, pack(501-shipped)); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("501 profiles: %v", err)
	}
}

// TestAProfileThatExtendsOverlaysOnlyIsAnOverlay makes profiles in every relation to base.
func TestAProfileThatExtendsOverlaysOnlyIsAnOverlay(t *testing.T) {
	const pack = `
schema: conduct-policy/v1
profiles:
  over: {id: over, status: in_force, extends: [house-humane]}
  law: {id: law, status: in_force, extends: [base]}
  more: {id: more, status: in_force, extends: [over, law]}
  later: {id: later, status: in_force, effective_from: "2030-01-01", extends: [base]}
  idle: {id: idle, status: draft, extends: [base]}
`
	p, err := Load(defaultPack, []byte(pack))
	if err != nil {
		t.Fatal(err)
	}
	for profiles, lawful := range map[string]bool{"over": false, "law": true, "more": true, "later": false, "idle": false,
		"later over": false, "idle over": false, "later law": true, "base over": false, "over law": true} {
		d, err := p.Judge(strings.Fields(profiles), Action{Channel: "email", At: mustWhen(t, "2026-03-10T10:00:00Z"),
			TZ: []string{"UTC"}}, Case{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if missing := d.Reason == "PROFILE_NOT_IN_FORCE"; missing == lawful {
			t.Errorf("%s: %s", profiles, pairs(d.All))
		}
	}
}
