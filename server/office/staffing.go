package office

import (
	"context"
	"slices"

	"doorstep/auth"
)

// Staffing says who works where on a date.
type Staffing struct {
	Date        string
	Territories []Post   // by id
	Unstaffed   []string // territories that no team works that day
	Idle        []string // teams without a shift that day
	Nowhere     []string // teams with a shift whose territories are all gone from the map
}

// Post is a territory with the teams that work it.
type Post struct {
	ID, Name string
	Teams    []Duty
}

// Duty is a team's shift in a territory.
type Duty struct {
	Team, Name string
	Agents     []auth.UserID
	From, To   string // local wall times
	// Why: "shift" when the shift names the territory, "team" when the team does, "all" when neither names any.
	Why string
}

// Staffing reads who works where on a date. shift.date.
func (s *Service) Staffing(ctx context.Context, b auth.BranchID, date string) (Staffing, error) {
	if fault := DateFault(date); fault != "" {
		return Staffing{}, invalid("shift.date", "date", fault)
	}
	ts, err := s.Territories(ctx, b)
	if err != nil {
		return Staffing{}, err
	}
	teams, err := s.Teams(ctx, b)
	if err != nil {
		return Staffing{}, err
	}
	shifts, err := s.Shifts(ctx, b, date)
	if err != nil {
		return Staffing{}, err
	}
	return staffing(date, ts, teams, shifts), nil
}

func staffing(date string, ts []Territory, teams []Team, shifts []Shift) Staffing {
	out := Staffing{Date: date, Territories: []Post{}, Unstaffed: []string{}, Idle: []string{}, Nowhere: []string{}}
	for _, t := range ts {
		post := Post{ID: t.ID, Name: t.Name, Teams: []Duty{}}
		for _, team := range teams {
			at := slices.IndexFunc(shifts, func(sh Shift) bool { return sh.Team == team.ID })
			if at < 0 {
				continue
			}
			sh := shifts[at]
			if !sh.Works(team, t.ID) {
				continue
			}
			d := Duty{Team: team.ID, Name: team.Name, Agents: team.Agents, From: sh.From, To: sh.To, Why: "all"}
			if len(sh.Agents) > 0 {
				d.Agents = sh.Agents
			}
			switch {
			case len(sh.Territories) > 0:
				d.Why = "shift"
			case len(team.Territories) > 0:
				d.Why = "team"
			}
			post.Teams = append(post.Teams, d)
		}
		if len(post.Teams) == 0 {
			out.Unstaffed = append(out.Unstaffed, t.ID)
		}
		out.Territories = append(out.Territories, post)
	}
	for _, team := range teams {
		at := slices.IndexFunc(shifts, func(sh Shift) bool { return sh.Team == team.ID })
		switch {
		case at < 0:
			out.Idle = append(out.Idle, team.ID)
		case len(shifts[at].Territories)+len(team.Territories) > 0 && !slices.ContainsFunc(ts,
			func(t Territory) bool { return shifts[at].Works(team, t.ID) }):
			out.Nowhere = append(out.Nowhere, team.ID)
		}
	}
	return out
}
