package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
	"doorstep/sync/journal"
)

// day is what planning a round gives.
type day struct {
	routes             []Route
	leftOut            []LeftOut
	cases              int
	cost               Cost
	travel, travelNote string
	policy             string
}

func (d *day) stops() int {
	n := 0
	for _, r := range d.routes {
		n += len(r.Stops)
	}
	return n
}

// planDay reads, judges, measures and searches. An error with a Code says why the round cannot be.
func (s *Service) planDay(ctx context.Context, r Round) (*day, error) {
	branch, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return nil, err
	}
	origin, err := wall(r.Date, "00:00", zone)
	if err != nil {
		return nil, err
	}
	closed, err := s.closed(ctx, r.Branch, r.Date)
	if err != nil {
		return nil, err
	}
	if err := checkOpen(closed); err != nil {
		return nil, err
	}
	crews, empty, err := s.crews(ctx, r, origin, zone)
	if err != nil {
		return nil, err
	}
	if len(crews) == 0 && r.Replan == nil {
		if len(empty) > 0 {
			return nil, checkAgents(nil, nil)
		}
		return nil, refuse(refusal.Conflict, "round.no_shifts", "date", "no team has a shift that day")
	}
	if err := checkPeople(dutiesOf(crews), func(string) string { return "" }); err != nil {
		return nil, err
	}
	if err := s.letNeighboursIn(ctx, branch, crews); err != nil {
		return nil, err
	}
	s.report(r.ID, Progress{Stage: "reading"})
	policy := s.opt.Policy()
	d := &day{policy: policy.Hash()}
	past, err := s.soFar(ctx, r, zone)
	if err != nil {
		return nil, err
	}
	if crews = past.goOn(crews, origin); len(crews) == 0 && r.Replan == nil {
		return nil, refuse(refusal.Conflict, "round.no_shifts", "date", "no team's shift that day is still running")
	}
	elsewhere, err := s.elsewhere(ctx, r)
	if err != nil {
		return nil, err
	}
	cands, err := s.candidates(ctx, r, judging{date: r.Date, crews: crews, empty: empty,
		policy: policy, overlays: branch.Profiles, past: past, elsewhere: elsewhere, moves: movesOf(r), locks: locksOf(r)}, d)
	if err != nil {
		return nil, err
	}
	stops, apart := doors(cands, crews)
	for _, i := range apart {
		d.leave(r, cands[i].id, whyNot{code: SameDebtor, rule: "house-one-visit"})
		d.cost.PriorityLeft += cands[i].priority
	}
	s.report(r.ID, Progress{Stage: "measuring", LeftOut: len(d.leftOut)})
	var puzzles []*puzzle
	for _, p := range split(stops, len(crews)) {
		if len(p.doors) > routing.MaxStops {
			return nil, refuse(refusal.Invalid, "round.too_large", "branch",
				fmt.Sprintf("%d stops share the same teams; give teams territories, at most %d stops each, or let neighbours "+
					"go less far", len(p.doors), routing.MaxStops))
		}
		z, err := s.puzzle(ctx, p, cands, crews, r, origin, past)
		if err != nil {
			return nil, err
		}
		puzzles = append(puzzles, z)
	}
	results, err := s.search(ctx, r, puzzles, len(stops), len(d.leftOut))
	if err != nil {
		return nil, err
	}
	for i, z := range puzzles {
		if err := s.read(r, z, results[i], cands, crews, past, d); err != nil {
			return nil, err
		}
	}
	past.add(r, d)
	slices.SortFunc(d.routes, func(a, b Route) int { return cmp.Compare(a.Team, b.Team) })
	slices.SortFunc(d.leftOut, func(a, b LeftOut) int { return cmp.Compare(a.Case, b.Case) })
	if got := d.stops() + len(d.leftOut); got != d.cases {
		return nil, refuse(refusal.Conflict, "round.check", "",
			fmt.Sprintf("%d cases were looked at and %d are accounted for", d.cases, got))
	}
	return d, nil
}

// search solves the puzzles side by side, each with its share of the time, and
// has every result checked by the independent referee. leftOut counts the cases that are out already; they are told
// with those that a search leaves out.
func (s *Service) search(ctx context.Context, r Round, puzzles []*puzzle, stops, leftOut int) ([]routing.Result,
	error) {
	if r.Status == Queued {
		select {
		case s.searching <- struct{}{}:
			defer func() { <-s.searching }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	stopped, release := s.untilStopped(ctx, r)
	defer release()
	workers := min(s.opt.Threads, max(1, len(puzzles)), runtime.GOMAXPROCS(0))
	threads := max(1, s.opt.Threads/workers)
	budget := time.Duration(r.limit()) * s.second * time.Duration(workers)
	results := make([]routing.Result, len(puzzles))
	failures := make([]error, len(puzzles))
	var mu sync.Mutex
	done, at := 0, map[int]routing.Progress{}
	tell := func() {
		p := Progress{Stage: "searching", Fraction: float64(done) / float64(max(1, stops)), LeftOut: leftOut}
		for i, x := range at {
			p.Fraction += x.Fraction * float64(len(puzzles[i].doors)) / float64(max(1, stops))
			p.Stops += len(puzzles[i].doors) - x.LeftOut
			p.LeftOut += x.LeftOut
			p.Cost += x.Cost
		}
		p.Fraction = min(1, p.Fraction)
		s.report(r.ID, p)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				z := puzzles[i]
				share := time.Duration(float64(budget) * float64(len(z.doors)) / float64(max(1, stops)))
				limit, cancel := context.WithTimeout(ctx, max(share, s.second/5))
				enough := context.AfterFunc(stopped, cancel)
				results[i], failures[i] = routing.Solve(limit, z.problem, routing.Options{Seed: r.seed(), Threads: threads,
					Iterations: s.opt.Steps, Progress: func(p routing.Progress) {
						mu.Lock()
						defer mu.Unlock()
						at[i] = p
						tell()
					}})
				enough()
				cancel()
				if failures[i] == nil {
					failures[i] = refereed(z.problem, results[i])
				}
				if failures[i] == nil && s.opt.Watch != nil {
					s.opt.Watch(z.problem, results[i])
				}
			}
		})
	}
	for i := range puzzles {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err // a search cut short by the end of the process is no result
	}
	return results, errors.Join(failures...)
}

// refereed returns an error if the referee finds a violation in a result.
func refereed(p routing.Problem, r routing.Result) error {
	found := referee.Check(p, r)
	if len(found) == 0 {
		return nil
	}
	var b strings.Builder
	for _, v := range found[:min(3, len(found))] {
		fmt.Fprintf(&b, "; %s: %s", v.Kind, v.Msg)
	}
	return refuse(refusal.Conflict, "round.check", "", fmt.Sprintf("the plan breaks its own rules %d times%s", len(found),
		b.String()))
}

// reasons are the routing's reasons in this room's codes.
var reasons = map[routing.Reason]string{
	routing.NoFitTeam: NoFitTeam, routing.Unreachable: Unreachable, routing.BeyondLimits: BeyondLimits,
	routing.NoLawfulWindow: NoTimeInWindow, routing.NoTime: NoTime, routing.WorthLess: WorthLess,
}

// read turns a result into routes and left-out cases.
func (s *Service) read(r Round, z *puzzle, res routing.Result, cands []candidate, crews []crew, past *soFar,
	d *day) error {
	instant := func(sec int) time.Time { return z.origin.Add(time.Duration(sec) * time.Second) }
	for _, x := range res.Routes {
		c := &crews[z.crews[x.Shift]]
		route := Route{ID: r.docID(c.team.ID), Round: r.ID, Branch: r.Branch, Run: r.Run, Team: c.team.ID, Date: r.Date,
			Agents: c.agents,
			Items:  c.team.Items, Recording: c.team.Recording, Mode: string(c.mode), Start: c.team.Start, End: c.team.End,
			Stops:   []Stop{},
			TravelS: x.Total.Travel, DistanceM: x.Total.Distance, WaitS: x.Total.Wait, ServiceS: x.Total.Service + x.Total.Setup}
		way, metres := 0, 0
		for _, step := range x.Steps {
			way += step.Travel
			metres += step.Distance
			switch step.Kind {
			case routing.StepStart:
				route.Leaves = instant(step.Arrival)
			case routing.StepEnd:
				route.Returns = instant(step.Arrival)
			case routing.StepBreak:
				route.Breaks = append(route.Breaks, Pause{At: instant(step.Start()), Minutes: step.Service / 60})
			case routing.StepStop:
				knock := 1
				if n := len(route.Stops); n > 0 {
					knock = route.Stops[n-1].Door + 1
				}
				begins := instant(step.Start())
				for _, i := range z.doors[step.Index].cands {
					cand := &cands[i]
					id := past.assignment(cand.id, c.team.ID)
					st := Stop{Seq: len(route.Stops) + 1, Door: knock, Case: cand.id, Assignment: id, ETA: begins,
						ServiceS: cand.service, TravelS: way,
						DistanceM: metres, Appointment: cand.appointment, Territory: cand.territory}
					for _, w := range cand.lawful {
						if !st.ETA.Before(w.From) && st.ETA.Before(w.To) {
							st.Window = w
						}
					}
					route.Stops = append(route.Stops, st)
					begins = begins.Add(time.Duration(cand.service) * time.Second)
					d.cost.PriorityServed += cand.priority
					way, metres = 0, 0
				}
			}
		}
		d.routes = append(d.routes, route)
	}
	for _, l := range res.LeftOut {
		code, ok := reasons[l.Reason]
		if !ok {
			return refuse(refusal.Conflict, "round.check", "", "a case was left out without a reason")
		}
		for _, i := range z.doors[l.Stop].cands {
			d.leave(r, cands[i].id, whyNot{code: code})
			d.leftOut[len(d.leftOut)-1].Given = cands[i].given
			d.cost.PriorityLeft += cands[i].priority
		}
	}
	d.cost.TravelS += res.Total.Travel
	d.cost.DistanceM += res.Total.Distance
	d.cost.WaitS += res.Total.Wait
	d.cost.ServiceS += res.Total.Service + res.Total.Setup
	d.cost.OvertimeS += res.Total.Overtime
	for _, m := range z.travel {
		if !strings.Contains(d.travel, m.Source) {
			d.travel = strings.TrimPrefix(d.travel+" + "+m.Source, " + ")
		}
		if m.Note != "" && !strings.Contains(d.travelNote, m.Note) {
			d.travelNote = strings.TrimPrefix(d.travelNote+"; "+m.Note, "; ")
		}
	}
	return nil
}

// leave notes a case that gets no stop.
func (d *day) leave(r Round, id journal.CaseID, why whyNot) {
	d.leftOut = append(d.leftOut, LeftOut{Round: r.ID, Run: r.Run, Case: id, Code: why.code, Rule: why.rule,
		Cite: why.cite, Missing: why.missing})
}
