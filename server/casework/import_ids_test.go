package casework

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// signed keeps contracts in memory.
type signed map[string][]auth.BranchID

func (s signed) Contracts(_ context.Context, lender string) ([]auth.BranchID, bool, error) {
	branches, known := s[lender]
	return branches, known, nil
}

func (s signed) ContactLimit(context.Context, string) (int, int, error) { return 0, 0, nil }

func (s signed) AddLender(_ context.Context, _ auth.UserID, lender string, branch auth.BranchID) error {
	if _, known := s[lender]; !known {
		s[lender] = []auth.BranchID{branch}
	}
	return nil
}

// system is a lender's system with contracts with some branches.
func system(lender string, branches ...auth.BranchID) auth.Actor {
	return auth.Actor{User: auth.UserID("system-of-" + lender), Role: auth.RoleLender, Lender: lender, Branches: branches}
}

// imported is the report of an import into a branch.
func (h *fixture) imported(a auth.Actor, branch auth.BranchID, lines ...[]string) string {
	h.t.Helper()
	rep, err := h.svc.ImportCases(context.Background(), a, branch, "text/csv", strings.NewReader(file(lines...)),
		ImportOptions{})
	ok(h.t, err)
	return short(rep)
}

// A reference means nothing outside its lender: no lender can take, find out or change another's.
func TestReferencesAreUniquePerLenderOnly(t *testing.T) {
	h := newFixture(t)
	north, south := system("north", porto), system("south", porto, "braga")
	for what, c := range map[string]struct {
		by    auth.Actor
		where auth.BranchID
		line  []string
	}{
		"north's": {north, porto, line("P-1", "debtor_ref", "D-1", "debtor_name", "Ana")},
		"south's of the same name": {south, porto, line("P-1", "lender", "south", "debtor_ref", "D-1",
			"debtor_name", "Rui", "currency", "USD")},
		"south's of the same debtor's, in braga": {south, "braga", line("P-2", "lender", "south", "debtor_ref", "D-2")},
		"north's debtor of that name":            {north, porto, line("P-2", "debtor_ref", "D-2")},
	} {
		if got := h.imported(c.by, c.where, c.line); got != "1/0/0/0" {
			t.Errorf("%s: %s, want a case of its own", what, got)
		}
	}
	for id, want := range map[journal.CaseID]string{"north.P-1": "north.P-1 P-1 north north.D-1 D-1 Ana",
		"south.P-1": "south.P-1 P-1 south south.D-1 D-1 Rui"} {
		k := h.shown(id)
		if got := fmt.Sprint(k["id"], " ", k["case_ref"], " ", k["lender"], " ", k["debtor"], " ", k["debtor_ref"], " ",
			k["debtor_name"]); got != want {
			t.Errorf("%s shows %q, want %q", id, got, want)
		}
	}
	// Contacts of one are not counted for the other, who shares a name by chance.
	h.must(RecordContact{Case: "north.P-1", ID: "x1", Channel: "call", At: instant("2026-11-24T10:00:00Z"),
		Result: "answered"})
	if f, err := h.svc.PlanningFileOf(context.Background(), boss, porto, "south.P-1", PlanningDay{mustPolicy(t),
		"2026-11-25", nil}); err != nil || len(f.Contacts) != 0 {
		t.Errorf("south's case counts %d contacts (%v)", len(f.Contacts), err)
	}
}

func TestAnIDHasAtMost64CharactersWithItsLender(t *testing.T) {
	h := newFixture(t)
	a := strings.Repeat("a", 64-len("north."))
	for ref, want := range map[string]string{a: "1/0/0/0", a + "a": "0/0/0/1 import.ref_too_long@2.case_ref",
		strings.Repeat("a", 65): "0/0/0/1 import.ref_too_long@2.case_ref"} {
		if got := h.imported(boss, porto, line(ref, "debtor_ref", "D")); got != want {
			t.Errorf("a case_ref of %d characters: %s, want %s", len(ref), got, want)
		}
	}
	if got := h.imported(boss, porto, line("c1", "debtor_ref", a+"a")); got != "0/0/0/1 import.ref_too_long@2.debtor_ref" {
		t.Errorf("a debtor_ref: %s", got)
	}
	for _, lender := range []string{"north.east", "Banco do Norte", strings.Repeat("n", 63)} {
		if got := h.imported(boss, porto, line("c1", "lender", lender)); !strings.HasPrefix(got,
			"0/0/0/1 import.lender@2.lender") {
			t.Errorf("the lender %q: %s", lender, got)
		}
	}
}

// Contacts and payments name their case by its lender's reference, and say so when that is not enough.
func TestHowContactsAndPaymentsNameTheirCase(t *testing.T) {
	h := newFixture(t)
	h.take(line("both"), line("both", "lender", "south"), line("one"), line("south.both", "lender", "west"))
	for _, c := range []struct {
		by                auth.Actor
		ref, lender, want string
	}{
		{boss, "one", "", "1/0/0/0"},
		{boss, "north.one", "", "1/0/0/0"},
		{boss, "one", "north", "1/0/0/0"},
		{boss, "one", "south", "0/0/0/1 import.case_unknown@2.case_ref"},
		{boss, "both", "", "0/0/0/1 import.case_ambiguous@2.case_ref"},
		{boss, "both", "south", "1/0/0/0"},
		{boss, "north.both", "", "1/0/0/0"},
		{boss, "south.both", "", "0/0/0/1 import.case_ambiguous@2.case_ref"}, // south's both, or west's south.both
		{boss, "none", "", "0/0/0/1 import.case_unknown@2.case_ref"},
		{system("south", porto), "both", "", "1/0/0/0"},
		{system("south", porto), "north.both", "", "0/0/0/1 import.case_unknown@2.case_ref"},
		{system("south", porto), "one", "", "0/0/0/1 import.case_unknown@2.case_ref"},
		{system("south", porto), "one", "north", "0/0/0/1 import.lender@2.lender"},
		{system("south", "braga"), "both", "",
			"0/0/0/1 import.case_unknown@2.case_ref"}, // no contract with its branch any more
	} {
		for _, branch := range []auth.BranchID{"", porto} {
			if branch != "" && !c.by.InBranch(branch) {
				continue
			}
			h.n++
			rep, err := h.svc.ImportContacts(context.Background(), c.by, branch, "text/csv", strings.NewReader(
				fmt.Sprintf("case_ref,lender,channel,at,result,external_id\n%s,%s,call,2026-11-20T10:00:00Z,answered,x%d\n", c.ref,
					c.lender, h.n)), ImportOptions{})
			ok(t, err)
			if got := short(rep); got != c.want {
				t.Errorf("a contact of %q, lender %q, by %s, into %q: %s, want %s", c.ref, c.lender, c.by.User, branch, got, c.want)
			}
			rep, err = h.svc.ImportPayments(context.Background(), c.by, branch, "text/csv", strings.NewReader(
				fmt.Sprintf("payment_ref,case_ref,lender,paid_at,amount_minor,currency\np%d,%s,%s,2026-11-20,10,EUR\n", h.n, c.ref,
					c.lender)), ImportOptions{})
			ok(t, err)
			if got := short(rep); got != c.want {
				t.Errorf("a payment of %q, lender %q, by %s, into %q: %s, want %s", c.ref, c.lender, c.by.User, branch, got, c.want)
			}
		}
	}
}

// A lender imports into the branches it has a contract with. The office brings a new
// lender in with its first cases; a lender's system cannot do that for itself.
func TestImportsNeedAContract(t *testing.T) {
	h := newFixture(t)
	list := signed{"north": {porto}, "south": {"braga"}}
	h.svc.lenders = list
	none := "0/0/0/1 import.no_contract@2.lender"
	for _, c := range []struct {
		by     auth.Actor
		lender string
		want   string
	}{
		{boss, "north", "1/0/0/0"},
		{boss, "south", none},
		{system("south", "braga"), "south", none},
		{system("north", porto), "north", "1/0/0/0"},
		{system("new", porto), "new", none},
		{boss, "new", "1/0/0/0"},
		{system("new", porto), "new", "1/0/0/0"},
	} {
		h.n++
		if got := h.imported(c.by, porto, line(fmt.Sprintf("c%d", h.n), "lender", c.lender)); got != c.want {
			t.Errorf("%s for %s: %s, want %s", c.by.User, c.lender, got, c.want)
		}
	}
	if got := slices.Sorted(maps.Keys(list)); !slices.Equal(got, []string{"new", "north", "south"}) ||
		!slices.Equal(list["new"], []auth.BranchID{porto}) || !slices.Equal(list["south"], []auth.BranchID{"braga"}) {
		t.Errorf("the contracts are %v", list)
	}
	// A contract that has ended ends contacts and payments too, and what the lender sees.
	list["north"] = nil
	rep, err := h.svc.ImportPayments(context.Background(), boss, porto, "text/csv",
		strings.NewReader("payment_ref,case_ref,lender,paid_at,amount_minor,currency\np1,c1,north,2026-11-20,10,EUR\n"), ImportOptions{})
	ok(t, err)
	if got := short(rep); got != none {
		t.Errorf("a payment without a contract: %s", got)
	}
	rep, err = h.svc.ImportContacts(context.Background(), boss, "", "text/csv",
		strings.NewReader("case_ref,channel,at,result\nnorth.c1,call,2026-11-20T10:00:00Z,answered\n"), ImportOptions{})
	ok(t, err)
	if got := short(rep); got != none {
		t.Errorf("a contact without a contract: %s", got)
	}
	if _, err := h.svc.Case(context.Background(), system("north", "braga"), porto,
		"north.c1"); code(err) != "case.not_found" {
		t.Errorf("a case in a branch without a contract: %v", err)
	}
}
