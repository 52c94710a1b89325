package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// heardWithin is how long a change may take from one node to whoever waits at another. The nodes promise two seconds;
// a slow machine is given ten times as long. A long pull that nothing wakes answers after 25 s.
const heardWithin = 20 * time.Second

// heardElsewhere has an agent push a note through the first node while the phone of a colleague, who has the same
// cases, waits at the second: once on its stream, and once in a long pull.
func heardElsewhere(ctx context.Context, t *testing.T, l *load, a, b *child) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	// The phones of a team stand side by side.
	from, to := l.phones[0], l.phones[1]
	from.Base, to.Base = a.url, b.url
	note := func() string {
		t.Helper()
		id, at := play.NewID(), time.Now().UTC().Truncate(time.Second)
		from.Write("visit_notes", id, "put", at, map[string]any{"case": shared(t, from, to), "at": at, "kind": "general",
			"text": "Heard at the other node."})
		m := from.Queue[len(from.Queue)-1]
		noError(t, from.Push(ctx, nil))
		l.book.mutations[m.Mid] = acknowledged{m, from, play.Result{Status: "applied"}}
		return id
	}
	pulled := func() {
		t.Helper()
		for _, p := range []*play.Phone{from, to} {
			_, err := p.Pull(ctx)
			noError(t, err)
		}
	}
	pulled()

	pokes, stop := stream(ctx, t, to)
	first := <-pokes // it says where the feed is
	begun := time.Now()
	note()
	for late, heard := time.After(heardWithin), false; !heard; {
		select {
		case poke := <-pokes:
			heard = poke != first
		case <-late:
			t.Fatalf("the stream at the other node heard of nothing for %v", heardWithin)
		}
	}
	t.Logf("the stream at the other node was poked %v after the push began", time.Since(begun).Round(time.Millisecond))
	stop()
	pulled()

	type heard struct {
		ids []string
		at  time.Time
		err error
	}
	waited := make(chan heard, 1)
	go func() {
		ids, err := longPull(ctx, to)
		waited <- heard{ids, time.Now(), err}
	}()
	// The pull should wait before there is something; one that comes later finds the note at once, which is right too.
	pause(ctx, 300*time.Millisecond)
	begun = time.Now()
	id := note()
	h := <-waited
	noError(t, h.err)
	took := h.at.Sub(begun)
	t.Logf("the long pull at the other node answered %v after the push began", took.Round(time.Millisecond))
	if !slices.Contains(h.ids, id) || took > heardWithin {
		t.Errorf("the long pull answered %v with %v, and the note is %s", took, h.ids, id)
	}
	pulled()
}

// shared is a case that two phones have.
func shared(t *testing.T, a, b *play.Phone) string {
	t.Helper()
	for id := range a.Docs["cases"] {
		if b.Docs["cases"][id] != nil {
			return id
		}
	}
	t.Fatal("the agents of a team share no case")
	return ""
}

// stream opens a phone's stream; the channel gets the number of each poke.
func stream(ctx context.Context, t *testing.T, p *play.Phone) (pokes <-chan string, stop func()) {
	t.Helper()
	ctx, stop = context.WithCancel(ctx)
	answer := request(ctx, t, p, "/sync/v1/stream")
	out := make(chan string, 100)
	go func() {
		defer func() { _ = answer.Body.Close() }()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, is := strings.CutPrefix(lines.Text(), "data:"); is {
				out <- strings.TrimSpace(data)
			}
		}
	}()
	return out, stop
}

func request(ctx context.Context, t *testing.T, p *play.Phone, path string) *http.Response {
	t.Helper()
	token, err := p.Token(ctx)
	noError(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Base+path, nil)
	noError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("X-Device-Id", p.Device)
	req.Header.Set("X-Schema-Version", "1")
	answer, err := http.DefaultClient.Do(req)
	noError(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered %s", path, answer.Status)
	}
	return answer
}

// longPull waits for changes after what a phone has, and returns their ids. The phone keeps what it has.
func longPull(ctx context.Context, p *play.Phone) (ids []string, err error) {
	q := url.Values{"after": {strconv.FormatUint(p.Cursor, 10)}, "epoch": {p.Epoch}, "wait": {"25"}}
	var page struct {
		Changes []struct {
			ID string `json:"id"`
		} `json:"changes"`
	}
	if err := p.Do(ctx, http.MethodGet, "/sync/v1/pull?"+q.Encode(), nil, &page); err != nil {
		return nil, fmt.Errorf("a long pull: %w", err)
	}
	for _, c := range page.Changes {
		ids = append(ids, c.ID)
	}
	return ids, nil
}
