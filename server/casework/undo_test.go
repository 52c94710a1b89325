package casework

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// importing imports a file of a kind and gives its report.
func (h *fixture) importing(kind, text string) ImportReport {
	h.t.Helper()
	run := map[string]func() (ImportReport, error){
		"cases": func() (ImportReport, error) {
			return h.svc.ImportCases(h.t.Context(), boss, porto, "text/csv", strings.NewReader(text), ImportOptions{})
		},
		"contacts": func() (ImportReport, error) {
			return h.svc.ImportContacts(h.t.Context(), boss, porto, "text/csv", strings.NewReader(text), ImportOptions{})
		},
		"payments": func() (ImportReport, error) {
			return h.svc.ImportPayments(h.t.Context(), boss, porto, "text/csv", strings.NewReader(text), ImportOptions{})
		}}[kind]
	rep, err := run()
	ok(h.t, err)
	if rep.Rejected > 0 {
		h.t.Fatalf("the import refused lines: %+v", rep.Errors)
	}
	return rep
}

// undo undoes an import as the supervisor.
func (h *fixture) undo(id string, dry bool) UndoReport {
	h.t.Helper()
	h.n++
	rep, err := h.svc.Undo(h.t.Context(), boss, Request{ID: "http:boss:" + strconv.Itoa(h.n)},
		UndoImport{Import: id, Reason: "wrong_file"}, dry)
	ok(h.t, err)
	return rep
}

// kept are the codes of what an undo left of a record, with the members.
func (r UndoReport) kept(id string) string {
	var out []string
	for _, line := range r.Lines {
		if line.Record != id {
			continue
		}
		for _, k := range line.Kept {
			out = append(out, strings.Trim(k.Member+":"+k.Code, ":"))
			if k.Why == "" {
				out = append(out, "without a sentence")
			}
		}
	}
	return strings.Join(out, " ")
}

// TestAnImportIsUndone imports a wrong file over a day's work, and takes back what nobody has touched since.
func TestAnImportIsUndone(t *testing.T) {
	h := newFixture(t)
	first := h.importing("cases", file(line("old"), line("both"), line("held"), line("paid")))
	h.now = h.now.Add(1e9)
	wrong := file(
		line("old", "amount_due_minor", "70000", "phone", "+351912000009"),
		line("both", "amount_due_minor", "70000", "phone", "+351912000009"),
		line("held", "flags", "vulnerable;represented"),
		line("paid", "amount_due_minor", "0"),
		line("new"), line("twice", "priority", "1"), line("twice", "priority", "3"), line("met"), line("asked"))
	second := h.importing("cases", wrong)
	if second.Import == "" || second.Import == first.Import || second.Accepted != 4 {
		t.Fatalf("the report is %+v", second)
	}
	if h.openCase("north.paid").Status != record.StatusClosed {
		t.Fatal("an amount of nothing leaves the case open")
	}
	h.must(Correct{Case: "north.both", Phone: ptr("+351912000077")})
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.new", "north.met")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.want("a visit", ana.put("visits", "v1", visit("north.met", "2026-11-25T10:00:00Z")), "applied")
	h.must(OpenHold{Case: "north.held", Kind: "vulnerable"})
	h.must(RecordNote("n1", record.NoteReport{About: record.About{Case: "north.asked", At: h.now},
		Text: seal.NewText("a dog")}))

	before := jsonOf(t, h.shown("north.old"))
	dry := h.undo(second.Import, true)
	if string(jsonOf(t, h.shown("north.old"))) != string(before) || !dry.DryRun || dry.State != record.ImportDone {
		t.Fatalf("a dry run changes something: %+v", dry)
	}
	rep := h.undo(second.Import, false)
	if rep.Closed != 2 || rep.Restored != 2 || rep.Partly != 2 || rep.Left != 2 || rep.State != record.ImportUndone {
		t.Errorf("undone: %+v", rep)
	}
	if dry.DryRun, dry.State = false, rep.State; string(jsonOf(t, dry)) != string(jsonOf(t, rep)) {
		t.Errorf("the dry run said %s\nand it became %s", jsonOf(t, dry), jsonOf(t, rep))
	}
	for id, want := range map[string]string{"north.both": "phone:changed_since", "north.held": "holds:hold_stays",
		"north.met": "visited", "north.asked": "recorded_since"} {
		if got := rep.kept(id); got != want {
			t.Errorf("%s: %q is left, want %q", id, got, want)
		}
	}
	old, both := h.openCase("north.old"), h.openCase("north.both")
	if old.AmountDueMinor != 60000 || old.Phone.Plain() != "+351912000001" {
		t.Errorf("the case has %d due and the phone %s", old.AmountDueMinor, old.Phone.Plain())
	}
	if both.AmountDueMinor != 60000 || both.Phone.Plain() != "+351912000077" {
		t.Errorf("the corrected case has %d due and the phone %s", both.AmountDueMinor, both.Phone.Plain())
	}
	if k := h.openCase("north.paid"); k.Status != record.StatusOpen || k.AmountDueMinor != 60000 {
		t.Errorf("the case that was closed as paid is %s with %d due", k.Status, k.AmountDueMinor)
	}
	var open []string
	for _, hold := range h.openCase("north.held").OpenHolds("2026-11-25") {
		open = append(open, hold.Kind+" by "+hold.Source)
	}
	if want := []string{"represented by import", "vulnerable by supervisor"}; !slices.Equal(open, want) {
		t.Errorf("the holds are %v, want %v", open, want)
	}
	for _, id := range []string{"north.new", "north.twice"} {
		if k := h.openCase(id); !k.IsUndone() {
			t.Errorf("%s is %s", id, k.Status)
		}
	}
	if k := h.openCase("north.met"); k.Status != record.StatusOpen {
		t.Errorf("the case that was visited is %s", k.Status)
	}
	var a record.Assignment
	if h.stored("assignments", "a-new-2026-11-25-r1", &a); a.Status != record.AssignmentRevoked ||
		a.ClosedBy != "case:import_undone" {
		t.Errorf("the stop is %s by %s", a.Status, a.ClosedBy)
	}
	ana.pull()
	if _, there := ana.docs["cases"]["north.new"]; there {
		t.Error("the phone still has the case")
	}

	head := h.entries()
	if again := h.undo(second.Import, false); string(jsonOf(t, again)) != string(jsonOf(t, rep)) {
		t.Errorf("undone again: %s\nwant %s", jsonOf(t, again), jsonOf(t, rep))
	}
	if h.entries() != head {
		t.Error("undoing again writes something")
	}
	third := h.importing("cases", wrong)
	if third.Reopened != 2 || third.Updated != 5 || third.Unchanged != 2 {
		t.Errorf("imported again: %+v", third)
	}
	if k := h.openCase("north.new"); k.Status != record.StatusOpen || k.Closed != nil {
		t.Errorf("imported again the case is %s", k.Status)
	}
	if rep := h.undo(second.Import, false); rep.Closed != 2 || h.openCase("north.new").Status != record.StatusOpen {
		t.Errorf("an undo that was done touches what was imported anew: %+v", rep)
	}
	if rep := h.undo(third.Import, false); !h.openCase("north.new").IsUndone() {
		t.Errorf("the second import of the file is not undone: %+v", rep)
	}
}

// entries is how many entries the journal has.
func (h *fixture) entries() uint64 {
	h.t.Helper()
	w, err := h.store.Watermark(context.Background(), porto)
	ok(h.t, err)
	return w
}

// TestALaterImportIsUndoneFirst undoes two imports of one case in both orders.
func TestALaterImportIsUndoneFirst(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	a := h.importing("cases", file(line("c1", "amount_due_minor", "70000"))).Import
	b := h.importing("cases", file(line("c1", "amount_due_minor", "70000", "priority", "1"))).Import
	if rep := h.undo(a, false); rep.Left != 1 || rep.kept("north.c1") != "imported_since" {
		t.Errorf("the earlier one first: %+v", rep)
	}
	if rep := h.undo(b, false); rep.Restored != 1 || h.openCase("north.c1").Priority != 2 {
		t.Errorf("the later one: %+v", rep)
	}
}

// TestImportedPaymentsAreTakenBack has a payment above what is due, one that the amount contained, and a reversal.
func TestImportedPaymentsAreTakenBack(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	const head = "payment_ref,case_ref,paid_at,amount_minor,currency,reverses\n"
	good := h.importing("payments", head+"m1,c1,2026-11-24T10:00:00Z,10000,EUR,\n")
	wrong := head + "m2,c1,2026-11-24T11:00:00Z,90000,EUR,\nm3,c2,2026-11-24T11:00:00Z,500,EUR,\n" +
		"m4,c1,2026-11-24T12:00:00Z,4000,EUR,m1\n"
	bad := h.importing("payments", wrong)
	rep := h.undo(bad.Import, false)
	if rep.Reversed != 3 || len(rep.Lines) > 0 {
		t.Errorf("undone: %+v", rep)
	}
	amounts := func(id string) [2]int64 {
		k := h.openCase(id)
		return [2]int64{k.AmountDueMinor, k.PaidMinor}
	}
	if k := h.openCase("north.c1"); amounts("north.c1") != [2]int64{50000, 10000} || k.Status != record.StatusOpen {
		t.Errorf("c1 is %s with %v", k.Status, amounts("north.c1"))
	}
	if amounts("north.c2") != [2]int64{60000, 0} {
		t.Errorf("c2 has %v", amounts("north.c2"))
	}
	if n := len(h.shown("north.c1")["payments"].([]any)); n != 5 {
		t.Errorf("the case file shows %d payments; both what came and what took it back stay", n)
	}
	if again := h.importing("payments", wrong); again.Accepted != 3 {
		t.Errorf("imported again: %+v", again)
	}
	if k := h.openCase("north.c1"); amounts("north.c1") != [2]int64{4000, 96000} || k.Status != record.StatusOpen {
		t.Errorf("imported again c1 is %s with %v", k.Status, amounts("north.c1"))
	}
	if rep := h.undo(good.Import, false); rep.Reversed != 1 || amounts("north.c1")[1] != 90000 {
		t.Errorf("the good one, of which 4000 were reversed: %+v, and %v", rep, amounts("north.c1"))
	}
	h.importing("payments", head+"m1,c1,2026-11-24T10:00:00Z,10000,EUR,\n")
	if rep := h.undo(good.Import, false); rep.Reversed != 1 || amounts("north.c1")[1] != 96000 {
		t.Errorf("imported again: %v", amounts("north.c1"))
	}
	var m1 record.Payment
	if h.stored("payments", "north.c1/m1", &m1); m1.ReversedMinor != 4000 || m1.UndoneBy != "" {
		t.Errorf("the payment that came again is %+v", m1)
	}
}

// TestStruckContactsCountNowhere undoes contacts that had used up a cap.
func TestStruckContactsCountNowhere(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2", "debtor_ref", "Dc1"))
	const head = "case_ref,channel,at,result,external_id\n"
	h.importing("contacts", head+"c1,sms,2026-11-20T10:00:00Z,sent,s1\n")
	wrong := head + "c1,sms,2026-11-20T10:00:00Z,delivered,s1\nc1,visit,2026-11-24T10:00:00Z,contact,x1\n" +
		"c1,visit,2026-11-24T12:00:00Z,contact,x2\n"
	bad := h.importing("contacts", wrong)
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c2")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.must(RecordContact{Case: "north.c1", ID: "x2", Channel: "visit", At: instant("2026-11-24T12:00:00Z"),
		Result: "contact", Party: "debtor", Number: "+351912000001", External: "x2"})
	counting := func() (n int) {
		f := &File{Case: *h.openCase("north.c2")}
		ok(t, loadGrounds(t.Context(), h.svc.policy.Load(), stored{h.svc, porto}, f, nil, h.now))
		for _, e := range conductHistory(f.Contacts) {
			if !e.Excluded {
				n++
			}
		}
		return n
	}
	if counting() == 0 {
		t.Fatal("no contact counts before the undo")
	}
	rep := h.undo(bad.Import, false)
	if rep.Struck != 1 || rep.Restored != 1 || rep.Left != 1 || rep.kept("north.c1/x2") != "changed_since" {
		t.Errorf("undone: %+v", rep)
	}
	struck := h.child("north.c1", "contacts", "north.c1/x1")
	if struck["struck"] == nil {
		t.Errorf("the contact is %v", struck)
	}
	var x1 record.Contact
	if h.stored("contacts", "north.c1/x1", &x1); x1.Tried != "" || x1.Reached != "" {
		t.Errorf("the struck contact is found as one that counts: %q, %q", x1.Tried, x1.Reached)
	}
	if got := h.child("north.c1", "contacts", "north.c1/s1")["result"]; got != "sent" {
		t.Errorf("the message is %v", got)
	}
	for _, l := range rep.Lines {
		if l.Record == "north.c1/x1" && l.Counted != len(h.shown("north.c2")["assignments"].([]any)) {
			t.Errorf("the answer says of %d decisions that they counted the contact", l.Counted)
		}
	}
	n := counting()
	if again := h.importing("contacts", strings.TrimSuffix(wrong,
		"c1,visit,2026-11-24T12:00:00Z,contact,x2\n")); again.Accepted != 1 || again.Updated != 1 {
		t.Errorf("imported again: %+v", again)
	}
	if counting() != n+1 {
		t.Errorf("%d contacts count after the file came again, want %d", counting(), n+1)
	}
}

// TestAnUndoThatWasCutShortEnds stops after the first entry of an undo.
func TestAnUndoThatWasCutShortEnds(t *testing.T) {
	h := newFixture(t)
	lines := make([][]string, undoLines+20)
	for i := range lines {
		lines[i] = line("c" + strconv.Itoa(i))
	}
	id := h.importing("cases", file(lines...)).Import
	h.must(UndoImport{Import: id, Reason: "sent_twice"})
	ok(t, h.svc.FinishUndos(t.Context(), undoLost))
	if h.openCase("north.c5").IsUndone() {
		t.Error("an undo that began just now is taken for one that was cut short")
	}
	ok(t, h.svc.FinishUndos(t.Context(), 0))
	var m record.Import
	if h.stored("imports", id, &m); m.State != record.ImportUndone || m.Undo.By != "boss" {
		t.Errorf("the import is %s", m.State)
	}
	if rep := h.undo(id, false); rep.Closed != len(lines) || rep.State != record.ImportUndone {
		t.Errorf("asked again: %+v", rep)
	}
}

// TestWhoMayUndoAnImport has those who may not see it, or come too early.
func TestWhoMayUndoAnImport(t *testing.T) {
	h := newFixture(t)
	id := h.importing("cases", file(line("c1"))).Import
	lender := func(name string) auth.Actor {
		return auth.Actor{User: "sys", Role: auth.RoleLender, Lender: name, Branches: []auth.BranchID{porto}}
	}
	rep, err := h.svc.ImportCases(t.Context(), lender("north"), porto, "text/csv", strings.NewReader(file(line("c2"))),
		ImportOptions{})
	ok(t, err)
	try := func(a auth.Actor, id, reason string) string {
		_, err := h.svc.Undo(t.Context(), a, Request{ID: journal.NewID()}, UndoImport{id, reason}, false)
		if e, refused := refusal.Of(err); refused {
			return e.Code()
		}
		ok(t, err)
		return ""
	}
	elsewhere := auth.Actor{User: "far", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"faro"}}
	h.must(noteImport{id: "live", begin: &record.Import{Kind: "cases", State: record.ImportRunning}})
	for _, c := range []struct {
		about      string
		actor      auth.Actor
		id, reason string
		want       string
	}{
		{"an unknown id", boss, "none", "wrong_file", "import.not_found"},
		{"another branch", elsewhere, id, "wrong_file", "import.not_found"},
		{"a lender of the office's import", lender("north"), id, "wrong_file", "import.not_found"},
		{"another lender", lender("south"), rep.Import, "wrong_file", "import.not_found"},
		{"no reason", boss, id, "", "import.undo_reason"},
		{"free text", boss, id, "Maria", "import.undo_reason"},
		{"still running", boss, "live", "wrong_file", "import.running"},
		{"a lender's own", lender("north"), rep.Import, "wrong_file", ""},
		{"the office, of a lender's", boss, rep.Import, "other", ""},
	} {
		if got := try(c.actor, c.id, c.reason); got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	h.now = h.now.Add(importLost + 1e9)
	if got := try(boss, "live", "wrong_file"); got != "" {
		t.Errorf("long after it was cut off: %q", got)
	}
	_, err = h.do(importCase{caseLineOf(t, h), "live"})
	if e, refused := refusal.Of(err); !refused || e.Code() != "import.undone" {
		t.Errorf("a line of an import that was undone meanwhile: %v", err)
	}
	page, err := h.svc.Imports(t.Context(), lender("north"), ImportQuery{Branch: porto})
	ok(t, err)
	if len(page.Items) != 1 || !strings.Contains(string(page.Items[0]), rep.Import) {
		t.Errorf("the lender sees %s", page.Items)
	}
	page, err = h.svc.Imports(t.Context(), boss, ImportQuery{Branch: porto})
	ok(t, err)
	var states []string
	for _, item := range page.Items {
		var m struct{ State string }
		ok(t, json.Unmarshal(item, &m))
		states = append(states, m.State)
	}
	if want := []string{"undone", "undone", "done"}; len(states) != 3 || !slices.Contains(states, "done") {
		t.Errorf("the office sees %v, want %v in some order", states, want)
	}
}

// caseLineOf is a judged line.
func caseLineOf(t *testing.T, h *fixture) record.CaseLine {
	t.Helper()
	ci := &caseImport{importer: &importer{Service: h.svc}, profiles: h.svc.policy.Load()}
	l, errs := ci.parse(line("late"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return l
}
