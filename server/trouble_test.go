package server

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// get calls an endpoint that needs no login.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	ok(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(b)
}

// pushNotes pushes notes about a case that does not exist: each is refused and kept, which makes an entry.
func pushNotes(t *testing.T, s *running, claimed string) error {
	t.Helper()
	ctx := context.Background()
	ann := &play.Client{Base: s.URL()}
	ok(t, ann.SignIn(ctx, "ann", adminPassword, "ann-phone"))
	for range 3 {
		id := play.NewID()
		note := map[string]any{"mid": id, "type": "visit_notes", "id": id, "op": "put", "client_ts": claimed,
			"fields": map[string]any{"case": "c1", "text": "x"}}
		var out struct {
			Results []struct {
				Status     string `json:"status"`
				Quarantine string `json:"quarantine"`
			} `json:"results"`
		}
		if err := ann.Do(ctx, http.MethodPost, "/sync/v1/push", map[string]any{"mutations": []any{note}}, &out); err != nil {
			return err
		}
		if r := out.Results[0]; r.Quarantine == "" || r.Status == "applied" {
			t.Errorf("a note claimed at %s: %+v", claimed, r)
		}
	}
	return nil
}

// A server starts even if the stored journal of one branch was damaged. It accepts what it
// can and reports the damage. Times at the limits of the journal's range do no damage.
func TestADamagedBranchDoesNotStopTheStart(t *testing.T) {
	dir := t.TempDir()
	times := []string{"9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
		"1970-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z"}
	t.Run("first", func(t *testing.T) {
		s, _, _ := oneBranch(t, Config{Data: dir})
		for _, at := range times {
			ok(t, pushNotes(t, s, at))
		}
	})
	t.Run("as it was", func(t *testing.T) {
		s := run(t, Config{Data: dir})
		ok(t, pushNotes(t, s, "2026-11-25T10:00:00Z"))
		if status, body := get(t, s.URL()+"/readyz"); status != http.StatusOK || strings.Contains(body, "parked") {
			t.Errorf("ready: %d %s", status, body)
		}
	})
	damage := func(nth int) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlitestore.FileName))
		ok(t, err)
		defer func() { ok(t, db.Close()) }()
		var first uint64
		ok(t, db.QueryRow("SELECT first FROM pages WHERE branch = 'north' ORDER BY first DESC LIMIT 1 OFFSET ?",
			nth).Scan(&first))
		_, err = db.Exec("UPDATE pages SET body = x'00' WHERE branch = 'north' AND first = ?", first)
		ok(t, err)
		_, err = db.Exec("UPDATE views SET w = ? WHERE branch = 'north'", first-1)
		ok(t, err)
	}
	damage(1)
	t.Run("a page in the middle", func(t *testing.T) {
		s := run(t, Config{Data: dir})
		ok(t, pushNotes(t, s, "2026-11-25T10:00:00Z"))
		type parked struct {
			Branch  string
			Entries uint64
			View    string
		}
		var answer struct {
			Status string
			Parked []parked
		}
		status, body := get(t, s.URL()+"/readyz")
		ok(t, json.Unmarshal([]byte(body), &answer))
		all, view := parked{"north", 1, ""}, parked{"north", 1, "promises"}
		if status != http.StatusOK || len(answer.Parked) == 0 || answer.Parked[0] != all {
			t.Errorf("ready: %d %s", status, body)
		}
		ok(t, journal.NewViews(s.journal, Views(s.vault)...).CatchUp(t.Context(), "north", "promises"))
		_, body = get(t, s.URL()+"/readyz")
		ok(t, json.Unmarshal([]byte(body), &answer))
		if !slices.Contains(answer.Parked, all) || !slices.Contains(answer.Parked, view) {
			t.Errorf("once the view has gone on: %s", body)
		}
	})
	damage(0)
	t.Run("the last page", func(t *testing.T) {
		s := run(t, Config{Data: dir})
		if err := pushNotes(t, s, "2026-11-25T10:00:00Z"); err == nil || !strings.Contains(err.Error(), "journal.stuck") {
			t.Errorf("a push to a branch that takes nothing: %v", err)
		}
		if status, body := get(t, s.URL()+"/readyz"); status != http.StatusServiceUnavailable ||
			!strings.Contains(body, "branch north since") {
			t.Errorf("ready: %d %s", status, body)
		}
		admin := &play.Client{Base: s.URL()}
		ok(t, admin.SignIn(context.Background(), "admin", adminPassword, ""))
		ok(t, admin.Do(context.Background(), http.MethodPut, "/v1/branches/south",
			map[string]any{"name": "South", "time_zone": "Europe/London", "country": "GB"}, nil))
	})
}
