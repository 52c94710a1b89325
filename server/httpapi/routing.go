package httpapi

import (
	"bytes"
	"net/http"
	"time"

	"doorstep/geo/dayplan"
	"doorstep/geo/routing"
	"doorstep/geo/routing/vroom"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Bounds of POST /v1/routing/solve. One problem is planned at a time, read
// from the connection included, so that what it can use of the server is what
// one problem uses.
const (
	maxProblem     = 64 << 20 // bytes
	maxProblemRead = 30 * time.Second
	maxSearch      = 30 * time.Second
	defaultSearch  = 2 * time.Second
	retrySearch    = 5 // seconds
)

func problemLimits() vroom.Limits { return vroom.Limits{Jobs: 2000, Vehicles: 500, Cells: 6_000_000} }

func (a *API) routingEndpoints() {
	a.raw(endpoint{method: http.MethodPost, path: "/v1/routing/solve", roles: supervisors, id: "solveRouting",
		tag: "rounds", summary: "Plan any routes, in VROOM's JSON",
		about: "Takes and gives the JSON of VROOM's API: " +
			"https://github.com/VROOM-Project/vroom/blob/master/docs/API.md. Nothing is looked up or stored. " +
			"Seconds and metres are whole numbers. Keys that begin with _ are ignored; other keys that are not " +
			"known are refused, with their place. Shipments, several kinds of load and matrices of costs are not " +
			"supported. steps are pinned. At most 2000 jobs, 500 vehicles, 6 million cells in all matrices " +
			"together and 30 s: divide larger ones, or plan them with `doorstep route solve`. One problem is " +
			"planned at a time, and a second caller gets 429 with Retry-After.",
		body: maxProblem},
		func(op *huma.Operation) {
			op.RequestBody = &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: problemSchema()}}}
			op.Responses = map[string]*huma.Response{"200": answer("The routes, and every job in none with its reason.",
				"application/json", a.schema(vroom.Result{}))}
			op.Parameters = nil // the same problem may be planned twice: a key would have no effect
		},
		a.solveRouting)
}

func (a *API) solveRouting(c *gin.Context) {
	select {
	case a.planning <- struct{}{}:
		defer func() { <-a.planning }()
	default:
		p := newProblem(http.StatusTooManyRequests, "routing.busy",
			"another problem is being planned here; try again, or run doorstep route solve on a machine of your own")
		p.retryAfter = retrySearch
		writeProblem(c, p)
		return
	}
	begun := time.Now()
	// Who sends slowly must not keep the others out.
	arriveBy(c, begun.Add(maxProblemRead))
	text, err := readBody(c, maxProblem, "application/json")
	if err != nil {
		a.fail(c, err)
		return
	}
	task, err := vroom.Read(bytes.NewReader(text), problemLimits())
	if err != nil {
		a.fail(c, err)
		return
	}
	// After the reader, whose errors say more of the place.
	if f := checkJSON(bytes.TrimPrefix(text, []byte(byteOrderMark))); f != nil {
		writeProblem(c, f.problem())
		return
	}
	limit := task.Options.Time
	if limit == 0 {
		limit = defaultSearch
	}
	if limit > maxSearch {
		writeProblem(c, newProblem(http.StatusUnprocessableEntity, routing.CodeTooLarge,
			"options.l: at most 30 seconds here").at("body.options.l", "at most 30 seconds here"))
		return
	}
	opts := routing.Options{Seed: task.Options.Seed, Threads: max(1, a.opt.Threads)}
	if asked := task.Options.Threads; asked > 0 {
		opts.Threads = min(asked, opts.Threads)
	}
	// A server that stops answers with what has been found by then.
	ctx := c.Request.Context()
	plan, err := dayplan.Solve(ctx, task, a.opt.Travel, dayplan.Limits{Time: limit, Stop: a.stop}, opts, begun)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, plan.Answer)
}

// problemSchema describes the keys that vroom.Read understands. They are checked
// there, and not by this.
func problemSchema() *huma.Schema {
	whole := func(about string) *huma.Schema { return &huma.Schema{Type: "integer", Description: about} }
	text := func(about string) *huma.Schema { return &huma.Schema{Type: "string", Description: about} }
	yes := func(about string) *huma.Schema { return &huma.Schema{Type: "boolean", Description: about} }
	list := func(of *huma.Schema, about string) *huma.Schema {
		return &huma.Schema{Type: "array", Items: of, Description: about}
	}
	object := func(about string, keys map[string]*huma.Schema, required ...string) *huma.Schema {
		return &huma.Schema{Type: "object", Description: about, Properties: keys, Required: required}
	}
	id := whole("Its own among its kind.")
	place := &huma.Schema{Type: "array", Items: &huma.Schema{Type: "number"}, MinItems: ptr(2), MaxItems: ptr(2),
		Description: "[lon, lat]"}
	window := &huma.Schema{Type: "array", Items: whole(""), MinItems: ptr(2), MaxItems: ptr(2),
		Description: "[start, end] in seconds, both included."}
	load := list(whole(""), "One whole number.")
	skills := list(whole(""), "Numbers of skills.")
	matrix := list(list(whole(""), ""), "Row by row, from each place to each other.")
	job := object("A visit wished for.", map[string]*huma.Schema{"id": id, "description": text(""), "location": place,
		"location_index": whole("Its row in the matrices."),
		"setup":          whole("Seconds to get ready at a new place."), "service": whole("Seconds."), "delivery": load,
		"pickup": load, "amount": load, "skills": skills,
		"priority": whole("0 to 100000."), "time_windows": list(window, "When the service may start."),
		"must": yes("Extension: before all other goals."), "crew": whole("Extension: the smallest team that may go; " +
			"any if absent."),
		"vehicles": list(whole(""),
			"Extension: ids of the vehicles that may go."), "value": whole("Extension: what leaving it out costs, under " +
			"objective cost."),
		"earlier": object("Extension: where the plan before had it.", map[string]*huma.Schema{"vehicle": whole("Its id."),
			"start": whole("Of the service.")}, "vehicle", "start")}, "id")
	vehicle := object("A team's day.", map[string]*huma.Schema{"id": id,
		"profile": text("car if absent. Without matrices: foot, bicycle, scooter or car."), "description": text(""),
		"start": place, "start_index": whole(""), "end": place, "end_index": whole(""), "capacity": load,
		"type": text("Means nothing here."), "skills": skills, "time_window": window,
		"costs": object("Extensions: per_wait_hour, per_overtime_hour.", map[string]*huma.Schema{"fixed": whole(""),
			"per_hour": whole("3600 if absent."), "per_task_hour": whole(""),
			"per_km": whole(""), "per_wait_hour": whole(""), "per_overtime_hour": whole("")}),
		"breaks": list(object("", map[string]*huma.Schema{"id": id, "description": text(""), "service": whole("Seconds."),
			"time_windows": list(window, "When it may start.")}, "id"), ""),
		"steps": list(object("", map[string]*huma.Schema{"type": {Type: "string", Enum: []any{"start", "job", "end"}},
			"id":         whole("Of a job."),
			"service_at": whole("When it starts, whatever its windows say.")}, "type"), "What the route begins with: "+
			"done, under way or promised."),
		"speed_factor": {Type: "number",
			Description: "0.01 to 5: travel times are divided by it."}, "max_tasks": whole(""),
		"max_travel_time": whole("Seconds."), "max_distance": whole("Metres."),
		"max_work_time": whole("Extension: seconds between leaving and coming home, without breaks."),
		"overtime":      whole("Extension: seconds past the end of time_window."),
		"crew":          whole("Extension: the size of the team; 1 if absent.")}, "id")
	return object("", map[string]*huma.Schema{"jobs": list(job, ""), "vehicles": list(vehicle, ""),
		"matrices": {Type: "object", Description: "By profile. Without it, travel times are made from locations.",
			AdditionalProperties: object("", map[string]*huma.Schema{"durations": matrix, "distances": matrix}, "durations")},
		"options": object("", map[string]*huma.Schema{"l": {Type: "number",
			Description: "Seconds to search, at most 30; 2 if absent."}, "t": whole("Searches side by side."),
			"seed": whole("Extension: of the search."), "x": whole("Means nothing here."), "g": yes("Only false."),
			"c": yes("Only false.")}),
		"objective": {Type: "string", Enum: []any{"value", "priority", "cost"},
			Description: "Extension. value, the default: the greatest sum of priorities, then the most jobs, then the " +
				"least cost. " +
				"priority: a higher priority outweighs any number of lower ones. cost: a job is left out when its detour " +
				"costs more than its value."},
		"balance": object("Extension: even days.", map[string]*huma.Schema{"by": {Type: "string", Enum: []any{"none", "stops",
			"work"}}, "weight": whole("Cost of a stop, or an hour, away from the mean.")}),
		"stability": object("Extension: few changes against earlier.",
			map[string]*huma.Schema{"vehicle": whole("Cost of another vehicle."), "move": whole("Cost of another time."),
				"tolerance": whole("Seconds that are not another time.")})}, "vehicles")
}
