package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

const braga auth.BranchID = "braga"

// mayor is an administrator: of both branches.
var mayor = auth.Actor{User: "mayor", Role: auth.RoleAdmin}

// inBraga runs a command as the administrator in the other branch.
func (h *fixture) inBraga(cmd Cmd) (map[string]any, error) {
	h.t.Helper()
	h.n++
	r, err := h.svc.One(context.Background(), mayor, braga, Request{ID: fmt.Sprintf("http:mayor:%d", h.n), Cmd: cmd})
	if err != nil {
		return nil, err
	}
	return object(h.t, r.Body), nil
}

// knocked is a visit by an agent of the other branch without an answer.
func (h *fixture) knocked(id string, c journal.CaseID, supersedes string) RecordVisit {
	return RecordVisit{ID: id, Visit: &record.Visit{VisitReport: record.VisitReport{Case: c, At: h.now,
		Outcome: "NOT_MET_NOBODY", Supersedes: supersedes}},
		From: record.Sent{By: "bea", Device: "b1", Received: h.now}}
}

// leave takes the first step of a move alone.
func (h *fixture) leave(d journal.DebtorID, from, to auth.BranchID) record.Move {
	h.t.Helper()
	h.n++
	_, err := h.svc.One(context.Background(), mayor, from, Request{ID: fmt.Sprintf("http:mayor:%d", h.n),
		Cmd: MoveDebtor{Debtor: d, To: to, Reason: "workload"}})
	ok(h.t, err)
	m, _, err := h.svc.storedMove(context.Background(), from, d)
	ok(h.t, err)
	return m
}

// move moves a debtor, all steps.
func (h *fixture) move(d journal.DebtorID, from, to auth.BranchID) record.Move {
	h.t.Helper()
	h.n++
	m, err := h.svc.Move(context.Background(), mayor, from, Request{ID: fmt.Sprintf("http:mayor:%d", h.n)},
		MoveDebtor{Debtor: d, To: to, Reason: "workload"})
	ok(h.t, err)
	if m.State != record.MoveHere {
		h.t.Fatalf("the move ended as %+v", m)
	}
	return m
}

// node is another server on the same store.
func (h *fixture) node() *Service {
	h.t.Helper()
	return New(Options{Journal: h.svc.journal, Vault: h.vault, Policy: h.svc.policy.Load(), Lenders: h.svc.lenders,
		Erasures:    h.svc.erasures,
		Territories: func(context.Context, auth.BranchID) (TerritoryIndex, error) { return halves{}, nil }})
}

// fileIn is a case file of a branch as an administrator reads it.
func (h *fixture) fileIn(b auth.BranchID, c journal.CaseID) map[string]any {
	h.t.Helper()
	f, err := h.svc.Case(context.Background(), mayor, b, c)
	ok(h.t, err)
	return object(h.t, jsonOf(h.t, f))
}

// asMoved is a case file without what a move changes.
func asMoved(file map[string]any) map[string]any {
	for _, name := range strings.Fields("rev branch territory status moved updated_at") {
		delete(file, name)
	}
	for _, list := range file {
		items, _ := list.([]any)
		for _, x := range items {
			if item, ok := x.(map[string]any); ok {
				for _, name := range strings.Fields("rev visit_no moved_in") {
					delete(item, name)
				}
			}
		}
	}
	for _, list := range []string{"contacts", "plans"} {
		for _, x := range file[list].([]any) {
			delete(x.(map[string]any), "branch")
		}
	}
	return file
}

// openIn lists the open cases of a branch.
func (h *fixture) openIn(b auth.BranchID) string {
	h.t.Helper()
	cases, err := h.svc.OpenCases(context.Background(), b)
	ok(h.t, err)
	var ids []string
	for _, k := range cases {
		ids = append(ids, string(k.Case)+" "+k.Territory)
	}
	return strings.Join(ids, ", ")
}

// exported lists the visits that an export of a branch holds, "1 v1".
func (h *fixture) exported(b auth.BranchID) string {
	h.t.Helper()
	var out []string
	ok(h.t, h.svc.EachVisit(context.Background(), ExportQuery{Branch: b, UpTo: 1 << 40}, func(v ExportedVisit) error {
		out = append(out, fmt.Sprint(v.No, " ", v.ID))
		return nil
	}))
	return strings.Join(out, ", ")
}

// promisesIn lists the plans that promise something on a day in a branch.
func (h *fixture) promisesIn(b auth.BranchID, day string) string {
	h.t.Helper()
	p, err := h.svc.Promises(context.Background(), mayor, PromiseQuery{Branch: b, Due: day})
	ok(h.t, err)
	return list(h.t, p, "plan")
}

// list is a member of the items of a page.
func list(t testing.TB, p Page, member string) string {
	t.Helper()
	var out []string
	for _, item := range p.Items {
		out = append(out, fmt.Sprint(object(t, item)[member]))
	}
	return strings.Join(out, " ")
}

// aFullFile has one case with a record of every kind below it, one more of its debtor, one of
// another lender's debtor who is linked, and one of a stranger.
func aFullFile(h *fixture) *phone {
	h.take(line("c1", "debtor_ref", "D1", "amount_due_minor", "60000"), line("c2", "debtor_ref", "D1",
		"due_date", "2026-11-25"),
		line("s1", "lender", "south", "debtor_ref", "D1"), line("c9"))
	h.texting()
	h.run(record.MessageSent)
	ok(h.t, h.reply("in1", "what is this?"))
	h.must(LinkDebtors{"north.D1", "south.D1"})
	h.must(RecordContact{Case: "south.s1", ID: "call1", External: "call1", Channel: "call",
		At: instant("2026-11-23T10:00:00Z"), Result: "answered", Number: "+351912000001"})
	h.must(RecordPayment{Case: "north.c1", Ref: "pay1", PaidAt: instant("2026-11-20T10:00:00Z"), AmountMinor: 100,
		Currency: "EUR"})
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "bob"}, "north.c1", "north.c9")
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	at := "2026-11-25T10:00:00Z"
	about := members{"case": "north.c1", "at": at, "visit": "v1"}
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", at, "outcome_detail", "a story", "vulnerability_flags",
		[]any{members{"flag": "illness", "consent_id": "k1"}}, "appointment", members{"from": "2026-12-01T10:00:00Z",
			"to": "2026-12-01T12:00:00Z"}, "observations", members{"complaint_made": true}, "wish", 7, "agents",
		[]any{members{"agent_id": "ana"}, members{"agent_id": "bob"}})), "applied")
	h.want("a confirmation", h.phone("bob", "d2").put("visit_confirmations", "vc1", about), "applied")
	h.want("a visit elsewhere", ana.put("visits", "v9", visit("north.c9", "2026-11-25T12:00:00Z")), "applied")
	h.want("a note", ana.put("visit_notes", "n1", about.with("text", "a note")), "applied")
	h.want("a consent", ana.put("consents", "k1", about.with("scope", "photo_document").with("status", "given")),
		"applied")
	h.want("a signature", ana.put("signatures", "s1", about.with("signer_role", "debtor").with("sha256", "ab").with(
		"of_type", "consents").with("of", "k1")), "applied")
	h.want("a payment", ana.put("payments_reported", "pr1", about.with("amount_minor", 5).with("currency",
		"EUR")), "applied")
	h.want("a plan", ana.put("plans", "p1", members{"case": "north.c1", "visit": "v1", "request": promiseOn("2026-12-10"),
		"state": "accepted", "at": at, "acceptance": members{"at": at, "consent": "k1"}}), "applied")
	_, err := h.svc.StoreAttachment(context.Background(), storedState(func(a *record.StoredAttachment) {
		a.Debtor = "north.D1"
	}))
	ok(h.t, err)
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "questioned", Notes: "why so short?"})
	h.want("a bad note", ana.put("visit_notes", "n2", about.with("text", 7)), "rejected validation.type")
	ana.pull()
	return ana
}

// inBragaOnly checks that all of aFullFile has moved to Braga, once, and nothing else has.
func inBragaOnly(h *fixture, ana *phone) {
	h.t.Helper()
	ctx := context.Background()
	for _, c := range []journal.CaseID{"north.c1", "north.c2", "south.s1"} {
		was, now := h.fileIn(porto, c), h.fileIn(braga, c)
		if was["status"] != record.StatusMoved || now["status"] != record.StatusOpen {
			h.t.Errorf("%s is %v in the old branch, %v in the new", c, was["status"], now["status"])
		}
		if b, err := h.svc.BranchOf(ctx, c); err != nil || b != braga {
			h.t.Errorf("%s lives in %s, %v", c, b, err)
		}
		if a, b := string(jsonOf(h.t, asMoved(was))), string(jsonOf(h.t, asMoved(now))); a != b {
			h.t.Errorf("%s was\n%s\nand is\n%s", c, a, b)
		}
	}
	for _, d := range []journal.DebtorID{"north.D1", "south.D1"} {
		if b, err := h.svc.DebtorBranch(ctx, d); err != nil || b != braga {
			h.t.Errorf("%s lives in %s, %v", d, b, err)
		}
		out, _, err := h.svc.storedMove(ctx, porto, d)
		ok(h.t, err)
		in, _, err := h.svc.storedMove(ctx, braga, d)
		ok(h.t, err)
		if out.State != record.MoveGone || in.State != record.MoveHere || in.ID != out.ID {
			h.t.Errorf("%s: the old branch says %s, the new %s", d, out.State, in.State)
		}
	}
	d, err := h.svc.Debtor(ctx, braga, "north.D1")
	ok(h.t, err)
	if fmt.Sprint(d.Cases, d.Linked) != "[north.c1 north.c2] [south.D1]" {
		h.t.Errorf("in the new branch the debtor is %+v", d)
	}
	if people, err := h.svc.people(ctx, porto); err != nil || len(people) != 0 {
		h.t.Errorf("the old branch still links %v, %v", people, err)
	}
	for b, want := range map[auth.BranchID][4]string{
		porto: {"north.c9 west", "1 v1, 2 v9", "", ""},
		braga: {"north.c1 west, north.c2 west, south.s1 west", "", "p1", "p1"}} {
		plans, err := h.svc.Plans(ctx, mayor, b, "", 0, "")
		ok(h.t, err)
		if got := [4]string{h.openIn(b), h.exported(b), h.promisesIn(b, "2026-12-10"), list(h.t, plans,
			"id")}; got != want {
			h.t.Errorf("%s has %q, want %q", b, got, want)
		}
	}
	for _, b := range []auth.BranchID{porto, braga} {
		if found, err := journal.Check(ctx, h.store, b, nil, Promises()); err != nil || len(found) > 0 {
			h.t.Errorf("the views of %s: %v, %v", b, found, err)
		}
	}
	ana.pull()
	if got := ana.holds("cases") + "|" + ana.holds("visits"); got != "north.c9|v9" {
		h.t.Errorf("the phone still holds %s", got)
	}
}

// waiting lists the records of the open quarantine of a branch, sorted.
func (h *fixture) waiting(b auth.BranchID) string {
	h.t.Helper()
	p, err := h.svc.Quarantine(context.Background(), mayor, b, "", 0, "")
	ok(h.t, err)
	records := strings.Fields(list(h.t, p, "record"))
	slices.Sort(records)
	return strings.Join(records, " ")
}

func TestADebtorMovesWhole(t *testing.T) {
	h := newFixture(t)
	ana := aFullFile(h)
	late := complained("north.c1")
	late.Visit = "v1"
	h.must(RecordComplaint{ID: "cm1", Said: late, AnswerDue: "2026-12-09"})
	h.must(RecordLetter{ID: "l1", Said: record.LetterSaid{Case: "north.c1", Kind: "reminder",
		SentAt: instant("2026-11-20T10:00:00Z")}})
	h.must(CorrectRecord{Case: "north.c1", Kind: "visit_notes", Record: "n1", ID: "n3", Reason: "typing_error",
		Corrected: json.RawMessage(`{"text":"another note"}`)})
	_, err := h.svc.One(t.Context(), auth.Actor{User: "chief", Role: auth.RoleSupervisor, Branches: boss.Branches}, porto,
		Request{ID: "reviewed", Cmd: ReviewCorrection{"north.c1", "visit_notes", "n3", "accepted", ""}})
	ok(t, err)
	before := h.fileIn(porto, "north.c1")
	for _, kind := range record.Kinds() {
		if kind.ByCase.Type != "" && !kind.Private && len(before[kind.Name].([]any)) == 0 {
			t.Errorf("the case that moves has no %s: the test shows nothing of them", kind.Name)
		}
	}
	m := h.move("north.D1", porto, braga)
	inBragaOnly(h, ana)
	if fmt.Sprint(m.Debtors, m.Cases) != "[north.D1 south.D1] [north.c1 north.c2 south.s1]" || m.Reason != "workload" ||
		m.By != "mayor" {
		t.Errorf("the move is %+v", m)
	}
	var v record.Visit
	recs, err := h.store.Records(context.Background(), braga, []journal.DocRef{{Type: "visits", ID: "v1"}})
	ok(t, err)
	ok(t, decode(recs[0], &v))
	if recs[0].No != 0 || v.Origin == nil || *v.Origin != (record.Origin{Branch: porto, ID: "v1", No: 1}) ||
		v.Branch != porto {
		t.Errorf("the copy has number %d and comes from %+v", recs[0].No, v.Origin)
	}
	if got := h.waiting(porto) + "|" + h.waiting(braga); got != "|n2" {
		t.Errorf("what waits for a supervisor: %s", got)
	}
	// A visit made under the new branch gets its first number.
	_, err = h.inBraga(h.knocked("v2", "north.c1", "v1"))
	ok(t, err)
	if got := h.exported(braga); got != "1 v2" {
		t.Errorf("the new branch exports %s", got)
	}
	if _, err := h.do(MoveDebtor{"north.D1", braga, "workload"}); code(err) != "branch.not_found" {
		t.Errorf("a supervisor of one branch moves a debtor: %v", err)
	}
}

// A move that is cut short after any step is finished by another node, and nothing is lost or doubled.
func TestAMoveThatIsCutShortIsFinished(t *testing.T) {
	ctx := context.Background()
	stride := 1
	if testing.Short() {
		stride = 3
	}
	for n, last := 0, 1; n <= last; n += stride {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := newFixture(t)
			ana := aFullFile(h)
			var reqs []Request
			for i := range 75 { // for two chunks
				reqs = append(reqs, Request{ID: fmt.Sprint("note", i), Cmd: RecordNote(fmt.Sprint("o", i), record.NoteReport{
					About: record.About{Case: "north.c2", At: h.now}, Text: seal.NewText(strings.Repeat("a story ", 450))})})
			}
			_, err := h.svc.Do(ctx, boss, porto, reqs)
			ok(t, err)
			steps, err := h.svc.moveSteps(ctx, h.leave("north.D1", porto, braga))
			ok(t, err)
			if last = len(steps); last < 7 {
				t.Fatalf("a move of %d steps", last)
			}
			for _, s := range steps[:n] {
				ok(t, s.take(ctx))
			}
			// What phones bring meanwhile is kept; it changes no chunk.
			late := ana.put("visits", "late", visit("north.c1", "2026-11-25T11:00:00Z", "outcome_detail", "another story"))
			h.want("a late visit", late, "revoked "+codeMoved)
			var all sync.WaitGroup
			for range 2 {
				node := h.node()
				all.Go(func() {
					if err := node.FinishMoves(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			ok(t, h.node().FinishMoves(ctx))
			inBragaOnly(h, ana)
			if got := h.waiting(porto) + "|" + h.waiting(braga); got != "|late n2" {
				t.Errorf("what waits for a supervisor: %s", got)
			}
			_, err = h.inBraga(HandleQuarantine{ID: late.Quarantine, Accept: true})
			ok(t, err)
			if got := h.exported(porto) + "|" + h.exported(braga); got != "1 v1, 2 v9|1 late" {
				t.Errorf("exported: %s", got)
			}
		})
	}
}

// Whoever comes back finds the visits as they were, with those made elsewhere beside them.
func TestADebtorComesBack(t *testing.T) {
	h := newFixture(t)
	ana := aFullFile(h)
	// The other branch's phones have made the same ids.
	rep, err := h.svc.ImportCases(context.Background(), mayor, braga, "text/csv", strings.NewReader(file(line("b1"))),
		ImportOptions{})
	ok(t, err)
	if rep.Accepted != 1 {
		t.Fatalf("%+v", rep)
	}
	_, err = h.inBraga(h.knocked("v1", "north.b1", ""))
	ok(t, err)
	before := asMoved(h.fileIn(porto, "north.c1"))
	h.move("north.D1", porto, braga)
	there := h.fileIn(braga, "north.c1")
	visits := there["visits"].([]any)
	if len(visits) != 1 || visits[0].(map[string]any)["id"] == "v1" {
		t.Fatalf("the visits are %v", visits)
	}
	id := visits[0].(map[string]any)["id"].(string)
	for _, of := range [][2]string{{"visit_notes", "visit"}, {"consents", "visit"}, {"plans", "visit"},
		{"contacts", "visit"}, {"visit_reviews", "id"}, {"signatures", "visit"}} {
		var names []any
		for _, rec := range there[of[0]].([]any) {
			names = append(names, rec.(map[string]any)[of[1]])
		}
		if !slices.Contains(names, any(id)) || slices.Contains(names, any("v1")) {
			t.Errorf("in the other branch, where %s is %s, %s name %v", "v1", id, of[0], names)
		}
	}
	if !strings.Contains(string(jsonOf(t, there["holds"])), "visit:"+id) ||
		!strings.Contains(string(jsonOf(t, there["appointments"])), "visit:"+id) {
		t.Errorf("the holds are %v, the appointments %v", there["holds"], there["appointments"])
	}
	if got := h.fileIn(braga, "north.b1")["visits"].([]any); len(got) != 1 {
		t.Errorf("the other case has the visits %v", got)
	}
	_, err = h.inBraga(h.knocked("v3", "north.c1", ""))
	ok(t, err)
	_, err = h.inBraga(WithdrawPlan{Plan: "p1"})
	ok(t, err)
	late := ana.put("visits", "late", visit("north.c1", "2026-11-25T11:00:00Z"))
	ok(t, h.svc.FinishMoves(context.Background()))

	h.move("north.D1", braga, porto)
	after := asMoved(h.fileIn(porto, "north.c1"))
	if got := len(after["visits"].([]any)); got != 2 {
		t.Errorf("back again, the case has %d visits", got)
	}
	if p := after["plans"].([]any)[0].(map[string]any); p["id"] != "p1" || p["state"] != record.PlanWithdrawn {
		t.Errorf("back again, the plan is %v", p)
	}
	if got := h.exported(porto) + "|" + h.exported(braga); got != "1 v1, 2 v9|1 v1, 2 v3" {
		t.Errorf("exported: %s", got)
	}
	for _, list := range strings.Fields("visit_notes consents signatures payments_reported payments visit_reviews holds " +
		"appointments") {
		if a, b := string(jsonOf(t, before[list])), string(jsonOf(t, after[list])); a != b {
			t.Errorf("%s were\n%s\nand are\n%s", list, a, b)
		}
	}
	if got := h.waiting(porto) + "|" + h.waiting(braga); got != "late n2|" {
		t.Errorf("what waits for a supervisor: %s", got)
	}
	h.must(HandleQuarantine{ID: late.Quarantine, Accept: true})
	// And away once more: what was handed on before is handed on again.
	h.want("another bad note", ana.put("visit_notes", "n4", members{"case": "north.c1", "at": morning, "text": 7}),
		"rejected validation.type")
	h.move("north.D1", porto, braga)
	if got := h.waiting(porto) + "|" + h.waiting(braga); got != "|n2 n4" {
		t.Errorf("what waits for a supervisor at last: %s", got)
	}
}

// The answer to a command is the same after its case has moved.
func TestACommandIsAnsweredOnceThoughItsCaseMoves(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"))
	q := Request{ID: "http:mayor:hold", Payload: [32]byte{1}, Cmd: OpenHold{Case: "north.c1", Kind: "dispute"}}
	first, err := h.svc.One(ctx, mayor, porto, q)
	ok(t, err)
	h.move("north.D1", porto, braga)
	again, err := h.svc.One(ctx, mayor, braga, q)
	ok(t, err)
	if !again.Duplicate || string(again.Body) != string(first.Body) || again.N != first.N {
		t.Errorf("answered %s (%d), first %s (%d)", again.Body, again.N, first.Body, first.N)
	}
	if holds := h.fileIn(braga, "north.c1")["holds"].([]any); len(holds) != 1 {
		t.Errorf("the holds are %v", holds)
	}
	q.Payload = [32]byte{2}
	if _, err := h.svc.One(ctx, mayor, braga, q); err == nil || !strings.Contains(err.Error(), journal.ErrReused.Error()) {
		t.Errorf("the same id with another payload: %v", err)
	}
}

// What was done under the old branch counts for the law in the new one.
func TestContactsCountAfterAMove(t *testing.T) {
	h := newFixture(t)
	aFullFile(h)
	counts := func(b auth.BranchID, c journal.CaseID) string {
		f, err := h.svc.PlanningFileOf(context.Background(), mayor, b, c, PlanningDay{mustPolicy(t), "2026-11-26", nil})
		ok(t, err)
		var ids []string
		for _, x := range f.Contacts {
			id, _, _ := strings.Cut(x.ID, "message:m")
			ids = append(ids, id)
		}
		return strings.Join(ids, " ")
	}
	want := counts(porto, "north.c2")
	if want != "south.s1/call1 north.c1/ north.c1/visit:v1" { // one of them is a text
		t.Fatalf("before the move the contacts %s count", want)
	}
	h.move("north.D1", porto, braga)
	if got := counts(braga, "north.c2"); got != want {
		t.Errorf("after it %s, want %s", got, want)
	}
	if _, err := h.svc.PlanningFileOf(context.Background(), mayor, porto, "north.c2", PlanningDay{mustPolicy(t),
		"2026-11-26", nil}); code(err) != codeMoved {
		t.Errorf("planning in the old branch: %v", err)
	}
}
