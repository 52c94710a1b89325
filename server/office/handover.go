package office

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
)

// Move gives a team other territories, together with the map that takes away the
// ones it has.
type Move struct {
	Team string
	Name string // the team's, in a proposal
	// Removed are those it works that the map would not have any more; of a proposal only.
	Removed []string
	// Territories are all it works then. In a proposal they are what it keeps and,
	// of each that is removed, the territory that has most of its cases then;
	// empty when nothing takes the place of what it had.
	Territories []string
}

// handovers are the moves a proposal asks for: of every team that works a territory
// it removes, by team.
func (p *Proposal) handovers(teams []Team) []Move {
	var out []Move
	for _, t := range teams {
		m := Move{Team: t.ID, Name: t.Name}
		for _, id := range t.Territories {
			to := id
			if slices.Contains(p.Removed, id) {
				m.Removed = append(m.Removed, id)
				to = p.heirs[id]
			}
			if to != "" && !slices.Contains(m.Territories, to) {
				m.Territories = append(m.Territories, to)
			}
		}
		if len(m.Removed) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// heirOf is the proposed territory that has most cases of one that is removed, or
// most of its ground where it has none; "" where there is nothing.
func heirOf(took map[string]int, ground geo.Shape, areas []geo.Area) string {
	heir, most := "", 0.0
	for _, id := range slices.Sorted(maps.Keys(took)) {
		if n := float64(took[id]); n > most {
			heir, most = id, n
		}
	}
	if heir != "" {
		return heir
	}
	for _, a := range areas {
		if x := a.Shape.OverlapArea(ground); x > most {
			heir, most = a.ID, x
		}
	}
	return heir
}

// toldTeams is how many teams a refusal's text names; its places are all.
const toldTeams = 20

// checkUnused refuses to remove what teams work once the moves are made, with all
// of them; at is the member that removes it, and mend what to do. territory.in_use.
func checkUnused(teams []Team, removed []string, moves []Move, at, mend string) error {
	var places []Place
	var told []string
	for _, t := range teams {
		has := t.Territories
		if i := slices.IndexFunc(moves, func(m Move) bool { return m.Team == t.ID }); i >= 0 {
			has = moves[i].Territories
		}
		var lost []string
		for _, id := range has {
			if slices.Contains(removed, id) {
				lost = append(lost, id)
			}
		}
		if len(lost) == 0 {
			continue
		}
		all := strings.Join(lost, ", ")
		places = append(places, Place{at, fmt.Sprintf("the team %s works %s", t.ID, all)})
		told = append(told, fmt.Sprintf("%s (%s)", t.ID, all))
	}
	if len(places) == 0 {
		return nil
	}
	more := ""
	if n := len(told) - toldTeams; n > 0 {
		told, more = told[:toldTeams], fmt.Sprintf(" and %d more", n)
	}
	return &Error{Kind: Conflict, code: "territory.in_use", Places: places,
		Msg: "teams work what would be removed: " + strings.Join(told, ", ") + more + ". " + mend}
}

// checkMoves refuses moves of teams that are not there, or to what is not on the
// map to come. territory.team, territory.not_found.
func checkMoves(teams []Team, next []Territory, moves []Move) error {
	for i, m := range moves {
		at := fmt.Sprintf("teams[%d]", i)
		switch {
		case !slices.ContainsFunc(teams, func(t Team) bool { return t.ID == m.Team }):
			return invalid("territory.team", at+".team", "the branch has no such team; GET /v1/teams lists them")
		case slices.ContainsFunc(moves[:i], func(o Move) bool { return o.Team == m.Team }):
			return invalid("territory.team", at+".team", "a team is named twice")
		case len(m.Territories) == 0:
			return invalid("territory.team", at+".territories", "say which of the map's territories the team works then")
		}
		for k, id := range m.Territories {
			if !slices.ContainsFunc(next, func(t Territory) bool { return t.ID == id }) {
				return invalid("territory.not_found", fmt.Sprintf("%s.territories[%d]", at, k), "the map has no such territory")
			}
		}
	}
	return nil
}

// move changes a team's territories within a decision, and nothing else of it.
func move(ctx context.Context, r *journal.Reader, d *journal.Draft, m Move) error {
	t, err := readDoc[Team](ctx, r, "teams", m.Team)
	switch {
	case err != nil:
		return err
	case t == nil:
		return conflict("territory.map_changed", "a team is not there any more; ask for a new proposal")
	case slices.Equal(t.Territories, m.Territories):
		return nil
	}
	t.Territories = m.Territories
	state, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode team %s: %w", t.ID, err)
	}
	d.Put("teams", t.ID, state)
	return nil
}

// unused is checkUnused for a single territory.
func (s *Service) unused(ctx context.Context, b auth.BranchID, id string) error {
	teams, err := s.Teams(ctx, b)
	if err != nil {
		return err
	}
	return checkUnused(teams, []string{id}, nil, "id", "Give them others with PUT /v1/teams/{id} first")
}
