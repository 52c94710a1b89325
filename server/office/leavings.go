package office

import (
	"context"
	"encoding/json"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Leaving is the state of a document of type "leavings" in the organisation's journal: an agent whom a branch cannot
// send out any more, and whose open work there has not been taken back yet. It is written together with the change of
// the user, so that a crash loses nothing, and ends when the work is taken back.
type Leaving struct {
	User   auth.UserID   `json:"user"`
	Branch auth.BranchID `json:"branch"`
	// Reason is AgentDisabled, AgentMoved or AgentUnknown.
	Reason string `json:"reason"`
	Open   int    `json:"open"` // 1, for the index
	// N is the entry that wrote it; it is not stored.
	N uint64 `json:"-"`
}

func leavingID(u auth.UserID, b auth.BranchID) string {
	return journal.DerivedID("lv", string(u), string(b))
}

// leave drafts a leaving for each branch that could send the user out before a change and cannot after it.
func leave(ctx context.Context, r *journal.Reader, d *journal.Draft, was, next *User) error {
	for _, b := range was.Branches {
		why := next.unable(b)
		if why == "" || was.unable(b) != "" {
			continue
		}
		id := leavingID(was.ID, b)
		if _, _, err := r.Doc(ctx, "leavings", id); err != nil {
			return err
		}
		state, err := json.Marshal(Leaving{User: was.ID, Branch: b, Reason: why, Open: 1})
		if err != nil {
			return fmt.Errorf("encode leaving: %w", err)
		}
		d.Put("leavings", id, state)
	}
	return nil
}

// Leavings lists the agents whose open work is still to be taken back: of one user, or of all with user "".
func (s *Service) Leavings(ctx context.Context, user auth.UserID) ([]Leaving, error) {
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
			if l.N = rec.N; user == "" || l.User == user {
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
	id := leavingID(l.User, l.Branch)
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
