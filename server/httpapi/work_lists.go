package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) workListEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/visits", roles: supervisors, id: "listVisits", tag: "cases",
		summary: "List visits, newest day first",
		about: "Those that the branch made and for which all that is asked holds, without what is personal: read the " +
			"case file for that. A page may have fewer items than limit, even none, and a next_cursor: go on with it."},
		a.listVisits)
	register(a, endpoint{method: http.MethodGet, path: "/v1/assignments", roles: supervisors, id: "listAssignments",
		tag: "rounds", summary: "List the stops that were issued to phones, newest day first",
		about: "As GET /v1/visits lists visits."}, a.listAssignments)
	register(a, endpoint{method: http.MethodGet, path: "/v1/assignments/taken-back", roles: supervisors,
		id: "listTakenBack", tag: "rounds", summary: "Stops that were taken back from phones, and what became of them",
		about: "The latest first, such as what an agent lost who was disabled, moved or went on leave (why=agent). With " +
			"unplanned only those that still need somebody. A page may be short, even empty, and have a next_cursor."},
		a.listTakenBack)
	register(a, endpoint{method: http.MethodGet, path: "/v1/corrections", roles: supervisors, id: "listCorrections",
		tag: "cases", summary: "What was corrected, by whom, with before and after, newest first",
		about: "Corrections of cases by the office, records that supersede others, and what the office corrected when it " +
			"accepted it from the quarantine. Personal members are shown, and null once the debtor is erased."},
		a.listCorrections)
}

type listVisitsIn struct {
	Paging
	Branch  string `query:"branch" maxLength:"64"`
	Round   string `query:"round" maxLength:"64"`
	Team    string `query:"team" maxLength:"64" doc:"The team whose stop it was made for."`
	Agent   string `query:"agent" maxLength:"64" doc:"Who recorded it, or is named in it."`
	Outcome string `query:"outcome" maxLength:"64" example:"MET_PTP" doc:"A code of outcomes."`
	Day     string `query:"day" maxLength:"10" example:"2026-11-25" doc:"The debtor's local date of the corrected instant; from and to in one."`
	From    string `query:"from" maxLength:"10" doc:"The first such date."`
	To      string `query:"to" maxLength:"10" doc:"The last such date."`
	Flagged bool   `query:"flagged" doc:"Only visits with flags."`
	Review  string `query:"review" enum:"none,accepted,questioned,invalid" doc:"The state of the review; none: it has none."`
}

// dates are the dates of a list, of which day is both.
func dates(day, from, to string) (string, string, error) {
	switch {
	case day == "":
		return from, to, nil
	case from != "" || to != "":
		return "", "", newProblem(http.StatusUnprocessableEntity, "list.date",
			"day is from and to in one: send it without them").at("query.day", "not beside from and to")
	}
	if !record.IsDate(day) {
		return "", "", newProblem(http.StatusUnprocessableEntity, "list.date",
			"write a date of the calendar as 2006-01-02").at("query.day", "not a date")
	}
	return day, day, nil
}

func (a *API) listVisits(ctx context.Context, c call, in *listVisitsIn) (*body[page[listed[record.Visit]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	from, to, err := dates(in.Day, in.From, in.To)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Visits(ctx, c.actor, casework.VisitQuery{Branch: b, Round: in.Round, Team: in.Team,
		Agent: auth.UserID(in.Agent), Outcome: in.Outcome, From: from, To: to, Flagged: in.Flagged, Review: in.Review,
		Limit: in.Limit, After: in.Cursor})
	if err == nil {
		err = a.notedList(ctx, c.actor, b, access.VisitsList, len(found.Items))
	}
	return pageAnswer[listed[record.Visit]](found, err)
}

type listAssignmentsIn struct {
	Paging
	Branch      string `query:"branch" maxLength:"64"`
	Round       string `query:"round" maxLength:"64"`
	Team        string `query:"team" maxLength:"64"`
	Agent       string `query:"agent" maxLength:"64" doc:"Who may act on it."`
	Day         string `query:"day" maxLength:"10" example:"2026-11-25" doc:"Local to the branch; from and to in one."`
	From        string `query:"from" maxLength:"10" doc:"The first date."`
	To          string `query:"to" maxLength:"10" doc:"The last date."`
	Status      string `query:"status" enum:"open,done,revoked,cancelled"`
	AgentStatus string `query:"agent_status" enum:"none,accepted,en_route,at_door,visited,declined" doc:"What an agent said last of it; none: nothing."`
}

func (a *API) listAssignments(ctx context.Context, c call,
	in *listAssignmentsIn) (*body[page[listed[record.Assignment]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	from, to, err := dates(in.Day, in.From, in.To)
	if err != nil {
		return nil, err
	}
	found, err := a.opt.Casework.Assignments(ctx, c.actor, casework.AssignmentQuery{Branch: b, Round: in.Round,
		Team: in.Team, Agent: auth.UserID(in.Agent), From: from, To: to, Status: in.Status, AgentStatus: in.AgentStatus,
		Limit: in.Limit, After: in.Cursor})
	if err == nil {
		err = a.notedList(ctx, c.actor, b, access.AssignmentsList, len(found.Items))
	}
	return pageAnswer[listed[record.Assignment]](found, err)
}

type listTakenBackIn struct {
	Paging
	Branch    string    `query:"branch" maxLength:"64"`
	Why       string    `query:"why" enum:"agent,branch,case,hold,law,reassigned,round" doc:"What for: the agent (disabled, moved, on leave, without a phone), a day on which the branch is closed, the case (closed or moved), a hold, the law, another team, or a change of the round."`
	Agent     string    `query:"agent" maxLength:"64" doc:"Who had the stop."`
	Since     time.Time `query:"since" doc:"Taken back at this instant or later."`
	Before    time.Time `query:"before" doc:"Taken back before this instant."`
	Unplanned bool      `query:"unplanned" doc:"Only stops of open cases that are neither planned again nor visited since."`
}

// takenBack is a stop that was taken back from phones.
type takenBack struct {
	Assignment string        `json:"assignment"`
	Case       string        `json:"case"`
	Round      string        `json:"round,omitempty"`
	Team       string        `json:"team"`
	Date       string        `json:"date" format:"date"`
	Agents     []auth.UserID `json:"agents" doc:"Who had it."`
	At         time.Time     `json:"at" doc:"When it was taken back."`
	Why        string        `json:"why" doc:"What for, as the parameter why has it."`
	Code       string        `json:"code" doc:"The reason in full: closed_by of the assignment." example:"agent:disabled"`
	CaseStatus string        `json:"case_status" doc:"open, closed or moved."`
	Again      *plannedAgain `json:"again,omitempty" doc:"The newest stop of the case that was issued since and is open, or was visited; absent: none."`
}

// plannedAgain is the stop that came in the place of one that was taken back.
type plannedAgain struct {
	Assignment string `json:"assignment"`
	Round      string `json:"round,omitempty"`
	Team       string `json:"team"`
	Date       string `json:"date" format:"date"`
	Status     string `json:"status" doc:"open or done."`
}

func (a *API) listTakenBack(ctx context.Context, c call, in *listTakenBackIn) (*body[page[takenBack]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, next, err := a.opt.Casework.TakenBack(ctx, c.actor, casework.TakenBackQuery{Branch: b, Why: in.Why,
		Agent: auth.UserID(in.Agent), Since: in.Since, Before: in.Before, Unplanned: in.Unplanned, Limit: in.Limit,
		After: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := page[takenBack]{Items: make([]takenBack, len(found)), NextCursor: next}
	for i, x := range found {
		out.Items[i] = takenBack{Assignment: x.Assignment, Case: string(x.Case), Round: x.Round, Team: x.Team, Date: x.Date,
			Agents: x.Agents, At: x.At, Why: x.Why, Code: x.Code, CaseStatus: x.CaseStatus}
		if x.Again != nil {
			again := plannedAgain(*x.Again)
			out.Items[i].Again = &again
		}
	}
	return respond(out), nil
}

type listCorrectionsIn struct {
	Paging
	Branch   string      `query:"branch" maxLength:"64"`
	Case     string      `query:"case" maxLength:"128"`
	Kind     string      `query:"kind" maxLength:"32" example:"visits" doc:"cases, or the kind of record."`
	From     time.Time   `query:"from" doc:"Corrected at this instant or later."`
	Before   time.Time   `query:"before" doc:"Corrected before this instant."`
	Reviewed maybe[bool] `query:"reviewed" doc:"Only corrections of records: true for those whose correcting record was reviewed, false for those that wait for it."`
}

// correction is a record that was corrected.
type correction struct {
	Kind       string             `json:"kind" doc:"cases, visits, visit_notes, visit_confirmations, consents, signatures, payments_reported or plans."`
	Case       string             `json:"case"`
	Record     string             `json:"record" doc:"The id of what says it now."`
	Supersedes string             `json:"supersedes,omitempty" doc:"The record that said it before, where that is another one."`
	At         time.Time          `json:"at" doc:"When the server took it in."`
	By         auth.UserID        `json:"by" doc:"Who corrected it."`
	Entry      uint64             `json:"entry" doc:"The entry of the branch's journal."`
	Accepted   bool               `json:"accepted,omitempty" doc:"The office corrected what a phone sent when it accepted that."`
	Item       string             `json:"item,omitempty" doc:"The item of the quarantine, which keeps whole what was sent."`
	Changed    []memberChange     `json:"changed" doc:"The members that differ, by name."`
	Reviewed   *bool              `json:"reviewed,omitempty" doc:"Whether the record that corrects was reviewed; absent of cases."`
	Review     *correctionVerdict `json:"review,omitempty" doc:"What a supervisor made of the record that corrects."`
	Erased     bool               `json:"erased,omitempty" doc:"The debtor was erased: what was personal is null, and does not count as changed."`
}

// correctionVerdict is what a review says of a correction.
type correctionVerdict struct {
	State string      `json:"state" doc:"A code of review_states."`
	By    auth.UserID `json:"by"`
	At    time.Time   `json:"at"`
}

// memberChange is a member before and after.
type memberChange struct {
	Member string      `json:"member" doc:"Its name in the record."`
	Before memberValue `json:"before" doc:"null: it was not there."`
	After  memberValue `json:"after" doc:"null: it is not there any more."`
}

// memberValue is the value of a member of any record.
type memberValue struct{ json.RawMessage }

// Schema describes it as what JSON has.
func (memberValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}, {Type: "null"},
		{Type: "array", Items: &huma.Schema{}}, free("the member of any record, as its own schema says")}}
}

func (a *API) listCorrections(ctx context.Context, c call, in *listCorrectionsIn) (*body[page[correction]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	found, next, err := a.opt.Casework.Corrections(ctx, c.actor, casework.CorrectionQuery{Branch: b,
		Case: journal.CaseID(in.Case), Kind: in.Kind, From: in.From, Before: in.Before, Reviewed: in.Reviewed.pointer(),
		Limit: in.Limit, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		r := access.Read{What: access.CorrectionsList}
		for _, x := range found {
			if !slices.Contains(r.Cases, x.Case) {
				r.Cases = append(r.Cases, x.Case)
			}
		}
		err = a.noted(ctx, c.actor, b, r)
	} else {
		err = a.showedNothing(ctx, access.CorrectionsList)
	}
	if err != nil {
		return nil, err
	}
	out := page[correction]{Items: make([]correction, len(found)), NextCursor: next}
	for i, x := range found {
		item := correction{Kind: x.Kind, Case: string(x.Case), Record: x.Record, Supersedes: x.Supersedes, At: x.At,
			By: x.By, Entry: x.Entry, Accepted: x.Accepted, Item: x.Item, Changed: make([]memberChange, len(x.Changed)),
			Reviewed: x.Reviewed, Erased: x.Erased}
		for k, m := range x.Changed {
			item.Changed[k] = memberChange{m.Member, memberValue{m.Before}, memberValue{m.After}}
		}
		if x.Review != nil {
			item.Review = &correctionVerdict{x.Review.State, x.Review.By, x.Review.At}
		}
		out.Items[i] = item
	}
	return respond(out), nil
}
