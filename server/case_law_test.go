package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// caseLaw holds the members of GET /v1/cases/{id}/law that the tests read.
type caseLaw struct {
	AsOf     time.Time `json:"as_of"`
	TimeZone string    `json:"time_zone"`
	Allowed  bool      `json:"allowed"`
	From, To time.Time
	Searched string
	Code     string
	Rule     string
}

// TestTheLawOfACaseIsToldByTheHour asks in the morning before lawful hours, within them, and on hold.
func TestTheLawOfACaseIsToldByTheHour(t *testing.T) {
	s, day, _ := city(t, nil)
	ctx := context.Background()
	var list struct {
		Items []struct{ ID, Territory string }
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases?branch="+day.Branch+"&hold=none&limit=1", nil, &list))
	id := list.Items[0].ID
	law := func() (l caseLaw) {
		t.Helper()
		ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id+"/law", nil, &l))
		return l
	}
	early := law()
	if early.Allowed || early.Code != "OUTSIDE_HOURS" || early.Rule == "" || !early.From.After(early.AsOf) ||
		early.From.Sub(early.AsOf) > 4*time.Hour || early.TimeZone != "Europe/Lisbon" {
		t.Errorf("before lawful hours: %+v", early)
	}
	s = later(t, s, day, early.From.Add(time.Minute))
	if open := law(); !open.Allowed || open.Code != "" || open.From.After(open.AsOf) || !open.To.Equal(early.To) {
		t.Errorf("a minute after %s: %+v", early.From, open)
	}
	s = later(t, s, day, early.To.Add(time.Minute))
	if night := law(); night.Allowed || night.Code != "OUTSIDE_HOURS" || !night.From.After(early.To) {
		t.Errorf("a minute after %s: %+v", early.To, night)
	}
	last := early.From.AddDate(0, 0, 2).Format(time.DateOnly)
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+id+"/holds", map[string]any{"kind": "dispute", "until": last},
		nil))
	if held := law(); held.Allowed || held.Code != "HOLD" || held.Rule != "house-hold" ||
		held.From.Format(time.DateOnly) <= last {
		t.Errorf("on hold up to %s: %+v", last, held)
	}
	ok(t, day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+id+"/holds", map[string]any{"kind": "stop"}, nil))
	if never := law(); never.Allowed || !never.From.IsZero() || never.Searched <= last || never.Code != "HOLD" {
		t.Errorf("on hold without an end: %+v", never)
	}
	s.stop()
	checkClean(t, s.cfg.Data)
}

// TestTheSecondSupervisorIsToldWhoChangedTheCase lets two decide on the same case file.
func TestTheSecondSupervisorIsToldWhoChangedTheCase(t *testing.T) {
	s, day, _ := city(t, nil)
	ctx := context.Background()
	var list struct {
		Items []struct{ ID, Territory string }
	}
	ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases?branch="+day.Branch+"&hold=none&limit=2", nil, &list))
	id := list.Items[0].ID
	var file struct {
		Rev   uint64
		Holds []struct{ Kind string }
	}
	read := func() { ok(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &file)) }
	type answer struct {
		Code    string
		Changed *struct {
			Rev    uint64
			By     string
			At     time.Time
			Action string
		}
	}
	hold := func(kind, seen, key string) (int, answer) {
		t.Helper()
		token, err := day.Admin.Token(ctx)
		ok(t, err)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, day.Admin.Base+"/v1/cases/"+id+"/holds",
			bytes.NewReader([]byte(`{"kind":"`+kind+`"}`)))
		ok(t, err)
		for name, v := range map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json",
			"X-Seen-Rev": seen, "Idempotency-Key": key} {
			r.Header.Set(name, v)
		}
		got, err := http.DefaultClient.Do(r)
		ok(t, err)
		defer func() { _ = got.Body.Close() }()
		text, err := io.ReadAll(got.Body)
		ok(t, err)
		var a answer
		ok(t, json.Unmarshal(text, &a))
		return got.StatusCode, a
	}
	read()
	seen := strconv.FormatUint(file.Rev, 10)
	if status, a := hold("dispute", seen, "first"); status != http.StatusOK {
		t.Fatalf("the first: %d %+v", status, a)
	}
	status, a := hold("vulnerable", seen, "second")
	if status != http.StatusConflict || a.Code != "case.changed" || a.Changed == nil || a.Changed.By != "admin" ||
		a.Changed.Action != "hold.open" || a.Changed.At.IsZero() {
		t.Fatalf("the second: %d %+v %+v", status, a, a.Changed)
	}
	read()
	if len(file.Holds) != 1 || file.Rev != a.Changed.Rev {
		t.Errorf("after the refusal: %+v, told rev %d", file, a.Changed.Rev)
	}
	// The answer of the first was lost, and it is sent again: it has one effect, whatever the case has become.
	if status, a := hold("dispute", seen, "first"); status != http.StatusOK {
		t.Errorf("the first again: %d %+v", status, a)
	}
	if status, a := hold("vulnerable", strconv.FormatUint(file.Rev, 10), "second"); status != http.StatusOK {
		t.Errorf("the second, on what stands there now: %d %+v", status, a)
	}
	for _, bad := range []string{"0", "-1", "x", "99999999999999999999"} {
		if status, a := hold("vulnerable", bad, "bad"); status != http.StatusBadRequest || a.Code != "case.seen" {
			t.Errorf("seen %s: %d %+v", bad, status, a)
		}
	}
	s.stop()
	checkClean(t, s.cfg.Data)
}
