package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"doorstep/auth/refusal"
)

// Sessions signs users in and says who a token speaks for. It is safe for concurrent use.
type Sessions struct {
	keys      *Keys
	users     Users
	devices   Devices
	families  Families
	passwords *Passwords
	clock     func() time.Time
	byLogin   *Limits
	byAddress *Limits
	verified  verifier
}

// Options of NewSessions; all but Clock are needed.
type Options struct {
	Keys      *Keys
	Users     Users
	Devices   Devices
	Families  Families
	Passwords *Passwords
	Clock     func() time.Time // nil: the system's
}

// NewSessions makes the service.
func NewSessions(o Options) *Sessions {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Sessions{keys: o.Keys, users: o.Users, devices: o.Devices, families: o.Families, passwords: o.Passwords,
		clock:   o.Clock,
		byLogin: NewLimits(loginEvery, loginBurst), byAddress: NewLimits(addressEvery, addressBurst)}
}

// Session is what a sign-in or a refresh gives.
type Session struct {
	AccessToken  string
	ExpiresIn    time.Duration
	RefreshToken string
	User         User
}

// Login is a sign-in under way.
type Login struct {
	Login    string
	Password string
	Device   *Device // nil: none; an agent needs one
	Address  string  // the caller's network address, for the limit
}

// SignIn checks a password and begins a session. Errors: *refusal.Error
// auth.bad_credentials (whether login or password is wrong is not told),
// auth.limited, auth.device_required, device_wiped; the device keeper's; the store's.
func (s *Sessions) SignIn(ctx context.Context, l Login) (Session, error) {
	now := s.clock().UTC()
	login := strings.ToLower(strings.TrimSpace(l.Login))
	for _, lim := range []struct {
		*Limits
		key string
	}{{s.byAddress, l.Address}, {s.byLogin, login}} {
		if wait, ok := lim.Allow(lim.key, now); !ok {
			e := refuse(refusal.TooMany, "auth.limited", "too many attempts to sign in; wait and try again")
			e.RetryAfter = wait
			return Session{}, e
		}
	}
	u, err := s.users.ByLogin(ctx, login)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Session{}, err
	}
	if len(l.Password) > 4*MaxPassword {
		l.Password = "" // no password is as long; spare the hashing
	}
	ok, old, err := s.passwords.check(ctx, l.Password, u.PasswordHash)
	if err != nil {
		return Session{}, err
	}
	if !ok || u.Disabled {
		return Session{}, refuse(refusal.Unauthenticated, "auth.bad_credentials", "login or password is wrong")
	}
	var device DeviceID
	switch {
	case l.Device != nil:
		device = l.Device.ID
		st, err := s.devices.DeviceStatus(ctx, device)
		if err == nil && st.Blocked {
			return Session{}, errWiped(st.Wipe)
		}
		if err != nil && !errors.Is(err, ErrNoDevice) {
			return Session{}, err
		}
		d := *l.Device
		d.User = u.ID
		if err := s.devices.RegisterDevice(ctx, d); err != nil {
			return Session{}, err
		}
		if err == nil && st.User != u.ID {
			s.verified.forget(func(t verified) bool { return t.claims.Device == device })
		}
	case u.Role == RoleAgent:
		return Session{}, refusal.New(refusal.Invalid, "auth.device_required", "device",
			"an agent signs in on a device; send its id and platform")
	}
	if old {
		if next, err := s.passwords.Hash(ctx, u.Login, l.Password); err == nil {
			// The old hash goes on working if this fails.
			_ = s.users.Rehash(ctx, u.ID, u.PasswordHash, next)
		}
	}
	id, refresh, err := s.begin(ctx, u, device, now)
	if err != nil {
		return Session{}, err
	}
	return s.session(u, device, id, refresh, now)
}

func (s *Sessions) session(u User, d DeviceID, family, refresh string, now time.Time) (Session, error) {
	token, err := s.issue(u, d, family, now)
	if err != nil {
		return Session{}, err
	}
	return Session{AccessToken: token, ExpiresIn: AccessTTL, RefreshToken: refresh, User: u}, nil
}

// ForgetUser has this node look the user up again before the next request is answered.
func (s *Sessions) ForgetUser(u UserID) {
	s.verified.forget(func(t verified) bool { return t.claims.Subject == string(u) })
}

// ForgetDevice is ForgetUser for a device.
func (s *Sessions) ForgetDevice(d DeviceID) {
	s.verified.forget(func(t verified) bool { return t.claims.Device == d })
}

// ForgetLender is ForgetUser for all users of a lender.
func (s *Sessions) ForgetLender(lender string) {
	s.verified.forget(func(t verified) bool { return t.actor.Lender == lender })
}

// JWKS is the public key set.
func (s *Sessions) JWKS() []byte { return s.keys.JWKS() }
