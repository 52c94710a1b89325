package office

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Term is what a user was from an instant on, until that of the next term.
type Term struct {
	From     time.Time       `json:"from"`
	Role     auth.Role       `json:"role"`
	Branches []auth.BranchID `json:"branches"`
	Disabled bool            `json:"disabled,omitempty"`
}

// mostTerms is how many terms of a user are kept, the newest ones.
const mostTerms = 20

// noteTerm notes a change of what a user is, at an instant; was is the user before it.
func (u *User) noteTerm(was *User, at time.Time) {
	if u.Role == was.Role && u.Disabled == was.Disabled && slices.Equal(u.Branches, was.Branches) {
		return
	}
	if len(u.Terms) == 0 {
		u.Terms = []Term{{was.CreatedAt, was.Role, was.Branches, was.Disabled}}
	}
	u.Terms = append(slices.Clone(u.Terms), Term{at.UTC().Truncate(time.Second), u.Role, u.Branches, u.Disabled})
	u.Terms = u.Terms[max(0, len(u.Terms)-mostTerms):]
}

// termAt is what the user was at an instant. Before the first term that is known it is as in that term.
func (u *User) termAt(at time.Time) Term {
	t := Term{Role: u.Role, Branches: u.Branches, Disabled: u.Disabled}
	for i, x := range u.Terms {
		if i == 0 || !x.From.After(at) {
			t = x
		}
	}
	return t
}

// workedIn tells whether the user was an agent of a branch, and not disabled, at an instant.
func (u *User) workedIn(b auth.BranchID, at time.Time) bool {
	t := u.termAt(at)
	return t.Role == auth.RoleAgent && !t.Disabled && slices.Contains(t.Branches, b)
}

// WorkedIn gives the branch that a user was an agent of at each of some instants, "" where none is known. The error is
// the store's.
func (s *Service) WorkedIn(ctx context.Context, id auth.UserID, at []time.Time) ([]auth.BranchID, error) {
	out := make([]auth.BranchID, len(at))
	users, err := s.usersOf(ctx, []auth.UserID{id})
	if err != nil || users[0] == nil {
		return out, err
	}
	for i := range at {
		if t := users[0].termAt(at[i]); t.Role == auth.RoleAgent && len(t.Branches) == 1 {
			out[i] = t.Branches[0]
		}
	}
	return out, nil
}

// Absent tells which of some users could not work in a branch at an instant: who does not exist,
// was no agent of the branch or disabled then, or had devices all of which were blocked or wiped. An
// agent who never signed in on a device can have come along. The error is the store's.
func (s *Service) Absent(ctx context.Context, b auth.BranchID, ids []auth.UserID, at time.Time) ([]auth.UserID, error) {
	users, err := s.usersOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []auth.UserID
	for i, id := range ids {
		here := users[i] != nil && users[i].workedIn(b, at)
		if here {
			if here, err = s.hadDevice(ctx, id, at); err != nil {
				return nil, err
			}
		}
		if !here {
			out = append(out, id)
		}
	}
	return out, nil
}

// Formerly lists the branches that a user worked in before, without those of now; none of a user who does not exist.
// The error is the store's.
func (s *Service) Formerly(ctx context.Context, id auth.UserID) ([]auth.BranchID, error) {
	users, err := s.usersOf(ctx, []auth.UserID{id})
	if err != nil || users[0] == nil {
		return nil, err
	}
	return users[0].formerly(), nil
}

func (u *User) formerly() []auth.BranchID {
	var out []auth.BranchID
	for _, t := range u.Terms {
		for _, b := range t.Branches {
			if !slices.Contains(u.Branches, b) && !slices.Contains(out, b) {
				out = append(out, b)
			}
		}
	}
	return out
}

// hadDevice tells whether a user had a device at an instant that was not blocked, or none at all.
func (s *Service) hadDevice(ctx context.Context, id auth.UserID, at time.Time) (bool, error) {
	devices, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesByUser.Name,
		Eq: []any{string(id)}})
	if err != nil {
		return false, err
	}
	for _, d := range devices {
		if !d.Blocked || d.BlockedAt.After(at) {
			return true, nil
		}
	}
	return len(devices) == 0, nil
}
