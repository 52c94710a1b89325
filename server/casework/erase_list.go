package casework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// The erasure list outlives the data: after a restore of an older backup it says whose
// keys to destroy again (sync/journal/README.md, J13). Every node keeps one. The node on
// which an erasure is confirmed adds its line before the key is destroyed; the other nodes
// add it when they read the erasure in the journal (FollowErasures), and at their next
// start at the latest (FinishErasures).

// ErasureLine is a line of the erasure list: one debtor whose key is to be destroyed,
// again after every restore.
type ErasureLine struct {
	Erasure     string           `json:"erasure"` // its document's id
	Debtor      journal.DebtorID `json:"debtor"`
	Branch      auth.BranchID    `json:"branch"`
	Reason      string           `json:"reason"`
	AskedBy     auth.UserID      `json:"asked_by"`
	AskedAt     time.Time        `json:"asked_at"`
	ConfirmedBy auth.UserID      `json:"confirmed_by"`
	ConfirmedAt time.Time        `json:"confirmed_at"`
}

// ErasureList is a node's list of erased debtors, kept where no backup of the data brings
// back an older one. It is safe for concurrent use.
type ErasureList interface {
	// Add appends a line, durable when it returns nil. Of an erasure that is listed it adds
	// nothing, and added is false.
	Add(ErasureLine) (added bool, err error)
}

// lineOf is the erasure as the list keeps it.
func lineOf(id string, e *record.Erasure) ErasureLine {
	return ErasureLine{Erasure: id, Debtor: e.Debtor, Branch: e.Branch, Reason: e.Reason, AskedBy: e.AskedBy,
		AskedAt:     e.AskedAt,
		ConfirmedBy: e.ConfirmedBy, ConfirmedAt: e.ConfirmedAt}
}

// finish lists, destroys and says so. Every step may be taken again.
func (s *Service) finish(ctx context.Context, l ErasureLine) error {
	if s.erasures == nil {
		return errors.New("erase: there is no erasure list; without one a backup would bring the debtor back")
	}
	if _, err := s.erasures.Add(l); err != nil {
		return fmt.Errorf("keep the erasure list: %w", err)
	}
	return s.destroy(ctx, l)
}

// destroy destroys the key of a debtor who is listed, and says so in the journal.
func (s *Service) destroy(ctx context.Context, l ErasureLine) error {
	if err := s.vault.Erase(ctx, l.Debtor); err != nil {
		return err
	}
	payload, err := json.Marshal(l)
	if err != nil {
		return err
	}
	in := []auth.BranchID{l.Branch}
	// A backup may be older than the move that brought the debtor to the branch that erased them.
	if home, err := s.DebtorBranch(ctx, l.Debtor); err == nil && home != l.Branch {
		in = append(in, home)
	} else if err != nil && !isRefusal(err) {
		return err
	}
	actor := auth.Actor{User: l.ConfirmedBy, Role: auth.RoleAdmin, Branches: in}
	for _, b := range in {
		if _, err := s.One(ctx, actor, b, Request{ID: "erase:" + l.Erasure, Payload: sha256Of(string(payload)),
			Cmd: finishErasure{l}}); err != nil {
			return fmt.Errorf("record the erasure: %w", err)
		}
	}
	return nil
}

// FinishErasures is called at the start, before anything is served. It brings the list
// (listed are its lines) and the journals together: it erases again who is listed and is
// not erased here, since a backup may have brought them back; it lists who is erased and
// not listed; and it goes on with what a crash cut short.
func (s *Service) FinishErasures(ctx context.Context, listed []ErasureLine) error {
	if err := s.eraseAgain(ctx, listed); err != nil {
		return fmt.Errorf("erase again what is on the erasure list: %w", err)
	}
	branches, err := s.store.Branches(ctx)
	if err != nil {
		return fmt.Errorf("look for erasures: %w", err)
	}
	for _, b := range branches {
		begun, err := s.erasuresOf(ctx, journal.Query{Branch: b, Type: "erasures", Index: erasuresByState.Name,
			Eq: []any{record.ErasureConfirmed}})
		if err != nil {
			return err
		}
		for _, e := range begun {
			if err := s.finish(ctx, lineOf(e.ID, &e.State)); err != nil {
				return fmt.Errorf("finish an erasure: %w", err)
			}
		}
		done, err := s.erasuresOf(ctx, doneSince(b, time.Time{}))
		if err != nil {
			return err
		}
		if err := s.listErased(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// eraseAgain erases the debtors on the list whose keys are there, or of whose erasure the journal does not know.
func (s *Service) eraseAgain(ctx context.Context, listed []ErasureLine) error {
	for some := range slices.Chunk(listed, 500) {
		debtors := make([]journal.DebtorID, len(some))
		refs := map[auth.BranchID][]journal.DocRef{}
		for i, l := range some {
			debtors[i] = l.Debtor
			refs[l.Branch] = append(refs[l.Branch], journal.DocRef{Type: "erasures", ID: l.Erasure})
		}
		if err := s.vault.Warm(ctx, debtors); err != nil {
			return fmt.Errorf("read keys: %w", err)
		}
		known := map[string]bool{}
		for b, refs := range refs {
			recs, err := s.store.Records(ctx, b, refs)
			if err != nil {
				return fmt.Errorf("read erasures: %w", err)
			}
			for _, rec := range recs {
				var e record.Erasure
				if rec.Type == "" {
					continue
				}
				if err := decode(rec, &e); err != nil {
					return err
				}
				known[rec.ID] = e.State == record.ErasureErased
			}
		}
		for _, l := range some {
			gone, err := s.vault.IsErased(ctx, l.Debtor)
			if err != nil {
				return err
			}
			if gone && known[l.Erasure] {
				continue
			}
			if err := s.destroy(ctx, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// doneSince finds the erasures of a branch that were done at a time or later; all with the zero time.
func doneSince(b auth.BranchID, since time.Time) journal.Query {
	q := journal.Query{Branch: b, Type: "erasures", Index: erasuresByEnd.Name}
	if !since.IsZero() {
		q.From = since.UTC().Format(time.RFC3339)
	}
	return q
}

// erasuresOf reads the erasures of a query, in order of the entries that wrote them.
func (s *Service) erasuresOf(ctx context.Context, q journal.Query) (found []Filed[record.Erasure], err error) {
	err = s.each(ctx, q, func(rec journal.Record) error {
		e := Filed[record.Erasure]{ID: rec.ID, N: rec.N}
		err := decode(rec, &e.State)
		found = append(found, e)
		return err
	})
	slices.SortFunc(found, func(a, b Filed[record.Erasure]) int { return cmp.Compare(a.N, b.N) })
	return found, err
}

// ErasuresDone lists the ids of the erasures that are done in a branch, as a store has them.
func ErasuresDone(ctx context.Context, store journal.Store, b auth.BranchID) (ids []string, err error) {
	for q := doneSince(b, time.Time{}); ; {
		found, err := store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		for _, rec := range found.Records {
			ids = append(ids, rec.ID)
		}
		if q.After = found.Next; q.After == "" {
			return ids, nil
		}
	}
}

// listErased adds to the list erasures that are done, and makes sure that the keys are destroyed.
func (s *Service) listErased(ctx context.Context, done []Filed[record.Erasure]) error {
	if s.erasures == nil {
		return nil
	}
	debtors := make([]journal.DebtorID, len(done))
	for i := range done {
		debtors[i] = done[i].State.Debtor
	}
	if err := s.vault.Warm(ctx, debtors); err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	for i := range done {
		added, err := s.erasures.Add(lineOf(done[i].ID, &done[i].State))
		if err != nil {
			return fmt.Errorf("keep the erasure list: %w", err)
		}
		gone, err := s.vault.IsErased(ctx, done[i].State.Debtor)
		if err != nil {
			return err
		}
		// A key that another node destroyed may still be remembered here.
		if added || !gone {
			if err := s.vault.Erase(ctx, done[i].State.Debtor); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	// followEvery is how often FollowErasures looks at branches that were written to.
	followEvery = 2 * time.Second
	// erasureSkew is how far the clocks of two nodes may be apart without an erasure being
	// overlooked until the next start.
	erasureSkew = 24 * time.Hour
)

// FollowErasures adds to this node's list the erasures that are done on other nodes, until
// the context ends. Those from before the start FinishErasures has added.
func (s *Service) FollowErasures(ctx context.Context) error {
	if s.erasures == nil {
		return nil
	}
	var mu sync.Mutex
	dirty := map[auth.BranchID]bool{}
	defer s.journal.Subscribe(func(c journal.Committed) {
		mu.Lock()
		defer mu.Unlock()
		dirty[c.Branch] = true
	})()
	newest := map[auth.BranchID]time.Time{}
	for all := true; ; {
		if all {
			// The subscription does not announce what was written after FinishErasures and before it.
			branches, err := s.store.Branches(ctx)
			if err != nil && ctx.Err() == nil {
				s.log.Error("cannot follow the erasures of other nodes; will try again", "err", err)
			}
			mu.Lock()
			for _, b := range branches {
				dirty[b] = true
			}
			mu.Unlock()
			all = err != nil
		}
		mu.Lock()
		todo := dirty
		dirty = map[auth.BranchID]bool{}
		mu.Unlock()
		for b := range todo {
			at, err := s.followErasures(ctx, b, newest[b])
			if err == nil {
				newest[b] = at
				continue
			}
			if ctx.Err() == nil {
				s.log.Error("cannot follow the erasures of other nodes; will try again", "branch", b, "err", err)
			}
			mu.Lock()
			dirty[b] = true
			mu.Unlock()
		}
		if journal.Sleep(ctx, followEvery) != nil {
			return nil
		}
	}
}

// followErasures lists what was erased in a branch since the newest erasure that is listed, and returns the newest.
func (s *Service) followErasures(ctx context.Context, b auth.BranchID, newest time.Time) (time.Time, error) {
	since := newest
	if !since.IsZero() {
		since = since.Add(-erasureSkew)
	}
	done, err := s.erasuresOf(ctx, doneSince(b, since))
	if err != nil {
		return newest, err
	}
	for i := range done {
		if at := done[i].State.ErasedAt; at.After(newest) {
			newest = at
		}
	}
	return newest, s.listErased(ctx, done)
}
