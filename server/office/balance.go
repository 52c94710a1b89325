package office

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/geo/division"
)

// Balancing asks for a new division of a branch, or of some of its territories.
type Balancing struct {
	Branch auth.BranchID
	// Parts is how many territories there shall be; 0: as many as are divided.
	Parts int
	// Territories are divided anew, the others stay. Empty: all.
	Territories []string
	// Area is divided instead of the territories' union; AllCases divides the hull
	// of all cases' homes; territories that it does not touch stay, of the others
	// nothing is left outside it. Both are for the whole branch: not with Territories.
	Area     geo.Shape
	AllCases bool
	Seed     uint64
	// Anew pays no heed to the present borders.
	Anew bool
	// SpeedKmh is how fast teams get from door to door, all stops included; nil: 20.
	SpeedKmh *float64
}

// Proposal is a whole map of a branch for a supervisor to accept (ReplaceTerritories).
type Proposal struct {
	// BasedOn is MapHash of the map it was made from.
	BasedOn string
	// Territories are all the branch would have, by id; those not divided, too.
	Territories []Proposed
	// Removed are the ids it would no longer have.
	Removed []string
	// Moves are of the teams that work what is removed: without them, or others, it cannot be accepted.
	Moves []Move
	// Stranded are the open cases that a supervisor placed in what is removed, by
	// territory: no border moves them, so only teams of the whole branch work them until they are placed anew.
	Stranded []Stranding
	Cases    int     // open cases that some territory has, now or then
	Moved    int     // of them, those whose territory changes
	Outside  int     // cases outside every proposed territory
	Mean     float64 // expected minutes of a territory that was divided
	MaxOff   float64 // the largest deviation from it, as a share of it
	// WasOff is that of the territories divided as they are, with the ways of as many
	// territories as there are: at 20 km/h what Coverage says, when all are divided. 0 when there are none.
	WasOff float64

	heirs map[string]string // which territory has most of the cases of one that is removed
}

// Stranding is a territory a proposal removes, with the cases placed in it.
type Stranding struct {
	Territory string
	CaseIDs   []string
}

// Proposed is a territory of a Proposal.
type Proposed struct {
	Territory
	Load
	Divided bool // it is one of those that were divided
	New     bool
	Kept    bool // its ground is as it was
	CaseIDs []string
	Gained  int // cases
	Lost    int
}

// hullMargin is the metres between a case's home and the border about all cases.
const hullMargin = 250

// MapHash names a map: equal maps have equal hashes.
func MapHash(ts []Territory) (string, error) {
	raw, err := json.Marshal(ts)
	if err != nil {
		return "", fmt.Errorf("encode territories: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), nil
}

// Balance proposes a division; work are the branch's open cases. It changes
// nothing. territory.balance.*, division.*, geo.*.
func (s *Service) Balance(ctx context.Context, ask Balancing, work []Work) (Proposal, error) {
	ts, err := s.Territories(ctx, ask.Branch)
	if err != nil {
		return Proposal{}, err
	}
	teams, err := s.Teams(ctx, ask.Branch)
	if err != nil {
		return Proposal{}, err
	}
	p, err := balance(ctx, ask, ts, work)
	if err != nil {
		return Proposal{}, err
	}
	p.Moves = p.handovers(teams)
	return p, nil
}

func balance(ctx context.Context, ask Balancing, ts []Territory, work []Work) (Proposal, error) {
	if err := ask.check(ts); err != nil {
		return Proposal{}, err
	}
	shapes := make([]geo.Shape, len(ts))
	areas := make([]geo.Area, len(ts))
	for i, t := range ts {
		var err error
		if shapes[i], err = t.Shape.Shape(); err != nil {
			return Proposal{}, fmt.Errorf("territory %s: %w", t.ID, err)
		}
		areas[i] = geo.Area{ID: t.ID, Shape: shapes[i]}
	}
	now, err := geo.NewIndex(areas)
	if err != nil {
		return Proposal{}, err
	}
	if ask.AllCases {
		var homes []geo.Point
		for _, w := range work {
			if w.mapped() && !w.Pinned {
				homes = append(homes, w.Home)
			}
		}
		if ask.Area, err = geo.Hull(homes, hullMargin); err != nil {
			return Proposal{}, err
		}
		if ask.Area.Empty() {
			return Proposal{}, invalid("territory.balance.cases", "over",
				"the branch has no open case on the map to divide its area by")
		}
	}
	var divided []int // of ts
	for i, t := range ts {
		if len(ask.Territories) > 0 && !slices.Contains(ask.Territories, t.ID) ||
			!ask.Area.Empty() && shapes[i].OverlapArea(ask.Area) < 1 {
			continue
		}
		divided = append(divided, i)
	}
	if ask.Parts == 0 {
		ask.Parts = len(divided)
	}
	if len(divided) == 0 && ask.Area.Empty() {
		return Proposal{}, invalid("territory.balance.area", "over",
			"the branch has no territories to divide; give an area, or over=cases for the area of all cases")
	}
	if ask.Parts == 0 {
		return Proposal{}, invalid("territory.balance.parts", "k", "say into how many territories: k is from 1 to 100")
	}
	speed := 0.0
	if ask.SpeedKmh != nil {
		speed = *ask.SpeedKmh
	}
	held := heldBy(now, ask.Area)
	minutes := expected(work, held, len(ts)-len(divided)+ask.Parts, speed)
	problem := ask.problem(ts, shapes, divided, now, work, minutes)
	parts, err := division.Divide(ctx, problem)
	var refused *refusal.Error
	switch {
	case errors.As(err, &refused):
		place := map[string]string{division.CodeParts: "k", division.CodeLarge: "territories", division.CodeArea: "over",
			division.CodeDoors: "over"}[refused.Code()]
		return Proposal{}, invalid(refused.Code(), cmp.Or(place, refused.Place), refused.Msg)
	case err != nil:
		return Proposal{}, err
	}
	p, err := ask.propose(ts, divided, parts)
	if err != nil {
		return Proposal{}, err
	}
	if err := p.measure(ts, now, work, minutes); err != nil {
		return Proposal{}, err
	}
	p.Stranded = stranded(p.Removed, work)
	// How far apart the doors of a day lie depends on how many territories there are.
	p.WasOff, err = spreadBefore(ts, divided, now, work, expected(work, heldBy(now, geo.Shape{}), len(ts), speed))
	return p, err
}

func (ask Balancing) check(ts []Territory) error {
	switch {
	case ask.Parts < 0 || ask.Parts > division.MaxParts:
		return invalid("territory.balance.parts", "k", "k is from 1 to 100 territories")
	case len(ask.Territories) > 0 && (ask.AllCases || !ask.Area.Empty()):
		return invalid("territory.balance.area", "territories",
			"territories are divided within their own borders: leave out area and over=cases")
	case ask.AllCases && !ask.Area.Empty():
		return invalid("territory.balance.area", "area", "give an area or over=cases, not both")
	case ask.SpeedKmh != nil && !(*ask.SpeedKmh >= 1 && *ask.SpeedKmh <= 130):
		return invalid("territory.balance.speed", "speed_kmh", "a speed is from 1 to 130 km/h; leave it out for 20")
	}
	for i, id := range ask.Territories {
		if !slices.ContainsFunc(ts, func(t Territory) bool { return t.ID == id }) {
			return invalid("territory.not_found", fmt.Sprintf("territories[%d]", i), "no such territory in this branch")
		}
		if slices.Contains(ask.Territories[:i], id) {
			return invalid("territory.balance.twice", fmt.Sprintf("territories[%d]", i), "a territory is named twice")
		}
	}
	return nil
}

// problem leaves out doors that a territory which is not divided has.
func (ask Balancing) problem(ts []Territory, shapes []geo.Shape, divided []int, now *geo.Index, work []Work,
	minutes []float64) division.Problem {
	p := division.Problem{Area: ask.Area, Parts: ask.Parts, Seed: ask.Seed, Anew: ask.Anew}
	place := map[string]int{} // of the divided
	for _, i := range divided {
		place[ts[i].ID] = len(p.Present)
		p.Present = append(p.Present, division.Territory{Shape: shapes[i]})
	}
	at := map[geo.E7]int{}
	for i, w := range work {
		if !w.mapped() {
			continue
		}
		owner := w.whose(now)
		x, ours := place[owner]
		switch {
		case w.Pinned && ours:
			p.Present[x].Fixed += minutes[i]
			continue
		case w.Pinned, !ours && owner != "":
			continue
		}
		k := w.Home.E7()
		d, ok := at[k]
		if !ok {
			d = len(p.Doors)
			at[k] = d
			p.Doors = append(p.Doors, division.Door{At: k.Point()})
		}
		p.Doors[d].Minutes += minutes[i]
	}
	return p
}

// propose makes a map of the parts and the territories that were not divided.
func (ask Balancing) propose(ts []Territory, divided []int, parts []division.Part) (Proposal, error) {
	hash, err := MapHash(ts)
	p := Proposal{BasedOn: hash}
	taken := map[string]bool{}
	for i, t := range ts {
		taken[t.ID] = true
		if !slices.Contains(divided, i) {
			p.Territories = append(p.Territories, Proposed{Territory: t, Kept: true})
		} else if !slices.ContainsFunc(parts, func(part division.Part) bool {
			return part.Present >= 0 &&
				divided[part.Present] == i
		}) {
			p.Removed = append(p.Removed, t.ID)
		}
	}
	next := 0
	for _, part := range parts {
		x := Proposed{Divided: true, Kept: part.Kept, New: part.Present < 0}
		if x.New {
			id := ""
			for id == "" || taken[id] {
				next++
				id = newTerritoryID(ask.Branch, next)
			}
			taken[id] = true
			x.Territory = Territory{ID: id, Branch: ask.Branch}
		} else {
			x.Territory = ts[divided[part.Present]]
		}
		x.Shape = part.Shape.E7()
		p.Territories = append(p.Territories, x)
	}
	slices.SortFunc(p.Territories, func(a, b Proposed) int { return cmp.Compare(a.Territory.ID, b.Territory.ID) })
	return p, err
}

// newTerritoryID is the n-th name for a territory that has none.
func newTerritoryID(b auth.BranchID, n int) string {
	if id := fmt.Sprintf("%s-T%d", b, n); len(id) <= 64 {
		return id
	}
	return fmt.Sprintf("T%d", n)
}

// measure counts cases and minutes as they would be once the proposal is the map.
func (p *Proposal) measure(ts []Territory, now *geo.Index, work []Work, minutes []float64) error {
	areas := make([]geo.Area, len(p.Territories))
	then := make([]Territory, len(p.Territories))
	at := map[string]int{}
	for i, x := range p.Territories {
		shape, err := x.Shape.Shape()
		if err != nil {
			return fmt.Errorf("proposed territory %s: %w", x.Territory.ID, err)
		}
		at[x.Territory.ID] = i
		then[i] = x.Territory
		areas[i] = geo.Area{ID: x.Territory.ID, Shape: shape}
	}
	index, err := geo.NewIndex(areas)
	if err != nil {
		return err
	}
	shares, err := loads(then, index, work, minutes)
	if err != nil {
		return err
	}
	for i := range p.Territories {
		p.Territories[i].Load = shares[i]
	}
	took := map[string]map[string]int{}
	for _, w := range work {
		if w.Team != "" || !w.HasHome && !w.Pinned {
			continue
		}
		was, is := w.whose(now), w.whose(index)
		if x, ok := at[is]; ok {
			p.Territories[x].CaseIDs = append(p.Territories[x].CaseIDs, w.Case)
		}
		if is == "" {
			p.Outside++
		}
		if was == "" && is == "" {
			continue
		}
		p.Cases++
		if was != is {
			p.Moved++
			if x, ok := at[was]; ok {
				p.Territories[x].Lost++
			}
			if x, ok := at[is]; ok {
				p.Territories[x].Gained++
				if took[was] == nil {
					took[was] = map[string]int{}
				}
				took[was][is]++
			}
		}
	}
	p.heirs = map[string]string{}
	for _, t := range ts {
		if !slices.Contains(p.Removed, t.ID) {
			continue
		}
		ground, err := t.Shape.Shape()
		if err != nil {
			return fmt.Errorf("territory %s: %w", t.ID, err)
		}
		p.heirs[t.ID] = heirOf(took[t.ID], ground, areas)
	}
	p.rate()
	return nil
}

// stranded are the cases placed by hand in what is removed, by territory. Those a
// supervisor gave to a team are that team's, whatever the territory.
func stranded(removed []string, work []Work) []Stranding {
	var out []Stranding
	for _, id := range removed {
		x := Stranding{Territory: id}
		for _, w := range work {
			if w.Pinned && w.Team == "" && w.Territory == id {
				x.CaseIDs = append(x.CaseIDs, w.Case)
			}
		}
		if len(x.CaseIDs) > 0 {
			out = append(out, x)
		}
	}
	return out
}

// spreadBefore is the largest deviation among the territories that are divided, as they are.
func spreadBefore(ts []Territory, divided []int, now *geo.Index, work []Work, minutes []float64) (float64, error) {
	var before []Territory
	for _, i := range divided {
		before = append(before, ts[i])
	}
	all, err := loads(before, now, work, minutes)
	if err != nil {
		return 0, err
	}
	_, most := spreadOf(all[:len(before)])
	return most, nil
}

// rate compares the territories that were divided with each other.
func (p *Proposal) rate() {
	n := 0
	for i := range p.Territories {
		if x := &p.Territories[i]; x.Divided {
			p.Mean += x.Minutes
			n++
		}
	}
	if n == 0 || p.Mean == 0 {
		return
	}
	p.Mean /= float64(n)
	for i := range p.Territories {
		if x := &p.Territories[i]; x.Divided {
			x.Deviation = x.Minutes/p.Mean - 1
			p.MaxOff = max(p.MaxOff, math.Abs(x.Deviation))
		}
	}
}
