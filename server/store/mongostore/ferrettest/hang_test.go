package ferrettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server"
	"doorstep/server/play"
	"doorstep/server/store/mongostore"
)

// relay passes bytes between clients and a server, until it is told to hold them back.
type relay struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	passes   chan struct{} // closed while bytes pass
	conns    []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &relay{listener: l, to: to, passes: make(chan struct{})}
	close(r.passes)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			peer, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, client, peer)
			r.mu.Unlock()
			all.Go(func() { r.pass(client, peer) })
			all.Go(func() { r.pass(peer, client) })
		}
	})
	t.Cleanup(func() {
		r.hold(false)
		_ = l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			_ = c.Close()
		}
		r.mu.Unlock()
		all.Wait()
	})
	return r
}

func (r *relay) pass(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		passes := r.passes
		r.mu.Unlock()
		<-passes
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold holds bytes back, or lets them pass again.
func (r *relay) hold(back bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.passes:
		if back {
			r.passes = make(chan struct{})
		}
	default:
		if !back {
			close(r.passes)
		}
	}
}

const password = "a long password for tests 7"

// A MongoDB that stops answering in the middle keeps no caller waiting: requests are told
// to come back, /readyz says why, nothing that was sent is lost or doubled once it answers
// again, and a server that is to stop then ends within ten seconds.
func TestAServerWhoseMongoDBHangs(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	r := newRelay(t, strings.TrimSuffix(strings.TrimPrefix(p.host, "mongodb://"), "/"))
	dir := t.TempDir()
	s, err := server.Open(ctx, server.Config{Listen: "127.0.0.1:0", Data: filepath.Join(dir, "data"),
		AdminPassword: password,
		MongoDB:       fmt.Sprintf("mongodb://%s/hang?maxPoolSize=1", r.listener.Addr()), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	run, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(run) }()
	admin := &play.Client{Base: s.URL(), HTTP: http.DefaultClient}
	check(t, admin.SignIn(ctx, "admin", password, ""))
	put := func(name string) error {
		return admin.Do(ctx, http.MethodPut, "/v1/branches/"+name, map[string]any{"name": name, "country": "PT",
			"time_zone": "Europe/Lisbon"}, nil)
	}
	check(t, put("north"))

	r.hold(true)
	for what, ask := range map[string]func() error{
		"a write": func() error { return put("south") },
		"a read":  func() error { return admin.Do(ctx, http.MethodGet, "/v1/branches", nil, nil) },
	} {
		begun := time.Now()
		err := ask()
		var no *play.Problem
		if !errors.As(err, &no) || no.Status != http.StatusServiceUnavailable {
			t.Errorf("%s while MongoDB hangs: %v", what, err)
		}
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("%s was answered after %s", what, took)
		}
	}
	answer, err := http.Get(s.URL() + "/readyz")
	check(t, err)
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "does not answer") {
		t.Errorf("ready: %d %s", answer.StatusCode, text)
	}
	if answer.Header.Get("Retry-After") == "" {
		t.Error("ready: no Retry-After")
	}

	r.hold(false)
	deadline := time.Now().Add(time.Minute)
	for err = put("south"); err != nil; err = put("south") {
		if time.Now().After(deadline) {
			t.Fatalf("MongoDB answers again, and the server does not: %v", err)
		}
	}
	var list struct{ Items []any }
	check(t, admin.Do(ctx, http.MethodGet, "/v1/branches", nil, &list))
	if len(list.Items) != 2 {
		t.Errorf("%d branches, want 2", len(list.Items))
	}

	r.hold(true)
	waiting := make(chan error, 1)
	go func() { waiting <- put("east") }()
	begun := time.Now()
	stop()
	err = <-ended
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the server ended after %s: %v", took, err)
	}
	<-waiting
}

func TestAServerTellsWhatItIs(t *testing.T) {
	s := start(t).fresh(t)
	h, err := s.(*mongostore.Store).Hello(context.Background())
	check(t, err)
	if !h.Standalone || max(h.Ahead, -h.Ahead) > time.Second+h.Within {
		t.Errorf("a single server in this process says %+v", h)
	}
}
