package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"doorstep/auth/refusal"

	"github.com/golang-jwt/jwt/v5"
)

// Durations of tokens.
const (
	AccessTTL = 15 * time.Minute
	// RecheckEvery is how long a node may trust what it last read of a user and device.
	RecheckEvery = 5 * time.Second
	// leeway forgives a clock that differs from the signer's.
	leeway = 30 * time.Second
)

const (
	issuer   = "doorstep"
	audience = "doorstep-api"
)

// claims are what an access token says. Roles and branches are not in it: they are looked up.
type claims struct {
	jwt.RegisteredClaims
	Device DeviceID `json:"dev,omitempty"`
	Family string   `json:"fam"`
}

// verified is one token this node has checked before.
type verified struct {
	claims  claims
	expires time.Time
	actor   Actor
	checked time.Time // when the actor was looked up
}

// maxVerified bounds the memory for verified tokens: about 20 MB.
const maxVerified = 50_000

// verifier remembers verified tokens, since checking an ES256 signature takes
// longer than most requests; and who wants to hear of a change.
type verifier struct {
	mu       sync.RWMutex
	tokens   map[[32]byte]verified
	watchers map[*watcher]bool
}

// watcher waits for a change that concerns an actor.
type watcher struct {
	of      verified
	changed func()
}

func (v *verifier) find(key [32]byte) (verified, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t, ok := v.tokens[key]
	return t, ok
}

func (v *verifier) keep(key [32]byte, t verified, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = map[[32]byte]verified{}
	}
	if len(v.tokens) >= maxVerified {
		for k, old := range v.tokens {
			if now.After(old.expires) {
				delete(v.tokens, k)
			}
		}
		if len(v.tokens) >= maxVerified {
			clear(v.tokens)
		}
	}
	v.tokens[key] = t
}

// forget drops what was remembered of tokens that match.
func (v *verifier) forget(match func(verified) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for k, t := range v.tokens {
		if match(t) {
			delete(v.tokens, k)
		}
	}
	for w := range v.watchers {
		if match(w.of) {
			w.changed()
		}
	}
}

// Watch returns a channel that receives a value after each change that this node knows of and that may concern the
// actor; see Check. The caller calls stop when it no longer listens.
func (s *Sessions) Watch(a Actor) (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	return c, s.WatchFunc(a, func() {
		select {
		case c <- struct{}{}:
		default: // it has yet to look
		}
	})
}

// WatchFunc calls a function after each such change. The function is called with a lock held: it does not wait, and
// calls nothing of Sessions.
func (s *Sessions) WatchFunc(a Actor, changed func()) (stop func()) {
	w := &watcher{of: verified{claims: claimsOf(a), actor: a}, changed: changed}
	v := &s.verified
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watchers == nil {
		v.watchers = map[*watcher]bool{}
	}
	v.watchers[w] = true
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.watchers, w)
	}
}

// Check returns the refusal that the actor would be given now: their session has ended or their device is blocked. An
// access token that has expired since does not matter. Other errors are the store's.
func (s *Sessions) Check(ctx context.Context, a Actor) error {
	_, err := s.lookUp(ctx, claimsOf(a), s.clock())
	return err
}

func claimsOf(a Actor) claims {
	return claims{RegisteredClaims: jwt.RegisteredClaims{Subject: string(a.User)}, Device: a.Device, Family: a.Family}
}

// issue signs an access token, which expires with the session at the latest.
func (s *Sessions) issue(u User, d DeviceID, family string, now, expires time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: string(u.ID),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires)},
		Device: d, Family: family})
	t.Header["kid"] = s.keys.kid
	return t.SignedString(s.keys.sign)
}

// Verify says who an access token speaks for. Errors: *refusal.Error device_wiped for the blocked device of a token of
// ours, even an expired one, whatever became of user and session; auth.token_*; or the store's when the user cannot be
// looked up.
func (s *Sessions) Verify(ctx context.Context, token string) (Actor, error) {
	now := s.clock()
	key := sha256.Sum256([]byte(token))
	t, ok := s.verified.find(key)
	if !ok {
		if len(token) > 4096 {
			return Actor{}, errInvalidToken()
		}
		c, err := s.parse(token)
		if err != nil {
			return Actor{}, err
		}
		t = verified{claims: c, expires: c.ExpiresAt.Time}
	}
	if now.After(t.expires.Add(leeway)) {
		// An app may never come so far as to refresh: tell it to erase what it holds.
		if _, err := s.admit(ctx, UserID(t.claims.Subject), t.claims.Device); err != nil {
			return Actor{}, err
		}
		return Actor{}, errExpiredToken()
	}
	if since := now.Sub(t.checked); t.checked.IsZero() || since > RecheckEvery || since < 0 {
		a, err := s.lookUp(ctx, t.claims, now)
		if err != nil {
			return Actor{}, err
		}
		t.actor, t.checked = a, now
		s.verified.keep(key, t, now)
	}
	return t.actor, nil
}

// parse checks a token by itself, but not whether it has expired.
func (s *Sessions) parse(token string) (claims, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return &s.keys.sign.PublicKey, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithTimeFunc(func() time.Time {
			if c.ExpiresAt == nil {
				return time.Time{}
			}
			return c.ExpiresAt.Add(-time.Second)
		}))
	if err != nil {
		return claims{}, errInvalidToken()
	}
	return c, nil
}

// lookUp reads who the claims speak for now. The device comes first, so that a blocked one hears of it in any case.
func (s *Sessions) lookUp(ctx context.Context, c claims, now time.Time) (Actor, error) {
	admitted, err := s.admit(ctx, UserID(c.Subject), c.Device)
	if err != nil {
		return Actor{}, err
	}
	f, _, err := s.family(ctx, c.Family)
	if _, refused := refusal.Of(err); refused {
		return Actor{}, errInvalidToken()
	}
	if err != nil {
		return Actor{}, err
	}
	u, err := s.byID(ctx, UserID(c.Subject))
	if errors.Is(err, ErrNoUser) ||
		err == nil && !(admitted && f.User == u.ID && f.Device == c.Device && s.goesOn(f, u, now)) {
		return Actor{}, errInvalidToken()
	}
	if err != nil {
		return Actor{}, err
	}
	return s.actorOf(u, c.Device, c.Family), nil
}

// admit refuses a blocked or retired device. It returns false for a device that is not the user's, or waits for
// approval, and true for "".
func (s *Sessions) admit(ctx context.Context, u UserID, d DeviceID) (bool, error) {
	if d == "" {
		return true, nil
	}
	st, err := s.devices.DeviceStatus(ctx, d)
	switch {
	case errors.Is(err, ErrNoDevice):
		return false, nil
	case err != nil:
		return false, err
	case st.Blocked:
		return false, errWiped(st.Wipe)
	case st.User == u && st.Retired:
		return false, refuse(refusal.Unauthenticated, "auth.device_retired",
			"you have signed in on other devices since, as many as one may use; sign in again to use this one")
	}
	return st.User == u && !st.Waiting, nil
}

func (s *Sessions) actorOf(u User, d DeviceID, family string) Actor {
	return Actor{User: u.ID, Role: u.Role, Branches: u.Branches, Lender: u.Lender, Device: d, Regulator: u.RegulatorLevel,
		MustChangePassword: u.MustChangePassword, MustEnrol: s.mustEnrol(u), Family: family}
}

func errInvalidToken() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.token_invalid", "the access token is not valid; sign in again")
}

func errExpiredToken() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.token_expired", "the access token has expired; refresh it")
}
