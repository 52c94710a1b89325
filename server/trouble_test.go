package server

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"doorstep/auth"
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

// failing is a store whose look-ups of documents fail.
type failing struct {
	kept
	with atomic.Pointer[error]
}

func (f *failing) Records(ctx context.Context, b auth.BranchID, refs []journal.DocRef) ([]journal.Record, error) {
	if err := f.with.Load(); err != nil {
		return nil, *err
	}
	return f.kept.Records(ctx, b, refs)
}

// A push that meets trouble of the store that may pass is asked to come again, whatever read or write met it; only what
// the same push would meet again is an error of the server.
func TestAPushMeetsTroubleOfTheStore(t *testing.T) {
	f := &failing{kept: kept{emptyStore(t)}}
	s, _, _ := oneBranch(t, Config{store: func(context.Context, *Config) (store, error) { return f, nil }})
	ann := &play.Client{Base: s.URL()}
	ok(t, ann.SignIn(t.Context(), "ann", adminPassword, "ann-phone"))
	token, err := ann.Token(t.Context())
	ok(t, err)
	for name, c := range map[string]struct {
		err    error
		status int
		retry  string
	}{
		"a store that does not answer": {journal.ErrNoAnswer, http.StatusServiceUnavailable, "5"},
		"a full store":                 {journal.ErrFull, http.StatusServiceUnavailable, "30"},
		"a full disk":                  {&fs.PathError{Op: "read", Path: "x", Err: syscall.ENOSPC}, 503, "30"},
		"a disk that fails":            {&fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, 503, "5"},
		"a bug":                        {errors.New("records: a nil something"), http.StatusInternalServerError, ""},
	} {
		id := play.NewID()
		body := `{"mutations":[{"mid":"` + id + `","type":"visit_notes","id":"` + id + `","op":"put",` +
			`"fields":{"case":"c1"}}]}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/sync/v1/push", strings.NewReader(body))
		ok(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Device-Id", "ann-phone")
		f.with.Store(&c.err)
		resp, err := http.DefaultClient.Do(req)
		f.with.Store(nil)
		ok(t, err)
		ok(t, resp.Body.Close())
		if got := resp.Header.Get("Retry-After"); resp.StatusCode != c.status || got != c.retry {
			t.Errorf("%s: %d, Retry-After %q; want %d and %q", name, resp.StatusCode, got, c.status, c.retry)
		}
	}
}
