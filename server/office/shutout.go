package office

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// ShutOut is who may not call: the users who are disabled and the devices that are blocked. Servers keep it where no
// backup of the data brings back an older one, so that a restore can shut out again whom the backup would let in.
// It is not safe for concurrent use. The zero value is the empty set.
type ShutOut struct {
	Users   map[auth.UserID]bool       `json:"users"`
	Devices map[auth.DeviceID]Shutting `json:"devices"`
}

// Shutting is what is kept of a blocked device: enough to block it where it is not known.
type Shutting struct {
	User     auth.UserID `json:"user"`
	Platform string      `json:"platform"`
	Wipe     bool        `json:"wipe,omitempty"`
	At       time.Time   `json:"at,omitzero"` // when it was blocked first
}

// ShutOut reads who may not call, as the store has it.
func (s *Service) ShutOut(ctx context.Context) (ShutOut, error) {
	var out ShutOut
	users, err := list[User](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "users"})
	if err != nil {
		return out, err
	}
	for _, u := range users {
		out.user(u)
	}
	devices, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices"})
	if err != nil {
		return out, err
	}
	for _, d := range devices {
		out.device(d)
	}
	return out, nil
}

// Note takes a document of the organisation's journal into the set, and tells whether that changed it.
func (o *ShutOut) Note(d journal.Doc) (changed bool, err error) {
	switch {
	case d.Type == "users" && len(d.State) > 0:
		var u User
		if err := json.Unmarshal(d.State, &u); err != nil {
			return false, fmt.Errorf("decode user %s: %w", d.ID, err)
		}
		return o.user(&u), nil
	case d.Type == "devices" && len(d.State) > 0:
		var x Device
		if err := json.Unmarshal(d.State, &x); err != nil {
			return false, fmt.Errorf("decode device %s: %w", d.ID, err)
		}
		return o.device(&x), nil
	}
	return false, nil
}

// Add takes another set into the set.
func (o *ShutOut) Add(other ShutOut) {
	for id, shut := range other.Users {
		o.user(&User{ID: id, Disabled: shut || o.Users[id]})
	}
	for id, shut := range other.Devices {
		had := o.Devices[id]
		o.device(&Device{ID: id, User: shut.User, Platform: shut.Platform, Blocked: true, Wipe: shut.Wipe || had.Wipe,
			BlockedAt: cmp.Or(had.At, shut.At)})
	}
}

func (o *ShutOut) user(u *User) (changed bool) {
	if u.Disabled == o.Users[u.ID] {
		return false
	}
	if o.Users == nil {
		o.Users = map[auth.UserID]bool{}
	}
	if u.Disabled {
		o.Users[u.ID] = true
	} else {
		delete(o.Users, u.ID)
	}
	return true
}

func (o *ShutOut) device(d *Device) (changed bool) {
	was, there := o.Devices[d.ID]
	if !d.Blocked {
		delete(o.Devices, d.ID)
		return there
	}
	now := Shutting{User: d.User, Platform: d.Platform, Wipe: d.Wipe, At: d.BlockedAt}
	if o.Devices == nil {
		o.Devices = map[auth.DeviceID]Shutting{}
	}
	o.Devices[d.ID] = now
	return !there || was != now
}

// ShutAgain is what ShutOutAgain did.
type ShutAgain struct {
	Users   []auth.UserID   // who are disabled now and were not
	Devices []auth.DeviceID // that are blocked or to be wiped now and were not
	// Admins could not be disabled: without them there would be no administrator.
	Admins []auth.UserID
}

// ShutOutAgain disables the users and blocks the devices of a set, after a restore that has let them in. A user who is
// not known cannot sign in and is passed over; a device that is not known is kept as blocked. Whoever is shut out and
// is not in the set stays so. by is who does it, and command begins the ids of the commands: it may be done again.
func (s *Service) ShutOutAgain(ctx context.Context, by auth.UserID, command string, o ShutOut) (done ShutAgain,
	err error) {
	yes := true
	for _, id := range slices.Sorted(maps.Keys(o.Users)) {
		u, ok, err := load[User](ctx, s, auth.OrgBranch, "users", string(id))
		if err != nil {
			return done, err
		}
		if !ok || u.Disabled || !o.Users[id] {
			continue
		}
		_, err = s.PatchUser(ctx, Ask{By: by, Command: command + ":user:" + string(id)}, id, UserPatch{Disabled: &yes})
		var no *refusal.Error
		switch {
		case errors.As(err, &no) && no.Code() == "user.last_admin":
			done.Admins = append(done.Admins, id)
		case err != nil:
			return done, fmt.Errorf("disable user %s again: %w", id, err)
		default:
			done.Users = append(done.Users, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.Devices)) {
		shut := o.Devices[id]
		d, ok, err := load[Device](ctx, s, auth.OrgBranch, "devices", string(id))
		if err != nil {
			return done, err
		}
		if ok && d.Blocked && (d.Wipe || !shut.Wipe) {
			continue
		}
		if err := s.shutDevice(ctx, Ask{By: by, Command: command + ":device:" + string(id)}, id, shut); err != nil {
			return done, fmt.Errorf("block device %s again: %w", id, err)
		}
		done.Devices = append(done.Devices, id)
	}
	return done, nil
}

// shutDevice blocks a device that may not be known.
func (s *Service) shutDevice(ctx context.Context, ask Ask, id auth.DeviceID, shut Shutting) error {
	_, err := apply(ctx, s, ask, change[Device]{branch: auth.OrgBranch, typ: "devices", id: string(id),
		action: "device.block", keys: []journal.Key{devicesKey(shut.User)},
		decide: func(_ context.Context, r *journal.Reader, now *Device) (*Device, error) {
			at := r.At.UTC().Truncate(time.Second)
			if now == nil {
				now = &Device{ID: id, User: shut.User, Platform: shut.Platform, RegisteredAt: at}
			}
			if !now.Blocked {
				now.BlockedAt = cmp.Or(shut.At, at)
			}
			now.Status, now.Blocked, now.Wipe = deviceBlocked, true, now.Wipe || shut.Wipe
			return now, nil
		}})
	return err
}
