package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// aListOfErasures is an ErasureList in memory. While broken it takes nothing.
type aListOfErasures struct {
	lines  []ErasureLine
	broken error
	adding func()
}

func (l *aListOfErasures) Add(line ErasureLine) (added bool, err error) {
	if l.broken != nil {
		return false, l.broken
	}
	if l.adding != nil {
		l.adding()
	}
	if slices.ContainsFunc(l.lines, func(x ErasureLine) bool { return x.Erasure == line.Erasure }) {
		return false, nil
	}
	l.lines = append(l.lines, line)
	return true, nil
}

var (
	firstAdmin  = auth.Actor{User: "first", Role: auth.RoleAdmin}
	secondAdmin = auth.Actor{User: "second", Role: auth.RoleAdmin}
)

// erasing is a fixture with an erasure list.
func erasing(t *testing.T) (*fixture, *aListOfErasures) {
	h, list := newFixture(t), &aListOfErasures{}
	h.svc.erasures = list
	return h, list
}

func (h *fixture) ask(a auth.Actor, d journal.DebtorID) (ErasureReceipt, error) {
	h.t.Helper()
	h.n++
	r, err := h.svc.One(context.Background(), a, porto, Request{ID: fmt.Sprintf("ask:%d", h.n),
		Cmd: AskErasure{d, "request"}})
	if err != nil {
		return ErasureReceipt{}, err
	}
	var out ErasureReceipt
	ok(h.t, json.Unmarshal(r.Body, &out))
	return out, nil
}

func (h *fixture) confirm(a auth.Actor, d journal.DebtorID, id string) error {
	h.n++
	return h.svc.Erase(context.Background(), a, porto, Request{ID: fmt.Sprintf("confirm:%d", h.n)}, ConfirmErasure{d, id})
}

// erase erases a debtor by two administrators.
func (h *fixture) erase(d journal.DebtorID) {
	h.t.Helper()
	r, err := h.ask(firstAdmin, d)
	ok(h.t, err)
	ok(h.t, h.confirm(secondAdmin, d, r.ID))
}

func TestErasingTakesTwoAdministrators(t *testing.T) {
	h, list := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"))
	wants := func(what string, err error, want string) {
		t.Helper()
		if code(err) != want {
			t.Errorf("%s: %q, want %q", what, code(err), want)
		}
	}
	_, err := h.ask(boss, "north.D1")
	wants("a supervisor asks", err, "auth.role")
	_, err = h.ask(firstAdmin, "north.D7")
	wants("of nobody", err, "debtor.not_found")
	asked, err := h.ask(firstAdmin, "north.D1")
	ok(t, err)
	again, err := h.ask(secondAdmin, "north.D1")
	ok(t, err)
	if again != asked {
		t.Errorf("asked twice, there are two erasures: %v and %v", asked, again)
	}
	wants("who asked confirms", h.confirm(firstAdmin, "north.D1", asked.ID), "erasure.second_person")
	wants("a supervisor confirms", h.confirm(boss, "north.D1", asked.ID), "auth.role")
	wants("for another debtor", h.confirm(secondAdmin, "north.D2", asked.ID), "erasure.not_found")
	wants("of no request", h.confirm(secondAdmin, "north.D1", "e1"), "erasure.not_found")
	if name := h.shown("north.c1")["debtor_name"]; name != "Test Debtor c1" || len(list.lines) > 0 {
		t.Fatalf("before it was confirmed the name reads %v", name)
	}
	for range 2 { // again is harmless
		ok(t, h.confirm(secondAdmin, "north.D1", asked.ID))
	}
	e, entry, err := h.svc.Erasure(context.Background(), porto, "north.D1", asked.ID)
	ok(t, err)
	if e.State != record.ErasureErased || e.AskedBy != "first" || e.ConfirmedBy != "second" || entry == 0 ||
		len(e.Cases) != 1 || e.Cases[0] != "north.c1" {
		t.Errorf("the erasure reads %+v of entry %d", e, entry)
	}
	if len(list.lines) != 1 || list.lines[0].Debtor != "north.D1" || list.lines[0].Erasure != asked.ID {
		t.Errorf("the list holds %+v", list.lines)
	}
	_, err = h.ask(firstAdmin, "north.D1")
	wants("asked after it is done", err, codeErased)
}

func (h *fixture) withdraw(a auth.Actor, d journal.DebtorID, id, reason string) error {
	h.n++
	_, err := h.svc.One(context.Background(), a, porto, Request{ID: fmt.Sprintf("withdraw:%d", h.n),
		Cmd: WithdrawErasure{d, id, reason}})
	return err
}

func TestAnErasureIsWithdrawnUntilItIsConfirmed(t *testing.T) {
	h, list := erasing(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"))
	wants := func(what string, err error, want string) {
		t.Helper()
		if code(err) != want {
			t.Errorf("%s: %q, want %q", what, code(err), want)
		}
	}
	var ids []string
	for _, a := range []auth.Actor{firstAdmin, secondAdmin} { // the one who asked, and another
		asked, err := h.ask(firstAdmin, "north.D1")
		ok(t, err)
		if slices.Contains(ids, asked.ID) {
			t.Fatalf("asked anew, it is %s again", asked.ID)
		}
		ids = append(ids, asked.ID)
		wants("a supervisor", h.withdraw(boss, "north.D1", asked.ID, "error"), "auth.role")
		wants("without a reason", h.withdraw(a, "north.D1", asked.ID, ""), "debtor.erase_withdrawal")
		wants("for another debtor", h.withdraw(a, "north.D2", asked.ID, "error"), "erasure.not_found")
		wants("of no request", h.withdraw(a, "north.D1", "e1", "error"), "erasure.not_found")
		for range 2 { // again is harmless
			ok(t, h.withdraw(a, "north.D1", asked.ID, "duty_to_keep"))
		}
		e, _, err := h.svc.Erasure(ctx, porto, "north.D1", asked.ID)
		ok(t, err)
		if e.State != record.ErasureWithdrawn || e.WithdrawnBy != a.User || e.Withdrawal != "duty_to_keep" {
			t.Errorf("the erasure reads %+v", e)
		}
		for _, b := range []auth.Actor{firstAdmin, secondAdmin} {
			wants("confirmed after it was withdrawn", h.confirm(b, "north.D1", asked.ID), "erasure.withdrawn")
		}
	}
	ok(t, h.svc.FinishErasures(ctx, nil))
	if name := h.shown("north.c1")["debtor_name"]; name != "Test Debtor c1" || len(list.lines) > 0 {
		t.Fatalf("after the withdrawals the name reads %v", name)
	}
	// A crash between the confirmation and the list changes nothing: it is confirmed.
	asked, err := h.ask(secondAdmin, "north.D1")
	ok(t, err)
	list.broken = errors.New("the disk is full")
	if err := h.confirm(firstAdmin, "north.D1", asked.ID); !errors.Is(err, list.broken) {
		t.Fatal(err)
	}
	wants("under way", h.withdraw(secondAdmin, "north.D1", asked.ID, "error"), "erasure.confirmed")
	list.broken = nil
	ok(t, h.svc.FinishErasures(ctx, nil))
	wants("withdrawn after it is done", h.withdraw(secondAdmin, "north.D1", asked.ID, "error"), "erasure.confirmed")
	if _, err := h.svc.Erasures(ctx, boss, porto, "", 10, ""); code(err) != "auth.role" {
		t.Errorf("a supervisor lists erasures: %v", err)
	}
	if _, err := h.svc.Erasures(ctx, firstAdmin, porto, "gone", 10, ""); code(err) != "list.state" {
		t.Errorf("erasures of no state: %v", err)
	}
	page, err := h.svc.Erasures(ctx, firstAdmin, porto, "", 10, "")
	ok(t, err)
	if len(page.Items) != 3 {
		t.Errorf("%d erasures are listed, of 3", len(page.Items))
	}
}

// TestAnErasureIsConfirmedOrWithdrawnAndNeverBoth does both at once.
func TestAnErasureIsConfirmedOrWithdrawnAndNeverBoth(t *testing.T) {
	for i := range 20 {
		h, list := erasing(t)
		h.take(line("c1", "debtor_ref", "D1"))
		asked, err := h.ask(firstAdmin, "north.D1")
		ok(t, err)
		var both sync.WaitGroup
		var confirmed, withdrawn error
		confirm := Request{ID: "confirm"}
		both.Go(func() {
			confirmed = h.svc.Erase(context.Background(), secondAdmin, porto, confirm, ConfirmErasure{"north.D1", asked.ID})
		})
		both.Go(func() {
			_, withdrawn = h.svc.One(context.Background(), firstAdmin, porto, Request{ID: "withdraw",
				Cmd: WithdrawErasure{"north.D1", asked.ID, "error"}})
		})
		both.Wait()
		gone := h.shown("north.c1")["debtor_name"] == nil
		switch {
		case confirmed == nil && code(withdrawn) == "erasure.confirmed" && gone && len(list.lines) == 1:
		case withdrawn == nil && code(confirmed) == "erasure.withdrawn" && !gone && len(list.lines) == 0:
		default:
			t.Errorf("%d: confirmed %v, withdrawn %v, erased %v, listed %v", i, confirmed, withdrawn, gone, list.lines)
		}
	}
}

// TestAnErasedDebtorShowsAsErasedEverywhere looks at the case file, lists, phones and the export.
func TestAnErasedDebtorShowsAsErasedEverywhere(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1", "address", "Rua Secreta 7"), line("c2", "debtor_ref", "D1"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c3")
	ana := h.phone("ana", "d1")
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome_detail",
		"a secret story")), "applied")
	h.want("a visit of another", ana.put("visits", "v3", visit("north.c3", "2026-11-25T11:00:00Z", "outcome_detail",
		"another story")), "applied")
	h.want("a note", ana.put("visit_notes", "n1", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
		"text": "a secret note"}), "applied")
	h.want("a bad note", ana.put("visit_notes", "n2", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": 7,
		"x": "a secret"}), "rejected validation.type")
	ana.pull()
	h.erase("north.D1")
	file := h.shown("north.c1")
	if file["erased"] != true || file["debtor_name"] != nil || file["address"] != nil || file["home"] != nil ||
		file["status"] != record.StatusClosed {
		t.Errorf("the case file: %v", file)
	}
	if _, there := file["debtor_name"]; !there {
		t.Error("the case file does not say that a name stood there")
	}
	for list, x := range map[string][2]string{"visits": {"v1", "outcome_detail"}, "visit_notes": {"n1", "text"}} {
		if item := h.child("north.c1", list, x[0]); item["erased"] != true || item[x[1]] != nil {
			t.Errorf("%s %s: %v", list, x[0], item)
		}
	}
	page, err := h.svc.Cases(context.Background(), boss, CaseQuery{Branch: porto})
	ok(t, err)
	for _, item := range page.Items {
		k := object(t, item)
		if want := k["case_ref"] != "c3"; (k["erased"] == true) != want {
			t.Errorf("in the list case %v is erased %v", k["case_ref"], k["erased"])
		}
	}
	waiting, err := h.svc.Quarantine(context.Background(), boss, porto, "", 0, "")
	ok(t, err)
	if len(waiting.Items) != 1 || object(t, waiting.Items[0])["erased"] != true {
		t.Errorf("in quarantine: %v", waiting.Items)
	}
	ana.pull()
	if got := ana.holds("cases") + "|" + ana.holds("visits") + "|" + ana.holds("visit_notes"); got != "north.c3|v3|" {
		t.Errorf("the phone still holds %s", got)
	}
	for _, reveal := range []bool{true, false} {
		ok(t, h.svc.EachVisit(context.Background(), ExportQuery{Branch: porto, Reveal: reveal, UpTo: 1 << 40},
			func(v ExportedVisit) error {
				if gone := v.ID == "v1"; gone != v.Erased.Equal(h.now) || gone && len(v.Reveals) > 0 ||
					!gone && (!v.Erased.IsZero() || reveal != (len(v.Reveals) > 0)) {
					t.Errorf("exported with personal data %t: %+v", reveal, v)
				}
				return nil
			}))
	}
	if other := h.shown("north.c3"); other["debtor_name"] != "Test Debtor c3" || other["erased"] != nil {
		t.Errorf("another debtor: %v", other)
	}
}

// TestAnExportDuringAnErasureSaysSo exports while another node destroys the key: after the
// confirmation, before the journal says that it is done.
func TestAnExportDuringAnErasureSaysSo(t *testing.T) {
	h, list := erasing(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.want("a visit", h.phone("ana", "d1").put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z", "outcome_detail",
		"a secret story")), "applied")
	asked, err := h.ask(firstAdmin, "north.D1")
	ok(t, err)
	export := func() (found ExportedVisit) {
		ok(t, h.svc.EachVisit(ctx, ExportQuery{Branch: porto, Reveal: true, UpTo: 1 << 40}, func(v ExportedVisit) error {
			found = v
			return nil
		}))
		return found
	}
	if v := export(); !v.Erased.IsZero() || len(v.Reveals) == 0 {
		t.Fatalf("before it is confirmed: %+v", v)
	}
	list.broken = errors.New("the disk is full") // it stops with the key still there, and cached
	if err := h.confirm(secondAdmin, "north.D1", asked.ID); !errors.Is(err, list.broken) {
		t.Fatal(err)
	}
	if v := export(); !v.Erased.Equal(h.now) || len(v.Reveals) > 0 {
		t.Errorf("once it is confirmed: %+v", v)
	}
}

// TestWhatIsAboutAnErasedDebtorIsRefusedAlone: neither the push nor the import suffers, and nothing personal is
// kept of it.
func TestWhatIsAboutAnErasedDebtorIsRefusedAlone(t *testing.T) {
	h, _ := erasing(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c3")
	ana := h.phone("ana", "d1")
	plan := offered.with("case", "north.c1")
	h.erase("north.D1")
	note := members{"at": "2026-11-25T10:00:00Z", "text": "SECRET"}
	ms := []offline.Mutation{write("visit_notes", "n1", "put", 0, note.with("case", "north.c1")),
		write("visit_notes", "n2", "put", 0, note.with("case", "north.c3")),
		write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z")), write("plans", "p1", "put", 0, plan),
		write("visit_notes", "n3", "put", 0, note.with("case", "north.c1").with("text", 7)), write("wishes", "w1", "put", 0,
			note.with("case", "north.c1"))}
	want := []string{"rejected debtor.erased", "applied", "rejected debtor.erased", "rejected debtor.erased",
		"rejected validation.type", "not_yet unknown_type"}
	for i, r := range ana.push(ms...) {
		h.want(fmt.Sprint(i, " ", ms[i].Type), r, want[i])
		if want[i] == "applied" {
			continue
		}
		var q record.Quarantined
		h.stored("quarantine", r.Quarantine, &q)
		if !q.Fields.IsZero() {
			t.Errorf("of %s the fields are kept: sealed under %s", ms[i].ID, q.Debtor)
		}
		if _, err := h.do(HandleQuarantine{ID: r.Quarantine, Accept: true}); code(err) == "" {
			t.Errorf("%s was accepted from quarantine", ms[i].ID)
		}
	}
	errs := func(rep ImportReport, err error) string {
		t.Helper()
		ok(t, err)
		var out []string
		for _, e := range rep.Errors {
			out = append(out, fmt.Sprintf("%d %s %s", e.Line, e.Column, e.Code))
		}
		return fmt.Sprintf("%d %d %d: %s", rep.Accepted, rep.Updated, rep.Unchanged, strings.Join(out, ", "))
	}
	got := errs(h.svc.ImportCases(ctx, boss, porto, "text/csv", strings.NewReader(file(line("c1", "debtor_ref", "D1"),
		line("c1", "debtor_ref", "D1", "priority", "3"),
		line("c9", "debtor_ref", "D1"), line("c10"))), ImportOptions{}))
	if got != "1 0 0: 2 debtor_ref debtor.erased, 3 debtor_ref debtor.erased, 4 debtor_ref debtor.erased" {
		t.Errorf("cases: %s", got)
	}
	got = errs(h.svc.ImportContacts(ctx, boss, porto, "text/csv",
		strings.NewReader("case_ref,channel,at,result\nc1,call,2026-11-20T10:00:00Z,answered\n"+
			"c3,call,2026-11-20T10:00:00Z,answered\n"), ImportOptions{}))
	if got != "1 0 0: 2 case_ref debtor.erased" {
		t.Errorf("contacts: %s", got)
	}
	got = errs(h.svc.ImportPayments(ctx, boss, porto, "text/csv",
		strings.NewReader("payment_ref,case_ref,paid_at,amount_minor,currency\n"+
			"p1,c1,2026-11-20T10:00:00Z,100,EUR\np2,c3,2026-11-20T10:00:00Z,100,EUR\n"), ImportOptions{}))
	if got != "1 0 0: 2 case_ref debtor.erased" {
		t.Errorf("payments: %s", got)
	}
	for what, cmd := range map[string]Cmd{"reopening": ReopenCase{"north.c1"}, "closing": CloseCase{"north.c1", "paid"},
		"a note": RecordNote("n9",
			record.NoteReport{About: record.About{Case: "north.c1", At: h.now}, Text: seal.NewText("SECRET")})} {
		if _, err := h.do(cmd); code(err) != codeErased {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestAnErasureThatWasCutShortIsFinished stops it at each step and starts again.
func TestAnErasureThatWasCutShortIsFinished(t *testing.T) {
	h, list := erasing(t)
	ctx := context.Background()
	h.take(line("c1", "debtor_ref", "D1"), line("c2", "debtor_ref", "D2"))
	erased := func(c journal.CaseID) bool {
		return h.shown(c)["erased"] == true && h.shown(c)["status"] == record.StatusClosed
	}
	// Confirmed, and not listed.
	asked, err := h.ask(firstAdmin, "north.D1")
	ok(t, err)
	list.broken = errors.New("the disk is full")
	if err := h.confirm(secondAdmin, "north.D1", asked.ID); !errors.Is(err, list.broken) {
		t.Fatalf("with a list that takes nothing: %v", err)
	}
	if h.shown("north.c1")["debtor_name"] == nil {
		t.Fatal("the key was destroyed before it was listed: a backup would bring the debtor back")
	}
	list.broken = nil
	ok(t, h.svc.FinishErasures(ctx, nil))
	if !erased("north.c1") || len(list.lines) != 1 {
		t.Errorf("after the next start: %v, listed %v", h.shown("north.c1"), list.lines)
	}
	// Listed, and nothing else is there of it, as after a restore: with a journal older than the erasure.
	l := ErasureLine{Erasure: "e9", Debtor: "north.D2", Branch: porto, Reason: "request", AskedBy: "first",
		ConfirmedBy: "second"}
	for range 2 {
		ok(t, h.svc.FinishErasures(ctx, append(list.lines, l)))
	}
	if e, _, err := h.svc.Erasure(ctx, porto, "north.D2", "e9"); err != nil || e.State != record.ErasureErased ||
		!erased("north.c2") {
		t.Errorf("what was listed is %+v, %v: %v", e, err, h.shown("north.c2"))
	}
}

// TestPushesDuringAnErasureLeaveNothing pushes and reads while a debtor is erased: no
// push fails, and in the end nothing about the debtor is readable.
func TestPushesDuringAnErasureLeaveNothing(t *testing.T) {
	h, list := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c3")
	asked, err := h.ask(firstAdmin, "north.D1")
	ok(t, err)
	var all sync.WaitGroup
	begun := make(chan struct{})
	list.adding = sync.OnceFunc(func() { close(begun) })
	stop := make(chan struct{})
	for p := range 3 {
		all.Go(func() {
			ana := h.phone("ana", auth.DeviceID(fmt.Sprint("d", p)))
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("n%d-%d", p, i)
				note := members{"at": "2026-11-25T10:00:00Z", "text": "SECRET " + id}
				a, err := h.sync.Push(context.Background(), offline.Caller{Actor: ana.caller.Actor, Device: ana.caller.Device,
					Branch: porto, Schema: 1, At: h.now},
					offline.PushRequest{Mutations: []offline.Mutation{write("visit_notes", id, "put", 0,
						note.with("case", "north.c1")),
						write("visit_notes", id+"-3", "put", 0, note.with("case", "north.c3"))}})
				if err != nil || a.Results[1].Status != "applied" {
					t.Errorf("a push during the erasure: %+v, %v", a.Results, err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := h.svc.Case(context.Background(), boss, porto, "north.c1"); err != nil {
				t.Errorf("reading during the erasure: %v", err)
				return
			}
		}
	})
	go func() { <-begun }()
	ok(t, h.confirm(secondAdmin, "north.D1", asked.ID))
	close(stop)
	all.Wait()
	text, err := json.Marshal(h.shown("north.c1"))
	ok(t, err)
	if strings.Contains(string(text), "SECRET") || strings.Contains(string(text), "Test Debtor") ||
		h.shown("north.c1")["status"] != record.StatusClosed {
		t.Errorf("after the erasure: %s", text)
	}
	if _, err := h.ask(firstAdmin, "north.D1"); code(err) != codeErased {
		t.Errorf("asked again: %v", err)
	}
}
