package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/server/casework"
	"doorstep/sync/journal"
)

func (a *API) appointmentEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/appointments", id: "makeAppointment", tag: "cases", summary: "Note a time agreed with the debtor",
		about: "A round of that day visits the case within it, before anything that may be left out, or says why it cannot. A span in which no visit may begin is refused. Phones send theirs with the visit at which it was agreed."},
		func(ctx context.Context, c call, in *struct {
			CasePath
			Body struct {
				From time.Time `json:"from" doc:"The visit begins then or later."`
				To   time.Time `json:"to" doc:"The visit begins before; at most 12 hours after from."`
			}
		}) (*body[object], error) {
			return a.doCase(ctx, c, in.ID, casework.MakeAppointment{Case: journal.CaseID(in.ID), From: in.Body.From.UTC().Truncate(time.Second), To: in.Body.To.UTC().Truncate(time.Second)})
		})
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/appointments/{appointment}/cancel", id: "cancelAppointment", tag: "cases", summary: "Call an appointment off"},
		func(ctx context.Context, c call, in *struct {
			CasePath
			Appointment string `path:"appointment" maxLength:"64"`
			Body        struct {
				Reason string `json:"reason" minLength:"1" maxLength:"200"`
			}
		}) (*body[object], error) {
			return a.doCase(ctx, c, in.ID, casework.CancelAppointment{Case: journal.CaseID(in.ID), Appointment: in.Appointment, Reason: in.Body.Reason})
		})
}
