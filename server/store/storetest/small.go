package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"doorstep/sync/journal"
)

func decode(body []byte, into any) error { return json.Unmarshal(body, into) }

func smallDocuments(t *testing.T, s journal.Store) {
	ctx := context.Background()
	if _, _, err := s.Small(ctx, "k", "a"); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("an absent one: %v", err)
	}
	raced := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, journal.ErrRaced) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	raced("a swap of an absent one", s.SwapSmall(ctx, "k", "a", 1, []byte("v")))
	check(t, s.SwapSmall(ctx, "k", "a", 0, []byte("v1")))
	raced("a second creation", s.SwapSmall(ctx, "k", "a", 0, []byte("v")))
	check(t, s.SwapSmall(ctx, "k", "a", 1, []byte("v2")))
	raced("an outdated swap", s.SwapSmall(ctx, "k", "a", 1, []byte("v3")))
	body, version, err := s.Small(ctx, "k", "a")
	check(t, err)
	equal(t, "body", string(body), "v2")
	equal(t, "version", version, 2)
	raced("an outdated removal", s.DeleteSmall(ctx, "k", "a", 1))
	check(t, s.DeleteSmall(ctx, "k", "a", 2))
	if err := s.DeleteSmall(ctx, "k", "a", 2); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("removed twice: %v", err)
	}
	check(t, s.SwapSmall(ctx, "k", "a", 0, []byte("again")))
}

func manySmallDocuments(t *testing.T, s journal.Store) {
	ctx := context.Background()
	var ids []string
	var bodies [][]byte
	for i := range 250 {
		ids = append(ids, fmt.Sprintf("x/%03d", i))
		bodies = append(bodies, fmt.Appendf(nil, "v%d", i))
	}
	check(t, s.SwapSmall(ctx, "k", "x/003", 0, []byte("mine")))
	check(t, s.SwapSmall(ctx, "k", "y/000", 0, []byte("y")))
	check(t, s.SwapSmall(ctx, "other", "x/000", 0, []byte("z")))
	inserted, err := s.InsertSmalls(ctx, "k", ids, bodies)
	check(t, err)
	for i, ok := range inserted {
		equal(t, "inserted "+ids[i], ok, i != 3)
	}
	docs, err := s.Smalls(ctx, "k", append([]string{"absent", "x/003"}, ids...))
	check(t, err)
	equal(t, "absent", docs[0].Body == nil && docs[0].ID == "absent", true)
	equal(t, "left alone", string(docs[1].Body), "mine")
	equal(t, "the last", string(docs[251].Body), "v249")
	equal(t, "its version", docs[251].Version, 1)
	var listed []string
	after := ""
	for {
		page, err := s.ListSmall(ctx, "k", "x/", after, 100)
		check(t, err)
		if len(page) == 0 {
			break
		}
		listed = append(listed, page...)
		after = page[len(page)-1]
	}
	equal(t, "listed", len(listed), 250)
	equal(t, "sorted", listed[0] == "x/000" && listed[249] == "x/249", true)
}
