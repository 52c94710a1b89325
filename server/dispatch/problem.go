package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/geo/travel"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// crew is a team with its shift of the day.
type crew struct {
	team     office.Team
	shift    office.Shift
	agents   []auth.UserID
	mode     travel.Mode
	from, to time.Time
	start    *geo.Point // nil: anywhere
	// maxDoors is how many doors it may still knock at; 0 for no limit.
	maxDoors int
	breaks   []routing.Break
	vicinity *vicinity
	// onLeave says of one without an agent that all of them are on leave.
	onLeave bool
	// uncertified says of one without an agent that they lack a certificate, all but those on leave.
	uncertified bool
}

// kind is what the law sees of a crew; crews of one kind are judged once.
func (c *crew) kind() string {
	items := slices.Sorted(slices.Values(c.team.Items))
	return fmt.Sprintf("%d|%s|%v", len(c.agents), strings.Join(items, ","), c.team.Recording)
}

// works tells whether the crew may go to a case of a territory and team.
func (c *crew) works(territory, team string) bool {
	if team != "" {
		return team == c.team.ID
	}
	return territory != "" && c.shift.Works(c.team, territory)
}

// crews are the day's teams in order of id, with those of their agents who can be sent out. Teams that have none are
// apart, in empty.
func (s *Service) crews(ctx context.Context, r Round, origin time.Time, zone *time.Location) (out, empty []crew,
	err error) {
	shifts, err := s.opt.Office.Shifts(ctx, r.Branch, r.Date)
	if err != nil {
		return nil, nil, err
	}
	for _, sh := range shifts {
		if len(r.Teams) > 0 && !slices.Contains(r.Teams, sh.Team) {
			continue
		}
		t, err := s.opt.Office.Team(ctx, r.Branch, sh.Team)
		if err != nil {
			return nil, nil, err
		}
		if r.Replan != nil && slices.Contains(r.Replan.Without, sh.Team) {
			continue
		}
		c := crew{team: t, shift: sh, agents: t.Agents, maxDoors: t.MaxStops}
		if t.Start != nil {
			at := t.Start.Point()
			c.start = &at
		}
		if len(sh.Agents) > 0 {
			c.agents = sh.Agents
		}
		if c.mode, err = travel.ParseMode(t.Mode); err != nil {
			return nil, nil, err
		}
		if c.from, err = wall(r.Date, sh.From, zone); err != nil {
			return nil, nil, err
		}
		if c.to, err = wall(r.Date, sh.To, zone); err != nil {
			return nil, nil, err
		}
		for _, b := range sh.Breaks {
			from, err := wall(r.Date, b.From, zone)
			if err != nil {
				return nil, nil, err
			}
			to, err := wall(r.Date, b.To, zone)
			if err != nil {
				return nil, nil, err
			}
			c.breaks = append(c.breaks, routing.Break{Service: b.Minutes * 60,
				Windows: []routing.Window{{From: since(origin, from), To: since(origin, to)}}})
		}
		out = append(out, c)
	}
	var agents []auth.UserID
	for _, c := range out {
		agents = append(agents, c.agents...)
	}
	unable, err := s.opt.Office.UnableOn(ctx, r.Branch, r.Date, agents)
	if err != nil {
		return nil, nil, err
	}
	out = slices.DeleteFunc(out, func(c crew) bool {
		if len(able(c.agents, unable)) > 0 {
			return false
		}
		c.onLeave, c.uncertified = allOnLeave(c.agents, unable), uncertified(c.agents, unable)
		empty = append(empty, c)
		return true
	})
	for i := range out {
		out[i].agents = able(out[i].agents, unable)
	}
	slices.SortFunc(out, func(a, b crew) int { return cmp.Compare(a.team.ID, b.team.ID) })
	return out, empty, nil
}

// wall is a wall time of a date as an instant. One that the clocks skip is moved
// on by what they skip; of one that comes twice it is the first.
func wall(date, clock string, zone *time.Location) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return time.Time{}, err
	}
	minutes, err := office.ClockMinutes(clock)
	if err != nil {
		return time.Time{}, err
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, zone)
	if before := at.Add(-time.Hour); before.Hour() == at.Hour() && before.Minute() == at.Minute() &&
		before.Day() == at.Day() {
		at = before
	}
	return at.UTC(), nil
}

// since gives an instant in seconds of the routing problem's clock.
func since(origin, t time.Time) int { return int(t.Sub(origin) / time.Second) }

// candidate is a case that may get a stop.
type candidate struct {
	id       journal.CaseID
	person   string // the debtor, or several who are linked
	home     geo.Point
	priority int
	amount   int64
	service  int      // seconds
	lawful   []Window // within the appointment if there is one
	windows  []Window // what of them is still to come
	crews    []int    // that may go, by index
	// appointment is the one the stop must keep; "" for none.
	appointment string
	territory   string
	// given says that a supervisor gave the case to the team whose phones have it: planning anew keeps it there.
	given bool
	// must says that it is visited before all that need not be: a supervisor moved it to a team, or locked it.
	must bool
}

// part is a share of the day that has no crew in common with another: it is planned by itself.
type part struct {
	doors []door
	crews []int
}

// split finds the parts, largest first.
func split(stops []door, crews int) []part {
	root := make([]int, crews)
	for i := range root {
		root[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if root[i] != i {
			root[i] = find(root[i])
		}
		return root[i]
	}
	for _, c := range stops {
		for _, k := range c.crews[1:] {
			root[find(k)] = find(c.crews[0])
		}
	}
	byRoot := map[int]*part{}
	var order []int
	for k := range crews {
		r := find(k)
		if byRoot[r] == nil {
			byRoot[r] = &part{}
			order = append(order, r)
		}
		byRoot[r].crews = append(byRoot[r].crews, k)
	}
	for _, c := range stops {
		p := byRoot[find(c.crews[0])]
		p.doors = append(p.doors, c)
	}
	var out []part
	for _, r := range order {
		if len(byRoot[r].doors) > 0 {
			out = append(out, *byRoot[r])
		}
	}
	slices.SortStableFunc(out, func(a, b part) int { return cmp.Compare(len(b.doors), len(a.doors)) })
	return out
}

// puzzle is a part as a routing problem, with the way back to cases and crews.
type puzzle struct {
	part
	problem routing.Problem
	origin  time.Time // second 0
	travel  []travel.Matrix
}

// setupSeconds is what finding the door and announcing oneself takes at each
// new address, the parking included; cases at one door share it.
const setupSeconds = 60

// What a change against the plan on the phones costs, in seconds of travel (our own value).
const (
	otherTeamSeconds = 1800
	moveSeconds      = 1200 // for a stop that moves by more than the tolerance
	moveTolerance    = 1800
	// promised is how much more a stop is worth that is on the phones already.
	promised = 4
)

func stability() routing.Stability {
	return routing.Stability{Team: otherTeamSeconds, Move: moveSeconds, Tolerance: moveTolerance}
}

// What it costs that a team is away from the mean, in seconds of travel (our own value): a
// stop, or an hour of work.
const (
	balanceStopSeconds = 600
	balanceHourSeconds = 1800
)

// puzzle builds the routing problem of a part.
func (s *Service) puzzle(ctx context.Context, p part, cands []candidate, crews []crew, r Round, origin time.Time,
	past *soFar) (*puzzle, error) {
	z := &puzzle{part: p, origin: origin}
	g := newGround()
	shiftOf := map[int]int{}
	for i, k := range p.crews {
		shiftOf[k] = i
		z.problem.Shifts = append(z.problem.Shifts, g.shift(&crews[k], origin))
	}
	for _, dr := range p.doors {
		first := &cands[dr.cands[0]]
		st := routing.Stop{ID: string(first.id), Place: g.at(dr.home), Service: dr.service, Setup: setupSeconds,
			Must: dr.must, Windows: routed(dr.windows, origin)}
		for _, i := range dr.cands {
			st.Must = st.Must || cands[i].given || cands[i].must
			st.Priority += cands[i].priority
			st.Value += value(&cands[i])
		}
		for _, k := range dr.crews {
			st.Shifts = append(st.Shifts, shiftOf[k])
		}
		slices.Sort(st.Shifts)
		if e, ok := past.earlier(first.id); ok {
			st.Value *= promised
			for i, k := range p.crews {
				if crews[k].team.ID == e.team {
					st.Earlier = &routing.Earlier{Shift: i, Start: since(origin, e.eta)}
				}
			}
		}
		z.problem.Stops = append(z.problem.Stops, st)
	}
	switch r.Objective {
	case "priority":
		z.problem.Objective = routing.PriorityFirst
	case "cost":
		z.problem.Objective = routing.CostFirst
	}
	if r.Replan != nil {
		// The phones have a plan: more stops are worth some changes, not any number of them.
		z.problem.Objective = routing.CostFirst
		z.problem.Stability = stability()
	}
	switch r.Balance {
	case "stops":
		z.problem.Balance = routing.Balance{By: routing.BalanceStops, Weight: balanceStopSeconds}
	case "work":
		z.problem.Balance = routing.Balance{By: routing.BalanceWork, Weight: balanceHourSeconds}
	}
	var err error
	z.problem.Matrices, z.travel, err = g.matrices(ctx, s.opt.Travel)
	return z, err
}

// value is what leaving a case out costs under objective "cost", in seconds of
// travel it would be worth: an hour for each step of priority (our own value).
func value(c *candidate) int64 { return int64(max(1, c.priority)) * 3600 }
