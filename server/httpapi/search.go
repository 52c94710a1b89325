package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// maybe is a query parameter that knows whether it was sent.
type maybe[T any] struct {
	Value T
	Sent  bool
}

// Schema is that of the value.
func (m maybe[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver is where the value goes.
func (m *maybe[T]) Receiver() reflect.Value { return reflect.ValueOf(m).Elem().Field(0) }

// OnParamSet notes that it was sent.
func (m *maybe[T]) OnParamSet(sent bool, _ any) { m.Sent = sent }

// pointer is the value, nil if it was not sent.
func (m *maybe[T]) pointer() *T {
	if !m.Sent {
		return nil
	}
	return &m.Value
}

type listCasesIn struct {
	Paging
	Branch        string     `query:"branch" maxLength:"64"`
	Status        string     `query:"status" enum:"open,closed,moved" doc:"moved: cases that are in another branch now. Absent: all but these."`
	Ref           string     `query:"ref" maxLength:"128" doc:"As the lender calls the case."`
	Lender        string     `query:"lender" maxLength:"64"`
	Territory     string     `query:"territory" maxLength:"64" doc:"Only this territory's; - for cases outside every one."`
	Declined      bool       `query:"declined" doc:"Only cases that an agent declined to visit, unless that was taken back or overruled."`
	Hold          string     `query:"hold" maxLength:"64" example:"complaint" doc:"A kind of hold that binds today, any, or none. Kinds that raise the same flags of conduct are one."`
	DaysLateMin   maybe[int] `query:"days_late_min" minimum:"0" maximum:"36500" doc:"Days since the due date on the debtor's calendar, at least."`
	DaysLateMax   maybe[int] `query:"days_late_max" minimum:"0" maximum:"36500" doc:"At most."`
	VisitedFrom   time.Time  `query:"last_visit_from" doc:"The last visit was at this instant or later."`
	VisitedBefore time.Time  `query:"last_visit_before" doc:"The last visit was before this instant. Cases that were never visited are not meant."`
	Never         bool       `query:"never_visited" doc:"Only cases that were never visited."`
}

// bodyOnly are the filters that tell who a person is. A URL stands in the logs of proxies and in the history of
// browsers, so that they are taken in a body alone.
var bodyOnly = []string{"name", "phone"}

// notInURL refuses these filters in a URL, and says where they belong.
func notInURL(ctx huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(ctx)
	for _, name := range bodyOnly {
		if c.Request.URL.Query().Has(name) {
			writeProblem(c, newProblem(http.StatusUnprocessableEntity, "list.in_url", "names and phone numbers do not belong "+
				"in a URL; send them in the body of POST /v1/cases/search").at("query."+name, "it is taken in a body only"))
			return
		}
	}
	next(ctx)
}

func (a *API) listCases(ctx context.Context, c call, in *listCasesIn) (*body[page[listed[record.Case]]], error) {
	return a.findCases(ctx, c, in.Branch, in.Territory, casework.CaseQuery{Status: in.Status, Ref: in.Ref,
		Lender: in.Lender, Declined: in.Declined, Hold: in.Hold, DaysLateMin: in.DaysLateMin.pointer(),
		DaysLateMax: in.DaysLateMax.pointer(), VisitedFrom: in.VisitedFrom, VisitedBefore: in.VisitedBefore,
		NeverVisited: in.Never, Limit: in.Limit, After: in.Cursor})
}

type searchCasesIn struct {
	Body struct {
		Branch        string    `json:"branch,omitempty" maxLength:"64"`
		Status        string    `json:"status,omitempty" enum:"open,closed,moved" doc:"moved: cases that are in another branch now. Absent: all but these."`
		Ref           string    `json:"ref,omitempty" minLength:"1" maxLength:"128" doc:"As the lender calls the case."`
		Phone         string    `json:"phone,omitempty" minLength:"1" maxLength:"40" example:"+351912000001" doc:"The debtor's number: spaces, dots, dashes and brackets do not count, 00 may stand for +, and without a country code it is one of the branch's country."`
		Name          string    `json:"name,omitempty" minLength:"1" maxLength:"200" doc:"Words of the debtor's name, or their beginnings of three letters and more; of Han characters any two that stand together. Letter case, accents, punctuation and the order of the words do not count."`
		Lender        string    `json:"lender,omitempty" maxLength:"64"`
		Territory     string    `json:"territory,omitempty" maxLength:"64" doc:"Only this territory's; - for cases outside every one."`
		Declined      bool      `json:"declined,omitempty" doc:"Only cases that an agent declined to visit, unless that was taken back or overruled."`
		Hold          string    `json:"hold,omitempty" maxLength:"64" example:"complaint" doc:"A kind of hold that binds today, any, or none. Kinds that raise the same flags of conduct are one."`
		DaysLateMin   *int      `json:"days_late_min,omitempty" minimum:"0" maximum:"36500" doc:"Days since the due date on the debtor's calendar, at least."`
		DaysLateMax   *int      `json:"days_late_max,omitempty" minimum:"0" maximum:"36500" doc:"At most."`
		VisitedFrom   time.Time `json:"last_visit_from,omitzero" doc:"The last visit was at this instant or later."`
		VisitedBefore time.Time `json:"last_visit_before,omitzero" doc:"The last visit was before this instant. Cases that were never visited are not meant."`
		Never         bool      `json:"never_visited,omitempty" doc:"Only cases that were never visited."`
		Limit         int       `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100" doc:"How many items at most."`
		Cursor        string    `json:"cursor,omitempty" maxLength:"2000" doc:"next_cursor of the page before."`
	}
}

func (a *API) searchCases(ctx context.Context, c call, in *searchCasesIn) (*body[page[listed[record.Case]]], error) {
	q := &in.Body
	return a.findCases(ctx, c, q.Branch, q.Territory, casework.CaseQuery{Status: q.Status, Ref: q.Ref, Phone: q.Phone,
		Name: q.Name, Lender: q.Lender, Declined: q.Declined, Hold: q.Hold, DaysLateMin: q.DaysLateMin,
		DaysLateMax: q.DaysLateMax, VisitedFrom: q.VisitedFrom, VisitedBefore: q.VisitedBefore, NeverVisited: q.Never,
		Limit: q.Limit, After: q.Cursor})
}

// findCases answers a query in the branch and territory that were named, and notes that it was asked.
func (a *API) findCases(ctx context.Context, c call, branch, territory string, q casework.CaseQuery) (
	*body[page[listed[record.Case]]], error) {
	b, err := branchFor(c.actor, branch)
	if err != nil {
		return nil, err
	}
	q.Branch = b
	if territory != "" {
		q.Territory = ptr(territory)
		if territory == "-" {
			q.Territory = ptr("")
		}
	}
	if q.Phone != "" {
		if q.Region, err = a.countryOf(ctx, b); err != nil {
			return nil, err
		}
	}
	found, err := a.opt.Casework.Cases(ctx, c.actor, q)
	if by := q.Personal(); err == nil && len(by) > 0 {
		err = a.noted(ctx, c.actor, b, access.Read{What: access.CaseSearch, Cases: found.Cases(), By: by})
	} else if err == nil {
		err = a.noted(ctx, c.actor, b, access.Read{What: access.CasesList, Count: len(found.Items), By: q.Filters()})
	}
	return pageAnswer[listed[record.Case]](found, err)
}

// countryOf is the country of a branch, ISO 3166-1 alpha-2.
func (a *API) countryOf(ctx context.Context, b auth.BranchID) (string, error) {
	branch, err := a.opt.Office.Branch(ctx, b)
	if err != nil {
		return "", err
	}
	return branch.Country, nil
}
