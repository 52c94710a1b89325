package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// promisesView is the view's name and its documents' type.
const promisesView = "promises"

// PromisesByDue finds promises by their day, and among these by agent.
var PromisesByDue = journal.Index{Type: promisesView, Name: "due", Fields: []string{"due_on", "agent"}}

// promise is the state of a document of the view: an instalment of a plan in force,
// under the plan's id and the instalment's number, "p1/2". Whether it was kept is not in
// it: time and payments say that when it is read.
type promise struct {
	Plan  string         `json:"plan"`
	N     int            `json:"n"`
	Case  journal.CaseID `json:"case"`
	Agent auth.UserID    `json:"agent"`
	// DueOn is a local date of the debtor; after LastOn, its grace, the promise is broken.
	DueOn       string `json:"due_on"`
	LastOn      string `json:"last_on"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	// ByThen is what payments must have brought for the plan for this promise to be kept: all instalments up to this one.
	ByThen int64 `json:"by_then_minor"`
}

// promised is the state of the document under a plan's own id: the highest number of
// instalments that the plan ever had, so that those it has no more are taken away.
type promised struct {
	Most int `json:"most"`
}

// Promises is the view of what is due under plans in force, by day, branch and agent.
// Its state grows or is replaced, never counted, so that a run may be applied twice.
func Promises() journal.View {
	return journal.View{Name: promisesView, Folds: true,
		Apply: func(ctx context.Context, run journal.Run) ([]journal.Record, error) {
			latest := map[string]journal.Record{} // what the run writes, by id
			err := run.Entries(func(e *journal.Entry) error {
				for i := range e.Docs {
					if d := &e.Docs[i]; d.Type == "plans" {
						if err := applyPlan(ctx, run, latest, e.N, d); err != nil {
							return fmt.Errorf("plan %s: %w", d.ID, err)
						}
					}
				}
				return nil
			})
			out := make([]journal.Record, 0, len(latest))
			for _, r := range latest {
				out = append(out, r)
			}
			return out, err
		}}
}

// applyPlan notes what a new state of a plan promises.
func applyPlan(ctx context.Context, run journal.Run, latest map[string]journal.Record, n uint64, d *journal.Doc) error {
	head, ok := latest[d.ID]
	if !ok {
		recs, err := run.Docs(ctx, d.ID)
		if err != nil {
			return err
		}
		head = recs[0]
	}
	var had promised
	if head.Body != nil {
		if err := json.Unmarshal(head.Body, &had); err != nil {
			return err
		}
	}
	var p record.Plan
	if !d.Deleted {
		if err := json.Unmarshal(d.State, &p); err != nil {
			return err
		}
	}
	put := func(id string, state any) error {
		r := journal.Record{ID: id, N: n, Rev: n, Deleted: state == nil}
		var err error
		if state != nil {
			r.Body, err = json.Marshal(state)
		}
		latest[id] = r
		return err
	}
	due, count := int64(0), 0
	if p.Live() {
		count = len(p.Instalments)
	}
	for i, in := range p.Instalments[:count] {
		due += in.AmountMinor
		if err := put(fmt.Sprintf("%s/%d", d.ID, i+1), promise{Plan: d.ID, N: in.N, Case: p.Case, Agent: p.By,
			DueOn: in.DueOn, LastOn: p.LastOn(in.DueOn), AmountMinor: in.AmountMinor, Currency: p.Currency,
			ByThen: due}); err != nil {
			return err
		}
	}
	for i := count; i < had.Most; i++ {
		if err := put(fmt.Sprintf("%s/%d", d.ID, i+1), nil); err != nil {
			return err
		}
	}
	return put(d.ID, promised{Most: max(had.Most, count)})
}

// PromiseQuery asks for promises.
type PromiseQuery struct {
	Branch auth.BranchID
	Due    string      // the local date
	Agent  auth.UserID // who agreed the plan; "" for all
	Limit  int
	After  string
}

// States of a promise.
const (
	promiseKept   = "kept"
	promiseOpen   = "open"
	promiseBroken = "broken"
)

// Promises lists what is due on a day under plans in force, by agent, and whether it is
// kept, open or, once its grace is over, broken.
func (s *Service) Promises(ctx context.Context, a auth.Actor, q PromiseQuery) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	if _, err := time.Parse(time.DateOnly, q.Due); err != nil {
		return Page{}, refuse(refusal.Invalid, "list.due", "due", "write a date of the calendar as 2006-01-02")
	}
	if err := s.views.CatchUp(ctx, q.Branch, promisesView); err != nil {
		return Page{}, err
	}
	eq := []any{q.Due}
	if q.Agent != "" {
		eq = append(eq, string(q.Agent))
	}
	now := s.journal.Now()
	return s.page(ctx, journal.Query{Branch: q.Branch, Type: promisesView, Index: PromisesByDue.Name, Eq: eq,
		Limit: q.Limit, After: q.After},
		func(rec journal.Record) (json.RawMessage, error) {
			var p promise
			if err := decode(rec, &p); err != nil {
				return nil, err
			}
			recs, err := s.store.Records(ctx, q.Branch, []journal.DocRef{{Type: "cases", ID: string(p.Case)},
				{Type: "plans", ID: p.Plan}})
			if err != nil {
				return nil, err
			}
			var k record.Case
			var plan record.Plan
			if err := decode(recs[0], &k); err != nil {
				return nil, err
			}
			if err := decode(recs[1], &plan); err != nil {
				return nil, err
			}
			if !k.OpenTo(a) || k.HasMoved() {
				return nil, nil
			}
			today := now.In(s.zoneOf(&k)).Format(time.DateOnly)
			status := promiseOpen
			switch {
			case plan.Standing != nil && plan.Standing.PaidMinor >= p.ByThen:
				status = promiseKept
			case today > p.LastOn || plan.BrokenOn(today):
				status = promiseBroken
			}
			return json.Marshal(map[string]any{"plan": p.Plan, "n": p.N, "case": p.Case, "agent": p.Agent, "due_on": p.DueOn,
				"last_on":      p.LastOn,
				"amount_minor": p.AmountMinor, "currency": p.Currency, "status": status})
		})
}
