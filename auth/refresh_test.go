package auth

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

func (h *fixture) refresh(t *testing.T, s Session, d DeviceID) Session {
	t.Helper()
	next, err := h.Refresh(context.Background(), s.RefreshToken, d)
	check(t, err)
	return next
}

func TestEachRefreshReplacesTheToken(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	family := h.who(t, s.AccessToken).Family
	seen := map[string]bool{s.RefreshToken: true}
	for range 5 {
		h.clock.pass(time.Hour)
		s = h.refresh(t, s, "phone-1")
		if seen[s.RefreshToken] {
			t.Fatal("a refresh token came again")
		}
		seen[s.RefreshToken] = true
		if a := h.who(t, s.AccessToken); a.User != "u-ana" || a.Device != "phone-1" || a.Family != family {
			t.Errorf("after a refresh the actor is %+v", a)
		}
	}
	for _, f := range h.keeper.families {
		for token := range seen {
			if mac := token[strings.LastIndex(token, ".")+1:]; strings.Contains(string(f.body), mac) {
				t.Error("a refresh token is kept with its family")
			}
		}
	}
}

func TestAUsedTokenThatComesAgainEndsTheFamily(t *testing.T) {
	h := newFixture(t)
	first := h.signIn(t, "ana", "phone-1")
	second := h.refresh(t, first, "phone-1")
	third := h.refresh(t, second, "phone-1")
	other := h.signIn(t, "ana", "phone-2")
	h.who(t, third.AccessToken) // the node has just looked, and remembers it
	_, err := h.Refresh(context.Background(), first.RefreshToken, "phone-1")
	if e := refused(t, "the used token", err, "auth.refresh_reused"); e.Kind != refusal.Unauthenticated {
		t.Errorf("the refusal is %+v", e)
	}
	for name, s := range map[string]Session{"successor": second, "newest": third} {
		_, err = h.Refresh(context.Background(), s.RefreshToken, "phone-1")
		refused(t, "the "+name, err, "auth.refresh_invalid")
		_, err = h.Verify(context.Background(), s.AccessToken)
		refused(t, "the access token of the "+name, err, "auth.token_invalid")
	}
	h.who(t, other.AccessToken)
	h.refresh(t, other, "phone-2")
}

// TestALostAnswerIsGivenAgain: a phone that did not hear the answer asks again an hour or ten days later, through a
// node whose clock may differ, until it has heard and presented the successor.
func TestALostAnswerIsGivenAgain(t *testing.T) {
	h := newFixture(t)
	first := h.signIn(t, "ana", "phone-1")
	second := h.refresh(t, first, "phone-1")
	for _, d := range []time.Duration{0, time.Minute, 10 * 24 * time.Hour, -11 * 24 * time.Hour, 20 * 24 * time.Hour} {
		h.clock.pass(d)
		again := h.refresh(t, first, "phone-1")
		if again.RefreshToken != second.RefreshToken {
			t.Fatalf("after %v a lost answer gives another successor", d)
		}
		h.who(t, again.AccessToken)
	}
	third := h.refresh(t, second, "phone-1")
	if third.RefreshToken == second.RefreshToken {
		t.Error("the successor gives itself")
	}
	if again := h.refresh(t, second, "phone-1"); again.RefreshToken != third.RefreshToken {
		t.Error("the next lost answer gives another successor")
	}
	_, err := h.Refresh(context.Background(), first.RefreshToken, "phone-1")
	refused(t, "a token two before", err, "auth.refresh_reused")
	_, err = h.Refresh(context.Background(), third.RefreshToken, "phone-1")
	refused(t, "the newest, after that", err, "auth.refresh_invalid")
}

// TestRefreshesSideBySideAgree: a phone that asks twice at once gets one successor.
func TestRefreshesSideBySideAgree(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	var wg sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		wg.Go(func() {
			next, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1")
			if err != nil {
				t.Error(err)
			}
			got[i] = next.RefreshToken
		})
	}
	wg.Wait()
	for _, r := range got {
		if r != got[0] || r == s.RefreshToken {
			t.Fatal("refreshes side by side give several successors")
		}
	}
}

func TestARefreshThatRacesWithASignOutLoses(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	a := h.who(t, s.AccessToken)
	h.keeper.before = func() { check(t, h.SignOut(context.Background(), a)) }
	_, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1")
	refused(t, "a refresh", err, "auth.refresh_invalid")
}

func TestARefreshTokenStaysWithItsDevice(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	h.signIn(t, "ana", "phone-2")
	_, err := h.Refresh(context.Background(), s.RefreshToken, "phone-2")
	refused(t, "on another device", err, "auth.device_mismatch")
	_, err = h.Refresh(context.Background(), s.RefreshToken, "")
	refused(t, "on a device that does not say which", err, "auth.device_mismatch")
	h.refresh(t, s, "phone-1") // a mistake ends nothing
}

func TestASessionEndsAMonthAfterItsSignIn(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	for range 3 {
		h.clock.pass(DefaultLife / 3)
		s = h.refresh(t, s, "phone-1")
	}
	if s.ExpiresIn != 0 {
		t.Errorf("at the session's end an access token holds for %v", s.ExpiresIn)
	}
	h.clock.pass(-time.Minute)
	if s = h.refresh(t, s, "phone-1"); s.ExpiresIn != time.Minute {
		t.Errorf("a minute before the session's end an access token holds for %v", s.ExpiresIn)
	}
	h.who(t, s.AccessToken)
	h.clock.pass(time.Minute + time.Second)
	_, err := h.Verify(context.Background(), s.AccessToken)
	refused(t, "a call a month and a second later", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), s.RefreshToken, "phone-1")
	refused(t, "a refresh then", err, "auth.refresh_invalid")
}

func TestASessionOfALongerLifeEndsAMonthAfterItsLastUse(t *testing.T) {
	h := newFixture(t)
	h.life = 100 * 24 * time.Hour
	s := h.signIn(t, "ana", "phone-1")
	for range 2 {
		h.clock.pass(RefreshTTL)
		s = h.refresh(t, s, "phone-1")
	}
	h.clock.pass(-3 * 24 * time.Hour) // a node whose clock is behind does not bring the end nearer
	s = h.refresh(t, s, "phone-1")
	h.clock.pass(3*24*time.Hour + RefreshTTL)
	s = h.refresh(t, s, "phone-1")
	h.life = 50 * 24 * time.Hour // a shorter setting holds for sessions that have begun
	_, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1")
	refused(t, "after a shorter life", err, "auth.refresh_invalid")
}

func TestARefreshEndsWithTheUsersTokens(t *testing.T) {
	for name, change := range map[string]func(*User){
		"disabled":            func(u *User) { u.Disabled = true },
		"tokens called in":    func(u *User) { u.Generation++ },
		"generation restored": func(u *User) { u.Generation-- },
	} {
		h := newFixture(t)
		s := h.signIn(t, "ana", "phone-1")
		h.keeper.change("u-ana", change)
		_, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1")
		refused(t, name, err, "auth.refresh_invalid")
	}
}

func TestAForgedRefreshTokenChangesNothing(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	parts := strings.Split(s.RefreshToken, ".")
	stranger := newFixture(t)
	for name, token := range map[string]string{
		"nothing":          "",
		"an access token":  s.AccessToken,
		"another counter":  parts[0] + ".2." + parts[2],
		"counter with 0":   parts[0] + ".01." + parts[2] + "x",
		"another family":   "x" + parts[0] + ".1." + parts[2],
		"no mac":           parts[0] + ".1.",
		"an altered mac":   parts[0] + ".1." + strings.ToUpper(parts[2]),
		"a negative one":   parts[0] + ".-1." + parts[2],
		"another key":      stranger.keys.refreshToken(parts[0], 1),
		"a family of none": h.keys.refreshToken("nobody", 1),
		"very long":        s.RefreshToken + strings.Repeat("A", 1000),
	} {
		_, err := h.Refresh(context.Background(), token, "phone-1")
		refused(t, name, err, "auth.refresh_invalid")
	}
	// A token of the future is of this key, but was never given: the family ends.
	future := h.signIn(t, "rui", "phone-2")
	id := h.who(t, future.AccessToken).Family
	_, err := h.Refresh(context.Background(), h.keys.refreshToken(id, 7), "phone-2")
	refused(t, "a token never given, number "+strconv.Itoa(7), err, "auth.refresh_reused")
	h.refresh(t, s, "phone-1")
}

// A family may be deleted once its tokens are refused with or without it; a blocked device hears of it all the same.
func TestAFamilyIsDeletedWhenItsTokensAreOver(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	s := h.signIn(t, "ana", "phone")
	over := func() (n int) {
		for _, f := range h.keeper.families {
			if FamilyOver(f.body, h.clock.Now()) {
				n++
			}
		}
		return n
	}
	h.clock.pass(RefreshTTL)
	if n := over(); n != 0 {
		t.Errorf("%d documents are over while the session goes on", n)
	}
	h.clock.pass(25 * time.Hour)
	if n := over(); n != 1 { // the user's list stays
		t.Errorf("%d documents are over, want the family", n)
	}
	_, err := h.Refresh(ctx, s.RefreshToken, "phone")
	refused(t, "a token of the kept family", err, "auth.refresh_invalid")
	for id, f := range h.keeper.families {
		if FamilyOver(f.body, h.clock.Now()) {
			delete(h.keeper.families, id)
		}
	}
	_, err = h.Refresh(ctx, s.RefreshToken, "phone")
	refused(t, "a token of the deleted family", err, "auth.refresh_invalid")
	h.keeper.block("phone", true)
	_, err = h.Refresh(ctx, s.RefreshToken, "phone")
	if no := refused(t, "the blocked device", err, "device_wiped"); !no.Wipe {
		t.Error("it is not told to erase")
	}
	h.signIn(t, "ana", "tablet")
}
