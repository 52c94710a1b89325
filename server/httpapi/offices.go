package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/geo"
	lint "doorstep/server/conduct/words"
	"doorstep/server/office"
)

type branchBody struct {
	Name         string   `json:"name,omitempty" maxLength:"200"`
	TimeZone     string   `json:"time_zone" doc:"IANA: shifts and rounds are in it." example:"Europe/Lisbon"`
	Country      string   `json:"country,omitempty" doc:"ISO 3166-1 alpha-2."`
	Profiles     []string `json:"profiles,omitempty" maxItems:"20" doc:"Conduct overlays for every case of the branch."`
	Nearby       int      `json:"neighbours_within_m,omitempty" minimum:"0" maximum:"20000" doc:"A case whose home lies within so many metres of a neighbouring territory's border may be visited by that territory's teams, where that is cheaper. 0: not allowed."`
	Certificates []string `json:"certificates,omitempty" maxItems:"20" doc:"Kinds of certificates that each agent must hold on the day of a visit; who does not is not sent out (CERT_EXPIRED)."`
}

type teamBody struct {
	ID          string    `json:"id,omitempty" maxLength:"64" doc:"As it was read; the path says which team."`
	Branch      string    `json:"branch,omitempty" maxLength:"64" doc:"Your only branch when absent."`
	Name        string    `json:"name,omitempty" maxLength:"200"`
	Agents      []string  `json:"agents" minItems:"1" maxItems:"10"`
	Territories []string  `json:"territories,omitempty" doc:"Empty: all of the branch."`
	Skills      []string  `json:"skills,omitempty" maxItems:"50"`
	Items       []string  `json:"items,omitempty" doc:"Papers carried: badge, authorisation_letter, iibf_certificate."`
	Recording   bool      `json:"recording,omitempty" doc:"The team records its visits."`
	Mode        string    `json:"mode,omitempty" enum:"foot,bicycle,scooter,car"`
	Start       []float64 `json:"start,omitempty" minItems:"2" maxItems:"2" doc:"[lon, lat], WGS 84: where the day begins."`
	End         []float64 `json:"end,omitempty" minItems:"2" maxItems:"2"`
	MaxStops    int       `json:"max_stops,omitempty" minimum:"0" maximum:"500" doc:"At how many doors the team knocks in a day, at most; 0 or absent: no limit. Cases at one door are one, as long as they take an hour together at most and have most of their lawful hours in common, and so are all of one debtor; others are one each."`
}

type teamView struct {
	ID          string    `json:"id"`
	Branch      string    `json:"branch"`
	Name        string    `json:"name,omitempty"`
	Agents      []string  `json:"agents"`
	Territories []string  `json:"territories,omitempty"`
	Skills      []string  `json:"skills,omitempty"`
	Items       []string  `json:"items,omitempty"`
	Recording   bool      `json:"recording,omitempty"`
	Mode        string    `json:"mode,omitempty"`
	Start       []float64 `json:"start,omitempty"`
	End         []float64 `json:"end,omitempty"`
	MaxStops    int       `json:"max_stops,omitempty" doc:"Doors a day, at most; putTeam says what counts as one. Absent: no limit."`
	Warnings    []string  `json:"warnings,omitempty" doc:"What was taken and may be a mistake; in the answer of putTeam only."`
}

type shiftBody struct {
	Branch string         `json:"branch,omitempty" maxLength:"64"`
	From   string         `json:"from" example:"08:30" doc:"Local wall time of the branch."`
	To     string         `json:"to" example:"18:00"`
	Agents []string       `json:"agents,omitempty" maxItems:"10" doc:"Replaces the team that day."`
	Breaks []office.Break `json:"breaks,omitempty" maxItems:"4"`
	Areas  []string       `json:"territories,omitempty" maxItems:"200" doc:"Worked that day instead of the team's."`
}

func point(lonLat []float64, field string) (*geo.E7, error) {
	if lonLat == nil {
		return nil, nil
	}
	p := geo.Point{Lon: lonLat[0], Lat: lonLat[1]}
	if err := p.Validate(); err != nil {
		pr, _ := problemOf(err)
		return nil, pr.at("body."+field, "not a position [lon, lat]")
	}
	return ptr(p.E7()), nil
}

func lonLat(e *geo.E7) []float64 {
	if e == nil {
		return nil
	}
	p := e.Point()
	return []float64{p.Lon, p.Lat}
}

func teamAnswer(t office.Team) teamView {
	return teamView{ID: t.ID, Branch: string(t.Branch), Name: t.Name, Agents: texts(t.Agents), Territories: t.Territories,
		Skills: t.Skills, Items: t.Items,
		Recording: t.Recording, Mode: t.Mode, Start: lonLat(t.Start), End: lonLat(t.End), MaxStops: t.MaxStops}
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

func ids[T ~string](in []string) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return out
}

func (a *API) officeEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/branches", roles: supervisors, id: "listBranches",
		tag: "office", summary: "List branches"}, a.listBranches)
	register(a, endpoint{method: http.MethodPut, path: "/v1/branches/{id}", roles: admins, id: "putBranch",
		tag: "office", summary: "Make or change a branch"}, a.putBranch)
	register(a, endpoint{method: http.MethodGet, path: "/v1/lenders", roles: supervisors, id: "listLenders",
		tag: "office", summary: "List lenders"}, a.listLenders)
	register(a, endpoint{method: http.MethodPut, path: "/v1/lenders/{id}", roles: admins, id: "putLender",
		tag: "office", summary: "Make or change a lender",
		about: "A lender imports only into the branches it has a contract with, and sees its cases there only."}, a.putLender)
	a.teamEndpoints()
}

func (a *API) teamEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/teams", roles: supervisors, id: "listTeams",
		tag: "office", summary: "List teams"}, a.listTeams)
	register(a, endpoint{method: http.MethodGet, path: "/v1/teams/{id}", roles: supervisors, id: "getTeam",
		tag: "office", summary: "Read a team"}, a.getTeam)
	register(a, endpoint{method: http.MethodPut, path: "/v1/teams/{id}", roles: supervisors, id: "putTeam",
		tag: "office", summary: "Make or change a team"}, a.putTeam)
	register(a, endpoint{method: http.MethodGet, path: "/v1/shifts", roles: supervisors, id: "listShifts",
		tag: "office", summary: "List the shifts of a date"}, a.listShifts)
	register(a, endpoint{method: http.MethodPut, path: "/v1/teams/{id}/shifts/{date}", roles: supervisors,
		id: "putShift", tag: "office", summary: "Give a team a shift"}, a.putShift)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/teams/{id}", roles: supervisors, id: "deleteTeam",
		tag: "office", summary: "Remove a team", status: http.StatusNoContent,
		about: "A team that has shifts to come, stops to make or cases given to it is a 409 team.in_use that names them."},
		a.deleteTeam)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/teams/{id}/shifts/{date}", roles: supervisors,
		id: "deleteShift", tag: "office", summary: "Take a team's shift of a day away", status: http.StatusNoContent,
		about: "While stops of the team are to be made that day it is a 409 shift.in_use that names the round. What is " +
			"planned and not published yet is left out when the round is published (NO_TEAM)."}, a.deleteShift)
}

func (a *API) listBranches(ctx context.Context, c call, _ *struct{}) (*body[page[office.Branch]], error) {
	all, err := a.opt.Office.Branches(ctx)
	mine := []office.Branch{}
	for _, b := range all {
		if c.actor.InBranch(b.ID) {
			mine = append(mine, b)
		}
	}
	return respond(page[office.Branch]{Items: mine}), err
}

type putBranchIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body branchBody
}

func (a *API) putBranch(ctx context.Context, c call, in *putBranchIn) (*body[office.Branch], error) {
	for _, p := range in.Body.Profiles {
		if !a.opt.Law.Policy().Has(p) {
			return nil, newProblem(http.StatusUnprocessableEntity, "branch.profile",
				"the policy has no such conduct profile").at("body.profiles", "unknown profile")
		}
	}
	b, err := a.opt.Office.PutBranch(ctx, ask(c), office.Branch{ID: auth.BranchID(in.ID), Name: in.Body.Name,
		TimeZone: in.Body.TimeZone, Country: in.Body.Country, Profiles: in.Body.Profiles,
		NeighboursWithinM: in.Body.Nearby, Certificates: in.Body.Certificates})
	if err != nil {
		return nil, err
	}
	return respond(b), a.opt.Law.PublishTo(ctx, b.ID)
}

func (a *API) listLenders(ctx context.Context, _ call, _ *struct{}) (*body[page[office.Lender]], error) {
	ls, err := a.opt.Office.Lenders(ctx)
	return respond(page[office.Lender]{Items: ls}), err
}

type putLenderIn struct {
	ID   string `path:"id" maxLength:"62" pattern:"^[A-Za-z0-9_-]+$" doc:"The first part of the ids of its cases and debtors."`
	Body struct {
		Name     string    `json:"name,omitempty" maxLength:"200"`
		Phone    string    `json:"complaint_phone,omitempty" maxLength:"40" doc:"The complaint line told to debtors."`
		Branches *[]string `json:"branches,omitempty" maxItems:"1000" doc:"Those it has a contract with; absent: as they are."`
		Products *[]string `json:"products,omitempty" maxItems:"200" doc:"Names of its products, which no text to debtors may hold; absent: as they are."`
		// Consequences are what texts to debtors may say will follow.
		Consequences *[]lint.Consequence `json:"consequences,omitempty" maxItems:"100" doc:"What texts may say will follow, each with its source and the countries where it is true; absent: as they are."`
		Limit        *struct {
			Contacts int `json:"contacts" minimum:"0" maximum:"1000" doc:"0, with 0 days: no limit."`
			Days     int `json:"days" minimum:"0" maximum:"90" doc:"The day of the last contact is one of them."`
		} `json:"contact_limit,omitempty" doc:"A debtor with so many contacts, by any channel, within so many days is left alone until one more is within the limit: the cases leave rounds (CONTACT_LOAD), no text asks for money, and the inbox shows them (load_stops). Absent: as it is."`
	}
}

func (a *API) putLender(ctx context.Context, c call, in *putLenderIn) (*body[office.Lender], error) {
	l := office.Lender{ID: in.ID, Name: in.Body.Name, Phone: in.Body.Phone}
	if in.Body.Branches != nil {
		l.Branches = append([]auth.BranchID{}, branchIDs(*in.Body.Branches)...)
	}
	if in.Body.Products != nil {
		l.Products = append([]string{}, *in.Body.Products...)
	}
	if in.Body.Consequences != nil {
		l.Consequences = append([]lint.Consequence{}, *in.Body.Consequences...)
	}
	if in.Body.Limit != nil {
		l.ContactLimit = &office.ContactLimit{Contacts: in.Body.Limit.Contacts, Days: in.Body.Limit.Days}
	}
	l, err := a.opt.Office.PutLender(ctx, ask(c), l)
	a.opt.Sessions.ForgetLender(in.ID)
	return respond(l), err
}

type listTeamsIn struct {
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) listTeams(ctx context.Context, c call, in *listTeamsIn) (*body[page[teamView]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	ts, err := a.opt.Office.Teams(ctx, b)
	out := make([]teamView, len(ts))
	for i, t := range ts {
		out[i] = teamAnswer(t)
	}
	return respond(page[teamView]{Items: out}), err
}

type getTeamIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getTeam(ctx context.Context, c call, in *getTeamIn) (*body[teamView], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	t, err := a.opt.Office.Team(ctx, b, in.ID)
	return respond(teamAnswer(t)), err
}

type putTeamIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body teamBody
}

func (a *API) putTeam(ctx context.Context, c call, in *putTeamIn) (*body[teamView], error) {
	b, err := a.bodyBranch(ctx, c.actor, in.Body.Branch)
	if err != nil {
		return nil, err
	}
	x := in.Body
	if x.ID != "" && x.ID != in.ID {
		return nil, newProblem(http.StatusUnprocessableEntity, "team.id",
			"the body is of another team than the path; leave its id out to copy one").at("body.id", "not the id in the path")
	}
	t := office.Team{ID: in.ID, Branch: b, Name: x.Name, Agents: ids[auth.UserID](x.Agents), Territories: x.Territories,
		Skills: x.Skills, Items: x.Items,
		Recording: x.Recording, Mode: x.Mode, MaxStops: x.MaxStops}
	if t.Start, err = point(x.Start, "start"); err != nil {
		return nil, err
	}
	if t.End, err = point(x.End, "end"); err != nil {
		return nil, err
	}
	if t, err = a.opt.Office.PutTeam(ctx, ask(c), t); err != nil {
		return nil, err
	}
	answer := teamAnswer(t)
	answer.Warnings, err = a.opt.Office.TeamWarnings(ctx, t)
	return respond(answer), err
}

type listShiftsIn struct {
	Branch string `query:"branch" maxLength:"64"`
	Date   string `query:"date" required:"true" format:"date"`
}

func (a *API) listShifts(ctx context.Context, c call, in *listShiftsIn) (*body[page[office.Shift]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	ss, err := a.opt.Office.Shifts(ctx, b, in.Date)
	return respond(page[office.Shift]{Items: ss}), err
}

type putShiftIn struct {
	ID   string `path:"id" maxLength:"64"`
	Date string `path:"date" maxLength:"10" example:"2026-11-25"`
	Body shiftBody
}

func (a *API) putShift(ctx context.Context, c call, in *putShiftIn) (*body[office.Shift], error) {
	b, err := a.bodyBranch(ctx, c.actor, in.Body.Branch)
	if err != nil {
		return nil, err
	}
	sh, err := a.opt.Office.PutShift(ctx, ask(c), office.Shift{Branch: b, Team: in.ID, Date: in.Date, From: in.Body.From,
		To:     in.Body.To,
		Agents: ids[auth.UserID](in.Body.Agents), Breaks: in.Body.Breaks, Territories: in.Body.Areas})
	return respond(sh), err
}

type deleteTeamIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) deleteTeam(ctx context.Context, c call, in *deleteTeamIn) (*struct{}, error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	by := dispatchAsk(c)
	return nil, a.opt.Dispatch.RemoveTeam(ctx, by, b, in.ID)
}

type deleteShiftIn struct {
	ID     string `path:"id" maxLength:"64"`
	Date   string `path:"date" maxLength:"10" example:"2026-11-25"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) deleteShift(ctx context.Context, c call, in *deleteShiftIn) (*struct{}, error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	by := dispatchAsk(c)
	return nil, a.opt.Dispatch.RemoveShift(ctx, by, b, in.ID, in.Date)
}
