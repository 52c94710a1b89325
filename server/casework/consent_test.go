package casework

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/record"
)

// aHash stands for the hash of a text that was shown.
var aHash = strings.Repeat("ab", 32)

func consent(scope, status, at string) record.Consent {
	return record.Consent{ConsentReport: record.ConsentReport{Scope: scope, Status: status,
		About: record.About{At: instant(at)}, Method: "verbal_recorded", TextSHA256: aHash,
		Evidence: &record.Evidence{Recording: "rec1"}}}
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
		{"another of the scope withdrawn by name, and an earlier one arrives later",
			[]record.Consent{withdrawn("visit_time", "2026-11-25T10:00:00Z", "k9"),
				given("visit_time", "2026-11-25T09:00:00Z")}, ""},
		{"another of the scope withdrawn by name, after both were there",
			[]record.Consent{given("visit_time", "2026-11-25T09:00:00Z"),
				withdrawn("visit_time", "2026-11-25T10:00:00Z", "k9")}, "visit_time"},
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
			all = append(all, Filed[record.Consent]{ID: fmt.Sprintf("k%d", i), N: uint64(i + 1), State: k})
		}
		var hold []string
		for _, k := range conductConsents(&File{Consents: all}, "2026-11-25") {
			if k.ExpiresAt == conduct.At(instant("2026-11-28T00:00:00Z")) {
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
	h := newFixture(t)
	h.take(line("c1"))
	h.issue("r1", "t1", "2026-11-25", []auth.UserID{"ana"}, "north.c1")
	ana := h.phone("ana", "d1")
	consent := members{"case": "north.c1", "at": "2026-11-25T09:00:00Z", "scope": "contact_time", "status": "given",
		"method": "on_screen_signature", "language": "pt",
		"notice_version": "3", "text_shown_sha256": aHash, "valid_from": "2026-11-25T09:00:00Z",
		"expires_at": "2027-01-01T00:00:00Z", "limits": members{"days": []string{"wed"}, "from": "08:00",
			"to": "22:00", "channels": []string{"visit"}, "max_uses": 2}, "legal_basis": "consent",
		"pii_categories": []string{"contact"}, "sensitive": true, "controller": "LND-A",
		"processor": "Agency, Lda.", "third_parties": []string{"tp-1"}, "evidence": members{"recording_ref": "r1",
			"signature_sha256": "bb", "gps_bucket": "ez3fh"},
		"receipt": members{"receipt_id": "rc1", "delivered_via": "sms", "delivered_at": "2026-11-25T09:05:00Z",
			"verify_url": "https://example.org/r"}, "principal": "debtor", "later_member": 1}
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
	if a, b, c := h.flags("v1"), h.flags("v2"), h.flags("v3"); a != "" || b != "correction unlawful" ||
		c != "correction unlawful" {
		t.Errorf("flagged %q, %q and %q", a, b, c)
	}
	h.want("one of earlier, come late", ana.put("consents", "k3", members{"case": "north.c1", "at": "2026-11-25T20:00:00Z",
		"scope": "contact_time", "status": "given"}), "applied")
	h.want("no recording", ana.put("consents", "k4", members{"case": "north.c1", "at": "2026-11-25T20:00:00Z",
		"scope": "recording_audio", "status": "refused"}), "applied")
	for id, want := range map[string]string{"k3": "consent_unproven consent_late late", "k4": "recording_refused"} {
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

// A consent lifts only what it says: it is the debtor's own, proven, and within its limits.
func TestAConsentLiftsNothingBeyondItself(t *testing.T) {
	given := func(change func(*record.Consent)) record.Consent {
		c := given("contact_time", "2026-11-20T09:00:00Z")
		if change != nil {
			change(&c)
		}
		return c
	}
	limits := func(l record.ConsentLimits) record.Consent {
		return given(func(c *record.Consent) { c.Limits = &l })
	}
	for name, x := range map[string]struct {
		c    record.Consent
		held bool // on Wednesday 25 November at 21:00
	}{
		"the debtor's":                    {given(nil), true},
		"their guardian's":                {given(func(c *record.Consent) { c.Principal = "guardian" }), true},
		"a neighbour's":                   {given(func(c *record.Consent) { c.Principal = "neighbour" }), false},
		"a spouse's":                      {given(func(c *record.Consent) { c.Principal = "spouse" }), false},
		"without method":                  {given(func(c *record.Consent) { c.Method = "" }), false},
		"without text":                    {given(func(c *record.Consent) { c.TextSHA256 = "" }), false},
		"with a hash that is none":        {given(func(c *record.Consent) { c.TextSHA256 = "abab" }), false},
		"without evidence":                {given(func(c *record.Consent) { c.Evidence = nil }), false},
		"with evidence of another method": {given(func(c *record.Consent) { c.Method = "on_screen_signature" }), false},
		"by message": {given(func(c *record.Consent) {
			c.Method, c.Evidence = "sms_reply", &record.Evidence{Message: "m1"}
		}), true},
		"on Wednesdays":            {limits(record.ConsentLimits{Days: []string{"wed"}}), true},
		"on Mondays":               {limits(record.ConsentLimits{Days: []string{"mon", "thu"}}), false},
		"until eight":              {limits(record.ConsentLimits{From: "08:00", To: "20:00"}), false},
		"until midnight":           {limits(record.ConsentLimits{From: "20:00", To: "00:00"}), true},
		"from ten over midnight":   {limits(record.ConsentLimits{From: "22:00", To: "02:00"}), false},
		"from eight over midnight": {limits(record.ConsentLimits{From: "20:00", To: "02:00"}), true},
		"for calls":                {limits(record.ConsentLimits{Channels: []string{"call"}}), false},
		"for visits": {limits(record.ConsentLimits{
			Channels: []string{"call", "visit"}}), true},
		"for one contact, used up": {limits(record.ConsentLimits{MaxUses: 1}), false},
		"for two contacts":         {limits(record.ConsentLimits{MaxUses: 2}), true},
		"for two visits, calls do not count": {limits(record.ConsentLimits{
			MaxUses: 2, Channels: []string{"visit"}}), true},
		"for one call": {limits(record.ConsentLimits{
			MaxUses: 1, Channels: []string{"call", "visit"}}), false},
		"valid from tomorrow": {given(func(c *record.Consent) {
			c.ValidFrom = instant("2026-11-26T00:00:00Z")
		}), false},
		"valid until 2190": {given(func(c *record.Consent) {
			c.ExpiresAt = instant("2190-01-01T00:00:00Z")
		}), true},
		"valid until noon": {given(func(c *record.Consent) {
			c.ExpiresAt = instant("2026-11-25T12:00:00Z")
		}), false},
		"written down a day late": {given(func(c *record.Consent) {
			c.RecordedAt = instant("2026-11-26T09:00:00Z")
		}), false},
	} {
		t.Run(name, func(t *testing.T) {
			k := record.Case{ID: "north.c1", Debtor: "north.d1", TimeZone: "Europe/Lisbon"}
			f := &File{Case: k, Consents: []Filed[record.Consent]{{ID: "k1", State: x.c}}}
			f.addContact("call", record.Contact{Case: "north.c1", Debtor: "north.d1", Channel: "call", Result: "no_answer",
				At: instant("2026-11-21T10:00:00Z"), Party: "debtor"})
			at := instant("2026-11-25T21:00:00Z")
			held := false
			for _, c := range conductConsents(f, "2026-11-25") {
				if c.Scope == "contact_time" && !at.Before(mustTime(t, c.ValidFrom)) && at.Before(mustTime(t, c.ExpiresAt)) {
					held = true
				}
			}
			if held != x.held {
				t.Errorf("it holds: %t, want %t", held, x.held)
			}
		})
	}
}

// mustTime reads an instant of a conduct question.
func mustTime(t *testing.T, w conduct.When) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, w.String())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// No phone undoes a withdrawal; the office can.
func TestNoPhoneUndoesAWithdrawal(t *testing.T) {
	for device, held := range map[auth.DeviceID]bool{"d1": false, "": true} {
		undo := consent("visit_time", "requested", "2026-11-21T11:00:00Z")
		undo.Supersedes, undo.Device = "k1", device
		all := []Filed[record.Consent]{{ID: "k0", State: given("visit_time", "2026-11-21T09:00:00Z")},
			{ID: "k1", State: consent("visit_time", "withdrawn", "2026-11-21T10:00:00Z")}, {ID: "k2", State: undo}}
		if got := len(conductConsents(&File{Consents: all}, "2026-11-25")) > 0; got != held {
			t.Errorf("superseded by %q: the consent holds: %t", device, got)
		}
	}
}
