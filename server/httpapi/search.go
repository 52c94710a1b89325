package httpapi

import (
	"context"
	"reflect"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"

	"github.com/danielgtaylor/huma/v2"
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
	Phone         string     `query:"phone" maxLength:"40" example:"+351912000001" doc:"The debtor's number: spaces, dots, dashes and brackets do not count, 00 may stand for +, and without a country code it is one of the branch's country."`
	Name          string     `query:"name" maxLength:"200" doc:"The debtor's whole name: letter case, accents, punctuation and the order of its words do not count."`
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

func (a *API) listCases(ctx context.Context, c call, in *listCasesIn) (*body[page[listed[record.Case]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	q := casework.CaseQuery{Branch: b, Status: in.Status, Ref: in.Ref, Phone: in.Phone, Name: in.Name,
		Lender: in.Lender, Declined: in.Declined, Hold: in.Hold, DaysLateMin: in.DaysLateMin.pointer(),
		DaysLateMax: in.DaysLateMax.pointer(), VisitedFrom: in.VisitedFrom, VisitedBefore: in.VisitedBefore,
		NeverVisited: in.Never, Limit: in.Limit, After: in.Cursor}
	if in.Territory != "" {
		q.Territory = ptr(in.Territory)
		if in.Territory == "-" {
			q.Territory = ptr("")
		}
	}
	if in.Phone != "" {
		if q.Region, err = a.countryOf(ctx, b); err != nil {
			return nil, err
		}
	}
	found, err := a.opt.Casework.Cases(ctx, c.actor, q)
	if by := q.Personal(); err == nil && len(by) > 0 {
		err = a.noted(ctx, c.actor, b, access.Read{What: access.CaseSearch, Cases: found.Cases(), By: by})
	} else if err == nil {
		err = a.notedList(ctx, c.actor, b, access.CasesList, len(found.Items))
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
