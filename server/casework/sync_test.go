package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/offline"

	"github.com/google/uuid"
)

// quarantined lists what waits for a supervisor, as "outcome code type/id".
func (h *fixture) quarantined() string {
	h.t.Helper()
	page, err := h.svc.Quarantine(context.Background(), boss, porto, "", 0, "")
	ok(h.t, err)
	var out []string
	for _, item := range page.Items {
		x := object(h.t, item)
		c, _ := x["code"].(string)
		out = append(out, strings.ReplaceAll(fmt.Sprintf("%v %s %v/%v", x["outcome"], c, x["of_type"], x["record"]), "  ",
			" "))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// offered is an offer to pay all that is due on a day.
var offered = members{"case": "north.c1", "request": promiseOn("2026-12-20"), "state": "offered",
	"at": "2026-11-25T10:00:00Z"}

// promiseOn is the request of a promise to pay all on a day.
func promiseOn(day string) members { return members{"kind": "ptp_single", "start_on": day} }

// with is a copy with another value.
func (m members) with(name string, v any) members {
	out := members{name: v}
	for k, x := range m {
		if k != name {
			out[k] = x
		}
	}
	return out
}

// Every outcome of a push, and what the server keeps and the phone hears of it.
func TestOutcomesOfAPush(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	note := members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "a dog"}
	first := write("visit_notes", "n1", "put", 0, note)
	h.want("a note", ana.push(first)[0], "applied")
	if got := ana.pull(); !slices.Equal(got, []string{"put visit_notes/n1"}) {
		t.Errorf("P5: of its own write the phone heard %v", got)
	}
	h.want("M1: the same mid again", ana.push(first)[0], "duplicate")
	if got := ana.pull(); len(got) != 0 {
		t.Errorf("M8: a replay was answered by entries: the phone heard %v", got)
	}
	other := first
	other.Fields = raw(note.with("text", "two dogs"))
	h.want("M1: the mid for another payload", ana.push(other)[0], "rejected mid_reused")
	if got := ana.pull(); !slices.Equal(got, []string{"put visit_notes/n1"}) {
		t.Errorf("M6: after a refusal the phone heard %v", got)
	}
	loud := first
	loud.Mid = strings.ToUpper(loud.Mid)
	h.want("M1: the mid in capitals", ana.push(loud)[0], "duplicate")
	h.want("M1: another agent's mid is another mid", rui.push(first)[0],
		"duplicate") // the same content, so the effect is there

	h.want("a patch of evidence", ana.push(write("visit_notes", "n1", "patch", 1, members{"text": "no dog"}))[0],
		"rejected append_only")
	h.want("a delete of evidence", ana.push(write("visit_notes", "n1", "delete", 1, nil))[0], "rejected append_only")
	h.want("M7: a delete of what is not there", ana.push(write("visit_notes", "n9", "delete", 4, nil))[0], "applied")
	h.want("M7: a delete of what is out of scope", ana.push(write("cases", "north.c2", "delete", 4, nil))[0], "applied")
	h.want("a case of the server's", ana.push(write("cases", "north.c1", "patch", 1, members{"priority": 9}))[0],
		"rejected server_owned")
	h.want("a case of nobody's", ana.push(write("cases", "north.c2", "patch", 1, members{"priority": 9}))[0], "revoked")
	h.want("a type that is not known yet", ana.put("wishes", "w1", members{}), "not_yet unknown_type")
	h.want("a type that phones do not write", ana.put("contacts", "w2", members{}), "rejected unknown_type")
	h.want("a note to a stranger's case", ana.put("visit_notes", "n2", note.with("case", "north.c2")), "revoked")
	h.want("a note to no case", ana.put("visit_notes", "n3", note.with("case", "north.c77")), "revoked")
	h.want("a note without text", ana.put("visit_notes", "n4", note.with("text", "")), "rejected validation.text")
	h.want("a note of the wrong type", ana.put("visit_notes", "n5", note.with("text", 7)), "rejected validation.type")
	h.want("a reserved name", ana.put("visit_notes", "n6", note.with("_rev", "1-a")), "rejected validation.name")
	if got := ana.pull(); !slices.Contains(got, "delete visit_notes/n4") {
		t.Errorf("M6: of a refused create the phone heard %v, want its delete", got)
	}

	a := "a-c1-2026-11-25-r1"
	h.want("ana sets out", ana.push(write("assignments", a, "patch", 1, members{"agent_status": "en_route"}))[0],
		"applied")
	r := rui.push(write("assignments", a, "patch", 1, members{"agent_status": "declined"}))[0]
	h.want("rui declines what ana changed", r, "conflict stale")
	if r.Op != "put" || r.Rev != 2 || !strings.Contains(string(r.Doc), `"en_route"`) || r.Quarantine == "" {
		t.Errorf("a conflict is answered %s rev %d %s, quarantine %q; want the record as it stands", r.Op, r.Rev, r.Doc,
			r.Quarantine)
	}
	h.want("rui orders his day", rui.push(write("assignments", a, "patch", 1, members{"visit_order": 3}))[0], "merged")
	h.want("a server's field", rui.push(write("assignments", a, "patch", 3, members{"status": "done"}))[0],
		"rejected server_owned")
	h.want("a status nobody knows", rui.push(write("assignments", a, "patch", 3, members{"agent_status": "asleep"}))[0],
		"rejected validation.agent_status")

	h.want("a plan", ana.put("plans", "p1", offered), "applied")
	h.want("rui offers another on the same id", rui.put("plans", "p1", offered.with("request",
		promiseOn("2026-12-21"))), "conflict stale")
	if p := h.child("north.c1", "plans", "p1"); dig(p, "request.start_on") != "2026-12-20" {
		t.Errorf("the plan is %v: two plans were merged", p["request"])
	}
	want := "conflict stale assignments/" + a +
		", conflict stale plans/p1, rejected append_only visit_notes/n1, rejected append_only visit_notes/n1, rejected " +
		"mid_reused visit_notes/n1, " +
		"rejected server_owned assignments/" + a +
		", rejected server_owned cases/north.c1, rejected unknown_type contacts/w2, rejected validation.agent_status assignments/" +
		a +
		", rejected validation.name visit_notes/n6, rejected validation.text visit_notes/n4, rejected validation.type " +
		"visit_notes/n5, revoked cases/north.c2, revoked visit_notes/n2, revoked visit_notes/n3"
	if got := h.quarantined(); got != want {
		t.Errorf("in quarantine:\n%s\nwant\n%s", got, want)
	}
}

// What is refused is kept whole and sealed; nothing of it stands in the clear.
func TestQuarantineKeepsThePayloadSealed(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	ana := h.phone("ana", "d1")
	q := ana.put("visit_notes", "n1", members{"case": "Maria Silva, Rua 5", "at": "2026-11-25T10:00:00Z",
		"text": "the key is under the mat"}).Quarantine
	var x record.Quarantined
	if rec := h.stored("quarantine", q, &x); strings.Contains(string(rec.Body), "mat") ||
		strings.Contains(string(rec.Body), "Maria") {
		t.Errorf("the payload stands in the clear: %s", rec.Body)
	}
	page, err := h.svc.Quarantine(context.Background(), boss, porto, "open", 0, "")
	ok(t, err)
	if got := fmt.Sprint(object(t, page.Items[0])["fields"]); !strings.Contains(got, "under the mat") ||
		!strings.Contains(got, "Maria") {
		t.Errorf("a supervisor is shown %s, want the payload whole", got)
	}
	_, err = h.do(HandleQuarantine{ID: q, Accept: true})
	if code(err) != "validation.case" {
		t.Errorf("accepting a record of no case: %v", err)
	}
	h.must(HandleQuarantine{ID: q, Note: "a mistake"})
	h.must(HandleQuarantine{ID: q, Note: "a mistake"})
	if _, err := h.do(HandleQuarantine{ID: q, Accept: true}); code(err) != "quarantine.handled" {
		t.Errorf("accepting what was dismissed: %v", err)
	}
	if _, err := h.do(HandleQuarantine{ID: "q0"}); code(err) != "quarantine.not_found" {
		t.Errorf("handling nothing: %v", err)
	}
	if got := h.quarantined(); got != "" {
		t.Errorf("still open: %s", got)
	}
}

// The loser of two plans can still be taken, as a plan of its own.
func TestTheOtherPlanIsAcceptedOutOfQuarantine(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	h.want("ana's", h.phone("ana", "d1").put("plans", "p1", offered), "applied")
	r := h.phone("rui", "d2").put("plans", "p1", offered.with("request",
		members{"kind": "settlement", "start_on": "2026-12-20", "concession_minor": 10000, "frequency": "monthly",
			"count": 1}))
	h.want("rui's", r, "conflict stale")
	h.must(HandleQuarantine{ID: r.Quarantine, Accept: true})
	plans := h.shown("north.c1")["plans"].([]any)
	if len(plans) != 2 || plans[0].(map[string]any)["by"] == plans[1].(map[string]any)["by"] {
		t.Errorf("the case has %d plans: %v", len(plans), plans)
	}
}

// M3: order, and children that need their parents.
func TestRequiredMutationsComeFirst(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	parent := write("visits", "v1", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z"))
	parent.Mid = strings.ToUpper(parent.Mid)
	needs := func(typ, id string, f members, mids ...string) offline.Mutation {
		m := write(typ, id, "put", 0, f)
		m.Requires = mids
		return m
	}
	note := members{"case": "north.c1", "visit": "v1", "at": "2026-11-25T10:00:00Z", "text": "a dog"}
	child := needs("visit_notes", "n1", note, strings.ToLower(parent.Mid))
	grandchild := needs("visit_notes", "n2", note, child.Mid)
	for i, r := range ana.push(child, grandchild) {
		h.want(fmt.Sprintf("%d before its parent", i), r, "retry")
	}
	if got := h.quarantined(); got != "" {
		t.Errorf("what waits at the phone is in quarantine: %s", got)
	}
	for i, r := range ana.push(parent, child, grandchild) {
		h.want(fmt.Sprintf("%d with its parent", i), r, "applied")
	}
	late := needs("visit_notes", "n3", note, parent.Mid)
	h.want("in a later push", ana.push(late)[0], "applied")
	bad := write("visits", "v2", "put", 0, visit("north.c1", "2026-11-25T10:00:00Z", "outcome", "WENT_HOME"))
	rs := ana.push(bad, needs("visit_notes", "n4", note, bad.Mid), write("visit_notes", "n5", "put", 0, note))
	for i, want := range []string{"rejected validation.outcome", "rejected validation.requires", "applied"} {
		h.want(fmt.Sprintf("M3: one failing, %d", i), rs[i], want)
	}
	// Two edits of one record, made on one revision, in order.
	rs = ana.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 2, members{"visit_order": 1}),
		write("assignments", "a-c1-2026-11-25-r1", "patch", 2, members{"visit_order": 2}))
	h.want("the first edit", rs[0], "applied")
	h.want("the second edit on the same revision", rs[1], "applied")
	if a := h.child("north.c1", "assignments", "a-c1-2026-11-25-r1"); a["visit_order"] != 2.0 {
		t.Errorf("the assignment stands at %v", a["visit_order"])
	}
}

// page is one page of a phone's feed.
func (p *phone) page(q offline.PullRequest) (offline.PullAnswer, error) {
	p.caller.At = p.h.now
	return p.h.sync.Pull(context.Background(), p.caller, q)
}

func TestPages(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	long := strings.Repeat("long text ", 390)
	for from := 0; from < 400; from += 100 {
		var ms []offline.Mutation
		for i := range 100 {
			ms = append(ms, write("visit_notes", fmt.Sprintf("n%03d", from+i), "put", 0, members{"case": "north.c1",
				"at": "2026-11-25T10:00:00Z", "text": long}))
		}
		for _, r := range ana.push(ms...) {
			if r.Status != "applied" {
				t.Fatal(r.Status, r.Code)
			}
		}
	}
	// P2, P9, P11: by count, and by bytes; ascending, each record once, nothing missing.
	for _, limit := range []int{37, 0, 2000} {
		var q offline.PullRequest
		seen, pages, last := map[string]bool{}, 0, uint64(0)
		for {
			q.Limit = limit
			a, err := ana.page(q)
			ok(t, err)
			pages++
			size := 0
			for _, c := range a.Changes {
				if c.Seq <= last || seen[c.Type+c.ID] {
					t.Fatalf("limit %d: seq %d after %d, %s/%s seen %t", limit, c.Seq, last, c.Type, c.ID, seen[c.Type+c.ID])
				}
				last, seen[c.Type+c.ID] = c.Seq, true
				size += len(c.Doc)
			}
			want := limit
			if limit == 0 {
				want = offline.DefaultPull
			}
			if a.More && len(a.Changes) != want && size < offline.MaxPullBytes*9/10 {
				t.Errorf("limit %d: a page of %d changes and %d bytes is not full and not the last", limit, len(a.Changes), size)
			}
			if size > offline.MaxPullBytes {
				t.Errorf("limit %d: a page of %d bytes", limit, size)
			}
			if a.More && a.Cursor != last || a.Cursor < last {
				t.Errorf("limit %d: the cursor is %d after %d, more %t", limit, a.Cursor, last, a.More)
			}
			if !a.More {
				break
			}
			q.Epoch, q.After = a.Epoch, a.Cursor
		}
		if len(seen) != 402 {
			t.Errorf("limit %d: %d records in %d pages, want 402", limit, len(seen), pages)
		}
		if limit >= 500 && pages < 2 {
			t.Errorf("limit %d: all in one page of more than a mebibyte", limit)
		}
	}
	// P3: under a type filter an idle phone advances to the feed's tail.
	all, err := ana.page(offline.PullRequest{Limit: 2000, Types: []string{"cases"}})
	ok(t, err)
	tail, err := h.sync.Tail(context.Background(), porto)
	ok(t, err)
	if len(all.Changes) != 1 || all.Changes[0].Type != "cases" || all.More || all.Cursor != tail {
		t.Errorf("filtered: %d changes, more %t, cursor %d, tail %d", len(all.Changes), all.More, all.Cursor, tail)
	}
	// P6, P7.
	for what, q := range map[string]offline.PullRequest{
		"a cursor of another epoch": {Epoch: "e-old",
			After: 5}, "a cursor without its epoch": {After: 5}, "a cursor ahead of the feed": {Epoch: all.Epoch,
			After: all.Cursor + 5000},
	} {
		_, err := ana.page(q)
		var e *refusal.Error
		if code(err) != "cursor_expired" {
			t.Errorf("P7: %s: %v", what, err)
		} else if e = err.(*refusal.Error); e.Epoch != all.Epoch || e.Kind != refusal.Gone {
			t.Errorf("P7: %s: %+v, want the epoch of now", what, e)
		}
	}
	for what, q := range map[string]offline.PullRequest{
		"what is no type": {Types: []string{"cases", ""}}, "too many types": {Types: make([]string, 65)},
		"too many":        {Limit: 2001},
		"a wait too long": {Wait: time.Minute}, "none": {Limit: -1},
	} {
		if _, err := ana.page(q); code(err) != "sync.malformed" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// P4, P10: scope is judged at read, and what is gone carries no data.
func TestScopeIsJudgedAtRead(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.put("visit_notes", "n1", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "text": "a dog"})
	ana.put("plans", "p1", offered)
	// ana never pulled; meanwhile the case was taken from her. Her phone holds what she wrote, and nothing else.
	h.must(OpenHold{Case: "north.c1", Kind: "stop"})
	a, err := ana.page(offline.PullRequest{})
	ok(t, err)
	if len(a.Changes) != 2 || a.Changes[0].ID != "n1" || a.Changes[1].ID != "p1" {
		t.Errorf("%+v, want the note and the plan", a.Changes)
	}
	for _, c := range a.Changes {
		if c.Op != "revoke" || c.Doc != nil || c.Rev == 0 {
			t.Errorf("%s %s/%s rev %d with %d bytes; want a bare revoke", c.Op, c.Type, c.ID, c.Rev, len(c.Doc))
		}
	}
	for _, typ := range []string{"cases", "assignments", "visit_notes", "plans"} {
		m, err := h.sync.Manifest(context.Background(), ana.caller, typ)
		ok(t, err)
		if len(m.Records) != 0 {
			t.Errorf("the manifest of %s lists %v", typ, m.Records)
		}
	}
	// The new owner gets all of it.
	h.must(ReleaseHold{Case: "north.c1",
		Hold: h.shown("north.c1")["holds"].([]any)[0].(map[string]any)["hold_id"].(string), Reason: "over"})
	h.issue("r2", "t2", "2026-11-26", []auth.UserID{"rui"}, "north.c1")
	rui := h.phone("rui", "d2")
	rui.pull()
	if rui.holds("cases") != "north.c1" || rui.holds("visit_notes") != "n1" || rui.holds("plans") != "p1" {
		t.Errorf("the new owner holds %q, %q, %q", rui.holds("cases"), rui.holds("visit_notes"), rui.holds("plans"))
	}
	for _, typ := range []string{"cases", "assignments", "visit_notes", "plans"} {
		m, err := h.sync.Manifest(context.Background(), rui.caller, typ)
		ok(t, err)
		if len(m.Records) != 1 || m.Cursor != rui.cursor {
			t.Errorf("the manifest of %s lists %v at %d; the phone is at %d", typ, m.Records, m.Cursor, rui.cursor)
		}
	}
	// The card holds what is needed at the door, and no more.
	for _, name := range []string{"import_hash", "imported", "agents", "paid_minor", "opened_at", "principal_minor"} {
		if _, there := rui.docs["cases"]["north.c1"][name]; there {
			t.Errorf("the card shows %s", name)
		}
	}
}

// pull?wait answers as soon as there is something, of a type that was asked for.
func TestWaitingForNews(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.now = instant("2026-11-25T10:00:00Z") // when the note is written: the clock stands still while the pull waits
	ana := h.phone("ana", "d1")
	ana.pull()
	poke := make(chan uint64, 10)
	stop, err := h.sync.Poke(context.Background(), ana.caller, func(seq uint64) { poke <- seq })
	ok(t, err)
	defer stop()
	q := offline.PullRequest{Epoch: ana.epoch, After: ana.cursor, Types: []string{"visit_notes"}, Wait: 25 * time.Second}
	type answer struct {
		a   offline.PullAnswer
		err error
	}
	got := make(chan answer, 1)
	go func() {
		a, err := h.sync.Pull(context.Background(), ana.caller, q)
		got <- answer{a, err}
	}()
	// Whatever the waiting pull has seen by now: a change of another type, then the one it asked for.
	rui := h.phone("ana", "d2")
	h.want("another type", rui.push(write("assignments", "a-c1-2026-11-25-r1", "patch", 1, members{"visit_order": 2}))[0],
		"applied")
	<-poke // the stream hears it too, without data
	h.want("the type", rui.put("visit_notes", "n1", members{"case": "north.c1", "at": "2026-11-25T10:00:00Z",
		"text": "a dog"}), "applied")
	x := <-got
	ok(t, x.err)
	if len(x.a.Changes) != 1 || x.a.Changes[0].ID != "n1" {
		t.Errorf("the waiting pull was answered %+v", x.a.Changes)
	}
}

func TestOnlyAPushThatIsNoneIsRefusedWhole(t *testing.T) {
	h := newFixture(t)
	ana := h.phone("ana", "d1")
	good := write("visit_notes", "n1", "put", 0, members{"case": "north.c1"})
	alter := func(f func(*offline.Mutation)) offline.PushRequest {
		m := good
		m.Mid = uuid.NewString()
		f(&m)
		return offline.PushRequest{Mutations: []offline.Mutation{m}}
	}
	many := offline.PushRequest{}
	for range offline.MaxMutations + 1 {
		many.Mutations = append(many.Mutations, write("visit_notes", uuid.NewString(), "put", 0, members{}))
	}
	for want, q := range map[string]offline.PushRequest{"sync.malformed": {Device: "d9"}, "sync.too_many": many} {
		if _, err := h.sync.Push(context.Background(), ana.caller, q); code(err) != want {
			t.Errorf("want %s: %v", want, err)
		}
	}
	for what, q := range map[string]offline.PushRequest{
		"mid":      alter(func(m *offline.Mutation) { m.Mid = "17" }),
		"id":       alter(func(m *offline.Mutation) { m.ID = "a/b" }),
		"type":     alter(func(m *offline.Mutation) { m.Type = "" }),
		"op":       alter(func(m *offline.Mutation) { m.Op = "upsert" }),
		"fields":   alter(func(m *offline.Mutation) { m.Fields = json.RawMessage(`[]`) }),
		"requires": alter(func(m *offline.Mutation) { m.Requires = []string{"x"} }),
	} {
		a, err := h.sync.Push(context.Background(), ana.caller, q)
		if err != nil || said(a.Results[0]) != "rejected validation."+what || *a.Results[0].Index != 0 ||
			a.Results[0].Quarantine == "" {
			t.Errorf("%s: %+v, %v", what, a.Results, err)
		}
	}
}

// A phone's clock is evidence: kept, and flagged from five minutes on.
func TestAClockThatIsWrongIsFlagged(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	for i, c := range []struct {
		skew int64
		flag bool
	}{{0, false}, {300, false}, {-300, false}, {301, true}, {-301, true}, {7 * 86400, true}} {
		ana.caller.SkewS = c.skew
		id := fmt.Sprintf("v%d", i)
		h.want(id, ana.put("visits", id, visit("north.c1", "2026-11-25T10:00:00Z")), "applied")
		h.want(id, ana.put("consents", id, members{"case": "north.c1", "at": "2026-11-25T10:00:00Z", "scope": "visit_time",
			"status": "refused"}), "applied")
		var v record.Visit
		h.stored("visits", id, &v)
		var k record.Consent
		h.stored("consents", id, &k)
		if v.SkewS != c.skew || k.SkewS != c.skew || slices.Contains(v.Flags, "clock_skew") != c.flag ||
			slices.Contains(k.Flags, "clock_skew") != c.flag {
			t.Errorf("a skew of %d s: kept %d and %d, flags %v and %v", c.skew, v.SkewS, k.SkewS, v.Flags, k.Flags)
		}
	}
}
