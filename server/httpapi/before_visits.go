package httpapi

import (
	"context"
	"time"

	"doorstep/server/casework"
	"doorstep/server/dispatch"
	"doorstep/sync/journal"
)

type confirmCaseIn struct {
	CasePath
	Body struct {
		At      time.Time `json:"at" doc:"When it was confirmed, or tried."`
		Method  string    `json:"method" maxLength:"32" example:"call" doc:"A code of confirm_methods."`
		Address string    `json:"address,omitempty" maxLength:"64" example:"confirmed_by_debtor" doc:"A code of address_verifications; absent: not asked."`
		Contact string    `json:"contact,omitempty" maxLength:"64" example:"confirmed" doc:"What came of the case's number, a code of contact_outcomes; absent: not asked."`
	}
}

func (a *API) confirmCase(ctx context.Context, c call,
	in *confirmCaseIn) (*body[receipt[casework.ConfirmReceipt]], error) {
	x := in.Body
	return doCase[casework.ConfirmReceipt](ctx, a, c, in.ID, casework.ConfirmCase{Case: journal.CaseID(in.ID), At: x.At,
		Method: x.Method, Address: x.Address, Contact: x.Contact})
}

type announceRoundIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) announceRound(ctx context.Context, c call, in *announceRoundIn) (*body[dispatch.Announced], error) {
	out, err := a.opt.Dispatch.Announce(ctx, dispatchAsk(c), in.ID)
	return respond(out), err
}

type putUnsafeNoteIn struct {
	CasePath
	Body struct {
		Text  string `json:"text" maxLength:"500" doc:"What those who go there must know; empty takes the warning away."`
		Until string `json:"until,omitempty" maxLength:"10" doc:"The last local date on which it is shown, at most a year ahead."`
	}
}

func (a *API) putUnsafeNote(ctx context.Context, c call,
	in *putUnsafeNoteIn) (*body[receipt[casework.CaseReceipt]], error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.PutUnsafeNote{Case: journal.CaseID(in.ID),
		Text: in.Body.Text, Until: in.Body.Until})
}
