package auth

import "slices"

// Role is what a user is.
type Role string

// The roles.
const (
	RoleAdmin      Role = "admin"
	RoleSupervisor Role = "supervisor"
	RoleAgent      Role = "agent"
	RoleAuditor    Role = "auditor"
	RoleLender     Role = "lender"
)

// RoleRule says what a role is. What it may call is said by the lists of roles in server/httpapi's endpoint.go.
type RoleRule struct {
	Role Role
	// Reads is the word of the see tags (server/record) for the members it may see; "" for none.
	Reads string
	// Cases are those of its branches that it may open.
	Cases CaseScope
	// Branches is how many branches a user of the role names.
	Branches BranchCount
	// Lender says that its users name a lender.
	Lender bool
	// Regulator says that its users may be given the level regulator.
	Regulator bool
	// Factor says that its users may have a second factor beside the password. An agent's device is the second factor.
	Factor bool
}

// CaseScope says which cases of its branches a role may open.
type CaseScope int

// The scopes of cases. The zero value opens none.
const (
	NoCases CaseScope = iota
	AllCases
	LendersCases  // those of the user's lender
	AssignedCases // those on the user's phone
)

// BranchCount says how many branches a user names.
type BranchCount int

// The counts of branches.
const (
	AnyBranches BranchCount = iota // also none
	OneBranch
	SomeBranches // at least one
)

// roleRules has a row for each role.
var roleRules = []RoleRule{
	// Users, branches, devices; and whatever a supervisor may do, everywhere.
	{Role: RoleAdmin, Reads: "office", Cases: AllCases, Factor: true},
	// Everything in their branches but users and other users' devices.
	{Role: RoleSupervisor, Reads: "office", Cases: AllCases, Branches: SomeBranches, Factor: true},
	// Their own assignments and the cases behind them, by sync.
	{Role: RoleAgent, Reads: "agent", Cases: AssignedCases, Branches: OneBranch},
	// Visits of their branches, by export.
	{Role: RoleAuditor, Reads: "auditor", Branches: SomeBranches, Regulator: true, Factor: true},
	// Cases of their lender.
	{Role: RoleLender, Reads: "lender", Cases: LendersCases, Lender: true, Factor: true},
}

// Roles lists all roles.
func Roles() []Role {
	var out []Role
	for _, r := range roleRules {
		out = append(out, r.Role)
	}
	return out
}

// Rule returns what a role is; the zero rule, which sees and opens nothing, for one that is not known.
func (r Role) Rule() RoleRule {
	if i := slices.IndexFunc(roleRules, func(x RoleRule) bool { return x.Role == r }); i >= 0 {
		return roleRules[i]
	}
	return RoleRule{}
}
