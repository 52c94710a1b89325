package casework

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// pictureHash is the SHA-256 of a picture, as visits of these tests name it.
const pictureHash = "00aa11bb"

// storedState is what the room of attachments says of a picture of ana's visit v1.
func storedState(with ...func(*record.StoredAttachment)) record.StoredAttachment {
	a := record.StoredAttachment{Case: "north.c1", Debtor: "north.Dc1", Attachment: "a1", RecordType: "visits",
		Record: "v1", Kind: record.KindPhoto, By: "ana", Device: "d1", SHA256: pictureHash, Bytes: 9, Type: "image/jpeg",
		Reencoded: true, StoredSHA256: "ff", StoredBytes: 8, StoredType: "image/jpeg", Blob: "blob1",
		ThumbnailBlob: "blob2", ThumbnailBytes: 3, Key: seal.NewText("the key"), Filename: seal.NewText("Amélia.jpg")}
	for _, f := range with {
		f(&a)
	}
	return a
}

func codeOf(err error) string {
	if no, is := refusal.Of(err); is {
		return no.Code()
	}
	return fmt.Sprint(err)
}

func aVisitWithAPicture(h *fixture, id, of string) *phone {
	in := journal.CaseID("north." + of)
	h.take(line(of))
	h.issue("r"+of, "t1", "2026-11-25", []auth.UserID{"ana"}, in)
	ana := h.phone("ana", "d1")
	h.want("a visit", ana.put("visits", id, visit(in, "2026-11-25T10:00:00Z", "photos",
		[]any{members{"kind": "letter_left", "sha256": strings.ToUpper(pictureHash)}}, "attachments",
		[]any{members{"id": "a1", "sha256": pictureHash, "bytes": 9}})), "applied")
	return ana
}

// A record says what may be uploaded for it, to the agent whose record it is.
func TestEvidenceIsClaimedByItsRecord(t *testing.T) {
	h := newFixture(t)
	ana := aVisitWithAPicture(h, "v1", "c1")
	h.want("a payment of nothing", ana.put("payments_reported", "q1", members{"case": "north.c1",
		"at": "2026-11-25T10:00:00Z", "amount_minor": -5, "currency": "EUR", "attachments": []any{members{"id": "a7"}}}),
		"rejected validation.amount_minor")
	h.want("a correction of nothing", ana.put("visits", "v7", visit("north.c1", "2026-11-25T10:00:00Z", "supersedes",
		"v0", "attachments", []any{members{"id": "a7", "sha256": "77"}})), "rejected record.supersedes")
	claim := Claim{Agent: "ana", RecordType: "visits", Record: "v1", Attachment: "a1", SHA256: pictureHash, Bytes: 9}
	for _, c := range []struct {
		what   string
		change func(*Claim)
		want   string
	}{
		{"as it is named", func(*Claim) {}, "{north.c1 north.Dc1 photo}"},
		{"another spelling of the hash", func(c *Claim) { c.SHA256 = strings.ToUpper(c.SHA256) },
			"{north.c1 north.Dc1 photo}"},
		{"another agent", func(c *Claim) { c.Agent = "rui" }, "upload.record_first"},
		{"no such record", func(c *Claim) { c.Record = "v2" }, "upload.record_first"},
		{"a kind that names no evidence", func(c *Claim) { c.RecordType = "cases"; c.Record = "north.c1" },
			"upload.record_first"},
		{"an unknown kind", func(c *Claim) { c.RecordType = "x" }, "upload.record_first"},
		{"other bytes", func(c *Claim) { c.SHA256 = "cc" }, "upload.not_named"},
		{"another length", func(c *Claim) { c.Bytes = 10 }, "upload.bytes"},
		{"of what waits in quarantine", func(c *Claim) { c.Record, c.Attachment, c.SHA256 = "v7", "a7", "77" },
			"{north.c1 north.Dc1 document}"},
		{"of another agent's item", func(c *Claim) { c.Agent, c.Record, c.SHA256 = "rui", "v7", "77" },
			"upload.record_first"},
		{"of what cannot be read", func(c *Claim) { c.RecordType, c.Record, c.Attachment = "payments_reported", "q1", "a7" },
			"upload.record_first"},
	} {
		q := claim
		c.change(&q)
		got, err := h.svc.EvidenceClaimed(t.Context(), porto, q)
		said := fmt.Sprint(got)
		if err != nil {
			said = codeOf(err)
		}
		if said != c.want {
			t.Errorf("%s: %s, want %s", c.what, said, c.want)
		}
	}
	ok(t, h.vault.Erase(t.Context(), "north.Dc1"))
	if _, err := h.svc.EvidenceClaimed(t.Context(), porto, claim); codeOf(err) != "debtor.erased" {
		t.Errorf("of an erased debtor: %v", err)
	}
}

// Evidence is pending until its bytes are stored; then the phone, the case file and the lists say so.
func TestEvidenceIsPendingUntilItIsStored(t *testing.T) {
	h := newFixture(t)
	ana := aVisitWithAPicture(h, "v1", "c1")
	evidence := func() string { return string(jsonOf(t, h.child("north.c1", "visits", "v1")["evidence"])) }
	pending := func() string {
		p, err := h.svc.Visits(t.Context(), boss, VisitQuery{Branch: porto})
		ok(t, err)
		return list(t, p, "evidence_pending")
	}
	inbox := func() string {
		items, _, err := h.svc.Inbox(t.Context(), boss, porto, todoEvidence, 10, "")
		ok(t, err)
		var out []string
		for _, i := range items {
			out = append(out, fmt.Sprint(i.ID, i.Case, i.Who, i.Codes))
		}
		return strings.Join(out, " ")
	}
	if got := evidence(); got != `[{"id":"a1","kind":"photo","sha256":"00aa11bb","state":"pending"}]` || pending() != "1" {
		t.Errorf("before: %s, %s pending", got, pending())
	}
	if got := inbox(); got != "" {
		t.Errorf("the inbox has at once %s", got)
	}
	h.now = h.now.Add(evidencePatience + 2*time.Hour)
	if got := inbox(); got != "v1north.c1ana[photo]" {
		t.Errorf("the inbox has after three days %q", got)
	}
	r, err := h.svc.StoreAttachment(t.Context(), storedState())
	ok(t, err)
	if r.ID != "a1" || r.Blob != "blob1" {
		t.Errorf("the receipt is %+v", r)
	}
	want := `[{"attachment":"a1","id":"a1","kind":"photo","sha256":"00aa11bb","state":"stored"}]`
	if got := evidence(); got != want || pending() != "<nil>" || inbox() != "" {
		t.Errorf("after: %s, %s pending, inbox %s", got, pending(), inbox())
	}
	if ana.pull(); ana.holds("attachments") != "a1" {
		t.Errorf("the phone holds %q", ana.holds("attachments"))
	}
	// A correction that names the same bytes waits for nothing.
	h.want("a correction", ana.put("visits", "v2", visit("north.c1", "2026-11-25T10:00:00Z", "supersedes", "v1",
		"photos", []any{members{"kind": "letter_left", "sha256": pictureHash}})), "applied")
	if got := pending(); got != "<nil> <nil>" {
		t.Errorf("after the correction %s are pending", got)
	}
}

// Storing again changes nothing, and another agent's attachment of the same id stands beside it.
func TestAnAttachmentIsStoredOnce(t *testing.T) {
	h := newFixture(t)
	aVisitWithAPicture(h, "v1", "c1")
	aVisitWithAPicture(h, "v9", "c9")
	store := func(with ...func(*record.StoredAttachment)) AttachmentReceipt {
		t.Helper()
		r, err := h.svc.StoreAttachment(t.Context(), storedState(with...))
		ok(t, err)
		return r
	}
	first := store()
	if again := store(); again != first {
		t.Errorf("the same again: %+v", again)
	}
	if other := store(func(a *record.StoredAttachment) { a.Blob = "blob9" }); other != first {
		t.Errorf("other bytes of the same attachment: %+v", other)
	}
	rui := store(func(a *record.StoredAttachment) {
		a.By, a.Case, a.Debtor, a.Record = "rui", "north.c9", "north.Dc9", "v9"
	})
	if rui.ID == "a1" || rui.Blob != "blob1" {
		t.Errorf("another agent's: %+v", rui)
	}
	if n := len(h.fileIn(porto, "north.c1")["attachments"].([]any)); n != 1 {
		t.Errorf("the case has %d attachments", n)
	}
	if _, err := h.svc.StoreAttachment(t.Context(), storedState(func(a *record.StoredAttachment) {
		a.Attachment, a.Debtor = "a3", "north.Dc9"
	})); codeOf(err) != "upload.not_named" {
		t.Errorf("under another debtor's key: %v", err)
	}
}

// Who reads the bytes of an attachment: the office of the branch, and regulators.
func TestWhoReadsAnAttachment(t *testing.T) {
	h, _ := erasing(t)
	aVisitWithAPicture(h, "v1", "c1")
	h.take(line("c2"))
	_, err := h.svc.StoreAttachment(t.Context(), storedState())
	ok(t, err)
	read := func(a auth.Actor, of journal.CaseID, id string) string {
		got, err := h.svc.Attachment(t.Context(), a, porto, of, id)
		if err != nil {
			return codeOf(err)
		}
		return got.Key.Plain()
	}
	in := []auth.BranchID{porto}
	for _, c := range []struct {
		what string
		a    auth.Actor
		of   journal.CaseID
		id   string
		want string
	}{
		{"a supervisor", boss, "north.c1", "a1", "the key"},
		{"a regulator", auth.Actor{Role: auth.RoleAuditor, Regulator: true, Branches: in}, "north.c1", "a1", "the key"},
		{"an auditor", auth.Actor{Role: auth.RoleAuditor, Branches: in}, "north.c1", "a1", "attachment.not_found"},
		{"a lender", auth.Actor{Role: auth.RoleLender, Lender: "north", Branches: in}, "north.c1", "a1",
			"attachment.not_found"},
		{"an agent", auth.Actor{User: "ana", Role: auth.RoleAgent, Branches: in}, "north.c1", "a1", "attachment.not_found"},
		{"another branch", auth.Actor{Role: auth.RoleSupervisor, Branches: []auth.BranchID{"braga"}}, "north.c1", "a1",
			"attachment.not_found"},
		{"under another case", boss, "north.c2", "a1", "attachment.not_found"},
		{"another id", boss, "north.c1", "a2", "attachment.not_found"},
	} {
		if got := read(c.a, c.of, c.id); got != c.want {
			t.Errorf("%s reads %s, want %s", c.what, got, c.want)
		}
	}
	// Nobody is shown the key or the names of the blobs.
	file := string(jsonOf(t, h.fileIn(porto, "north.c1")))
	for _, secret := range []string{"the key", "blob1", "blob2"} {
		if strings.Contains(file, secret) {
			t.Errorf("the case file shows %q", secret)
		}
	}
	var blobs []string
	note := func(b string) error { blobs = append(blobs, b); return nil }
	ok(t, h.svc.ErasedBlobs(t.Context(), porto, note))
	if len(blobs) > 0 {
		t.Errorf("blobs of erased debtors before an erasure: %v", blobs)
	}
	h.erase("north.Dc1")
	if ok(t, h.svc.ErasedBlobs(t.Context(), porto, note)); fmt.Sprint(blobs) != "[blob1 blob2]" {
		t.Errorf("blobs of erased debtors: %v", blobs)
	}
	if _, err := h.svc.Attachment(t.Context(), boss, porto, "north.c1", "a1"); !errors.Is(err, seal.ErrErased) {
		t.Errorf("of an erased debtor: %v", err)
	}
}

// Evidence may be brought while the phones of the agent hold the case, and after that if the agent visited or the day
// was over; not of what was taken back before.
func TestEvidenceOfWhatWasTakenBackIsNotBrought(t *testing.T) {
	h := newFixture(t)
	h.svc.teams = works{"t1": {"west"}, "t2": {"west"}}
	h.take(line("c1"), line("c2"), line("c3"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana", "rui"}, "north.c1", "north.c2", "north.c3")
	ana := h.phone("ana", "d1")
	check := func(what string, agent auth.UserID, of journal.CaseID, want bool) {
		t.Helper()
		if got, err := h.svc.EvidenceOpen(t.Context(), porto, agent, of); err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", what, got, err, want)
		}
	}
	check("a stop of today", "ana", "north.c1", true)
	check("of a colleague", "rui", "north.c1", true)
	check("of a stranger", "eva", "north.c1", false)
	check("a case that is elsewhere", "ana", "north.c9", true)
	h.want("a visit", ana.put("visits", "v1", visit("north.c1", "2026-11-25T10:05:00Z")), "applied")
	h.want("a note", ana.put("visit_notes", "n1", members{"case": "north.c2", "at": "2026-11-25T10:05:00Z", "text": "x"}),
		"applied")
	for _, of := range []journal.CaseID{"north.c1", "north.c2"} {
		h.must(Reassign{Case: of, Team: ptr("t2")})
	}
	check("visited, then given to others", "ana", "north.c1", true)
	check("given to others before", "ana", "north.c2", false)
	h.now = instant("2026-11-26T00:00:30Z")
	h.retire("2026-11-26", "day:2026-11-26")
	check("its day is over", "ana", "north.c3", true)
	check("its day is over, and it was not the agent's any more", "ana", "north.c2", false)
}
