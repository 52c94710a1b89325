package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"doorstep/sync/journal"
)

// FrameStore is what an engine keeps the sealed frames of blobs by (attachments.Frames).
type FrameStore interface {
	AddFrame(ctx context.Context, blob string, n int, frame []byte) error
	LastFrame(ctx context.Context, blob string) (n int, frame []byte, err error)
	EachFrame(ctx context.Context, blob string, fn func(n int, frame []byte) error) error
	DropFrames(ctx context.Context, blob string) error
}

func framesOf(t *testing.T, s journal.Store) FrameStore {
	t.Helper()
	f, ok := s.(FrameStore)
	if !ok {
		t.Fatalf("%T keeps no frames", s)
	}
	return f
}

// frame makes a frame that tells which it is.
func frame(blob string, n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s %d;", blob, n), 100*n)
}

func framesOfABlob(t *testing.T, s journal.Store) {
	ctx, f := context.Background(), framesOf(t, s)
	raced := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, journal.ErrRaced) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	n, last, err := f.LastFrame(ctx, "blob1")
	check(t, err)
	equal(t, "frames of none", n+len(last), 0)
	check(t, f.EachFrame(ctx, "blob1", func(int, []byte) error { return errors.New("a frame of none") }))
	check(t, f.DropFrames(ctx, "blob1"))
	raced("a second frame without a first", f.AddFrame(ctx, "blob1", 2, frame("blob1", 2)))
	for n := 1; n <= 12; n++ { // 10 follows 9
		check(t, f.AddFrame(ctx, "blob1", n, frame("blob1", n)))
		check(t, f.AddFrame(ctx, "blob10", n, frame("blob10", n)))
		got, last, err := f.LastFrame(ctx, "blob1")
		check(t, err)
		equal(t, "frames", got, n)
		equal(t, "the last", bytes.Equal(last, frame("blob1", n)), true)
	}
	raced("the same place again", f.AddFrame(ctx, "blob1", 12, frame("blob1", 1)))
	raced("an earlier place", f.AddFrame(ctx, "blob1", 3, frame("blob1", 1)))
	raced("a place after a gap", f.AddFrame(ctx, "blob1", 14, frame("blob1", 1)))
	seen := 0
	check(t, f.EachFrame(ctx, "blob1", func(n int, body []byte) error {
		seen++
		equal(t, "the number", n, seen)
		equal(t, "the frame", bytes.Equal(body, frame("blob1", n)), true)
		return nil
	}))
	equal(t, "all frames", seen, 12)
	stop := errors.New("enough")
	if err := f.EachFrame(ctx, "blob1", func(int, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("the error of the caller: %v", err)
	}
	check(t, f.DropFrames(ctx, "blob1"))
	n, _, err = f.LastFrame(ctx, "blob1")
	check(t, err)
	equal(t, "frames of a dropped blob", n, 0)
	n, _, err = f.LastFrame(ctx, "blob10")
	check(t, err)
	equal(t, "frames of the other", n, 12)
	check(t, f.AddFrame(ctx, "blob1", 1, frame("again", 1)))
}

// oneFrameInAPlace lets writers of one place race.
func oneFrameInAPlace(t *testing.T, s journal.Store) {
	ctx, f := context.Background(), framesOf(t, s)
	for n := 1; n <= 10; n++ {
		var all sync.WaitGroup
		var won atomic.Int32
		for writer := range 3 {
			all.Go(func() {
				switch err := f.AddFrame(ctx, "raced", n, frame(fmt.Sprint(writer), n)); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, journal.ErrRaced):
					t.Error(err)
				}
			})
		}
		all.Wait()
		equal(t, "writers who won", won.Load(), 1)
	}
}
