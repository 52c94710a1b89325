// One file because a proposal is asked for, compared, checked and accepted by what one type holds.

package dispatch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// MaxProposalS is how long the search for a proposal may take, in seconds: its request is answered after it.
const MaxProposalS = 30

// proposalLasts is how long a proposal may be accepted (our own value): the day goes on meanwhile.
const proposalLasts = 15 * time.Minute

// What a lock keeps of a stop.
const (
	KeepTeam  = "team"  // the team that has it
	KeepTime  = "time"  // its time, to keepWithin
	KeepVisit = "visit" // that it is made at all
)

// keepWithin is how far a stop whose time is locked may move (our own value).
const keepWithin = 15 * time.Minute

// sameTime is by how much a stop's time may change until a proposal says that it moves (our own value).
const sameTime = 5 * time.Minute

// MovedCase is a case that a supervisor gives to a team for a day, wherever its home lies.
type MovedCase struct {
	Case journal.CaseID `json:"case"`
	Team string         `json:"team"`
}

// Lock is what a proposal may not change: a team's visits, or with Case what Keep says of one visit.
type Lock struct {
	Team string         `json:"team,omitempty"`
	Case journal.CaseID `json:"case,omitempty"`
	Keep string         `json:"keep,omitempty"` // KeepTeam, KeepTime, KeepVisit
}

// ProposalParams are what a proposal is asked with.
type ProposalParams struct {
	ReplanParams
	Moves []MovedCase
	Locks []Lock
}

// Proposal is the state of a document of type "proposals": a published day planned anew, which nobody has until it is
// accepted.
type Proposal struct {
	ID     string        `json:"id"`
	Branch auth.BranchID `json:"branch"`
	Round  Round         `json:"round"` // as it would be
	// Standing is a hash of what phones had of the round.
	Standing string `json:"standing"`
}

// Kinds of changes.
const (
	ChangeMoved = "moved" // to another team or time
	ChangeNew   = "new"   // it had no visit
	ChangeGone  = "gone"  // it would have none
)

// Place is where a plan has a visit.
type Place struct {
	Team string    `json:"team"`
	Seq  int       `json:"seq"`
	ETA  time.Time `json:"eta"`
}

// Change is what a proposal would do to one case.
type Change struct {
	Case journal.CaseID `json:"case"`
	Kind string         `json:"kind"`
	Was  *Place         `json:"was,omitempty"`
	Then *Place         `json:"then,omitempty"`
	// Code, Rule and Cite say why it would have no visit.
	Code string   `json:"code,omitempty"`
	Rule string   `json:"rule,omitempty"`
	Cite []string `json:"cite,omitempty"`
}

// TeamChange is what a proposal would do to a team's route.
type TeamChange struct {
	Team string `json:"team"`
	// Over counts visits that are done or under way, Kept those that stay as they are, Moved those to another time, New
	// those that the team would get, Gone those that it would lose.
	Over, Kept, Moved, New, Gone int
	Returns, ReturnsThen         time.Time // zero: it has no route
	TravelS, TravelThenS         int
}

// Broken is a lock or a move that a proposal does not keep: the law, the hours or the roads do not allow it.
type Broken struct {
	Lock *Lock      `json:"lock,omitempty"`
	Move *MovedCase `json:"move,omitempty"`
	Case journal.CaseID
	Code string // why, where a case would have no visit; "" where it would have one elsewhere or at another time
	Rule string
}

// Proposed is a proposal with what it would change.
type Proposed struct {
	ID     string
	At     time.Time
	Until  time.Time
	Round  Round // as it would be
	Was    Round
	Teams  []TeamChange
	Change []Change
	Broken []Broken
	Routes []Route
}

// Propose plans a published day anew as Replan would, with moves and locks, and tells what would change: nothing has
// until AcceptProposal. It answers after the search. One proposal of a branch is searched at a time. Errors: those of
// Replan, round.lock, round.move, round.proposing.
func (s *Service) Propose(ctx context.Context, ask Ask, id string, p ProposalParams) (*Proposed, error) {
	was, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return nil, err
	}
	if p.TimeLimitS == 0 {
		p.TimeLimitS = DefaultReplanS
	}
	if p.TimeLimitS < 1 || p.TimeLimitS > MaxProposalS {
		return nil, refuse(refusal.Invalid, "round.limit", "time_limit_s",
			fmt.Sprintf("the search for a proposal may take 1 to %d seconds", MaxProposalS))
	}
	if !s.beginProposal(was.Branch) {
		return nil, refuse(refusal.Conflict, "round.proposing", "",
			"another proposal for a day of this branch is being searched; ask again in a moment")
	}
	defer s.endProposal(was.Branch)
	r, err := s.proposable(ctx, ask, was, p)
	if err != nil {
		return nil, err
	}
	view, err := s.Round(ctx, ask.Actor, id)
	if err != nil {
		return nil, err
	}
	if err := s.checkLocks(ctx, view, &r, p); err != nil {
		return nil, err
	}
	standing, err := s.standing(ctx, r)
	if err != nil {
		return nil, err
	}
	defer s.forget(r.ID)
	began := time.Now()
	day, err := s.lay(ctx, &r)
	if err != nil {
		return nil, err
	}
	r.result(r.Run, day, r.Replan.At, time.Since(began))
	out := &Proposed{ID: r.Replan.Proposal, At: r.Replan.At, Until: r.Replan.At.Add(proposalLasts), Round: r,
		Was: view.Round, Routes: day.routes}
	out.compare(view, day)
	out.check(view, day, p)
	state, err := json.Marshal(Proposal{ID: out.ID, Branch: r.Branch, Round: r, Standing: standing})
	if err != nil {
		return nil, err
	}
	by := Ask{Actor: ask.Actor, Command: "round:" + r.ID + ":propose:" + out.ID}
	_, err = s.do(ctx, r.Branch, by, func(ctx context.Context, rd *journal.Reader) (journal.Draft, error) {
		if _, _, err := rd.Doc(ctx, "proposals", out.ID); err != nil {
			return journal.Draft{}, err
		}
		d := journal.Draft{Action: "round.propose"}
		d.Put("proposals", out.ID, state)
		return d, nil
	})
	return out, err
}

// proposable checks that the day of a round can be planned anew, and gives the round as a proposal begins with it.
func (s *Service) proposable(ctx context.Context, ask Ask, r Round, p ProposalParams) (out Round, err error) {
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return out, err
	}
	look := Ask{Actor: ask.Actor, Command: "round:" + r.ID + ":look:" + journal.NewID()}
	err = s.change(ctx, r.Branch, look, r.ID, "round.look", func(rd *journal.Reader, now *Round) error {
		if now.Status != Published {
			return refuse(refusal.Conflict, "round.state", "",
				"only a published round can be planned anew; this one is "+now.Status)
		}
		without, err := s.mayReplan(ctx, rd, *now, p.ReplanParams, zone)
		if err != nil {
			return err
		}
		out = *now
		out.Status, out.Version, out.StoppedBy = Replanning, now.Version+1, ""
		out.Replan = &Replan{At: rd.At.UTC().Truncate(time.Second), By: ask.Actor.User, Without: without, Seed: p.Seed,
			TimeLimitS: p.TimeLimitS, Was: now.Run, Moves: now.moved(p.Moves), Locks: p.Locks, Proposal: journal.NewID()}
		return nil
	})
	return out, err
}

// moved are the cases that supervisors moved in this round, with those that are moved now.
func (r *Round) moved(now []MovedCase) []MovedCase {
	var out []MovedCase
	if r.Replan != nil {
		out = slices.DeleteFunc(slices.Clone(r.Replan.Moves), func(m MovedCase) bool {
			return slices.ContainsFunc(now, func(n MovedCase) bool { return n.Case == m.Case })
		})
	}
	return append(out, now...)
}

// beginProposal claims a branch for the search of a proposal, and says whether it could.
func (s *Service) beginProposal(b auth.BranchID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proposing[b] {
		return false
	}
	s.proposing[b] = true
	return true
}

func (s *Service) endProposal(b auth.BranchID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.proposing, b)
}

// standing is a hash of what phones have of a round: what is to be visited or was, by whom, and what was declined.
func (s *Service) standing(ctx context.Context, r Round) (string, error) {
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for i := range issued {
		if a := &issued[i]; a.Open() || a.Done() {
			fmt.Fprintf(h, "%s %s %t\n", a.ID, a.Team, a.Open() && a.AgentStatus == stopDeclined)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// checkLocks refuses locks and moves of what the round does not have. round.lock, round.move.
func (s *Service) checkLocks(ctx context.Context, v View, r *Round, p ProposalParams) error {
	open, over, leftOut := map[journal.CaseID]bool{}, map[journal.CaseID]bool{}, map[journal.CaseID]bool{}
	teams := map[string]bool{}
	for _, route := range v.Routes {
		teams[route.Team] = true
		for i := range route.Stops {
			st := &route.Stops[i]
			open[st.Case] = st.toMake() && st.State != stopUnderWay
			over[st.Case] = st.State == stopUnderWay || st.State == stopDone
		}
	}
	for _, l := range v.LeftOut {
		leftOut[l.Case] = true
	}
	for i, l := range p.Locks {
		at := fmt.Sprintf("locks[%d]", i)
		switch {
		case (l.Team == "") == (l.Case == ""):
			return refuse(refusal.Invalid, "round.lock", at, "a lock names either a team or a case")
		case l.Team != "" && l.Keep != "":
			return refuse(refusal.Invalid, "round.lock", at+".keep", "a team's lock keeps all its visits; leave keep out")
		case l.Team != "" && !teams[l.Team]:
			return refuse(refusal.Invalid, "round.lock", at+".team", "the team has no route in this round; leave the lock out")
		case l.Team != "" && slices.Contains(r.Replan.Without, l.Team):
			return refuse(refusal.Invalid, "round.lock", at+".team", "the team has dropped out, so that it keeps nothing")
		case l.Case != "" && l.Keep != KeepTeam && l.Keep != KeepTime && l.Keep != KeepVisit:
			return refuse(refusal.Invalid, "round.lock", at+".keep", "keep is team, time or visit")
		case l.Case != "" && !open[l.Case]:
			return refuse(refusal.Invalid, "round.lock", at+".case",
				"the round has no such visit that is still to be made; leave the lock out")
		}
	}
	shifts, err := s.opt.Office.Shifts(ctx, r.Branch, r.Date)
	if err != nil {
		return err
	}
	working := map[string]bool{}
	for _, sh := range shifts {
		working[sh.Team] = !slices.Contains(r.Replan.Without, sh.Team) &&
			(len(r.Teams) == 0 || slices.Contains(r.Teams, sh.Team))
	}
	for i, m := range p.Moves {
		at := fmt.Sprintf("moves[%d]", i)
		switch {
		case slices.ContainsFunc(p.Moves[:i], func(o MovedCase) bool { return o.Case == m.Case }):
			return refuse(refusal.Invalid, "round.move", at+".case", "the case is moved twice")
		case over[m.Case]:
			return refuse(refusal.Invalid, "round.move", at+".case",
				"the visit is under way or done, so that it cannot be moved any more")
		case !open[m.Case] && !leftOut[m.Case]:
			return refuse(refusal.Invalid, "round.move", at+".case", "the round has no such case")
		case !working[m.Team]:
			return refuse(refusal.Invalid, "round.move", at+".team", "no such team goes out in this round")
		}
	}
	return nil
}

// toMake tells whether a stop of a view is still to be made.
func (st *Stop) toMake() bool {
	switch st.State {
	case stopDone, stopDeclined, stopRevoked, stopCancelled:
		return false
	}
	return true
}

// placesOf are the visits of routes that are still to be made, by case.
func placesOf(routes []Route) map[journal.CaseID]Place {
	out := map[journal.CaseID]Place{}
	for _, r := range routes {
		for i := range r.Stops {
			if st := &r.Stops[i]; st.toMake() && st.State != stopUnderWay {
				out[st.Case] = Place{r.Team, st.Seq, st.ETA}
			}
		}
	}
	return out
}

// compare says what a planned day changes against how the round stands.
func (p *Proposed) compare(v View, d *day) {
	was, then := placesOf(v.Routes), placesOf(d.routes)
	over := map[journal.CaseID]bool{}
	teams := map[string]*TeamChange{}
	of := func(team string) *TeamChange {
		if teams[team] == nil {
			teams[team] = &TeamChange{Team: team}
		}
		return teams[team]
	}
	for _, r := range v.Routes {
		t := of(r.Team)
		t.Returns, t.TravelS = r.Returns, r.TravelS
	}
	for _, r := range d.routes {
		t := of(r.Team)
		t.ReturnsThen, t.TravelThenS = r.Returns, r.TravelS
		for i := range r.Stops {
			if r.Stops[i].State != "" {
				t.Over++
				over[r.Stops[i].Case] = true
			}
		}
	}
	why := map[journal.CaseID]LeftOut{}
	for _, l := range d.leftOut {
		why[l.Case] = l
	}
	for id, a := range was {
		b, stays := then[id]
		switch {
		case over[id]:
			// What the team has begun is settled.
		case !stays:
			of(a.Team).Gone++
			l := why[id]
			p.Change = append(p.Change, Change{Case: id, Kind: ChangeGone, Was: &a, Code: l.Code, Rule: l.Rule, Cite: l.Cite})
		case a.Team != b.Team:
			of(a.Team).Gone++
			of(b.Team).New++
			p.Change = append(p.Change, Change{Case: id, Kind: ChangeMoved, Was: &a, Then: &b})
		case b.ETA.Sub(a.ETA).Abs() > sameTime:
			of(a.Team).Moved++
			p.Change = append(p.Change, Change{Case: id, Kind: ChangeMoved, Was: &a, Then: &b})
		default:
			of(a.Team).Kept++
		}
	}
	for id, b := range then {
		if _, had := was[id]; !had {
			of(b.Team).New++
			p.Change = append(p.Change, Change{Case: id, Kind: ChangeNew, Then: &b})
		}
	}
	slices.SortFunc(p.Change, func(a, b Change) int { return cmp.Compare(a.Case, b.Case) })
	p.Teams = []TeamChange{}
	for _, t := range teams {
		p.Teams = append(p.Teams, *t)
	}
	slices.SortFunc(p.Teams, func(a, b TeamChange) int { return cmp.Compare(a.Team, b.Team) })
}

// check finds the locks and moves that a planned day does not keep.
func (p *Proposed) check(v View, d *day, asked ProposalParams) {
	was, then := placesOf(v.Routes), placesOf(d.routes)
	why := map[journal.CaseID]LeftOut{}
	for _, l := range d.leftOut {
		why[l.Case] = l
	}
	over := map[journal.CaseID]bool{}
	for _, r := range d.routes {
		for i := range r.Stops {
			over[r.Stops[i].Case] = over[r.Stops[i].Case] || r.Stops[i].State != ""
		}
	}
	p.Broken = []Broken{}
	for i := range asked.Locks {
		l := &asked.Locks[i]
		for id, a := range was {
			b, stays := then[id]
			mine := l.Case == id || l.Team != "" && l.Team == a.Team
			kept := stays && (l.Keep == KeepTime || l.Keep == KeepVisit || b.Team == a.Team) &&
				(l.Keep != KeepTime || b.ETA.Sub(a.ETA).Abs() <= keepWithin)
			if mine && !kept && !over[id] {
				p.Broken = append(p.Broken, Broken{Lock: l, Case: id, Code: why[id].Code, Rule: why[id].Rule})
			}
		}
	}
	for i := range asked.Moves {
		m := &asked.Moves[i]
		if b, stays := then[m.Case]; !stays || b.Team != m.Team {
			p.Broken = append(p.Broken, Broken{Move: m, Case: m.Case, Code: why[m.Case].Code, Rule: why[m.Case].Rule})
		}
	}
	slices.SortStableFunc(p.Broken, func(a, b Broken) int { return cmp.Compare(a.Case, b.Case) })
}

// AcceptProposal puts a proposal in force: it becomes the round's next version and goes to the phones as it was shown.
// What the law, the cases and the agents forbid by then is left out as at any publishing. Accepting again is the same.
// Errors: round.not_found, round.proposal for none, round.proposal_old when the day has gone on since in a way that the
// proposal does not know, or for long; those of Replan.
func (s *Service) AcceptProposal(ctx context.Context, ask Ask, id, proposal string) (Round, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Round{}, err
	}
	p, err := s.proposal(ctx, r, proposal)
	if err != nil {
		return Round{}, err
	}
	if r.Replan != nil && r.Replan.Proposal == proposal {
		return r, nil
	}
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return Round{}, err
	}
	standing, err := s.standing(ctx, r)
	if err != nil {
		return Round{}, err
	}
	if err := s.change(ctx, r.Branch, ask, id, "round.accept", func(rd *journal.Reader, now *Round) error {
		if now.Replan != nil && now.Replan.Proposal == proposal {
			return nil
		}
		if now.Status != Published || now.Version != p.Round.Version-1 || now.Run != p.Round.Replan.Was {
			return oldProposal("the round has been planned anew, or called off, since it was made")
		}
		if rd.At.After(p.Round.Replan.At.Add(proposalLasts)) {
			return oldProposal(fmt.Sprintf("it is older than %d minutes", int(proposalLasts.Minutes())))
		}
		if standing != p.Standing {
			return oldProposal("visits have been made, declined, given or taken back since it was made")
		}
		// The teams that are out are in the proposal; whether the others still can go is asked again.
		if _, err := s.mayReplan(ctx, rd, p.Round, ReplanParams{}, zone); err != nil {
			return err
		}
		*now = p.Round
		now.Status = Publishing
		return nil
	}); err != nil {
		return Round{}, err
	}
	s.poke(r.Branch)
	return s.load(ctx, r.Branch, id)
}

func oldProposal(why string) *refusal.Error {
	return refuse(refusal.Conflict, "round.proposal_old", "proposal", "the proposal does not fit the day any more: "+why+
		". Ask for a new one")
}

// proposal reads a proposal of a round. round.proposal.
func (s *Service) proposal(ctx context.Context, r Round, id string) (Proposal, error) {
	var p Proposal
	recs, err := s.store.Records(ctx, r.Branch, []journal.DocRef{{Type: "proposals", ID: id}})
	if err != nil {
		return p, err
	}
	none := refuse(refusal.NotFound, "round.proposal", "proposal", "there is no such proposal for this round")
	if recs[0].Type == "" || recs[0].Deleted {
		return p, none
	}
	if err := json.Unmarshal(recs[0].Body, &p); err != nil {
		return p, fmt.Errorf("read proposal %s: %w", id, err)
	}
	if p.Round.ID != r.ID {
		return p, none
	}
	return p, nil
}

// locks are what a search may not change.
type locks struct {
	teams map[string]bool
	cases map[journal.CaseID]map[string]bool // by what is kept
}

// movesOf are the teams to which supervisors moved cases in a round.
func movesOf(r Round) map[journal.CaseID]string {
	out := map[journal.CaseID]string{}
	if r.Replan != nil {
		for _, m := range r.Replan.Moves {
			out[m.Case] = m.Team
		}
	}
	return out
}

func locksOf(r Round) locks {
	out := locks{teams: map[string]bool{}, cases: map[journal.CaseID]map[string]bool{}}
	if r.Replan == nil {
		return out
	}
	for _, l := range r.Replan.Locks {
		if l.Team != "" {
			out.teams[l.Team] = true
			continue
		}
		if out.cases[l.Case] == nil {
			out.cases[l.Case] = map[string]bool{}
		}
		out.cases[l.Case][l.Keep] = true
	}
	return out
}

// hold narrows a candidate to what the locks leave it, and says why it has no visit when they leave nothing.
func (l locks) hold(c *candidate, crews []crew, past *soFar) whyNot {
	e, onPhones := past.earlier(c.id)
	keep := l.cases[c.id]
	stays := onPhones && (l.teams[e.team] || keep[KeepTeam])
	own := slices.IndexFunc(c.crews, func(i int) bool { return onPhones && crews[i].team.ID == e.team })
	switch {
	case stays && own >= 0:
		c.crews = c.crews[own : own+1]
	case len(l.teams) > 0:
		// A locked team gets no other visits.
		c.crews = slices.DeleteFunc(slices.Clone(c.crews), func(i int) bool { return l.teams[crews[i].team.ID] })
		if len(c.crews) == 0 {
			return whyNot{code: TeamLocked}
		}
	}
	c.must = c.must || stays || onPhones && len(keep) > 0
	if onPhones && keep[KeepTime] {
		span := []Window{{From: e.eta.Add(-keepWithin), To: e.eta.Add(keepWithin)}}
		// A time that cannot be kept is told, and costs nobody the visit.
		if ws := overlap(c.windows, span, 0); len(ws) > 0 {
			c.windows = ws
		}
	}
	return whyNot{}
}
