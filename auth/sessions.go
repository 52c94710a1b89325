package auth

import (
	"cmp"
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
	factors   Factors
	passwords *Passwords
	clock     func() time.Time
	life      time.Duration
	// guesses counts by login and address, or login and known device; by user, of present passwords and of codes.
	guesses   *Limits
	byAddress *Limits
	verified  verifier

	requireFactor []Role
	issuer        string
}

// Options of NewSessions; all but Clock, Life, RequireFactor and Issuer are needed.
type Options struct {
	Keys      *Keys
	Users     Users
	Devices   Devices
	Families  Families
	Factors   Factors
	Passwords *Passwords
	Clock     func() time.Time // nil: the system's
	Life      time.Duration    // of a session after its sign-in; 0: DefaultLife
	// RequireFactor are the roles whose users may do nothing before they have a second factor.
	RequireFactor []Role
	Issuer        string // by which authenticator apps name this installation; "": Doorstep
}

// NewSessions makes the service.
func NewSessions(o Options) *Sessions {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Life == 0 {
		o.Life = DefaultLife
	}
	return &Sessions{keys: o.Keys, users: o.Users, devices: o.Devices, families: o.Families, factors: o.Factors,
		passwords: o.Passwords, clock: o.Clock, life: o.Life, requireFactor: o.RequireFactor,
		issuer:  cmp.Or(o.Issuer, "Doorstep"),
		guesses: NewLimits(guessEvery, guessBurst), byAddress: NewLimits(addressEvery, addressBurst)}
}

// Session is what a sign-in or a refresh gives.
type Session struct {
	AccessToken  string
	ExpiresIn    time.Duration
	RefreshToken string
	User         User
	Device       DeviceID // the device that signed in; "" for a sign-in without one
	MustEnrol    bool     // the user may do nothing but add a second factor
	// FactorsReset is when an administrator took the user's second factors away; zero: never, or one was added since.
	FactorsReset time.Time
}

// Login is a sign-in under way.
type Login struct {
	Login    string
	Password string
	Device   *Device // nil: none; an agent needs one
	Address  string  // the caller's network address as AddressKey gives it, for the limit
}

// SignIn checks a password and begins a session. Failures are counted by login and address, and by address; those on a
// device that is known as the user's by login and device alone, so that guessing elsewhere never keeps it out. Errors:
// *refusal.Error auth.bad_credentials (whether login or password is wrong is not told), auth.limited,
// auth.password_expired, auth.device_required, device_wiped; *FactorRequired: SignInWithFactor follows; the device
// keeper's; the store's.
func (s *Sessions) SignIn(ctx context.Context, l Login) (Session, error) {
	now := s.clock().UTC()
	login := strings.ToLower(strings.TrimSpace(l.Login))
	u, err := s.users.ByLogin(ctx, login)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Session{}, err
	}
	known, err := s.known(ctx, u, l.Device)
	if err != nil {
		return Session{}, err
	}
	undo, err := s.count(login, l, known, now)
	if err != nil {
		return Session{}, err
	}
	if len(l.Password) > 4*MaxPassword {
		l.Password = "" // no password is as long; spare the hashing
	}
	ok, old, err := s.passwords.check(ctx, l.Password, u.PasswordHash)
	if err != nil {
		undo()
		return Session{}, err
	}
	if !ok {
		return Session{}, errBadCredentials()
	}
	device, err := s.signInOn(ctx, u, l.Device)
	if err != nil {
		undo()
		return Session{}, err
	}
	if u.Disabled {
		return Session{}, errBadCredentials()
	}
	undo()
	if oneTimeOver(u, now) {
		return Session{}, refuse(refusal.Unauthenticated, "auth.password_expired",
			"the one-time password was not used in time; ask your administrator for a new one")
	}
	if old {
		if next, err := s.passwords.Hash(ctx, u.Login, l.Password); err == nil {
			// The old hash goes on working if this fails.
			_ = s.users.Rehash(ctx, u.ID, u.PasswordHash, next)
		}
	}
	if u, err = s.withFactors(ctx, u); err != nil {
		return Session{}, err
	}
	if u.factors > 0 {
		return Session{}, s.challenge(ctx, u, l.Device, now)
	}
	return s.signedIn(ctx, u, device, l.Device, now)
}

// signedIn begins the session of a user who has shown all that is asked of them.
func (s *Sessions) signedIn(ctx context.Context, u User, device DeviceID, said *Device, now time.Time) (Session,
	error) {
	if said != nil {
		d := *said
		d.User = u.ID
		if err := s.devices.RegisterDevice(ctx, d); err != nil {
			return Session{}, err
		}
	}
	id, f, err := s.begin(ctx, u, device, now)
	if err != nil {
		return Session{}, err
	}
	return s.session(u, device, id, f, now)
}

// known tells whether a user has signed in on a device before.
func (s *Sessions) known(ctx context.Context, u User, d *Device) (bool, error) {
	if d == nil || u.ID == "" {
		return false, nil
	}
	st, err := s.devices.DeviceStatus(ctx, d.ID)
	if errors.Is(err, ErrNoDevice) {
		return false, nil
	}
	return err == nil && st.User == u.ID && !st.Waiting, err
}

// count counts an attempt to sign in before it is judged, since many may come side by side. undo takes it back.
func (s *Sessions) count(login string, l Login, known bool, now time.Time) (undo func(), err error) {
	const msg = "too many attempts to sign in; wait and try again"
	if known {
		key := "device\n" + login + "\n" + string(l.Device.ID)
		if wait, ok := s.guesses.Allow(key, now); !ok {
			return nil, errLimited(msg, wait)
		}
		return func() { s.guesses.Undo(key) }, nil
	}
	key := "address\n" + login + "\n" + l.Address
	if wait, ok := s.guesses.Allow(key, now); !ok {
		return nil, errLimited(msg, wait)
	}
	if wait, ok := s.byAddress.Allow(l.Address, now); !ok {
		s.guesses.Undo(key)
		return nil, errLimited(msg, wait)
	}
	return func() {
		s.guesses.Undo(key)
		s.byAddress.Undo(l.Address)
	}, nil
}

// signInOn refuses a blocked device, and an agent without a device.
func (s *Sessions) signInOn(ctx context.Context, u User, d *Device) (DeviceID, error) {
	if d == nil {
		if u.Role == RoleAgent && !u.Disabled {
			return "", refusal.New(refusal.Invalid, "auth.device_required", "device",
				"an agent signs in on a device; send its id and platform")
		}
		return "", nil
	}
	st, err := s.devices.DeviceStatus(ctx, d.ID)
	if err == nil && st.Blocked {
		return "", errWiped(st.Wipe)
	}
	if err != nil && !errors.Is(err, ErrNoDevice) {
		return "", err
	}
	return d.ID, nil
}

func errBadCredentials() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.bad_credentials", "login or password is wrong")
}

func (s *Sessions) session(u User, d DeviceID, id string, f family, now time.Time) (Session, error) {
	expires := now.Add(AccessTTL)
	if end := s.ends(f); end.Before(expires) {
		expires = end
	}
	token, err := s.issue(u, d, id, now, expires)
	if err != nil {
		return Session{}, err
	}
	reset := u.FactorsReset
	if u.factors > 0 {
		reset = time.Time{}
	}
	return Session{AccessToken: token, ExpiresIn: expires.Sub(now), RefreshToken: s.keys.refreshToken(id, f.Counter),
		User: u, Device: d, MustEnrol: s.mustEnrol(u), FactorsReset: reset}, nil
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
