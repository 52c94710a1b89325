package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/server/office"
)

type pushTokenBody struct {
	PushToken string `json:"push_token" maxLength:"4096" doc:"Empty to be forgotten."`
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
}

type listDevicesIn struct {
	Paging
	User string `query:"user" maxLength:"64" doc:"Only this user's."`
}

func (a *API) listDevices(ctx context.Context, c call, in *listDevicesIn) (*body[page[office.Device]], error) {
	ds, next, err := a.opt.Office.Devices(ctx, auth.UserID(in.User), in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	own := []office.Device{}
	for _, d := range ds {
		if mine, err := a.opt.Office.Manages(ctx, c.actor, d.User); err != nil {
			return nil, err
		} else if mine {
			own = append(own, d)
		}
	}
	return respond(page[office.Device]{own, next}), nil
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
