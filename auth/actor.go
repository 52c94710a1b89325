package auth

import "slices"

// Actor is who asks for something.
type Actor struct {
	User UserID
	Role Role
	// Branches are those of a supervisor, agent or auditor, and those a lender has a contract with; empty for an
	// administrator.
	Branches []BranchID
	// Lender is the lender of a user of role lender; empty for the others.
	Lender string
	Device DeviceID // "" for a sign-in without one
	// Regulator lets an auditor read personal data.
	Regulator bool
	// MustChangePassword lets the actor do nothing but that.
	MustChangePassword bool
	// MustEnrol lets the actor do nothing but add a second factor, change the password and sign out.
	MustEnrol bool
	Family    string // the refresh family the sign-in began
}

// InBranch tells whether a branch is in the actor's scope. Administrators are in
// every branch, a lender in those it has a contract with.
func (a Actor) InBranch(b BranchID) bool {
	return a.Role == RoleAdmin || slices.Contains(a.Branches, b)
}

// System is the actor of what the server does by itself.
func System() Actor { return Actor{User: "system", Role: RoleAdmin} }
