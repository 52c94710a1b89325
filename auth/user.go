package auth

import (
	"context"
	"errors"
	"time"

	"doorstep/auth/refusal"
)

// ErrNoUser says that a Users has no such user.
var ErrNoUser = errors.New("auth: no such user")

// ErrWrongPassword says that the password given as the present one is another.
var ErrWrongPassword error = refusal.New(refusal.Invalid, "user.password_wrong", "old",
	"the present password is another one")

// ErrNoDevice says that a Devices has no such device.
var ErrNoDevice = errors.New("auth: no such device")

// User is what signing in must know of a user.
type User struct {
	ID       UserID
	Login    string
	Name     string
	Role     Role
	Branches []BranchID
	Lender   string
	// PasswordHash is argon2id's encoded form; "" for a user who cannot sign in by password.
	PasswordHash       string
	MustChangePassword bool
	// PasswordEnds is when a one-time password can no longer be used; zero for other passwords.
	PasswordEnds time.Time
	Disabled     bool
	// Generation grows when tokens given so far must end.
	Generation     uint64
	RegulatorLevel bool
	// FactorEpoch grows when the user's second factors are reset: those of an earlier epoch count for nothing.
	FactorEpoch uint64
	// FactorsReset is when that was last; zero: never.
	FactorsReset time.Time

	factors          int    // confirmed second factors; Sessions fills it in
	factorGeneration uint64 // likewise
}

// Users looks users up.
type Users interface {
	// ByLogin finds a user by login, without regard to case; ErrNoUser.
	ByLogin(ctx context.Context, login string) (User, error)
	// ByID reads a user; ErrNoUser.
	ByID(ctx context.Context, id UserID) (User, error)
	// Rehash replaces a password hash by a stronger one of the same password, unless it changed meanwhile.
	Rehash(ctx context.Context, id UserID, was, next string) error
	// ChangePassword replaces the present password old by next, and increases the user's generation, which it returns.
	// ErrWrongPassword: old is not the present password. Other errors: auth.password_weak, and the keeper's own refusals.
	ChangePassword(ctx context.Context, id UserID, old, next string) (generation uint64, err error)
}

// Device is what an app says of itself when its user signs in.
type Device struct {
	ID        DeviceID
	User      UserID
	Platform  string // android, ios, web, other
	Name      string
	PushToken string // of the push provider; "" leaves the known one
}

// DeviceStatus is whether a device may call.
type DeviceStatus struct {
	User    UserID
	Blocked bool
	Wipe    bool // the app must erase what it holds
	// Waiting devices may not sign in before they are approved.
	Waiting bool
	// Retired: its user has signed in on other devices since, as many as one may use.
	Retired bool
}

// Devices keeps devices.
type Devices interface {
	// RegisterDevice notes a sign-in, or refuses it with an error of the keeper's own: the id is malformed or belongs to
	// another user, or the device waits for approval.
	RegisterDevice(ctx context.Context, d Device) error
	// SawDevice notes that a device has refreshed its tokens.
	SawDevice(ctx context.Context, id DeviceID) error
	// DeviceStatus reads whose a device is; ErrNoDevice.
	DeviceStatus(ctx context.Context, id DeviceID) (DeviceStatus, error)
}
