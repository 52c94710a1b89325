package office

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/sync/journal"
)

// Move gives a team other territories, together with the map that takes away the
// ones it has.
type Move struct {
	Team string
	Name string // the team's, in a proposal
	// Works are those it works as the move is proposed. It is not made when they
	// have changed by then; nil: whatever they are.
	Works []string
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
		m := Move{Team: t.ID, Name: t.Name, Works: t.Territories}
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

// toldTeams is how many teams a refusal's text names; its faults are all.
const toldTeams = 20

// checkUnused refuses to remove what teams work once the moves are made, with all
// of them; at is the member that removes it, and mend says how to correct it. territory.in_use.
func checkUnused(teams []Team, removed []string, moves []Move, at, mend string) error {
	var faults []refusal.Fault
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
		faults = append(faults, refusal.Fault{Place: at, Msg: fmt.Sprintf("the team %s works %s", t.ID, all)})
		told = append(told, fmt.Sprintf("%s (%s)", t.ID, all))
	}
	if len(faults) == 0 {
		return nil
	}
	more := ""
	if n := len(told) - toldTeams; n > 0 {
		told, more = told[:toldTeams], fmt.Sprintf(" and %d more", n)
	}
	e := refusal.New(refusal.Conflict, "territory.in_use", "", "teams work what would be removed: %s%s. %s",
		strings.Join(told, ", "), more, mend)
	e.Faults = faults
	return e
}

// checkMoves refuses moves of teams that are not there, that have been given other
// ground since they were proposed, or to what is not on the map to come; and says
// what is to be written. territory.team, territory.not_found, territory.map_changed.
func checkMoves(teams []Team, next []Territory, moves []Move) ([]mapPut, error) {
	var out []mapPut
	for i, m := range moves {
		at := fmt.Sprintf("teams[%d]", i)
		k := slices.IndexFunc(teams, func(t Team) bool { return t.ID == m.Team })
		switch {
		case k < 0:
			return nil, invalid("territory.team", at+".team", "the branch has no such team; GET /v1/teams lists them")
		case slices.ContainsFunc(moves[:i], func(o Move) bool { return o.Team == m.Team }):
			return nil, invalid("territory.team", at+".team", "a team is named twice; name it once, with all its territories")
		case len(m.Territories) == 0:
			return nil, invalid("territory.team", at+".territories", "say which of the map's territories the team works then")
		}
		for n, id := range m.Territories {
			if !slices.ContainsFunc(next, func(t Territory) bool { return t.ID == id }) {
				return nil, invalid("territory.not_found", fmt.Sprintf("%s.territories[%d]", at, n),
					"the map has no such territory; name one of its features")
			}
		}
		t := teams[k]
		if slices.Equal(t.Territories, m.Territories) {
			continue
		}
		if m.Works != nil && !slices.Equal(t.Territories, m.Works) {
			return nil, conflict("territory.map_changed",
				"the team "+t.ID+" works other territories than when this map was proposed; ask for a new proposal")
		}
		was, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("encode team %s: %w", t.ID, err)
		}
		t.Territories = m.Territories
		state, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("encode team %s: %w", t.ID, err)
		}
		out = append(out, mapPut{typ: "teams", id: t.ID, was: was, state: state})
	}
	return out, nil
}

// moveTeam writes a team with its new territories within a decision: it must still
// be what it was when the move was looked at, and so must they, but for those that
// the map puts there.
func moveTeam(ctx context.Context, r *journal.Reader, d *journal.Draft, p mapPut, puts []mapPut) error {
	t, err := readDoc[Team](ctx, r, "teams", p.id)
	if err != nil {
		return err
	}
	is, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode team %s: %w", p.id, err)
	}
	if !bytes.Equal(is, p.was) {
		return conflict("territory.map_changed", "a team that is moved has changed since; send the map again")
	}
	var to Team
	if err := json.Unmarshal(p.state, &to); err != nil {
		return fmt.Errorf("read team %s: %w", p.id, err)
	}
	r.Depend(groundKey)
	for _, id := range to.Territories {
		if slices.ContainsFunc(puts, func(q mapPut) bool { return q.id == id }) {
			continue
		}
		if ground, err := readDoc[Territory](ctx, r, "territories", id); err != nil {
			return err
		} else if ground == nil {
			return conflict("territory.map_changed", "a territory that a team would move to is gone; ask for a new proposal")
		}
	}
	d.Put("teams", p.id, p.state)
	d.Writes = []journal.Key{groundKey}
	return nil
}

// groundKey is the key of who works what: every write of a team's territories and
// every removal of a territory meet here.
const groundKey journal.Key = "uniq:ground"

// checkStillUnused is checkUnused within the decision that removes.
func (s *Service) checkStillUnused(ctx context.Context, r *journal.Reader, removed []string, moves []Move, at,
	mend string) error {
	r.Depend(groundKey)
	teams, err := s.Teams(ctx, r.Branch)
	if err != nil {
		return err
	}
	return checkUnused(teams, removed, moves, at, mend)
}
