package casework

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// OutcomeQuery asks for what became of a lender's cases.
type OutcomeQuery struct {
	Lender string
	Branch auth.BranchID // "": all that the lender has a contract with
	// Since is the Cursor of an earlier page; "" for the beginning.
	Since string
	Limit int
	// Epoch names the unbroken run of a branch's entry numbers: after a restore it is another one.
	Epoch func(ctx context.Context, b auth.BranchID) (string, error)
}

// OutcomePage is a part of what became of a lender's cases, in the order in which it was recorded.
type OutcomePage struct {
	Items []OutcomeItem
	// Cursor goes on where the page ends: what is recorded later comes after it, however early it happened.
	Cursor string
	More   bool // there may be more already
}

// OutcomeItem is a state of a visit, plan or payment. It holds what a lender may see, and none of it is about health,
// safety or where anybody was.
type OutcomeItem struct {
	Branch  auth.BranchID  `json:"branch"`
	Entry   uint64         `json:"entry"` // the number of the entry in the branch's journal
	Kind    string         `json:"kind"`  // visit, plan or payment
	ID      string         `json:"id"`
	Rev     uint64         `json:"rev"` // of plans and payments: a later one takes the place of an earlier one
	Case    journal.CaseID `json:"case"`
	CaseRef string         `json:"case_ref"`
	// At is when it happened: the visit began, the plan was agreed, the money arrived.
	At time.Time `json:"at"`
	// RecordedAt is when the server took this state in.
	RecordedAt time.Time `json:"recorded_at"`
	// Outcome is how the visit ended. Visits that ended because a person was vulnerable or unsafe are ENDED_EARLY.
	Outcome    string `json:"outcome,omitempty"`
	Supersedes string `json:"supersedes,omitempty"` // the visit that this one corrects
	Visit      string `json:"visit,omitempty"`      // the visit at which a plan was agreed
	PlanKind   string `json:"plan_kind,omitempty"`
	State      string `json:"state,omitempty"`          // of a plan
	Approval   string `json:"approval_state,omitempty"` // of a plan
	Currency   string `json:"currency,omitempty"`
	// AmountMinor is the total of a plan, or what was paid or taken back, in minor units such as cents.
	AmountMinor int64        `json:"amount_minor,omitempty"`
	Promises    []PromiseDue `json:"promises,omitempty"`
	Reverses    string       `json:"reverses,omitempty"` // the payment_ref of the payment that this takes back
	// ReversedMinor is how much of a payment has been taken back.
	ReversedMinor int64 `json:"reversed_minor,omitempty"`
}

// PromiseDue is an instalment of a plan.
type PromiseDue struct {
	DueOn       string `json:"due_on"` // the debtor's local date
	AmountMinor int64  `json:"amount_minor"`
}

// outcomeState are the members that outcomes are made of. Each is one that lenders may see; a test holds them against
// the records.
type outcomeState struct {
	Case          journal.CaseID `json:"case"`
	Lender        string         `json:"lender"`
	At            time.Time      `json:"at"`
	PaidAt        time.Time      `json:"paid_at"`
	Outcome       string         `json:"outcome"`
	Supersedes    string         `json:"supersedes"`
	Visit         string         `json:"visit"`
	Kind          string         `json:"kind"`
	State         string         `json:"state"`
	Approval      string         `json:"approval_state"`
	Currency      string         `json:"currency"`
	TotalMinor    int64          `json:"total_minor"`
	AmountMinor   int64          `json:"amount_minor"`
	Instalments   []PromiseDue   `json:"instalments"`
	Reverses      string         `json:"reverses"`
	ReversedMinor int64          `json:"reversed_minor"`
}

// outcomeKinds are the kinds of records that are outcomes, and what they are called there.
var outcomeKinds = map[string]string{"visits": "visit", "plans": "plan", "payments": "payment"}

// Limits of a page of outcomes (our own values).
const (
	// MostOutcomes is how many items a page has at most.
	MostOutcomes = 5000
	// mostScanned is how many entries a page looks at, of whatever lender.
	mostScanned = 20_000
	// mostBranches is how many branches one cursor follows.
	mostBranches = 50
)

// outcomeCursor is where a reader of outcomes is: an entry number in each branch.
type outcomeCursor struct {
	Lender string                           `json:"lender"`
	At     map[auth.BranchID]outcomesReadTo `json:"at"`
}

type outcomesReadTo struct {
	N     uint64 `json:"n"`
	Epoch string `json:"epoch"`
}

// Outcomes reads what became of a lender's cases: visits, plans with each of their states, and payments, in the order
// in which the server recorded them, so that a visit that a phone brings late is neither missed nor given twice. A
// lender reads its own; administrators name one. Errors: outcomes.since, outcomes.expired, outcomes.branch,
// lender.not_found.
func (s *Service) Outcomes(ctx context.Context, a auth.Actor, q OutcomeQuery) (OutcomePage, error) {
	out := OutcomePage{Items: []OutcomeItem{}}
	branches, err := s.outcomeBranches(ctx, a, q)
	if err != nil {
		return out, err
	}
	cur, err := readOutcomeCursor(q.Since, q.Lender)
	if err != nil {
		return out, err
	}
	scanned := 0
	for _, b := range branches {
		epoch, err := q.Epoch(ctx, b)
		if err != nil {
			return out, err
		}
		at, known := cur.At[b]
		if known && at.Epoch != epoch {
			return out, refuse(refusal.Conflict, "outcomes.expired", "since",
				"a backup was restored since; read from the beginning, without since, and take each id once")
		}
		at.Epoch = epoch
		w, err := s.journal.Watermark(ctx, b)
		if err != nil {
			return out, err
		}
		if at.N > w {
			return out, badSince()
		}
		err = s.journal.Each(ctx, b, at.N, func(e journal.Entry) error {
			if len(out.Items) >= q.Limit || scanned >= mostScanned {
				return errPageFull
			}
			scanned++
			items, err := outcomesOf(&e, q.Lender)
			out.Items, at.N = append(out.Items, items...), e.N
			return err
		})
		out.More = out.More || errors.Is(err, errPageFull)
		if err != nil && !errors.Is(err, errPageFull) {
			return out, fmt.Errorf("read outcomes of %s: %w", b, err)
		}
		cur.At[b] = at
	}
	text, err := json.Marshal(cur)
	out.Cursor = base64.RawURLEncoding.EncodeToString(text)
	return out, err
}

// errPageFull ends the reading of a page.
var errPageFull = errors.New("the page is full")

// outcomeBranches are the branches that a reader reads, sorted.
func (s *Service) outcomeBranches(ctx context.Context, a auth.Actor, q OutcomeQuery) ([]auth.BranchID, error) {
	if a.Role != auth.RoleAdmin && (a.Role != auth.RoleLender || a.Lender == "" || a.Lender != q.Lender) {
		return nil, refuse(refusal.Forbidden, "auth.role", "", "lenders read what became of their own cases")
	}
	branches := slices.Clone(a.Branches)
	if a.Role == auth.RoleAdmin {
		if s.lenders == nil {
			return nil, nil
		}
		signed, known, err := s.lenders.Contracts(ctx, q.Lender)
		if err != nil {
			return nil, fmt.Errorf("read the contracts of a lender: %w", err)
		}
		if !known {
			return nil, refuse(refusal.NotFound, "lender.not_found", "lender", "there is no such lender")
		}
		branches = slices.Clone(signed)
	}
	slices.Sort(branches)
	branches = slices.Compact(branches)
	if q.Branch != "" {
		if !slices.Contains(branches, q.Branch) {
			return nil, refuse(refusal.NotFound, "branch.not_found", "branch", "there is no such branch here")
		}
		return []auth.BranchID{q.Branch}, nil
	}
	if len(branches) > mostBranches {
		return nil, refuse(refusal.Invalid, "outcomes.branch", "branch",
			"the lender has contracts with more than %d branches; read one at a time: ?branch=", mostBranches)
	}
	return branches, nil
}

// readOutcomeCursor reads a cursor of a lender; "" is the beginning.
func readOutcomeCursor(since, lender string) (outcomeCursor, error) {
	cur := outcomeCursor{Lender: lender, At: map[auth.BranchID]outcomesReadTo{}}
	if since == "" {
		return cur, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(since)
	if err != nil {
		return cur, badSince()
	}
	var read outcomeCursor
	if _, f := strictjson.Members(text); f != nil || json.Unmarshal(text, &read) != nil || read.Lender != lender {
		return cur, badSince()
	}
	for b, at := range read.At {
		cur.At[b] = at
	}
	return cur, nil
}

func badSince() *refusal.Error {
	return refuse(refusal.Invalid, "outcomes.since", "since",
		"this is no cursor of this lender's outcomes; take it from the end of the page before, or leave it out")
}

// outcomesOf are what an entry says of a lender's cases. What a debtor's move copies was given by the branch that they
// left.
func outcomesOf(e *journal.Entry, lender string) ([]OutcomeItem, error) {
	if e.Action == "debtor.moved_in" {
		return nil, nil
	}
	var out []OutcomeItem
	for i := range e.Docs {
		d := &e.Docs[i]
		kind := outcomeKinds[d.Type]
		if kind == "" || d.Deleted || d.Copy {
			continue
		}
		var st outcomeState
		if err := json.Unmarshal(d.State, &st); err != nil {
			return nil, fmt.Errorf("decode %s/%s: %w", d.Type, d.ID, err)
		}
		if st.Lender != lender {
			continue
		}
		item := OutcomeItem{Branch: e.Branch, Entry: e.N, Kind: kind, ID: d.ID, Rev: d.Rev, Case: st.Case,
			CaseRef: strings.TrimPrefix(string(st.Case), lender+"."), At: st.At, RecordedAt: record.WholeUTC(e.Received)}
		switch kind {
		case "visit":
			item.Outcome, item.Supersedes = record.OutcomeFor(record.Lender, st.Outcome), st.Supersedes
		case "plan":
			item.Visit, item.PlanKind, item.State, item.Approval = st.Visit, st.Kind, st.State, st.Approval
			item.Currency, item.AmountMinor, item.Promises = st.Currency, st.TotalMinor, st.Instalments
		case "payment":
			item.At, item.Currency, item.AmountMinor = st.PaidAt, st.Currency, st.AmountMinor
			item.Reverses, item.ReversedMinor = st.Reverses, st.ReversedMinor
		}
		out = append(out, item)
	}
	return out, nil
}
