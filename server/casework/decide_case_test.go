package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Every kind of hold keeps the case from being visited, tells the conduct
// decision why, takes the case off the phones, and ends when it is released.
func TestHolds(t *testing.T) {
	flags := map[string]string{"stop": "cease_visit", "dispute": "disputed disputed_unverified",
		"complaint": "complaint_open complaint_open_visit", "breathing_space": "breathing_space",
		"vulnerable": "vulnerable", "represented": "represented", "deceased": "deceased", "bankrupt": "bankrupt"}
	for kind, want := range flags {
		f := aFile()
		f.Case.Agents = []auth.UserID{"ana"}
		f.Assignments = []Filed[record.Assignment]{{ID: "a1",
			State: record.Assignment{AssignmentFound: record.AssignmentFound{Case: "north.c1", Debtor: "d1",
				Agents: f.Case.Agents, Status: record.AssignmentOpen, Date: "2026-11-25"}}}}
		d, err := decideOpenHold(f, draftAt(morning, "boss"), OpenHold{Case: "north.c1", Kind: kind}, "2026-11-25")
		ok(t, err)
		for _, flag := range strings.Fields(want) {
			if _, raised := f.Case.FlagSpans("2026-11-25")[flag]; !raised {
				t.Errorf("%s does not raise %s", kind, flag)
			}
		}
		if a := f.Assignments[0].State; a.Status != record.AssignmentRevoked || a.ClosedBy != "hold" ||
			len(f.Case.Agents) != 0 || wrote(d) != "assignments/a1 cases/north.c1" {
			t.Errorf("%s: the assignment is %s by %s, held by %v; wrote %s", kind, a.Status, a.ClosedBy, f.Case.Agents, wrote(d))
		}
		v, err := judgeVisit(mustPolicy(t), &zoneCache{}, phaseDispatch, f, instant("2026-11-25T10:00:00Z"),
			visitAct{agents: 2})
		ok(t, err)
		if v.Allowed() {
			t.Errorf("%s: a visit is allowed", kind)
		}
		id := f.Case.AllHolds()[0].ID
		again, err := decideOpenHold(f, draftAt(morning, "boss"), OpenHold{Case: "north.c1", Kind: kind}, "2026-11-25")
		ok(t, err)
		if wrote(again) != "" || again.reply.(HoldReceipt).Hold != id {
			t.Errorf("%s opened twice wrote %q and answers %v", kind, wrote(again), again.reply)
		}
		if _, err := decideReleaseHold(f, draftAt(morning, "boss"), ReleaseHold{Case: "north.c1",
			Hold: id}); code(err) != "hold.reason" {
			t.Errorf("%s released without a reason: %v", kind, err)
		}
		for _, who := range []auth.UserID{"boss", "second"} {
			_, err = decideReleaseHold(f, draftAt(morning, who), ReleaseHold{Case: "north.c1", Hold: id, Reason: "settled"})
			ok(t, err)
		}
		if len(f.Case.OpenHolds("2026-11-25")) != 0 || len(f.Case.FlagSpans("2026-11-25")) != 0 {
			t.Errorf("%s still holds after its release", kind)
		}
	}
	f := aFile()
	for want, c := range map[string]OpenHold{"hold.unknown_kind": {Kind: "mood"}, "hold.date": {Kind: "stop",
		Until: "2026-11-24"}} {
		if _, err := decideOpenHold(f, draftAt(morning, "boss"), c, "2026-11-25"); code(err) != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	// One that begins next week leaves today's stop alone, and ends by itself.
	f.Case.Agents = []auth.UserID{"ana"}
	f.Assignments = []Filed[record.Assignment]{{ID: "a1",
		State: record.Assignment{AssignmentFound: record.AssignmentFound{Case: "north.c1", Agents: f.Case.Agents,
			Status: record.AssignmentOpen, Date: "2026-11-25"}}}}
	_, err := decideOpenHold(f, draftAt(morning, "boss"), OpenHold{Kind: "breathing_space", Since: "2026-12-01",
		Until: "2026-12-03"}, "2026-11-25")
	ok(t, err)
	if f.Assignments[0].State.Status != record.AssignmentOpen {
		t.Error("a hold of next week revoked today's stop")
	}
	for day, open := range map[string]bool{"2026-11-30": false, "2026-12-01": true, "2026-12-03": true,
		"2026-12-04": false} {
		if got := len(f.Case.OpenHolds(day)) == 1; got != open {
			t.Errorf("on %s the hold is open: %t", day, got)
		}
	}
}

func TestClosingEndsWork(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.pull()
	if _, err := h.do(CloseCase{Case: "north.c1", Reason: "boredom"}); code(err) != "case.closing_reason" {
		t.Errorf("closing for boredom: %v", err)
	}
	h.must(CloseCase{Case: "north.c1", Reason: "recalled"})
	if ana.pull(); ana.holds("cases")+ana.holds("assignments") != "" {
		t.Error("a closed case is still on a phone")
	}
	if r := h.must(CloseCase{Case: "north.c1", Reason: "recalled"}); r["changed"] != false {
		t.Errorf("closing again: %v", r)
	}
	for what, cmd := range map[string]Cmd{"case.closed": Reassign{Case: "north.c1", Team: ptr("t2")},
		"case.not_found": CloseCase{Case: "north.c9", Reason: "paid"}} {
		if _, err := h.do(cmd); code(err) != what {
			t.Errorf("%+v: %v, want %s", cmd, err, what)
		}
	}
	if r := h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana"}, "north.c1", "north.c9"); r.Issued != 0 ||
		fmt.Sprint(r.Refused) != "[{north.c1 CASE_CLOSED  [] []} {north.c9 CASE_GONE  [] []}]" {
		t.Errorf("a closed case and none: %+v", r)
	}
	h.must(ReopenCase{Case: "north.c1"})
	if h.shown("north.c1")["status"] != "open" {
		t.Error("the case is not open again")
	}
}

func TestReassigningAndRedrawing(t *testing.T) {
	f := aFile()
	change := func(c Reassign, home string) bool {
		t.Helper()
		changed, err := c.apply(f, home)
		ok(t, err)
		if d := decideReassign(f, draftAt(morning, "boss"), changed, nil); (wrote(d) != "") != changed {
			t.Errorf("changed %t, and %q was written", changed, wrote(d))
		}
		return changed
	}
	if !change(Reassign{Team: ptr("t2")}, "west") || f.Case.Team != "t2" || change(Reassign{Team: ptr("t2")}, "west") {
		t.Errorf("the team is %q", f.Case.Team)
	}
	if !change(Reassign{Territory: ptr("east")}, "west") || f.Case.Territory != "east" || !f.Case.TerritoryPinned {
		t.Errorf("the territory is %q, pinned %t", f.Case.Territory, f.Case.TerritoryPinned)
	}
	back := Reassign{Team: ptr(""), Territory: ptr("")}
	if !change(back, "west") || f.Case.Territory != "west" || f.Case.TerritoryPinned || f.Case.Team != "" {
		t.Errorf("back to %q, pinned %t", f.Case.Territory, f.Case.TerritoryPinned)
	}
	if _, err := (Reassign{}).apply(f, "west"); code(err) != "reassign.nothing" {
		t.Errorf("naming nothing: %v", err)
	}
	// A changed map moves the cases it concerns, and leaves pinned ones alone.
	h := newFixture(t)
	h.take(line("c1"), line("c2"), line("c3", "lat", "41.3"))
	h.must(Reassign{Case: "north.c2", Territory: ptr("east")})
	h.svc.territories = func(context.Context, auth.BranchID) (TerritoryIndex, error) { return everywhere("north"), nil }
	moved, err := h.svc.RedrawAll(context.Background(), boss, porto)
	ok(t, err)
	if a, b, c := h.shown("north.c1")["territory"], h.shown("north.c2")["territory"],
		h.shown("north.c3")["territory"]; moved != 2 || a != "north" || b != "east" || c != "north" {
		t.Errorf("%d moved; the territories are %v, %v, %v", moved, a, b, c)
	}
}

// everywhere is one territory without an edge.
type everywhere string

func (e everywhere) Find(float64, float64) (string, bool) { return string(e), true }

func TestCorrectionsOutliveTheLendersFile(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.must(Correct{Case: "north.c1", Phone: ptr("+351912000002"), PhoneVerifiedOn: ptr("2026-11-24"),
		Address: ptr("Rua Nova 2"), Home: &geo.Point{Lon: -8.59,
			Lat: 41.15}, AddressVerification: ptr("confirmed_by_debtor")})
	k := h.shown("north.c1")
	if k["phone"] != "+351912000002" || k["phone_verified_on"] != "2026-11-24" || k["address"] != "Rua Nova 2" ||
		k["territory"] != "east" || k["address_verification"] != "confirmed_by_debtor" {
		t.Errorf("the case is %v", k)
	}
	// The lender sends the old values with a new amount; then a new phone.
	h.take(line("c1", "amount_due_minor", "50000"))
	if k := h.shown("north.c1"); k["phone"] != "+351912000002" || k["address"] != "Rua Nova 2" ||
		k["territory"] != "east" || k["amount_due_minor"] != 50000.0 {
		t.Errorf("after an import of old values the case is %v", k)
	}
	h.take(line("c1", "amount_due_minor", "50000", "phone", "+351912000003"))
	if k := h.shown("north.c1"); k["phone"] != "+351912000003" || k["address"] != "Rua Nova 2" {
		t.Errorf("after an import of a new phone the case is %v", k)
	}
	h.must(Correct{Case: "north.c1", PhoneVerifiedOn: ptr("2026-11-25")})
	h.must(Correct{Case: "north.c1", WrongNumber: true})
	if k := h.shown("north.c1"); k["phone_state"] != "wrong_number" || k["phone_verified_on"] != nil {
		t.Errorf("a wrong number leaves %v, verified %v", k["phone_state"], k["phone_verified_on"])
	}
	for want, c := range map[string]Correct{"case.phone": {Phone: ptr("12")},
		"case.point": {Home: &geo.Point{Lon: 200, Lat: 3}}, "case.time_zone": {TimeZone: ptr("Mars/Base")},
		"case.empty": {Address: ptr(" ")}, "case.control": {Address: ptr("a\x00b")},
		"case.address_verification": {AddressVerification: ptr("sure")}} {
		c.Case = "north.c1"
		if _, err := h.do(c); code(err) != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		} else if strings.Contains(err.Error(), "Mars") {
			t.Errorf("%s repeats what was sent", want)
		}
	}
}

func TestTheSameCommandHasTheSameReceiptForEver(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	ctx := context.Background()
	q := Request{ID: "http:boss:key-1", Payload: [32]byte{1}, Cmd: OpenHold{Case: "north.c1", Kind: "stop"}}
	first, err := h.svc.One(ctx, boss, porto, q)
	ok(t, err)
	var hold HoldReceipt
	ok(t, json.Unmarshal(first.Body, &hold))
	h.must(ReleaseHold{Case: "north.c1", Hold: hold.Hold, Reason: "over"})
	again, err := h.svc.One(ctx, boss, porto, q)
	ok(t, err)
	if !again.Duplicate || string(again.Body) != string(first.Body) || len(h.shown("north.c1")["holds"].([]any)) != 1 {
		t.Errorf("the second receipt is %s, duplicate %t", again.Body, again.Duplicate)
	}
	q.Payload = [32]byte{2}
	if _, err := h.svc.One(ctx, boss, porto, q); !errors.Is(err, journal.ErrReused) {
		t.Errorf("the id for another payload: %v", err)
	}
	r, err := h.svc.ReceiptOf(ctx, porto, q.ID)
	ok(t, err)
	if string(r.Body) != string(first.Body) {
		t.Errorf("asked later, the receipt is %s", r.Body)
	}
	stranger := auth.Actor{User: "x", Role: auth.RoleSupervisor, Branches: []auth.BranchID{"lisboa"}}
	if _, err := h.svc.One(ctx, stranger, porto, q); code(err) != "branch.not_found" {
		t.Errorf("a stranger to the branch: %v", err)
	}
}

// report imports a file and gives "accepted/updated/unchanged/rejected code@line.column …".
func (h *fixture) report(who auth.Actor, text string) string {
	h.t.Helper()
	rep, err := h.svc.ImportCases(context.Background(), who, porto, "text/csv", strings.NewReader(text), ImportOptions{})
	ok(h.t, err)
	return short(rep)
}

func short(rep ImportReport) string {
	out := fmt.Sprintf("%d/%d/%d/%d", rep.Accepted, rep.Updated, rep.Unchanged, rep.Rejected)
	for _, e := range rep.Errors {
		out += fmt.Sprintf(" %s@%d.%s", e.Code, e.Line, e.Column)
	}
	return out
}

func TestImportsOfCases(t *testing.T) {
	h := newFixture(t)
	south := auth.Actor{User: "south", Role: auth.RoleLender, Lender: "south"}
	for _, c := range []struct{ name, text, want string }{
		{"new", file(line("c1"), line("c2", "flags", "disputed;vulnerable")), "2/0/0/0"},
		{"the same again", file(line("c1"), line("c2", "flags", "vulnerable;disputed")), "0/0/2/0"},
		{"one changed", file(line("c1", "amount_due_minor", "70000"), line("c2", "flags", "disputed;vulnerable")), "0/1/1/0"},
		{"and back", file(line("c1")), "0/1/0/0"},
		{"of a second lender", file(line("c1", "lender", "south")), "1/0/0/0"},
		{"of another debtor", file(line("c1", "debtor_ref", "other")), "0/0/0/1 import.debtor_changed@2.debtor_ref"},
		{"in another currency", file(line("c1", "currency", "USD")), "0/0/0/1 import.currency_changed@2.currency"},
		{"twice in one file", file(line("c3"), line("c3"), line("c3", "priority", "5")), "1/1/1/0"},
		{"bad lines among good ones", file(line("c4"), line("c5", "lon", "500"), line("c6", "amount_due_minor", "12.50"),
			line("c7", "flags", "mood"), line("c8", "due_date", "2026-02-30"),
			line("c9", "profile",
				"nowhere"), line("c10")), "2/0/0/5 import.point@3.lon import.number@4.amount_due_minor import.flag@5.flags " +
			"import.date@6.due_date import.profile@7.profile"},
	} {
		if got := h.report(boss, c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	// A lender's system sends its own cases only.
	south.Branches = []auth.BranchID{porto}
	if got := h.report(south, file(line("s1", "lender", "south"), line("n1", "lender",
		"north"))); got != "1/0/0/1 import.lender@3.lender" {
		t.Errorf("a lender's own and another's: %s", got)
	}
	// Flags are holds, and none ends when the lender drops it; what a person released stays released.
	holds := func(c journal.CaseID) string {
		k := h.openCase(string(c))
		var out []string
		for _, x := range k.OpenHolds("2026-11-25") {
			out = append(out, x.Kind)
		}
		return strings.Join(out, " ")
	}
	if got := holds("north.c2"); got != "disputed vulnerable" {
		t.Errorf("c2 has the holds %q", got)
	}
	h.take(line("c2", "flags", "vulnerable"))
	k := h.openCase("north.c2")
	h.must(ReleaseHold{Case: "north.c2", Hold: k.AllHolds()[1].ID, Reason: "a specialist goes"})
	h.take(line("c2", "flags", "vulnerable", "priority", "7"))
	if got := holds("north.c2"); got != "disputed" {
		t.Errorf("after the lender dropped one and a person released the other, c2 has %q", got)
	}
	h.take(line("c2", "priority", "7"))
	h.take(line("c2", "flags", "vulnerable"))
	if got := holds("north.c2"); got != "disputed vulnerable" {
		t.Errorf("raised anew, c2 has %q", got)
	}
	// An upload that is cut: the lines before the cut are kept, and sending it again is safe.
	text := file(line("u1"), line("u2"), line("u3"))
	cut := io.MultiReader(strings.NewReader(text[:strings.Index(text, "u3")]), broken{})
	rep, err := h.svc.ImportCases(context.Background(), boss, porto, "text/csv", cut, ImportOptions{})
	if !errors.Is(err, errCut) || rep.Accepted != 2 {
		t.Errorf("a cut upload: %s, %v", short(rep), err)
	}
	if got := h.report(boss, text); got != "1/0/2/0" {
		t.Errorf("sent again: %s", got)
	}
}

var errCut = errors.New("the line was cut")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errCut }

// Fixes of mainland China come shifted; what is kept is WGS 84, and what it came in is said.
func TestAFixInGCJ02IsConverted(t *testing.T) {
	h := newFixture(t)
	h.take(line("cn", "country", "CN", "time_zone", "Asia/Shanghai", "currency", "CNY", "phone", "", "lon", "114.0596",
		"lat", "22.5429", "datum", "gcj02"),
		line("wgs", "country", "CN", "time_zone", "Asia/Shanghai", "currency", "CNY", "phone", "", "lon", "114.0596", "lat",
			"22.5429"))
	a, b := h.shown("north.cn"), h.shown("north.wgs")
	p, q := a["home"].([]any), b["home"].([]any)
	from := geo.Point{Lon: p[0].(float64), Lat: p[1].(float64)}
	if m := from.DistanceTo(geo.Point{Lon: q[0].(float64), Lat: q[1].(float64)}); m < 300 || m > 900 ||
		a["datum"] != "gcj02" || b["datum"] != "wgs84" {
		t.Errorf("the fixes lie %.0f m apart, want about half a kilometre; datums %v and %v", m, a["datum"], b["datum"])
	}
}

func TestImportsOfContactsAndPayments(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.take(line("c1"), line("az", "time_zone", "Atlantic/Azores"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	contacts := `{"case_ref":"north.az","channel":"call","at":"2026-11-20T10:00:00","result":"no_answer","external_id":"x1","number":"+351912000001"}
{"case_ref":"north.c1","channel":"sms","at":"2026-11-20T10:00:00Z","result":"delivered"}
{"case_ref":"north.c1","channel":"smoke","at":"2026-11-20T10:00:00Z","result":"delivered"}
{"case_ref":"nobody","channel":"sms","at":"2026-11-20T10:00:00Z","result":"delivered"}
`
	send := func(text string) string {
		t.Helper()
		rep, err := h.svc.ImportContacts(ctx, boss, porto, "application/x-ndjson", strings.NewReader(text), ImportOptions{})
		ok(t, err)
		return short(rep)
	}
	bad := " import.channel@3.channel import.case_unknown@4.case_ref"
	if got := send(contacts); got != "2/0/0/2"+bad {
		t.Errorf("contacts: %s", got)
	}
	if got := send(contacts); got != "0/0/2/2"+bad {
		t.Errorf("contacts again: %s", got)
	}
	if got := send(strings.Replace(contacts, "no_answer", "answered", 1)); got != "0/1/1/2"+bad {
		t.Errorf("one changed: %s", got)
	}
	// What would free a cap is an error of its line.
	for _, less := range [][2]string{{"no_answer", "no_answer"}, {"call", "email"}, {"+351912000001", "+351912000002"},
		{"2026-11-20T10:00:00\"", "2026-11-19T10:00:00\""}} {
		text := strings.Replace(strings.Replace(contacts, "no_answer", "answered", 1), less[0], less[1], 1)
		if less[0] == "no_answer" {
			text = contacts
		}
		if got := send(text); !strings.HasPrefix(got, "0/0/1/3 contact.recorded@1.") {
			t.Errorf("%s instead of what was recorded: %s", less[1], got)
		}
	}
	var c record.Contact
	body := string(h.stored("contacts", "north.az/x1", &c).Body)
	if !c.At.Equal(instant("2026-11-20T11:00:00Z")) || strings.Contains(body, "912000001") {
		t.Errorf("a time without offset is %s, want that of the Azores; %s", c.At, body)
	}
	pay := func(text string) string {
		t.Helper()
		rep, err := h.svc.ImportPayments(ctx, boss, porto, "text/csv",
			strings.NewReader("payment_ref,case_ref,paid_at,amount_minor,currency,method\n"+text), ImportOptions{})
		ok(t, err)
		return short(rep)
	}
	for _, c := range []struct{ text, want string }{
		{"p1,c1,2026-11-24,20000,EUR,transfer\n", "1/0/0/0"},
		{"p1,c1,2026-11-24,20000,EUR,transfer\n", "0/0/1/0"},
		{"p1,c1,2026-11-24,30000,EUR,transfer\n", "0/0/0/1 payment.changed@2.payment_ref"},
		{"p2,c1,2026-11-24,100,USD,\np3,c9,2026-11-24,100,EUR,\np4,c1,2026-11-24,-5,EUR,\n",
			"0/0/0/3 payment.currency@2.currency import.case_unknown@3.case_ref import.number@4.amount_minor"},
	} {
		if got := pay(c.text); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
	if k := h.shown("north.c1"); k["amount_due_minor"] != 40000.0 || k["status"] != "open" {
		t.Errorf("after a part is paid %v is due and the case %v", k["amount_due_minor"], k["status"])
	}
	ana := h.phone("ana", "d1")
	ana.pull()
	if got := pay("p5,c1,2026-11-25T08:00:00,40000,EUR,cash\n"); got != "1/0/0/0" {
		t.Errorf("the rest: %s", got)
	}
	if k := h.shown("north.c1"); k["status"] != "closed" || k["amount_due_minor"] != 0.0 {
		t.Errorf("after all is paid %v is due and the case %v", k["amount_due_minor"], k["status"])
	}
	if ana.pull(); ana.holds("cases") != "" {
		t.Error("a paid case is still on a phone")
	}
}
