package play

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// backend answers pulls with pages, one after another, and pushes by status.
type backend struct {
	t      *testing.T
	epoch  string
	pages  []string
	status func(m Mutation) string // the members of its result
	got    []Mutation
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sync/v1/push" {
		var q struct {
			Epoch     string
			Mutations []Mutation
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			b.t.Error(err)
		}
		if q.Epoch != "" && q.Epoch != b.epoch {
			b.gone(w)
			return
		}
		var results []string
		for _, m := range q.Mutations {
			b.got = append(b.got, m)
			results = append(results, fmt.Sprintf(`{"mid":%q,%s}`, m.Mid, b.status(m)))
		}
		fmt.Fprintf(w, `{"epoch":%q,"server_time":"2026-11-30T12:00:00Z","results":[%s]}`, b.epoch,
			strings.Join(results, ","))
		return
	}
	if epoch := r.URL.Query().Get("epoch"); r.URL.Query().Get("after") != "0" && epoch != b.epoch {
		b.gone(w)
		return
	}
	page := `[]`
	if len(b.pages) > 0 {
		page, b.pages = b.pages[0], b.pages[1:]
	}
	fmt.Fprintf(w, `{"epoch":%q,"cursor":9,"more":false,"changes":%s}`, b.epoch, page)
}

func (b *backend) gone(w http.ResponseWriter) {
	w.WriteHeader(http.StatusGone)
	fmt.Fprintf(w, `{"status":410,"code":"cursor_expired","epoch":%q}`, b.epoch)
}

func phoneOf(t *testing.T, b *backend) *Phone {
	b.t, b.epoch = t, "e1"
	b.status = func(Mutation) string { return `"status":"applied","rev":1` }
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return NewPhone(s.URL, "agent", "device", s.Client())
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const twoCases = `[{"seq":1,"type":"cases","id":"c1","rev":1,"op":"put","doc":{}},
	{"seq":2,"type":"cases","id":"c2","rev":1,"op":"put","doc":{}}]`

var writtenAt = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// TestARestoredServerIsOfferedWhatItAcknowledged has a phone pull from a server that was restored: it is offered again
// what it acknowledged in 30 days, under the same mids and in order, and nothing that only it before had stays.
func TestARestoredServerIsOfferedWhatItAcknowledged(t *testing.T) {
	b := &backend{pages: []string{twoCases}}
	p := phoneOf(t, b)
	_, err := p.Pull(t.Context())
	noError(t, err)
	p.Write("visits", "old", "put", writtenAt.Add(-31*24*time.Hour), map[string]any{"case": "c1"})
	first := p.Write("visits", "v1", "put", writtenAt, map[string]any{"case": "c1"})
	second := p.Write("visit_notes", "n1", "put", writtenAt, map[string]any{"case": "c1"}, first)
	noError(t, p.Push(t.Context(), nil))

	b.epoch, b.got, b.pages = "e2", nil, []string{`[{"seq":1,"type":"cases","id":"c1","rev":1,"op":"put","doc":{}}]`}
	_, err = p.Pull(t.Context())
	noError(t, err)
	if len(b.got) != 2 || b.got[0].Mid != first || b.got[1].Mid != second {
		t.Errorf("it was offered %v, want %s and %s", b.got, first, second)
	}
	if p.Docs["cases"]["c2"] != nil || p.Docs["cases"]["c1"] == nil || p.Epoch != "e2" {
		t.Errorf("epoch %s: %v", p.Epoch, p.Docs)
	}
	b.epoch, b.got = "e3", nil
	_, err = p.Pull(t.Context())
	noError(t, err)
	if len(b.got) != 2 {
		t.Errorf("after another restore it was offered %v", b.got)
	}
}

// TestWhatIsOlderIsOfferedFirst has a phone push before it pulls, as phones do, to a server that was restored: an older
// change of a record must not come after a newer one, which it would undo.
func TestWhatIsOlderIsOfferedFirst(t *testing.T) {
	b := &backend{pages: []string{twoCases, twoCases}}
	p := phoneOf(t, b)
	_, err := p.Pull(t.Context())
	noError(t, err)
	older := p.Write("assignments", "a1", "patch", writtenAt, map[string]any{"agent_remark": "first"})
	noError(t, p.Push(t.Context(), nil))
	newer := p.Write("assignments", "a1", "patch", writtenAt, map[string]any{"agent_remark": "second"})

	b.epoch, b.got = "e2", nil
	noError(t, p.Push(t.Context(), nil))
	_, err = p.Pull(t.Context())
	noError(t, err)
	if len(b.got) != 2 || b.got[0].Mid != older || b.got[1].Mid != newer || p.Epoch != "e2" {
		t.Errorf("it was offered %v, want %s and %s", b.got, older, newer)
	}

	// The server is restored once more before the phone has pulled.
	b.epoch, b.got = "e3", nil
	p.beginAgain("e2")
	_, err = p.Pull(t.Context())
	noError(t, err)
	if len(b.got) != 2 || p.Epoch != "e3" {
		t.Errorf("in epoch %s it was offered %v", p.Epoch, b.got)
	}
}

// TestWhatIsRevokedIsPurged has a case leave a phone: nothing of it is kept, nor of what was sent of it.
func TestWhatIsRevokedIsPurged(t *testing.T) {
	b := &backend{pages: []string{twoCases}}
	p := phoneOf(t, b)
	_, err := p.Pull(t.Context())
	noError(t, err)
	p.Write("visits", "v1", "put", writtenAt, map[string]any{"case": "c1"})
	kept := p.Write("visits", "v2", "put", writtenAt, map[string]any{"case": "c2"})
	noError(t, p.Push(t.Context(), nil))
	b.pages = []string{`[{"seq":3,"type":"cases","id":"c1","rev":2,"op":"revoke"}]`}
	_, err = p.Pull(t.Context())
	noError(t, err)
	if p.Docs["cases"]["c1"] != nil || p.Revs["cases/c1"] != 0 {
		t.Error("the phone still has the case")
	}
	b.epoch, b.got = "e2", nil
	_, err = p.Pull(t.Context())
	noError(t, err)
	if len(b.got) != 1 || b.got[0].Mid != kept {
		t.Errorf("it offers %v, want only %s", b.got, kept)
	}
}

// TestWhatIsRefusedBecomesWhatTheServerHas tells what a record is after each answer that does not take the phone's.
func TestWhatIsRefusedBecomesWhatTheServerHas(t *testing.T) {
	for result, want := range map[string]string{
		`"status":"conflict","rev":4,"op":"put","doc":{"text":"theirs"}`: `{"text":"theirs"}`,
		`"status":"rejected","code":"validation.fields"`:                 "",
		`"status":"revoked","op":"revoke"`:                               "",
		`"status":"applied","rev":2`:                                     `{"text":"pulled"}`,
	} {
		b := &backend{pages: []string{`[{"seq":1,"type":"visits","id":"v1","rev":1,"op":"put","doc":{"text":"pulled"}}]`}}
		p := phoneOf(t, b)
		_, err := p.Pull(t.Context())
		noError(t, err)
		b.status = func(Mutation) string { return result }
		p.Write("visits", "v1", "put", writtenAt, map[string]any{"case": "c1"})
		noError(t, p.Push(t.Context(), nil))
		if got := string(p.Docs["visits"]["v1"]); got != want {
			t.Errorf("after %s the phone has %q, want %q", result, got, want)
		}
		if len(p.Queue) != 0 {
			t.Errorf("after %s it is still queued", result)
		}
	}
}
