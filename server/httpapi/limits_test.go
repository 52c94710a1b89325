package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"doorstep/auth"

	"github.com/gin-gonic/gin"
)

// A day of real use meets no limit: ten screens are opened at once after a day offline, each pulls 2,640 records in
// pages of 50, and a week's mutations are pushed; after that the app polls every half second and saves a draft every
// two.
func TestADayOfRealUseMeetsNoLimit(t *testing.T) {
	a := described(t)
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	request := func(mutations int) {
		t.Helper()
		if wait, ok := a.devices.Allow("d1", now); !ok {
			t.Fatalf("a request at %s waits %s", now, wait)
		}
		if wait, ok := a.mutations.AllowN("d1", mutations, now); !ok {
			t.Fatalf("%d mutations at %s wait %s", mutations, now, wait)
		}
	}
	for range 10 * 2640 / 50 {
		request(0)
	}
	// Ten screens pull and thirteen collections push, all at the same time.
	for what, n := range map[*turns]int{a.pulls: 10, a.pushes: 13} {
		for range n {
			mine, leave := what.enter("d1")
			if mine == nil {
				t.Fatalf("of %d requests at once one is refused", n)
			}
			defer leave()
		}
	}
	for range 7 * 1000 / 200 {
		request(200)
	}
	for i := range 8 * 3600 * 2 {
		now = now.Add(time.Second / 2)
		request(0)
		if i%4 == 0 {
			request(1)
		}
	}
}

// A loop is stopped, and other devices notice nothing of it.
func TestALoopIsSlowedDownAndHurtsNobodyElse(t *testing.T) {
	a := described(t)
	begin := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	requests, mutations := 0, 0
	for i := range 100_000 { // a thousand requests a second for 100 seconds, with 10^6 mutations and more in all
		now := begin.Add(time.Duration(i) * time.Millisecond)
		if _, ok := a.devices.Allow("loop", now); ok {
			requests++
			if _, ok := a.mutations.AllowN("loop", 200, now); ok {
				mutations += 200
			}
		}
		if i%100 == 0 {
			if wait, ok := a.devices.Allow("other", now); !ok {
				t.Fatalf("another device waits %s", wait)
			}
		}
	}
	if requests > deviceBurst+100*50+1 || mutations > mutationBurst+100*500+200 {
		t.Errorf("a loop of 100 s made %d requests and %d mutations", requests, mutations)
	}
}

// Requests beyond the limit are answered 429 with Retry-After, before anything else is looked at.
func TestALoopIsAnsweredWithRetryAfter(t *testing.T) {
	a := described(t)
	a.devices = auth.NewLimits(time.Hour, 1) // it does not recover however slowly the test runs
	a.devices.Allow("d1", time.Now())
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(context.WithValue(t.Context(), callKey,
		call{actor: auth.Actor{User: "ana", Device: "d1", Branches: []auth.BranchID{"porto"}}}), http.MethodGet,
		"/sync/v1/pull", nil)
	c.Request.Header.Set("X-Device-Id", "d1")
	_, p := a.caller(c)
	if p == nil || p.Status != http.StatusTooManyRequests || p.Code != "sync.rate" || p.retryAfter < 1 {
		t.Errorf("a request too many is answered %+v", p)
	}
}
