package main

import (
	"errors"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/server/play"
)

// mostIdleMB is what a server may take that has started and has nothing to do.
const mostIdleMB = 60

func TestIdleServerTakesLittleMemory(t *testing.T) {
	p, err := play.Start(t.Context(), build(t), filepath.Join(t.TempDir(), "data"), time.Date(2026, 11, 25, 6, 0, 0, 0,
		time.UTC), killPassword)
	noError(t, err)
	defer p.Kill()
	// Whatever begins with serving has begun when a request is answered.
	noError(t, (&play.Client{Base: p.URL, HTTP: &http.Client{}}).Do(t.Context(), http.MethodGet, "/readyz", nil, nil))
	switch mb := p.Memory(); {
	case mb == 0:
		t.Skip("this system does not tell how much memory a process takes")
	case mb > mostIdleMB:
		t.Errorf("an idle server takes %d MB, want at most %d", mb, mostIdleMB)
	default:
		t.Logf("an idle server takes %d MB", mb)
	}
	noError(t, p.Stop())
}

// garbage is what a test leaves behind; it is a variable so that the compiler makes it.
var garbage []byte

// A server that has made garbage and is quiet then keeps it for a minute, not for ever.
func TestGarbageIsGivenBackWithinAMinute(t *testing.T) {
	// No collection but the one that gives back. What earlier tests left would hide what this one leaves.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	debug.FreeOSMemory()
	synctest.Test(t, func(t *testing.T) {
		ended := errors.New("served")
		err := givingBack(t.Context(), func() error {
			before := heapKept()
			garbage = make([]byte, 64<<20)
			clear(garbage)
			garbage = nil
			if kept := heapKept(); kept < before+60<<20 {
				t.Fatalf("64 MiB of garbage leave %d MiB more than before", (kept-before)>>20)
			}
			time.Sleep(time.Minute + time.Second)
			synctest.Wait()
			if kept := heapKept(); kept > before+30<<20 {
				t.Errorf("after a minute the heap keeps %d MiB, %d before", kept>>20, before>>20)
			}
			return ended
		})
		if err != ended {
			t.Errorf("the error is %v, want the server's", err)
		}
	})
}

func TestGivingBackWaitsUntilItIsWorthwhile(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what       string
		now, floor uint64
		want       bool
	}{
		{"nothing has changed", 12 * mib, 12 * mib, false},
		{"a few requests", 30 * mib, 12 * mib, false},
		{"a sign-in", 47 * mib, 12 * mib, true},
		{"a large server at work", 700 * mib, 500 * mib, false},
		{"a large server after a round", 800 * mib, 500 * mib, true},
		{"the heap has shrunk", 5 * mib, 12 * mib, false},
	} {
		if got := worthwhile(c.now, c.floor); got != c.want {
			t.Errorf("%s: %t, want %t", c.what, got, c.want)
		}
	}
}
