package casework_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// importer imports cases of one lender into two branches, on a real store.
func importer(t *testing.T) func(branch auth.BranchID, lines ...string) casework.ImportReport {
	t.Helper()
	ctx, folder := context.Background(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlitestore.Open(ctx, folder, casework.Indexes())
	must(err)
	j := journal.Open(store, journal.Options{})
	kek, err := seal.LoadOrCreateKEK(filepath.Join(folder, "kek"))
	must(err)
	vault, err := seal.Open(ctx, store, kek, time.Now)
	must(err)
	policy, err := conduct.Default()
	must(err)
	s := casework.New(casework.Options{Journal: j, Vault: vault, Policy: policy})
	t.Cleanup(func() { must(j.Close(ctx)); must(store.Close()) })
	return func(branch auth.BranchID, lines ...string) casework.ImportReport {
		actor := auth.Actor{User: "boss", Role: auth.RoleSupervisor, Branches: []auth.BranchID{branch}}
		rep, err := s.ImportCases(ctx, actor, branch, "application/x-ndjson", strings.NewReader(strings.Join(lines, "\n")),
			casework.ImportOptions{})
		if err != nil {
			t.Error(err)
		}
		return rep
	}
}

// caseOf is a line of an import: a case of a debtor.
func caseOf(ref, debtor string) string {
	return fmt.Sprintf(`{"case_ref":%q,"debtor_ref":%q,"lender":"north","product_type":"card","profile":"house-visit","debtor_name":"Test Debtor","language":"pt",
"phone":"+351912000001","phone_verified_on":"","address":"Rua de Teste 1","postal_code":"","city":"Porto","country":"PT","lon":"-8.61","lat":"41.15","address_verified_on":"",
"time_zone":"Europe/Lisbon","currency":"EUR","principal_minor":"90000","amount_due_minor":"60000","due_date":"2026-07-01","priority":"2","service_min":"20","flags":""}`,
		ref, debtor)
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "") }

func code(rep casework.ImportReport) string {
	if len(rep.Errors) == 0 {
		return ""
	}
	return rep.Errors[0].Code
}

// J8: a debtor has one home. All the debtor's cases live there, so that caps are counted in one journal.
func TestADebtorHasOneHomeBranch(t *testing.T) {
	imports := importer(t)
	if rep := imports("porto", oneLine(caseOf("A1", "D1"))); rep.Accepted != 1 {
		t.Fatalf("the first case of a debtor: %+v", rep)
	}
	if rep := imports("braga", oneLine(caseOf("A2", "D1"))); rep.Rejected != 1 || code(rep) != "import.debtor_elsewhere" {
		t.Errorf("a second case of the debtor, in another branch: %+v", rep)
	}
	// The line said to import it there: that must go, though it was tried elsewhere first.
	if rep := imports("porto", oneLine(caseOf("A2", "D1"))); rep.Accepted != 1 {
		t.Errorf("the refused case in the debtor's own branch: %+v", rep)
	}
	if rep := imports("braga", oneLine(caseOf("A1", "D2"))); rep.Rejected != 1 || code(rep) != "import.case_elsewhere" {
		t.Errorf("a case of another branch: %+v", rep)
	}
	if rep := imports("braga", oneLine(caseOf("A3", "D2"))); rep.Accepted != 1 {
		t.Errorf("the debtor of a line that was refused for its case: %+v", rep)
	}
}

// J8, with two branches at once: whoever claims first has the debtor, and the other is told so.
func TestTwoBranchesClaimADebtorAtOnce(t *testing.T) {
	imports := importer(t)
	for n := range 20 {
		var reps [2]casework.ImportReport
		var wait sync.WaitGroup
		for i, b := range []auth.BranchID{"porto", "braga"} {
			wait.Go(func() { reps[i] = imports(b, oneLine(caseOf(fmt.Sprintf("%s-%d", b, n), fmt.Sprintf("D%d", n)))) })
		}
		wait.Wait()
		if reps[0].Accepted+reps[1].Accepted != 1 || code(reps[0])+code(reps[1]) != "import.debtor_elsewhere" {
			t.Errorf("debtor %d: %+v", n, reps)
		}
	}
}
