package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth/refusal"
)

// clock is set by the tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass lets time pass.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// keeper is a Users, a Devices and a Families in memory.
type keeper struct {
	mu        sync.Mutex
	passwords *Passwords
	users     map[UserID]User
	devices   map[DeviceID]DeviceStatus
	families  map[string]kept
	factors   map[UserID]kept
	saw       map[DeviceID]int // how often a device was seen to refresh
	lookUps   int              // of users by id
	trouble   error            // what every call returns, when set
	// before runs before a family is swapped, once, to let somebody else be first.
	before func()
}

// errTaken stands for the keeper's refusal of another user's device.
var errTaken = refusal.New(refusal.Conflict, "device.taken", "device.id", "the device belongs to another user")

type kept struct {
	body    []byte
	version uint64
}

func (k *keeper) ByLogin(_ context.Context, login string) (User, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.trouble != nil {
		return User{}, k.trouble
	}
	for _, u := range k.users {
		if strings.EqualFold(u.Login, login) {
			return u, nil
		}
	}
	return User{}, ErrNoUser
}

func (k *keeper) ByID(_ context.Context, id UserID) (User, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookUps++
	if k.trouble != nil {
		return User{}, k.trouble
	}
	u, ok := k.users[id]
	if !ok {
		return User{}, ErrNoUser
	}
	return u, nil
}

func (k *keeper) Rehash(_ context.Context, id UserID, was, next string) error {
	k.change(id, func(u *User) {
		if u.PasswordHash == was {
			u.PasswordHash = next
		}
	})
	return nil
}

func (k *keeper) ChangePassword(_ context.Context, id UserID, old, next string) (generation uint64, err error) {
	if ok, err := k.passwords.Matches(context.Background(), old, k.users[id].PasswordHash); err != nil || !ok {
		return 0, errors.Join(err, ErrWrongPassword)
	}
	hash, err := k.passwords.Hash(context.Background(), "", next)
	if err != nil {
		return 0, err
	}
	k.change(id, func(u *User) {
		u.PasswordHash, u.MustChangePassword, u.PasswordEnds = hash, false, time.Time{}
		u.Generation++
		generation = u.Generation
	})
	return generation, nil
}

func (k *keeper) RegisterDevice(_ context.Context, d Device) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	st := k.devices[d.ID]
	if st.User != "" && st.User != d.User {
		return errTaken
	}
	st.User = d.User
	k.devices[d.ID] = st
	return nil
}

func (k *keeper) SawDevice(_ context.Context, id DeviceID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saw[id]++
	return nil
}

func (k *keeper) DeviceStatus(_ context.Context, id DeviceID) (DeviceStatus, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st, ok := k.devices[id]
	if !ok {
		return DeviceStatus{}, ErrNoDevice
	}
	return st, nil
}

func (k *keeper) Family(_ context.Context, id string) ([]byte, uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, ok := k.families[id]
	if !ok {
		return nil, 0, ErrNoFamily
	}
	return f.body, f.version, nil
}

func (k *keeper) SwapFamily(_ context.Context, id string, was uint64, body []byte) error {
	k.mu.Lock()
	before := k.before
	k.before = nil
	k.mu.Unlock()
	if before != nil {
		before()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.families[id].version != was {
		return ErrRaced
	}
	k.families[id] = kept{body, was + 1}
	return nil
}

func (k *keeper) Factors(_ context.Context, u UserID) ([]byte, uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.factors[u].body, k.factors[u].version, nil
}

func (k *keeper) SwapFactors(_ context.Context, u UserID, was uint64, body []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.factors[u].version != was {
		return ErrRaced
	}
	k.factors[u] = kept{body, was + 1}
	return nil
}

func (k *keeper) change(id UserID, fn func(*User)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	u := k.users[id]
	fn(&u)
	k.users[id] = u
}

func (k *keeper) block(id DeviceID, wipe bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st := k.devices[id]
	st.Blocked, st.Wipe = true, wipe
	k.devices[id] = st
}

const password = "correct horse battery"

// fixture is a Sessions over a keeper, with four users whose password is the same.
type fixture struct {
	*Sessions
	keeper *keeper
	clock  *clock
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	data, err := createKeys()
	check(t, err)
	keys, err := parseKeys(data)
	check(t, err)
	// Real hashings have tests of their own; the stories here sign in often.
	passwords := NewPasswords(2, HashCost{KiB: 64, Passes: 2})
	hash, err := passwords.Hash(context.Background(), "", password)
	check(t, err)
	k := &keeper{passwords: passwords, devices: map[DeviceID]DeviceStatus{}, saw: map[DeviceID]int{},
		families: map[string]kept{}, factors: map[UserID]kept{}}
	k.users = map[UserID]User{
		"u-ana": {ID: "u-ana", Login: "ana", Role: RoleAgent, Branches: []BranchID{"porto"}, PasswordHash: hash,
			Generation: 3},
		"u-rui": {ID: "u-rui", Login: "rui", Role: RoleAgent, Branches: []BranchID{"porto"}, PasswordHash: hash},
		"u-sup": {ID: "u-sup", Login: "sup", Role: RoleSupervisor, Branches: []BranchID{"porto", "braga"},
			PasswordHash: hash},
		"u-reg": {ID: "u-reg", Login: "reg", Role: RoleAuditor, Branches: []BranchID{"porto"}, PasswordHash: hash,
			RegulatorLevel: true},
		"u-gone": {ID: "u-gone", Login: "gone", Role: RoleSupervisor, PasswordHash: hash, Disabled: true},
		"u-bank": {ID: "u-bank", Login: "bank", Role: RoleLender, Lender: "north"}, // has no password
	}
	c := &clock{now: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)}
	return &fixture{keeper: k, clock: c,
		Sessions: NewSessions(Options{Keys: keys, Users: k, Devices: k, Families: k, Factors: k, Passwords: passwords,
			Clock: c.Now, RequireFactor: []Role{RoleAuditor}})}
}

// signIn signs a user in, on a device unless it is "".
func (h *fixture) signIn(t *testing.T, login string, d DeviceID) Session {
	t.Helper()
	l := Login{Login: login, Password: password, Address: "192.0.2.1"}
	if d != "" {
		l.Device = &Device{ID: d, Platform: "android"}
	}
	s, err := h.SignIn(context.Background(), l)
	check(t, err)
	return s
}

// who verifies an access token that must be good.
func (h *fixture) who(t *testing.T, token string) Actor {
	t.Helper()
	a, err := h.Verify(context.Background(), token)
	check(t, err)
	return a
}

// refused compares an error with the code it should have.
func refused(t *testing.T, what string, err error, code string) *refusal.Error {
	t.Helper()
	var e *refusal.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v, want %s", what, err, code)
	}
	if e.Code() != code {
		t.Fatalf("%s: %s (%v), want %s", what, e.Code(), err, code)
	}
	return e
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
