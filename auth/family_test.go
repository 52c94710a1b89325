package auth

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func (h *fixture) open(t *testing.T, a Actor) []OpenSession {
	t.Helper()
	out, err := h.Open(context.Background(), a)
	check(t, err)
	return out
}

func TestAUserSeesAndEndsTheirOwnSessions(t *testing.T) {
	h := newFixture(t)
	begun := h.clock.Now()
	phone := h.signIn(t, "ana", "phone-1")
	h.clock.pass(time.Minute)
	tablet := h.signIn(t, "ana", "tablet")
	foreign := h.who(t, h.signIn(t, "rui", "phone-2").AccessToken)
	h.clock.pass(time.Minute)
	phone = h.refresh(t, phone, "phone-1")
	a, b := h.who(t, phone.AccessToken), h.who(t, tablet.AccessToken)
	want := []OpenSession{
		{ID: b.Family, Device: "tablet", Begun: begun.Add(time.Minute), LastUsed: begun.Add(time.Minute),
			Ends: begun.Add(time.Minute + DefaultLife)},
		{ID: a.Family, Device: "phone-1", Begun: begun, LastUsed: begun.Add(2 * time.Minute), Ends: begun.Add(DefaultLife)},
	}
	if got := h.open(t, a); !slices.Equal(got, want) {
		t.Errorf("the sessions are %+v, want %+v", got, want)
	}
	for what, id := range map[string]string{"of another user": foreign.Family, "that does not exist": "none",
		"the list itself": listID("u-ana")} {
		refused(t, "a session "+what, h.End(context.Background(), a, id), "session.not_found")
	}
	for range 2 { // again is harmless
		check(t, h.End(context.Background(), a, b.Family))
	}
	_, err := h.Verify(context.Background(), tablet.AccessToken)
	refused(t, "a call of the ended session", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), tablet.RefreshToken, "tablet")
	refused(t, "a refresh of it", err, "auth.refresh_invalid")
	if got := h.open(t, a); !slices.Equal(got, want[1:]) {
		t.Errorf("afterwards the sessions are %+v", got)
	}
	h.who(t, phone.AccessToken)
	if got := h.open(t, foreign); len(got) != 1 || got[0].ID != foreign.Family {
		t.Errorf("the other user's sessions are %+v", got)
	}
	h.clock.pass(2 * DefaultLife)
	if got := h.open(t, a); len(got) != 0 {
		t.Errorf("sessions that are over are listed: %+v", got)
	}
}

func TestOneSignInTooManyEndsTheOldest(t *testing.T) {
	h := newFixture(t)
	first := h.signIn(t, "sup", "")
	second := h.signIn(t, "sup", "")
	for range maxSessions - 1 {
		h.signIn(t, "sup", "")
	}
	_, err := h.Verify(context.Background(), first.AccessToken)
	refused(t, "the oldest", err, "auth.token_invalid")
	if n := len(h.open(t, h.who(t, second.AccessToken))); n != maxSessions {
		t.Errorf("%d sessions are open, want %d", n, maxSessions)
	}
}

// TestSignInsSideBySideAreAllListed: what is not listed could not be ended.
func TestSignInsSideBySideAreAllListed(t *testing.T) {
	h := newFixture(t)
	a := h.who(t, h.signIn(t, "sup", "").AccessToken)
	h.keeper.before = func() { h.signIn(t, "sup", "") }
	h.signIn(t, "sup", "")
	if n := len(h.open(t, a)); n != 3 {
		t.Errorf("%d sessions are listed, want 3", n)
	}
}

func TestAChangeOfPasswordEndsTheOtherSessions(t *testing.T) {
	const next = "another horse battery"
	h := newFixture(t)
	mine, other := h.signIn(t, "sup", ""), h.signIn(t, "sup", "tablet")
	stranger := h.signIn(t, "rui", "phone-2")
	a := h.who(t, mine.AccessToken)
	h.who(t, other.AccessToken)
	refused(t, "a weak one", h.ChangePassword(context.Background(), a, password, "short"), "auth.password_weak")
	h.who(t, other.AccessToken)
	check(t, h.ChangePassword(context.Background(), a, password, next))
	_, err := h.Verify(context.Background(), other.AccessToken)
	refused(t, "a call of another session", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), other.RefreshToken, "tablet")
	refused(t, "a refresh of another session", err, "auth.refresh_invalid")
	h.who(t, mine.AccessToken)
	h.who(t, h.refresh(t, mine, "").AccessToken)
	h.who(t, stranger.AccessToken)
	_, err = h.SignIn(context.Background(), Login{Login: "sup", Password: password})
	refused(t, "the old password", err, "auth.bad_credentials")
	_, err = h.SignIn(context.Background(), Login{Login: "sup", Password: next})
	check(t, err)
}

func TestGuessesOfThePresentPasswordAreLimited(t *testing.T) {
	h := newFixture(t)
	a := h.who(t, h.signIn(t, "sup", "").AccessToken)
	change := func(a Actor, old string) error {
		return h.ChangePassword(context.Background(), a, old, "another horse battery")
	}
	for range 3 * guessBurst { // a refusal for another reason does not count as a guess
		refused(t, "a weak one", h.ChangePassword(context.Background(), a, password, "short"), "auth.password_weak")
	}
	for range guessBurst {
		if err := change(a, "incorrect horse"); !errors.Is(err, ErrWrongPassword) {
			t.Fatal(err)
		}
	}
	// Another session of the same user counts with it.
	b := h.who(t, h.signIn(t, "sup", "tablet").AccessToken)
	e := refused(t, "one more", change(b, password), "auth.limited")
	if e.RetryAfter <= 0 || e.RetryAfter > guessEvery {
		t.Errorf("to wait: %v", e.RetryAfter)
	}
	h.clock.pass(e.RetryAfter)
	check(t, change(a, password))
}

func TestAOneTimePasswordLastsADay(t *testing.T) {
	h := newFixture(t)
	h.keeper.change("u-sup", func(u *User) {
		u.MustChangePassword, u.PasswordEnds = true, h.clock.Now().Add(OneTimeTTL)
	})
	h.clock.pass(OneTimeTTL)
	s := h.signIn(t, "sup", "")
	h.who(t, s.AccessToken)
	h.clock.pass(time.Second)
	_, err := h.SignIn(context.Background(), Login{Login: "sup", Password: password, Address: "192.0.2.1"})
	refused(t, "a day and a second later", err, "auth.password_expired")
	refused(t, "a wrong password then", h.guess("sup", "192.0.2.1", ""), "auth.bad_credentials")
	h.clock.pass(RecheckEvery)
	_, err = h.Verify(context.Background(), s.AccessToken)
	refused(t, "a session begun with it", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), s.RefreshToken, "")
	refused(t, "a refresh of that session", err, "auth.refresh_invalid")
}

func TestWhoWatchesHearsOfAChange(t *testing.T) {
	h := newFixture(t)
	s, other := h.signIn(t, "ana", "phone-1"), h.signIn(t, "rui", "phone-2")
	a := h.who(t, s.AccessToken)
	changed, stop := h.Watch(a)
	defer stop()
	theirs, stopTheirs := h.Watch(h.who(t, other.AccessToken))
	defer stopTheirs()
	heard := func(what string, c <-chan struct{}, want bool) {
		t.Helper()
		select {
		case <-c:
			if !want {
				t.Errorf("%s: heard of", what)
			}
		default:
			if want {
				t.Errorf("%s: not heard of", what)
			}
		}
	}
	heard("nothing", changed, false)
	for what, do := range map[string]func(){
		"the user":   func() { h.ForgetUser("u-ana") },
		"the device": func() { h.ForgetDevice("phone-1") },
		"signed out": func() { check(t, h.SignOut(context.Background(), a)) },
	} {
		do()
		heard(what, changed, true)
		heard(what+", to others", theirs, false)
	}
	refused(t, "a session that was signed out", h.Check(context.Background(), a), "auth.token_invalid")
	h.clock.pass(2 * AccessTTL) // the token has expired, the session has not
	check(t, h.Check(context.Background(), h.who(t, h.refresh(t, other, "phone-2").AccessToken)))
	stop()
	h.ForgetUser("u-ana")
	heard("after the end", changed, false)
	if n := len(h.verified.watchers); n != 1 {
		t.Errorf("%d watchers are kept", n)
	}
}
