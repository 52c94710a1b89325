package office

import (
	"context"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Reasons why a branch cannot send an agent out.
const (
	AgentUnknown  = "unknown"  // no such user, or one who is no agent
	AgentDisabled = "disabled" // the user is disabled
	AgentMoved    = "moved"    // the agent belongs to another branch
	AgentBlocked  = "blocked"  // all devices of the agent are blocked
	AgentWiped    = "wiped"    // the same, and at least one was told to erase what it holds
)

// Unable tells which of the users a branch cannot send out as agents, and why. An agent who has not signed in on
// any device yet can be sent out. The error is the store's.
func (s *Service) Unable(ctx context.Context, b auth.BranchID, ids []auth.UserID) (map[auth.UserID]string, error) {
	out := map[auth.UserID]string{}
	if len(ids) == 0 {
		return out, nil
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	users, err := s.usersOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		why := users[i].unable(b)
		if why == "" {
			if why, err = s.shutOut(ctx, id); err != nil {
				return nil, err
			}
		}
		if why != "" {
			out[id] = why
		}
	}
	return out, nil
}

// unable says why a branch cannot send the user out as an agent, devices aside; "" if it can. A nil user is unknown.
func (u *User) unable(b auth.BranchID) string {
	switch {
	case u == nil || u.Role != auth.RoleAgent:
		return AgentUnknown
	case u.Disabled:
		return AgentDisabled
	case !slices.Contains(u.Branches, b):
		return AgentMoved
	}
	return ""
}

// shutOut says why an agent cannot work on any device: every one of them is blocked; "" if there is one, or none yet.
func (s *Service) shutOut(ctx context.Context, id auth.UserID) (string, error) {
	devices, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesByUser.Name,
		Eq: []any{string(id)}})
	if err != nil {
		return "", err
	}
	why := ""
	for _, d := range devices {
		switch {
		case !d.Blocked && !d.Waiting:
			return "", nil
		case d.Wipe:
			why = AgentWiped
		case why == "":
			why = AgentBlocked
		}
	}
	return why, nil
}
