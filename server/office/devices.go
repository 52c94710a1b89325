package office

import (
	"cmp"
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
	// Status: in_use, blocked, waiting for approval, approved but not signed in on yet, or retired when its
	// user has signed in on five others since. Who signs in on a retired device uses it again.
	Status  string `json:"status"`
	Blocked bool   `json:"blocked,omitempty"`
	// Wipe tells the app to erase what it holds when it next calls.
	Wipe bool `json:"wipe,omitempty"`
	// BlockedAt is when it was blocked first.
	BlockedAt time.Time `json:"blocked_at,omitzero"`
	// Waiting devices cannot be signed in on before they are approved.
	Waiting      bool      `json:"waiting_for_approval,omitempty"`
	RegisteredAt time.Time `json:"registered_at"`
	// SeenAt is when it last signed in or refreshed its tokens, to the hour. It is kept apart and filled in by
	// Devices.
	SeenAt time.Time `json:"seen_at,omitzero"`
}

// Statuses of a device.
const (
	deviceInUse    = "in_use"
	deviceRetired  = "retired"
	deviceBlocked  = "blocked"
	deviceWaiting  = "waiting"
	deviceApproved = "approved"
)

// MaxDevices is how many devices a user may use. A sign-in on a further one retires the one unseen
// the longest, as messengers and streaming services do: an agent whose phone broke in the morning must
// work at once, and no administrator may be there to make room. A retired device has to sign in again,
// and what it had not sent yet is not lost.
const MaxDevices = 5

// AlertWithin is how long ago a device may have been seen to be alerted: as long as a sign-in lasts
// without use.
const AlertWithin = auth.RefreshTTL

// seenKind is the kind of the small documents that say when a device was last seen.
const seenKind = "seen"

// seenEvery is how often that is written at most.
const seenEvery = time.Hour

type seen struct {
	At time.Time `json:"at"`
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
// user's; device.waiting if the device must be approved first, in which case it is kept; device.* for what is
// malformed.
// If the user would have more than MaxDevices, the one that was not seen for the longest is retired.
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
	if !ok || now.User != d.User || now.Platform != d.Platform || now.Name != d.Name || now.Status != deviceInUse {
		if now, err = s.register(ctx, d); err != nil {
			return err
		}
	}
	if now.Waiting {
		return refusal.New(refusal.Forbidden, "device.waiting", "",
			"an administrator must approve this device first; then sign in again")
	}
	if err := s.SawDevice(ctx, d.ID); err != nil {
		return err
	}
	if d.PushToken != "" {
		return s.SetPushToken(ctx, d.ID, d.PushToken)
	}
	return nil
}

// register writes a device that its user signs in on, and those that are retired for it.
func (s *Service) register(ctx context.Context, d auth.Device) (now *Device, err error) {
	known, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesInUse.Name,
		Eq: []any{string(d.User), deviceInUse}})
	if err != nil {
		return nil, err
	}
	last := map[auth.DeviceID]time.Time{}
	for _, other := range known {
		if last[other.ID], err = s.seenAt(ctx, *other); err != nil {
			return nil, err
		}
	}
	out, err := s.journal.Do(ctx, auth.OrgBranch, []journal.Command{{ID: journal.HTTPCommand(d.User, ""), Actor: d.User,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			now, err = readDoc[Device](ctx, r, "devices", string(d.ID))
			if err != nil {
				return journal.Draft{}, err
			}
			r.Depend(devicesKey(d.User))
			if now, err = s.signedIn(ctx, r, now, d); err != nil {
				return journal.Draft{}, err
			}
			others, err := readAll[Device](ctx, r, devicesInUse, string(d.User), deviceInUse)
			if err != nil {
				return journal.Draft{}, err
			}
			draft := journal.Draft{Action: "device.register", Writes: []journal.Key{devicesKey(d.User)}, Receipt: receiptOf(
				string(d.ID))}
			written := []Device{*now}
			if now.Status == deviceInUse {
				written = append(written, surplus(others, d.ID, last)...)
			}
			for _, x := range written {
				state, err := json.Marshal(x)
				if err != nil {
					return journal.Draft{}, fmt.Errorf("encode device %s: %w", x.ID, err)
				}
				draft.Put("devices", string(x.ID), state)
			}
			return draft, nil
		}}})
	if err != nil {
		return nil, err
	}
	return now, out[0].Err
}

// surplus are the devices in use, retired, that a user who signs in on one more has too many of: those
// that were not seen for the longest. last says when each was seen.
func surplus(inUse []Device, signsIn auth.DeviceID, last map[auth.DeviceID]time.Time) []Device {
	others := slices.DeleteFunc(inUse, func(x Device) bool { return x.ID == signsIn })
	when := func(x Device) time.Time {
		if at := last[x.ID]; at.After(x.RegisteredAt) {
			return at
		}
		return x.RegisteredAt
	}
	slices.SortFunc(others, func(a, b Device) int { return cmp.Or(when(a).Compare(when(b)), cmp.Compare(a.ID, b.ID)) })
	out := others[:max(0, len(others)+1-MaxDevices)]
	for i := range out {
		out[i].Status = deviceRetired
	}
	return out
}

// SawDevice notes that a device has called.
func (s *Service) SawDevice(ctx context.Context, id auth.DeviceID) error {
	at := s.journal.Now().UTC().Truncate(time.Second)
	return s.swapSmall(ctx, seenKind, string(id), func(now []byte) ([]byte, error) {
		var was seen
		if now != nil && json.Unmarshal(now, &was) == nil && at.Sub(was.At) < seenEvery {
			return nil, nil
		}
		return json.Marshal(seen{At: at})
	})
}

// seenAt is when a device was last seen, at least when it was registered.
func (s *Service) seenAt(ctx context.Context, d Device) (time.Time, error) {
	body, _, err := s.store.Small(ctx, seenKind, string(d.ID))
	if errors.Is(err, journal.ErrNotFound) {
		return d.RegisteredAt, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when a device was seen: %w", err)
	}
	var at seen
	if err := json.Unmarshal(body, &at); err != nil {
		return time.Time{}, fmt.Errorf("read when a device was seen: %w", err)
	}
	return at.At, nil
}

// signedIn decides what becomes of a device on which a user signs in.
func (s *Service) signedIn(ctx context.Context, r *journal.Reader, now *Device, d auth.Device) (*Device, error) {
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
	switch {
	case now.Blocked:
	case now.Waiting:
		now.Status = deviceWaiting
	default:
		now.Status = deviceInUse
	}
	return now, nil
}

// ApproveDevice lets a user sign in on a device that waits for approval. device.not_found.
func (s *Service) ApproveDevice(ctx context.Context, ask Ask, id auth.DeviceID) (Device, error) {
	return s.changeDevice(ctx, ask, "device.approve", id, func(d *Device) {
		if d.Status == deviceWaiting {
			d.Status = deviceApproved
		}
		d.Waiting = false
	})
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

// PushToken is the token of a device; "" when it has none, or is not in use.
func (s *Service) PushToken(ctx context.Context, id auth.DeviceID) (string, error) {
	if d, ok, err := load[Device](ctx, s, auth.OrgBranch, "devices", string(id)); err != nil || !ok ||
		d.Status != deviceInUse {
		return "", err
	}
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
		d.Status, d.Blocked, d.Wipe = deviceBlocked, true, d.Wipe || wipe
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
	return auth.DeviceStatus{User: d.User, Blocked: d.Blocked, Wipe: d.Wipe, Waiting: d.Waiting,
		Retired: d.Status == deviceRetired}, nil
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
		if d.SeenAt, err = s.seenAt(ctx, *d); err != nil {
			return nil, "", err
		}
		out = append(out, *d)
	}
	return out, f.Next, nil
}

// Of lists the devices of several users to alert: those in use that were seen within AlertWithin.
func (s *Service) Of(ctx context.Context, users []auth.UserID) ([]auth.Device, error) {
	var out []auth.Device
	since := s.journal.Now().Add(-AlertWithin)
	for _, u := range users {
		ds, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesInUse.Name,
			Eq: []any{string(u), deviceInUse}})
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			at, err := s.seenAt(ctx, *d)
			if err != nil {
				return nil, err
			}
			if !at.Before(since) {
				out = append(out, auth.Device{ID: d.ID, User: d.User, Platform: d.Platform, Name: d.Name})
			}
		}
	}
	return out, nil
}
