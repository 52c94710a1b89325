package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/server/casework"
	"doorstep/server/dispatch"
	"doorstep/sync/journal"
)

func (a *API) appointmentEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/cases/{id}/appointment-slots", roles: supervisors,
		id: "listAppointmentSlots", tag: "cases", summary: "Which times of a day could be promised to the debtor",
		about: "For while you talk to them. Each slot says whether the law allows it and whether a team of the day's " +
			"round has room, with every other visit keeping its team and its place in the order; cheapest marks " +
			"the one with the least detour. possible is unknown while the day has no round: an appointment can be " +
			"made all the same, and the round will see to it first. Nothing is reserved: make the appointment, " +
			"then plan the round anew. Times are instants in UTC, cut at the debtor's clock (time_zone)."},
		a.listAppointmentSlots)
	register(a, endpoint{method: http.MethodGet, path: "/v1/cases/{id}/law", roles: supervisors, id: "readLawNow",
		tag: "cases", summary: "May this case be visited now, and when next",
		about: "By the conduct policy in force and the office's own rules, for a team that lacks nothing: who would go is " +
			"not asked, nor whether there is room in a round. from and to are the span that lasts, or the next one up to the " +
			"local date searched; without them there is none. code, rule and cite say why not now."}, a.readLawNow)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/appointments", roles: supervisors,
		id: "makeAppointment", tag: "cases", summary: "Note a time agreed with the debtor",
		about: "A round of that day visits the case within it, before anything that may be left out, or says why it " +
			"cannot. A span in which no visit may begin is refused. Phones send theirs with the visit at which it " +
			"was agreed."}, a.makeAppointment)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/appointments/{appointment}/cancel",
		roles: supervisors, id: "cancelAppointment", tag: "cases", summary: "Call an appointment off"},
		a.cancelAppointment)
}

type listAppointmentSlotsIn struct {
	CasePath
	Date    string `query:"date" maxLength:"10" example:"2026-11-25" doc:"Local to the debtor, today or later; today when absent."`
	Minutes int    `query:"minutes" minimum:"30" maximum:"240" default:"60" doc:"How long a slot is. Slots are counted from local midnight, and cut to what is lawful."`
}

func (a *API) listAppointmentSlots(ctx context.Context, c call, in *listAppointmentSlotsIn) (*body[dispatch.DaySlots],
	error) {
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	slots, err := a.opt.Dispatch.Slots(ctx, c.actor, dispatch.SlotParams{Branch: b, Case: journal.CaseID(in.ID),
		Date: in.Date, Minutes: in.Minutes})
	return respond(slots), err
}

func (a *API) readLawNow(ctx context.Context, c call, in *CasePath) (*body[dispatch.LawNow], error) {
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	law, err := a.opt.Dispatch.LawNow(ctx, c.actor, b, journal.CaseID(in.ID))
	return respond(law), err
}

type makeAppointmentIn struct {
	CasePath
	Body struct {
		From time.Time `json:"from" doc:"The visit begins then or later."`
		To   time.Time `json:"to" doc:"The visit begins before; at most 12 hours after from."`
	}
}

func (a *API) makeAppointment(ctx context.Context, c call,
	in *makeAppointmentIn) (*body[receipt[casework.AppointmentReceipt]], error) {
	return doCase[casework.AppointmentReceipt](ctx, a, c, in.ID, casework.MakeAppointment{Case: journal.CaseID(in.ID),
		From: in.Body.From.UTC().Truncate(time.Second), To: in.Body.To.UTC().Truncate(time.Second)})
}

type cancelAppointmentIn struct {
	CasePath
	Appointment string `path:"appointment" maxLength:"64"`
	Body        struct {
		Reason string `json:"reason" minLength:"1" maxLength:"200"`
	}
}

func (a *API) cancelAppointment(ctx context.Context, c call,
	in *cancelAppointmentIn) (*body[receipt[casework.AppointmentReceipt]], error) {
	return doCase[casework.AppointmentReceipt](ctx, a, c, in.ID, casework.CancelAppointment{Case: journal.CaseID(in.ID),
		Appointment: in.Appointment, Reason: in.Body.Reason})
}
