package conduct

import (
	"context"
	"testing"
	"time"
)

// TestNextAllowedIsTheFirstInstantThatJudgeAllows judges at NextAllowedAt, at the second
// before it, and on a grid of the time before it, all of which must be denied.
func TestNextAllowedIsTheFirstInstantThatJudgeAllows(t *testing.T) {
	p := defaultPolicy(t)
	for _, v := range sharedVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			req := v.request(t)
			d, err := p.Decide(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			if v.Expect.Decision != d.Decision {
				t.Fatalf("Decide says %s, want %s", d.Decision, v.Expect.Decision)
			}
			m, perr := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
			if perr != nil {
				t.Fatal(perr)
			}
			if len(m.zones) == 0 {
				if d.NextAllowedAt != nil {
					t.Errorf("no zone, but allowed at %v", d.NextAllowedAt)
				}
				return
			}
			end := m.at + horizon
			if d.NextAllowedAt != nil {
				end = d.NextAllowedAt.Unix()
				req.Action.At = At(*d.NextAllowedAt)
				if at, _ := p.Judge(req.Profiles, req.Action, req.Case, req.History); !at.Allowed() {
					t.Errorf("denied at %v, when it is said to be allowed: %v", d.NextAllowedAt, at.All)
				}
				end--
			}
			tr := trial{matter: m, brief: true}
			for at := m.at; at <= end; at += 601 {
				if tr.allows(at, allRules) {
					t.Fatalf("allowed at %v, before %v", time.Unix(at, 0).UTC(), d.NextAllowedAt)
				}
			}
			if end >= m.at && tr.allows(end, allRules) {
				t.Errorf("allowed the second before %v", d.NextAllowedAt)
			}
		})
	}
}

func TestNextAllowedAtHasAHorizonOfSixtyDays(t *testing.T) {
	p := defaultPolicy(t)
	req := Request{
		Profiles: []string{"uk"},
		Action:   Action{Channel: "call", TZ: []string{"Europe/London"}, At: mustWhen(t, "2026-01-05T10:00:00")},
		Case:     Case{Flags: map[string]Flag{"breathing_space": {Until: "2026-03-05"}}},
	}
	d, err := p.Decide(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d.All)
	if d.Allowed() {
		t.Fatal("a breathing space stops calls")
	}
	// The flag ends with 5 March; sixty days after the act is 6 March at 10:00.
	if want := time.Date(2026, 3, 6, 8, 0, 0, 0, time.UTC); d.NextAllowedAt == nil ||
		d.NextAllowedAt.After(want.Add(2*time.Hour)) {
		t.Errorf("next allowed at %v, want within 6 March", d.NextAllowedAt)
	}
	req.Case.Flags = map[string]Flag{"breathing_space": {Until: "2026-03-06"}}
	if d, _ = p.Decide(context.Background(), req); d.NextAllowedAt != nil {
		t.Errorf("next allowed at %v, beyond sixty days", d.NextAllowedAt)
	}
}

func mustWhen(t testing.TB, s string) When {
	t.Helper()
	w, err := ParseWhen(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
