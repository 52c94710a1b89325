package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"doorstep/auth/refusal"
)

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

// Refresh exchanges a refresh token for new tokens. The token before the last gives the last again, however late, until
// the last is presented: the answer that carried it may have been lost. Errors: *refusal.Error device_wiped for the
// blocked device of a token of ours, whatever became of user and session; auth.device_retired; auth.refresh_invalid;
// auth.refresh_reused: the session has ended, and all who hold a token of it must sign in; auth.device_mismatch for any
// device but the one that signed in; or the store's.
func (s *Sessions) Refresh(ctx context.Context, token string, device DeviceID) (Session, error) {
	id, counter, ok := s.keys.readRefresh(token)
	if !ok {
		return Session{}, errInvalidRefresh()
	}
	for {
		now := s.clock().UTC()
		f, version, err := s.family(ctx, id)
		if _, gone := refusal.Of(err); gone && device != "" {
			// The session was deleted long ago; a blocked device must hear of it all the same.
			if _, err := s.admit(ctx, "", device); err != nil {
				return Session{}, err
			}
		}
		if err != nil {
			return Session{}, err
		}
		if device != f.Device {
			return Session{}, refuse(refusal.Unauthenticated, "auth.device_mismatch",
				"the token was given to another device; sign in")
		}
		admitted, err := s.admit(ctx, f.User, f.Device)
		if err != nil {
			return Session{}, err
		}
		u, err := s.byID(ctx, f.User)
		if errors.Is(err, ErrNoUser) || err == nil && !(admitted && s.goesOn(f, u, now)) {
			return Session{}, errInvalidRefresh()
		}
		if err != nil {
			return Session{}, err
		}
		if f.Device != "" {
			if err := s.devices.SawDevice(ctx, f.Device); err != nil {
				return Session{}, err
			}
		}
		switch counter {
		case f.Counter:
			f.Counter++
			if now.After(f.Used) { // the clock of another node may be ahead
				f.Used = now
			}
			if err := s.swap(ctx, id, version, f); errors.Is(err, ErrRaced) {
				continue
			} else if err != nil {
				return Session{}, err
			}
		case f.Counter - 1: // the successor has not been presented: its answer may have been lost
		default:
			if err := s.end(ctx, id, f.User, "reused"); err != nil {
				return Session{}, err
			}
			return Session{}, refuse(refusal.Unauthenticated, "auth.refresh_reused",
				"this token was used before; the session has ended, sign in again")
		}
		return s.session(u, f.Device, id, f, now)
	}
}

func errInvalidRefresh() *refusal.Error {
	return refuse(refusal.Unauthenticated, "auth.refresh_invalid",
		"the refresh token is not valid any more; sign in again")
}
