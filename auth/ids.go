package auth

// UserID names a user of the deployment: an administrator, supervisor, agent, auditor or lender's system.
type UserID string

// DeviceID names one installation of an agent's app, minted by the phone at install.
type DeviceID string

// BranchID names a branch (an office). It is the unit of partition: one branch has one journal.
type BranchID string

// OrgBranch is the reserved branch of the organisation's own journal: users, branches, lenders, policy packs.
const OrgBranch BranchID = "_org"
