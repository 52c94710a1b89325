package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// CasePath names a case; its branch is found by it.
type CasePath struct {
	ID string `path:"id" maxLength:"128" doc:"<lender>.<case_ref>"`
}

// caseBranch finds the branch of a case that the actor may know of.
func (a *API) caseBranch(ctx context.Context, actor auth.Actor, id string) (auth.BranchID, error) {
	b, err := a.opt.Casework.BranchOf(ctx, journal.CaseID(id))
	if err != nil {
		return "", err
	}
	if !actor.InBranch(b) {
		return "", newProblem(http.StatusNotFound, "case.not_found", "there is no such case here")
	}
	return b, nil
}

// doCase runs a command on a case and answers with its receipt, a T.
func doCase[T any](ctx context.Context, a *API, c call, id string, cmd casework.Cmd) (*body[receipt[T]], error) {
	b, err := a.caseBranch(ctx, c.actor, id)
	if err != nil {
		return nil, err
	}
	return doIn[T](ctx, a, c, b, id, cmd)
}

// doIn runs a command on a case of a branch and answers with its receipt, a T, or with who changed the case since the
// caller saw it.
func doIn[T any](ctx context.Context, a *API, c call, b auth.BranchID, id string, cmd casework.Cmd) (*body[receipt[T]],
	error) {
	q := request(c, cmd)
	q.Seen = casework.SeenCase{Case: journal.CaseID(id), Rev: c.seen}
	r, err := a.opt.Casework.One(ctx, c.actor, b, q)
	if err != nil {
		return nil, a.whoChanged(ctx, c.actor, b, id, err)
	}
	text, err := receiptText(r)
	return respond(receipt[T]{text}), err
}

// whoChanged adds to a refusal as case.changed who changed the case. Other errors are given back.
func (a *API) whoChanged(ctx context.Context, actor auth.Actor, b auth.BranchID, id string, err error) error {
	no, is := refusal.Of(err)
	if !is || no.Code() != "case.changed" {
		return err
	}
	last, failed := a.opt.Casework.LastChange(ctx, actor, b, journal.CaseID(id))
	if failed != nil {
		return failed
	}
	p := ofRefusal(no)
	p.members, p.Errors = false, []ProblemField{{"header." + seenHeader, "older than what stands there now"}}
	p.Changed = &CaseChanged{Rev: last.Rev, By: last.By, At: last.At, Action: last.Action}
	return p
}

// do runs a command in a branch and answers with its receipt, a T.
func do[T any](ctx context.Context, a *API, c call, b auth.BranchID, cmd casework.Cmd) (*body[receipt[T]], error) {
	q := request(c, cmd)
	r, err := a.opt.Casework.One(ctx, c.actor, b, q)
	if err != nil {
		return nil, err
	}
	text, err := receiptText(r)
	return respond(receipt[T]{text}), err
}

// receiptText is a receipt as it is answered: the command's own, with the command id and the entry.
func receiptText(r casework.Receipt) (json.RawMessage, error) {
	out := map[string]any{}
	if len(r.Body) > 0 {
		if err := json.Unmarshal(r.Body, &out); err != nil {
			return nil, err
		}
	}
	out["command"] = r.Command
	if r.N > 0 {
		out["entry"] = r.N
	}
	return json.Marshal(out)
}

// request is a command under the caller's Idempotency-Key, or under a new one if the caller sent none.
func request(c call, cmd casework.Cmd) casework.Request {
	return casework.Request{ID: journal.HTTPCommand(c.actor.User, c.key), Payload: c.payload, Cmd: cmd}
}

func (a *API) caseEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/cases", roles: importers, id: "listCases", tag: "cases",
		first: notInURL, summary: "Search cases",
		about: "Those for which all that is asked holds, without names, phones and addresses: read the single case for " +
			"those. A page may have fewer items than limit, even none, and a next_cursor: go on with it. A lender " +
			"finds its own cases, and may not ask by what it may not see (list.filter). POST /v1/cases/search asks by " +
			"name and phone too."},
		a.listCases)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/search", roles: importers, id: "searchCases",
		tag: "cases", summary: "Search cases by what a URL should not hold",
		about: "As GET /v1/cases, and by the debtor's name and phone. It changes nothing. Who searched by which filters " +
			"is in the access log, and which cases they were shown."},
		a.searchCases)
	register(a, endpoint{method: http.MethodGet, path: "/v1/cases/{id}", roles: importers, id: "getCase",
		tag: "cases", summary: "Read a case file"}, a.getCase)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/holds", roles: supervisors, id: "openHold",
		tag: "cases", summary: "Open a hold",
		about: "Any open hold keeps the case out of rounds; open assignments are revoked at once."}, a.openHold)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/holds/{hold}/release", roles: supervisors,
		id: "releaseHold", tag: "cases", summary: "Release a hold",
		about: "A hold that the debtor asked for, and a complaint, take two people: the first call asks for the end and " +
			"answers the state ending, and the hold binds until another user sends the same call."}, a.releaseHold)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/cases/{id}/holds/{hold}/release", roles: supervisors,
		id: "keepHold", tag: "cases", summary: "Keep a hold whose end was asked for"}, a.keepHold)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/confirmations", roles: supervisors,
		id: "confirmCase", tag: "cases", summary: "Note what came of confirming an address and a number",
		about: "Before anybody is sent. It takes effect at once: a wrong address takes the case out of rounds, a wrong " +
			"number is not used again, and a number found to be the debtor's may be sent an amount. A lender's ladder can " +
			"want it before a visit (before_visits). Something later that is known is not changed (confirm.late)."},
		a.confirmCase)
	register(a, endpoint{method: http.MethodPut, path: "/v1/cases/{id}/unsafe-note", roles: supervisors,
		id: "putUnsafeNote", tag: "cases", summary: "Warn those who go to an address, until a date",
		about: "The agents of the case see it on the card until then. No lender sees it, and no export of a lender has it. " +
			"An empty text takes it away."}, a.putUnsafeNote)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/facts", roles: supervisors, id: "setFact",
		tag: "cases", summary: "Make a fact known, or take it back"}, a.setFact)
	register(a, endpoint{method: http.MethodPut, path: "/v1/cases/{id}/requests", roles: supervisors,
		id: "setRequests", tag: "cases", summary: "What the person asked for",
		about: "It binds every channel. Times are local wall time; from after to crosses midnight."}, a.setRequests)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/reassign", roles: supervisors,
		id: "reassignCase", tag: "cases", summary: "Give a case to a team or territory",
		about: "A case that is given to a team stays with it in every plan. If it is on the phones of another team, it " +
			"goes to those of the given team in the same change (`assignment`), or the change is refused: " +
			"reassign.no_agent, reassign.no_shift, reassign.no_time, reassign.unlawful, or reassign.under_way while the " +
			"other team is on its way. That agents of the team declined it before is overruled. With a territory, open " +
			"assignments of teams that may not visit the case any more are taken back; those of teams that still may " +
			"stay. Each is one change: it is made whole or not at all."}, a.reassignCase)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/contacts", roles: supervisors,
		id: "recordContact", tag: "cases", summary: "Record an attempt to reach the debtor"}, a.recordContact)
	a.appointmentEndpoints()
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/visits/{visit}/review", roles: supervisors,
		id: "reviewVisit", tag: "cases", summary: "What a supervisor makes of a visit",
		about: "The visit is never changed; a later review takes the place of an earlier one."}, a.reviewVisit)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/corrections", roles: supervisors,
		id: "correctCase", tag: "cases", summary: "Correct address, phone and the like",
		about: "A correction outlives later imports as long as the lender goes on sending the old value."},
		a.correctCase)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/notices", roles: supervisors,
		id: "recordNotice", tag: "cases", summary: "Record a notice that was sent to the debtor",
		about: "Some laws want a visit announced, in a form and with contents of their own."}, a.recordNotice)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/close", roles: importers, id: "closeCase",
		tag: "cases", summary: "Close a case"}, a.closeCase)
	register(a, endpoint{method: http.MethodPost, path: "/v1/cases/{id}/reopen", roles: supervisors,
		id: "reopenCase", tag: "cases", summary: "Reopen a case"}, a.reopenCase)
}

// pageAnswer is a page of records, each written already.
func pageAnswer[I ~struct{ json.RawMessage }](p casework.Page, err error) (*body[page[I]], error) {
	if err != nil {
		return nil, err
	}
	items := make([]I, len(p.Items))
	for i, item := range p.Items {
		items[i] = I{item}
	}
	return respond(page[I]{items, p.Next}), nil
}

func (a *API) getCase(ctx context.Context, c call, in *CasePath) (*body[caseFile], error) {
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	file, err := a.opt.Casework.Case(ctx, c.actor, b, journal.CaseID(in.ID))
	if err != nil {
		return nil, err
	}
	if err := a.noted(ctx, c.actor, b, access.Read{What: access.CaseRead,
		Cases: []journal.CaseID{journal.CaseID(in.ID)}}); err != nil {
		return nil, err
	}
	text, err := file.MarshalJSON()
	return respond(caseFile{text}), err
}

type openHoldIn struct {
	CasePath
	Body struct {
		Kind  string `json:"kind" maxLength:"64" example:"stop" doc:"stop, dispute, complaint, breathing_space, vulnerable, represented, deceased, bankrupt, …"`
		Since string `json:"since,omitempty" maxLength:"10" doc:"Local date; today when absent."`
		Until string `json:"until,omitempty" maxLength:"10" doc:"Last local date; until released when absent."`
	}
}

func (a *API) openHold(ctx context.Context, c call, in *openHoldIn) (*body[receipt[casework.HoldReceipt]], error) {
	return doCase[casework.HoldReceipt](ctx, a, c, in.ID, casework.OpenHold{Case: journal.CaseID(in.ID),
		Kind: in.Body.Kind, Since: in.Body.Since, Until: in.Body.Until})
}

type releaseHoldIn struct {
	CasePath
	Hold string `path:"hold" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" maxLength:"200"`
	}
}

func (a *API) releaseHold(ctx context.Context, c call, in *releaseHoldIn) (*body[receipt[casework.HoldReceipt]],
	error) {
	return doCase[casework.HoldReceipt](ctx, a, c, in.ID, casework.ReleaseHold{Case: journal.CaseID(in.ID), Hold: in.Hold,
		Reason: in.Body.Reason})
}

type keepHoldIn struct {
	CasePath
	Hold string `path:"hold" maxLength:"64"`
}

func (a *API) keepHold(ctx context.Context, c call, in *keepHoldIn) (*body[receipt[casework.HoldReceipt]], error) {
	return doCase[casework.HoldReceipt](ctx, a, c, in.ID, casework.KeepHold{Case: journal.CaseID(in.ID), Hold: in.Hold})
}

type setFactIn struct {
	CasePath
	Body struct {
		Kind  string `json:"kind" maxLength:"64" example:"plan_offered"`
		Known bool   `json:"known"`
		Since string `json:"since,omitempty" maxLength:"10"`
	}
}

func (a *API) setFact(ctx context.Context, c call, in *setFactIn) (*body[receipt[casework.CaseReceipt]], error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.SetFact{Case: journal.CaseID(in.ID), Kind: in.Body.Kind,
		Known: in.Body.Known, Since: in.Body.Since})
}

type setRequestsIn struct {
	CasePath
	Body record.Requests
}

func (a *API) setRequests(ctx context.Context, c call, in *setRequestsIn) (*body[receipt[casework.CaseReceipt]],
	error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.SetRequests{Case: journal.CaseID(in.ID),
		Requests: in.Body})
}

type reassignCaseIn struct {
	CasePath
	Body struct {
		Team      *string `json:"team,omitempty" maxLength:"64" doc:"Empty: back to the territory's teams."`
		Territory *string `json:"territory,omitempty" maxLength:"64" doc:"Empty: back to where the home lies."`
	}
}

func (a *API) reassignCase(ctx context.Context, c call, in *reassignCaseIn) (*body[receipt[casework.CaseReceipt]],
	error) {
	id := journal.CaseID(in.ID)
	b, err := a.caseBranch(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	if t := in.Body.Team; t != nil && *t != "" {
		if _, err := a.opt.Office.Team(ctx, b, *t); err != nil {
			return nil, err
		}
	}
	if t := in.Body.Territory; t != nil && *t != "" {
		if _, err := a.opt.Office.Territory(ctx, b, *t); err != nil {
			return nil, err
		}
	}
	return doIn[casework.CaseReceipt](ctx, a, c, b, in.ID, casework.Reassign{Case: id, Team: in.Body.Team,
		Territory: in.Body.Territory})
}

type recordContactIn struct {
	CasePath
	Body struct {
		Channel  string    `json:"channel" maxLength:"32" example:"call"`
		At       time.Time `json:"at"`
		Result   string    `json:"result" maxLength:"32" example:"no_answer"`
		Party    string    `json:"party,omitempty" minLength:"1" maxLength:"32"`
		PartyRef string    `json:"party_ref,omitempty" maxLength:"64"`
		Number   string    `json:"number,omitempty" maxLength:"20" doc:"E.164."`
		External string    `json:"external_id,omitempty" maxLength:"128"`
	}
}

func (a *API) recordContact(ctx context.Context, c call, in *recordContactIn) (*body[receipt[casework.ContactReceipt]],
	error) {
	x := in.Body
	return doCase[casework.ContactReceipt](ctx, a, c, in.ID, casework.RecordContact{Case: journal.CaseID(in.ID),
		ID: x.External, Channel: x.Channel, At: x.At, Result: x.Result,
		Party: x.Party, PartyRef: x.PartyRef, Number: x.Number, External: x.External})
}

type reviewVisitIn struct {
	CasePath
	Visit string `path:"visit" maxLength:"64"`
	Body  struct {
		State string `json:"state" enum:"accepted,questioned,invalid"`
		Notes string `json:"notes,omitempty" maxLength:"2000"`
	}
}

func (a *API) reviewVisit(ctx context.Context, c call, in *reviewVisitIn) (*body[receipt[casework.ReviewReceipt]],
	error) {
	return doCase[casework.ReviewReceipt](ctx, a, c, in.ID, casework.ReviewVisit{Case: journal.CaseID(in.ID),
		Visit: in.Visit, State: in.Body.State, Notes: in.Body.Notes})
}

type correctCaseIn struct {
	CasePath
	Body struct {
		DebtorName          *string   `json:"debtor_name,omitempty" maxLength:"200"`
		Phone               *string   `json:"phone,omitempty" maxLength:"20" doc:"E.164."`
		PhoneVerifiedOn     *string   `json:"phone_verified_on,omitempty" maxLength:"10"`
		WrongNumber         bool      `json:"wrong_number,omitempty"`
		Address             *string   `json:"address,omitempty" maxLength:"500"`
		PostalCode          *string   `json:"postal_code,omitempty" maxLength:"20"`
		City                *string   `json:"city,omitempty" maxLength:"100"`
		Home                []float64 `json:"home,omitempty" minItems:"2" maxItems:"2" doc:"[lon, lat]."`
		Datum               string    `json:"datum,omitempty" enum:"wgs84,gcj02"`
		AddressVerifiedOn   *string   `json:"address_verified_on,omitempty" maxLength:"10"`
		AddressVerification *string   `json:"address_verification,omitempty" maxLength:"32"`
		TimeZone            *string   `json:"time_zone,omitempty" maxLength:"64"`
		Language            *string   `json:"language,omitempty" maxLength:"35"`
		ServiceMin          *int      `json:"service_min,omitempty"`
		Priority            *int      `json:"priority,omitempty"`
	}
}

func (a *API) correctCase(ctx context.Context, c call, in *correctCaseIn) (*body[receipt[casework.CaseReceipt]],
	error) {
	x := in.Body
	cmd := casework.Correct{Case: journal.CaseID(in.ID), DebtorName: x.DebtorName, Phone: x.Phone,
		PhoneVerifiedOn: x.PhoneVerifiedOn, WrongNumber: x.WrongNumber,
		Address: x.Address, PostalCode: x.PostalCode, City: x.City, Datum: x.Datum, AddressVerifiedOn: x.AddressVerifiedOn,
		AddressVerification: x.AddressVerification, TimeZone: x.TimeZone, Language: x.Language, ServiceMin: x.ServiceMin,
		Priority: x.Priority}
	if x.Home != nil {
		cmd.Home = &geo.Point{Lon: x.Home[0], Lat: x.Home[1]}
	}
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, cmd)
}

type recordNoticeIn struct {
	CasePath
	Body struct {
		Of       string    `json:"of" enum:"visit,agency"`
		SentAt   time.Time `json:"sent_at"`
		Form     string    `json:"form" enum:"letter,sms,email,in_person,other"`
		Contents []string  `json:"contents,omitempty" maxItems:"50"`
	}
}

func (a *API) recordNotice(ctx context.Context, c call, in *recordNoticeIn) (*body[receipt[casework.CaseReceipt]],
	error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.RecordNotice{Case: journal.CaseID(in.ID),
		Of: in.Body.Of, SentAt: in.Body.SentAt, Form: in.Body.Form, Contents: in.Body.Contents})
}

type closeCaseIn struct {
	CasePath
	Body struct {
		Reason string `json:"reason" maxLength:"32" example:"recalled"`
	}
}

func (a *API) closeCase(ctx context.Context, c call, in *closeCaseIn) (*body[receipt[casework.CaseReceipt]], error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.CloseCase{Case: journal.CaseID(in.ID),
		Reason: in.Body.Reason})
}

func (a *API) reopenCase(ctx context.Context, c call, in *CasePath) (*body[receipt[casework.CaseReceipt]], error) {
	return doCase[casework.CaseReceipt](ctx, a, c, in.ID, casework.ReopenCase{Case: journal.CaseID(in.ID)})
}
