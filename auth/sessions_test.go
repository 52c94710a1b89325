package auth

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"doorstep/auth/refusal"

	"github.com/alexedwards/argon2id"
)

func TestASignInSaysWhoIsCalling(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "  ANA ", "phone-1")
	if s.ExpiresIn != AccessTTL || s.User.ID != "u-ana" {
		t.Errorf("the session is %+v", s)
	}
	a := h.who(t, s.AccessToken)
	a.Family = ""
	if want := (Actor{User: "u-ana", Role: RoleAgent, Branches: []BranchID{"porto"},
		Device: "phone-1"}); !reflect.DeepEqual(a, want) {
		t.Errorf("the actor is %+v, want %+v", a, want)
	}
	if a := h.who(t, h.signIn(t, "reg", "").AccessToken); a.Role != RoleAuditor || !a.Regulator || a.Device != "" {
		t.Errorf("the regulator is %+v", a)
	}
	h.keeper.change("u-sup", func(u *User) { u.MustChangePassword = true })
	if a := h.who(t, h.signIn(t, "sup", "").AccessToken); !a.MustChangePassword {
		t.Error("nothing tells that the password must be changed first")
	}
}

func TestNobodyLearnsWhichLoginsExist(t *testing.T) {
	h := newFixture(t)
	var first *refusal.Error
	for name, l := range map[string]Login{
		"wrong password":           {Login: "sup", Password: "incorrect horse"},
		"unknown login":            {Login: "nobody", Password: password},
		"no login":                 {Password: password},
		"no password":              {Login: "sup"},
		"a password far too long":  {Login: "sup", Password: string(make([]byte, 1<<20))},
		"a disabled user":          {Login: "gone", Password: password},
		"no password to sign in":   {Login: "bank", Password: ""},
		"an agent, wrong password": {Login: "ana", Password: "incorrect horse"},
	} {
		_, err := h.SignIn(context.Background(), l)
		e := refused(t, name, err, "auth.bad_credentials")
		if first == nil {
			first = e
		}
		if !reflect.DeepEqual(e, first) {
			t.Errorf("%s: %+v differs from %+v", name, *e, *first)
		}
	}
}

// TestAnUnknownLoginTakesAHashing: with no place left to hash in, a known and an
// unknown login both wait; nobody is told no any sooner.
func TestAnUnknownLoginTakesAHashing(t *testing.T) {
	h := newFixture(t)
	for range cap(h.passwords.places) {
		h.passwords.places <- struct{}{}
	}
	for _, login := range []string{"sup", "nobody", "gone", "bank"} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.SignIn(ctx, Login{Login: login, Password: "incorrect horse"}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want to have waited for a hashing", login, err)
		}
	}
	passwords := NewPasswords(1, SafeHashCost)
	if params, _, _, err := argon2id.DecodeHash(passwords.decoy); err != nil || *params != passwords.params {
		t.Errorf("the decoy is hashed with %+v, passwords with %+v: %v", params, passwords.params, err)
	}
}

func TestAnAgentSignsInOnADevice(t *testing.T) {
	h := newFixture(t)
	_, err := h.SignIn(context.Background(), Login{Login: "ana", Password: password})
	if e := refused(t, "an agent without a device", err, "auth.device_required"); e.Kind != refusal.Invalid ||
		e.Place != "device" {
		t.Errorf("the refusal is %+v", e)
	}
}

// A retired device is out until its user signs in on it again; what it is told is not that it is blocked.
func TestARetiredDeviceSignsInAgain(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	retire := func(is bool) {
		h.keeper.mu.Lock()
		defer h.keeper.mu.Unlock()
		st := h.keeper.devices["phone-1"]
		st.Retired = is
		h.keeper.devices["phone-1"] = st
	}
	if _, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1"); err != nil || h.keeper.saw["phone-1"] != 1 {
		t.Errorf("a refresh: %v; the device was seen %d times", err, h.keeper.saw["phone-1"])
	}
	retire(true)
	h.ForgetDevice("phone-1")
	_, err := h.Verify(context.Background(), s.AccessToken)
	if e := refused(t, "a call", err, "auth.device_retired"); e.Kind != refusal.Unauthenticated {
		t.Errorf("the refusal is %+v", e)
	}
	_, err = h.Refresh(context.Background(), s.RefreshToken, "phone-1")
	refused(t, "a refresh", err, "auth.device_retired")
	if h.keeper.saw["phone-1"] != 1 {
		t.Error("a refused refresh counts as seen")
	}
	retire(false) // as registering it does
	h.who(t, h.signIn(t, "ana", "phone-1").AccessToken)
}

// TestOtherNodesHearWithinSeconds: a node that is told nothing looks again by itself.
func TestOtherNodesHearWithinSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *fixture)
		code   string // "" when the token stays good
		check  func(a Actor) bool
	}{
		"a device is blocked": {func(h *fixture) { h.keeper.block("phone-1", true) }, "device_wiped", nil},
		"a user is disabled": {func(h *fixture) { h.keeper.change("u-ana", func(u *User) { u.Disabled = true }) },
			"auth.token_invalid", nil},
		"tokens are called in": {func(h *fixture) { h.keeper.change("u-ana", func(u *User) { u.Generation++ }) },
			"auth.token_invalid", nil},
		"a user is gone":   {func(h *fixture) { delete(h.keeper.users, "u-ana") }, "auth.token_invalid", nil},
		"a device is gone": {func(h *fixture) { delete(h.keeper.devices, "phone-1") }, "auth.token_invalid", nil},
		"a device has changed hands": {func(h *fixture) { h.keeper.devices["phone-1"] = DeviceStatus{User: "u-rui"} },
			"auth.token_invalid", nil},
		"a role changes": {func(h *fixture) { h.keeper.change("u-ana", func(u *User) { u.Role = RoleSupervisor }) }, "",
			func(a Actor) bool { return a.Role == RoleSupervisor }},
		"a branch is taken away": {func(h *fixture) { h.keeper.change("u-ana", func(u *User) { u.Branches = nil }) }, "",
			func(a Actor) bool { return !a.InBranch("porto") }},
	} {
		h := newFixture(t)
		s := h.signIn(t, "ana", "phone-1")
		before := h.who(t, s.AccessToken)
		c.change(h)
		h.clock.pass(RecheckEvery)
		if a := h.who(t, s.AccessToken); !reflect.DeepEqual(a, before) {
			t.Errorf("%s: within %v the node still answers from memory, and says %+v", name, RecheckEvery, a)
		}
		h.clock.pass(time.Millisecond)
		a, err := h.Verify(context.Background(), s.AccessToken)
		if c.code != "" {
			refused(t, name, err, c.code)
		} else if err != nil || !c.check(a) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestTheNodeThatChangesAUserKnowsAtOnce(t *testing.T) {
	h := newFixture(t)
	s, other := h.signIn(t, "ana", "phone-1"), h.signIn(t, "rui", "phone-2")
	h.who(t, s.AccessToken)
	h.who(t, other.AccessToken)
	h.keeper.change("u-ana", func(u *User) { u.Disabled = true })
	h.ForgetUser("u-ana")
	_, err := h.Verify(context.Background(), s.AccessToken)
	refused(t, "a disabled user", err, "auth.token_invalid")
	asked := h.keeper.lookUps
	h.who(t, other.AccessToken)
	if h.keeper.lookUps != asked {
		t.Error("another user was forgotten too")
	}
}

func TestADeviceOfAnotherUserIsNotTakenOver(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	_, err := h.SignIn(context.Background(), Login{Login: "rui", Password: password, Device: &Device{ID: "phone-1"}})
	if !errors.Is(err, errTaken) {
		t.Fatalf("another user's sign-in: %v", err)
	}
	h.who(t, s.AccessToken)
	h.refresh(t, s, "phone-1")
}

func TestSigningOutEndsTheSession(t *testing.T) {
	h := newFixture(t)
	s, other := h.signIn(t, "ana", "phone-1"), h.signIn(t, "sup", "")
	a := h.who(t, s.AccessToken)
	for range 2 { // again is harmless
		check(t, h.SignOut(context.Background(), a))
	}
	_, err := h.Verify(context.Background(), s.AccessToken)
	refused(t, "the access token", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), s.RefreshToken, "phone-1")
	refused(t, "the refresh token", err, "auth.refresh_invalid")
	check(t, h.SignOut(context.Background(), Actor{User: "u-sup", Family: "unknown"}))
	h.who(t, other.AccessToken)
}

// A sign-in on a device ends the sessions that the user had on it, and no other.
func TestASignInEndsTheEarlierSessionOfItsDevice(t *testing.T) {
	h := newFixture(t)
	first, elsewhere, office := h.signIn(t, "ana", "phone-1"), h.signIn(t, "ana", "phone-2"), h.signIn(t, "sup", "")
	second := h.signIn(t, "ana", "phone-1")
	_, err := h.Verify(context.Background(), first.AccessToken)
	refused(t, "the access token of before", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), first.RefreshToken, "phone-1")
	refused(t, "the refresh token of before", err, "auth.refresh_invalid")
	h.signIn(t, "sup", "")
	for _, s := range []Session{elsewhere, second, office} {
		h.who(t, s.AccessToken)
	}
}

func TestAWeakerHashIsReplacedAtSignIn(t *testing.T) {
	h := newFixture(t)
	old, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16,
		KeyLength: 32})
	check(t, err)
	h.keeper.change("u-sup", func(u *User) { u.PasswordHash = old })
	h.signIn(t, "sup", "")
	now := h.keeper.users["u-sup"].PasswordHash
	if params, _, _, err := argon2id.DecodeHash(now); err != nil || *params != h.passwords.params {
		t.Errorf("after a sign-in the hash has %+v, %v", params, err)
	}
	h.signIn(t, "sup", "")
	if h.keeper.users["u-sup"].PasswordHash != now {
		t.Error("a hash of today's strength was replaced")
	}
}

// TestAStoreInTroubleIsNoRefusal: nobody is signed out because a store does not answer.
func TestAStoreInTroubleIsNoRefusal(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	h.keeper.trouble = errors.New("no store")
	var e *refusal.Error
	if _, err := h.Verify(context.Background(), s.AccessToken); !errors.Is(err, h.keeper.trouble) || errors.As(err, &e) {
		t.Errorf("a call: %v", err)
	}
	if _, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1"); !errors.Is(err, h.keeper.trouble) {
		t.Errorf("a refresh: %v", err)
	}
	h.keeper.trouble = nil
	h.who(t, s.AccessToken)
	if _, err := h.Refresh(context.Background(), s.RefreshToken, "phone-1"); err != nil {
		t.Errorf("a refresh after the trouble: %v", err)
	}
}
