package casework

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestPaymentsCountOnce imports amounts and payments in turn, and checks what is due.
func TestPaymentsCountOnce(t *testing.T) {
	type step struct {
		cases    []string // values of c1's line that differ; nil for none
		payments string   // ref,paid_at,amount,reverses;…
		want     string   // due, paid and status, or the code of the line's error
	}
	for name, steps := range map[string][]step{
		"before payments": {
			{payments: "p1,2026-11-20,20000,", want: "40000 20000 open"},
			{cases: []string{"amount_due_minor", "61000"}, want: "import.net"},
			{cases: []string{"amount_due_minor", "61000", "net", "false"}, want: "41000 20000 open"},
			{cases: []string{"amount_due_minor", "61000", "net", "false"}, want: "41000 20000 open"},
		},
		"net of payments": {
			{cases: []string{"net", "true"}, want: "60000 0 open"},
			{payments: "p1,2026-11-20,20000,", want: "40000 20000 open"}, // the amount had not changed
			{cases: []string{"amount_due_minor", "39000", "net", "true"}, want: "39000 20000 open"},
			{payments: "p2,2026-11-24,1000,", want: "39000 21000 open"}, // of yesterday: it is in the amount
			{payments: "p3,2026-11-25,1000,", want: "38000 22000 open"}, // of today: it is not
			{payments: "p2,2026-11-24,1000,", want: "38000 22000 open"}, // the same again
			{payments: "p2,2026-11-24,1001,", want: "payment.changed"},
			{payments: "r2,2026-11-25,1000,p2", want: "39000 21000 open"},
		},
		"taken back": {
			{payments: "p1,2026-11-20,60000,", want: "0 60000 closed"},
			{payments: "r0,2026-11-21,1,p9", want: "payment.reverses"},
			{payments: "r0,2026-11-21,60001,p1", want: "payment.amount"},
			{payments: "r0,2026-11-19,60000,p1", want: "payment.paid_at"},
			{payments: "r1,2026-11-21,50000,p1", want: "50000 10000 open"},
			{payments: "r1,2026-11-21,50000,p1", want: "50000 10000 open"},
			{payments: "r2,2026-11-22,10001,p1", want: "payment.amount"},
			{payments: "r2,2026-11-22,10000,r1", want: "payment.reverses"},
			{payments: "p1,2026-11-20,60000,", want: "50000 10000 open"},
			{payments: "r2,2026-11-22,10000,p1", want: "60000 0 open"},
		},
		"in one file": {
			{payments: "p1,2026-11-20,60000,;r1,2026-11-21,60000,p1;p2,2026-11-22,500,", want: "59500 500 open"},
		},
		"paid, and due again": {
			{payments: "p1,2026-11-20,60000,", want: "0 60000 closed"},
			{cases: []string{}, want: "0 60000 closed"},
			{cases: []string{"amount_due_minor", "70000", "net", "false"}, want: "10000 60000 open reopened"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t)
			h.take(line("c1"))
			for i, s := range steps {
				var rep ImportReport
				var err error
				if s.payments != "" {
					text := "payment_ref,case_ref,lender,paid_at,amount_minor,currency,reverses\n"
					for p := range strings.SplitSeq(s.payments, ";") {
						v := strings.Split(p, ",")
						text += fmt.Sprintf("%s,c1,north,%sT10:00:00Z,%s,EUR,%s\n", v[0], v[1], v[2], v[3])
					}
					rep, err = h.svc.ImportPayments(context.Background(), boss, porto, "text/csv", strings.NewReader(text),
						ImportOptions{})
				} else {
					rep, err = h.svc.ImportCases(context.Background(), boss, porto, "text/csv",
						strings.NewReader(file(line("c1", s.cases...))), ImportOptions{})
				}
				ok(t, err)
				k := h.openCase("north.c1")
				got := fmt.Sprintf("%d %d %s", k.AmountDueMinor, k.PaidMinor, k.Status)
				if rep.Reopened > 0 {
					got += " reopened"
				}
				if rep.Rejected > 0 {
					got = rep.Errors[0].Code
				}
				if got != s.want {
					t.Errorf("step %d: %s, want %s (%+v)", i+1, got, s.want, rep.Errors)
				}
			}
		})
	}
}

// TestTheFileSaysWhetherAmountsAreNet gives the answer for all lines that do not.
func TestTheFileSaysWhetherAmountsAreNet(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	ok(t, ignore(h.svc.ImportPayments(context.Background(), boss, porto, "text/csv", strings.NewReader(
		"payment_ref,case_ref,paid_at,amount_minor,currency\np1,c1,2026-11-20T10:00:00Z,100,EUR\n"+
			"p1,c2,2026-11-20T10:00:00Z,100,EUR\n"), ImportOptions{})))
	rep, err := h.svc.ImportCases(context.Background(), boss, porto, "text/csv", strings.NewReader(file(
		line("c1", "amount_due_minor", "50000"), line("c2", "amount_due_minor", "50000", "net", "false"))),
		ImportOptions{Net: ptr(true)})
	ok(t, err)
	a, b := h.openCase("north.c1"), h.openCase("north.c2")
	if rep.Updated != 2 || a.AmountDueMinor != 50000 || b.AmountDueMinor != 49900 {
		t.Errorf("%+v; %d and %d are due", rep, a.AmountDueMinor, b.AmountDueMinor)
	}
}

// ignore keeps the error of a call.
func ignore[T any](_ T, err error) error { return err }

// TestAClosedCaseIsNotChangedInSilence imports lines of cases that were closed.
func TestAClosedCaseIsNotChangedInSilence(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	if _, err := h.do(CloseCase{Case: "north.c1", Reason: "paid"}); code(err) != "case.not_paid" {
		t.Errorf("closed as paid with 600.00 due: %v", err)
	}
	h.must(CloseCase{Case: "north.c1", Reason: "recalled"})
	for _, with := range [][]string{nil, {"amount_due_minor", "70000"}} {
		if got := h.report(boss, file(line("c1", with...))); got != "0/0/0/1 import.case_closed@2.case_ref" {
			t.Errorf("a recalled case sent again with %v: %s", with, got)
		}
	}
	h.must(ReopenCase{Case: "north.c1"})
	if got := h.report(boss, file(line("c1"))); got != "0/0/1/0" {
		t.Errorf("after it was reopened: %s", got)
	}
}
