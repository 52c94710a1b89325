package auth

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth/refusal"
)

// guess signs in with a wrong password, from an address and on a device unless it is "".
func (h *fixture) guess(login, address string, d DeviceID) error {
	l := Login{Login: login, Password: "incorrect horse", Address: address}
	if d != "" {
		l.Device = &Device{ID: d}
	}
	_, err := h.SignIn(context.Background(), l)
	return err
}

// guesses fails that many sign-ins.
func (h *fixture) guessOften(t *testing.T, n int, login func(i int) string, address string, d DeviceID) {
	t.Helper()
	for i := range n {
		refused(t, fmt.Sprint("guess ", i+1), h.guess(login(i), address, d), "auth.bad_credentials")
	}
}

func always(login string) func(int) string { return func(int) string { return login } }

func TestFailedSignInsAreLimitedByLoginAndAddress(t *testing.T) {
	h := newFixture(t)
	h.guessOften(t, guessBurst, func(i int) string { return []string{"sup", "SUP", " sup "}[i%3] }, "192.0.2.1", "")
	e := refused(t, "one more", h.guess("sup", "192.0.2.1", ""), "auth.limited")
	if e.Kind != refusal.TooMany || e.RetryAfter <= 0 || e.RetryAfter > guessEvery {
		t.Errorf("the refusal is %+v", e)
	}
	_, err := h.SignIn(context.Background(), Login{Login: "sup", Password: password, Address: "192.0.2.1"})
	refused(t, "the right password while limited", err, "auth.limited")
	refused(t, "another login from there", h.guess("reg", "192.0.2.1", ""), "auth.bad_credentials")
	refused(t, "the login from elsewhere", h.guess("sup", "192.0.2.2", ""), "auth.bad_credentials")
	_, err = h.SignIn(context.Background(), Login{Login: "sup", Password: password, Address: "192.0.2.2"})
	check(t, err) // the user is not kept out by guesses elsewhere
	h.clock.pass(e.RetryAfter)
	refused(t, "after the wait", h.guess("sup", "192.0.2.1", ""), "auth.bad_credentials")
	refused(t, "the next at once", h.guess("sup", "192.0.2.1", ""), "auth.limited")
}

func TestSignInsThatSucceedAreNotLimited(t *testing.T) {
	h := newFixture(t)
	for range addressBurst + 5 {
		h.signIn(t, "sup", "")
	}
	h.guessOften(t, guessBurst, always("sup"), "192.0.2.1", "")
}

func TestFailedSignInsAreLimitedByAddress(t *testing.T) {
	h := newFixture(t)
	h.guessOften(t, addressBurst, func(i int) string { return fmt.Sprint("user", i) }, "192.0.2.1", "")
	e := refused(t, "one more", h.guess("another", "192.0.2.1", ""), "auth.limited")
	if e.RetryAfter <= 0 || e.RetryAfter > addressEvery {
		t.Errorf("to wait: %v", e.RetryAfter)
	}
	refused(t, "another address", h.guess("another", "192.0.2.2", ""), "auth.bad_credentials")
	h.clock.pass(e.RetryAfter)
	refused(t, "after the wait", h.guess("another", "192.0.2.1", ""), "auth.bad_credentials")
}

// TestGuessingElsewhereKeepsNoKnownDeviceOut: agents share an address with whoever guesses behind it.
func TestGuessingElsewhereKeepsNoKnownDeviceOut(t *testing.T) {
	h := newFixture(t)
	h.signIn(t, "ana", "phone-1")
	h.guessOften(t, guessBurst, always("ana"), "192.0.2.1", "")
	h.guessOften(t, addressBurst-guessBurst, func(i int) string { return fmt.Sprint("user", i) }, "192.0.2.1", "")
	refused(t, "the login from there", h.guess("ana", "192.0.2.1", ""), "auth.limited")
	refused(t, "on a device of another user", h.guess("rui", "192.0.2.1", "phone-1"), "auth.limited")
	h.signIn(t, "ana", "phone-1")
	// Who has the device still cannot guess for ever.
	h.guessOften(t, guessBurst, always("ana"), "192.0.2.9", "phone-1")
	refused(t, "one more on the device", h.guess("ana", "192.0.2.10", "phone-1"), "auth.limited")
}

// TestGuessesSideBySideAreCounted: attempts are counted before the slow hashing, not after it.
func TestGuessesSideBySideAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t)
		for range cap(h.passwords.places) {
			h.passwords.places <- struct{}{} // no place to hash in
		}
		ctx, cancel := context.WithCancel(context.Background())
		limited := make(chan bool, 3*guessBurst)
		for range 3 * guessBurst {
			go func() {
				_, err := h.SignIn(ctx, Login{Login: "sup", Password: "incorrect horse", Address: "192.0.2.1"})
				e, _ := refusal.Of(err)
				limited <- e != nil && e.Code() == "auth.limited"
			}()
		}
		synctest.Wait()
		if n := len(limited); n != 2*guessBurst {
			t.Errorf("%d of %d attempts side by side were refused, want %d", n, 3*guessBurst, 2*guessBurst)
		}
		cancel()
		synctest.Wait()
	})
}

func TestLimitsGiveBackWhatTimeBrings(t *testing.T) {
	l := NewLimits(time.Second, 3)
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	take := func(want bool) {
		t.Helper()
		if wait, ok := l.Allow("k", now); ok != want || ok != (wait == 0) || wait > time.Second {
			t.Fatalf("at %v: %v, to wait %v", now, ok, wait)
		}
	}
	for range 3 {
		take(true)
	}
	take(false)
	now = now.Add(time.Second)
	take(true)
	take(false)
	l.Undo("k")
	take(true)
	take(false)
	now = now.Add(time.Hour)
	for range 3 {
		take(true)
	}
	take(false)
	now = now.Add(-24 * time.Hour) // the clock is set back: the wait does not grow
	take(false)
	now = now.Add(time.Second)
	take(true)
}

func TestLimitsForgetSome(t *testing.T) {
	l := NewLimits(time.Second, 1)
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	for i := range maxLimits {
		l.Allow(fmt.Sprint(i), now)
	}
	l.Allow("last", now)
	if n := len(l.all); n > maxLimits || n < maxLimits/2 {
		t.Errorf("%d keys are kept, none of which has its burst again", n)
	}
	now = now.Add(2 * time.Second)
	for i := range maxLimits + 1 {
		l.Allow(fmt.Sprint("again", i), now)
		if n := len(l.all); n > maxLimits {
			t.Fatalf("%d keys are kept", n)
		}
	}
	if _, kept := l.all["last"]; kept {
		t.Error("a key that has its burst again is kept, though room was needed")
	}
}

func TestASubscribersIPv6AddressesCountAsOne(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7":              "192.0.2.7",
		"::ffff:192.0.2.7":       "192.0.2.7",
		"2001:db8:1:2::1":        "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::9":   "2001:db8:1:2::/64",
		"2001:db8:1:3::1":        "2001:db8:1:3::/64",
		"fe80::1%eth0":           "fe80::/64",
		"2001:db8:1:2:3:4:5:6%x": "2001:db8:1:2::/64",
	} {
		if got := AddressKey(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
}
