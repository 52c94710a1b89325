package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

// What a phone of the old branch brings late is decided on in the new one, once, whatever
// the new branch's phones have called their records.
func TestALateVisitIsRecordedWhereItsCaseIs(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	ana := aFullFile(h)
	rep, err := h.svc.ImportCases(ctx, mayor, braga, "text/csv", strings.NewReader(file(line("b1"))), ImportOptions{})
	if err != nil || rep.Accepted != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	_, err = h.inBraga(h.knocked("late", "north.b1", ""))
	ok(t, err)
	h.move("north.D1", porto, braga)
	mutation := write("visits", "late", "put", 0, visit("north.c1", "2026-11-25T11:00:00Z", "outcome_detail", "SECRET"))
	first := ana.push(mutation)[0]
	h.want("a late visit", first, "revoked "+codeMoved)
	if again := ana.push(mutation)[0]; said(again) != said(first) || again.Quarantine != first.Quarantine {
		t.Errorf("sent again: %+v, first %+v", again, first)
	}
	h.want("an assignment", ana.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 1,
		members{"agent_status": "at_door"}))[0], "revoked "+codeMoved)
	var q record.Quarantined
	rec := h.stored("quarantine", first.Quarantine, &q)
	if q.Debtor != "north.D1" || strings.Contains(string(rec.Body), "SECRET") {
		t.Errorf("kept is %s", rec.Body)
	}
	for _, accept := range []bool{true, false} {
		if _, err := h.do(HandleQuarantine{ID: first.Quarantine, Accept: accept}); code(err) != codeMoved {
			t.Errorf("handled in the old branch: %v", err)
		}
	}
	// A crash after the new branch has it, and before the old one says so.
	m, _, err := h.svc.storedMove(ctx, porto, "north.D1")
	ok(t, err)
	ok(t, h.svc.moveBy(&m, braga, "late:"+rec.ID, handIn{&relocation{Move: m}, rec, nil}).take(ctx))
	for range 2 {
		ok(t, h.node().FinishMoves(ctx))
		if got := h.waiting(porto) + "|" + h.waiting(braga); got != "|a-c1-2026-11-25-r1 late n2" {
			t.Errorf("what waits for a supervisor: %s", got)
		}
	}
	_, err = h.inBraga(HandleQuarantine{ID: first.Quarantine, Accept: true})
	ok(t, err)
	visits := h.fileIn(braga, "north.c1")["visits"].([]any)
	if got := visits[len(visits)-1].(map[string]any); len(visits) != 2 || got["id"] == "late" || got["visit_no"] != 2.0 ||
		got["outcome_detail"] != "SECRET" || got["by"] != "ana" {
		t.Errorf("the visits are %v", visits)
	}
}

// Nothing about a debtor who moves is taken in between: what is refused can be sent again.
func TestNothingIsTakenInWhileADebtorMoves(t *testing.T) {
	h, _ := erasing(t)
	aFullFile(h)
	ctx := context.Background()
	codes := func(rep ImportReport, err error) string {
		t.Helper()
		ok(t, err)
		var out []string
		for _, e := range rep.Errors {
			out = append(out, e.Code)
		}
		return fmt.Sprint(rep.Accepted, rep.Updated, rep.Unchanged, " ", strings.Join(out, " "))
	}
	cases := func(b auth.BranchID) string {
		t.Helper()
		return codes(h.svc.ImportCases(ctx, mayor, b, "text/csv", strings.NewReader(file(line("c1", "debtor_ref", "D1",
			"priority", "5"), line("c2", "debtor_ref", "D1", "due_date", "2026-11-25"),
			line("c3", "debtor_ref", "D1"))), ImportOptions{}))
	}
	payments := func(b auth.BranchID) string {
		t.Helper()
		return codes(h.svc.ImportPayments(ctx, mayor, b, "text/csv", strings.NewReader("payment_ref,case_ref,lender,paid_at,"+
			"amount_minor,currency\npay1,c1,north,2026-11-20T10:00:00Z,100,EUR\npay2,c1,north,2026-11-20T10:00:00Z,1,EUR\n"),
			ImportOptions{}))
	}
	contacts := func(b auth.BranchID) string {
		t.Helper()
		return codes(h.svc.ImportContacts(ctx, mayor, b, "text/csv", strings.NewReader("case_ref,lender,channel,at,result,"+
			"external_id,number\ns1,south,call,2026-11-23T10:00:00Z,answered,call1,+351912000001\n"), ImportOptions{}))
	}
	asked, err := h.ask(firstAdmin, "south.D1")
	ok(t, err)
	m := h.leave("north.D1", porto, braga)
	steps, err := h.svc.moveSteps(ctx, m)
	ok(t, err)
	for i, s := range steps {
		if s.name == "homes" {
			break
		}
		where := "before " + s.name
		if got := cases(porto); got != "0 0 0 import.case_elsewhere import.case_elsewhere import.debtor_moving" {
			t.Errorf("%s cases into the old branch: %s", where, got)
		}
		if i < len(steps)-4 {
			want := "0 0 0 import.debtor_moving import.debtor_moving import.debtor_moving"
			if i == 0 { // the new branch knows nothing yet
				want = "0 0 0 import.case_elsewhere import.case_elsewhere import.debtor_elsewhere"
			}
			if got := cases(braga); got != want {
				t.Errorf("%s cases into the new branch: %s", where, got)
			}
			if got := payments(""); got != "0 0 0 import.debtor_moving import.debtor_moving" {
				t.Errorf("%s payments: %s", where, got)
			}
		}
		if got := payments(porto); got != "0 0 0 import.case_elsewhere import.case_elsewhere" {
			t.Errorf("%s payments into the old branch: %s", where, got)
		}
		if got := contacts(porto); got != "0 0 0 import.case_elsewhere" {
			t.Errorf("%s contacts into the old branch: %s", where, got)
		}
		for want, cmd := range map[string][]Cmd{
			codeMoved: {OpenHold{Case: "north.c1", Kind: "stop"}, ReopenCase{"north.c2"}, Reassign{Case: "north.c1",
				Team: ptr("t")}},
			codeMoving: {LinkDebtors{"north.D1", "north.Dc9"}, LinkDebtors{"north.Dc9", "south.D1"},
				UnlinkDebtors{"north.D1", "south.D1"}},
			"plan.not_found": {WithdrawPlan{Plan: "p1"}}} {
			for _, c := range cmd {
				if _, err := h.do(c); code(err) != want {
					t.Errorf("%s %T: %v, want %s", where, c, err, want)
				}
			}
		}
		if _, err := h.ask(firstAdmin, "north.D1"); code(err) != codeMoving {
			t.Errorf("%s an erasure is asked for: %v", where, err)
		}
		if err := h.confirm(secondAdmin, "south.D1", asked.ID); code(err) != codeMoving {
			t.Errorf("%s an erasure is confirmed: %v", where, err)
		}
		if r := h.issue("r3", "t1", "2026-11-27", []auth.UserID{"ana"}, "north.c1"); r.Refused[0].Reason != StopCaseGone {
			t.Errorf("%s a stop is issued: %+v", where, r)
		}
		ok(t, s.take(ctx))
	}
	ok(t, h.svc.FinishMoves(ctx))
	if got := [3]string{cases(porto), payments(porto), contacts(porto)}; got != [3]string{
		"0 0 0 import.case_elsewhere import.case_elsewhere import.debtor_elsewhere",
		"0 0 0 import.case_elsewhere import.case_elsewhere", "0 0 0 import.case_elsewhere"} {
		t.Errorf("afterwards the old branch answers %q", got)
	}
	if got := [3]string{cases(braga), payments(braga), contacts(braga)}; got != [3]string{"1 1 1 ", "1 0 1 ", "0 0 1 "} {
		t.Errorf("afterwards the new branch answers %q", got)
	}
	if got := payments(""); got != "0 0 2 " {
		t.Errorf("payments to the cases' own branch: %s", got)
	}
	// What was asked for before the move is confirmed where the debtor is now.
	ok(t, h.svc.Erase(ctx, secondAdmin, braga, Request{ID: "confirm:late"}, ConfirmErasure{"south.D1", asked.ID}))
	for _, b := range []auth.BranchID{porto, braga} {
		if f := h.fileIn(b, "south.s1"); f["erased"] != true || f["debtor_name"] != nil {
			t.Errorf("erased, the case in %s is %v", b, f)
		}
	}
	if f := h.fileIn(porto, "north.c1"); f["debtor_name"] == nil {
		t.Errorf("the other debtor was erased too: %v", f)
	}
}

// A home that an import claimed for a case that never came goes where its debtor went.
func TestAHomeWithoutACaseFollowsTheDebtor(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"))
	h.move("north.D1", porto, braga)
	_, err := h.store.InsertSmalls(ctx, homeKind, []string{"case/north.c2"}, [][]byte{[]byte(`{"branch":"porto"}`)})
	ok(t, err)
	rep, err := h.svc.ImportCases(ctx, mayor, braga, "text/csv", strings.NewReader(file(line("c2", "debtor_ref", "D1"))),
		ImportOptions{})
	if err != nil || rep.Accepted != 1 {
		t.Errorf("the case is not taken in where its debtor is: %+v, %v", rep, err)
	}
	if b, err := h.svc.BranchOf(ctx, "north.c2"); err != nil || b != braga {
		t.Errorf("it lives in %s, %v", b, err)
	}
}

// contracted knows which branches each lender has a contract with.
type contracted map[string][]auth.BranchID

func (c contracted) Contracts(_ context.Context, lender string) ([]auth.BranchID, bool, error) {
	branches, known := c[lender]
	return branches, known, nil
}

func (c contracted) AddLender(context.Context, auth.UserID, string, auth.BranchID) error { return nil }

func (c contracted) ContactLimit(context.Context, string) (int, int, error) { return 0, 0, nil }

// asking is contracted that does something when a decision first asks.
type asking struct {
	contracted
	meanwhile func()
}

func (a asking) Contracts(ctx context.Context, lender string) ([]auth.BranchID, bool, error) {
	a.meanwhile()
	return a.contracted.Contracts(ctx, lender)
}

// A case that comes in while its debtor is about to leave goes along.
func TestACaseThatComesInAtTheLastMomentMoves(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_ref", "D1"))
	h.svc.lenders = asking{contracted{"north": {porto, braga}}, sync.OnceFunc(func() {
		other := h.node()
		other.lenders = nil
		rep, err := other.ImportCases(context.Background(), boss, porto, "text/csv", strings.NewReader(file(line("c2",
			"debtor_ref", "D1"))), ImportOptions{})
		if err != nil || rep.Accepted != 1 {
			t.Errorf("%+v, %v", rep, err)
		}
	})}
	h.move("north.D1", porto, braga)
	if got := h.openIn(porto) + "|" + h.openIn(braga); got != "|north.c1 west, north.c2 west" {
		t.Errorf("open are %s", got)
	}
}

// A backup is set back that knows less of a debtor than the erasure list.
func TestAnErasureFindsADebtorWhoMoves(t *testing.T) {
	ctx := context.Background()
	for what, until := range map[string]int{"before the move": -1, "on the way": 2} {
		h, _ := erasing(t)
		h.take(line("c1", "debtor_ref", "D1"))
		home := porto
		if until > 0 {
			home = braga
			steps, err := h.svc.moveSteps(ctx, h.leave("north.D1", porto, braga))
			ok(t, err)
			for _, s := range steps[:until] {
				if s.name != "in" {
					ok(t, s.take(ctx))
				}
			}
		}
		ok(t, h.svc.FinishErasures(ctx, []ErasureLine{{Erasure: "e1", Debtor: "north.D1", Branch: braga, Reason: "request",
			AskedBy: "first", ConfirmedBy: "second"}}))
		ok(t, h.svc.FinishMoves(ctx))
		if b, err := h.svc.DebtorBranch(ctx, "north.D1"); err != nil || b != home {
			t.Errorf("%s: the debtor is in %s, %v", what, b, err)
		}
		if f := h.fileIn(home, "north.c1"); f["erased"] != true || f["status"] != record.StatusClosed {
			t.Errorf("%s: the case is %v", what, f)
		}
		if e, _, err := h.svc.Erasure(ctx, home, "north.D1", "e1"); err != nil || e.State != record.ErasureErased {
			t.Errorf("%s: the erasure is %+v, %v", what, e, err)
		}
		if got := h.openIn(porto) + h.openIn(braga); got != "" {
			t.Errorf("%s: open are %s", what, got)
		}
	}
}

func TestWhoCannotMoveIsToldWhy(t *testing.T) {
	h, _ := erasing(t)
	signed := contracted{"north": {porto, braga}, "south": {porto}}
	h.svc.lenders = signed
	aFullFile(h)
	h.take(line("e1", "debtor_ref", "E"))
	h.erase("north.E")
	try := func(a auth.Actor, c MoveDebtor) error {
		h.n++
		_, err := h.svc.One(context.Background(), a, porto, Request{ID: fmt.Sprint("try:", h.n), Cmd: c})
		return err
	}
	agent := auth.Actor{User: "ana", Role: auth.RoleAgent, Branches: []auth.BranchID{porto, braga}}
	for i, x := range []struct {
		actor auth.Actor
		cmd   MoveDebtor
		want  string
	}{
		{mayor, MoveDebtor{"north.D1", braga, "workload"}, "move.no_contract"},
		{mayor, MoveDebtor{"north.D1", porto, "workload"}, "move.same_branch"},
		{mayor, MoveDebtor{"north.D1", braga, "because"}, "debtor.move_reason"},
		{mayor, MoveDebtor{"north.D8", braga, "workload"}, "debtor.not_found"},
		{mayor, MoveDebtor{"north.E", braga, "workload"}, "debtor.erased"},
		{boss, MoveDebtor{"north.D1", braga, "workload"}, "branch.not_found"},
		{agent, MoveDebtor{"north.D1", braga, "workload"}, "auth.role"},
	} {
		err := try(x.actor, x.cmd)
		if code(err) != x.want {
			t.Errorf("%d: %v, want %s", i, err, x.want)
		}
		if x.want == "move.no_contract" && !strings.Contains(err.Error(), "lender south ") {
			t.Errorf("the lender without a contract is not named: %v", err)
		}
	}
	if got := h.openIn(porto); !strings.HasPrefix(got, "north.c1") {
		t.Errorf("after refusals the open cases are %s", got)
	}
	signed["south"] = append(slices.Clone(signed["south"]), braga)
	h.move("north.D1", porto, braga)
	if err := try(mayor, MoveDebtor{"north.D1", braga, "workload"}); code(err) != "debtor.not_found" {
		t.Errorf("moving who is gone: %v", err)
	}
}

// A move back begins while another node has yet to say that the first one is over: it waits for that.
func TestAMoveWaitsForTheOneBefore(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	ana := aFullFile(h)
	steps, err := h.svc.moveSteps(ctx, h.leave("north.D1", porto, braga))
	ok(t, err)
	for _, s := range steps[:len(steps)-2] { // all but gone, and what follows
		ok(t, s.take(ctx))
	}
	back := h.leave("north.D1", braga, porto)
	if err := h.svc.finishMove(ctx, back); code(errors.Unwrap(err)) != codeMoving {
		t.Errorf("the move back begins before the first one is over: %v", err)
	}
	for range 2 { // whichever is looked at first
		_ = h.node().FinishMoves(ctx) // the one that waits is an error
	}
	ok(t, h.node().FinishMoves(ctx))
	if got := h.openIn(porto) + "|" + h.openIn(braga); got !=
		"north.c1 west, north.c2 west, north.c9 west, south.s1 west|" {
		t.Errorf("open are %s", got)
	}
	ana.pull()
	h.must(OpenHold{Case: "north.c1", Kind: "stop"})
	// Move itself finishes what came before.
	steps, err = h.svc.moveSteps(ctx, h.leave("north.D1", porto, braga))
	ok(t, err)
	for _, s := range steps[:len(steps)-2] {
		ok(t, s.take(ctx))
	}
	h.move("north.D1", braga, porto)
	if b, err := h.svc.DebtorBranch(ctx, "north.D1"); err != nil || b != porto {
		t.Errorf("the debtor is in %s, %v", b, err)
	}
}

// A move begins while a case of the debtor is being decided on: the line is refused, not left behind.
func TestNoCaseIsLeftBehindByAMove(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_ref", "D1"))
	begin := sync.OnceFunc(func() { h.leave("north.D1", porto, braga) })
	other := h.node()
	other.territories = func(context.Context, auth.BranchID) (TerritoryIndex, error) {
		begin()
		return halves{}, nil
	}
	rep, err := other.ImportCases(context.Background(), boss, porto, "text/csv", strings.NewReader(file(line("c2",
		"debtor_ref", "D1"))), ImportOptions{})
	ok(t, err)
	if len(rep.Errors) != 1 || rep.Errors[0].Code != "import.debtor_moving" {
		t.Errorf("the line of a debtor who begins to move: %+v", rep)
	}
	ok(t, h.svc.FinishMoves(context.Background()))
	if got := h.openIn(porto) + "|" + h.openIn(braga); got != "|north.c1 west" {
		t.Errorf("open are %s", got)
	}
	rep, err = h.svc.ImportCases(context.Background(), mayor, braga, "text/csv", strings.NewReader(file(line("c2",
		"debtor_ref", "D1"))), ImportOptions{})
	if err != nil || rep.Accepted != 1 {
		t.Errorf("sent again to the new branch: %+v, %v", rep, err)
	}
}
