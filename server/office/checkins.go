package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// Checkin is the state of a document of type "checkins" in a branch's journal, by the agent's id: the last time that an
// agent said how long they would be out of reach, or that they feel unsafe. It says where only by the assignment.
type Checkin struct {
	Agent      auth.UserID   `json:"agent"`
	Branch     auth.BranchID `json:"branch"`
	Device     auth.DeviceID `json:"device,omitempty"`     // the phone that said so
	Assignment string        `json:"assignment,omitempty"` // the stop at which they are
	State      string        `json:"state"`
	// StartedAt is when the agent began it, DueAt by when they check in again; DueAt is zero for one who feels unsafe.
	StartedAt time.Time `json:"started_at"`
	DueAt     time.Time `json:"due_at,omitzero" doc:"By when the agent checks in; absent for one who feels unsafe."`
	// AlertAt is when supervisors were alerted; zero for never.
	AlertAt time.Time `json:"alert_at,omitzero"`
	// EndedAt is when it was over, and By who ended it: the agent, or a supervisor who has looked after them.
	EndedAt time.Time   `json:"ended_at,omitzero"`
	By      auth.UserID `json:"by,omitempty"`
	// Alert is 1 while a supervisor has to act, for the index.
	Alert int `json:"alert,omitempty"`
}

// States of a check-in.
const (
	CheckinRunning = "running"
	CheckinDone    = "done"    // the agent checked in
	CheckinOverdue = "overdue" // nobody heard of the agent in time
	CheckinUnsafe  = "unsafe"  // the agent feels unsafe
	CheckinHandled = "handled" // a supervisor has looked after them
)

// Limits of a check-in.
const (
	mostCheckin = 240 // minutes
	// checkinPast is how far back a phone that was without network may have begun it.
	checkinPast = 24 * time.Hour
	// checkinAhead is by how much a phone's clock may be ahead.
	checkinAhead = 2 * time.Minute
)

// NewCheckin is what an agent's phone says.
type NewCheckin struct {
	Actor      auth.Actor
	Device     auth.DeviceID
	Assignment string
	// At is when the agent said so; zero for now. A phone without network sends it later.
	At time.Time
	// Minutes are for how long they will be out of reach.
	Minutes int
}

// branchOfAgent is the branch whose supervisors look after an agent. auth.role for who is no agent.
func branchOfAgent(a auth.Actor) (auth.BranchID, error) {
	if a.Role != auth.RoleAgent || len(a.Branches) != 1 {
		return "", refusal.New(refusal.Forbidden, "auth.role", "", "only agents check in")
	}
	return a.Branches[0], nil
}

// saidAt is when a phone said something, by a server's clock that shows now.
func (n NewCheckin) saidAt(now time.Time) (time.Time, error) {
	at := n.At
	switch {
	case at.IsZero() || at.After(now) && at.Before(now.Add(checkinAhead)):
		at = now
	case at.After(now):
		return at, invalid("checkin.at", "at", "this lies in the future; set the phone's clock")
	case at.Before(now.Add(-checkinPast)):
		return at, invalid("checkin.at", "at", "this is more than a day ago")
	}
	return at.UTC().Truncate(time.Second), nil
}

// StartCheckin begins an agent's timer, or begins it anew. One that comes late runs from when the agent began it. While
// supervisors look after an agent who feels unsafe, it changes nothing (checkin.unsafe). Errors: checkin.minutes,
// checkin.assignment, checkin.at, checkin.late, checkin.unsafe, auth.role.
func (s *Service) StartCheckin(ctx context.Context, ask Ask, n NewCheckin) (Checkin, error) {
	if n.Minutes < 1 || n.Minutes > mostCheckin {
		return Checkin{}, invalid("checkin.minutes", "minutes", fmt.Sprintf("write 1 to %d minutes", mostCheckin))
	}
	return s.checkin(ctx, ask, n, func(at time.Time, now *Checkin) (*Checkin, error) {
		switch {
		case now != nil && now.State == CheckinUnsafe:
			return nil, conflict("checkin.unsafe", "supervisors are looking after you; they end this")
		case now != nil && at.Before(now.StartedAt):
			return nil, conflict("checkin.late", "something later is known already")
		}
		return &Checkin{State: CheckinRunning, StartedAt: at, DueAt: at.Add(time.Duration(n.Minutes) * time.Minute)}, nil
	})
}

// FeelsUnsafe alerts the supervisors of an agent's branch, until one of them has looked after the agent. Said again, it
// is the same alert. Errors as of StartCheckin.
func (s *Service) FeelsUnsafe(ctx context.Context, ask Ask, n NewCheckin) (Checkin, error) {
	return s.checkin(ctx, ask, n, func(at time.Time, now *Checkin) (*Checkin, error) {
		if now != nil && now.State == CheckinUnsafe {
			return now, nil
		}
		if now != nil && now.State == CheckinHandled && at.Before(now.EndedAt) {
			return now, nil // a supervisor has looked after them since
		}
		return &Checkin{State: CheckinUnsafe, StartedAt: at, Alert: 1}, nil
	})
}

// EndCheckin is that an agent checks in. It ends a timer that ran out, too; that they feel unsafe only a supervisor
// ends. Without a timer it changes nothing. Errors: checkin.at, checkin.unsafe, auth.role.
func (s *Service) EndCheckin(ctx context.Context, ask Ask, n NewCheckin) (Checkin, error) {
	n.Assignment = ""
	return s.checkin(ctx, ask, n, func(at time.Time, now *Checkin) (*Checkin, error) {
		switch {
		case now == nil:
			return nil, notFound("checkin.not_found", "no timer is running")
		case now.State == CheckinUnsafe:
			return nil, conflict("checkin.unsafe", "supervisors are looking after you; they end this")
		case now.State != CheckinRunning && now.State != CheckinOverdue || at.Before(now.StartedAt):
			return now, nil
		}
		next := *now
		next.State, next.EndedAt, next.By, next.Alert = CheckinDone, at, n.Actor.User, 0
		return &next, nil
	})
}

// checkin changes the check-in of the agent who calls.
func (s *Service) checkin(ctx context.Context, ask Ask, n NewCheckin,
	decide func(at time.Time, now *Checkin) (*Checkin, error)) (Checkin, error) {
	b, err := branchOfAgent(n.Actor)
	if err != nil {
		return Checkin{}, err
	}
	if n.Assignment != "" && !idShape.MatchString(n.Assignment) {
		return Checkin{}, invalid("checkin.assignment", "assignment", "this is no id of an assignment")
	}
	out, err := apply(ctx, s, ask, change[Checkin]{branch: b, typ: "checkins", id: string(n.Actor.User),
		action: "checkin.agent",
		decide: func(_ context.Context, r *journal.Reader, now *Checkin) (*Checkin, error) {
			at, err := n.saidAt(r.At)
			if err != nil {
				return nil, err
			}
			next, err := decide(at, now)
			if err != nil || next == now {
				return next, err
			}
			if next.Agent == "" { // a new one
				next.Agent, next.Branch, next.Device, next.Assignment = n.Actor.User, b, n.Device, n.Assignment
				if next.Alert == 1 {
					next.AlertAt = r.At.UTC().Truncate(time.Second)
				}
			}
			return next, nil
		}})
	if err != nil {
		return Checkin{}, err
	}
	return *out, nil
}

// HandleCheckin notes that a supervisor has looked after an agent of whom they were alerted. Errors:
// checkin.not_found, checkin.no_alert, branch.not_found.
func (s *Service) HandleCheckin(ctx context.Context, ask Ask, a auth.Actor, b auth.BranchID,
	agent auth.UserID) (Checkin, error) {
	if !a.InBranch(b) {
		return Checkin{}, notFound("branch.not_found", "there is no such branch here")
	}
	out, err := apply(ctx, s, ask, change[Checkin]{branch: b, typ: "checkins", id: string(agent),
		action: "checkin.handle",
		decide: func(_ context.Context, r *journal.Reader, now *Checkin) (*Checkin, error) {
			switch {
			case now == nil:
				return nil, notFound("checkin.not_found", "this agent has never checked in here")
			case now.Alert == 0:
				return nil, conflict("checkin.no_alert", "there is no alert about this agent")
			}
			next := *now
			next.State, next.EndedAt, next.By, next.Alert = CheckinHandled, r.At.UTC().Truncate(time.Second), ask.By, 0
			return &next, nil
		}})
	if err != nil {
		return Checkin{}, err
	}
	return *out, nil
}

// CheckinAlerts lists the check-ins of a branch for which a supervisor has to act, the oldest first. The error is the
// store's.
func (s *Service) CheckinAlerts(ctx context.Context, b auth.BranchID) ([]Checkin, error) {
	found, err := list[Checkin](ctx, s, journal.Query{Branch: b, Type: "checkins", Index: checkinAlerts.Name,
		Eq: []any{int64(1)}})
	return values(found), err
}

// Checkins lists the check-ins of a branch that run or for which a supervisor has to act.
func (s *Service) Checkins(ctx context.Context, b auth.BranchID) ([]Checkin, error) {
	running, err := list[Checkin](ctx, s, journal.Query{Branch: b, Type: "checkins", Index: checkinsDue.Name,
		Eq: []any{CheckinRunning}})
	if err != nil {
		return nil, err
	}
	alerts, err := s.CheckinAlerts(ctx, b)
	return append(alerts, values(running)...), err
}

// RunOutCheckins alerts the supervisors of a branch for each timer that has run out by now. Each timer alerts once,
// however many nodes look, and however often: what alerts is that its state changes. It returns how many it changed.
func (s *Service) RunOutCheckins(ctx context.Context, b auth.BranchID, now time.Time) (int, error) {
	due, err := list[Checkin](ctx, s, journal.Query{Branch: b, Type: "checkins", Index: checkinsDue.Name,
		Eq: []any{CheckinRunning}, To: now.UTC().Add(time.Second).Format(time.RFC3339)})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range due {
		if c.DueAt.After(now) {
			continue
		}
		alerted := false
		id := "checkin:" + journal.DerivedID(string(c.Agent), c.StartedAt.Format(time.RFC3339),
			c.DueAt.Format(time.RFC3339))
		_, err := apply(ctx, s, Ask{By: auth.System().User, Command: id}, change[Checkin]{branch: b, typ: "checkins",
			id: string(c.Agent), action: "checkin.overdue",
			decide: func(_ context.Context, r *journal.Reader, now *Checkin) (*Checkin, error) {
				if now == nil || now.State != CheckinRunning || !now.DueAt.Equal(c.DueAt) {
					return nil, errSettled
				}
				next := *now
				next.State, next.Alert, next.AlertAt = CheckinOverdue, 1, r.At.UTC().Truncate(time.Second)
				alerted = true
				return &next, nil
			}})
		if err != nil && !errors.Is(err, errSettled) {
			return n, fmt.Errorf("alert of %s: %w", c.Agent, err)
		}
		if alerted {
			n++
		}
	}
	return n, nil
}

// errSettled says that an agent checked in while their timer was looked at.
var errSettled = errors.New("the agent has checked in meanwhile")

// sortedIDs are ids, each once.
func sortedIDs(ids []auth.UserID) []auth.UserID {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}
