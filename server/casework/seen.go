package casework

import (
	"context"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// SeenCase is a case and the revision of it that somebody had before them when they decided.
type SeenCase struct {
	Case journal.CaseID
	Rev  uint64 // 0: they do not say
}

// codeChanged is the code of a refusal of who decided on an older state of a case.
const codeChanged = "case.changed"

// stillAs refuses a decision on a case that has changed since it was seen. A case that does not exist is left to the
// command.
func (t *turn) stillAs(ctx context.Context, seen SeenCase) error {
	if seen.Rev == 0 {
		return nil
	}
	rec, there, err := t.r.Doc(ctx, "cases", string(seen.Case))
	if err != nil || !there {
		return err
	}
	t.r.Depend(journal.CaseKey(seen.Case))
	if rec.Rev == seen.Rev {
		return nil
	}
	return refuse(refusal.Conflict, codeChanged, "X-Seen-Rev",
		"the case has changed since you read it; read it again, and decide on what stands there now")
}

// CaseChange is the newest change of a case itself; what only belongs to it, such as a note, does not count.
type CaseChange struct {
	Rev    uint64
	Entry  uint64
	By     auth.UserID
	At     time.Time // when the server took it in; UTC
	Action string    // what it was, as the journal names it
}

// LastChange says who changed a case last. Errors: case.not_found.
func (s *Service) LastChange(ctx context.Context, a auth.Actor, branch auth.BranchID, id journal.CaseID) (CaseChange,
	error) {
	if !a.InBranch(branch) {
		return CaseChange{}, noSuchCase()
	}
	recs, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(id)}})
	if err != nil {
		return CaseChange{}, fmt.Errorf("read case %s: %w", id, err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return CaseChange{}, noSuchCase()
	}
	var k record.Case
	if err := decode(recs[0], &k); err != nil {
		return CaseChange{}, err
	}
	if !k.OpenTo(a) {
		return CaseChange{}, noSuchCase()
	}
	e, _, err := s.journal.Entry(ctx, branch, recs[0].N)
	if err != nil {
		return CaseChange{}, fmt.Errorf("read the last change of case %s: %w", id, err)
	}
	return CaseChange{Rev: recs[0].Rev, Entry: e.N, By: e.Actor, At: e.Received.UTC().Truncate(time.Second),
		Action: e.Action}, nil
}
