package casework

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// every calls fn for each record that the branch keeps, of every kind.
func (h *fixture) every(fn func(r journal.Record)) {
	h.t.Helper()
	seen := map[journal.DocRef]bool{}
	h.eachEntry(func(_ string, e journal.Entry) {
		for _, d := range e.Docs {
			seen[journal.DocRef{Type: d.Type, ID: d.ID}] = true
		}
	})
	for ref := range seen {
		recs, err := h.store.Records(context.Background(), porto, []journal.DocRef{ref})
		ok(h.t, err)
		fn(recs[0])
	}
}

// A phone that names a record of a kind that phones do not get is not shown it: neither in the answer
// to its push nor in what it pulls afterwards.
func TestNoPhoneIsShownAKindThatIsNotSynced(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1", "debtor_ref", "D1"), line("c2", "debtor_ref", "D2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.issue("r2", "t1", "2026-11-26", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	const secret = "MARKsecret"
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:00:00Z")), "applied")
	h.must(ReviewVisit{Case: "north.c1", Visit: "v1", State: "questioned", Notes: secret})
	h.must(RecordContact{Case: "north.c1", Channel: "call", Result: "answered", At: h.now.Add(-time.Hour),
		Number: "+351912345678"})
	h.must(LinkDebtors{Debtor: "north.D1", Other: "north.D2"})
	wrong := write("visits", "v1", "patch", 1, members{"outcome_detail": secret})
	h.want("what rui's phone sends wrong", rui.push(wrong)[0], "rejected append_only")
	hidden := map[string]int{}
	h.every(func(r journal.Record) {
		if k, known := record.KindOf(r.Type); known && k.Synced {
			return
		}
		hidden[r.Type]++
		for _, op := range []string{"put", "patch", "delete"} {
			for _, base := range []uint64{0, r.Rev} {
				got := ana.push(write(r.Type, r.ID, op, base, members{"case": "north.c1", "x": 1}))[0]
				if len(got.Doc) > 0 || got.Rev != 0 || strings.Contains(got.Detail, secret) {
					t.Errorf("%s of %s %s is answered %s, revision %d, %s", op, r.Type, r.ID, said(got), got.Rev, got.Doc)
				}
			}
		}
	})
	for _, typ := range []string{"visit_reviews", "quarantine", "contacts", "links"} {
		if hidden[typ] == 0 {
			t.Errorf("no record of %s was tried, only of %v", typ, hidden)
		}
	}
	ana.pull()
	for typ, docs := range ana.docs {
		if hidden[typ] > 0 {
			t.Errorf("the phone holds %s: %v", typ, docs)
		}
		if text := string(jsonOf(t, docs)); strings.Contains(text, secret) {
			t.Errorf("the phone reads %s in its %s", secret, typ)
		}
	}
	for typ := range hidden {
		if _, err := h.sync.Manifest(t.Context(), ana.caller, typ); err == nil {
			t.Errorf("there is a manifest of %s", typ)
		}
	}
}

// A phone that tries the id of another agent's record is answered as if no record had the id: in the
// result, in what it pulls afterwards, and for every kind and operation.
func TestAStrangersIDIsAnsweredAsAFreeOne(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"), line("c2"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	h.issue("r2", "t2", "2026-11-25", []auth.UserID{"rui"}, "north.c2")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	own := map[string]string{"cases": "north.c2", "assignments": "a-c2-2026-11-25-r2"}
	for _, typ := range []string{"visits",
		"visit_notes", "consents", "signatures", "payments_reported", "plans", "drafts"} {
		own[typ] = "rui-" + typ
		h.want(typ, rui.put(typ, own[typ], least[typ].with("case", "north.c2")), "applied")
	}
	if r, err := h.svc.StoreAttachment(t.Context(), storedState(func(a *record.StoredAttachment) {
		a.By, a.Case, a.Debtor = "rui", "north.c2", "north.Dc2"
	})); err != nil {
		t.Fatal(err)
	} else {
		own["attachments"] = r.ID
	}
	var kinds []string
	for _, k := range record.Kinds() {
		if k.Synced && k.Name != "policy" && k.Name != "visit_confirmations" {
			kinds = append(kinds, k.Name)
		}
	}
	ana.pull()
	answer := func(typ, id, op string, f members) string {
		r := ana.push(write(typ, id, op, 1, f))[0]
		heard := []string{}
		for _, s := range ana.pull() {
			heard = append(heard, strings.ReplaceAll(s, id, "ID"))
		}
		r.Mid, r.ID, r.Quarantine = "", "", fmt.Sprint(r.Quarantine != "")
		r.Detail = strings.ReplaceAll(r.Detail, id, "ID")
		return fmt.Sprintf("%+v, then %v", r, heard)
	}
	for _, typ := range kinds {
		if own[typ] == "" {
			t.Errorf("no stranger's record of %s was tried", typ)
			continue
		}
		free := map[string]string{"cases": "north.c9", "assignments": "a-c9-2026-11-25-r2"}[typ]
		if free == "" {
			free = "free-" + typ
		}
		ops := []string{"patch", "delete"}
		if k, _ := record.KindOf(typ); k.Rules.Policy == offline.ServerOwned {
			ops = append(ops, "put") // an id of another kind is taken by whoever writes it first
		}
		for _, op := range ops {
			f := members{"case": "north.c2", "priority": 9, "visit_order": 1, "text": "x"}
			if op == "delete" {
				f = nil
			}
			if s, o := answer(typ, own[typ], op, f), answer(typ, free, op, f); s != o {
				t.Errorf("%s of %s: a stranger's id is answered\n%s\na free one\n%s", op, typ, s, o)
			}
		}
	}
	// A new record that names another agent's case is answered like one that names no case.
	for typ, f := range least {
		said := func(id string, of journal.CaseID) string {
			return strings.ReplaceAll(answer(typ, id, "put", f.with("case", of)), string(of), "CASE")
		}
		if s, o := said("s-"+typ, "north.c2"), said("f-"+typ, "north.c9"); s != o {
			t.Errorf("a new record of %s: in a stranger's case it is answered\n%s\nin none\n%s", typ, s, o)
		}
	}
}

// That a case has moved, or that its debtor was erased, is told to agents who have had a stop of it. To
// others its id is a free one.
func TestOnlyWhoHadAStopHearsThatACaseIsGone(t *testing.T) {
	for want, h := range map[string]*fixture{
		"revoked " + codeMoved:   newFixture(t),
		"rejected " + codeErased: func() *fixture { h, _ := erasing(t); return h }(),
	} {
		h.take(line("c1", "debtor_ref", "D1"), line("c2", "debtor_ref", "D2"))
		h.issue("r1", "t1", "2026-11-25", []auth.UserID{"rui"}, "north.c1")
		ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
		rui.pull()
		if want == "revoked "+codeMoved {
			h.move("north.D1", porto, braga)
		} else {
			h.erase("north.D1")
			h.now = h.now.Add(2 * time.Minute)
		}
		h.want("of who had it", rui.put("visit_notes", "n1", least["visit_notes"].with("case", "north.c1")), want)
		for i, of := range []journal.CaseID{"north.c1", "north.c2", "north.c9"} {
			r := ana.put("visit_notes", fmt.Sprint("n", 2+i), least["visit_notes"].with("case", of))
			h.want("of a stranger, about "+string(of), r, "revoked")
		}
	}
}

// Whatever happens to cases and assignments, each phone that has pulled holds what the manifest lists,
// at its revision, and so does a new phone of the same agent.
func TestPhonesConverge(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		c := &convergence{fixture: newFixture(t), draw: rand.New(rand.NewPCG(seed, 3))}
		c.run(seed)
		if t.Failed() {
			return
		}
	}
}

// convergence is a random history of a branch with five cases and three agents.
type convergence struct {
	*fixture
	draw   *rand.Rand
	phones []*phone
	log    []string
	step   int
}

func (c *convergence) note(format string, args ...any) {
	c.log = append(c.log, fmt.Sprintf(format, args...))
}

func (c *convergence) try(cmd Cmd) {
	_, err := c.do(cmd)
	c.note("%T %+v: %v", cmd, cmd, err)
}

func (c *convergence) run(seed uint64) {
	var lines [][]string
	for i := range 5 {
		lines = append(lines, line(fmt.Sprint("c", i), "debtor_ref", fmt.Sprint("D", i/2)))
	}
	c.take(lines...)
	agents := []auth.UserID{"ana", "rui", "zoe"}
	for i, a := range agents {
		c.phones = append(c.phones, c.phone(a, auth.DeviceID(fmt.Sprint("d", i))))
	}
	for c.step = range 60 {
		c.act(agents)
		if c.draw.IntN(3) == 0 {
			c.phones[c.draw.IntN(3)].pull()
		}
	}
	for _, p := range c.phones {
		p.pull()
		fresh := c.phone(p.caller.Actor.User, "fresh-"+p.caller.Device)
		fresh.pull()
		for _, typ := range c.svc.Types() {
			m, err := c.sync.Manifest(c.t.Context(), p.caller, typ)
			ok(c.t, err)
			var want []string
			for _, x := range m.Records {
				want = append(want, x[0].(string))
			}
			slices.Sort(want)
			for what, q := range map[string]*phone{"the phone": p, "a new phone": fresh} {
				if got := q.holds(typ); got != strings.Join(want, " ") {
					c.t.Errorf("seed %d: %s of %s holds %s [%s], the manifest lists %v\n%s", seed, what, p.caller.Actor.User, typ,
						got, want, strings.Join(c.log, "\n"))
				}
			}
		}
	}
}

// act does one thing that a branch's day may bring.
func (c *convergence) act(agents []auth.UserID) {
	id := journal.CaseID(fmt.Sprint("north.c", c.draw.IntN(5)))
	switch c.draw.IntN(12) {
	case 0, 1, 2:
		as := slices.DeleteFunc(slices.Clone(agents), func(auth.UserID) bool { return c.draw.IntN(2) == 0 })
		var cases []journal.CaseID
		for i := range 5 {
			if c.draw.IntN(2) == 0 {
				cases = append(cases, journal.CaseID(fmt.Sprint("north.c", i)))
			}
		}
		if len(as) > 0 && len(cases) > 0 {
			date := c.now.AddDate(0, 0, c.draw.IntN(3)).Format(time.DateOnly)
			c.note("issue %s %v %v: %+v", date, as, cases, c.issue(fmt.Sprint("r", c.draw.IntN(6)), "t1", date, as, cases...))
		}
	case 3:
		c.try(RevokeAssignments{Case: id, Reason: "x"})
	case 4:
		_, err := c.svc.RetireBefore(c.t.Context(), porto, c.now.Format(time.DateOnly), fmt.Sprint("ret", c.step))
		c.note("retire before %s: %v", c.now.Format(time.DateOnly), err)
	case 5:
		c.try(OpenHold{Case: id, Kind: []string{"dispute", "complaint", "stop"}[c.draw.IntN(3)]})
	case 6:
		c.try(CloseCase{Case: id, Reason: "recalled"})
	case 7:
		c.try(ReopenCase{Case: id})
	case 8:
		c.now = c.now.Add(time.Duration(c.draw.IntN(20)) * time.Hour)
	default:
		p := c.phones[c.draw.IntN(3)]
		typ := []string{"visits", "visit_notes", "payments_reported", "plans"}[c.draw.IntN(4)]
		f := least[typ].with("case", id).with("at", c.now.Add(-time.Hour).Format(time.RFC3339))
		c.note("%s %s x%d: %s", p.caller.Actor.User, typ, c.step, said(p.put(typ, fmt.Sprint("x", c.step), f)))
	}
}
