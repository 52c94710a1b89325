package figures

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

const lisbon auth.BranchID = "lisbon"

// fixture is a journal whose entries the test writes, under a clock that it sets.
type fixture struct {
	t     *testing.T
	now   time.Time
	store *sqlitestore.Store
	j     *journal.Journal
	svc   *Service
	n     int
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := context.Background()
	h := &fixture{t: t, now: at("2026-07-10T10:00:00Z")}
	var err error
	h.store, err = sqlitestore.Open(ctx, t.TempDir(), Indexes())
	ok(t, err)
	h.j = journal.Open(h.store, journal.Options{Clock: func() time.Time { return h.now }})
	h.svc = New(h.j)
	t.Cleanup(func() {
		ok(t, h.j.Close(ctx))
		ok(t, h.store.Close())
	})
	h.add(auth.OrgBranch, "branch.put", "branches", string(lisbon), map[string]any{"time_zone": "Europe/Lisbon"})
	h.add(auth.OrgBranch, "branch.put", "branches", "porto", map[string]any{"time_zone": "Europe/Lisbon"})
	return h
}

// add appends an entry with one document; a nil state takes it away.
func (h *fixture) add(b auth.BranchID, action, typ, id string, state any) {
	h.t.Helper()
	h.n++
	body, err := json.Marshal(state)
	ok(h.t, err)
	out, err := h.j.Do(context.Background(), b, []journal.Command{{ID: fmt.Sprintf("c%d", h.n), Actor: "boss",
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			if _, _, err := r.Doc(ctx, typ, id); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: action}
			if state == nil {
				d.Delete(typ, id)
				return d, nil
			}
			d.Put(typ, id, body)
			d.Docs[0].Copy = action == movedIn
			return d, nil
		}}})
	ok(h.t, err)
	ok(h.t, out[0].Err)
}

// doc is a member and its value, and so on.
func doc(members ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(members); i += 2 {
		out[members[i].(string)] = members[i+1]
	}
	return out
}

// shows gives the figures above zero as text, of the total and of each group.
func shows(c Counted) string {
	var b strings.Builder
	line := func(g CountedGroup, name string) {
		wide := 0
		put := func(format string, of ...any) {
			text := fmt.Sprintf(format, of...)
			if wide += len(text); wide > 100 {
				b.WriteString("\n ")
				wide = len(text)
			}
			b.WriteString(text)
		}
		put("%s:", strings.Join(slices.DeleteFunc([]string{name, g.Day, g.Lender, g.Team},
			func(s string) bool { return s == "" }), " "))
		for _, name := range slices.Sorted(maps.Keys(g.Figures)) {
			if n := g.Figures[name]; n != 0 {
				put(" %s=%d", name, n)
			}
		}
		for _, c := range slices.Sorted(maps.Keys(g.Money)) {
			put(" %s=%d", c, g.Money[c])
		}
		b.WriteString("\n")
	}
	for _, g := range c.Rows {
		line(g, "")
	}
	line(c.Total, "total")
	return b.String()
}

// read counts in every way there is, and fails unless all say the same.
func (h *fixture) read(q Query) Counted {
	h.t.Helper()
	ctx := context.Background()
	boss := auth.Actor{User: "boss", Role: auth.RoleSupervisor, Branches: []auth.BranchID{q.Branch}}
	got, err := h.svc.Read(ctx, boss, q)
	ok(h.t, err)
	same := func(what string, other Counted, err error) {
		h.t.Helper()
		ok(h.t, err)
		one, err := json.Marshal(got)
		ok(h.t, err)
		two, err := json.Marshal(other)
		ok(h.t, err)
		if !bytes.Equal(one, two) {
			h.t.Errorf("%s says\n%swant\n%s", what, shows(other), shows(got))
		}
	}
	other, err := FromJournal(ctx, h.store, auth.RoleSupervisor, q, h.now, 0, 0)
	same("the journal", other, err)
	if found, err := journal.Check(ctx, h.store, q.Branch, nil, View()); err != nil || len(found) > 0 {
		h.t.Errorf("the view is not what the journal says: %v, %v", found, err)
	}
	ok(h.t, journal.Rebuild(ctx, h.store, q.Branch, View(), nil))
	other, err = h.svc.Read(ctx, boss, q)
	same("the view made anew", other, err)
	return got
}

func (h *fixture) want(q Query, want string) {
	h.t.Helper()
	if q.Branch == "" {
		q.Branch = lisbon
	}
	if got := shows(h.read(q)); got != want {
		h.t.Errorf("the figures are\n%swant\n%s", got, want)
	}
}

// visit adds a stop of a team and the visit that was made for it.
func (h *fixture) visit(id, of, when, outcome, team string, more ...any) {
	h.t.Helper()
	h.add(lisbon, "route.issue", "assignments", "a-"+id, doc("case", of, "team", team, "status", "done",
		"date", when[:10]))
	v := doc("case", of, "lender", "north", "at", when, "outcome", outcome, "assignment", "a-"+id, "by", "ana")
	maps.Copy(v, doc(more...))
	h.add(lisbon, "visit.record", "visits", id, v)
	h.add(lisbon, "visit.effects", "contacts", of+"/visit:"+id, doc("case", of, "debtor", "north.D"+of, "channel", "visit",
		"at", when, "result", "answered", "visit", id))
}

// Visits and contacts are counted by the local day of the branch, by team, and against the lender's limit.
func TestVisitsAndContacts(t *testing.T) {
	h := newFixture(t)
	h.add(auth.OrgBranch, "lender.put", "lenders", "north", doc("contact_limit", doc("contacts", 2, "days", 3)))
	h.visit("v1", "north.1", "2026-07-07T23:30:00Z", "MET_PTP", "east") // half past midnight in Lisbon, on the 8th
	h.visit("v2", "north.1", "2026-07-09T12:00:00Z", "NOT_MET_NOBODY", "west")
	h.visit("v3", "north.2", "2026-07-09T13:00:00Z", "MET_VULNERABLE_STOP", "west", "flags", []string{"unlawful"})
	h.visit("v4", "north.2", "2026-07-09T14:00:00Z", "UNSAFE_ABORT", "west", "flags", []string{record.FlagUnconfirmed},
		"agents", []any{doc("agent_id", "rui")})
	h.add(lisbon, "contact.record", "contacts", "north.3/1", doc("case", "north.3", "debtor", "north.D3",
		"channel", "call", "at", "2026-07-09T15:00:00Z", "result", "failed"))
	h.add(lisbon, "contact.record", "contacts", "north.3/2", doc("case", "north.3", "debtor", "north.D3",
		"channel", "call", "at", "2026-07-09T15:00:00Z", "result", "no_answer", "excluded", true))
	h.add(lisbon, "contact.record", "contacts", "south.1/1", doc("case", "south.1", "debtor", "south.D1",
		"channel", "call", "at", "2026-07-09T15:00:00Z", "result", "no_answer"))
	week := Query{From: "2026-07-08", To: "2026-07-09", By: []string{ByDay, ByTeam}}
	h.want(week, `2026-07-08 east: contacts=1 debtors_contacted=1 load_most=1 visits=1 visits_met=1
2026-07-09: contacts=1 debtors_contacted=1 load_most=1
2026-07-09 west: contacts=3 debtors_at_limit=2 debtors_contacted=2 load_most=2 unlawful_found=2
  visits=2 visits_met=1 vulnerability_stops=1
total: contacts=5 debtors_at_limit=2 debtors_contacted=3 load_most=2 unlawful_found=2 visits=3
  visits_met=2 vulnerability_stops=1
`)
	// The second agent confirms, and the office corrects the visit that was said to be unlawful.
	h.add(lisbon, "visit.confirm", "visit_confirmations", "k1", doc("visit", "v4", "case", "north.2", "by", "rui"))
	h.visit("v5", "north.2", "2026-07-09T13:00:00Z", "MET_PTP", "west", "supersedes", "v3")
	h.add(lisbon, "visit.effects", "contacts", "north.2/visit:v3", doc("case", "north.2", "debtor", "north.Dnorth.2",
		"at", "2026-07-09T13:00:00Z", "result", "answered", "visit", "v3", "excluded", true))
	h.want(Query{From: "2026-07-09", To: "2026-07-09", Lender: "north"},
		"total: contacts=3 debtors_at_limit=2 debtors_contacted=2 load_most=2 visits=2 visits_met=1\n")
}

// plan is a plan's state on which a payment of some amount has come in.
func plan(of string, paid int64, more ...any) map[string]any {
	p := doc("case", of, "lender", "north", "currency", "EUR", "state", record.PlanAccepted, "at", "2026-07-01T10:00:00Z",
		"default_terms", doc("grace_days", 3, "broken_after", 1),
		"instalments", []any{doc("n", 1, "due_on", "2026-07-05", "amount_minor", 100),
			doc("n", 2, "due_on", "2026-08-05", "amount_minor", 100)},
		"standing", doc("paid_minor", paid))
	maps.Copy(p, doc(more...))
	return p
}

// Plans count when they are offered, agreed, kept and broken, and promises when their grace is over.
func TestPlansAndPromises(t *testing.T) {
	h := newFixture(t)
	h.now = at("2026-07-08T12:00:00Z")
	for _, c := range []string{"north.1", "north.2", "north.3", "north.4"} {
		h.add(lisbon, "case.import", "cases", c, doc("id", c, "lender", "north", "status", "open"))
	}
	h.visit("v1", "north.1", "2026-07-01T09:00:00Z", "MET_PLAN_SIGNED", "east")
	h.add(lisbon, "plan.propose", "plans", "p1", plan("north.1", 0, "visit", "v1", "standing",
		doc("paid_minor", 0, "breaks_on", "2026-07-09", "breaks_as", "broken")))
	h.add(lisbon, "plan.propose", "plans", "p2", plan("north.2", 0, "state", record.PlanOffered))
	h.add(lisbon, "plan.accept", "plans", "p2", plan("north.2", 0, "acceptance", doc("at", "2026-07-02T10:00:00Z")))
	h.add(lisbon, "payment.import", "plans", "p2", plan("north.2", 100))
	h.add(lisbon, "plan.propose", "plans", "p3", plan("north.3", 0, "approval_state", "pending"))
	july := Query{From: "2026-07-01", To: "2026-07-31", By: []string{ByDay}}
	h.want(july, `2026-07-01: contacts=1 debtors_contacted=1 load_most=1 plans_agreed=1 plans_offered=3 visits=1
  visits_met=1
2026-07-02: plans_agreed=1 visits_avoided_by_plans=1
2026-07-08: promises_due=2 promises_kept=1
total: contacts=1 debtors_contacted=1 load_most=1 plans_agreed=2 plans_offered=3 promises_due=2
  promises_kept=1 visits=1 visits_avoided_by_plans=1 visits_met=1
`)
	h.now = at("2026-07-09T12:00:00Z")
	two := Query{From: "2026-07-08", To: "2026-07-09", By: []string{ByDay, ByTeam}}
	h.want(two, `2026-07-08: promises_due=1 promises_kept=1
2026-07-08 east: promises_broken=1 promises_due=1
2026-07-09 east: plans_broken=1
total: plans_broken=1 promises_broken=1 promises_due=2 promises_kept=1
`)
	// A plan that is renegotiated before it would break does not break, and what it promised later is not due.
	h.now = at("2026-07-20T12:00:00Z")
	h.add(lisbon, "plan.propose", "plans", "p4", plan("north.4", 100, "standing",
		doc("paid_minor", 100, "breaks_on", "2026-08-09", "breaks_as", "broken")))
	h.add(lisbon, "plan.propose", "plans", "p4", plan("north.4", 100, "state", record.PlanRenegotiated,
		"standing", doc("paid_minor", 100, "breaks_on", "2026-08-09", "breaks_as", "broken")))
	h.add(lisbon, "payment.import", "plans", "p2", plan("north.2", 200, "standing",
		doc("paid_minor", 200, "kept_on", "2026-08-01")))
	h.now = at("2026-08-31T12:00:00Z")
	h.want(Query{From: "2026-07-20", To: "2026-08-31", By: []string{ByDay}}, `2026-08-01: plans_kept=1
2026-08-08: promises_broken=1 promises_due=2 promises_kept=1
total: plans_kept=1 promises_broken=1 promises_due=2 promises_kept=1
`)
	// What moved away is followed where it is now, and counted as made where it was made.
	h.add(lisbon, "debtor.moved_out", "cases", "north.2", doc("id", "north.2", "lender", "north", "status", "moved"))
	h.add("porto", movedIn, "cases", "north.2", doc("id", "north.2", "lender", "north", "status", "open"))
	h.add("porto", movedIn, "plans", "p2", plan("north.2", 200, "standing",
		doc("paid_minor", 200, "kept_on", "2026-08-01")))
	h.want(Query{From: "2026-07-01", To: "2026-08-31", By: []string{ByLender}},
		`north: contacts=1 debtors_contacted=1 load_most=1 plans_agreed=3 plans_broken=1 plans_offered=4
  promises_broken=2 promises_due=3 promises_kept=1 visits=1 visits_avoided_by_plans=2 visits_met=1
total: contacts=1 debtors_contacted=1 load_most=1 plans_agreed=3 plans_broken=1 plans_offered=4
  promises_broken=2 promises_due=3 promises_kept=1 visits=1 visits_avoided_by_plans=2 visits_met=1
`)
	// It stays a copy when it is written again.
	h.add("porto", "payment.import", "plans", "p2", plan("north.2", 200, "standing",
		doc("paid_minor", 200, "kept_on", "2026-08-01")))
	h.want(Query{Branch: "porto", From: "2026-07-01", To: "2026-08-31"},
		"total: plans_kept=1 promises_due=2 promises_kept=2\n")
}

// Money, texts, complaints, stops, and cases that were paid without a visit.
func TestMoneyTextsAndStops(t *testing.T) {
	h := newFixture(t)
	const day = "2026-07-09"
	for i, status := range []string{"paid", "paid", "written_off", "paid"} {
		c := fmt.Sprintf("north.%d", i)
		h.add(lisbon, "message.send", "messages", "m"+c, doc("case", c, "lender", "north", "step", 1, "state", "sent",
			"queued_at", day+"T08:00:00Z", "sent_at", day+"T09:00:00Z"))
		h.add(lisbon, "case.close", "cases", c, doc("id", c, "lender", "north", "status", "closed",
			"closed", doc("reason", status, "at", day+"T17:00:00Z")))
	}
	h.visit("v", "north.1", day+"T10:00:00Z", "MET_PAID", "east") // so the text did not do it alone
	h.add(lisbon, "plan.propose", "plans", "p", plan("north.3", 0, "visit", "v", "instalments", []any{}))
	for _, refused := range []string{"OUTSIDE_HOURS", "NO_TEMPLATE", "OUTSIDE_HOURS"} {
		h.n++
		m := doc("case", "north.5", "lender", "north", "queued_at", day+"T08:00:00Z", "state", "refused",
			"decision", doc("decision", "deny", "reason", refused))
		h.now = at("2026-07-09T23:30:00Z") // the 10th in Lisbon
		h.add(lisbon, "message.send", "messages", fmt.Sprint("r", h.n), m)
	}
	h.now = at("2026-07-12T10:00:00Z")
	h.add(lisbon, "message.send", "messages", fmt.Sprint("r", h.n-1), doc("case", "north.5", "lender", "north",
		"queued_at", day+"T08:00:00Z", "state", "sent", "sent_at", "2026-07-12T09:00:00Z"))
	pay := func(id, of string, minor int, currency, reverses string) {
		h.add(lisbon, "payment.import", "payments", of+"/"+id, doc("case", of, "lender", "north", "paid_at", day+"T08:00:00Z",
			"amount_minor", minor, "currency", currency, "reverses", reverses))
	}
	h.add(lisbon, "case.import", "cases", "north.8", doc("id", "north.8", "lender", "north", "status", "open",
		"live_plan", "p"))
	pay("1", "north.8", 500, "EUR", "")
	h.add(lisbon, "case.import", "cases", "north.8", doc("id", "north.8", "lender", "north", "status", "open"))
	pay("2", "north.9", 300, "EUR", "")
	pay("3", "north.9", 100, "EUR", "2")
	pay("4", "north.9", 7, "JPY", "")
	h.add(lisbon, "complaint.record", "complaints", "k", doc("case", "north.9", "at", day+"T08:00:00Z", "visit", "v"))
	h.add(lisbon, "complaint.answer", "complaints", "k", doc("case", "north.9", "at", day+"T08:00:00Z", "visit", "v",
		"answer", doc("at", "2026-07-11T08:00:00Z", "late", true)))
	h.add(lisbon, "reply.take", "replies", "y", doc("case", "north.9", "lender", "north", "at", day+"T08:00:00Z",
		"did", []string{"vulnerable"}))
	h.add(lisbon, "reply.take", "replies", "z", doc("case", "north.9", "lender", "north", "at", day+"T08:00:00Z",
		"did", []string{"opted_out"}))
	h.add(lisbon, record.ActionLoadStop, "cases", "north.9", doc("id", "north.9", "lender", "north", "status", "open"))
	h.want(Query{From: day, To: "2026-07-12", By: []string{ByDay, ByTeam}}, `2026-07-09: texts_sent=4 visits_avoided_by_ladder=1 vulnerability_stops=1 EUR=200 JPY=7
2026-07-09 east: complaints=1 contacts=1 debtors_contacted=1 load_most=1 visits=1 visits_met=1
  EUR=500
2026-07-10: texts_refused=2
2026-07-11 east: complaints_answered=1 complaints_answered_late=1
2026-07-12: load_stops=1 texts_sent=1
total: complaints=1 complaints_answered=1 complaints_answered_late=1 contacts=1 debtors_contacted=1
  load_most=1 load_stops=1 texts_refused=2 texts_sent=5 visits=1 visits_avoided_by_ladder=1
  visits_met=1 vulnerability_stops=1 EUR=700 JPY=7
`)
}

// Only rounds that were published count, by the run whose plan holds, with what the law forbids.
func TestWhatRoundsLeftOut(t *testing.T) {
	h := newFixture(t)
	for id, more := range map[string]map[string]any{
		"r1": doc("date", "2026-07-09", "run", "b", "published_at", "2026-07-08T15:00:00Z"),
		"r2": doc("date", "2026-07-09", "run", "b"),
		"r3": doc("date", "2026-07-09", "run", "b", "published_at", "2026-07-08T14:00:00Z", "replaced_by", "r1"),
	} {
		h.add(lisbon, "round.publish", "rounds", id, more)
		for run, all := range map[string][][2]string{"a": {{"OUTSIDE_HOURS", "pt-hours"}},
			"b": {{"OUTSIDE_HOURS", "pt-hours"}, {"HOLD", "house-hold"}, {"PLAN_PERFORMING", "house-plan"},
				{"NO_TIME", ""}, {"SAME_DEBTOR", "house-one-visit"}}} {
			for i, x := range all {
				h.add(lisbon, "round.planned", "leftouts", fmt.Sprint(id, run, i), doc("round", id, "run", run,
					"case", fmt.Sprint("north.", i), "code", x[0], "rule", x[1]))
			}
		}
	}
	for id, by := range map[string]string{"a1": "law:FREQ_CAP", "a2": "hold", "a3": "conduct:OUTSIDE_HOURS"} {
		h.add(lisbon, "visit.later_stops", "assignments", id, doc("case", "north.1", "team", "east", "date", "2026-07-09",
			"status", "revoked", "closed_by", by))
	}
	h.want(Query{From: "2026-07-09", By: []string{ByTeam}}, `: visits_prevented=2 visits_suspended_by_plans=1
east: visits_prevented=2
total: visits_prevented=4 visits_suspended_by_plans=1
`)
}

// A lender reads its own cases, without what it may not know; what means nothing is refused.
func TestWhoReadsFigures(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.visit("v1", "north.1", "2026-07-10T09:00:00Z", "MET_VULNERABLE_STOP", "east", "flags", []string{"unlawful"})
	h.add(lisbon, "visit.record", "visits", "v2", doc("case", "south.1", "lender", "south", "at", "2026-07-10T09:00:00Z",
		"outcome", "MET_PTP"))
	north := auth.Actor{User: "n", Role: auth.RoleLender, Lender: "north", Branches: []auth.BranchID{lisbon}}
	got, err := h.svc.Read(ctx, north, Query{Branch: lisbon})
	ok(t, err)
	if s := shows(got); s != "total: contacts=1 debtors_contacted=1 load_most=1 visits=1 visits_met=1\n" {
		t.Errorf("the lender reads %s", s)
	}
	hidden := []string{"complaints", "complaints_answered", "complaints_answered_late", "load_stops", "texts_refused",
		"unlawful_found", "visits_prevented", "vulnerability_stops"}
	for _, d := range definitions {
		_, there := got.Total.Figures[d.Name]
		if d.of != nil && there == slices.Contains(hidden, d.Name) {
			t.Errorf("%s is shown to a lender: %t", d.Name, there)
		}
	}
	if len(got.Definitions) != len(definitions)-len(hidden) {
		t.Errorf("a lender reads %d definitions", len(got.Definitions))
	}
	boss := auth.Actor{User: "b", Role: auth.RoleSupervisor, Branches: []auth.BranchID{lisbon}}
	for what, c := range map[string]struct {
		who  auth.Actor
		q    Query
		code string
	}{
		"another lender":  {north, Query{Branch: lisbon, Lender: "south"}, "figures.lender"},
		"teams":           {north, Query{Branch: lisbon, By: []string{ByTeam}}, "figures.by"},
		"another branch":  {boss, Query{Branch: "porto"}, "branch.not_found"},
		"no branch":       {boss, Query{Branch: auth.OrgBranch}, "branch.not_found"},
		"a day of none":   {boss, Query{Branch: lisbon, From: "2026-02-30"}, "figures.date"},
		"an end of none":  {boss, Query{Branch: lisbon, To: "tomorrow"}, "figures.date"},
		"a span reversed": {boss, Query{Branch: lisbon, From: "2026-07-02", To: "2026-07-01"}, "figures.date"},
		"too many days":   {boss, Query{Branch: lisbon, From: "2025-01-01", To: "2026-07-01"}, "figures.date"},
		"by agent":        {boss, Query{Branch: lisbon, By: []string{"agent"}}, "figures.by"},
		"by day twice":    {boss, Query{Branch: lisbon, By: []string{ByDay, ByDay}}, "figures.by"},
	} {
		_, err := h.svc.Read(ctx, c.who, c.q)
		if r, is := err.(interface{ Code() string }); !is || r.Code() != c.code {
			t.Errorf("%s: %v, want %s", what, err, c.code)
		}
	}
}

// The table has the definitions and what the figures rest on beside the figures.
func TestTheTableExplainsItself(t *testing.T) {
	h := newFixture(t)
	h.visit("v1", "north.1", "2026-07-10T09:00:00Z", "MET_PTP", "east")
	got := h.read(Query{Branch: lisbon, By: []string{ByDay}})
	table := got.Table()
	said := map[string]bool{}
	for _, line := range table {
		if line[0] == "#definition" {
			said[line[1]] = line[3] != ""
		}
	}
	for _, name := range table[0][6:] {
		if !said[strings.TrimSuffix(name, "_minor_EUR")] {
			t.Errorf("nothing says what %s counts", name)
		}
	}
	if len(table[1]) != len(table[0]) || table[2][3] != "#total" || table[3][0] != "#as_of" {
		t.Errorf("the table is %v", table[:4])
	}
}
