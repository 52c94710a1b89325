package office

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Leaving is the state of a document of type "leavings" in the organisation's journal: an agent whom a branch cannot
// send out any more, or on some days, and whose open work there has not been taken back yet; or a branch that is closed
// on a day. It is written together with the change of the user, the leave or the closed day, so that a crash loses
// nothing, and ends when the work is taken back.
type Leaving struct {
	ID     string        `json:"id"`
	User   auth.UserID   `json:"user"` // "" for a branch that is closed
	Branch auth.BranchID `json:"branch"`
	// Reason is AgentDisabled, AgentMoved, AgentUnknown, AgentOnLeave or BranchClosed.
	Reason string `json:"reason"`
	// From and To are the first and last of the days, local to the branch; "" for all.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Open int    `json:"open"` // 1, for the index
	// N is the entry that wrote it; it is not stored.
	N uint64 `json:"-"`
}

// leavingID names a leaving of a user or a branch; of tells several of them apart.
func leavingID(u auth.UserID, b auth.BranchID, of ...string) string {
	return journal.DerivedID("lv", append([]string{string(u), string(b)}, of...)...)
}

// leave drafts a leaving for each branch that could send the user out before a change and cannot after it.
func leave(ctx context.Context, r *journal.Reader, d *journal.Draft, was, next *User) error {
	for _, b := range was.Branches {
		why := next.unable(b)
		if why == "" || was.unable(b) != "" {
			continue
		}
		if err := putLeaving(ctx, r, d, Leaving{ID: leavingID(was.ID, b), User: was.ID, Branch: b, Reason: why}); err != nil {
			return err
		}
	}
	return nil
}

// Leavings lists whose open work is still to be taken back: those that want says are wanted, or all if it is nil.
func (s *Service) Leavings(ctx context.Context, want func(Leaving) bool) ([]Leaving, error) {
	var out []Leaving
	q := journal.Query{Branch: auth.OrgBranch, Type: "leavings", Index: leavingsOpen.Name, Eq: []any{int64(1)}}
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list leavings: %w", err)
		}
		for _, rec := range f.Records {
			l, err := decode[Leaving](rec)
			if err != nil {
				return nil, err
			}
			if l.N = rec.N; want == nil || want(*l) {
				out = append(out, *l)
			}
		}
		if f.Next == "" {
			return out, nil
		}
		q.After = f.Next
	}
}

// EndLeaving notes that the work is taken back. A later leaving of the same agent stays.
func (s *Service) EndLeaving(ctx context.Context, l Leaving) error {
	id := l.ID
	out, err := s.journal.Do(ctx, auth.OrgBranch, []journal.Command{{ID: fmt.Sprintf("org:left:%s:%d", id, l.N),
		Actor: auth.System().User,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			rec, there, err := r.Doc(ctx, "leavings", id)
			if err != nil || !there || rec.N != l.N {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "agent.left"}
			d.Delete("leavings", id)
			return d, nil
		}}})
	if err != nil {
		return err
	}
	return out[0].Err
}
