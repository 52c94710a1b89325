package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/office"
	"doorstep/server/record"
)

type pushTokenBody struct {
	PushToken string `json:"push_token" maxLength:"4096" doc:"Empty to be forgotten."`
}

// phoneStateBody is what a device says of itself.
type phoneStateBody struct {
	Time        time.Time  `json:"time" doc:"The device's clock, when it sends this."`
	Waiting     int        `json:"waiting" minimum:"0" maximum:"100000" doc:"How many pieces of work wait on the device to be sent."`
	OldestAt    *time.Time `json:"oldest_at,omitempty" doc:"Since when the first of them waits, by the device's clock."`
	Refused     int        `json:"refused,omitempty" minimum:"0" maximum:"100000" doc:"How many were not accepted and wait to be looked at."`
	Build       string     `json:"build,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9._+-]*$" doc:"Of the app."`
	StorageKept *bool      `json:"storage_kept,omitempty" doc:"Whether the system has promised to keep the app's data."`
	FreeBytes   *int64     `json:"free_bytes,omitempty" minimum:"0" doc:"Free for the app's data."`
}

// listedDevice is a device with what is known of it beside its record.
type listedDevice struct {
	office.Device
	CalledAt time.Time          `json:"called_at,omitzero" doc:"When it pulled, pushed or listened last, at least to ten minutes; absent: never."`
	Said     *office.PhoneState `json:"said,omitempty" doc:"What it said of itself last; absent: nothing yet."`
}

func (a *API) deviceEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/devices", roles: supervisors, id: "listDevices",
		tag: "office", summary: "List devices",
		about: "A supervisor sees those of the agents of their branches; a page may be short though more follow."},
		a.listDevices)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/devices/{id}", roles: supervisors, id: "blockDevice",
		tag: "office", summary: "Block a device",
		about: "It is shut out at once; with wipe the app erases what it holds when it next calls, whatever became of " +
			"its user and session meanwhile. A supervisor blocks those of the agents of their branches."}, a.blockDevice)
	register(a, endpoint{method: http.MethodPost, path: "/v1/devices/{id}/approve", roles: supervisors,
		id: "approveDevice", tag: "office", summary: "Approve a device that waits",
		about: "Where devices are approved (--device-approval), the next device of a user who has a blocked one waits."},
		a.approveDevice)
	register(a, endpoint{method: http.MethodPatch, path: "/v1/devices/current", roles: agents, id: "changeDevice",
		tag: "sync", summary: "Tell the push token of this device", status: http.StatusNoContent}, a.changeDevice)
	register(a, endpoint{method: http.MethodPut, path: "/v1/devices/current/state", roles: agents, id: "putDeviceState",
		tag: "sync", summary: "Tell how this device does", status: http.StatusNoContent,
		about: "For the office's list of devices: what waits on it, the app's build, storage and clock. The last is kept, " +
			"and decides nothing. Send it after a sync, at most every few minutes."}, a.putDeviceState)
}

type listDevicesIn struct {
	Paging
	User string `query:"user" maxLength:"64" doc:"Only this user's."`
}

func (a *API) listDevices(ctx context.Context, c call, in *listDevicesIn) (*body[page[listedDevice]], error) {
	ds, next, err := a.opt.Office.Devices(ctx, auth.UserID(in.User), in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	own := []listedDevice{}
	for _, d := range ds {
		if mine, err := a.opt.Office.Manages(ctx, c.actor, d.User); err != nil {
			return nil, err
		} else if mine {
			own = append(own, listedDevice{Device: d})
		}
	}
	ids := make([]auth.DeviceID, len(own))
	for i := range own {
		ids[i] = own[i].ID
	}
	calls, err := a.opt.Office.LastCalls(ctx, ids)
	if err != nil {
		return nil, err
	}
	said, err := a.opt.Office.PhoneStates(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		own[i].CalledAt = calls[id]
		if st, ok := said[id]; ok {
			own[i].Said = &st
		}
	}
	return respond(page[listedDevice]{own, next}), nil
}

type blockDeviceIn struct {
	ID   string `path:"id" maxLength:"64"`
	Wipe bool   `query:"wipe"`
}

func (a *API) blockDevice(ctx context.Context, c call, in *blockDeviceIn) (*body[office.Device], error) {
	if _, err := a.opt.Office.ManagedDevice(ctx, c.actor, auth.DeviceID(in.ID)); err != nil {
		return nil, err
	}
	d, err := a.opt.Office.BlockDevice(ctx, ask(c), auth.DeviceID(in.ID), in.Wipe)
	a.opt.Sessions.ForgetDevice(auth.DeviceID(in.ID))
	return respond(d), err
}

type deviceIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) approveDevice(ctx context.Context, c call, in *deviceIn) (*body[office.Device], error) {
	if _, err := a.opt.Office.ManagedDevice(ctx, c.actor, auth.DeviceID(in.ID)); err != nil {
		return nil, err
	}
	d, err := a.opt.Office.ApproveDevice(ctx, ask(c), auth.DeviceID(in.ID))
	return respond(d), err
}

func (a *API) changeDevice(ctx context.Context, c call, in *body[pushTokenBody]) (*struct{}, error) {
	return nil, a.opt.Office.SetPushToken(ctx, c.actor.Device, in.Body.PushToken)
}

func (a *API) putDeviceState(ctx context.Context, c call, in *body[phoneStateBody]) (*struct{}, error) {
	b, now := in.Body, a.opt.Journal.Now().UTC()
	st := office.PhoneState{At: now, Waiting: b.Waiting, Refused: b.Refused, Build: b.Build, StorageKept: b.StorageKept,
		FreeBytes: b.FreeBytes, ClockAheadS: int64(b.Time.Sub(now).Round(time.Second) / time.Second)}
	if b.OldestAt != nil {
		if !record.InYears(*b.OldestAt) {
			return nil, refusal.New(refusal.Invalid, "device.oldest_at", "oldest_at", "write a time from 2000 to 2199")
		}
		st.OldestAt = b.OldestAt.UTC()
	}
	return nil, a.opt.Office.PutPhoneState(ctx, c.actor.Device, st)
}
