package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth/factor"
	"doorstep/auth/refusal"
)

// Factors keeps the second factors of users as small documents that are swapped by version. The keeper seals the
// bodies, which hold secrets.
type Factors interface {
	// Factors reads a user's; version 0: there are none.
	Factors(ctx context.Context, u UserID) (body []byte, version uint64, err error)
	// SwapFactors writes a user's if they are still at version was (0: absent); ErrRaced.
	SwapFactors(ctx context.Context, u UserID, was uint64, body []byte) error
}

// Challenge is what a sign-in with the right password gives a user with a second factor.
type Challenge struct {
	Token     string // for SignInWithFactor, and for nothing else
	ExpiresIn time.Duration
}

// FactorRequired is the error of a sign-in whose password was right and whose user has a second factor. Its refusal has
// the code auth.factor_required.
type FactorRequired struct {
	Challenge Challenge
	refusal   *refusal.Error
}

// Error returns the refusal's message.
func (e *FactorRequired) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal.
func (e *FactorRequired) Unwrap() error { return e.refusal }

// factorsOf reads a user's factors. They count only in a role that has some.
func (s *Sessions) factorsOf(ctx context.Context, u User) (d factors, version uint64, err error) {
	empty := factors{Epoch: u.FactorEpoch}
	if !u.Role.Rule().Factor {
		return empty, 0, nil
	}
	body, version, err := s.factors.Factors(ctx, u.ID)
	if err != nil {
		return factors{}, 0, fmt.Errorf("read factors: %w", err)
	}
	if version == 0 {
		return empty, 0, nil
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return factors{}, 0, fmt.Errorf("read factors: %w", err)
	}
	if d.Epoch != u.FactorEpoch {
		return empty, version, nil
	}
	return d, version, nil
}

func (s *Sessions) swapFactors(ctx context.Context, u User, version uint64, d factors) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.factors.SwapFactors(ctx, u.ID, version, body)
}

// withFactors adds to a user what their factors say.
func (s *Sessions) withFactors(ctx context.Context, u User) (User, error) {
	d, _, err := s.factorsOf(ctx, u)
	u.factors, u.factorGeneration = d.confirmed(), d.Generation
	return u, err
}

// byID reads a user with their factors; ErrNoUser.
func (s *Sessions) byID(ctx context.Context, id UserID) (User, error) {
	u, err := s.users.ByID(ctx, id)
	if err != nil {
		return User{}, err
	}
	return s.withFactors(ctx, u)
}

// mustEnrol tells whether a user may do nothing but add a second factor.
func (s *Sessions) mustEnrol(u User) bool {
	return u.factors == 0 && slices.Contains(s.requireFactor, u.Role)
}

// challengeToken is "user.id.mac": who has read the store cannot make one.
func (k *Keys) challengeToken(u UserID, id string) string {
	mac := base64.RawURLEncoding.EncodeToString(k.challengeMAC(string(u), id))
	return base64.RawURLEncoding.EncodeToString([]byte(u)) + "." + id + "." + mac
}

func (k *Keys) challengeMAC(u, id string) []byte {
	m := hmac.New(sha256.New, k.refresh)
	fmt.Fprintf(m, "doorstep factor\n%s\n%s", id, u)
	return m.Sum(nil)
}

func (k *Keys) readChallenge(token string) (u UserID, id string, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > 512 || len(parts) != 3 {
		return "", "", false
	}
	user, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", "", false
	}
	mac, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, k.challengeMAC(string(user), parts[1])) {
		return "", "", false
	}
	return UserID(user), parts[1], true
}

// challenge has a sign-in wait for a code. It returns a *FactorRequired or the store's error.
func (s *Sessions) challenge(ctx context.Context, u User, device *Device, now time.Time) error {
	for {
		d, version, err := s.factorsOf(ctx, u)
		if err != nil {
			return err
		}
		id := d.await(u, device, now)
		if err := s.swapFactors(ctx, u, version, d); errors.Is(err, ErrRaced) {
			continue
		} else if err != nil {
			return fmt.Errorf("keep sign-in: %w", err)
		}
		return &FactorRequired{Challenge{s.keys.challengeToken(u.ID, id), ChallengeTTL},
			refuse(refusal.Unauthenticated, "auth.factor_required", "the password is right; send a code of your "+
				"authenticator app, or a recovery code: POST /v1/sessions/factor")}
	}
}

// FactorLogin is the second part of a sign-in.
type FactorLogin struct {
	Token   string // of the Challenge
	Code    string // of an authenticator app, or a recovery code
	Address string // as in Login
}

// SignInWithFactor ends a sign-in that waits for a code, and begins a session. Wrong codes count as wrong passwords do,
// and beside that for their user from all addresses together. Errors: *refusal.Error auth.challenge_invalid,
// auth.factor_wrong, auth.limited, auth.bad_credentials, device_wiped; the device keeper's; the store's.
func (s *Sessions) SignInWithFactor(ctx context.Context, l FactorLogin) (Session, error) {
	now := s.clock().UTC()
	id, challenge, ok := s.keys.readChallenge(l.Token)
	if !ok {
		return Session{}, errInvalidChallenge()
	}
	u, err := s.byID(ctx, id)
	if errors.Is(err, ErrNoUser) {
		return Session{}, errInvalidChallenge()
	}
	if err != nil {
		return Session{}, err
	}
	d, version, err := s.factorsOf(ctx, u)
	if err != nil {
		return Session{}, err
	}
	at := d.awaited(challenge, u, now)
	if at < 0 || u.Disabled || oneTimeOver(u, now) {
		return Session{}, errInvalidChallenge()
	}
	device := d.Challenges[at].Device
	on, err := s.signInOn(ctx, u, device)
	if err != nil {
		return Session{}, err
	}
	undo, err := s.countCode(ctx, u, device, l.Address, now)
	if err != nil {
		return Session{}, err
	}
	for {
		_, wrong := d.answer(challenge, l.Code, u, now)
		err := s.swapFactors(ctx, u, version, d)
		if err == nil && wrong == nil {
			break
		}
		if err == nil {
			return Session{}, wrong
		}
		if !errors.Is(err, ErrRaced) {
			undo()
			return Session{}, fmt.Errorf("keep factors: %w", err)
		}
		if d, version, err = s.factorsOf(ctx, u); err != nil {
			undo()
			return Session{}, err
		}
	}
	undo()
	// The factors as they are now: another session may have changed them.
	u.factors, u.factorGeneration = d.confirmed(), d.Generation
	return s.signedIn(ctx, u, on, device, now)
}

// countCode counts a code before it is judged. undo takes it back.
func (s *Sessions) countCode(ctx context.Context, u User, device *Device, address string, now time.Time) (
	undo func(), err error) {
	known, err := s.known(ctx, u, device)
	if err != nil {
		return nil, err
	}
	login := strings.ToLower(u.Login)
	asPassword, err := s.count(login, Login{Address: address, Device: device}, known, now)
	if err != nil || known {
		return asPassword, err
	}
	key := "code\n" + string(u.ID)
	if wait, ok := s.guesses.Allow(key, now); !ok {
		asPassword()
		return nil, errLimited("too many wrong codes; wait and try again", wait)
	}
	return func() {
		asPassword()
		s.guesses.Undo(key)
	}, nil
}

// Proof is what an actor shows before their factors are changed.
type Proof struct {
	Password string
	Code     string // of a factor, or a recovery code; not needed by who has no factor
}

// changeFactors changes an actor's factors. Wrong passwords and codes are counted by user, like those of
// ChangePassword. change is called again if another writer was faster. When a factor is confirmed or removed, the other
// sessions of the user end and this one goes on.
func (s *Sessions) changeFactors(ctx context.Context, a Actor, change func(u User, d *factors, now time.Time) error,
) error {
	now := s.clock().UTC()
	key := "user\n" + string(a.User)
	wait, ok := s.guesses.Allow(key, now)
	if !ok {
		return errLimited("too many wrong passwords or codes; wait and try again", wait)
	}
	undo := func(err error) error {
		if no, is := refusal.Of(err); !is || no.Code() != "user.password_wrong" && no.Code() != "factor.code_wrong" {
			s.guesses.Undo(key)
		}
		return err
	}
	u, err := s.users.ByID(ctx, a.User)
	if err != nil {
		return undo(err)
	}
	for {
		d, version, err := s.factorsOf(ctx, u)
		if err != nil {
			return undo(err)
		}
		was := d.Generation
		if err := change(u, &d, now); err != nil {
			return undo(err)
		}
		if err := s.swapFactors(ctx, u, version, d); errors.Is(err, ErrRaced) {
			continue
		} else if err != nil {
			return undo(fmt.Errorf("keep factors: %w", err))
		}
		s.guesses.Undo(key)
		if d.Generation == was {
			return nil
		}
		return s.goOn(ctx, a, func(f *family) { f.Factors = d.Generation })
	}
}

// proven is changeFactors for an actor who has shown the proof.
func (s *Sessions) proven(ctx context.Context, a Actor, p Proof, change func(u User, d *factors, now time.Time) error,
) error {
	known := ""
	return s.changeFactors(ctx, a, func(u User, d *factors, now time.Time) error {
		if known == "" || known != u.PasswordHash {
			ok, err := s.passwords.Matches(ctx, p.Password, u.PasswordHash)
			if err != nil {
				return err
			}
			if !ok {
				return refusal.New(refusal.Invalid, "user.password_wrong", "password", "the present password is another one")
			}
			known = u.PasswordHash
		}
		if d.confirmed() > 0 && !d.use(p.Code, now) {
			return errWrongCode()
		}
		return change(u, d, now)
	})
}

// NewFactor is a factor that waits to be confirmed. It is shown once.
type NewFactor struct {
	ID     string
	Secret string // base32
	URI    string // otpauth, which authenticator apps read from a QR code
	Ends   time.Time
}

// BeginFactor makes a factor, which counts once ConfirmFactor is given a code of it. Errors: *refusal.Error
// user.password_wrong, factor.code_wrong, factor.too_many, auth.limited; the store's.
func (s *Sessions) BeginFactor(ctx context.Context, a Actor, p Proof, name string) (out NewFactor, err error) {
	err = s.proven(ctx, a, p, func(u User, d *factors, now time.Time) error {
		secret, uri, err := factor.New(s.issuer, u.Login)
		if err != nil {
			return err
		}
		f := keptFactor{ID: newID(), Name: name, Secret: secret, Begun: now}
		out = NewFactor{f.ID, secret, uri, now.Add(EnrolTTL)}
		return d.begin(f)
	})
	return out, err
}

// ConfirmFactor has a factor count from now on; all other sessions of the user end. It returns ten recovery codes, to
// be shown once, if the user has none. Errors: *refusal.Error factor.not_found, factor.code_wrong, auth.limited; the
// store's.
func (s *Sessions) ConfirmFactor(ctx context.Context, a Actor, id, code string) (recovery []string, err error) {
	err = s.changeFactors(ctx, a, func(_ User, d *factors, now time.Time) error {
		recovery, err = d.confirm(id, code, now)
		return err
	})
	return recovery, err
}

// RemoveFactor takes a factor away; all other sessions of the user end. Errors: as of BeginFactor; factor.not_found.
func (s *Sessions) RemoveFactor(ctx context.Context, a Actor, p Proof, id string) error {
	return s.proven(ctx, a, p, func(_ User, d *factors, _ time.Time) error { return d.remove(id) })
}

// RenewRecovery makes ten recovery codes, to be shown once, in place of those there are. Errors: as of BeginFactor;
// factor.none of who has no factor.
func (s *Sessions) RenewRecovery(ctx context.Context, a Actor, p Proof) (recovery []string, err error) {
	err = s.proven(ctx, a, p, func(_ User, d *factors, _ time.Time) error {
		if d.confirmed() == 0 {
			return refuse(refusal.Conflict, "factor.none", "recovery codes replace a second factor, and you have none")
		}
		recovery, d.Recovery = factor.NewRecovery()
		return nil
	})
	return recovery, err
}

// FactorsOf lists a user's second factors. ErrNoUser.
func (s *Sessions) FactorsOf(ctx context.Context, id UserID) (FactorList, error) {
	u, err := s.users.ByID(ctx, id)
	if err != nil {
		return FactorList{}, err
	}
	d, _, err := s.factorsOf(ctx, u)
	return d.list(), err
}
