package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/server/httpapi"
	"doorstep/server/play"

	"golang.org/x/mod/sumdb/note"
)

// TestAnErasedDebtorStaysErasedAfterARestore has two administrators erase a debtor over
// HTTP, and then restores an earlier copy of the data folder. The copy does not hold the
// erasure list.
func TestAnErasedDebtorStaysErasedAfterARestore(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	data := filepath.Join(root, "data")
	s, admin, _ := oneBranch(t, Config{Data: data})
	second := &play.Client{Base: s.URL(), HTTP: admin.HTTP}
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "two", "login": "two", "name": "Two",
		"password": adminPassword, "keep_password": true, "role": "admin"}, nil))
	ok(t, second.SignIn(ctx, "two", adminPassword, ""))
	const cases = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address,postal_code,city,country,lon,lat," +
		"address_verified_on,time_zone,currency,principal_minor,amount_due_minor,due_date,priority,service_min,flags\n" +
		"C1,L1,card,house-visit,D1,Secret Name,en,,,1 Secret Street,,Town,GB,-1.5,53.5,,Europe/London,GBP,100,100,2026-07-01,1,10,\n"
	ok(t, admin.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv", strings.NewReader(cases), nil))
	s.stop()
	backup := filepath.Join(root, "backup")
	ok(t, os.CopyFS(backup, os.DirFS(data)))

	s = run(t, Config{Data: data})
	admin.Base, second.Base = s.URL(), s.URL()
	var asked, done struct {
		httpapi.Erasure
		Certificate string `json:"certificate"`
	}
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

	// The restore leaves the list as it is; a crash cut its last line short.
	ok(t, os.RemoveAll(data))
	ok(t, os.CopyFS(data, os.DirFS(backup)))
	ok(t, os.WriteFile(data+"-secrets/erasures.jsonl", append(list, `{"erasure":"e`...), 0o600))
	s = run(t, Config{Data: data})
	admin.Base = s.URL()
	if !erased(admin) {
		t.Error("the backup brought the debtor back")
	}
	s.stop()
	if now, err := os.ReadFile(data + "-secrets/erasures.jsonl"); err != nil || !bytes.Equal(now, list) {
		t.Errorf("the list is now %s, %v", now, err)
	}
	ok(t, os.WriteFile(data+"-secrets/erasures.jsonl", []byte("nonsense\n"), 0o600))
	if err := opened(t, Config{Data: data}); err == nil || !strings.Contains(err.Error(), "line 1 of the erasure list") {
		t.Errorf("a list that does not read: %v", err)
	}
}
