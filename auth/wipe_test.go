package auth

import (
	"context"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

// TestWipeArrivesAlways: whatever became of user and session, before the order or after it, every request that carries
// a token of ours tells a blocked device to erase what it holds.
func TestWipeArrivesAlways(t *testing.T) {
	before := []struct {
		name string
		do   func(t *testing.T, h *fixture, s Session)
	}{
		{"nothing else", func(*testing.T, *fixture, Session) {}},
		{"the user is disabled", func(_ *testing.T, h *fixture, _ Session) {
			h.keeper.change("u-ana", func(u *User) { u.Disabled = true; u.Generation++ })
		}},
		{"the user is moved", func(_ *testing.T, h *fixture, _ Session) {
			h.keeper.change("u-ana", func(u *User) { u.Branches = []BranchID{"braga"}; u.Generation++ })
		}},
		{"the user is of another role", func(_ *testing.T, h *fixture, _ Session) {
			h.keeper.change("u-ana", func(u *User) { u.Role = RoleSupervisor; u.Generation++ })
		}},
		{"the user is gone", func(_ *testing.T, h *fixture, _ Session) { delete(h.keeper.users, "u-ana") }},
		{"the user has a one-time password", func(_ *testing.T, h *fixture, _ Session) {
			h.keeper.change("u-ana", func(u *User) {
				u.MustChangePassword, u.PasswordEnds = true, h.clock.Now().Add(-time.Second)
				u.Generation++
			})
		}},
		{"the user has changed the password elsewhere", func(t *testing.T, h *fixture, _ Session) {
			elsewhere := h.who(t, h.signIn(t, "ana", "phone-2").AccessToken)
			check(t, h.ChangePassword(context.Background(), elsewhere, password, "another horse battery"))
		}},
		{"signed out", func(t *testing.T, h *fixture, s Session) {
			check(t, h.SignOut(context.Background(), Actor{User: "u-ana", Family: h.familyOf(t, s)}))
		}},
		{"a used token came again", func(t *testing.T, h *fixture, s Session) {
			check(t, h.end(context.Background(), h.familyOf(t, s), "u-ana", "reused"))
		}},
		{"the session is over", func(_ *testing.T, h *fixture, _ Session) { h.clock.pass(DefaultLife + time.Hour) }},
		{"a year has passed", func(_ *testing.T, h *fixture, _ Session) { h.clock.pass(365 * 24 * time.Hour) }},
	}
	asks := map[string]func(h *fixture, first, last Session) error{
		"a call with the newest token": func(h *fixture, _, last Session) error {
			_, err := h.Verify(context.Background(), last.AccessToken)
			return err
		},
		"a call with an earlier token": func(h *fixture, first, _ Session) error {
			_, err := h.Verify(context.Background(), first.AccessToken)
			return err
		},
		"a refresh": func(h *fixture, _, last Session) error {
			_, err := h.Refresh(context.Background(), last.RefreshToken, "phone-1")
			return err
		},
		"a refresh with a used token": func(h *fixture, first, _ Session) error {
			_, err := h.Refresh(context.Background(), first.RefreshToken, "phone-1")
			return err
		},
	}
	for _, b := range before {
		for _, order := range []string{"before", "after"} {
			for ask, do := range asks {
				for _, wipe := range []bool{true, false} {
					for _, expired := range []bool{false, true} {
						h := newFixture(t)
						first := h.signIn(t, "ana", "phone-1")
						last := h.refresh(t, h.refresh(t, first, "phone-1"), "phone-1")
						h.who(t, last.AccessToken) // the node remembers the token
						if order == "before" {
							b.do(t, h, last)
						}
						h.keeper.block("phone-1", wipe)
						h.ForgetDevice("phone-1")
						if order == "after" {
							b.do(t, h, last)
						}
						if expired {
							h.clock.pass(AccessTTL + time.Hour)
						}
						what := ask + ", " + b.name + " " + order + " the order"
						if e := refused(t, what, do(h, first, last), "device_wiped"); e.Wipe != wipe ||
							e.Kind != refusal.Forbidden {
							t.Errorf("%s: %+v", what, e)
						}
					}
				}
			}
		}
	}
}

// familyOf reads a session's family from its refresh token.
func (h *fixture) familyOf(t *testing.T, s Session) string {
	t.Helper()
	id, _, ok := h.keys.readRefresh(s.RefreshToken)
	if !ok {
		t.Fatal("a refresh token of ours cannot be read")
	}
	return id
}

func TestASignInOnABlockedDeviceWipesIt(t *testing.T) {
	for name, change := range map[string]func(*User){
		"a user":          func(*User) {},
		"a disabled user": func(u *User) { u.Disabled = true },
		"a moved user":    func(u *User) { u.Branches = []BranchID{"braga"} },
		"one who must change": func(u *User) {
			u.MustChangePassword, u.PasswordEnds = true, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		},
	} {
		h := newFixture(t)
		other := h.signIn(t, "rui", "phone-2")
		h.signIn(t, "ana", "phone-1")
		h.keeper.block("phone-1", true)
		h.keeper.change("u-ana", change)
		_, err := h.SignIn(context.Background(), Login{Login: "ana", Password: password, Device: &Device{ID: "phone-1"}})
		if e := refused(t, name, err, "device_wiped"); !e.Wipe {
			t.Errorf("%s: the refusal is %+v", name, e)
		}
		refused(t, "a wrong password of "+name, h.guess("ana", "192.0.2.1", "phone-1"), "auth.bad_credentials")
		h.who(t, other.AccessToken)
	}
}

// TestATokenOfOthersWipesNothing: who has no token of ours does not learn which devices are blocked.
func TestATokenOfOthersWipesNothing(t *testing.T) {
	h, stranger := newFixture(t), newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	h.signIn(t, "rui", "phone-2")
	forged := stranger.signIn(t, "ana", "phone-1")
	h.keeper.block("phone-1", true)
	_, err := h.Verify(context.Background(), forged.AccessToken)
	refused(t, "an access token of another key", err, "auth.token_invalid")
	_, err = h.Refresh(context.Background(), forged.RefreshToken, "phone-1")
	refused(t, "a refresh token of another key", err, "auth.refresh_invalid")
	_, err = h.Refresh(context.Background(), s.RefreshToken, "phone-2")
	refused(t, "on another device", err, "auth.device_mismatch")
}
