package dispatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
)

// duty is a team's people and hours on a day.
type duty struct {
	team     string
	agents   []auth.UserID
	from, to time.Time
}

// checkPeople refuses duties that need an agent in two teams at the same time: such a round would plan one person
// as two. at gives the place in the request that names a team. round.agents_twice.
func checkPeople(duties []duty, at func(team string) string) error {
	var faults []refusal.Fault
	var told []string
	for i, a := range duties {
		for _, b := range duties[:i] {
			from, to := a.from, a.to
			if b.from.After(from) {
				from = b.from
			}
			if b.to.Before(to) {
				to = b.to
			}
			both := inBoth(a.agents, b.agents)
			if len(both) == 0 || !from.Before(to) {
				continue
			}
			msg := fmt.Sprintf("the teams %s and %s both have %s at the same hours", b.team, a.team, strings.Join(both, ", "))
			told = append(told, msg)
			for _, team := range []string{b.team, a.team} {
				faults = append(faults, refusal.Fault{Place: at(team), Msg: msg})
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	more := ""
	if n := len(told) - toldTeams; n > 0 {
		told, more = told[:toldTeams], fmt.Sprintf("; and %d more", n)
	}
	e := refuse(refusal.Conflict, "round.agents_twice", "", strings.Join(told, "; ")+more+". Give one of the teams other "+
		"agents or hours with PUT /v1/teams/{id}/shifts/{date}, or plan without it")
	e.Faults = faults
	return e
}

// inBoth lists the agents that are in both teams.
func inBoth(a, b []auth.UserID) []string {
	var out []string
	for _, id := range a {
		if slices.Contains(b, id) && !slices.Contains(out, string(id)) {
			out = append(out, string(id))
		}
	}
	return out
}

// dutiesOf are those of crews.
func dutiesOf(crews []crew) []duty {
	out := make([]duty, len(crews))
	for i, c := range crews {
		out[i] = duty{c.team.ID, c.agents, c.from, c.to}
	}
	return out
}

// duties are those of the shifts of a date: of some teams, or of all when there are none, but for those that are out.
// Agents who cannot be sent out do not count.
func (st staff) duties(date string, teams, without []string) ([]duty, error) {
	var out []duty
	for _, sh := range st.shifts {
		if len(teams) > 0 && !slices.Contains(teams, sh.Team) || slices.Contains(without, sh.Team) {
			continue
		}
		d := duty{team: sh.Team, agents: sh.Agents}
		if len(d.agents) == 0 {
			for _, t := range st.teams {
				if t.ID == sh.Team {
					d.agents = t.Agents
				}
			}
		}
		d.agents = able(d.agents, st.unable)
		var err error
		if d.from, err = wall(date, sh.From, st.zone); err != nil {
			return nil, err
		}
		if d.to, err = wall(date, sh.To, st.zone); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// checkPeople refuses a day that needs an agent in two teams at the same time, or has no agent to send out. The teams
// are those named in a list of the request, or all when there are none, but for those that are out.
func (st staff) checkPeople(date, list string, teams, without []string) error {
	duties, err := st.duties(date, teams, without)
	if err != nil {
		return err
	}
	if err := checkAgents(duties, st.unable); err != nil {
		return err
	}
	return checkPeople(duties, func(team string) string {
		if i := slices.Index(teams, team); i >= 0 && list != "" {
			return fmt.Sprintf("%s[%d]", list, i)
		}
		return list
	})
}

// able are the agents who can be sent out.
func able(agents []auth.UserID, unable map[auth.UserID]string) []auth.UserID {
	var out []auth.UserID
	for _, id := range agents {
		if unable[id] == "" {
			out = append(out, id)
		}
	}
	return out
}

// agents are all that the teams and shifts name.
func (st staff) agents() []auth.UserID {
	var out []auth.UserID
	for _, t := range st.teams {
		out = append(out, t.Agents...)
	}
	for _, sh := range st.shifts {
		out = append(out, sh.Agents...)
	}
	return out
}

// checkAgents refuses a day whose teams have no agent who can be sent out. round.no_agent.
func checkAgents(duties []duty, unable map[auth.UserID]string) error {
	if slices.ContainsFunc(duties, func(d duty) bool { return len(d.agents) > 0 }) {
		return nil
	}
	why := ""
	for _, id := range slices.Sorted(maps.Keys(unable)) {
		why += fmt.Sprintf("; %s: %s", id, unable[id])
	}
	return refuse(refusal.Conflict, "round.no_agent", "teams", "no team of the day has an agent who can be sent out"+why+
		". Give teams other agents with PUT /v1/teams/{id}")
}

// peopleNow refuses a round whose routes, or whose teams as they work now, need an agent twice at the same time.
// round.agents_twice.
func (s *Service) peopleNow(ctx context.Context, st staff, r Round) error {
	routes, err := s.routes(ctx, r)
	if err != nil {
		return err
	}
	var planned []duty
	var teams []string
	for _, route := range routes {
		if len(route.Stops) == 0 {
			continue
		}
		teams = append(teams, route.Team)
		planned = append(planned, duty{route.Team, able(route.Agents, st.unable), route.Leaves, route.Returns})
	}
	if len(teams) == 0 {
		return nil
	}
	at := func(string) string { return "id" }
	if err := checkPeople(planned, at); err != nil {
		return err
	}
	now, err := st.duties(r.Date, teams, nil)
	if err != nil {
		return err
	}
	return checkPeople(now, at)
}
