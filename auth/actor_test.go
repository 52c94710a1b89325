package auth

import "testing"

func TestScope(t *testing.T) {
	for name, c := range map[string]struct {
		actor  Actor
		branch BranchID
		want   bool
	}{
		"a supervisor's branch":    {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto", "braga"}}, "braga", true},
		"another branch":           {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto"}}, "braga", false},
		"a supervisor of none":     {Actor{Role: RoleSupervisor}, "porto", false},
		"the organisation's":       {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto"}}, OrgBranch, false},
		"an administrator":         {Actor{Role: RoleAdmin}, "porto", true},
		"an administrator, all":    {Actor{Role: RoleAdmin}, OrgBranch, true},
		"a lender with a contract": {Actor{Role: RoleLender, Lender: "north", Branches: []BranchID{"porto"}}, "porto", true},
		"a lender without one": {Actor{Role: RoleLender, Lender: "north", Branches: []BranchID{"porto"}}, "braga",
			false},
		"a lender, organisation's":  {Actor{Role: RoleLender, Lender: "north"}, OrgBranch, false},
		"an auditor's branch":       {Actor{Role: RoleAuditor, Branches: []BranchID{"porto"}}, "porto", true},
		"an auditor, elsewhere":     {Actor{Role: RoleAuditor, Branches: []BranchID{"porto"}}, "braga", false},
		"a role that there is not":  {Actor{Role: "guest"}, "porto", false},
		"the server's own business": {System(), OrgBranch, true},
	} {
		if got := c.actor.InBranch(c.branch); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
