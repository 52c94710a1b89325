package conduct

import (
	"context"
	"slices"
	"testing"
	"time"
)

// TestWindowsAgreeWithJudge compares both at every half minute of the days around each shared vector.
func TestWindowsAgreeWithJudge(t *testing.T) {
	p := defaultPolicy(t)
	for _, v := range sharedVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			req := v.request(t)
			m, err := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.zones) == 0 {
				return
			}
			day := m.zones[0].dayOf(m.at)
			spans, hits, werr := p.Windows(context.Background(), req.Profiles, dateOf(day), req.Action, req.Case, req.History)
			if werr != nil {
				t.Fatal(werr)
			}
			if (len(spans) == 0) != (len(hits) > 0) {
				t.Fatalf("%d spans and %d hits", len(spans), len(hits))
			}
			tr := trial{matter: m}
			for _, part := range m.zones[0].instantsOf(day) {
				for at := part.from; at < part.to; at += 30 {
					for _, at := range [...]int64{at - 1, at, at + 1} {
						if at < part.from {
							continue
						}
						tr.run(at)
						if got := inside(spans, at); got != (len(tr.hits) == 0) {
							t.Fatalf("%s: in a window: %v, but hits %v", time.Unix(at, 0).UTC(), got, tr.hits)
						}
					}
				}
			}
		})
	}
}

func dateOf(day int32) string {
	return time.Unix(int64(day)*daySeconds, 0).UTC().Format(time.DateOnly)
}

func inside(spans []Interval, at int64) bool {
	for _, s := range spans {
		if s.From.Unix() <= at && at < s.To.Unix() {
			return true
		}
	}
	return false
}

// TestWhyADayHasNoWindow shows which of a day's reasons Windows returns.
func TestWhyADayHasNoWindow(t *testing.T) {
	p := defaultPolicy(t)
	for _, c := range []struct {
		name     string
		profiles []string
		day      string
		a        Action
		cs       Case
		hits     string
	}{
		{"a stop, and not the hours it also falls outside of", []string{"ph"}, "2026-03-10",
			Action{Channel: "call"},
			Case{Flags: map[string]Flag{"deceased": {}}}, `[["DECEASED","base-deceased"]]`},
		{"a stop, and not what also forbids one part of the day or the other", []string{"ph"}, "2026-03-10",
			Action{Channel: "call"},
			Case{Flags: map[string]Flag{"deceased": {}}, Requests: Requests{NoContactTimes: []Span{{"06:00", "22:01"}}}},
			`[["DECEASED","base-deceased"]]`},
		{"a Sunday", []string{"uk"}, "2026-03-15",
			Action{Channel: "visit", Place: "home", Items: []string{"badge"}},
			Case{Notice: Notices{Visit: &Notice{SentAt: mustWhen(t, "2026-03-02"), Form: "letter",
				Contents: []string{"purpose", "intended_outcome", "date", "likely_time"}}}},
			`[["CLOSED_DAY","uk-bh"]]`},
		{"an act longer than the hours", []string{"uk"}, "2026-03-16",
			Action{Channel: "call", DurationMin: 13*60 + 1},
			Case{}, `[["OUTSIDE_HOURS","uk-hours-call"]]`},
		{"a day filled by requests and hours together", []string{"ph"}, "2026-03-10",
			Action{Channel: "call"},
			Case{Requests: Requests{NoContactTimes: []Span{{"06:00", "22:01"}}}}, `[["OUTSIDE_HOURS","ph-hours"]]`},
		{"no zone", []string{"us"}, "2026-03-10",
			Action{Channel: "call"}, Case{}, `[["TZ_UNKNOWN","engine"]]`},
		{"a day the zone skipped", []string{"ph"}, "2011-12-30",
			Action{Channel: "call", TZ: []string{"Pacific/Apia"}},
			Case{}, `null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			spans, hits, err := p.Windows(context.Background(), c.profiles, c.day, c.a, c.cs, nil)
			if err != nil || len(spans) > 0 || pairs(hits) != c.hits {
				t.Errorf("%v %s %v, want %s", spans, pairs(hits), err, c.hits)
			}
		})
	}
}

// TestWindowsOfDays shows the windows that a plan gets for some days.
func TestWindowsOfDays(t *testing.T) {
	p := edgePolicy(t)
	lisbon, apart := []string{"Europe/Lisbon"}, []string{"America/New_York", "America/Los_Angeles"}
	late := 20
	for _, c := range []struct {
		name     string
		profiles []string
		day      string
		a        Action
		cs       Case
		history  []HistoryEntry
		want     []string
	}{
		{"hours", []string{"house-visit"}, "2026-03-10",
			Action{Channel: "visit", Place: "home", TZ: lisbon}, Case{}, nil,
			[]string{"08:00:00Z 20:00:00Z"}},
		{"an end that is included is one second more", []string{"ph"}, "2026-03-10",
			Action{Channel: "visit", Place: "home"}, Case{}, nil,
			[]string{"22:00:00Z 14:00:01Z"}},
		{"the start, so that the act ends in time", []string{"house-visit"}, "2026-03-10",
			Action{Channel: "visit", Place: "home", TZ: lisbon, DurationMin: 45}, Case{}, nil, []string{"08:00:00Z 19:15:01Z"}},
		{"two zones", []string{"us"}, "2026-03-10",
			Action{Channel: "call", TZ: apart}, Case{}, nil,
			[]string{"15:00:00Z 01:00:01Z"}},
		{"a request cuts a piece out, with the act's length before it", []string{"house-visit"}, "2026-03-10",
			Action{Channel: "visit", Place: "home", TZ: lisbon, DurationMin: 30},
			Case{Requests: Requests{NoContactTimes: []Span{{"12:00", "14:00"}, {"19:00", "08:30"}}}}, nil,
			[]string{"08:30:00Z 11:30:01Z", "14:00:00Z 18:30:01Z"}},
		{"a day of 23 hours", []string{"ph"}, "2026-03-29",
			Action{Channel: "visit", Place: "home", TZ: lisbon}, Case{PastDueDays: &late},
			nil, []string{"00:00:00Z 23:00:00Z"}},
		{"a day of 25 hours", []string{"ph"}, "2026-10-25",
			Action{Channel: "visit", Place: "home", TZ: lisbon}, Case{PastDueDays: &late},
			nil, []string{"23:00:00Z 00:00:00Z"}},
		{"a cap that was used up at noon", []string{"house-visit"}, "2026-03-10",
			Action{Channel: "visit", Place: "home", TZ: lisbon},
			Case{}, []HistoryEntry{{Channel: "visit", At: mustWhen(t, "2026-03-10T12:00:00"), Result: "contact"}},
			[]string{"08:00:00Z 12:00:00Z"}},
		{"the second zone's clocks jump into a request", []string{"ph"}, "2026-03-08",
			Action{Channel: "sms", TZ: []string{"America/New_York", "America/Chicago"}},
			Case{PastDueDays: &late, Requests: Requests{NoContactTimes: []Span{{"02:10", "03:10"}}}}, nil,
			[]string{"05:00:00Z 07:00:00Z", "07:10:00Z 08:00:00Z", "08:10:00Z 04:00:00Z"}},
		{"a notice that is enough when sent", []string{"edges"}, "2026-03-09",
			Action{Channel: "visit", Place: "home", TZ: lisbon},
			Case{Notice: Notices{Visit: &Notice{SentAt: mustWhen(t, "2026-03-09T12:00:30"), Form: "letter"}}}, nil,
			[]string{"12:00:30Z 12:01:01Z", "23:01:00Z 00:00:00Z"}},
		{"a consent that ends at 23:00", []string{"ph"}, "2026-03-10",
			Action{Channel: "call"},
			Case{Consents: []Consent{{Scope: "contact_time", GivenAt: mustWhen(t, "2026-03-01"),
				ExpiresAt: mustWhen(t, "2026-03-10T23:00:00")}}}, nil, []string{"16:00:00Z 15:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spans, hits, err := p.Windows(context.Background(), c.profiles, c.day, c.a, c.cs, c.history)
			if err != nil || hits != nil {
				t.Fatal(hits, err)
			}
			var got []string
			for _, s := range spans {
				got = append(got, s.From.Format("15:04:05Z ")+s.To.Format("15:04:05Z"))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
