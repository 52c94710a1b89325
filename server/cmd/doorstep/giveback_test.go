package main

import (
	"net/http"
	"path/filepath"
	"testing"
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
