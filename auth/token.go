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
	Device     DeviceID `json:"dev,omitempty"`
	Family     string   `json:"fam"`
	Generation uint64   `json:"gen"`
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
// longer than most requests.
type verifier struct {
	mu     sync.RWMutex
	tokens map[[32]byte]verified
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
}

// issue signs an access token.
func (s *Sessions) issue(u User, d DeviceID, family string, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: string(u.ID),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessTTL))},
		Device: d, Family: family, Generation: u.Generation})
	t.Header["kid"] = s.keys.kid
	return t.SignedString(s.keys.sign)
}

// Verify says who an access token speaks for. Errors: *refusal.Error (auth.token_*,
// device_wiped), or the store's when the user cannot be looked up.
func (s *Sessions) Verify(ctx context.Context, token string) (Actor, error) {
	now := s.clock()
	key := sha256.Sum256([]byte(token))
	t, ok := s.verified.find(key)
	if !ok {
		if len(token) > 4096 {
			return Actor{}, errInvalidToken()
		}
		c, err := s.parse(token, now)
		if err != nil {
			return Actor{}, err
		}
		t = verified{claims: c, expires: c.ExpiresAt.Time}
	}
	if now.After(t.expires.Add(leeway)) {
		return Actor{}, errExpiredToken()
	}
	if since := now.Sub(t.checked); t.checked.IsZero() || since > RecheckEvery || since < 0 {
		a, err := s.lookUp(ctx, t.claims)
		if err != nil {
			return Actor{}, err
		}
		t.actor, t.checked = a, now
		s.verified.keep(key, t, now)
	}
	return t.actor, nil
}

// parse checks a token by itself.
func (s *Sessions) parse(token string, now time.Time) (claims, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return &s.keys.sign.PublicKey, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithLeeway(leeway), jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return claims{}, errExpiredToken()
	case err != nil:
		return claims{}, errInvalidToken()
	}
	return c, nil
}

// lookUp reads who the claims speak for now.
func (s *Sessions) lookUp(ctx context.Context, c claims) (Actor, error) {
	f, _, err := s.family(ctx, c.Family)
	var refused *refusal.Error
	if errors.As(err, &refused) || err == nil && f.Ended != "" {
		return Actor{}, errInvalidToken()
	}
	if err != nil {
		return Actor{}, err
	}
	u, err := s.users.ByID(ctx, UserID(c.Subject))
	if errors.Is(err, ErrNoUser) || err == nil && (u.Disabled || u.Generation != c.Generation) {
		return Actor{}, errInvalidToken()
	}
	if err != nil {
		return Actor{}, err
	}
	if c.Device != "" {
		if err := s.admit(ctx, u.ID, c.Device); err != nil {
			return Actor{}, err
		}
	}
	return actorOf(u, c.Device, c.Family), nil
}

// admit refuses a device that is blocked or in other hands by now.
func (s *Sessions) admit(ctx context.Context, u UserID, d DeviceID) error {
	st, err := s.devices.DeviceStatus(ctx, d)
	switch {
	case errors.Is(err, ErrNoDevice):
		return errInvalidToken()
	case err != nil:
		return err
	case st.Blocked:
		return errWiped(st.Wipe)
	case st.User != u:
		return errInvalidToken()
	}
	return nil
}

func actorOf(u User, d DeviceID, family string) Actor {
	return Actor{User: u.ID, Role: u.Role, Branches: u.Branches, Lender: u.Lender, Device: d, Regulator: u.RegulatorLevel,
		MustChangePassword: u.MustChangePassword, Family: family}
}

func errInvalidToken() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.token_invalid", "the access token is not valid; sign in again")
}

func errExpiredToken() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.token_expired", "the access token has expired; refresh it")
}
