package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"doorstep/server/httpapi"
	"doorstep/server/play"
	"doorstep/server/record"
	"doorstep/server/store/sqlitestore"

	"golang.org/x/mod/sumdb/note"
)

// erasureAnswer is an erasure as the server answers it.
type erasureAnswer struct {
	httpapi.Erasure
	Certificate string `json:"certificate"`
}

// oneCase is an import of the case L1.C1 of the debtor L1.D1.
const oneCase = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on," +
	"address,postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor," +
	"amount_due_minor,due_date,priority,service_min,flags\n" +
	"C1,L1,card,house-visit,D1,Secret Name,en,,,1 Secret Street,,Town,GB,-1.5,53.5,,Europe/London,GBP,100,100," +
	"2026-07-01,1,10,\n"

// twoAdmins starts a server with a branch, two administrators and one case, L1.C1 of the debtor L1.D1.
func twoAdmins(t *testing.T, cfg Config) (s *running, first, second *play.Client) {
	t.Helper()
	ctx := context.Background()
	s, first, _ = oneBranch(t, cfg)
	second = &play.Client{Base: s.URL(), HTTP: first.HTTP}
	ok(t, first.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "two", "login": "two", "name": "Two",
		"password": adminPassword, "keep_password": true, "role": "admin"}, nil))
	ok(t, second.SignIn(ctx, "two", adminPassword, ""))
	ok(t, first.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv", strings.NewReader(oneCase), nil))
	return s, first, second
}

// TestAnErasedDebtorStaysErasedAfterARestore has two administrators erase a debtor over
// HTTP, and then restores an earlier copy of the data folder. The copy does not hold the
// erasure list.
func TestAnErasedDebtorStaysErasedAfterARestore(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	data := filepath.Join(root, "data")
	s, admin, second := twoAdmins(t, Config{Data: data})
	s.stop()
	backup := filepath.Join(root, "backup")
	ok(t, os.CopyFS(backup, os.DirFS(data)))

	s = run(t, Config{Data: data})
	admin.Base, second.Base = s.URL(), s.URL()
	var asked, done erasureAnswer
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase", map[string]any{"reason": "request"}, &asked))
	if asked.State != "asked" || asked.Certificate != "" {
		t.Fatalf("asked: %+v", asked)
	}
	confirm := "/v1/debtors/L1.D1/erase/" + asked.ID + "/confirm"
	if err := admin.Do(ctx, http.MethodPost, confirm, nil, nil); play.CodeOf(err) != "erasure.second_person" {
		t.Errorf("who asked confirms: %v", err)
	}
	ok(t, second.Do(ctx, http.MethodPost, confirm, nil, &done))
	key, err := note.NewVerifier(s.AuditKey())
	ok(t, err)
	signed, err := note.Open([]byte(done.Certificate), note.VerifierList(key))
	ok(t, err)
	var says httpapi.Erasure
	_, statement, _ := strings.Cut(signed.Text, "\n")
	ok(t, json.Unmarshal([]byte(statement), &says))
	if says.Debtor != "L1.D1" || says.State != "erased" || says.Entry == 0 || says.TreeSize < says.Entry ||
		says.TreeRoot == "" || says.ConfirmedBy != "two" {
		t.Errorf("the certificate says %+v", says)
	}
	erased := func(c *play.Client) bool {
		var file map[string]any
		ok(t, c.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
		return file["erased"] == true && file["debtor_name"] == nil && file["status"] == "closed"
	}
	if !erased(admin) {
		t.Error("the case file is not erased")
	}
	s.stop()
	list, err := os.ReadFile(data + "-secrets/erasures.jsonl")
	ok(t, err)
	if !bytes.Contains(list, []byte(`"debtor":"L1.D1"`)) || bytes.Contains(list, []byte("Secret")) {
		t.Errorf("the list holds %s", list)
	}

	// The restore leaves the list as it is; a crash cut its last line short. Once the
	// restored folder has the keys of the backup, and once it keeps its own.
	own, err := os.ReadFile(filepath.Join(data, sqlitestore.KeysFileName))
	ok(t, err)
	for _, keep := range []bool{false, true} {
		ok(t, os.RemoveAll(data))
		ok(t, os.CopyFS(data, os.DirFS(backup)))
		if keep {
			ok(t, os.WriteFile(filepath.Join(data, sqlitestore.KeysFileName), own, 0o600))
		}
		ok(t, os.WriteFile(data+"-secrets/erasures.jsonl", append(list, `{"erasure":"e`...), 0o600))
		s = run(t, Config{Data: data})
		admin.Base = s.URL()
		if !erased(admin) {
			t.Errorf("with its own keys %t, the backup brought the debtor back", keep)
		}
		s.stop()
	}
	if now, err := os.ReadFile(data + "-secrets/erasures.jsonl"); err != nil || !bytes.Equal(now, list) {
		t.Errorf("the list is now %s, %v", now, err)
	}
	ok(t, os.WriteFile(data+"-secrets/erasures.jsonl", []byte("nonsense\n"), 0o600))
	if err := opened(t, Config{Data: data}); err == nil || !strings.Contains(err.Error(), "line 1 of the erasure list") {
		t.Errorf("a list that does not read: %v", err)
	}
}

// TestAnAskedErasureIsWithdrawn withdraws an erasure over HTTP, tries to confirm it, and asks anew.
func TestAnAskedErasureIsWithdrawn(t *testing.T) {
	ctx := context.Background()
	_, first, second := twoAdmins(t, Config{Data: t.TempDir()})
	var asked, withdrawn, again, done erasureAnswer
	ask := func(into *erasureAnswer) {
		t.Helper()
		ok(t, first.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase", map[string]any{"reason": "request"}, into))
	}
	at := func(e *erasureAnswer, what string) string { return "/v1/debtors/L1.D1/erase/" + e.ID + what }
	refused := func(what string, err error, want string) {
		t.Helper()
		if play.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	ask(&asked)
	why := map[string]any{"reason": "wrong_debtor"}
	refused("in a sentence", second.Do(ctx, http.MethodPost, at(&asked, "/withdraw"),
		map[string]any{"reason": "it was Secret Name's brother"}, nil), "validation")
	refused("for another debtor", second.Do(ctx, http.MethodPost, "/v1/debtors/L1.D2/erase/"+asked.ID+"/withdraw", why,
		nil), "debtor.not_found")
	for range 2 { // again is harmless
		ok(t, first.Do(ctx, http.MethodPost, at(&asked, "/withdraw"), why, &withdrawn))
	}
	if withdrawn.State != "withdrawn" || withdrawn.WithdrawnBy != "admin" || withdrawn.Withdrawal != "wrong_debtor" ||
		withdrawn.WithdrawnAt.IsZero() || withdrawn.Certificate != "" {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	refused("confirmed after it was withdrawn", second.Do(ctx, http.MethodPost, at(&asked, "/confirm"), nil, nil),
		"erasure.withdrawn")
	var file map[string]any
	ok(t, first.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
	if file["debtor_name"] != "Secret Name" || file["status"] != "open" {
		t.Errorf("after the withdrawal the case file is %v", file)
	}

	ask(&again)
	if again.ID == asked.ID || again.State != "asked" {
		t.Fatalf("asked anew: %+v", again)
	}
	ok(t, second.Do(ctx, http.MethodPost, at(&again, "/confirm"), nil, &done))
	if done.State != "erased" || done.Certificate == "" {
		t.Errorf("confirmed: %+v", done)
	}
	refused("withdrawn after it was confirmed", first.Do(ctx, http.MethodPost, at(&again, "/withdraw"), why, nil),
		"erasure.confirmed")

	listed := func(query string) (states []string) {
		t.Helper()
		var page struct {
			Items []record.Erasure `json:"items"`
		}
		ok(t, second.Do(ctx, http.MethodGet, "/v1/erasures?branch=north"+query, nil, &page))
		for _, e := range page.Items {
			states = append(states, e.State+" "+e.Withdrawal)
		}
		return states
	}
	all := listed("")
	slices.Sort(all) // both may have been asked within the same second
	if want := []string{"erased ", "withdrawn wrong_debtor"}; !slices.Equal(all, want) {
		t.Errorf("the list shows %q, want %q", all, want)
	}
	if got, want := listed("&state=withdrawn"), []string{"withdrawn wrong_debtor"}; !slices.Equal(got, want) {
		t.Errorf("the list of the withdrawn shows %q, want %q", got, want)
	}
}
