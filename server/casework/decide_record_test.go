package casework

import (
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// A report that names a record of another case, or none, is kept and flagged.
func TestAReportThatNamesAnothersRecordIsFlagged(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "debtor_ref", "D2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2")
	ana := h.phone("ana", "d1")
	note := func(c string) members { return members{"case": c, "at": "2026-11-25T10:00:00Z", "text": "x"} }
	h.want("the visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z")), "applied")
	sign := members{"case": "north.c2", "at": "2026-11-25T10:00:00Z", "signer_role": "debtor",
		"of_type": "visits", "of": "v1"}
	for _, c := range []struct {
		typ, id, want string
		says          members
	}{
		{"visit_notes", "n1", "", note("north.c1").with("visit", "v1")},
		{"visit_notes", "n2", "", note("north.c1")},
		{"visit_notes", "n3", "unknown_record", note("north.c2").with("visit", "v1")},
		{"visit_notes", "n4", "unknown_record", note("north.c1").with("visit", "v9")},
		{"signatures", "s1", "unknown_record", sign},
	} {
		h.want(c.id, ana.put(c.typ, c.id, c.says), "applied")
		var got record.Note
		if h.stored(c.typ, c.id, &got); strings.Join(got.Flags, " ") != c.want {
			t.Errorf("%s is flagged %v, want %q", c.id, got.Flags, c.want)
		}
	}
}

// More than is owed is not what a person pays; the report is kept and flagged.
func TestAReportedPaymentAboveTheBalanceIsFlagged(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	c := h.openCase("north.c1")
	owed := max(c.PrincipalMinor, c.AmountDueMinor)
	for id, p := range map[string]struct {
		amount int64
		want   string
	}{"p1": {owed, ""}, "p2": {owed + 1, "above_balance"}} {
		h.want(id, ana.put("payments_reported", id, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
			"amount_minor": p.amount, "currency": c.Currency, "method": "transfer"}), "applied")
		var got record.PaymentReported
		if h.stored("payments_reported", id, &got); strings.Join(got.Flags, " ") != p.want {
			t.Errorf("%s is flagged %v, want %q", id, got.Flags, p.want)
		}
	}
}
