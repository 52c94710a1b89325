package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// Device is the state of a document of type "devices" in the organisation's journal.
type Device struct {
	ID       auth.DeviceID `json:"id"`
	User     auth.UserID   `json:"user"`
	Platform string        `json:"platform"` // android, ios, web, other
	Name     string        `json:"name,omitempty"`
	Blocked  bool          `json:"blocked,omitempty"`
	// Wipe tells the app to erase what it holds when it next calls.
	Wipe bool `json:"wipe,omitempty"`
	// BlockedAt is when it was blocked first.
	BlockedAt time.Time `json:"blocked_at,omitzero"`
	// Waiting devices cannot be signed in on before they are approved.
	Waiting      bool      `json:"waiting_for_approval,omitempty"`
	RegisteredAt time.Time `json:"registered_at"`
}

// pushKind is the kind of the small documents with a device's push token: a
// secret that changes often and is forgotten when the provider says it is dead.
const pushKind = "push"

type pushToken struct {
	Token string `json:"token"`
}

var platforms = []string{"android", "ios", "web", "other"}

// devicesKey is written by every change of a user's devices.
func devicesKey(u auth.UserID) journal.Key { return journal.Key("devices:" + u) }

// RegisterDevice notes that a user signed in on a device. Errors: *refusal.Error device.taken if the id is another
// user's; device.waiting if the device, which is kept, must be approved first; device.* for what is malformed.
func (s *Service) RegisterDevice(ctx context.Context, d auth.Device) error {
	if !idShape.MatchString(string(d.ID)) {
		return invalid("device.id", "device.id", "a device id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if !slices.Contains(platforms, d.Platform) {
		return invalid("device.platform", "device.platform", "platform is android, ios, web or other")
	}
	if len(d.Name) > 200 {
		return invalid("device.name", "device.name", "a device's name has at most 200 bytes")
	}
	now, ok, err := load[Device](ctx, s, auth.OrgBranch, "devices", string(d.ID))
	if err != nil {
		return err
	}
	if !ok || now.User != d.User || now.Platform != d.Platform || now.Name != d.Name {
		if now, err = apply(ctx, s, Ask{By: d.User, Command: journal.HTTPCommand(d.User, "")},
			change[Device]{branch: auth.OrgBranch, typ: "devices", id: string(d.ID), action: "device.register",
				keys: []journal.Key{devicesKey(d.User)},
				decide: func(ctx context.Context, r *journal.Reader, now *Device) (*Device, error) {
					return s.register(ctx, r, now, d)
				}}); err != nil {
			return err
		}
	}
	if now.Waiting {
		return refusal.New(refusal.Forbidden, "device.waiting", "",
			"an administrator must approve this device first; then sign in again")
	}
	if d.PushToken != "" {
		return s.SetPushToken(ctx, d.ID, d.PushToken)
	}
	return nil
}

// register decides what becomes of a device on which a user signs in.
func (s *Service) register(ctx context.Context, r *journal.Reader, now *Device, d auth.Device) (*Device, error) {
	if now == nil {
		now = &Device{ID: d.ID, User: d.User, RegisteredAt: r.At.Truncate(time.Second)}
		if s.DeviceApproval {
			others, err := readAll[Device](ctx, r, devicesByUser, string(d.User))
			if err != nil {
				return nil, err
			}
			now.Waiting = slices.ContainsFunc(others, func(o Device) bool { return o.Blocked })
		}
	}
	if now.User != d.User {
		return nil, refusal.New(refusal.Conflict, "device.taken", "device.id",
			"this device belongs to another user; an app mints another id for each user who signs in")
	}
	now.Platform, now.Name = d.Platform, d.Name
	return now, nil
}

// ApproveDevice lets a user sign in on a device that waits for approval. device.not_found.
func (s *Service) ApproveDevice(ctx context.Context, ask Ask, id auth.DeviceID) (Device, error) {
	return s.changeDevice(ctx, ask, "device.approve", id, func(d *Device) { d.Waiting = false })
}

// SetPushToken keeps the token the push provider knows a device by; "" forgets it.
func (s *Service) SetPushToken(ctx context.Context, id auth.DeviceID, token string) error {
	if len(token) > 4096 {
		return invalid("device.push_token", "push_token", "a push token has at most 4096 bytes")
	}
	return s.swapSmall(ctx, pushKind, string(id), func(now []byte) ([]byte, error) {
		next, err := json.Marshal(pushToken{Token: token})
		if err != nil || string(next) == string(now) {
			return nil, err
		}
		return next, nil
	})
}

// DropPushToken forgets a token the provider says is dead, unless the device has sent another meanwhile.
func (s *Service) DropPushToken(ctx context.Context, id auth.DeviceID, token string) error {
	return s.swapSmall(ctx, pushKind, string(id), func(now []byte) ([]byte, error) {
		var t pushToken
		if now == nil || json.Unmarshal(now, &t) != nil || t.Token != token {
			return nil, nil
		}
		return json.Marshal(pushToken{})
	})
}

// PushToken is the token of a device; "" when it has none.
func (s *Service) PushToken(ctx context.Context, id auth.DeviceID) (string, error) {
	body, _, err := s.store.Small(ctx, pushKind, string(id))
	if errors.Is(err, journal.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read push token: %w", err)
	}
	var t pushToken
	if err := json.Unmarshal(body, &t); err != nil {
		return "", fmt.Errorf("read push token: %w", err)
	}
	return t.Token, nil
}

// BlockDevice shuts a device out, and has the app erase its data when wipe is set. device.not_found.
func (s *Service) BlockDevice(ctx context.Context, ask Ask, id auth.DeviceID, wipe bool) (Device, error) {
	at := s.now().UTC().Truncate(time.Second)
	return s.changeDevice(ctx, ask, "device.block", id, func(d *Device) {
		if !d.Blocked {
			d.BlockedAt = at
		}
		d.Blocked, d.Wipe = true, d.Wipe || wipe
	})
}

// changeDevice changes a device that exists. device.not_found.
func (s *Service) changeDevice(ctx context.Context, ask Ask, action string, id auth.DeviceID,
	do func(*Device)) (Device, error) {
	was, err := s.Device(ctx, id)
	if err != nil {
		return Device{}, err
	}
	d, err := apply(ctx, s, ask, change[Device]{branch: auth.OrgBranch, typ: "devices", id: string(id), action: action,
		keys: []journal.Key{devicesKey(was.User)}, // a device keeps its user
		decide: func(_ context.Context, _ *journal.Reader, now *Device) (*Device, error) {
			if now == nil {
				return nil, notFound("device.not_found", "no such device")
			}
			do(now)
			return now, nil
		}})
	if err != nil {
		return Device{}, err
	}
	return *d, nil
}

// Device reads a device; device.not_found.
func (s *Service) Device(ctx context.Context, id auth.DeviceID) (Device, error) {
	d, ok, err := load[Device](ctx, s, auth.OrgBranch, "devices", string(id))
	if err != nil {
		return Device{}, err
	}
	if !ok {
		return Device{}, noDevice()
	}
	return *d, nil
}

// DeviceStatus says whether a device may call; auth.ErrNoDevice. It implements auth.Devices.
func (s *Service) DeviceStatus(ctx context.Context, id auth.DeviceID) (auth.DeviceStatus, error) {
	d, ok, err := load[Device](ctx, s, auth.OrgBranch, "devices", string(id))
	if err != nil {
		return auth.DeviceStatus{}, err
	}
	if !ok {
		return auth.DeviceStatus{}, auth.ErrNoDevice
	}
	return auth.DeviceStatus{User: d.User, Blocked: d.Blocked, Wipe: d.Wipe, Waiting: d.Waiting}, nil
}

// Devices lists devices: of one user, or of all with user "".
func (s *Service) Devices(ctx context.Context, user auth.UserID, limit int, cursor string) ([]Device, string, error) {
	q := journal.Query{Branch: auth.OrgBranch, Type: "devices", Limit: limit, After: cursor}
	if user != "" {
		q.Index, q.Eq = devicesByUser.Name, []any{string(user)}
	}
	f, err := s.store.Find(ctx, q)
	if err != nil {
		return nil, "", err
	}
	out := make([]Device, 0, len(f.Records))
	for _, rec := range f.Records {
		d, err := decode[Device](rec)
		if err != nil {
			return nil, "", err
		}
		out = append(out, *d)
	}
	return out, f.Next, nil
}

// Of lists the devices of several users that may be signed in on.
func (s *Service) Of(ctx context.Context, users []auth.UserID) ([]auth.Device, error) {
	var out []auth.Device
	for _, u := range users {
		ds, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesByUser.Name,
			Eq: []any{string(u)}})
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			if !d.Blocked && !d.Waiting {
				out = append(out, auth.Device{ID: d.ID, User: d.User, Platform: d.Platform, Name: d.Name})
			}
		}
	}
	return out, nil
}
