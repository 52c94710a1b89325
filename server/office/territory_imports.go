package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// An import of territories writes each under a command that begins with the import's name, and its entry says which
// entry had the territory before. By that the import can be undone.

// importedTerritory is the receipt of ImportTerritory.
type importedTerritory struct {
	ID string `json:"id"`
	// Before is the entry with the state that the import found; 0 when there was no such territory.
	Before uint64 `json:"before,omitempty"`
}

// ImportTerritory is PutTerritory for a feature of an import, under a command of the import's. It gives the entry's
// number. territory.*.
func (s *Service) ImportTerritory(ctx context.Context, ask Ask, t Territory) (uint64, error) {
	if err := s.CheckTerritory(ctx, t); err != nil {
		return 0, err
	}
	state, err := json.Marshal(t)
	if err != nil {
		return 0, fmt.Errorf("encode territory %s: %w", t.ID, err)
	}
	out, err := s.journal.Do(ctx, t.Branch, []journal.Command{{ID: ask.Command, Actor: ask.By,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			rec, there, err := r.Doc(ctx, "territories", t.ID)
			if err != nil {
				return journal.Draft{}, err
			}
			answer := importedTerritory{ID: t.ID}
			if there {
				answer.Before = rec.N
			}
			d := journal.Draft{Action: "territory.put"}
			if d.Receipt, err = json.Marshal(answer); err != nil {
				return journal.Draft{}, err
			}
			d.Put("territories", t.ID, state)
			return d, nil
		}}})
	if err != nil {
		return 0, err
	}
	return out[0].N, out[0].Err
}

// MapUndone says what an undo of an import of territories does: how many have their earlier shape again, and how many
// are removed that the import had made.
type MapUndone struct{ Restored, Removed int }

// touched is what an import made of a territory; nil for no territory.
type touched struct{ before, after *Territory }

// UndoTerritories takes back what the commands that begin with lines changed in a branch's map, in the entries first to
// last: the whole of it, or nothing. With dry it says what it would do. A territory that was changed or removed since
// stands in the way (import.changed_since, with each of them), and so does a team that works one which would be removed
// (territory.in_use). What is as it was before the import already stays so, so that undoing again is safe.
func (s *Service) UndoTerritories(ctx context.Context, ask Ask, b auth.BranchID, lines string, first, last uint64,
	dry bool) (MapUndone, error) {
	var out MapUndone
	all, err := s.touchedBy(ctx, b, lines, first, last)
	if err != nil {
		return out, err
	}
	now, err := s.Territories(ctx, b)
	if err != nil {
		return out, err
	}
	next, removed, err := mapBefore(now, all)
	if err != nil {
		return out, err
	}
	for _, t := range all {
		if t.before == nil {
			out.Removed++
		} else {
			out.Restored++
		}
	}
	teams, err := s.Teams(ctx, b)
	if err != nil {
		return out, err
	}
	if err := checkUnused(teams, removed, nil, "import", mendUndo); err != nil || dry {
		return out, err
	}
	hash, err := MapHash(now)
	if err != nil {
		return out, err
	}
	_, err = s.ReplaceTerritories(ctx, ask, b, hash, next, nil)
	return out, err
}

// mendUndo says how an import can be undone whose territories teams work.
const mendUndo = "Give each of them other territories with PUT /v1/teams/{id}; then undo the import again"

// mapBefore is the map without what an import did to it, and which territories are to be removed for that.
// import.changed_since.
func mapBefore(now []Territory, all map[string]touched) (next []Territory, removed []string, err error) {
	have := map[string]*Territory{}
	for i := range now {
		have[now[i].ID] = &now[i]
	}
	var faults []refusal.Fault
	var told []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch t := all[id]; {
		case sameState(have[id], t.before):
		case !sameState(have[id], t.after):
			faults = append(faults, refusal.Fault{Place: "import", Msg: "the territory " + id + " was changed since"})
			told = append(told, id)
		case t.before == nil:
			removed = append(removed, id)
			delete(have, id)
		default:
			have[id] = t.before
		}
	}
	if len(faults) > 0 {
		e := refusal.New(refusal.Conflict, "import.changed_since", "import",
			"nothing was taken back: territories of the import were changed or removed since: %s. Draw them by hand with "+
				"PUT /v1/territories/{id}, or undo the later import first", firstOf(told, toldTeams))
		e.Faults = faults
		return nil, nil, e
	}
	for _, id := range slices.Sorted(maps.Keys(have)) {
		next = append(next, *have[id])
	}
	return next, removed, nil
}

// sameState tells whether two territories are the same in every member; nil is no territory.
func sameState(a, b *Territory) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// touchedBy reads from the journal what an import made of which territories.
func (s *Service) touchedBy(ctx context.Context, b auth.BranchID, lines string, first, last uint64) (map[string]touched,
	error) {
	out := map[string]touched{}
	for n := first; n <= last; {
		page, err := s.pageOf(ctx, b, n)
		if err != nil {
			return nil, err
		}
		for ; n <= min(page.Last, last); n++ {
			e, err := page.Entry(n)
			if err != nil {
				return nil, fmt.Errorf("read the entries of an import: %w", err)
			}
			if !strings.HasPrefix(e.Command, lines) || e.Action != "territory.put" {
				continue
			}
			var of importedTerritory
			if err := json.Unmarshal(e.Receipt, &of); err != nil {
				return nil, fmt.Errorf("read receipt of %s: %w", e.Command, err)
			}
			t, known := out[of.ID]
			if t.after, err = territoryIn(&e, of.ID); err != nil {
				return nil, err
			}
			if !known && of.Before > 0 {
				was, err := s.pageOf(ctx, b, of.Before)
				if err != nil {
					return nil, err
				}
				entry, err := was.Entry(of.Before)
				if err != nil {
					return nil, fmt.Errorf("read the entry before an import: %w", err)
				}
				if t.before, err = territoryIn(&entry, of.ID); err != nil {
					return nil, err
				}
			}
			out[of.ID] = t
		}
	}
	return out, nil
}

// pageOf reads the page of an entry. journal.unreadable.
func (s *Service) pageOf(ctx context.Context, b auth.BranchID, n uint64) (*journal.Page, error) {
	page, err := s.store.PageOf(ctx, b, n)
	var damaged *journal.DamagedPage
	if errors.As(err, &damaged) {
		return nil, conflict("import.unreadable",
			"the entries of this import cannot be read, so that it cannot be undone; doorstep fsck says more")
	}
	if err != nil {
		return nil, fmt.Errorf("read the entries of an import: %w", err)
	}
	return page, nil
}

// territoryIn is the territory that an entry wrote.
func territoryIn(e *journal.Entry, id string) (*Territory, error) {
	for _, d := range e.Docs {
		if d.Type != "territories" || d.ID != id || d.Deleted {
			continue
		}
		t := &Territory{}
		if err := json.Unmarshal(d.State, t); err != nil {
			return nil, fmt.Errorf("read territory %s: %w", id, err)
		}
		return t, nil
	}
	return nil, fmt.Errorf("entry %d holds no territory %s", e.N, id)
}
