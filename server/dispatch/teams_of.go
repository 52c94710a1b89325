package dispatch

import (
	"context"
	"fmt"
	"slices"

	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// TeamsOf is what casework asks about teams, answered by an office.
func TeamsOf(o *office.Service) casework.Teams { return teamsOf{o} }

type teamsOf struct{ *office.Service }

// Crew tells a decision who of a team can be sent out on a local date, and when. The decision rests on the team and
// its shift, not on the users, who are in another journal.
func (t teamsOf) Crew(ctx context.Context, r *journal.Reader, id, date string) (casework.Crew, error) {
	teams, shifts, err := t.Staff(ctx, r, date)
	if err != nil {
		return casework.Crew{}, err
	}
	i := slices.IndexFunc(teams, func(x office.Team) bool { return x.ID == id })
	if i < 0 {
		return casework.Crew{}, nil
	}
	team := &teams[i]
	out := casework.Crew{There: true, Agents: team.Agents, Items: team.Items, Recording: team.Recording}
	if k := slices.IndexFunc(shifts, func(sh office.Shift) bool { return sh.Team == id }); k >= 0 {
		sh := &shifts[k]
		if len(sh.Agents) > 0 {
			out.Agents = sh.Agents
		}
		branch, err := t.Branch(ctx, r.Branch)
		if err != nil {
			return casework.Crew{}, err
		}
		zone, err := zoneOf(branch)
		if err != nil {
			return casework.Crew{}, err
		}
		if out.From, err = wall(date, sh.From, zone); err != nil {
			return casework.Crew{}, fmt.Errorf("read the shift of %s: %w", id, err)
		}
		if out.To, err = wall(date, sh.To, zone); err != nil {
			return casework.Crew{}, fmt.Errorf("read the shift of %s: %w", id, err)
		}
	}
	unable, err := t.UnableOn(ctx, r.Branch, date, out.Agents)
	if err != nil {
		return casework.Crew{}, err
	}
	out.Agents = able(out.Agents, unable)
	if _, closed, err := t.ClosedOn(ctx, r.Branch, date); err != nil {
		return casework.Crew{}, err
	} else if closed {
		out.Agents = nil
	}
	return out, nil
}
