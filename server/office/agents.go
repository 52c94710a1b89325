package office

import (
	"context"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Agent is what supervisors see of an agent of their branches: neither login nor password.
type Agent struct {
	ID           auth.UserID   `json:"id"`
	Name         string        `json:"name"`
	Branch       auth.BranchID `json:"branch"`
	Language     string        `json:"language,omitempty"`
	BadgeNo      string        `json:"badge_no,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"` // trainings and exams that hold until a date
	Disabled     bool          `json:"disabled,omitempty"`
}

// Agents lists the agents of a branch in order of id; "" is every branch of the actor. A page
// may be short though more follow.
func (s *Service) Agents(ctx context.Context, a auth.Actor, branch auth.BranchID, limit int,
	cursor string) ([]Agent, string, error) {
	f, err := s.store.Find(ctx, journal.Query{Branch: auth.OrgBranch, Type: "users", Index: usersByRole.Name,
		Eq: []any{string(auth.RoleAgent)}, Limit: limit, After: cursor})
	if err != nil {
		return nil, "", err
	}
	out := []Agent{}
	for _, rec := range f.Records {
		u, err := decode[User](rec)
		if err != nil {
			return nil, "", err
		}
		if manages(a, u) && (branch == "" || u.Branches[0] == branch) {
			out = append(out, Agent{ID: u.ID, Name: u.Name, Branch: u.Branches[0], Language: u.Language, BadgeNo: u.BadgeNo,
				Certificates: u.Certificates,
				Disabled:     u.Disabled})
		}
	}
	return out, f.Next, nil
}

// Manages tells whether an actor looks after the devices of a user: an administrator of all,
// a supervisor of the agents in their branches. A user who does not exist is nobody's.
func (s *Service) Manages(ctx context.Context, a auth.Actor, user auth.UserID) (bool, error) {
	if a.Role == auth.RoleAdmin {
		return true, nil
	}
	u, ok, err := load[User](ctx, s, auth.OrgBranch, "users", string(user))
	if err != nil || !ok {
		return false, err
	}
	return manages(a, u), nil
}

// ManagedDevice is a device of a user whom the actor looks after. device.not_found, for
// another's device as for none.
func (s *Service) ManagedDevice(ctx context.Context, a auth.Actor, id auth.DeviceID) (Device, error) {
	d, err := s.Device(ctx, id)
	if err != nil {
		return Device{}, err
	}
	mine, err := s.Manages(ctx, a, d.User)
	if err != nil {
		return Device{}, err
	}
	if !mine {
		return Device{}, noDevice()
	}
	return d, nil
}

func noDevice() error { return notFound("device.not_found", "no such device") }

// manages tells whether an agent is in the actor's care.
func manages(a auth.Actor, u *User) bool {
	switch a.Role {
	case auth.RoleAdmin:
		return len(u.Branches) > 0
	case auth.RoleSupervisor:
		return u.Role == auth.RoleAgent && len(u.Branches) > 0 && a.InBranch(u.Branches[0])
	}
	return false
}

// Person is a user by name.
type Person struct {
	ID   auth.UserID `json:"id"`
	Name string      `json:"name"`
}

// People gives the names of users, each once, in order of id; users who do not exist are left out.
func (s *Service) People(ctx context.Context, ids []auth.UserID) ([]Person, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	users, err := s.usersOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := []Person{}
	for _, u := range users {
		if u != nil {
			out = append(out, Person{u.ID, u.Name})
		}
	}
	return out, nil
}
