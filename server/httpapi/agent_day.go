package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/access"
	"doorstep/server/casework"
	"doorstep/server/office"
)

func (a *API) agentDayEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/me/day", roles: agents, id: "getMyDay", tag: "sync",
		summary: "An agent's own day: stops, visits, the way, and what was not applied",
		about: "For the agent's own eyes, during the day and afterwards. Of a stop whose case the agent holds, earlier " +
			"tells the day and the outcome of the last visits there, whoever made them: no text, and nothing of who was " +
			"met. people are the agent and the colleagues of the stops, with their names."}, a.getMyDay)
}

type getMyDayIn struct {
	Day string `query:"day" format:"date" doc:"A local date of the branch; today when absent." example:"2026-11-25"`
}

// myDay is an agent's own day.
type myDay struct {
	Day    string          `json:"day" doc:"The local date."`
	Branch auth.BranchID   `json:"branch"`
	People []office.Person `json:"people" doc:"The agent, and the colleagues of the stops."`
	Routes []myRoute       `json:"routes" doc:"The ways that were planned for the agent's teams."`
	casework.AgentDay
}

// myRoute is a way that was planned for a team of the agent.
type myRoute struct {
	Round     string `json:"round"`
	Team      string `json:"team"`
	DistanceM int    `json:"distance_m" doc:"Metres, as planned."`
	TravelS   int    `json:"travel_s" doc:"Seconds on the way, as planned."`
}

func (a *API) getMyDay(ctx context.Context, c call, in *getMyDayIn) (*body[myDay], error) {
	b, err := a.branch(ctx, c.actor, "")
	if err != nil {
		return nil, err
	}
	branch, err := a.opt.Office.Branch(ctx, b)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(branch.TimeZone)
	if err != nil {
		return nil, err
	}
	out := myDay{Day: in.Day, Branch: b, Routes: []myRoute{}}
	if out.Day == "" {
		out.Day = a.opt.Journal.Now().In(zone).Format(time.DateOnly)
	}
	if out.AgentDay, err = a.opt.Casework.DayOf(ctx, c.actor, b, out.Day, zone); err != nil {
		return nil, err
	}
	people := []auth.UserID{c.actor.User}
	for _, st := range out.Stops {
		people = append(people, st.Agents...)
		if st.Round == "" || slices.ContainsFunc(out.Routes, func(r myRoute) bool {
			return r.Round == st.Round && r.Team == st.Team
		}) {
			continue
		}
		way, err := a.opt.Dispatch.WayOf(ctx, b, st.Round, st.Team)
		if err != nil {
			return nil, err
		}
		out.Routes = append(out.Routes, myRoute{st.Round, st.Team, way.DistanceM, way.TravelS})
	}
	if out.People, err = a.opt.Office.People(ctx, people); err != nil {
		return nil, err
	}
	return respond(out), a.notedList(ctx, c.actor, b, access.DayRead, len(out.Stops))
}
