package conduct

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// chooser draws numbers from a random source or from the bytes of a fuzz input.
type chooser interface {
	below(n int) int // from 0 to n-1
}

type rapidChooser struct{ t *rapid.T }

func (c rapidChooser) below(n int) int { return rapid.IntRange(0, n-1).Draw(c.t, "n") }

type seeded struct{ r *rand.Rand }

func (c seeded) below(n int) int { return c.r.IntN(n) }

func pick[T any](c chooser, list ...T) T { return list[c.below(len(list))] }

func maybe(c chooser) bool { return c.below(2) == 0 }

// clockDays lists, by zone, days on which clocks change and days beside them.
var clockDays = map[string][]string{
	"Europe/Lisbon":       {"2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-06-10"},
	"America/New_York":    {"2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01", "2026-07-04"},
	"Australia/Lord_Howe": {"2026-04-04", "2026-04-05", "2026-10-03", "2026-10-04", "2026-01-26"},
	"Asia/Shanghai":       {"2026-03-10", "2026-10-01", "2026-02-28", "2026-01-30"},
	// Clocks went back from 00:01 to 23:01 of the day before, so that date occurs twice.
	"America/St_Johns": {"2010-11-06", "2010-11-07", "2010-03-14"},
	// Clocks went from 24:00 to 01:00, so the date has no midnight.
	"America/Havana": {"2026-03-08", "2026-11-01"},
	"Pacific/Apia":   {"2011-12-29", "2011-12-30", "2011-12-31"},
}

// randomQuestion returns a question and a day; most of its times lie near the start and the end of that day
// and near the edges of hours.
func randomQuestion(c chooser) (Request, string) {
	zone := pick(c, "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "America/St_Johns",
		"America/Havana", "Pacific/Apia")
	day := pick(c, clockDays[zone]...)
	date, _ := parseDay(day)
	// wallNear returns a wall time within a day of the date, usually on an edge.
	wallNear := func() When {
		sec := int64(date)*daySeconds + int64(pick(c, 0, 0, 0, -1, 1))*daySeconds
		if maybe(c) {
			sec += int64(pick(c, 0, 1, 2, 3, 6, 7, 8, 9, 12, 19, 20, 21, 22, 23)) * 3600
		} else {
			sec += int64(c.below(24*4)) * 900
		}
		w := When{sec + int64(pick(c, 0, 0, -1, 1)), wall}
		if c.below(4) == 0 {
			w.kind = instant
		}
		return w
	}
	clock := func() string { return fmt.Sprintf("%02d:%02d", c.below(24), pick(c, 0, 0, 30, 59, 1)) }
	dateNear := func() string { return dateOf(date + int32(c.below(5)) - 2) }
	flag := func() Flag {
		f := Flag{Off: c.below(6) == 0}
		if maybe(c) {
			f.Since = dateNear()
		}
		if maybe(c) {
			f.Until = dateOf(date + int32(c.below(3)))
			if f.Since > f.Until {
				f.Since = ""
			}
		}
		return f
	}

	req := Request{Profiles: pick(c, []string{"ph"}, []string{"us"}, []string{"us", "us-ma"}, []string{"uk"},
		[]string{"house-visit"}, []string{"cn"}, []string{"cn", "house-humane"}, []string{"au"}, []string{"ie"},
		[]string{"tw"}, []string{"in", "in-mfi"}, []string{"za"}, []string{"us", "us-nyc"}, []string{"edges"},
		[]string{"edges"})}
	if day < "2022" { // most profiles came into force later
		req.Profiles = pick(c, []string{"ph"}, []string{"house-visit"}, []string{"edges"})
	}
	a := Action{Channel: pick(c, "call", "call", "visit", "visit", "sms"), TZ: []string{zone}, At: At(time.Unix(0, 0)),
		Place: pick(c, "home", "home", ""), Agents: 2, Items: papers[:], Recording: true, Case: "A",
		By: pick(c, "lender", "lender", ""), Purpose: pick(c, "", "", "serve_process"),
		DurationMin: pick(c, 0, 0, 1, 30, 45, 60, 90, 600, 1440)}
	if a.Channel == "visit" {
		a.Place = "home"
	}
	if a.Channel == "sms" {
		a.ContentTags = []string{"opt_out_instruction"}
	}
	if zone == "America/New_York" && maybe(c) {
		a.TZ = append(a.TZ, "America/Los_Angeles") // changes its clocks on the same days, three hours later
	} else if c.below(4) == 0 {
		a.TZ = append(a.TZ, pick(c, "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/Lisbon",
			"Australia/Lord_Howe"))
	}
	if c.below(6) == 0 && a.Channel == "visit" {
		a.Event = pick(c, Events()...)
	}
	req.Action = a
	req.Case.Flags = map[string]Flag{"other_contact_failed": {}, "plan_offered": {}, "missed_two_designated_meetings": {}}
	for range max(0, c.below(5)-2) {
		req.Case.Flags[pick(c, "deceased", "vulnerable", "specialist_assigned", "breathing_space", "disputed", "plan_offered",
			"represented", "edge")] = flag()
	}
	if maybe(c) {
		n := c.below(30)
		req.Case.PastDueDays = &n
	}
	for range c.below(3) {
		req.Case.Requests.NoContactTimes = append(req.Case.Requests.NoContactTimes, Span{clock(), clock()})
	}
	for range c.below(4) {
		co := Consent{Scope: pick(c, "contact_time", "visit_time", "more_visits", "home_entry", "call_frequency",
			"contact_time"), GivenAt: wallNear()}
		if maybe(c) {
			co.ExpiresAt = wallNear()
		}
		if c.below(4) == 0 {
			co.RevokedAt = wallNear()
		}
		req.Case.Consents = append(req.Case.Consents, co)
	}
	if c.below(5) > 0 {
		sent := When{int64(date-int32(c.below(9)))*daySeconds + int64(c.below(daySeconds)), wall}
		req.Case.Notice.Agency = &Notice{SentAt: wallNear(), Form: "letter"}
		req.Case.Notice.Visit = &Notice{SentAt: pick(c, sent, sent, wallNear()), Form: "letter",
			Contents: []string{"purpose", "intended_outcome", "date", "likely_time", "protections", "lender_contact"}}
	}
	for range c.below(6) {
		at := wallNear()
		at.sec -= int64(pick(c, 0, 0, 1, 5, 6, 7, 29, 30)) * daySeconds
		req.History = append(req.History, HistoryEntry{Channel: pick(c, a.Channel, a.Channel, "sms", "call"), At: at,
			Result: pick(c, "contact", "answered", "no_answer", "sent"), Case: pick(c, "A", "", "B"), Excluded: c.below(8) == 0})
	}
	return req, day
}

// edgePack is a profile with hours that end with the day, hours around clock changes and hours of one minute.
const edgePack = `
schema: conduct-policy/v1
sources: {made: {title: made for tests}}
profiles:
  edges:
    id: edges
    status: in_force
    extends: [base]
    effective_from: "2009-01-01"
    calendar: US
    hours:
      - {id: e-hours, channels: [call, visit], days: [mon, wed, fri, sat, sun],
         allow: [["00:00", "01:30"], ["01:45", "02:15"], ["12:00", "12:01"], ["23:01", "24:00"]],
         end_inclusive: true, unless: ["consent:visit_time"], cite: [made]}
      - {id: e-hours-2, channels: [call, sms], days: all, allow: [["00:00", "02:00"], ["02:00", "24:00"]],
         end_inclusive: false, cite: [made]}
    closed_days:
      - {id: e-closed, channels: [call], days: [tue], public_holidays: true, unless: ["consent:contact_time"],
         cite: [made]}
    caps:
      - {id: e-cap, channels: [call, sms], count: attempts, scope: case, max: 2, window: {type: calendar_day},
         cite: [made]}
      - {id: e-cap-month, channels: [visit], count: contacts, scope: case, max: 1,
         window: {type: calendar_month, n: 1}, cite: [made]}
    notice:
      - {id: e-notice, channels: [visit], min_working_days: 0, form: [letter], cite: [made]}
    agency_notice: {id: e-agency, channels: [sms], form: [letter], reason: AGENCY_NOTICE_MISSING, cite: [made]}
    cooldowns:
      - {id: e-cool, channels: [call], after: conversation, scope: case, days: 2, cite: [made]}
    parties: {debtor: {allow: true}}
    stops:
      - {id: e-stop, flag: edge, reason: DISPUTED, channels: all, max_days: 1, cite: [made]}
`

func edgePolicy(t testing.TB) *Policy {
	t.Helper()
	p, err := Load(defaultPack, []byte(edgePack))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkWindows compares Windows with Judge at every edge that either may have and the
// seconds beside it, on a grid of minutes, and, by bisection, at each edge between two
// grid points. It calls Judge, which shares no search with Windows.
func checkWindows(t fataler, p *Policy, req Request, day string, c chooser) {
	t.Helper()
	spans, hits, err := p.Windows(context.Background(), req.Profiles, day, req.Action, req.Case, req.History)
	if err != nil {
		t.Fatalf("%v", err)
	}
	loc, lerr := time.LoadLocation(req.Action.TZ[0])
	if lerr != nil {
		t.Fatalf("%v", lerr)
	}
	judge := func(at int64) bool {
		req.Action.At = At(time.Unix(at, 0))
		d, err := p.Judge(req.Profiles, req.Action, req.Case, req.History)
		if err != nil {
			t.Fatalf("%v", err)
		}
		// The standard library tells the local date here, not our table of the zone.
		return d.Allowed() && time.Unix(at, 0).In(loc).Format(time.DateOnly) == day
	}
	ask := func(at int64) bool {
		got, want := inside(spans, at), judge(at)
		if got != want {
			t.Fatalf("%s (%s): in a window: %v, allowed: %v\n%+v\nwindows %v", time.Unix(at, 0).UTC().Format(time.RFC3339),
				time.Unix(at, 0).In(loc).Format(time.RFC3339), got, want, req, spans)
		}
		return want
	}
	midnight, _ := parseDay(day)
	from, to := int64(midnight)*daySeconds-15*3600, int64(midnight+1)*daySeconds+13*3600
	for i, s := range spans {
		a, b := s.From.Unix(), s.To.Unix()
		if a >= b || i > 0 && spans[i-1].To.Unix() >= a {
			t.Fatalf("spans are empty or touch: %v", spans)
		}
		for d := int64(-1); d <= 1; d++ {
			ask(a + d)
			ask(b + d)
		}
	}
	const step = 420
	last, lastAt := false, from
	for at := from + int64(c.below(step)); at < to; at += step {
		now := ask(at)
		if now != last {
			lo, hi := lastAt, at
			for hi-lo > 1 {
				if mid := lo + (hi-lo)/2; judge(mid) == now {
					hi = mid
				} else {
					lo = mid
				}
			}
			ask(lo)
			ask(hi)
		}
		last, lastAt = now, at
	}
	for range 40 {
		ask(from + int64(c.below(int(to-from))))
	}
	for _, co := range req.Case.Consents {
		for _, w := range []When{co.GivenAt, co.ExpiresAt, co.RevokedAt} {
			if !w.IsZero() {
				at := w.resolve(p.zone(req.Action.TZ[0]))
				ask(at - 1)
				ask(at)
			}
		}
	}
	for _, h := range req.History {
		at := h.At.resolve(p.zone(req.Action.TZ[0]))
		ask(at - 1)
		ask(at)
	}
	if len(spans) > 0 && len(hits) > 0 || len(spans) == 0 && len(hits) == 0 && day != "2011-12-30" {
		t.Fatalf("%d spans and hits %v", len(spans), hits)
	}
}

func TestWindowsAreExactlyWhereJudgeAllows(t *testing.T) {
	p := edgePolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		c := rapidChooser{t}
		req, day := randomQuestion(c)
		checkWindows(t, p, req, day, seeded{rand.New(rand.NewPCG(1, uint64(c.below(1<<30))))})
	})
}

// TestRandomQuestionsHaveAnswersOfBothKinds checks that random questions have days with one window, with
// several and with none; otherwise the property would prove little.
func TestRandomQuestionsHaveAnswersOfBothKinds(t *testing.T) {
	p := edgePolicy(t)
	some, parts, never := 0, 0, 0
	for i := range 400 {
		req, day := randomQuestion(seeded{rand.New(rand.NewPCG(7, uint64(i)))})
		spans, _, err := p.Windows(context.Background(), req.Profiles, day, req.Action, req.Case, req.History)
		switch {
		case err != nil:
			t.Fatal(err)
		case len(spans) == 0:
			never++
		case len(spans) > 1:
			parts++
		default:
			some++
		}
	}
	t.Logf("one span %d, several %d, none %d", some, parts, never)
	if some < 60 || parts < 20 || never < 60 {
		t.Errorf("one span %d, several %d, none %d", some, parts, never)
	}
}

func FuzzWindows(f *testing.F) {
	p := edgePolicy(f)
	for i := range uint64(150) {
		f.Add(i, i*i)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		c := seeded{rand.New(rand.NewPCG(a, b))}
		req, day := randomQuestion(c)
		checkWindows(t, p, req, day, c)
	})
}

// TestDecideFindsTheFirstInstant compares Decide with the windows of each following day.
func TestDecideFindsTheFirstInstant(t *testing.T) {
	p := edgePolicy(t)
	for i := range 120 {
		c := seeded{rand.New(rand.NewPCG(11, uint64(i)))}
		req, day := randomQuestion(c)
		date, _ := parseDay(day)
		req.Action.At = When{int64(date)*daySeconds + int64(c.below(daySeconds)), wall}
		z := p.zone(req.Action.TZ[0])
		start := req.Action.At.resolve(z)
		d, err := p.Decide(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		var want *time.Time
		for date = z.dayOf(start); want == nil && date <= z.dayOf(start+horizon); date++ {
			spans, _, err := p.Windows(context.Background(), req.Profiles, dateOf(date), req.Action, req.Case, req.History)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range spans {
				if at := max(s.From.Unix(), start); want == nil && at < s.To.Unix() && at <= start+horizon {
					want = utc(at)
				}
			}
		}
		switch got := d.NextAllowedAt; {
		case (got == nil) != (want == nil), got != nil && !got.Equal(*want):
			t.Fatalf("next allowed at %v, want %v: %+v", got, want, req)
		case d.Allowed() && got.Unix() != start:
			t.Fatalf("allowed, but next at %v", got)
		}
	}
}
