package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// away tells which of the debtors that lines name are on their way from or to the import's
// branch, or have left it.
func (im *importer) away(ctx context.Context, debtors []journal.DebtorID) (map[journal.DebtorID]bool, error) {
	refs := make([]journal.DocRef, len(debtors))
	for i, id := range debtors {
		refs[i] = journal.DocRef{Type: "moves", ID: string(id)}
	}
	recs, err := im.store.Records(ctx, im.branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	away := map[journal.DebtorID]bool{}
	for i, rec := range recs {
		var m record.Move
		if rec.Type == "" {
			continue
		}
		if err := decode(rec, &m); err != nil {
			return nil, err
		}
		// Of who is gone the home says where they are.
		away[debtors[i]] = m.Away() && m.State != record.MoveGone
	}
	return away, nil
}

// refuseMovingLine is said of a line about a debtor who is between two branches.
func refuseMovingLine(column string) *refusal.Error {
	return refuse(refusal.Conflict, "import.debtor_moving", column,
		"the debtor is being moved to another branch; send this line again in a minute")
}

// elsewhere says that a case is another branch's.
const elsewhere = "this case belongs to another branch; import it there"

func (l *importLine[T]) refuseElsewhere() { l.refuse("case_ref", "import.case_elsewhere", elsewhere) }

// refuseMoved says that a line's case is not in the branch any more. Where the lines go to
// the branches of their cases, the home has not followed yet.
func (im *importer) refuseMoved(refuse func(column, code, message string)) {
	if im.branch == "" {
		e := refuseMovingLine("case_ref")
		refuse(e.Place, e.Code(), e.Msg)
		return
	}
	refuse("case_ref", "import.case_elsewhere", elsewhere)
}

// strayClaim is a line whose case has a home in another branch.
type strayClaim struct {
	line *importLine[caseLine]
	home home
}

// takeOver takes over homes of cases that do not exist where their homes say: an import
// claimed the home, and then the debtor moved away before the case was taken in. The home of
// the debtor says that this branch may have it.
func (ci *caseImport) takeOver(ctx context.Context, claims []strayClaim) error {
	for _, c := range claims {
		b, err := ci.DebtorBranch(ctx, c.line.val.Debtor())
		if err != nil && !isRefusal(err) {
			return err
		}
		if err != nil || b != ci.branch {
			continue
		}
		there, err := ci.cases(ctx, c.home.Branch, []journal.CaseID{c.line.val.ID()})
		if err != nil {
			return err
		}
		if len(there) > 0 {
			continue
		}
		id := "case/" + string(c.line.val.ID())
		_, version, err := ci.store.Small(ctx, homeKind, id)
		if err != nil {
			return fmt.Errorf("read home: %w", err)
		}
		body, err := json.Marshal(home{ci.branch})
		if err != nil {
			return fmt.Errorf("take over home: %w", err)
		}
		if err := ci.store.SwapSmall(ctx, homeKind, id, version, body); err != nil && !errors.Is(err, journal.ErrRaced) {
			return fmt.Errorf("take over home: %w", err)
		}
		c.line.bad = nil
	}
	return nil
}
