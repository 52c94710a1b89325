package httpapi

import (
	"context"
	"net/http"
	"strings"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/dispatch"
	"doorstep/sync/journal"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Suffixes of a round's id that ask for it in another form.
const (
	drawingSuffix  = ".geojson"
	calendarSuffix = ".ics"
)

type roundBody struct {
	Branch     string   `json:"branch,omitempty" maxLength:"64" doc:"Your only branch when absent."`
	Date       string   `json:"date" minLength:"10" maxLength:"10" example:"2026-11-25" doc:"Local to the branch."`
	Teams      []string `json:"teams,omitempty" maxItems:"500" doc:"Every team with a shift when absent."`
	Seed       uint64   `json:"seed,omitempty" maximum:"9007199254740991"`
	TimeLimitS int      `json:"time_limit_s,omitempty" minimum:"1" maximum:"120" doc:"How long to search; 10 when absent."`
	Objective  string   `json:"objective,omitempty" enum:"value,priority,cost" doc:"value (when absent): the greatest sum of priorities, then the most stops, then the least travel. priority: one stop of a higher priority before any number of lower ones. cost: a stop is left out when its detour costs more than it is worth."`
	Balance    string   `json:"balance,omitempty" enum:"stops,work" doc:"What to spread evenly over the teams, where it costs little."`
}

type replanBody struct {
	Without    []string `json:"without,omitempty" maxItems:"500" doc:"Teams that dropped out; others take over what they have left, so not all of them. They stay out of later replans of the day."`
	Back       []string `json:"back,omitempty" maxItems:"500" doc:"Teams that had dropped out and go on."`
	Seed       uint64   `json:"seed,omitempty" maximum:"9007199254740991"`
	TimeLimitS int      `json:"time_limit_s,omitempty" minimum:"1" maximum:"120" doc:"How long to search; 2 when absent."`
}

func dispatchAsk(c call) dispatch.Ask {
	return dispatch.Ask{Actor: c.actor, Command: journal.HTTPCommand(c.actor.User, c.key), Payload: c.payload}
}

func (a *API) roundEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds", roles: supervisors, id: "planRound",
		tag: "rounds", summary: "Plan a day", status: http.StatusAccepted,
		about: "Answers at once; read the round for progress and result. A branch has one queued round a day: the " +
			"same request again is answered with the round that is queued, another one is refused (round.queued) " +
			"until that is planned. One that failed says why (failure, failure_text) and can be asked for again. " +
			"Agents who are disabled, in another branch, or without a device that may call are not sent out. Two teams " +
			"with an agent in common at the same hours are a 409 round.agents_twice that names both."}, a.planRound)
	register(a, endpoint{method: http.MethodGet, path: "/v1/rounds", roles: supervisors, id: "listRounds",
		tag: "rounds", summary: "List rounds"}, a.listRounds)
	round := func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "id", In: "path", Required: true, Schema: str()})
	}
	a.raw(endpoint{method: http.MethodGet, path: "/v1/rounds/{id}", roles: supervisors, id: "getRound",
		tag: "rounds", summary: "Read a round: progress, routes, and every case left out with its reason"},
		func(op *huma.Operation) {
			round(op)
			op.Responses = map[string]*huma.Response{"200": answer("The round.", "application/json", a.roundSchema())}
		},
		a.getRound)
	a.raw(endpoint{method: http.MethodGet, path: "/v1/rounds/{id}" + drawingSuffix, roles: supervisors,
		id: "drawRound", tag: "rounds", summary: "A round as GeoJSON",
		about: "A line per route, a point per stop and per case left out. It shows where people live."},
		func(op *huma.Operation) {
			round(op)
			op.Responses = map[string]*huma.Response{"200": answer("A FeatureCollection (RFC 7946).", "application/geo+json",
				free("a FeatureCollection of RFC 7946"))}
		}, nil)
	a.raw(endpoint{method: http.MethodGet, path: "/v1/rounds/{id}" + calendarSuffix, roles: supervisors,
		id: "roundCalendar", tag: "rounds", summary: "A round, or one team's route, as iCalendar",
		about: "An event per stop and break (RFC 5545), tentative until the round is published. It names cases, never " +
			"people, and addresses only where `places` asks for them: calendars end up on lock screens. Hours in " +
			"descriptions are the branch's, with the zone."},
		func(op *huma.Operation) {
			round(op)
			op.Parameters = append(op.Parameters, query("team", "Only this team's route.", str(), false),
				query("places", "Also the address (LOCATION) and the position (GEO) of each stop. It then shows where people "+
					"live: it is for those who may see the cases.", &huma.Schema{Type: "boolean"}, false))
			op.Responses = map[string]*huma.Response{"200": answer("A VCALENDAR.", "text/calendar", str())}
		}, nil)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/replan", roles: supervisors,
		id: "replanRound", tag: "rounds", summary: "Plan a published round anew from where the day stands",
		status: http.StatusAccepted,
		about: "What is done or under way stays. The phones are told only of what changes. A day that no team would " +
			"go on with is refused (round.no_team_left): it is over. Read the round for progress; its version goes " +
			"up by one."}, a.replanRound)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/publish", roles: supervisors,
		id: "publishRound", tag: "rounds", summary: "Issue a planned round to the phones",
		status: http.StatusAccepted,
		about: "The law is asked again for every stop, and who can be sent out. Stops that are refused are under " +
			"`unassigned` then, with the reason. Two teams with an agent in common at the same hours are a 409 " +
			"round.agents_twice. Another round of the day that was published before is replaced."},
		a.publishRound)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/announce", roles: supervisors,
		id: "announceRound", tag: "rounds", summary: "Send the notices of a round's visits",
		about: "By text, to the cases whose lenders want a notice before a visit (before_visits of the ladder): it names " +
			"the date, and from when to when the visit begins, an hour before and after the planned time. A text is judged " +
			"when it is sent, as every text. A visit whose notice did not go out in time is left out when the round is " +
			"published (ladder_not_finished), and planning the day anew keeps to what was announced. Asking again queues " +
			"only what is lacking."}, a.announceRound)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/cancel", roles: supervisors,
		id: "cancelRound", tag: "rounds", summary: "Call a round off, or take a published one back",
		about: "A round that is queued, being planned or planned is over at once. One that is published leaves the phones: " +
			"open stops are revoked, what was done stays, and `status` is cancelled when this answers. Asking again " +
			"changes nothing, and completes what a break left undone. A round that is being issued, has failed or was " +
			"replaced is a 409 round.state, one whose day is over a 422 round.past. The day can be planned again then, " +
			"without what was visited."}, a.cancelRound)
}

func (a *API) drawRound(c *gin.Context, actor auth.Actor, id string) {
	out, err := a.opt.Dispatch.GeoJSON(c.Request.Context(), actor, id)
	if err != nil {
		a.fail(c, err)
		return
	}
	if err := a.notedRound(c.Request.Context(), actor, id, "geojson"); err != nil {
		a.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/geo+json", out)
}

func (a *API) roundCalendar(c *gin.Context, actor auth.Actor, id string) {
	p := dispatch.CalendarParams{Team: c.Query("team")}
	switch c.Query("places") {
	case "true":
		p.Places = true
	case "", "false":
	default:
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, "validation", "places is true or false").at("query.places",
			"not true or false"))
		return
	}
	out, err := a.opt.Dispatch.Calendar(c.Request.Context(), actor, id, p)
	if err != nil {
		a.fail(c, err)
		return
	}
	if p.Places {
		if err := a.notedRound(c.Request.Context(), actor, id, "ics"); err != nil {
			a.fail(c, err)
			return
		}
	}
	c.Header("Content-Disposition", `attachment; filename="round.ics"`)
	c.Data(http.StatusOK, "text/calendar; charset=utf-8", out)
}

// notedRound keeps that the places of a round were read.
func (a *API) notedRound(ctx context.Context, actor auth.Actor, id, format string) error {
	b, err := a.opt.Dispatch.BranchOf(ctx, actor, id)
	if err != nil {
		return err
	}
	return a.noted(ctx, actor, b, access.Read{What: access.RoundExport, Record: id,
		Export: &access.Export{Format: format}})
}

// roundView is a round with what it consists of.
type roundView struct {
	dispatch.Round
	News     *dispatch.News     `json:"news,omitempty"`
	Progress *dispatch.Progress `json:"progress,omitempty"`
	Routes   []routeView        `json:"routes"`
	LeftOut  []leftOutView      `json:"unassigned"`
}

type routeView struct {
	dispatch.Route
	Start []float64 `json:"start,omitempty"`
	End   []float64 `json:"end,omitempty"`
}

type leftOutView struct {
	Case    string   `json:"case"`
	Code    string   `json:"code" doc:"Why it got no stop: the code of a conduct rule (OUTSIDE_HOURS, FREQ_CAP…), or NO_POSITION (no coordinates), NO_TERRITORY, NO_TEAM (none works the territory that day), NO_AGENT (no agent of the team can be sent out), CERT_EXPIRED (none holds the certificates), ASSIGNED (still to be visited under another published round), DECLINED (by agents of all teams that would go), TEAM_LOCKED (a supervisor locked the only teams that could go), ADDRESS_UNFIT, HOLD, CONTACT_LOAD (the debtor was contacted as often as the lender allows), ladder_not_finished (the lender wants more done before anybody is sent: missing says what), SAME_DEBTOR, APPOINTMENT (its hour is not lawful), NO_FIT_TEAM (what the visit needs), UNREACHABLE (no road leads there), BEYOND_LIMITS (too far or too long for any shift), NO_TIME_IN_WINDOW (the lawful hours and the shifts do not meet), NO_TIME (others were better), WORTH_LESS. Of stops refused when the round was issued also CASE_CLOSED, CASE_GONE (in another branch, or erased), OTHER_TEAM (a supervisor gave the case to another), VISITED, UNDER_WAY (another team is on its way), REVOKED (taken back since it was planned)."`
	Rule    string   `json:"rule,omitempty"`
	Cite    []string `json:"cite,omitempty"`
	Missing []string `json:"missing,omitempty" doc:"Of ladder_not_finished: what the lender wants done before anybody is sent, in that order: a text of the ladder by its kind, plan_offered, address_confirmed, contact_confirmed, visit_notice."`
}

func viewOf(v dispatch.View) roundView {
	out := roundView{Round: v.Round, Progress: v.Progress, Routes: []routeView{}, LeftOut: []leftOutView{}}
	if v.OnPhones() {
		out.News = &v.News
	}
	for _, r := range v.Routes {
		out.Routes = append(out.Routes, routeView{r, lonLat(r.Start), lonLat(r.End)})
	}
	for _, l := range v.LeftOut {
		out.LeftOut = append(out.LeftOut, leftOutView{string(l.Case), l.Code, l.Rule, l.Cite, l.Missing})
	}
	return out
}

// roundSchema describes a round read whole: the header's members, with the routes and what was left out in
// place of their counts.
func (a *API) roundSchema() *huma.Schema {
	header := a.huma.OpenAPI().Components.Schemas.SchemaFromRef(a.schema(dispatch.Round{}).Ref)
	props := map[string]*huma.Schema{}
	for name, p := range header.Properties {
		props[name] = p
	}
	props["routes"] = &huma.Schema{Type: "array", Items: a.schema(routeView{})}
	props["unassigned"] = &huma.Schema{Type: "array", Items: a.schema(leftOutView{})}
	props["news"] = a.schema(dispatch.News{})
	props["progress"] = &huma.Schema{Type: "object", Description: "While it is planned or issued.",
		Properties: map[string]*huma.Schema{
			"stage": str(), "fraction": {Type: "number"}, "stops": {Type: "integer"}, "left_out": {Type: "integer"},
			"cost": {Type: "integer"}}}
	props["status"] = &huma.Schema{Type: "string", Enum: []any{dispatch.Queued, dispatch.Planning, dispatch.Planned,
		dispatch.Publishing, dispatch.Published,
		dispatch.Replanning, dispatch.Failed, dispatch.Replaced, dispatch.Cancelling, dispatch.Cancelled}}
	return &huma.Schema{Type: "object", Required: []string{"id", "branch", "date", "status", "routes", "unassigned"},
		Properties: props}
}

func (a *API) planRound(ctx context.Context, c call, in *body[roundBody]) (*body[dispatch.Round], error) {
	b, err := a.bodyBranch(ctx, c.actor, in.Body.Branch)
	if err != nil {
		return nil, err
	}
	by := dispatchAsk(c)
	x := in.Body
	r, err := a.opt.Dispatch.Create(ctx, by, dispatch.Params{Branch: b, Date: x.Date, Teams: x.Teams, Seed: x.Seed,
		TimeLimitS: x.TimeLimitS, Objective: x.Objective, Balance: x.Balance})
	return respond(r), err
}

type listRoundsIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	Date   string `query:"date" maxLength:"10" doc:"Only this date's."`
}

func (a *API) listRounds(ctx context.Context, c call, in *listRoundsIn) (*body[page[dispatch.Round]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	rs, next, err := a.opt.Dispatch.Rounds(ctx, c.actor, b, in.Date, in.Limit, in.Cursor)
	if rs == nil {
		rs = []dispatch.Round{}
	}
	return respond(page[dispatch.Round]{rs, next}), err
}

type replanRoundIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body replanBody
}

func (a *API) replanRound(ctx context.Context, c call, in *replanRoundIn) (*body[dispatch.Round], error) {
	by := dispatchAsk(c)
	r, err := a.opt.Dispatch.Replan(ctx, by, in.ID, dispatch.ReplanParams{Without: in.Body.Without, Back: in.Body.Back,
		Seed: in.Body.Seed, TimeLimitS: in.Body.TimeLimitS})
	return respond(r), err
}

type publishRoundIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) publishRound(ctx context.Context, c call, in *publishRoundIn) (*body[dispatch.Round], error) {
	by := dispatchAsk(c)
	r, err := a.opt.Dispatch.Publish(ctx, by, in.ID)
	return respond(r), err
}

type cancelRoundIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) cancelRound(ctx context.Context, c call, in *cancelRoundIn) (*body[dispatch.Round], error) {
	by := dispatchAsk(c)
	r, err := a.opt.Dispatch.Cancel(ctx, by, in.ID)
	return respond(r), err
}

func (a *API) getRound(c *gin.Context) {
	ctx := c.Request.Context()
	actor := callOf(ctx).actor
	if id, calendar := strings.CutSuffix(c.Param("id"), calendarSuffix); calendar {
		a.roundCalendar(c, actor, id)
		return
	}
	if id, drawing := strings.CutSuffix(c.Param("id"), drawingSuffix); drawing {
		a.drawRound(c, actor, id)
		return
	}
	v, err := a.opt.Dispatch.Round(ctx, actor, c.Param("id"))
	if err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, viewOf(v))
}
