package auth

import (
	"context"
	"errors"
)

// ErrNoUser says that a Users has no such user.
var ErrNoUser = errors.New("auth: no such user")

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
	Disabled           bool
	// Generation grows when tokens given so far must end.
	Generation     uint64
	RegulatorLevel bool
}

// Users looks users up.
type Users interface {
	// ByLogin finds a user by login, without regard to case; ErrNoUser.
	ByLogin(ctx context.Context, login string) (User, error)
	// ByID reads a user; ErrNoUser.
	ByID(ctx context.Context, id UserID) (User, error)
	// Rehash replaces a password hash by a stronger one of the same password, unless it changed meanwhile.
	Rehash(ctx context.Context, id UserID, was, next string) error
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
}

// Devices keeps devices.
type Devices interface {
	// RegisterDevice notes a sign-in. A device id that is malformed is the keeper's own error.
	RegisterDevice(ctx context.Context, d Device) error
	// DeviceStatus reads whose a device is; ErrNoDevice.
	DeviceStatus(ctx context.Context, id DeviceID) (DeviceStatus, error)
}
