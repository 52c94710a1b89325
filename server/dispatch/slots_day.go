package dispatch

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// standingDay is a round as it stands: what a promised visit must fit into.
type standingDay struct {
	round  Round
	crews  []crew // that go on, from where they are
	past   *soFar
	origin time.Time
}

// asItStands reads a round as one that is planned anew at the moment would be.
func (s *Service) asItStands(ctx context.Context, r Round, branch office.Branch, now time.Time) (*standingDay, error) {
	zone, err := zoneOf(branch)
	if err != nil {
		return nil, err
	}
	midnight, err := wall(r.Date, "00:00", zone)
	if err != nil {
		return nil, err
	}
	// A debtor's day may begin before that of the branch, and routing knows no time before 0.
	t := &standingDay{round: r, origin: midnight.AddDate(0, 0, -1)}
	ask := Replan{At: now, Was: r.Run}
	if r.Replan != nil {
		ask.Without = r.Replan.Without
	}
	r.Replan = &ask
	if t.crews, _, err = s.crews(ctx, r, t.origin, zone); err != nil {
		return nil, err
	}
	if err := s.letNeighboursIn(ctx, branch, t.crews); err != nil {
		return nil, err
	}
	if t.past, err = s.soFar(ctx, r, zone); err != nil {
		return nil, err
	}
	t.crews = t.past.goOn(t.crews, t.origin)
	return t, nil
}

// toMake are the stops of a team's route that are still to be made.
func (t *standingDay) toMake(team string) (out []Stop) {
	so, ok := t.past.teams[team]
	if !ok {
		return nil
	}
	for _, st := range so.route.Stops {
		e, open := t.past.earlier(st.Case)
		// What the phones of a published round do not have, it has lost since.
		issued := t.round.OnPhones()
		if st.State == "" && !t.past.keeps(st.Case) &&
			(open && e.assignment == st.Assignment || !issued && !open) {
			out = append(out, st)
		}
	}
	return out
}

// binds tells whether a case is visited that day by an appointment, or has been:
// the debtor is visited once.
func (t *standingDay) binds(id journal.CaseID) bool {
	if t.past.keeps(id) {
		return true
	}
	for team := range t.past.teams {
		if slices.ContainsFunc(t.toMake(team), func(st Stop) bool { return st.Case == id && st.Appointment != "" }) {
			return true
		}
	}
	return false
}

// rest is what is left of the day for the crews that may go to a case, as a
// routing problem with its order, and the stop to put into it. Visits to the same
// debtor are taken out: their other cases would share the stop.
func (s *Service) rest(ctx context.Context, b auth.BranchID, t *standingDay, c candidate,
	others []journal.CaseID) (p routing.Problem, order [][]int, stop routing.Stop, err error) {
	planned := make([][]Stop, len(c.crews))
	var ids []journal.CaseID
	for i, k := range c.crews {
		for _, st := range t.toMake(t.crews[k].team.ID) {
			planned[i] = append(planned[i], st)
			ids = append(ids, st.Case)
		}
	}
	for team := range t.past.teams {
		for _, st := range t.toMake(team) {
			if slices.Contains(others, st.Case) {
				stop.Service += st.ServiceS
			}
		}
	}
	homes, err := s.opt.Casework.Homes(ctx, b, ids)
	if err != nil {
		return p, nil, stop, err
	}
	g := newGround()
	order = make([][]int, len(c.crews))
	for i, k := range c.crews {
		p.Shifts = append(p.Shifts, g.shift(&t.crews[k], t.origin))
		stops := slices.DeleteFunc(planned[i], func(st Stop) bool {
			_, known := homes[st.Case]
			return !known || st.Case == c.id || slices.Contains(others, st.Case)
		})
		for _, kn := range knocks(stops, homes) {
			order[i] = append(order[i], len(p.Stops))
			p.Stops = append(p.Stops, routing.Stop{Place: g.at(kn.home), Service: kn.service, Setup: setupSeconds, Must: kn.must,
				Windows: routed(kn.windows, t.origin), Earlier: &routing.Earlier{Shift: i, Start: since(t.origin, kn.eta)}})
		}
	}
	stop.Place, stop.Setup = g.at(c.home), setupSeconds
	stop.Service += c.service
	p.Stability = stability()
	p.Matrices, _, err = g.matrices(ctx, s.opt.Travel)
	return p, order, stop, err
}

// knock is a door of a planned route.
type knock struct {
	door
	eta time.Time
}

// knocks are the doors of stops in the order of their route. The window of each
// is the lawful span that the plan put it into.
func knocks(stops []Stop, homes map[journal.CaseID]geo.Point) (out []knock) {
	for i, st := range stops {
		if i == 0 || st.Door == 0 || st.Door != stops[i-1].Door {
			out = append(out, knock{door{home: homes[st.Case], service: st.ServiceS, windows: []Window{st.Window},
				must: st.Appointment != ""}, st.ETA})
			continue
		}
		k := &out[len(out)-1]
		k.windows = overlap(k.windows, []Window{st.Window}, time.Duration(k.service)*time.Second)
		if len(k.windows) == 0 { // no plan makes such a door; it stays when it is
			k.windows = []Window{{k.eta, k.eta.Add(time.Second)}}
		}
		k.service += st.ServiceS
		k.must = k.must || st.Appointment != ""
	}
	return out
}
