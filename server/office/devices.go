package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
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
	Wipe         bool      `json:"wipe,omitempty"`
	RegisteredAt time.Time `json:"registered_at"`
}

// pushKind is the kind of the small documents with a device's push token: a
// secret that changes often and is forgotten when the provider says it is dead.
const pushKind = "push"

type pushToken struct {
	Token string `json:"token"`
}

var platforms = []string{"android", "ios", "web", "other"}

// RegisterDevice notes that a user signed in on a device. Another user's device changes hands, unless it is blocked.
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
		if _, err := apply(ctx, s, Ask{By: d.User, Command: journal.HTTPCommand(d.User, "")},
			change[Device]{branch: auth.OrgBranch, typ: "devices", id: string(d.ID), action: "device.register",
				decide: func(_ context.Context, r *journal.Reader, now *Device) (*Device, error) {
					if now == nil {
						now = &Device{ID: d.ID, RegisteredAt: r.At.Truncate(time.Second)}
					}
					now.User, now.Platform, now.Name = d.User, d.Platform, d.Name
					return now, nil
				}}); err != nil {
			return err
		}
	}
	if d.PushToken != "" {
		return s.SetPushToken(ctx, d.ID, d.PushToken)
	}
	return nil
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
	d, err := apply(ctx, s, ask, change[Device]{branch: auth.OrgBranch, typ: "devices", id: string(id),
		action: "device.block",
		decide: func(_ context.Context, _ *journal.Reader, now *Device) (*Device, error) {
			if now == nil {
				return nil, notFound("device.not_found", "no such device")
			}
			now.Blocked, now.Wipe = true, now.Wipe || wipe
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
		return Device{}, notFound("device.not_found", "no such device")
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
	return auth.DeviceStatus{User: d.User, Blocked: d.Blocked, Wipe: d.Wipe}, nil
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

// Of lists the devices of several users that are not blocked.
func (s *Service) Of(ctx context.Context, users []auth.UserID) ([]auth.Device, error) {
	var out []auth.Device
	for _, u := range users {
		ds, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesByUser.Name,
			Eq: []any{string(u)}})
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			if !d.Blocked {
				out = append(out, auth.Device{ID: d.ID, User: d.User, Platform: d.Platform, Name: d.Name})
			}
		}
	}
	return out, nil
}
