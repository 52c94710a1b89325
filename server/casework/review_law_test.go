package casework

import (
	"bytes"
	"context"
	"testing"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
)

// stricter is the policy that ships, with visits until noon instead of 20:00.
func stricter(t *testing.T) *conduct.Policy {
	t.Helper()
	pack := conduct.DefaultPack()
	was := []byte(`days: [mon, tue, wed, thu, fri, sat], allow: [["08:00", "20:00"]], end_inclusive: false, ` +
		`unless: ["consent:contact_time"], cite: [house]`)
	if bytes.Count(pack.Text, was) != 1 {
		t.Fatal("the hours of house-visit are written otherwise")
	}
	pack.Text = bytes.Replace(pack.Text, was, bytes.Replace(was, []byte("20:00"), []byte("12:00"), 1), 1)
	p, err := conduct.LoadPacks([]conduct.Pack{pack})
	ok(t, err)
	return p
}

// A stricter policy takes back what is on the phones and against it, says which, and leaves the rest alone.
func TestAStricterPolicyTakesBackWhatItForbids(t *testing.T) {
	h := newFixture(t)
	h.now = instant("2026-11-25T07:00:00Z")
	h.take(line("c1"), line("c2"), line("c3"), line("c4"), line("c5"), line("c6"))
	// From 10:00 on, one each half hour: c5 is at noon, c6 after it.
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1", "north.c2", "north.c3", "north.c4", "north.c5",
		"north.c6")
	ana := h.phone("ana", "d1")
	ana.pull()
	h.want("on the way", ana.push(write("assignments", "a-c6-2026-11-25-r1", "patch", 1,
		members{"agent_status": "en_route"}))[0], "applied")
	was := Law{Policy: h.svc.policy.Load(), Org: 1}
	review := func(law Law) LawReview {
		out, err := h.svc.ReviewOpen(t.Context(), porto, law)
		ok(t, err)
		return out
	}
	if r := review(was); len(r.TakenBack)+len(r.Flagged) > 0 {
		t.Errorf("the policy they were issued under forbids %+v", r)
	}
	next := Law{Policy: stricter(t), Org: 2}
	h.svc.UsePolicy(next.Policy)
	r := review(next)
	if len(r.TakenBack) != 1 || r.TakenBack[0].Case != "north.c5" || r.TakenBack[0].Reason != "OUTSIDE_HOURS" ||
		r.TakenBack[0].Rule != "hv-hours" || len(r.Flagged) != 1 || r.Flagged[0].Assignment != "a-c6-2026-11-25-r1" {
		t.Errorf("taken back and flagged are %+v", r)
	}
	if ana.pull(); ana.holds("cases") != "north.c1 north.c2 north.c3 north.c4 north.c6" {
		t.Errorf("the phone holds %s", ana.holds("cases"))
	}
	var a record.Assignment
	if h.stored("assignments", "a-c5-2026-11-25-r1", &a); a.Status != "revoked" || a.ClosedBy != "law:OUTSIDE_HOURS" {
		t.Errorf("c5 is %s by %s", a.Status, a.ClosedBy)
	}
	if h.stored("assignments", "a-c6-2026-11-25-r1", &a); a.Status != "open" || len(a.Decisions) != 2 ||
		a.Decisions[1].Policy != next.Policy.Hash() || a.Decisions[1].Allowed() {
		t.Errorf("c6 is %s with %+v", a.Status, a.Decisions)
	}
	if r := review(next); len(r.TakenBack)+len(r.Flagged) > 0 {
		t.Errorf("asked again it takes back %+v", r)
	}
}

// J7: a branch hears of a change of the organisation under a command of its own, org:<n>, once however often it is
// told.
func TestAPolicyIsPublishedOnceUnderTheOrganisationsEntry(t *testing.T) {
	h := newFixture(t)
	law := Law{Policy: h.svc.policy.Load(), Org: 7, Since: h.now, Bundle: conduct.Bundle{Dated: "2026-11-25",
		Parts: []conduct.Part{{Name: "reasons", SHA256: "00", Text: "{}"}}}}
	ok(t, h.svc.PublishTo(context.Background(), porto, law))
	told, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	ok(t, h.svc.PublishTo(context.Background(), porto, law))
	again, err := h.store.Watermark(context.Background(), porto)
	ok(t, err)
	receipts, err := h.store.Receipts(context.Background(), porto, []string{"org:7:2026-11-25"})
	if ok(t, err); receipts[0].Command == "" || again != told {
		t.Errorf("the command of the organisation's entry is known as %q; told again it made %d entries",
			receipts[0].Command, again-told)
	}
}
