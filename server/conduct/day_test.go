package conduct

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

// TestDayAgreesWithJudge compares the bands with the judge at every half minute of the days around each shared vector.
func TestDayAgreesWithJudge(t *testing.T) {
	p := defaultPolicy(t)
	for _, v := range sharedVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			req := v.request(t)
			day, err := p.Day(context.Background(), req)
			if code := new(refusal.Error); errors.As(err, &code) && code.Code() == "conduct.zone_unknown" {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m, _ := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
			tr := trial{matter: m}
			for i, b := range day.Bands {
				if !b.From.Before(b.To) || i > 0 && b.From.Before(day.Bands[i-1].To) {
					t.Fatalf("band %d is %v", i, b)
				}
				for at := b.From.Unix(); at < b.To.Unix(); at += 30 {
					for _, at := range [...]int64{at, min(at+29, b.To.Unix()-1)} {
						tr.run(at)
						hits, rule := sortHits(slices.Clone(tr.hits)), ""
						if len(hits) > 0 {
							rule = hits[0].Rule
						}
						if rule != b.Rule {
							t.Fatalf("%s: the band says %q, the judge %q", time.Unix(at, 0).UTC(), b.Rule, rule)
						}
					}
				}
			}
		})
	}
}

func TestADayInBands(t *testing.T) {
	p := defaultPolicy(t)
	visit := Action{Channel: "visit", Place: "home", TZ: []string{"Europe/Lisbon"}, At: mustWhen(t, "2026-12-02T11:00:00"),
		Items: []string{"badge"}}
	ask := func(change func(r *Request)) []string {
		r := Request{Profiles: []string{"house-visit"}, Action: visit}
		if change != nil {
			change(&r)
		}
		day, err := p.Day(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, b := range day.Bands {
			out = append(out, b.From.Format("15:04:05")+" "+b.To.Format("15:04:05")+" "+b.Decision+" "+b.Rule)
		}
		return out
	}
	for _, c := range []struct {
		name   string
		change func(r *Request)
		want   []string
	}{
		{"hours", nil, []string{"00:00:00 08:00:00 deny hv-hours", "08:00:00 20:00:00 allow ",
			"20:00:00 00:00:00 deny hv-hours"}},
		{"a visit of 45 minutes begins by 19:15", func(r *Request) { r.Action.DurationMin = 45 },
			[]string{"00:00:00 08:00:00 deny hv-hours", "08:00:00 19:15:01 allow ", "19:15:01 00:00:00 deny hv-hours"}},
		{"a Sunday", func(r *Request) {
			r.Action.At = mustWhen(t, "2026-12-06")
		}, []string{"00:00:00 00:00:00 deny hv-sunday"}},
		{"an hour that the person asked to be spared", func(r *Request) {
			r.Case.Requests.NoContactTimes = []Span{{"12:00", "13:00"}}
		}, []string{"00:00:00 08:00:00 deny hv-hours", "08:00:00 12:00:00 allow ", "12:00:00 13:00:00 deny base-requests",
			"13:00:00 20:00:00 allow ", "20:00:00 00:00:00 deny hv-hours"}},
		{"a hold all day", func(r *Request) { r.Case.Flags = map[string]Flag{"deceased": {}} },
			[]string{"00:00:00 00:00:00 deny base-deceased"}},
	} {
		if got := ask(c.change); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestADayNeedsAZone(t *testing.T) {
	_, err := defaultPolicy(t).Day(context.Background(), Request{Profiles: []string{"house-visit"},
		Action: Action{Channel: "visit", Place: "home", At: mustWhen(t, "2026-12-02T11:00:00+00:00")}})
	if code := new(refusal.Error); !errors.As(err, &code) || code.Code() != "conduct.zone_unknown" {
		t.Errorf("%v", err)
	}
}

// TestEveryRuleIsTold guards against a kind of rule that people are not told of.
func TestEveryRuleIsTold(t *testing.T) {
	p := defaultPolicy(t)
	told := map[string]ToldRule{}
	for _, r := range p.Rules() {
		if _, twice := told[r.ID]; twice || r.ID == "" {
			t.Errorf("rule %q is told twice", r.ID)
		}
		told[r.ID] = r
	}
	// Every rule that decides a shared vector is told, with the same reason, but for those of parties, places and
	// requests, and the engine's own.
	other := []string{"engine"}
	for id, pr := range p.profiles {
		other = append(other, pr.partiesID, id+"-requests")
		for i := range pr.parties {
			if pr.parties[i] != nil {
				other = append(other, pr.parties[i].id)
			}

		}
		for i := range pr.places {
			other = append(other, pr.places[i].id)
		}
	}
	decided := 0
	for _, v := range sharedVectors(t) {
		req := v.request(t)
		d, err := p.Judge(req.Profiles, req.Action, req.Case, req.History)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range d.All {
			if slices.Contains(other, h.Rule) {
				continue
			}
			decided++
			if r, ok := told[h.Rule]; !ok || r.Reason != h.Reason && r.Reason != "NOTICE_MISSING" {
				t.Errorf("%s: rule %s with reason %s is told as %v", v.ID, h.Rule, h.Reason, r)
			}
		}
	}
	if decided < 80 {
		t.Errorf("only %d decisions were looked at", decided)
	}
	hours := told["hv-hours"]
	if !slices.Equal(hours.Hours, [][2]string{{"08:00", "20:00"}}) || len(hours.Days) != 6 ||
		hours.Consents[0] != "contact_time" ||
		len(hours.Channels) != 0 {
		t.Errorf("hv-hours is told as %+v", hours)
	}
	if c := told["hv-visit-7"]; c.Max != 1 || c.WindowDays != 7 || !slices.Equal(c.Channels, []string{"visit"}) {
		t.Errorf("hv-visit-7 is told as %+v", c)
	}
}
