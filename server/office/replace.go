package office

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Replaced says what became of a map.
type Replaced struct {
	Accepted, Updated, Unchanged, Removed int
}

// replaceBytes bounds the states in one entry, well below what an entry may hold.
const replaceBytes = 384 << 10

// ReplaceTerritories makes the given territories the branch's whole map: new ones
// are made, others changed, those not named removed.
//
// basedOn, when given, is MapHash of the map they were drawn from: when
// the map has changed since, nothing is done (territory.map_changed). A map that
// is already so is left alone, moves and all, so that sending it again is safe. Teams
// that work a territory keep it from being removed (territory.in_use, with all of
// them) unless a move gives them others of the new map. A map that fits
// into one entry is replaced whole or not at all. A larger map takes several entries, given to
// the journal together; if that was interrupted, sending the map again completes it. territory.*.
func (s *Service) ReplaceTerritories(ctx context.Context, ask Ask, b auth.BranchID, basedOn string, next []Territory,
	moves []Move) (Replaced, error) {
	l, err := s.landOf(ctx, b)
	if err != nil {
		return Replaced{}, err
	}
	for i, t := range next {
		if err := cmp.Or(t.check(), l.wrongTerritory(t)); err != nil {
			return Replaced{}, under(fmt.Sprintf("features[%d]", i), err)
		}
		if slices.ContainsFunc(next[:i], func(o Territory) bool { return o.ID == t.ID }) {
			return Replaced{}, invalid("territory.twice", fmt.Sprintf("features[%d].id", i),
				"two territories have the same id; give each its own")
		}
	}
	next = slices.SortedFunc(slices.Values(next), func(x, y Territory) int { return cmp.Compare(x.ID, y.ID) })
	now, err := s.Territories(ctx, b)
	if err != nil {
		return Replaced{}, err
	}
	out, puts, removed, err := compareMaps(now, next)
	if err != nil || len(puts)+len(removed) == 0 {
		return out, err
	}
	if basedOn != "" {
		if hash, err := MapHash(now); err != nil {
			return Replaced{}, err
		} else if hash != basedOn {
			return Replaced{}, conflict("territory.map_changed",
				"the territories have changed since this map was proposed; ask for a new proposal")
		}
	}
	teams, err := s.Teams(ctx, b)
	if err != nil {
		return Replaced{}, err
	}
	moved, err := checkMoves(teams, next, moves)
	if err != nil {
		return Replaced{}, err
	}
	if err := checkUnused(teams, removed, moves, "features", mendMap); err != nil {
		return Replaced{}, err
	}
	had := map[string]json.RawMessage{}
	for _, t := range now {
		if had[t.ID], err = json.Marshal(t); err != nil {
			return Replaced{}, fmt.Errorf("encode territory %s: %w", t.ID, err)
		}
	}
	if ask.Command == "" {
		ask.Command = journal.HTTPCommand(ask.By, "")
	}
	var cmds []journal.Command
	parts := batches(puts, moved, removed)
	for i, part := range parts {
		id := ask.Command
		if len(cmds) > 0 {
			id = ask.Command + ":" + strconv.Itoa(len(cmds))
		}
		cmds = append(cmds, journal.Command{ID: id, Actor: ask.By, Decide: func(ctx context.Context,
			r *journal.Reader) (journal.Draft, error) {
			d := journal.Draft{Action: "territory.map", Receipt: receiptOf(string(b))}
			for _, p := range part {
				if p.typ == "teams" {
					if err := moveTeam(ctx, r, &d, p, puts); err != nil {
						return journal.Draft{}, err
					}
					continue
				}
				// Each must still be what it was when the map was looked at.
				t, err := readDoc[Territory](ctx, r, "territories", p.id)
				if err != nil {
					return journal.Draft{}, err
				}
				var is json.RawMessage
				if t != nil {
					if is, err = json.Marshal(t); err != nil {
						return journal.Draft{}, fmt.Errorf("encode territory %s: %w", p.id, err)
					}
				}
				if !bytes.Equal(is, had[p.id]) {
					return journal.Draft{}, conflict("territory.map_changed",
						"the territories have changed since; ask for a new proposal")
				}
				if p.state == nil {
					d.Delete("territories", p.id)
				} else {
					d.Put("territories", p.id, p.state)
				}
			}
			if i == len(parts)-1 && len(removed) > 0 {
				return d, s.checkStillUnused(ctx, r, removed, moves, "features", mendMap)
			}
			return d, nil
		}})
	}
	outcomes, err := s.journal.Do(ctx, b, cmds)
	if err != nil {
		return Replaced{}, err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			return Replaced{}, o.Err
		}
	}
	return out, nil
}

// mendMap says how a map that removes what teams work can be accepted.
const mendMap = "Give each of them others of the map's territories: in the member teams, as a proposal has it, " +
	"or with PUT /v1/teams/{id} before; then send the map again"

// mapPut is a territory to write, or to remove when state is nil; or a team that
// is moved, with its state from and to which.
type mapPut struct {
	typ, id    string
	was, state json.RawMessage
}

// compareMaps says what has to be written to make one map the other.
func compareMaps(now, next []Territory) (out Replaced, puts []mapPut, removed []string, err error) {
	for _, t := range next {
		state, err := json.Marshal(t)
		if err != nil {
			return Replaced{}, nil, nil, fmt.Errorf("encode territory %s: %w", t.ID, err)
		}
		at := slices.IndexFunc(now, func(o Territory) bool { return o.ID == t.ID })
		if at < 0 {
			out.Accepted++
		} else if was, err := json.Marshal(now[at]); err != nil {
			return Replaced{}, nil, nil, fmt.Errorf("encode territory %s: %w", t.ID, err)
		} else if bytes.Equal(was, state) {
			out.Unchanged++
			continue
		} else {
			out.Updated++
		}
		puts = append(puts, mapPut{typ: "territories", id: t.ID, state: state})
	}
	for _, t := range now {
		if !slices.ContainsFunc(next, func(o Territory) bool { return o.ID == t.ID }) {
			removed = append(removed, t.ID)
		}
	}
	out.Removed = len(removed)
	return out, puts, removed, nil
}

// batches cuts a map into parts that fit into entries. Removals come last, after the
// teams that worked there: then a map that is half written has no gaps, and every team has a territory.
func batches(puts, moved []mapPut, removed []string) [][]mapPut {
	puts = slices.Concat(puts, moved)
	for _, id := range removed {
		puts = append(puts, mapPut{typ: "territories", id: id})
	}
	var out [][]mapPut
	size := 0
	for _, p := range puts {
		if len(out) == 0 || size+len(p.state) > replaceBytes {
			out, size = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], p)
		size += len(p.state)
	}
	return out
}
