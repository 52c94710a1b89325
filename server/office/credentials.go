package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// credential is the small document with a user's password hash.
type credential struct {
	Hash       string `json:"hash"`
	MustChange bool   `json:"must_change"`
	// Since is when the password was set, in UTC. One that must be changed can be used for auth.OneTimeTTL.
	Since time.Time `json:"since"`
	// Printed marks the first administrator's one-time password, which a start made up
	// and printed. A later start may replace it as long as it has not been changed.
	Printed bool `json:"printed,omitempty"`
}

const credentialKind = "credential"

func (s *Service) now() time.Time { return s.journal.Now().UTC() }

// ChangePassword sets a user's own password; old must be the present one. The tokens given so far end with the
// generation before the one it returns. Errors: auth.ErrWrongPassword; *refusal.Error user.password_same, auth's for a
// weak one. It implements auth.Users.
func (s *Service) ChangePassword(ctx context.Context, id auth.UserID, old, next string) (generation uint64,
	err error) {
	u, err := s.ByID(ctx, id)
	if err != nil {
		return 0, err
	}
	ok, err := s.hasher.Matches(ctx, old, u.PasswordHash)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, auth.ErrWrongPassword
	}
	if next == old {
		return 0, invalid("user.password_same", "new", "this is the present password; choose another")
	}
	hash, err := s.hasher.Hash(ctx, u.Login, next)
	if err != nil {
		return 0, err
	}
	was := u.PasswordHash
	if err := s.swapSmall(ctx, credentialKind, string(id), func(now []byte) ([]byte, error) {
		var c credential
		if json.Unmarshal(now, &c) != nil || c.Hash != was {
			return nil, conflict("user.password_raced", "the password was changed meanwhile; sign in again")
		}
		return json.Marshal(credential{Hash: hash, Since: s.now()})
	}); err != nil {
		return 0, err
	}
	after, err := apply(ctx, s, Ask{By: id}, change[User]{branch: auth.OrgBranch, typ: "users", id: string(id),
		action: "user.password",
		decide: func(_ context.Context, _ *journal.Reader, u *User) (*User, error) {
			if u == nil {
				return nil, notFound("user.not_found", "no such user")
			}
			u.Generation++
			return u, nil
		}})
	if err != nil {
		return 0, err
	}
	return after.Generation, nil
}

// Rehash replaces a password's hash by one of today's strength; nothing happens if it was changed meanwhile.
func (s *Service) Rehash(ctx context.Context, id auth.UserID, was, next string) error {
	return s.swapSmall(ctx, credentialKind, string(id), func(now []byte) ([]byte, error) {
		var c credential
		if json.Unmarshal(now, &c) != nil || c.Hash != was {
			return nil, nil
		}
		c.Hash = next
		return json.Marshal(c)
	})
}

func (s *Service) withCredential(ctx context.Context, u User) (auth.User, error) {
	out := auth.User{ID: u.ID, Login: u.Login, Name: u.Name, Role: u.Role, Branches: u.Branches, Lender: u.Lender,
		Disabled: u.Disabled, Generation: u.Generation, RegulatorLevel: u.Regulator,
		FactorEpoch: u.FactorEpoch, FactorsReset: u.FactorsResetAt}
	if u.Role == auth.RoleLender {
		var err error
		if out.Branches, err = s.contractsOf(ctx, u); err != nil {
			return auth.User{}, err
		}
	}
	body, _, err := s.store.Small(ctx, credentialKind, string(u.ID))
	if errors.Is(err, journal.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return auth.User{}, fmt.Errorf("read credential: %w", err)
	}
	var c credential
	if err := json.Unmarshal(body, &c); err != nil {
		return auth.User{}, fmt.Errorf("read credential: %w", err)
	}
	out.PasswordHash, out.MustChangePassword = c.Hash, c.MustChange
	if c.MustChange {
		out.PasswordEnds = c.Since.Add(auth.OneTimeTTL)
	}
	return out, nil
}

// FirstAdmin makes the user "admin" of a new deployment with the given password,
// and says whether the password is now theirs. On a deployment that has users it
// sets the password only if the administrator has none yet (a first start that
// broke off), or still has one that an earlier start printed; otherwise it changes
// nothing and returns false. With keep the password may stay, without it the
// administrator must change it at first use. A printed password that is younger than
// spare stays as it is. Errors: auth's for a weak password, the store's.
func (s *Service) FirstAdmin(
	ctx context.Context, password string, keep bool, spare time.Duration,
) (set bool, err error) {
	const id = "admin"
	f, err := s.store.Find(ctx, journal.Query{Branch: auth.OrgBranch, Type: "users", Limit: 1})
	if err != nil {
		return false, err
	}
	if len(f.Records) == 0 {
		if _, _, err := s.CreateUser(ctx, Ask{By: "system", Command: "org:first-admin"},
			NewUser{ID: id, Login: id, Name: "Administrator", Role: auth.RoleAdmin}); err != nil {
			return false, err
		}
	} else if _, err := s.User(ctx, id); err != nil {
		var e *refusal.Error
		if errors.As(err, &e) && e.Kind == refusal.NotFound {
			err = nil // the users of this deployment came about in another way
		}
		return false, err
	}
	var hash string
	err = s.swapSmall(ctx, credentialKind, id, func(now []byte) ([]byte, error) {
		set = false
		if now != nil {
			var was credential
			if err := json.Unmarshal(now, &was); err != nil {
				return nil, fmt.Errorf("read credential: %w", err)
			}
			if age := s.now().Sub(was.Since); !was.Printed || age >= 0 && age < spare {
				return nil, nil
			}
		}
		if hash == "" {
			var err error
			if hash, err = s.hasher.Hash(ctx, id, password); err != nil {
				return nil, err
			}
		}
		set = true
		return json.Marshal(credential{Hash: hash, MustChange: !keep, Printed: !keep, Since: s.now()})
	})
	return set && err == nil, err
}

// ResetPassword gives the user with this login a one-time password, which they must
// change at first use, and ends their sessions. With factors it takes their second factors away too. Errors:
// *refusal.Error user.not_found, user.disabled; the store's.
func (s *Service) ResetPassword(ctx context.Context, ask Ask, login, password string, factors bool) error {
	u, err := s.ByLogin(ctx, login)
	if errors.Is(err, auth.ErrNoUser) {
		return notFound("user.not_found", "no user has the login "+login)
	}
	if err != nil {
		return err
	}
	if u.Disabled {
		return conflict("user.disabled", "the user is disabled and could not sign in; enable them first")
	}
	_, err = s.PatchUser(ctx, ask, u.ID, UserPatch{Password: &password, ResetFactors: factors})
	return err
}
