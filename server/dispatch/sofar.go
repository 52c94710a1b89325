package dispatch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// soFar is how a day stands when it is planned: what is settled, where the teams
// are, and what the phones have. When it is planned for the first time that is
// nothing but the time. Nil for a day to come.
type soFar struct {
	now     time.Time
	kept    map[journal.CaseID]bool // done, or under way
	persons map[string]bool         // of what is kept: debtors, linked ones as one
	teams   map[string]*teamSoFar
	open    map[journal.CaseID]earlier
}

// teamSoFar is one team's day until now.
type teamSoFar struct {
	route Route  // as it was planned last
	stops []Stop // done and under way, in the order of the day
	free  time.Time
	at    *geo.Point // where it is then; nil when it has not been anywhere
	doors int
}

// earlier is where the plan on the phones has a case that is still open.
type earlier struct {
	team, assignment string
	eta              time.Time
}

// soFar reads how the day of a round stands.
func (s *Service) soFar(ctx context.Context, r Round, zone *time.Location) (*soFar, error) {
	if r.Replan == nil {
		if r.At.In(zone).Format(time.DateOnly) < r.Date {
			return nil, nil
		}
		return &soFar{now: r.At}, nil
	}
	was := r
	was.Run = r.Replan.Was
	routes, err := s.routes(ctx, was)
	if err != nil {
		return nil, err
	}
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return nil, err
	}
	p := standing(r.Replan, routes, issued)
	persons, err := s.opt.Casework.Persons(ctx, r.Branch, slices.Collect(maps.Keys(p.kept)))
	if err != nil {
		return nil, err
	}
	p.persons = map[string]bool{}
	for _, who := range persons {
		p.persons[who] = true
	}
	var ids []journal.CaseID
	for _, t := range p.teams {
		if n := len(t.stops); n > 0 {
			ids = append(ids, t.stops[n-1].Case)
		}
	}
	homes, err := s.opt.Casework.Homes(ctx, r.Branch, ids)
	if err != nil {
		return nil, err
	}
	for _, t := range p.teams {
		if n := len(t.stops); n > 0 {
			if home, ok := homes[t.stops[n-1].Case]; ok {
				t.at = &home
			}
		}
	}
	return p, nil
}

// standing reads the day from the plan and what became of its assignments. It is pure.
func standing(ask *Replan, routes []Route, issued []casework.Issued) *soFar {
	p := &soFar{now: ask.At, kept: map[journal.CaseID]bool{}, teams: map[string]*teamSoFar{},
		open: map[journal.CaseID]earlier{}}
	planned := map[string]Stop{}
	for _, route := range routes {
		p.teams[route.Team] = &teamSoFar{route: route}
		for _, st := range route.Stops {
			planned[st.Assignment] = st
		}
	}
	for i := range issued {
		a := &issued[i]
		st, known := planned[a.ID]
		if !known {
			if !a.Open() && !a.Done() {
				continue // of a plan before the last
			}
			st = stopFrom(a) // a supervisor gave the case to the team since
		}
		t := p.teams[a.Team]
		if t == nil {
			t = &teamSoFar{route: Route{Round: a.Round, Branch: a.Branch, Team: a.Team, Date: a.Date, Agents: a.Agents,
				Items: a.Items, Recording: a.Recording, Leaves: a.ETA}}
			p.teams[a.Team] = t
		}
		switch {
		case a.Done():
			st.State, st.VisitedAt = stopDone, a.VisitedAt
		case a.UnderWay() && !slices.Contains(ask.Without, a.Team):
			st.State = stopUnderWay
		case a.Open() && a.AgentStatus == "declined":
			continue // the case remembers who declined it
		case a.Open():
			p.open[a.Case] = earlier{team: a.Team, assignment: a.ID, eta: st.ETA}
			continue
		default:
			continue
		}
		p.kept[a.Case] = true
		t.stops = append(t.stops, st)
	}
	for _, t := range p.teams {
		if !slices.Contains(ask.Without, t.route.Team) {
			p.keepDoor(t, ask.At)
		}
		t.settle(ask.At)
	}
	return p
}

// keepDoor keeps what a team still has to do at the door where it is, or was last:
// several cases there are one visit.
func (p *soFar) keepDoor(t *teamSoFar, now time.Time) {
	if len(t.stops) == 0 {
		return
	}
	last := slices.MaxFunc(t.stops, func(a, b Stop) int {
		return cmp.Or(cmp.Compare(a.State, b.State), a.begun(now).Compare(b.begun(now)), cmp.Compare(a.Seq, b.Seq))
	})
	for _, st := range t.route.Stops {
		if e, open := p.open[st.Case]; open && last.Door != 0 && st.Door == last.Door && e.assignment == st.Assignment {
			st.State = stopUnderWay
			delete(p.open, st.Case)
			p.kept[st.Case] = true
			t.stops = append(t.stops, st)
		}
	}
}

// begun is when a kept stop began, or will.
func (st *Stop) begun(now time.Time) time.Time {
	switch {
	case st.State == stopDone && !st.VisitedAt.IsZero():
		return st.VisitedAt
	case st.State == stopUnderWay && st.ETA.Before(now):
		return now
	}
	return st.ETA
}

// settle puts the stops in the order they were made and says when the team is free again.
func (t *teamSoFar) settle(now time.Time) {
	slices.SortStableFunc(t.stops, func(a, b Stop) int {
		return cmp.Or(cmp.Compare(a.State, b.State), a.begun(now).Compare(b.begun(now)), cmp.Compare(a.Seq, b.Seq))
	})
	t.free = now
	door, knock := 0, 0
	for i := range t.stops {
		st := &t.stops[i]
		if i == 0 || st.Door == 0 || st.Door != door {
			knock++
		}
		door = st.Door
		st.Seq, st.Door = i+1, knock
		if end := st.begun(now).Add(time.Duration(st.ServiceS) * time.Second); end.After(t.free) {
			t.free = end
		}
	}
	t.doors = knock
}

// keeps tells whether a case is settled, so that it is not a candidate.
func (p *soFar) keeps(id journal.CaseID) bool { return p != nil && p.kept[id] }

// met tells whether a person has been visited, or is about to be.
func (p *soFar) met(who string) bool { return p != nil && p.persons[who] }

// earlier gives where the phones have an open case.
func (p *soFar) earlier(id journal.CaseID) (earlier, bool) {
	if p == nil {
		return earlier{}, false
	}
	e, ok := p.open[id]
	return e, ok
}

// assignment gives the id of a stop's assignment: the one the team has, or a new one.
func (p *soFar) assignment(id journal.CaseID, team string) string {
	if e, ok := p.earlier(id); ok && e.team == team {
		return e.assignment
	}
	return journal.NewID()
}

// toCome cuts off what of the windows lies before now.
func (p *soFar) toCome(ws []Window) []Window {
	if p == nil {
		return ws
	}
	var out []Window
	for _, w := range ws {
		if p.now.After(w.From) {
			w.From = p.now
		}
		if w.From.Before(w.To) {
			out = append(out, w)
		}
	}
	return out
}

// goOn lets crews go on from where they are: the place, the time, the doors and the
// breaks that are left. Crews that are done for the day stay out.
func (p *soFar) goOn(crews []crew, origin time.Time) []crew {
	if p == nil {
		return crews
	}
	var out []crew
	for _, c := range crews {
		if p.now.After(c.from) {
			c.from = p.now
		}
		taken := 0
		if t := p.teams[c.team.ID]; t != nil {
			if t.free.After(c.from) {
				c.from = t.free
			}
			if t.at != nil {
				c.start = t.at
			}
			if c.maxDoors > 0 {
				if c.maxDoors -= t.doors; c.maxDoors <= 0 {
					continue
				}
			}
			for _, b := range t.route.Breaks {
				if !b.At.After(p.now) {
					taken++
				}
			}
		}
		if !c.from.Before(c.to) {
			continue
		}
		c.breaks = breaksLeft(c.breaks, taken, since(origin, c.from))
		out = append(out, c)
	}
	return out
}

// breaksLeft are the breaks after those taken that may still begin; one whose time is past is forgone.
func breaksLeft(breaks []routing.Break, taken, from int) []routing.Break {
	var out []routing.Break
	for _, b := range breaks[min(taken, len(breaks)):] {
		w := b.Windows[0]
		w.From = max(w.From, from)
		if w.From > w.To {
			continue
		}
		b.Windows = []routing.Window{w}
		out = append(out, b)
	}
	return out
}

// add puts what is settled in front of the routes that go on.
func (p *soFar) add(r Round, d *day) {
	if p == nil {
		return
	}
	d.cases += len(p.kept)
	byTeam := map[string]int{}
	for i := range d.routes {
		byTeam[d.routes[i].Team] = i
	}
	for team, t := range p.teams {
		if len(t.stops) == 0 {
			continue
		}
		i, goesOn := byTeam[team]
		if !goesOn {
			rest := t.route
			rest.ID, rest.Run, rest.Stops, rest.Breaks = r.docID(team), r.Run, nil, nil
			rest.TravelS, rest.DistanceM, rest.WaitS, rest.ServiceS = 0, 0, 0, 0
			rest.Returns = t.free
			d.routes = append(d.routes, rest)
			i = len(d.routes) - 1
		}
		d.keep(i, t, p.now)
	}
}

// keep puts a team's settled stops and breaks in front of its route.
func (d *day) keep(i int, t *teamSoFar, now time.Time) {
	route := &d.routes[i]
	route.Leaves, route.Start = t.route.Leaves, t.route.Start
	knock := 0
	for _, st := range t.stops {
		route.TravelS += st.TravelS
		route.DistanceM += st.DistanceM
		route.ServiceS += st.ServiceS
		d.cost.TravelS += st.TravelS
		d.cost.DistanceM += st.DistanceM
		d.cost.ServiceS += st.ServiceS
		knock = st.Door
	}
	for k := range route.Stops {
		route.Stops[k].Seq += len(t.stops)
		route.Stops[k].Door += knock
	}
	route.Stops = slices.Concat(t.stops, route.Stops)
	var had []Pause
	for _, b := range t.route.Breaks {
		if !b.At.After(now) {
			had = append(had, b)
		}
	}
	route.Breaks = slices.Concat(had, route.Breaks)
}
