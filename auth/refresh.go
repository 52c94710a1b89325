package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"doorstep/auth/refusal"
)

// Durations of refresh families.
const (
	// RefreshTTL is how long a family lives without use: a phone may be off for so long.
	RefreshTTL = 30 * 24 * time.Hour
	// RefreshGrace is how long the token before the last gives the last again, for a lost answer.
	RefreshGrace = 60 * time.Second
)

// ErrNoFamily and ErrRaced are what a Families returns.
var (
	ErrNoFamily = errors.New("auth: no such family")
	ErrRaced    = errors.New("auth: family raced")
)

// Families keeps refresh families as small documents that are swapped by version.
type Families interface {
	// Family reads one; ErrNoFamily.
	Family(ctx context.Context, id string) (body []byte, version uint64, err error)
	// SwapFamily writes one if it is still at version was (0: absent); ErrRaced.
	SwapFamily(ctx context.Context, id string, was uint64, body []byte) error
}

// family is one sign-in and its successors.
type family struct {
	User       UserID    `json:"user"`
	Device     DeviceID  `json:"device,omitempty"`
	Generation uint64    `json:"generation"` // the user's, at sign-in
	Counter    uint64    `json:"counter"`    // of the token that is good now
	RotatedAt  time.Time `json:"rotated_at"`
	Expires    time.Time `json:"expires"`
	Ended      string    `json:"ended,omitempty"` // why: signed_out, reused
}

// refreshToken is the token of a counter: "family.counter.mac".
func (k *Keys) refreshToken(id string, counter uint64) string {
	return fmt.Sprintf("%s.%d.%s", id, counter, base64.RawURLEncoding.EncodeToString(k.refreshMAC(id, counter)))
}

func (k *Keys) refreshMAC(id string, counter uint64) []byte {
	m := hmac.New(sha256.New, k.refresh)
	fmt.Fprintf(m, "doorstep refresh\n%s\n%d", id, counter)
	return m.Sum(nil)
}

// readRefresh checks a token's MAC.
func (k *Keys) readRefresh(token string) (id string, counter uint64, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > 256 || len(parts) != 3 {
		return "", 0, false
	}
	counter, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return "", 0, false
	}
	mac, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, k.refreshMAC(parts[0], counter)) {
		return "", 0, false
	}
	return parts[0], counter, true
}

// begin starts a family and gives its first token.
func (s *Sessions) begin(ctx context.Context, u User, d DeviceID, now time.Time) (id, token string, err error) {
	id = strings.ToLower(rand.Text())
	body, err := json.Marshal(family{User: u.ID, Device: d, Generation: u.Generation, Counter: 1, RotatedAt: now,
		Expires: now.Add(RefreshTTL)})
	if err != nil {
		return "", "", err
	}
	if err := s.families.SwapFamily(ctx, id, 0, body); err != nil {
		return "", "", fmt.Errorf("begin session: %w", err)
	}
	return id, s.keys.refreshToken(id, 1), nil
}

// Refresh exchanges a refresh token for new tokens. Errors: *refusal.Error
// auth.refresh_invalid, auth.refresh_reused (the family has ended: everybody who
// holds a token of it must sign in), auth.device_mismatch for any device but the
// one that signed in, device_wiped; or the store's.
func (s *Sessions) Refresh(ctx context.Context, token string, device DeviceID) (Session, error) {
	id, counter, ok := s.keys.readRefresh(token)
	if !ok {
		return Session{}, errInvalidRefresh()
	}
	for {
		now := s.clock().UTC()
		f, version, err := s.family(ctx, id)
		if err != nil {
			return Session{}, err
		}
		if f.Ended != "" || now.After(f.Expires) {
			return Session{}, errInvalidRefresh()
		}
		if device != f.Device {
			return Session{}, refuse(refusal.Unauthenticated, "auth.device_mismatch",
				"the token was given to another device; sign in")
		}
		u, err := s.users.ByID(ctx, f.User)
		if errors.Is(err, ErrNoUser) || err == nil && (u.Disabled || u.Generation != f.Generation) {
			return Session{}, errInvalidRefresh()
		}
		if err != nil {
			return Session{}, err
		}
		if f.Device != "" {
			if err := s.admit(ctx, u.ID, f.Device); err != nil {
				return Session{}, err
			}
		}
		switch {
		case counter == f.Counter:
			f.Counter, f.RotatedAt, f.Expires = f.Counter+1, now, now.Add(RefreshTTL)
			if err := s.swap(ctx, id, version, f); errors.Is(err, ErrRaced) {
				continue
			} else if err != nil {
				return Session{}, err
			}
		case counter+1 == f.Counter && now.Sub(f.RotatedAt) <= RefreshGrace:
			// The answer was lost: the same successor again.
		default:
			f.Ended = "reused"
			if err := s.swap(ctx, id, version, f); errors.Is(err, ErrRaced) {
				continue
			} else if err != nil {
				return Session{}, err
			}
			s.verified.forget(func(t verified) bool { return t.claims.Family == id })
			return Session{}, refuse(refusal.Unauthenticated, "auth.refresh_reused",
				"this token was used before; the session has ended, sign in again")
		}
		return s.session(u, f.Device, id, s.keys.refreshToken(id, f.Counter), now)
	}
}

// SignOut ends the family a sign-in began, and its access tokens with it.
func (s *Sessions) SignOut(ctx context.Context, a Actor) error {
	for {
		f, version, err := s.family(ctx, a.Family)
		if err != nil {
			var e *refusal.Error
			if errors.As(err, &e) {
				return nil // gone already
			}
			return err
		}
		if f.Ended == "" {
			f.Ended = "signed_out"
			if err := s.swap(ctx, a.Family, version, f); errors.Is(err, ErrRaced) {
				continue
			} else if err != nil {
				return err
			}
		}
		s.verified.forget(func(t verified) bool { return t.claims.Family == a.Family })
		return nil
	}
}

func (s *Sessions) family(ctx context.Context, id string) (family, uint64, error) {
	body, version, err := s.families.Family(ctx, id)
	if errors.Is(err, ErrNoFamily) {
		return family{}, 0, errInvalidRefresh()
	}
	if err != nil {
		return family{}, 0, fmt.Errorf("read session: %w", err)
	}
	var f family
	if err := json.Unmarshal(body, &f); err != nil {
		return family{}, 0, fmt.Errorf("read session: %w", err)
	}
	return f, version, nil
}

func (s *Sessions) swap(ctx context.Context, id string, version uint64, f family) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.families.SwapFamily(ctx, id, version, body)
}

func errInvalidRefresh() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.refresh_invalid",
		"the refresh token is not valid any more; sign in again")
}
