package dispatch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/office"
)

// RoundProgress is how a published round stands at an instant.
type RoundProgress struct {
	ID          string        `json:"id"`
	Branch      auth.BranchID `json:"branch"`
	Date        string        `json:"date"` // local to the branch
	Status      string        `json:"status"`
	Version     int           `json:"version,omitempty"`     // how often the published round was planned anew
	PublishedAt time.Time     `json:"published_at,omitzero"` // absent: it is not published
	AsOf        time.Time     `json:"as_of"`                 // UTC
	Tally
	Teams []TeamProgress `json:"teams"` // by id
}

// Tally counts the stops that were issued, each once: Stops is the sum of the others. A stop that was taken back from
// one team and given to another counts with both.
type Tally struct {
	Stops     int `json:"stops"`     // all that were issued
	Open      int `json:"open"`      // not begun; accepted ones too
	UnderWay  int `json:"under_way"` // the team is on its way, or at the door
	Done      int `json:"done"`      // visited
	Declined  int `json:"declined"`  // an agent declined it
	Revoked   int `json:"revoked"`   // taken back from the phones
	Cancelled int `json:"cancelled"` // its day ended without a visit
}

// TeamProgress is how a team's day stands.
type TeamProgress struct {
	Team   string        `json:"team"`
	Agents []auth.UserID `json:"agents"` // of the stops that were issued, sorted
	Tally
	// NextETA is when the next open stop is expected; zero when none is left.
	NextETA time.Time `json:"next_eta,omitzero"`
	// LastDoneAt is when the last visit was made, by the corrected clock of the phone.
	LastDoneAt time.Time   `json:"last_done_at,omitzero"`
	Phones     []PhoneSeen `json:"phones"` // those that may call, by user and device
}

// PhoneSeen is a phone of an agent of the day.
type PhoneSeen struct {
	User   auth.UserID   `json:"user"`
	Device auth.DeviceID `json:"device,omitempty"` // "" for an agent without a phone that may call
	// LastCallAt is when it pulled, pushed or listened last, at least to ten minutes; zero for never.
	LastCallAt time.Time `json:"last_call_at,omitzero"`
	Silent     bool      `json:"silent,omitempty"` // see silentAfter and silentFor
}

// A phone is silent that has not called since what it has of the day was published, or planned anew, silentAfter ago,
// or for silentFor while its team is out. Both are our own values: a phone with a network pulls within a minute, and
// cellars and valleys are no reason to worry for two hours. An agent with several phones is heard by any of them.
const (
	silentAfter = 15 * time.Minute
	silentFor   = 2 * time.Hour
)

// silentSince is since when a phone that called last at some time is silent; zero when it is not. leaves and returns
// are the team's.
func silentSince(last, published, leaves, returns, now time.Time) time.Time {
	switch {
	case last.Before(published) && now.Sub(published) >= silentAfter:
		return published
	case now.After(leaves) && now.Before(returns) && now.Sub(last) >= silentFor && now.Sub(published) >= silentFor:
		return last
	}
	return time.Time{}
}

// Progress tells how a published round stands now: its stops by team, and the phones of its agents. It costs one read
// of the round's own assignments and one of its devices. Refusals: round.not_found.
func (s *Service) Progress(ctx context.Context, a auth.Actor, id string) (RoundProgress, error) {
	r, err := s.find(ctx, a, id)
	if err != nil {
		return RoundProgress{}, err
	}
	s.shown(&r)
	return s.progressOf(ctx, r)
}

// BranchOf finds the branch of a round that the actor may know of. Refusals: round.not_found.
func (s *Service) BranchOf(ctx context.Context, a auth.Actor, id string) (auth.BranchID, error) {
	r, err := s.find(ctx, a, id)
	return r.Branch, err
}

func (s *Service) progressOf(ctx context.Context, r Round) (RoundProgress, error) {
	issued, err := s.opt.Casework.RoundAssignments(ctx, r.Branch, r.ID)
	if err != nil {
		return RoundProgress{}, err
	}
	routes, err := s.routes(ctx, r)
	if err != nil {
		return RoundProgress{}, err
	}
	var users []auth.UserID
	for i := range issued {
		users = append(users, issued[i].Agents...)
	}
	slices.Sort(users)
	devices, err := s.opt.Office.InUse(ctx, slices.Compact(users))
	if err != nil {
		return RoundProgress{}, err
	}
	ids := make([]auth.DeviceID, len(devices))
	for i, d := range devices {
		ids[i] = d.ID
	}
	calls, err := s.opt.Office.LastCalls(ctx, ids)
	if err != nil {
		return RoundProgress{}, err
	}
	return tally(r, routes, issued, devices, calls, s.opt.Journal.Now()), nil
}

// tally counts a round's stops by team and judges its phones. It is pure.
func tally(r Round, routes []Route, issued []casework.Issued, devices []office.Device,
	calls map[auth.DeviceID]time.Time, now time.Time) RoundProgress {
	p := RoundProgress{ID: r.ID, Branch: r.Branch, Date: r.Date, Status: r.Status, Version: r.Version,
		PublishedAt: r.PublishedAt, AsOf: now.UTC().Truncate(time.Second), Teams: []TeamProgress{}}
	at := map[string]int{}
	for i := range issued {
		a := &issued[i]
		k, known := at[a.Team]
		if !known {
			k = len(p.Teams)
			at[a.Team] = k
			p.Teams = append(p.Teams, TeamProgress{Team: a.Team, Agents: []auth.UserID{}, Phones: []PhoneSeen{}})
		}
		t := &p.Teams[k]
		st := stopFrom(a)
		st.stand(a)
		p.count(st.State)
		t.count(st.State)
		if st.VisitedAt.After(t.LastDoneAt) {
			t.LastDoneAt = st.VisitedAt
		}
		if a.Open() && st.State != stopDeclined && (t.NextETA.IsZero() || st.ETA.Before(t.NextETA)) {
			t.NextETA = st.ETA
		}
		if a.Open() || a.Done() {
			t.Agents = append(t.Agents, a.Agents...)
		}
	}
	for i := range p.Teams {
		t := &p.Teams[i]
		slices.Sort(t.Agents)
		t.Agents = slices.Compact(t.Agents)
		t.phones(r, routes, devices, calls, now)
	}
	slices.SortFunc(p.Teams, func(a, b TeamProgress) int { return cmp.Compare(a.Team, b.Team) })
	return p
}

// count counts a stop in a state.
func (n *Tally) count(state string) {
	n.Stops++
	switch state {
	case stopDone:
		n.Done++
	case stopDeclined:
		n.Declined++
	case stopRevoked:
		n.Revoked++
	case stopCancelled:
		n.Cancelled++
	case stopUnderWay:
		n.UnderWay++
	default:
		n.Open++
	}
}

// phones lists the phones of the team's agents and judges which are silent: none of a round that is not on the phones.
func (t *TeamProgress) phones(r Round, routes []Route, devices []office.Device, calls map[auth.DeviceID]time.Time,
	now time.Time) {
	published := r.PublishedAt
	if r.Replan != nil && r.Replan.At.After(published) {
		published = r.Replan.At
	}
	var leaves, returns time.Time
	if i := slices.IndexFunc(routes, func(x Route) bool { return x.Team == t.Team }); i >= 0 {
		leaves, returns = routes[i].Leaves, routes[i].Returns
	}
	for _, agent := range t.Agents {
		first := len(t.Phones)
		var last time.Time
		for _, d := range devices {
			if d.User == agent {
				t.Phones = append(t.Phones, PhoneSeen{User: agent, Device: d.ID, LastCallAt: calls[d.ID]})
				if calls[d.ID].After(last) {
					last = calls[d.ID]
				}
			}
		}
		if len(t.Phones) == first {
			t.Phones = append(t.Phones, PhoneSeen{User: agent})
		}
		silent := r.OnPhones() && !silentSince(last, published, leaves, returns, now).IsZero()
		for i := range t.Phones[first:] {
			t.Phones[first+i].Silent = silent
		}
	}
}

// SilentPhone is an agent of a published round of today whose phones do not call.
type SilentPhone struct {
	User   auth.UserID
	Device auth.DeviceID // the one that called last; "" for an agent without a phone that may call
	Round  string
	Team   string
	// Since is when it called last, or when the round was published if it did not since.
	Since time.Time
}

// SilentPhones lists the agents of today's round who have stops left and whose phones are silent, in order of team and
// user. Today is the branch's. It costs what Progress costs. Refusals: branch.not_found.
func (s *Service) SilentPhones(ctx context.Context, a auth.Actor, b auth.BranchID) ([]SilentPhone, error) {
	if !a.InBranch(b) {
		return nil, refuse(refusal.NotFound, "branch.not_found", "branch", "there is no such branch here")
	}
	_, zone, err := s.branch(ctx, b)
	if err != nil {
		return nil, err
	}
	rounds, err := s.roundsOn(ctx, b, s.opt.Journal.Now().In(zone).Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	out := []SilentPhone{}
	for _, r := range rounds {
		if !r.OnPhones() {
			continue
		}
		p, err := s.progressOf(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, silentOf(&p)...)
	}
	return out, nil
}

// silentOf lists the agents whose phones are silent, each once. Teams whose work is done need not be heard.
func silentOf(p *RoundProgress) []SilentPhone {
	var out []SilentPhone
	for _, t := range p.Teams {
		if t.Open+t.UnderWay == 0 {
			continue
		}
		for _, ph := range t.Phones {
			if !ph.Silent {
				continue
			}
			x := SilentPhone{User: ph.User, Device: ph.Device, Round: p.ID, Team: t.Team, Since: ph.LastCallAt}
			if x.Since.Before(p.PublishedAt) {
				x.Since = p.PublishedAt
			}
			if n := len(out); n > 0 && out[n-1].User == ph.User && out[n-1].Team == t.Team {
				if x.Since.After(out[n-1].Since) {
					out[n-1] = x
				}
				continue
			}
			out = append(out, x)
		}
	}
	return out
}
