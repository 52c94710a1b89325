package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/server/office"
)

func (a *API) checkinEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/checkins", roles: agents, id: "startCheckin", tag: "sync",
		summary: "Start the timer by whose end an agent checks in again",
		about: "If nobody hears of the agent in time, their supervisors are alerted, once: the inbox has it under " +
			"agent_safety, and the stream of the branch tells of it. Starting again begins it anew. A phone that was " +
			"without network says at when the agent began it."}, a.startCheckin)
	register(a, endpoint{method: http.MethodPost, path: "/v1/checkins/done", roles: agents, id: "endCheckin",
		tag: "sync", summary: "Check in", about: "It ends a timer that ran out, too."}, a.endCheckin)
	register(a, endpoint{method: http.MethodPost, path: "/v1/checkins/unsafe", roles: agents, id: "feelUnsafe",
		tag: "sync", summary: "Say that one feels unsafe",
		about: "The supervisors of the branch are alerted until one of them has looked after the agent; nobody else ends " +
			"it."},
		a.feelUnsafe)
	register(a, endpoint{method: http.MethodGet, path: "/v1/checkins", roles: supervisors, id: "listCheckins",
		tag: "office", summary: "List the timers of agents that run, and those who need help first"}, a.listCheckins)
	register(a, endpoint{method: http.MethodPost, path: "/v1/checkins/{id}/handle", roles: supervisors,
		id: "handleCheckin", tag: "office", summary: "Note that an agent was looked after",
		about: "The id is the agent's."}, a.handleCheckin)
}

type startCheckinIn struct {
	Body struct {
		Minutes    int       `json:"minutes" doc:"For how long the agent will be out of reach, 1 to 240."`
		Assignment string    `json:"assignment,omitempty" maxLength:"64" doc:"The stop at which the agent is."`
		At         time.Time `json:"at,omitzero" doc:"When the agent said so; absent: now."`
	}
}

type checkinIn struct {
	Body struct {
		Assignment string    `json:"assignment,omitempty" maxLength:"64" doc:"The stop at which the agent is."`
		At         time.Time `json:"at,omitzero" doc:"When the agent said so; absent: now."`
	}
}

func newCheckin(c call, assignment string, at time.Time, minutes int) office.NewCheckin {
	return office.NewCheckin{Actor: c.actor, Device: c.actor.Device, Assignment: assignment, At: at, Minutes: minutes}
}

func (a *API) startCheckin(ctx context.Context, c call, in *startCheckinIn) (*body[office.Checkin], error) {
	out, err := a.opt.Office.StartCheckin(ctx, ask(c), newCheckin(c, in.Body.Assignment, in.Body.At,
		in.Body.Minutes))
	return respond(out), err
}

func (a *API) endCheckin(ctx context.Context, c call, in *checkinIn) (*body[office.Checkin], error) {
	out, err := a.opt.Office.EndCheckin(ctx, ask(c), newCheckin(c, in.Body.Assignment, in.Body.At, 0))
	return respond(out), err
}

func (a *API) feelUnsafe(ctx context.Context, c call, in *checkinIn) (*body[office.Checkin], error) {
	out, err := a.opt.Office.FeelsUnsafe(ctx, ask(c), newCheckin(c, in.Body.Assignment, in.Body.At, 0))
	return respond(out), err
}

type branchIn struct {
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) listCheckins(ctx context.Context, c call, in *branchIn) (*body[page[office.Checkin]], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	all, err := a.opt.Office.Checkins(ctx, b)
	return respond(page[office.Checkin]{Items: all}), err
}

type handleCheckinIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) handleCheckin(ctx context.Context, c call, in *handleCheckinIn) (*body[office.Checkin], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	out, err := a.opt.Office.HandleCheckin(ctx, ask(c), c.actor, b, auth.UserID(in.ID))
	return respond(out), err
}
