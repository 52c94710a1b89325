package journal

import "doorstep/auth"

// CaseID names a case, one debtor's overdue account, deployment-wide: the lender's id, a dot and the lender's case_ref.
type CaseID string

// DebtorID names a debtor, deployment-wide: the lender's id, a dot and the lender's debtor_ref.
type DebtorID string

// Key names something a decision rests on or changes: "case:P-1", "cmd:m:u1:0193…",
// "uniq:…", "debtor:…", or "<type>:<id>" of a document. Keys are compared, never parsed.
type Key string

// DocKey is the key every read and every write of a document touches by itself.
func DocKey(typ, id string) Key { return Key(typ + ":" + id) }

// CommandKey is the key of a command id; two requests with one id meet here.
func CommandKey(id string) Key { return Key("cmd:" + id) }

// CaseKey is the key of a whole case file: a decision that reads or adds to any part of
// the file (contacts, visits, consents, plans) names it.
func CaseKey(id CaseID) Key { return Key("case:" + string(id)) }

// Feed names one list of changes that phones pull: one per agent, and one per
// branch for what all must hear.
type Feed string

// AgentFeed is the feed of one agent, read by all their devices.
func AgentFeed(u auth.UserID) Feed { return Feed("agent:" + string(u)) }

// BranchFeed is what every phone of a branch must hear (the conduct policy).
const BranchFeed Feed = "branch"
