package casework

import (
	"fmt"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/record"
)

func consent(scope, status, at string) record.Consent {
	return record.Consent{ConsentReport: record.ConsentReport{Scope: scope, Status: status,
		About: record.About{At: instant(at)}}}
}

func given(scope, at string) record.Consent { return consent(scope, "given", at) }

func TestWhichConsentsHold(t *testing.T) {
	withdrawn := func(scope, at, of string) record.Consent {
		c := consent(scope, "withdrawn", at)
		c.Withdraws = of
		return c
	}
	refused := func(scope, at string) record.Consent {
		return consent(scope, "refused", at)
	}
	superseding := given("home_entry", "2026-11-25T09:00:00Z")
	superseding.Supersedes = "k0"
	for _, c := range []struct {
		name string
		all  []record.Consent
		want string // scopes that hold
	}{
		{"given", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z")}, "visit_time"},
		{"asked for only", []record.Consent{consent("visit_time", "requested", "2026-11-25T09:00:00Z")}, ""},
		{"refused", []record.Consent{refused("visit_time", "2026-11-25T09:00:00Z")}, ""},
		{"given, then withdrawn", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z"),
			withdrawn("visit_time", "2026-11-25T10:00:00Z", "")}, ""},
		{"given, then that one withdrawn by name", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z"),
			withdrawn("visit_time", "2026-11-25T10:00:00Z", "k0")}, ""},
		{"withdrawn, and an earlier one arrives later", []record.Consent{withdrawn("visit_time", "2026-11-25T10:00:00Z", ""),
			given("visit_time", "2026-11-25T09:00:00Z")}, ""},
		{"withdrawn, then given anew", []record.Consent{withdrawn("visit_time", "2026-11-25T09:00:00Z", ""),
			given("visit_time", "2026-11-25T10:00:00Z")}, "visit_time"},
		{"another scope withdrawn", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z"),
			withdrawn("home_entry", "2026-11-25T10:00:00Z", "")}, "visit_time"},
		{"given, then refused", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z"),
			refused("visit_time", "2026-11-25T10:00:00Z")}, ""},
		{"superseded", []record.Consent{given("visit_time", "2026-11-25T09:00:00Z"), superseding}, "home_entry"},
	} {
		var all []Filed[record.Consent]
		for i, k := range c.all {
			all = append(all, Filed[record.Consent]{ID: fmt.Sprintf("k%d", i), State: k})
		}
		var hold []string
		for _, k := range conductConsents(all) {
			if k.RevokedAt.IsZero() {
				hold = append(hold, k.Scope)
			}
		}
		if got := strings.Join(hold, " "); got != c.want {
			t.Errorf("%s: %q hold, want %q", c.name, got, c.want)
		}
	}
}

// A consent lifts its own scope's rule and no other; its withdrawal ends that.
func TestAConsentLiftsOnlyItsScope(t *testing.T) {
	h := newHouse(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	consent := members{"case": "north.c1", "at": "2026-11-25T09:00:00Z", "scope": "contact_time", "status": "given",
		"method": "on_screen_signature", "language": "pt",
		"notice_version": "3", "text_shown_sha256": "aa", "valid_from": "2026-11-25T09:00:00Z",
		"expires_at": "2027-01-01T00:00:00Z", "limits": members{"days": []string{"mon"}, "from": "08:00",
			"to": "22:00", "channels": []string{"visit"}, "max_uses": 2}, "legal_basis": "consent",
		"pii_categories": []string{"contact"}, "sensitive": true, "controller": "LND-A",
		"processor": "Agency, Lda.", "third_parties": []string{"tp-1"}, "evidence": members{"recording_ref": "r1",
			"signature_sha256": "bb", "gps_bucket": "ez3fh"},
		"receipt": members{"receipt_id": "rc1", "delivered_via": "sms", "delivered_at": "2026-11-25T09:05:00Z",
			"verify_url": "https://example.org/r"}, "principal": "spouse", "later_member": 1}
	h.want("given", ana.put("consents", "k1", consent), "applied")
	got := h.child("north.c1", "consents", "k1")
	for name := range consent {
		if name == "later_member" {
			continue // kept apart, under more
		}
		if _, there := got[name]; !there {
			t.Errorf("%s is lost", name)
		}
	}
	h.want("late in the evening", ana.put("visits", "v1", visit("north.c1", "2026-11-25T21:00:00Z")), "applied")
	h.want("and at the workplace", ana.put("visits", "v2", visit("north.c1", "2026-11-25T21:10:00Z", "place", "workplace",
		"supersedes", "v1")), "applied")
	h.want("withdrawn", ana.put("consents", "k2", members{"case": "north.c1", "at": "2026-11-25T21:20:00Z",
		"scope": "contact_time", "status": "withdrawn", "withdraws": "k1", "withdrawn_via": "verbal"}), "applied")
	h.want("later still", ana.put("visits", "v3", visit("north.c1", "2026-11-25T21:30:00Z", "supersedes", "v2")),
		"applied")
	if a, b, c := h.flags("v1"), h.flags("v2"), h.flags("v3"); a != "" || b != "unlawful" || c != "unlawful" {
		t.Errorf("flagged %q, %q and %q", a, b, c)
	}
	h.want("one of earlier, come late", ana.put("consents", "k3", members{"case": "north.c1", "at": "2026-11-25T20:00:00Z",
		"scope": "contact_time", "status": "given"}), "applied")
	h.want("no recording", ana.put("consents", "k4", members{"case": "north.c1", "at": "2026-11-25T20:00:00Z",
		"scope": "recording_audio", "status": "refused"}), "applied")
	for id, want := range map[string]string{"k3": "consent_late late", "k4": "recording_refused"} {
		var k record.Consent
		if h.stored("consents", id, &k); strings.Join(k.Flags, " ") != want {
			t.Errorf("%s is flagged %v, want %s", id, k.Flags, want)
		}
	}
	for what, bad := range map[string]members{
		"validation.scope":         {"scope": "everything", "status": "given"},
		"validation.status":        {"scope": "home_entry"},
		"validation.third_parties": {"scope": "home_entry", "status": "given", "third_parties": []string{"Maria Silva"}},
		"validation.gps_bucket": {"scope": "home_entry", "status": "given",
			"evidence": members{"gps_bucket": "ez3fh5xk9"}},
		"validation.expires_at": {"scope": "home_entry", "status": "given", "expires_at": "2026-11-25T08:00:00Z"},
	} {
		bad["case"], bad["at"] = "north.c1", "2026-11-25T09:00:00Z"
		h.want(what, ana.put("consents", "bad", bad), "rejected "+what)
	}
}
