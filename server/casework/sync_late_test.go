package casework

import (
	"testing"

	"doorstep/auth"

	"github.com/google/uuid"
)

// After its day a case takes from its agents what they did on that day, for a week. What
// binds the debtor, and money, waits for a supervisor; so does whatever is of another day.
func TestWhatComesLateIsOfItsDay(t *testing.T) {
	const of, day = "north.c1", "2026-11-25"
	at := func(text string) members { return members{"case": of, "at": text} }
	noon := at(day + "T12:00:00Z")
	for name, c := range map[string]struct {
		typ     string
		f       members
		arrives string
		want    string
	}{
		"a visit, the next morning": {"visits", visit(of, day+"T12:00:00Z"), "2026-11-26T07:00:00Z", "applied"},
		"a visit, six days later":   {"visits", visit(of, day+"T12:00:00Z"), "2026-12-01T12:00:00Z", "applied"},
		"a visit, eight days later": {"visits", visit(of, day+"T12:00:00Z"), "2026-12-03T13:00:00Z", "revoked"},
		"a visit of the day after":  {"visits", visit(of, "2026-11-26T12:00:00Z"), "2026-11-26T13:00:00Z", "revoked"},
		"a visit of the day before": {"visits", visit(of, "2026-11-24T12:00:00Z"), "2026-11-26T07:00:00Z", "revoked"},
		"a visit of a month ago":    {"visits", visit(of, "2026-10-25T12:00:00Z"), "2026-11-26T07:00:00Z", "revoked"},
		"a note":                    {"visit_notes", noon.with("text", "x"), "2026-11-26T07:00:00Z", "applied"},
		"a note, a month later":     {"visit_notes", noon.with("text", "x"), "2026-12-26T07:00:00Z", "revoked"},
		"a consent": {"consents", noon.with("scope", "visit_time").with("status", "given"),
			"2026-11-26T07:00:00Z", "revoked"},
		"a withdrawal": {"consents", noon.with("scope", "visit_time").with("status", "withdrawn"),
			"2026-11-26T07:00:00Z", "applied"},
		"cash": {"payments_reported", noon.with("amount_minor", 500_000).
			with("currency", "EUR").with("method", "cash"),
			"2026-11-26T07:00:00Z", "revoked"},
		"a plan": {"plans", offered, "2026-11-26T07:00:00Z", "revoked"},
		"a consent, while the day is on": {"consents", noon.with("scope", "visit_time").with("status", "given"),
			day + "T18:00:00Z", "applied"},
		"a payment, while the day is on": {"payments_reported", noon.with("amount_minor", 100).
			with("currency", "EUR").with("method", "transfer"),
			day + "T18:00:00Z", "applied"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			h.issue("r1", "t1", day, []auth.UserID{"ana"}, of)
			h.now = instant(c.arrives)
			if c.arrives[:10] != day {
				h.retire("2026-11-26", "retire")
			}
			r := h.phone("ana", "d1").pushAt(write(c.typ, "x1", "put", 0, c.f))[0]
			h.want("it", r, c.want)
			if c.want == "revoked" && r.Quarantine == "" {
				t.Error("it is lost")
			}
		})
	}
}

// A mutation waits a week for what it requires, and no longer.
func TestARequirementThatNeverComesHasAnEnd(t *testing.T) {
	for what, c := range map[string]struct {
		mid   string
		clock string
	}{"by client_ts": {uuid.NewString(), "2026-11-25T10:00:00Z"},
		"by the mid's own time": {"01a21225-d900-7000-8000-000000000001", ""}} {
		t.Run(what, func(t *testing.T) { requireInVain(t, c.mid, c.clock) })
	}
}

func requireInVain(t *testing.T, mid, clock string) {
	t.Helper()
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	m := write("visit_notes", "n1", "put", 0, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "x"})
	m.Mid, m.Requires = mid, []string{uuid.NewString()}
	if clock != "" {
		m.ClientTS = instant(clock)
	}
	for _, c := range []struct{ at, want string }{{"2026-11-25T12:00:00Z", "retry"}, {"2026-12-02T09:59:00Z", "retry"},
		{"2026-12-02T10:01:00Z", "rejected requires_missing"}} {
		h.now = instant(c.at)
		h.want(c.at, ana.pushAt(m)[0], c.want)
	}
	if got := h.quarantined(); got != "rejected requires_missing visit_notes/n1" {
		t.Errorf("kept is %q", got)
	}
}
