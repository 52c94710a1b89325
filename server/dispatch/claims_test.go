package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"doorstep/server/store/sqlitestore"
)

// A round is one node's at a time. What a node that died had claimed is taken over, by the
// watch of the node that waits, and no claim that is renewed is.
func TestARoundIsOneNodesAtATime(t *testing.T) {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b := newClaims(s), newClaims(s)
	a.now, b.now = func() time.Time { return now }, func() time.Time { return now }
	takes := func(after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		if _, err := b.take(ctx, "north/dead"); (err == nil) != want || err != nil && !errors.Is(err, errElsewhere) {
			t.Errorf("%s later: %v, want it taken: %t", after, err, want)
		}
	}
	version, err := a.take(ctx, "north/dead")
	if err != nil {
		t.Fatal(err)
	}
	takes(0, false)
	takes(claimLapse-time.Second, false)
	if err := s.SwapSmall(ctx, claimKind, "north/dead", version, []byte("{}")); err != nil { // a renews it
		t.Fatal(err)
	}
	takes(2*time.Second, false)
	takes(claimLapse-time.Second, false)
	takes(time.Second, true) // a has died

	release, err := a.hold(ctx, "north", "round")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.hold(ctx, "north", "round"); !errors.Is(err, errElsewhere) {
		t.Errorf("while the first node works: %v", err)
	}
	release()
	release, err = b.hold(ctx, "north", "round")
	if err != nil {
		t.Fatalf("after the first node is done: %v", err)
	}
	release()
}
