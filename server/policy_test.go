package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/office"
	"doorstep/server/play"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

const (
	// gbHoliday adds a holiday to the calendar of the profile uk.
	gbHoliday = "schema: conduct-policy/v1\ncalendars:\n  GB: [2026-11-27]\n"
	// xxProfile is a profile that no other pack has.
	xxProfile = "schema: conduct-policy/v1\nprofiles:\n  xx: {id: xx, title: Elsewhere, status: in_force, extends: [base]}\n"
)

// oneBranch starts a server with a branch and one agent's phone.
func oneBranch(t *testing.T, cfg Config) (s *running, admin *play.Client, phone *play.Phone) {
	t.Helper()
	s = run(t, cfg)
	ctx, h := context.Background(), &http.Client{Transport: newContract(t, s.Server)}
	admin = &play.Client{Base: s.URL(), HTTP: h}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	phone = play.NewPhone(s.URL(), "ann", "ann-phone", h)
	ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/north",
		map[string]any{"name": "North", "time_zone": "Europe/London", "country": "GB"}, nil))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "ann", "login": "ann", "name": "Ann",
		"password": adminPassword, "keep_password": true, "role": "agent", "branches": []string{"north"},
		"badge_no": "B1"}, nil))
	ok(t, phone.SignIn(ctx, "ann", adminPassword, phone.Device))
	return s, admin, phone
}

// put sends a pack as YAML.
func put(ctx context.Context, c *play.Client, name, pack string, into any) error {
	return c.Send(ctx, http.MethodPut, "/v1/conduct/packs/"+name, "application/yaml", strings.NewReader(pack), into)
}

// trusted verifies and loads the policy from pulled records and the key, as an app would.
// It uses only conduct.Load of our code.
func trusted(t *testing.T, key string, docs map[string]json.RawMessage) (record.Policy, *conduct.Policy) {
	t.Helper()
	var head record.Policy
	ok(t, json.Unmarshal(docs["conduct"], &head))
	text, sigs, found := strings.Cut(head.Signed, "\n\n")
	text += "\n"
	fields := strings.SplitN(key, "+", 3)
	if !found || len(fields) != 3 {
		t.Fatalf("the note %q, the key %q", head.Signed, key)
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	ok(t, err)
	b64, found := strings.CutPrefix(strings.TrimSuffix(sigs, "\n"), "— "+fields[0]+" ")
	sig, err := base64.StdEncoding.DecodeString(b64)
	ok(t, err)
	if !found || raw[0] != 1 || hex.EncodeToString(sig[:4]) != fields[1] ||
		!ed25519.Verify(raw[1:], []byte(text), sig[4:]) {
		t.Fatal("the policy's signature is not of the deployment's key")
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	begins := []string{"doorstep conduct policy", head.Hash, fmt.Sprintf("org %d", head.Org), "dated " + head.Dated,
		fmt.Sprintf("semantics %d", head.Semantics), "policy_hash " + head.HashFormula}
	if !slices.Equal(lines[:6], begins) || head.Org == 0 || head.Semantics != conduct.Semantics {
		t.Fatalf("what is signed begins %q, and the head says %q", lines[:6], begins)
	}
	var packs [][]byte
	for _, line := range lines[6:] {
		sha, name, _ := strings.Cut(line, " ")
		var part record.Policy
		ok(t, json.Unmarshal(docs[name], &part))
		if sum := sha256.Sum256([]byte(part.Text)); hex.EncodeToString(sum[:]) != sha {
			t.Fatalf("part %s is not the one that is signed", name)
		}
		if name == conduct.ZonesPart {
			continue
		}
		packs = append(packs, []byte(part.Text))
	}
	if len(packs)+2 != len(docs) || len(head.Parts) != len(packs)+1 {
		t.Errorf("%d records, %d parts listed, %d signed", len(docs), len(head.Parts), len(packs))
	}
	p, err := conduct.Load(packs...)
	ok(t, err)
	return head, p
}

// bankHoliday asks about a visit on the day that gbHoliday closes.
var bankHoliday = map[string]any{"profiles": []string{"uk"},
	"action": map[string]any{"channel": "visit", "at": "2026-11-27T11:00:00", "place": "home", "agents": 2}}

func decide(t *testing.T, c *play.Client, query string) conduct.Decision {
	t.Helper()
	var d conduct.Decision
	ok(t, c.Do(context.Background(), http.MethodPost, "/v1/conduct/decisions"+query, bankHoliday, &d))
	return d
}

// pairsOf returns hits as JSON, as the answer has them.
func pairsOf(hits []conduct.Hit) string {
	text, _ := json.Marshal(hits)
	return string(text)
}

func closes(hits []conduct.Hit) bool {
	return slices.ContainsFunc(hits, func(h conduct.Hit) bool { return h.Reason == "CLOSED_DAY" })
}

// TestAPhoneJudgesFromItsFeed pulls the policy, verifies it, and judges offline as the
// server does. After a new pack a pull brings only the parts that changed.
func TestAPhoneJudgesFromItsFeed(t *testing.T) {
	cfg := Config{Data: t.TempDir(), Now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)} // a Wednesday
	s, admin, phone := oneBranch(t, cfg)
	ctx := context.Background()
	var key struct{ Key string }
	ok(t, phone.Do(ctx, http.MethodGet, "/v1/conduct/key", nil, &key))
	pull := func(want int) {
		t.Helper()
		n, err := phone.Pull(ctx)
		ok(t, err)
		if n != want && want >= 0 {
			t.Fatalf("%d changes were pulled, want %d", n, want)
		}
	}
	agrees := func() (record.Policy, conduct.Decision) {
		t.Helper()
		head, p := trusted(t, key.Key, phone.Docs["policy"])
		body, err := json.Marshal(bankHoliday)
		ok(t, err)
		q, err := conduct.ParseRequest(body)
		ok(t, err)
		here, err := p.Decide(t.Context(), q)
		ok(t, err)
		there := decide(t, admin, "")
		if pairsOf(here.All) != pairsOf(there.All) || there.PolicyHash != head.Hash {
			t.Errorf("the phone says %v under %s, the server %v under %s", here.All, head.Hash, there.All, there.PolicyHash)
		}
		return head, there
	}
	pull(-1)
	first, before := agrees()
	pull(0)

	ok(t, put(ctx, admin, "gb-2026", gbHoliday, nil))
	pull(2) // the calendar and the head
	second, after := agrees()
	if closes(before.All) || !closes(after.All) || second.Org <= first.Org || second.Hash == first.Hash {
		t.Errorf("before %v under %s, after %v under %s", before.All, first.Hash, after.All, second.Hash)
	}
	if d := decide(t, admin, "?policy_hash="+first.Hash); closes(d.All) || d.PolicyHash != first.Hash {
		t.Errorf("under the law of its day: %v under %s", d.All, d.PolicyHash)
	}
	var past struct {
		Packs  []string
		Signed string
	}
	ok(t, admin.Do(ctx, http.MethodGet, "/v1/conduct/policy?hash="+first.Hash, nil, &past))
	sum := sha256.New()
	for _, b64 := range past.Packs {
		text, err := base64.StdEncoding.DecodeString(b64)
		ok(t, err)
		sum.Write(text)
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != first.Hash {
		t.Errorf("the past policy's packs hash to %s, want %s", got, first.Hash)
	}
	// A phone that has seen a newer one does not take what is signed of it for the newest.
	if want := fmt.Sprintf("\norg %d\ndated %s\n", first.Org, first.Dated); !strings.Contains(past.Signed, want) {
		t.Errorf("of the past policy is signed %q, want %q", past.Signed, want)
	}
	ok(t, put(ctx, admin, "gb-2026", gbHoliday, nil)) // the same pack changes nothing
	pull(0)

	again := func() {
		s.stop()
		s = run(t, cfg)
		admin.Base, phone.Base = s.URL(), s.URL()
	}
	t.Run("a start changes nothing", func(t *testing.T) {
		again()
		pull(0)
		if _, d := agrees(); !closes(d.All) {
			t.Error("the pack is forgotten")
		}
	})
	t.Run("a pack taken away", func(t *testing.T) {
		ok(t, admin.Do(ctx, http.MethodDelete, "/v1/conduct/packs/gb-2026", nil, nil))
		pull(2)
		if head, d := agrees(); head.Hash != first.Hash || closes(d.All) {
			t.Errorf("under %s, want %s: %v", head.Hash, first.Hash, d.All)
		}
	})
	t.Run("what ships replaced, and back", func(t *testing.T) {
		var shipped bytes.Buffer
		ok(t, admin.Do(ctx, http.MethodGet, "/v1/conduct/packs/default", nil, &shipped))
		var list struct {
			Hash  string        `json:"policy_hash"`
			Items []office.Pack `json:"items"`
		}
		ok(t, put(ctx, admin, "default", strings.Replace(shipped.String(), `GB: ["2026-01-01"`, `GB: ["2026-11-27"`, 1),
			&list))
		if len(list.Items) != 1 || list.Items[0].Origin != office.PackPut || !closes(decide(t, admin, "").All) {
			t.Errorf("replaced: %+v", list)
		}
		again()
		if d := decide(t, admin, ""); d.PolicyHash != list.Hash {
			t.Error("a start undid what an administrator put")
		}
		ok(t, admin.Do(ctx, http.MethodDelete, "/v1/conduct/packs/default", nil, &list))
		if list.Hash != first.Hash || list.Items[0].Origin != office.PackShipped {
			t.Errorf("brought back: %+v", list)
		}
	})
	t.Run("new offsets each week", func(t *testing.T) {
		_, err := phone.Pull(ctx)
		ok(t, err)
		was, _ := agrees()
		cfg.Now = time.Date(2026, 11, 30, 0, 0, 1, 0, time.UTC)
		again()
		ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
		ok(t, phone.SignIn(ctx, "ann", adminPassword, phone.Device))
		pull(2) // the offsets and the head
		if now, _ := agrees(); was.Dated != "2026-11-23" || now.Dated != "2026-11-30" || now.Org != was.Org {
			t.Errorf("dated %s of %d, then %s of %d", was.Dated, was.Org, now.Dated, now.Org)
		}
	})
}

// TestAPackThatIsWrongChangesNothing sends invalid packs, and packs from users who may not send them.
func TestAPackThatIsWrongChangesNothing(t *testing.T) {
	s, admin, phone := oneBranch(t, Config{Data: t.TempDir()})
	ctx := context.Background()
	_, err := phone.Pull(ctx)
	ok(t, err)
	ok(t, put(ctx, admin, "xx", xxProfile, nil))
	names := func(profiles ...string) {
		t.Helper()
		ok(t, admin.Do(ctx, http.MethodPut, "/v1/branches/north", map[string]any{"name": "North",
			"time_zone": "Europe/London", "country": "GB", "profiles": profiles}, nil))
	}
	names("xx")
	hash := s.law.Policy().Hash()
	for _, c := range []struct {
		name, pack, kind string
		status           int
		code, says       string
	}{
		{"gb", "schema: conduct-policy/v1\ncalendars:\n  GB:\n    - 2026-02-30\n", "application/yaml", 400, "conduct.pack",
			"gb, line 4, calendars.GB[0]: write a date"},
		{"gb", "", "application/yaml", 400, "conduct.pack", "empty"},
		{"gb", "{", "application/json", 400, "conduct.pack", "gb, line 1"},
		{"gb", gbHoliday, "text/csv", 415, "media_type", "application/yaml"},
		{"g b", gbHoliday, "application/yaml", 422, "pack.name", "letters"},
		{"gb", "# " + strings.Repeat("x", office.MaxPackBytes), "application/yaml", 413, "too_large", "524288"},
		{"xx", gbHoliday, "application/yaml", 409, "conduct.profile_gone", "xx"},
	} {
		err := admin.Send(ctx, http.MethodPut, "/v1/conduct/packs/"+strings.ReplaceAll(c.name, " ", "%20"), c.kind,
			strings.NewReader(c.pack), nil)
		if play.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) ||
			!strings.Contains(err.Error(), fmt.Sprint(c.status)) {
			t.Errorf("%.60q: %v, want %d %s with %q", c.pack, err, c.status, c.code, c.says)
		}
	}
	for _, c := range []struct {
		who          *play.Client
		method, path string
		code         string
	}{
		{admin, http.MethodDelete, "/v1/conduct/packs/xx", "conduct.profile_gone"},
		{admin, http.MethodDelete, "/v1/conduct/packs/nothing", "pack.not_found"},
		{admin, http.MethodDelete, "/v1/conduct/packs/default", "pack.not_found"},
		{admin, http.MethodGet, "/v1/conduct/packs/nothing", "pack.not_found"},
		{admin, http.MethodGet, "/v1/conduct/policy?hash=sha256:" + strings.Repeat("0", 64), "pack.no_policy"},
		{admin, http.MethodGet, "/v1/conduct/policy?hash=in_force", "pack.no_policy"},
		{&phone.Client, http.MethodDelete, "/v1/conduct/packs/xx", "auth.role"},
		{&phone.Client, http.MethodPut, "/v1/conduct/packs/xx", "auth.role"},
	} {
		if err := c.who.Do(ctx, c.method, c.path, nil, nil); play.CodeOf(err) != c.code {
			t.Errorf("%s %s: %v, want %s", c.method, c.path, err, c.code)
		}
	}
	if got := s.law.Policy().Hash(); got != hash {
		t.Error("a refused change changed the policy")
	}
	names()
	ok(t, admin.Do(ctx, http.MethodDelete, "/v1/conduct/packs/xx", nil, nil))
	if s.law.Policy().Has("xx") {
		t.Error("a profile that nothing names stayed")
	}
	// A profile is retired by making it a draft.
	ok(t, put(ctx, admin, "xx", strings.Replace(xxProfile, "in_force", "draft", 1), nil))
}

// TestAnotherNodeTakesUpAPack runs two nodes on one store: the second judges by a pack sent
// to the first, and a slow node does not bring an old policy back.
func TestAnotherNodeTakesUpAPack(t *testing.T) {
	s, admin, phone := oneBranch(t, Config{Data: t.TempDir()})
	ctx := context.Background()
	other := s.lawbook()
	ok(t, other.TakeUp(ctx))
	_, slow := other.InForce()
	ok(t, put(ctx, admin, "gb", gbHoliday, nil))
	if other.Policy().Hash() == s.law.Policy().Hash() {
		t.Fatal("the other node knows before it looked")
	}
	w, err := s.journal.Watermark(ctx, "north")
	ok(t, err)
	ok(t, other.TakeUp(ctx))
	if other.Policy().Hash() != s.law.Policy().Hash() {
		t.Error("the other node judges by another policy")
	}
	if now, err := s.journal.Watermark(ctx, "north"); err != nil || now != w {
		t.Errorf("telling the phones a second time made entries %d to %d: %v", w, now, err)
	}
	// Even under another command id the old policy is not published again.
	slow.Signed += " "
	_, err = s.casework.One(ctx, auth.System(), "north",
		casework.Request{ID: "late", Cmd: casework.PublishPolicy{Law: slow}})
	ok(t, err)
	_, err = phone.Pull(ctx)
	ok(t, err)
	var head record.Policy
	ok(t, json.Unmarshal(phone.Docs["policy"]["conduct"], &head))
	if head.Hash != s.law.Policy().Hash() {
		t.Error("a slow node brought the old policy back to the phones")
	}
	if rs, err := s.store.Receipts(ctx, "north", []string{fmt.Sprintf("org:%d:%s", head.Org, head.Dated)}); err != nil ||
		rs[0].Command == "" {
		t.Errorf("the branch did not hear by the command org:%d: %v", head.Org, err)
	}
	if _, err := s.store.PageOf(ctx, auth.OrgBranch, head.Org); journal.IsNotFound(err) {
		t.Error("the organisation's journal has no such entry")
	}
}
