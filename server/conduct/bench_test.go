package conduct

import (
	"fmt"
	"testing"
	"time"
)

// busyQuestion returns a question with 200 earlier contacts and three profiles.
func busyQuestion() Request {
	req := Request{Profiles: []string{"us", "us-ma", "us-nyc"},
		Action: Action{Channel: "call", At: At(time.Date(2026, 10, 6, 15, 0, 0, 0, time.UTC)),
			TZ: []string{"America/New_York", "America/Los_Angeles"}, Place: "home", Case: "A", Debt: "d1", Number: "n1",
			DurationMin: 10},
		Case: Case{Flags: map[string]Flag{"plan_offered": {}, "represented": {Until: "2026-09-01"}},
			Requests: Requests{NoContactTimes: []Span{{"12:00", "14:00"}}},
			Consents: []Consent{{Scope: "more_visits", GivenAt: At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}}}}
	for i := range 200 {
		req.History = append(req.History,
			HistoryEntry{Channel: Channels()[i%5], At: At(req.Action.At.time().Add(-time.Duration(i+30) * 8 * time.Hour)),
				Result: "no_answer", Case: "A", Debt: fmt.Sprintf("d%d", i%3), Number: "n1"})
	}
	return req
}

func (w When) time() time.Time { return time.Unix(w.sec, 0) }

func BenchmarkJudge(b *testing.B) {
	p, req := defaultPolicy(b), busyQuestion()
	b.ReportAllocs()
	for b.Loop() {
		if d, err := p.Judge(req.Profiles, req.Action, req.Case, req.History); err != nil || !d.Allowed() {
			b.Fatal(d.All, err)
		}
	}
}

func BenchmarkWindows(b *testing.B) {
	p, req := defaultPolicy(b), busyQuestion()
	for b.Loop() {
		spans, _, err := p.Windows(b.Context(), req.Profiles, "2026-10-06", req.Action, req.Case, req.History)
		if err != nil || len(spans) != 3 {
			b.Fatal(spans, err)
		}
	}
}

// BenchmarkDecideNever searches all sixty days and finds no lawful time.
func BenchmarkDecideNever(b *testing.B) {
	p, req := defaultPolicy(b), busyQuestion()
	req.Case.Requests.NoContactTimes = []Span{{"00:00", "00:00"}}
	for b.Loop() {
		if d, err := p.Decide(b.Context(), req); err != nil || d.NextAllowedAt != nil {
			b.Fatal(d.All, err)
		}
	}
}
