package casework

import (
	"context"
	"fmt"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// answeredBefore is the answer that a command got in a branch that its case or its agent has left since.
type answeredBefore struct{ receipt journal.Receipt }

func (e *answeredBefore) Error() string {
	return "casework: the command " + e.receipt.Command + " was accepted in another branch"
}

// once gives the answer that the command got in one of some branches, as the error, so that
// a command id has one effect though its case or its agent has moved: *answeredBefore, or
// journal.ErrReused for another payload. Receipts never change.
func (t *turn) once(ctx context.Context, branches []auth.BranchID) error {
	for _, b := range branches {
		if b == t.Branch {
			continue
		}
		found, err := t.svc.store.Receipts(ctx, b, []string{t.Request.ID})
		if err != nil {
			return fmt.Errorf("look up receipts of %s: %w", b, err)
		}
		if found[0].Command == "" {
			continue
		}
		same, err := t.svc.sameSaid(ctx, b, t.Request, found[0].Said)
		if err != nil {
			return err
		}
		if !same {
			return journal.ErrReused
		}
		return &answeredBefore{found[0]}
	}
	return nil
}
