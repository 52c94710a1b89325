package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// content is what a draft on a phone holds, and what its phones disagree about.
func (p *phone) content(id string) string {
	doc := p.docs["drafts"][id]
	if doc == nil {
		return "none"
	}
	out := fmt.Sprint(doc["content"])
	if others, _ := doc["other_values"].([]any); len(others) > 0 {
		out += " or"
		for _, o := range others {
			x := o.(map[string]any)
			out += fmt.Sprintf(" %v:%v", x["member"], x["value"])
		}
	}
	return out
}

// rev is the revision of a draft.
func (h *fixture) rev(id string) uint64 {
	h.t.Helper()
	return h.stored("drafts", id, &record.Draft{}).Rev
}

func draft(content members) members {
	return members{"case": "north.c1", "of_type": "visits", "content": content}
}

// Two phones of one agent write one draft: members are merged one by one (M5), a phone's own writes never conflict
// (M4), and where both wrote the same member the draft keeps both values (M6 brings them).
func TestTwoPhonesOfAnAgentMergeADraft(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	one, two := h.phone("ana", "d1"), h.phone("ana", "d2")
	patch := func(p *phone, base uint64, content members) offline.Result {
		return p.push(write("drafts", "w1", "patch", base, members{"content": content}))[0]
	}
	h.want("begun", one.put("drafts", "w1", draft(members{"outcome": "NOT_MET_NOBODY", "text": "a"})), "applied")
	two.pull()
	if got := two.content("w1"); got != "map[outcome:NOT_MET_NOBODY text:a]" {
		t.Errorf("the other phone has %s", got)
	}
	h.want("M4: two edits on one revision, the first answer being lost", patch(one, 1, members{"text": "ab"}), "applied")
	h.want("M4: the second", patch(one, 1, members{"text": "abc"}), "applied")
	h.want("M5: another member on the other phone", patch(two, 1, members{"mood": "calm"}), "merged")
	h.want("M5: an equal value", patch(two, 1, members{"text": "abc"}), "applied")
	r := patch(two, 1, members{"text": "xyz", "outcome": nil})
	h.want("the same member", r, "conflict stale")
	if r.Op != "put" || r.Quarantine != "" || !strings.Contains(string(r.Doc), `"abc"`) ||
		!strings.Contains(string(r.Doc), `"xyz"`) {
		t.Errorf("a conflict is answered %s %s, quarantine %q; want the draft with both values", r.Op, r.Doc, r.Quarantine)
	}
	one.pull()
	two.pull()
	want := "map[mood:calm text:abc] or text:xyz"
	if got := one.content("w1") + "|" + two.content("w1"); got != want+"|"+want {
		t.Errorf("the phones have %s", got)
	}
	// A put of what was pulled at first erases nothing that came since, and names nothing that it does not have.
	h.want("an old put", one.push(write("drafts", "w1", "put", 99, draft(members{"text": "abc"})))[0], "applied")
	h.want("the agent decides", patch(two, r.Rev, members{"text": "both"}), "applied")
	one.pull()
	if got := one.content("w1"); got != "map[mood:calm text:both]" {
		t.Errorf("decided, the phone has %s", got)
	}
	h.want("another case", one.push(write("drafts", "w1", "patch", h.rev("w1"), members{"case": "north.c2", "a": 1}))[0],
		"rejected validation.case")
	h.want("another type", one.push(write("drafts", "w1", "patch", h.rev("w1"), members{"of_type": "plans", "a": 1}))[0],
		"rejected validation.of_type")
	h.want("a name that is none", patch(one, h.rev("w1"), members{"a b": 1}), "rejected validation.content")
	h.want("a member of a newer app", one.push(write("drafts", "w1", "patch", h.rev("w1"),
		members{"wish": 7}))[0], "applied")
	one.pull()
	if got := one.content("w1"); got != "map[mood:calm text:both wish:7]" {
		t.Errorf("with a member of a newer app the phone has %s", got)
	}

	h.want("deleted by a phone that has not seen the other's edit",
		one.push(write("drafts", "w1", "delete", 1, nil))[0],
		"conflict stale")
	h.want("deleted by one that has", one.push(write("drafts", "w1", "delete", h.rev("w1"), nil))[0], "applied")
	h.want("edited after that", patch(two, 9, members{"text": "late"}), "revoked")
	two.pull()
	if got := two.content("w1"); got != "none" {
		t.Errorf("the other phone still has %s", got)
	}
	if got := h.quarantined(); got != "" {
		t.Errorf("a supervisor is asked about drafts: %s", got)
	}
}

// A draft is its agent's alone: no colleague, no supervisor and no export has its text, and the id of another's draft
// is answered like a free one.
func TestADraftIsItsAgentsAlone(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana, rui := h.phone("ana", "d1"), h.phone("rui", "d2")
	ana.pull()
	rui.pull()
	secret := draft(members{"text": "SECRET"})
	h.want("ana's", ana.put("drafts", "w1", secret), "applied")
	h.want("rui's patch of it", rui.push(write("drafts", "w1", "patch", 1, members{"text": "x"}))[0], "revoked")
	h.want("rui's delete of it", rui.push(write("drafts", "w1", "delete", 1, nil))[0], "applied")
	if got := rui.pull(); len(got) > 0 || ana.content("w1") != "none" && ana.content("w1") != "map[text:SECRET]" {
		t.Errorf("rui hears %v", got)
	}
	m, err := h.sync.Manifest(context.Background(), rui.caller, "drafts")
	ok(t, err)
	mine, err := h.sync.Manifest(context.Background(), ana.caller, "drafts")
	ok(t, err)
	if len(m.Records) != 0 || fmt.Sprint(mine.Records) != "[[w1 1]]" {
		t.Errorf("the manifests list %v for rui and %v for ana", m.Records, mine.Records)
	}
	if rec := h.stored("drafts", "w1", &record.Draft{}); strings.Contains(string(rec.Body), "SECRET") {
		t.Errorf("the text stands in the clear: %s", rec.Body)
	}
	shaped, err := h.svc.Render(context.Background(), rui.caller,
		[]journal.Record{h.stored("drafts", "w1", &record.Draft{})})
	if ok(t, err); shaped[0].Op != "revoke" || shaped[0].Doc != nil {
		t.Errorf("rui's phone would be shown %+v", shaped[0])
	}
	refused := ana.push(write("drafts", "w2", "put", 0, secret.with("case", "north.c9")),
		write("drafts", "w1", "patch", 1, secret.with("of_type", "plans")))
	for _, r := range refused {
		item, err := h.svc.QuarantineItem(context.Background(), boss, porto, r.Quarantine)
		ok(t, err)
		if x := object(t, item); x["state"] != "dismissed" || strings.Contains(string(item), "SECRET") {
			t.Errorf("of a refused draft a supervisor is shown %s", item)
		}
		if _, err := h.do(HandleQuarantine{ID: r.Quarantine, Accept: true}); code(err) != "quarantine.handled" {
			t.Errorf("a supervisor accepts a draft: %v", err)
		}
	}
	// An export of the whole branch, which leaves out nothing, says that they were refused.
	beside, err := h.svc.BesideVisits(context.Background(), ExportQuery{Branch: porto})
	ok(t, err)
	for _, b := range beside {
		rec := h.stored(b.Type, b.ID, &record.Quarantined{})
		reveals, _, err := h.svc.RevealBeside(context.Background(), porto, b.Type, b.ID, rec.Body)
		if ok(t, err); b.Type != "quarantine" || len(reveals) > 0 {
			t.Errorf("of a refused draft an export reveals %d parts of %s %s", len(reveals), b.Type, b.ID)
		}
	}
	ofLender, err := h.svc.BesideVisits(context.Background(), ExportQuery{Branch: porto, Lender: "north"})
	if ok(t, err); len(beside) != 3 || len(ofLender) != 0 {
		t.Errorf("an export has %d items of refused drafts, that of a lender %d", len(beside), len(ofLender))
	}
	if got := string(jsonOf(t, h.shown("north.c1"))); strings.Contains(got, "SECRET") || strings.Contains(got, "drafts") {
		t.Errorf("the case file has %s", got)
	}
}

// A draft leaves the phones with its case, comes back with it, and is deleted when it was not touched for 30 days.
func TestADraftLeavesWithItsCaseAndIsSweptWhenItIsOld(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	ana.put("drafts", "w1", draft(members{"text": "a"}))
	ana.pull()
	h.must(RevokeAssignments{Case: "north.c1", Reason: "test"})
	if got := ana.pull(); !slices.Contains(got, "revoke drafts/w1") || ana.content("w1") != "none" {
		t.Errorf("with its case went %v", got)
	}
	h.want("an edit of it", ana.push(write("drafts", "w1", "patch", 1, members{"content": members{"text": "b"}}))[0],
		"revoked")
	h.issue("r2", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	if ana.pull(); ana.content("w1") != "map[text:a]" {
		t.Errorf("with its case came %s", ana.content("w1"))
	}
	sweep := func(want int) {
		t.Helper()
		n, err := h.svc.SweepDrafts(context.Background(), porto)
		ok(t, err)
		if n != want {
			t.Errorf("%d drafts are swept, want %d", n, want)
		}
	}
	h.now = h.now.Add(record.DraftsFor - time.Hour)
	sweep(0)
	h.now = h.now.Add(2 * time.Hour)
	sweep(1)
	sweep(0)
	if ana.pull(); ana.content("w1") != "none" {
		t.Error("a swept draft stays on its phone")
	}
}

// The number of drafts of an agent is bounded.
func TestAnAgentHasAtMostSoManyDrafts(t *testing.T) {
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1")
	ana := h.phone("ana", "d1")
	var ms []offline.Mutation
	for i := range record.MostDrafts + 1 {
		ms = append(ms, write("drafts", fmt.Sprint("w", i), "put", 0, draft(members{"n": i})))
	}
	rs := ana.push(ms...)
	h.want("the last one", rs[record.MostDrafts-1], "applied")
	h.want("one more", rs[record.MostDrafts], "rejected draft.too_many")
	h.want("one of another agent", h.phone("rui", "d2").put("drafts", "r1", draft(nil)), "applied")
	h.want("deleted", ana.push(write("drafts", "w0", "delete", 1, nil))[0], "applied")
	h.want("one more then", ana.put("drafts", journal.NewID(), draft(nil)), "applied")
	h.want("too large", ana.push(write("drafts", "w1", "patch", 1,
		members{"content": members{"text": strings.Repeat("x", 17<<10)}}))[0], "rejected validation.content")
}

// What is kept of a draft cannot be read once its debtor is erased.
func TestADraftIsErasedWithItsDebtor(t *testing.T) {
	h, _ := erasing(t)
	h.take(line("c1", "debtor_ref", "D1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	h.want("a draft", ana.put("drafts", "w1", draft(members{"text": "SECRET"})), "applied")
	h.erase("north.D1")
	var d record.Draft
	h.stored("drafts", "w1", &d)
	ok(t, h.vault.OpenDoc(context.Background(), d.Debtor, porto, "drafts", "w1", &d))
	if !d.Content.IsErased() || !d.Written.IsErased() {
		t.Errorf("after the erasure a draft reads %s", d.Content.Plain())
	}
	h.want("an edit of it", ana.push(write("drafts", "w1", "patch", 1, members{"text": "SECRET"}))[0], "revoked")
}
