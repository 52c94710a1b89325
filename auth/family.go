package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
)

// Durations of sessions.
const (
	// RefreshTTL is how long a session lives without use: a phone may be off for so long.
	RefreshTTL = 30 * 24 * time.Hour
	// DefaultLife is how long a session lives after its sign-in, however much it is used.
	DefaultLife = 30 * 24 * time.Hour
)

// maxSessions is how many sessions a user may have; a further sign-in ends the oldest.
const maxSessions = 100

// ErrNoFamily and ErrRaced are what a Families returns.
var (
	ErrNoFamily = errors.New("auth: no such family")
	ErrRaced    = errors.New("auth: family raced")
)

// Families keeps refresh families, and of each user a list of theirs, as small documents that are swapped by version.
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
	Factors    uint64    `json:"factors"`    // the generation of the user's factors that the sign-in went by
	Counter    uint64    `json:"counter"`    // of the newest token that was given
	Begun      time.Time `json:"begun"`
	Used       time.Time `json:"used"`            // when the newest token was given
	Ended      string    `json:"ended,omitempty"` // why: signed_out, signed_in_again, reused, too_many
}

// ends is when a session ends by itself.
func (s *Sessions) ends(f family) time.Time {
	end := f.Begun.Add(s.life)
	if idle := f.Used.Add(RefreshTTL); idle.Before(end) {
		return idle
	}
	return end
}

// goesOn tells whether a session of a user has not ended, in whatever way.
func (s *Sessions) goesOn(f family, u User, now time.Time) bool {
	return f.Ended == "" && !now.After(s.ends(f)) && !u.Disabled && u.Generation == f.Generation &&
		u.factorGeneration == f.Factors && !oneTimeOver(u, now)
}

// oneTimeOver tells whether a user's password is a one-time password that can no longer be used.
func oneTimeOver(u User, now time.Time) bool {
	return !u.PasswordEnds.IsZero() && now.After(u.PasswordEnds)
}

// familyKept is how long after its last use a family is kept. It can give no tokens RefreshTTL after that, whatever
// became of it, so that a token which comes again then has nothing left to end; the day is for clocks that differ.
const familyKept = RefreshTTL + 24*time.Hour

// FamilyOver tells of a body that a Families keeps whether it may be deleted: a family of so long ago that its tokens
// are refused with or without it.
func FamilyOver(body []byte, now time.Time) bool {
	var f family
	return json.Unmarshal(body, &f) == nil && f.User != "" && now.After(f.Used.Add(familyKept))
}

// userList is the document with the families of a user that may not have ended, in the order of their sign-ins.
type userList struct {
	Families []string `json:"families"`
}

// listID is the id of a user's list among the families. No family's id has a dot.
func listID(u UserID) string { return "user." + string(u) }

// newID is a name that cannot be guessed: 26 letters and digits, 130 bits.
func newID() string { return strings.ToLower(rand.Text()) }

// begin starts a family.
func (s *Sessions) begin(ctx context.Context, u User, d DeviceID, now time.Time) (id string, f family, err error) {
	id = newID()
	f = family{User: u.ID, Device: d, Generation: u.Generation, Factors: u.factorGeneration, Counter: 1, Begun: now,
		Used: now}
	body, err := json.Marshal(f)
	if err != nil {
		return "", family{}, err
	}
	// The list comes first: a listed family that does not exist does no harm, one that is not listed cannot be ended.
	if err := s.enlist(ctx, u, d, id, now); err != nil {
		return "", family{}, fmt.Errorf("begin session: %w", err)
	}
	if err := s.families.SwapFamily(ctx, id, 0, body); err != nil {
		return "", family{}, fmt.Errorf("begin session: %w", err)
	}
	return id, f, nil
}

// enlist adds a family to its user's list, and drops those that have ended. A sign-in ends the earlier families of its
// device: the app has its tokens in their place.
func (s *Sessions) enlist(ctx context.Context, u User, d DeviceID, id string, now time.Time) error {
	for {
		live, version, err := s.live(ctx, u, now)
		if err != nil {
			return err
		}
		var list userList
		for _, l := range live {
			if d != "" && l.Device == d {
				if err := s.end(ctx, l.id, u.ID, "signed_in_again"); err != nil {
					return err
				}
				continue
			}
			list.Families = append(list.Families, l.id)
		}
		list.Families = append(list.Families, id)
		for len(list.Families) > maxSessions {
			if err := s.end(ctx, list.Families[0], u.ID, "too_many"); err != nil {
				return err
			}
			list.Families = list.Families[1:]
		}
		body, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if err := s.families.SwapFamily(ctx, listID(u.ID), version, body); !errors.Is(err, ErrRaced) {
			return err
		}
	}
}

// liveFamily is a family that has not ended.
type liveFamily struct {
	id string
	family
}

// live reads the user's list and those of its families that have not ended, oldest first.
func (s *Sessions) live(ctx context.Context, u User, now time.Time) (out []liveFamily, version uint64, err error) {
	body, version, err := s.families.Family(ctx, listID(u.ID))
	if errors.Is(err, ErrNoFamily) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read sessions: %w", err)
	}
	var list userList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, 0, fmt.Errorf("read sessions: %w", err)
	}
	for _, id := range list.Families {
		f, _, err := s.family(ctx, id)
		if _, refused := refusal.Of(err); refused {
			continue // its sign-in did not get so far
		}
		if err != nil {
			return nil, 0, err
		}
		if s.goesOn(f, u, now) {
			out = append(out, liveFamily{id, f})
		}
	}
	return out, version, nil
}

// OpenSession is a session that has not ended.
type OpenSession struct {
	ID       string
	Device   DeviceID  // "" for a sign-in without one
	Begun    time.Time // UTC
	LastUsed time.Time // when it was begun or last refreshed
	Ends     time.Time // unless it is used before; at the latest the whole life after Begun
}

// Open lists an actor's own sessions, the newest first.
func (s *Sessions) Open(ctx context.Context, a Actor) ([]OpenSession, error) {
	u, err := s.byID(ctx, a.User)
	if err != nil {
		return nil, err
	}
	live, _, err := s.live(ctx, u, s.clock())
	if err != nil {
		return nil, err
	}
	out := make([]OpenSession, 0, len(live))
	for _, f := range live {
		out = append(out, OpenSession{ID: f.id, Device: f.Device, Begun: f.Begun, LastUsed: f.Used, Ends: s.ends(f.family)})
	}
	slices.SortStableFunc(out, func(x, y OpenSession) int {
		return cmp.Or(y.Begun.Compare(x.Begun), cmp.Compare(x.ID, y.ID))
	})
	return out, nil
}

// End ends one of the actor's own sessions, and its access tokens with it. Ended already: nothing happens. Errors:
// *refusal.Error session.not_found; the store's.
func (s *Sessions) End(ctx context.Context, a Actor, id string) error {
	f, _, err := s.family(ctx, id)
	if _, refused := refusal.Of(err); refused || err == nil && f.User != a.User {
		return refuse(refusal.NotFound, "session.not_found", "you have no such session")
	}
	if err != nil {
		return err
	}
	return s.end(ctx, id, a.User, "signed_out")
}

// SignOut ends the session that the actor calls in.
func (s *Sessions) SignOut(ctx context.Context, a Actor) error {
	return s.end(ctx, a.Family, a.User, "signed_out")
}

// end ends a family of a user; nothing happens if it has ended, or is another user's or absent.
func (s *Sessions) end(ctx context.Context, id string, u UserID, why string) error {
	for {
		f, version, err := s.family(ctx, id)
		if _, refused := refusal.Of(err); refused {
			return nil
		}
		if err != nil {
			return err
		}
		if f.Ended == "" && f.User == u {
			f.Ended = why
			if err := s.swap(ctx, id, version, f); errors.Is(err, ErrRaced) {
				continue
			} else if err != nil {
				return err
			}
		}
		s.verified.forget(func(t verified) bool { return t.claims.Family == id })
		return nil
	}
}

// ChangePassword replaces the actor's own password. All other sessions of theirs end, this one goes on. Wrong present
// passwords are counted by user. Errors: *refusal.Error auth.limited, auth.password_weak, user.password_wrong and the
// keeper's; the store's.
func (s *Sessions) ChangePassword(ctx context.Context, a Actor, old, next string) error {
	key := "user\n" + string(a.User)
	if wait, ok := s.guesses.Allow(key, s.clock()); !ok {
		return errLimited("too many wrong passwords; wait and try again", wait)
	}
	generation, err := s.users.ChangePassword(ctx, a.User, old, next)
	if !errors.Is(err, ErrWrongPassword) {
		s.guesses.Undo(key)
	}
	if err != nil {
		return err
	}
	return s.goOn(ctx, a, func(f *family) { f.Generation = generation })
}

// goOn changes the family that an actor calls in, so that it goes on when the user's other sessions end.
func (s *Sessions) goOn(ctx context.Context, a Actor, change func(*family)) error {
	defer s.ForgetUser(a.User)
	for {
		f, version, err := s.family(ctx, a.Family)
		if err != nil {
			return err
		}
		change(&f)
		if err := s.swap(ctx, a.Family, version, f); !errors.Is(err, ErrRaced) {
			return err
		}
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

// EndFamily gives the document of a family (see Families) as one that has ended, for a reason; ended is false if it had
// ended before, or is a user's list. After a restore of a backup all families are ended: which of them were ended after
// the backup is not known, and none may come back to life.
func EndFamily(id string, body []byte, why string) (out []byte, ended bool, err error) {
	if strings.Contains(id, ".") {
		return nil, false, nil // listID
	}
	var f family
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, false, fmt.Errorf("read session: %w", err)
	}
	if f.Ended != "" {
		return nil, false, nil
	}
	f.Ended = why
	out, err = json.Marshal(f)
	return out, err == nil, err
}
