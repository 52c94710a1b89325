package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"doorstep/auth"
	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// kept is a store that outlives the nodes on it.
type kept struct{ store }

func (kept) Close() error { return nil }

// startAtOnce opens a node in each folder on one store, at the same time.
func startAtOnce(t *testing.T, s store, dirs ...string) (nodes []*Server, errs []error, announced []string) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	nodes, errs = make([]*Server, len(dirs)), make([]error, len(dirs))
	for i, dir := range dirs {
		all.Go(func() {
			nodes[i], errs[i] = Open(context.Background(), Config{Listen: "127.0.0.1:0", Data: dir,
				hashing: auth.HashCost{KiB: 64, Passes: 1},
				store:   func(context.Context, *Config) (store, error) { return kept{s}, nil },
				Announce: func(_, password string) {
					mu.Lock()
					defer mu.Unlock()
					announced = append(announced, password)
				}})
		})
	}
	all.Wait()
	for _, n := range nodes {
		if n != nil {
			t.Cleanup(func() { _ = n.Close() })
		}
	}
	return nodes, errs, announced
}

func emptyStore(t *testing.T) store {
	t.Helper()
	s, err := sqlitestore.Open(context.Background(), t.TempDir(), Indexes())
	ok(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Three nodes start for the first time at once, each without keys: one makes all keys, and
// the others say where to copy them from, and start with the copies.
func TestOneNodeMakesTheKeys(t *testing.T) {
	s, root := emptyStore(t), t.TempDir()
	var dirs []string
	for _, name := range []string{"a", "b", "c"} {
		dirs = append(dirs, filepath.Join(root, name))
	}
	_, errs, announced := startAtOnce(t, s, dirs...)
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatal("two nodes with keys of their own have started")
		case err == nil:
			winner = i
		case !strings.Contains(err.Error(), "another node") || !strings.Contains(err.Error(), "copy"):
			t.Errorf("node %d: %v", i, err)
		}
	}
	if winner < 0 || len(announced) != 1 {
		t.Fatalf("winner %d, %d administrators announced: %v", winner, len(announced), errs)
	}
	for i, dir := range dirs {
		if i == winner {
			continue
		}
		for _, left := range []string{dir + "-secrets/kek", dir + "/audit.key", dir + "/auth.keys"} {
			if _, err := os.Stat(left); err == nil {
				t.Errorf("%s is left, though it is not a key of this deployment", left)
			}
		}
		shareKeys(t, dirs[winner], dir)
		_, errs, again := startAtOnce(t, s, dir)
		ok(t, errs[0])
		if len(again) != 0 {
			t.Error("the second node announced another password, so that the first one is void")
		}
	}
	// A node with other keys is refused with a sentence.
	foreign, other := emptyStore(t), filepath.Join(root, "foreign")
	_, errs, _ = startAtOnce(t, foreign, other)
	ok(t, errs[0])
	if _, errs, _ = startAtOnce(t, s, other); errs[0] == nil || !strings.Contains(errs[0].Error(), "not the one") {
		t.Errorf("a node with the keys of another deployment: %v", errs[0])
	}
}

// Nodes that have been given the same keys start at once on an empty store: there is one
// administrator, one password is announced, and that one is good.
func TestOneAdministratorIsMade(t *testing.T) {
	root := t.TempDir()
	_, errs, _ := startAtOnce(t, emptyStore(t), filepath.Join(root, "keys"))
	ok(t, errs[0])
	s := emptyStore(t)
	var dirs []string
	for _, name := range []string{"a", "b", "c"} {
		dir := filepath.Join(root, name)
		shareKeys(t, filepath.Join(root, "keys"), dir)
		dirs = append(dirs, dir)
	}
	nodes, errs, announced := startAtOnce(t, s, dirs...)
	for i, err := range errs {
		if err != nil {
			t.Errorf("node %d: %v", i, err)
		}
	}
	if len(announced) != 1 {
		t.Fatalf("%d passwords were announced", len(announced))
	}
	found, err := s.Find(context.Background(), journal.Query{Branch: auth.OrgBranch, Type: "users"})
	ok(t, err)
	if len(found.Records) != 1 {
		t.Errorf("%d users", len(found.Records))
	}
	admin := &play.Client{Base: nodes[0].URL()}
	stop := serve(t, nodes[0])
	defer stop()
	ok(t, admin.SignIn(context.Background(), "admin", announced[0], ""))
}

// serve serves until the returned function is called.
func serve(t *testing.T, s *Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	return func() {
		cancel()
		ok(t, <-ended)
	}
}
