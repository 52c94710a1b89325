package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/server/dispatch"
	"doorstep/server/office"
)

// aboutAway says what becomes of work on days off.
const aboutAway = "Plans leave those days out, publishing looks again, and what is on phones already is taken back " +
	"(taken_back). rounds are the planned and published ones of the next 31 days that have work there: plan them anew."

func (a *API) leaveEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/branches/{id}/closed-days", roles: supervisors,
		id: "listClosedDays", tag: "office", summary: "List the days on which a branch is closed"}, a.listClosedDays)
	register(a, endpoint{method: http.MethodPut, path: "/v1/branches/{id}/closed-days/{date}", roles: supervisors,
		id: "closeDay", tag: "office", summary: "Close a branch on a day",
		about: aboutAway + " Visits that are under way are not taken back."}, a.closeDay)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/branches/{id}/closed-days/{date}", roles: supervisors,
		id: "openDay", tag: "office", summary: "Open a branch on a day after all"}, a.openDay)
	register(a, endpoint{method: http.MethodGet, path: "/v1/leaves", roles: supervisors, id: "listLeaves",
		tag: "office", summary: "List agents' leaves, by their last day"}, a.listLeaves)
	register(a, endpoint{method: http.MethodPut, path: "/v1/agents/{id}/leaves/{leave}", roles: supervisors,
		id: "putLeave", tag: "office", summary: "Note that an agent is on leave",
		about: "Whole days of the branch's zone, at most 366. Why is not kept. " + aboutAway}, a.putLeave)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/agents/{id}/leaves/{leave}", roles: supervisors,
		id: "endLeave", tag: "office", summary: "Take a leave back"}, a.endLeave)
}

// AwayFrom is what a day off did to work.
type AwayFrom struct {
	TakenBack []dispatch.TakenBack `json:"taken_back" doc:"What became of open stops; empty: there were none, or they are taken back in the background."`
	Rounds    []dispatch.Touched   `json:"rounds" doc:"Planned and published rounds of the next 31 days with work on those days."`
}

// away completes an answer about a day off. The change stands whatever follows: the work is taken back in the
// background if it cannot be now.
func (a *API) away(ctx context.Context, b auth.BranchID, agent auth.UserID, from, to string) (out AwayFrom, err error) {
	if out.Rounds, err = a.opt.Dispatch.Touched(ctx, b, from, to, agent); err != nil {
		return out, err
	}
	if agent == "" {
		out.TakenBack, err = a.opt.Dispatch.TakeBackDay(ctx, b)
	} else {
		out.TakenBack, err = a.opt.Dispatch.TakeBack(ctx, agent)
	}
	if err != nil {
		a.log.Warn("work of a day off is not taken back yet", "err", err)
	}
	if out.TakenBack == nil {
		out.TakenBack = []dispatch.TakenBack{}
	}
	return out, nil
}

type listClosedDaysIn struct {
	Paging
	ID   string `path:"id" maxLength:"64"`
	From string `query:"from" format:"date" doc:"This local date and later ones; all when absent." example:"2026-11-25"`
}

func (a *API) listClosedDays(ctx context.Context, c call, in *listClosedDaysIn) (*body[page[office.ClosedDay]], error) {
	b, err := a.branch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	days, next, err := a.opt.Office.ClosedDays(ctx, b, in.From, in.Limit, in.Cursor)
	return respond(page[office.ClosedDay]{days, next}), err
}

// ClosedPath names a day of a branch.
type ClosedPath struct {
	ID   string `path:"id" maxLength:"64"`
	Date string `path:"date" maxLength:"10" example:"2026-12-24"`
}

type dayClosed struct {
	office.ClosedDay
	AwayFrom
}

type closeDayIn struct {
	ClosedPath
	Body struct {
		Reason string `json:"reason" doc:"Why, as a code."`
	}
}

func (a *API) closeDay(ctx context.Context, c call, in *closeDayIn) (*body[dayClosed], error) {
	b, err := a.branch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	day, err := a.opt.Office.CloseDay(ctx, ask(c), office.ClosedDay{Branch: b, Date: in.Date, Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	away, err := a.away(ctx, b, "", in.Date, in.Date)
	return respond(dayClosed{day, away}), err
}

func (a *API) openDay(ctx context.Context, c call, in *ClosedPath) (*struct{}, error) {
	b, err := a.branch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, a.opt.Office.OpenDay(ctx, ask(c), b, in.Date)
}

type listLeavesIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	From   string `query:"from" format:"date" doc:"Those that end on this local date or later; all when absent." example:"2026-11-25"`
}

func (a *API) listLeaves(ctx context.Context, c call, in *listLeavesIn) (*body[page[office.Leave]], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	leaves, next, err := a.opt.Office.Leaves(ctx, b, in.From, in.Limit, in.Cursor)
	return respond(page[office.Leave]{leaves, next}), err
}

// LeavePath names a leave of an agent.
type LeavePath struct {
	ID    string `path:"id" maxLength:"64" doc:"The agent's user id."`
	Leave string `path:"leave" maxLength:"64" doc:"An id of your own."`
}

type agentLeave struct {
	office.Leave
	AwayFrom
}

type putLeaveIn struct {
	LeavePath
	Body struct {
		From string `json:"from" maxLength:"10" doc:"The first day, local to the branch." example:"2026-12-21"`
		To   string `json:"to" maxLength:"10" doc:"The last day." example:"2026-12-24"`
	}
}

// agentBranch is the branch of an agent whom the actor looks after; user.not_found.
func (a *API) agentBranch(ctx context.Context, actor auth.Actor, id string) (auth.BranchID, error) {
	mine, err := a.opt.Office.Manages(ctx, actor, auth.UserID(id))
	if err != nil {
		return "", err
	}
	u := office.User{}
	if mine {
		if u, err = a.opt.Office.User(ctx, auth.UserID(id)); err != nil {
			return "", err
		}
	}
	if u.Role != auth.RoleAgent || len(u.Branches) == 0 {
		return "", newProblem(http.StatusNotFound, "user.not_found", "there is no such agent here")
	}
	return u.Branches[0], nil
}

func (a *API) putLeave(ctx context.Context, c call, in *putLeaveIn) (*body[agentLeave], error) {
	b, err := a.agentBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	l, err := a.opt.Office.PutLeave(ctx, ask(c), office.Leave{ID: in.Leave, Agent: auth.UserID(in.ID), Branch: b,
		From: in.Body.From, To: in.Body.To})
	if err != nil {
		return nil, err
	}
	away, err := a.away(ctx, b, l.Agent, l.From, l.To)
	return respond(agentLeave{l, away}), err
}

func (a *API) endLeave(ctx context.Context, c call, in *LeavePath) (*struct{}, error) {
	b, err := a.agentBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, a.opt.Office.EndLeave(ctx, ask(c), b, auth.UserID(in.ID), in.Leave)
}
