package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo/routing"
	"doorstep/geo/travel"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// Options of New; all but Log and Threads are needed.
type Options struct {
	Journal  *journal.Journal
	Casework *casework.Service
	Office   *office.Service
	Travel   travel.Source
	// Policy is the conduct policy in force now.
	Policy func() *conduct.Policy
	// Threads is how many searches may run side by side; 0: one.
	Threads int
	// Steps, if positive, ends a search after about so many steps even if time is left.
	// Tests set it, so that a plan is as good on a slow machine as on a fast one.
	Steps int
	// Shared says that other nodes may be at work on the store: each round is claimed by one of them.
	Shared bool
	Log    *slog.Logger
	// Watch hears every problem that was solved, with its result, from several goroutines; it may be nil.
	Watch Watch
}

// Watch is told what was asked of the solver and what came of it: benchmarks compare other plans with it.
type Watch func(routing.Problem, routing.Result)

// Service plans and publishes rounds. It is safe for concurrent use; Run does the work.
type Service struct {
	opt    Options
	store  journal.Store
	claims *claims
	log    *slog.Logger
	wake   chan struct{}
	// second is how long a second of searching takes; tests have shorter ones.
	second time.Duration

	// lanes are what Run does; tests have it do other things.
	lanes func() []*lane
	// searching is held by the search of a round that was queued: each takes all the cores it is given.
	searching chan struct{}
	// ended is up to which date the days of each branch are over; endDays' alone.
	ended map[auth.BranchID]string

	mu       sync.Mutex
	progress map[string]Progress // of runs under way, by round
	// stops end the searches under way, by round; proposing has the branches for which a proposal is searched.
	stops     map[string]context.CancelFunc
	proposing map[auth.BranchID]bool
	dirty     map[auth.BranchID]bool // branches that Run must look at
}

// Progress is how far a run has come. It is memory only.
type Progress struct {
	Stage    string  `json:"stage"`    // reading, judging, measuring, searching, writing, issuing
	Fraction float64 `json:"fraction"` // of the stage, 0 to 1
	Stops    int     `json:"stops,omitempty"`
	LeftOut  int     `json:"left_out,omitempty"`
	Cost     int64   `json:"cost,omitempty"`
}

// New makes the service.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Threads = max(1, o.Threads)
	s := &Service{opt: o, store: o.Journal.Store(), log: o.Log, wake: make(chan struct{}, 1), second: time.Second,
		searching: make(chan struct{}, 1), ended: map[auth.BranchID]string{}, progress: map[string]Progress{},
		dirty: map[auth.BranchID]bool{}, stops: map[string]context.CancelFunc{}, proposing: map[auth.BranchID]bool{}}
	s.lanes, s.claims = s.allLanes, newClaims(s.store)
	return s
}

// Params are what a round is asked with.
type Params struct {
	Branch     auth.BranchID
	Date       string   // local to the branch, "2006-01-02"
	Teams      []string // empty: every team with a shift that day
	Seed       uint64
	TimeLimitS int    // 0: DefaultTimeLimitS
	Objective  string // "", value, priority, cost
	Balance    string // "", stops, work
}

// Limits of a round's search, in seconds.
const (
	DefaultTimeLimitS = 10
	MaxTimeLimitS     = 120
)

// Ask says who asks for a change, and under which command id; the same id has one effect.
type Ask struct {
	Actor   auth.Actor
	Command string
	// Payload is a hash of what is asked: the same id with another is journal.ErrReused.
	Payload [32]byte
}

// Create asks for a round. It answers at once; Run plans it. A branch has one queued round a day:
// who asks for the same again is answered with it. Errors: *refusal.Error round.branch, round.date,
// round.past, round.under_way, round.queued when another plan of the day is queued, round.team,
// round.no_shifts, round.agents_twice, round.no_agent, round.limit, round.objective, round.balance.
func (s *Service) Create(ctx context.Context, ask Ask, p Params) (Round, error) {
	if !ask.Actor.InBranch(p.Branch) {
		return Round{}, refuse(refusal.NotFound, "round.branch", "branch", "there is no such branch here")
	}
	if fault := office.DateFault(p.Date); fault != "" {
		return Round{}, refuse(refusal.Invalid, "round.date", "date", fault)
	}
	if p.TimeLimitS == 0 {
		p.TimeLimitS = DefaultTimeLimitS
	}
	if p.TimeLimitS < 1 || p.TimeLimitS > MaxTimeLimitS {
		return Round{}, refuse(refusal.Invalid, "round.limit", "time_limit_s",
			fmt.Sprintf("the search may take 1 to %d seconds", MaxTimeLimitS))
	}
	switch p.Objective {
	case "":
		p.Objective = "value"
	case "value", "priority", "cost":
	default:
		return Round{}, refuse(refusal.Invalid, "round.objective", "objective", "objective is value, priority or cost")
	}
	if p.Balance != "" && p.Balance != "stops" && p.Balance != "work" {
		return Round{}, refuse(refusal.Invalid, "round.balance", "balance", "balance is stops or work")
	}
	_, zone, err := s.branch(ctx, p.Branch)
	if err != nil {
		return Round{}, err
	}
	round := Round{ID: journal.NewID(), Branch: p.Branch, Date: p.Date, Status: Queued, Teams: p.Teams, Seed: p.Seed,
		TimeLimitS: p.TimeLimitS,
		Objective:  p.Objective, Balance: p.Balance, By: ask.Actor.User}
	out, err := s.do(ctx, p.Branch, ask, func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
		if err := checkToCome(p.Date, r.At, zone); err != nil {
			return journal.Draft{}, err
		}
		under, err := s.underWay(ctx, r, p.Date, "")
		if err != nil {
			return journal.Draft{}, err
		}
		if under != "" {
			return journal.Draft{}, refuseUnderWay(under)
		}
		if first, err := s.queuedOn(ctx, r, p.Date); err != nil || first != nil {
			return joinQueued(first, round, err)
		}
		staff, err := s.staffOf(ctx, r, p.Date, zone)
		if err != nil {
			return journal.Draft{}, err
		}
		if err := checkOpen(staff.closed); err != nil {
			return journal.Draft{}, err
		}
		if err := staff.checkWork("teams", p.Teams,
			"has no shift that day; give it one with PUT /v1/teams/{id}/shifts/{date}"); err != nil {
			return journal.Draft{}, err
		}
		if len(staff.shifts) == 0 {
			return journal.Draft{}, refuse(refusal.Conflict, "round.no_shifts", "date",
				"no team has a shift that day; give teams shifts with PUT /v1/teams/{id}/shifts/{date}")
		}
		if err := staff.checkPeople(p.Date, "teams", p.Teams, nil); err != nil {
			return journal.Draft{}, err
		}
		// The same id twice would be another round's: it cannot be.
		if _, _, err := r.Doc(ctx, "rounds", round.ID); err != nil {
			return journal.Draft{}, err
		}
		round.At = r.At.Truncate(time.Second)
		return putRound(r, "round.request", round)
	})
	if err != nil {
		return Round{}, err
	}
	var receipt struct {
		Round string `json:"round"`
	}
	if err := json.Unmarshal(out.Receipt, &receipt); err != nil {
		return Round{}, fmt.Errorf("read receipt: %w", err)
	}
	s.poke(p.Branch)
	return s.load(ctx, p.Branch, receipt.Round)
}

// putRound drafts a header's new state.
func putRound(rd *journal.Reader, action string, r Round) (journal.Draft, error) {
	state, err := json.Marshal(r)
	if err != nil {
		return journal.Draft{}, err
	}
	receipt, err := json.Marshal(map[string]string{"round": r.ID})
	if err != nil {
		return journal.Draft{}, err
	}
	d := journal.Draft{Action: action, Receipt: receipt, Writes: []journal.Key{dayKey(r.Date)}}
	rd.Depend(d.Writes...)
	d.Put("rounds", r.ID, state)
	return d, nil
}

// do runs one command; its refusal is the error.
func (s *Service) do(ctx context.Context, b auth.BranchID, ask Ask, decide func(context.Context,
	*journal.Reader) (journal.Draft, error)) (journal.Outcome, error) {
	if ask.Command == "" {
		ask.Command = journal.HTTPCommand(ask.Actor.User, "")
	}
	outs, err := s.opt.Journal.Do(ctx, b, []journal.Command{{ID: ask.Command, Actor: ask.Actor.User, Payload: ask.Payload,
		Decide: decide}})
	if err != nil {
		return journal.Outcome{}, err
	}
	return outs[0], outs[0].Err
}

// change decides a header's next state from the present one. decide must read
// everything else through the reader.
func (s *Service) change(ctx context.Context, b auth.BranchID, ask Ask, id, action string,
	decide func(r *journal.Reader, now *Round) error) error {
	_, err := s.do(ctx, b, ask, func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
		rec, ok, err := r.Doc(ctx, "rounds", id)
		if err != nil {
			return journal.Draft{}, err
		}
		if !ok {
			return journal.Draft{}, notFound()
		}
		var now Round
		if err := json.Unmarshal(rec.Body, &now); err != nil {
			return journal.Draft{}, fmt.Errorf("read round: %w", err)
		}
		was := now
		if err := decide(r, &now); err != nil {
			return journal.Draft{}, err
		}
		if sameRound(was, now) {
			return journal.Draft{}, nil
		}
		return putRound(r, action, now)
	})
	return err
}

func sameRound(a, b Round) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func notFound() *refusal.Error {
	return refuse(refusal.NotFound, "round.not_found", "id", "there is no such round here")
}

// load reads a header.
func (s *Service) load(ctx context.Context, b auth.BranchID, id string) (Round, error) {
	recs, err := s.store.Records(ctx, b, []journal.DocRef{{Type: "rounds", ID: id}})
	if err != nil {
		return Round{}, err
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return Round{}, notFound()
	}
	var r Round
	if err := json.Unmarshal(recs[0].Body, &r); err != nil {
		return Round{}, fmt.Errorf("read round %s: %w", id, err)
	}
	return r, nil
}

// find reads a header in the actor's branches.
func (s *Service) find(ctx context.Context, a auth.Actor, id string) (Round, error) {
	branches := a.Branches
	if a.Role == auth.RoleAdmin {
		all, err := s.opt.Office.Branches(ctx)
		if err != nil {
			return Round{}, err
		}
		for _, b := range all {
			branches = append(branches, b.ID)
		}
	}
	for _, b := range branches {
		r, err := s.load(ctx, b, id)
		var e *refusal.Error
		if errors.As(err, &e) && e.Kind == refusal.NotFound {
			continue
		}
		return r, err
	}
	return Round{}, notFound()
}

// Rounds lists a branch's rounds of a date, or of all dates with "", newest last.
func (s *Service) Rounds(ctx context.Context, a auth.Actor, b auth.BranchID, date string, limit int,
	cursor string) ([]Round, string, error) {
	if !a.InBranch(b) {
		return nil, "", refuse(refusal.NotFound, "round.branch", "branch", "there is no such branch here")
	}
	q := journal.Query{Branch: b, Type: "rounds", Limit: limit, After: cursor}
	if date != "" {
		q.Index, q.Eq = roundsByDate.Name, []any{date}
	}
	f, err := s.store.Find(ctx, q)
	if err != nil {
		return nil, "", err
	}
	out := make([]Round, len(f.Records))
	for i, rec := range f.Records {
		if err := json.Unmarshal(rec.Body, &out[i]); err != nil {
			return nil, "", fmt.Errorf("read round %s: %w", rec.ID, err)
		}
		s.shown(&out[i])
	}
	return out, f.Next, nil
}

// roundsOn are all rounds of a date, in order of id, which grows with time.
func (s *Service) roundsOn(ctx context.Context, b auth.BranchID, date string) ([]Round, error) {
	var out []Round
	q := journal.Query{Branch: b, Type: "rounds", Index: roundsByDate.Name, Eq: []any{date}}
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range f.Records {
			var r Round
			if err := json.Unmarshal(rec.Body, &r); err != nil {
				return nil, fmt.Errorf("read round %s: %w", rec.ID, err)
			}
			out = append(out, r)
		}
		if f.Next == "" {
			return out, nil
		}
		q.After = f.Next
	}
}

// View is a round with its routes and what was left out, as it stands now.
type View struct {
	Round
	News     News
	Progress *Progress
	Routes   []Route
	LeftOut  []LeftOut
}

// Round reads a round whole. round.not_found.
func (s *Service) Round(ctx context.Context, a auth.Actor, id string) (View, error) {
	r, err := s.find(ctx, a, id)
	if err != nil {
		return View{}, err
	}
	v := View{Round: r, Routes: []Route{}, LeftOut: []LeftOut{}}
	v.Progress = s.shown(&v.Round)
	if r.Run == "" {
		return v, nil
	}
	if v.Routes, err = s.routes(ctx, r); err != nil {
		return View{}, err
	}
	v.LeftOut, err = all(ctx, s.store, r.Branch, leftOutsByRound, r.ID, func(l LeftOut) bool { return l.Run == r.Run })
	if err != nil {
		return View{}, err
	}
	withoutLeftOut(v.Routes, v.LeftOut)
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil || len(issued) == 0 {
		return v, err
	}
	v.asOf(issued)
	return v, nil
}

func (s *Service) routes(ctx context.Context, r Round) ([]Route, error) {
	parts, err := all(ctx, s.store, r.Branch, routesByRound, r.ID, func(x routePart) bool { return x.Run == r.Run })
	return joined(parts), err
}

// Way is how far a team's planned way is.
type Way struct{ DistanceM, TravelS int }

// WayOf is the way that a round has planned for a team; zero where it has none.
func (s *Service) WayOf(ctx context.Context, b auth.BranchID, round, team string) (Way, error) {
	r, err := s.load(ctx, b, round)
	if e := (*refusal.Error)(nil); errors.As(err, &e) && e.Kind == refusal.NotFound {
		return Way{}, nil
	}
	if err != nil {
		return Way{}, err
	}
	routes, err := s.routes(ctx, r)
	var out Way
	for _, x := range routes {
		if x.Team == team {
			out = Way{x.DistanceM, x.TravelS}
		}
	}
	return out, err
}

// shown puts what is in memory about a round into its status.
func (s *Service) shown(r *Round) *Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.progress[r.ID]
	if !ok {
		return nil
	}
	if r.Status == Queued {
		r.Status = Planning
	}
	return &p
}

func (s *Service) report(id string, p Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress[id] = p
}

func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.progress, id)
}

// all reads every document of a round through an index.
func all[T any](ctx context.Context, store journal.Store, b auth.BranchID, ix journal.Index, round string,
	keep func(T) bool) ([]T, error) {
	out := []T{}
	q := journal.Query{Branch: b, Type: ix.Type, Index: ix.Name, Eq: []any{round}, Limit: 1000}
	for {
		f, err := store.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range f.Records {
			var x T
			if err := json.Unmarshal(rec.Body, &x); err != nil {
				return nil, fmt.Errorf("read %s %s: %w", rec.Type, rec.ID, err)
			}
			if keep(x) {
				out = append(out, x)
			}
		}
		if f.Next == "" {
			return out, nil
		}
		q.After = f.Next
	}
}
