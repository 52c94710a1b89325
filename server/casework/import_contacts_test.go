package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"doorstep/sync/journal"
)

// contactLines imports lines of case_ref,channel,at,result,party, and gives the report and how many contacts c1 has
// then.
func (h *fixture) contactLines(lines ...string) string {
	h.t.Helper()
	rep, err := h.svc.ImportContacts(context.Background(), boss, "", "text/csv",
		strings.NewReader("case_ref,channel,at,result,party\n"+strings.Join(lines, "\n")), ImportOptions{})
	ok(h.t, err)
	recs, err := stored{h.svc, porto}.Some(context.Background(), ContactsByCase, journal.Range{}, "north.c1")
	ok(h.t, err)
	return fmt.Sprint(short(rep), " ", len(recs))
}

// However an instant is written, it is one.
func TestSpellingsOfAnInstantAreOneContact(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	spellings := []string{"2026-11-20T10:05:00", "2026-11-20 10:05:00", "2026-11-20T10:05", "2026-11-20T10:05:00Z",
		"2026-11-20T11:05:00+01:00", "2026-11-20t10:05:00.000", "2026-11-20T10:05Z", "2026-11-20 18:05:00+08:00"}
	var all []string
	for _, at := range spellings {
		all = append(all, "c1,call,"+at+",no_answer,debtor")
	}
	if got := h.contactLines(all...); got != "1/0/7/0 1" {
		t.Errorf("in one file: %s", got)
	}
	for _, l := range all {
		if got := h.contactLines("north." + l); got != "0/0/1/0 1" {
			t.Errorf("%s: %s", l, got)
		}
	}
}

// Calls in one minute are equal lines, and each is a contact; the file again changes nothing.
func TestEqualLinesAreAsManyContacts(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	call := "c1,call,2026-11-20T10:05,no_answer,"
	for i, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{call, call, call}, "3/0/0/0 3"},
		{[]string{call, call, call}, "0/0/3/0 3"},
		{[]string{call}, "0/0/1/0 3"}, // a part of the file
		{[]string{call, call, call + "debtor", call}, "1/0/3/0 4"},
		{[]string{call, "c1,call,2026-11-20T10:05,answered,", call}, "0/1/2/0 4"}, // a line is corrected
		{[]string{"c1,call,2026-11-20T10:05,no_answer,employer", "c1,sms,2026-11-20T10:05,delivered,"}, "2/0/0/0 6"},
	} {
		if got := h.contactLines(c.lines...); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	var many []string
	for range chunkLines + 10 {
		many = append(many, "c1,call,2026-11-21T09:00,no_answer,debtor")
	}
	for _, want := range []string{fmt.Sprintf("%d/0/0/0 %d", len(many), len(many)+6),
		fmt.Sprintf("0/0/%d/0 %d", len(many), len(many)+6)} {
		if got := h.contactLines(many...); got != want {
			t.Errorf("across chunks: %s, want %s", got, want)
		}
	}
}

func TestTooManyContactsToTellApartAreRefused(t *testing.T) {
	ci := contactImport{seen: map[uint64]int{}}
	for n := range uint64(maxContacts) {
		ci.seen[n] = 1
	}
	if n := ci.nth(&contactLine{Channel: "call"}); n != 0 || len(ci.seen) > maxContacts {
		t.Errorf("the next is number %d of %d", n, len(ci.seen))
	}
}
