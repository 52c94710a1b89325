package casework

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/server/casework/rows"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// contract is what is known of a lender.
type contract struct {
	known    bool
	branches []auth.BranchID
}

// contractOf looks a lender up, once an import.
func (im *importer) contractOf(ctx context.Context, lender string) (contract, error) {
	if c, ok := im.signed[lender]; ok {
		return c, nil
	}
	branches, known, err := im.lenders.Contracts(ctx, lender)
	if err != nil {
		return contract{}, fmt.Errorf("read the contracts of a lender: %w", err)
	}
	c := contract{known, branches}
	im.signed[lender] = c
	return c, nil
}

// hasContract tells whether a lender may import into a branch. A lender that does not
// exist yet gets a contract with the branch if its first cases come from the office,
// never by its own word.
func (im *importer) hasContract(ctx context.Context, lender string, branch auth.BranchID) (bool, error) {
	if im.lenders == nil {
		return true, nil
	}
	c, err := im.contractOf(ctx, lender)
	if err != nil {
		return false, err
	}
	if !c.known && (im.actor.Role == auth.RoleAdmin || im.actor.Role == auth.RoleSupervisor) {
		if err := im.lenders.AddLender(ctx, im.actor.User, lender, branch); err != nil {
			return false, fmt.Errorf("make a lender: %w", err)
		}
		// Another import may have made it meanwhile, with another branch.
		delete(im.signed, lender)
		if c, err = im.contractOf(ctx, lender); err != nil {
			return false, err
		}
	}
	return slices.Contains(c.branches, branch), nil
}

// refuseNoContract says that the line's lender may not import into the branch.
func (l *importLine[T]) refuseNoContract() {
	l.refuse("lender", "import.no_contract",
		"the lender has no contract with this branch; an administrator adds it with PUT /v1/lenders/{id}")
}

// caseName is how a line of contacts or payments names its case.
type caseName struct {
	Ref    string
	Lender string         // "" when the line does not say
	ID     journal.CaseID // once resolved
}

// caseName reads the columns that name a case.
func (f *fields) caseName() caseName {
	n := caseName{Ref: f.ref("case_ref"), Lender: f.get("lender")}
	if n.Lender != "" {
		f.lender("lender")
		f.wholeID("case_ref", n.Lender, n.Ref)
	}
	return n
}

// resolve finds the case that a line names. A lender's system names its own cases by
// its own references. The office names the lender beside, or writes the full id, or
// the reference alone where only one lender has a case of that name.
func (im *importer) resolve(ctx context.Context, n *caseName) (*rows.LineError, error) {
	if im.actor.Role == auth.RoleLender {
		if n.Lender != "" && n.Lender != im.actor.Lender {
			return notYourLender(), nil
		}
		n.Lender = im.actor.Lender
	}
	if n.Lender != "" {
		n.ID = record.CaseIDOf(n.Lender, n.Ref)
		return nil, nil
	}
	ids, known := im.named[n.Ref]
	if !known {
		var err error
		if ids, err = im.casesNamed(ctx, n.Ref); err != nil {
			return nil, err
		}
		if len(im.named) >= 10_000 {
			clear(im.named)
		}
		im.named[n.Ref] = ids
	}
	switch len(ids) {
	case 0:
		return unknownCase(), nil
	case 1:
		n.ID = ids[0]
		return nil, nil
	}
	return &rows.LineError{Column: "case_ref", Code: "import.case_ambiguous",
		Message: "several lenders have a case of this case_ref; name the lender in a column lender, or write " +
			"<lender>.<case_ref>"}, nil
}

// casesNamed finds the cases in the actor's scope that a text names, as full id or as a lender's own reference;
// two are enough.
func (im *importer) casesNamed(ctx context.Context, ref string) ([]journal.CaseID, error) {
	branches := []auth.BranchID{im.branch}
	if im.branch == "" {
		branches = im.actor.Branches
		if im.actor.Role == auth.RoleAdmin {
			var err error
			if branches, err = im.store.Branches(ctx); err != nil {
				return nil, fmt.Errorf("list branches: %w", err)
			}
		}
	}
	var ids []journal.CaseID
	for _, b := range branches {
		recs, err := im.store.Records(ctx, b, []journal.DocRef{{Type: "cases", ID: ref}})
		if err != nil {
			return nil, fmt.Errorf("read case: %w", err)
		}
		found, err := im.store.Find(ctx, journal.Query{Branch: b, Type: "cases", Index: CasesByRef.Name, Eq: []any{ref},
			Limit: 2})
		if err != nil {
			return nil, fmt.Errorf("find cases by reference: %w", err)
		}
		for _, rec := range append(recs, found.Records...) {
			if id := journal.CaseID(rec.ID); rec.Type != "" && !rec.Deleted && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		if len(ids) > 1 {
			break
		}
	}
	return ids, nil
}

func notYourLender() *rows.LineError {
	return &rows.LineError{Column: "lender", Code: "import.lender",
		Message: "this is not your lender; send your own cases only"}
}

// unknownCase is said of a case that does not exist and of one that is not the actor's: the two must not differ.
func unknownCase() *rows.LineError {
	return &rows.LineError{Column: "case_ref", Code: "import.case_unknown",
		Message: "there is no such case of yours here; import the case first"}
}

// importScope refuses a branch that the actor may not import into. A lender's system
// learns by its lines that it has no contract.
func importScope(actor auth.Actor, branch auth.BranchID) error {
	if actor.Role == auth.RoleLender && branch != auth.OrgBranch {
		return nil
	}
	return inBranch(actor, branch)
}
