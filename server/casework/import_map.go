package casework

import (
	"context"
	"slices"
	"strconv"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
)

// importTerritories is the kind of an import of territories. The office keeps these, and undoes their import; that
// there was one stands among the imports of the branch like any other.
const importTerritories = "territories"

// MapImport is an import of territories into a branch.
type MapImport struct {
	ID     string
	Branch auth.BranchID
	// First and Last bound the entries that it wrote.
	First, Last uint64
	Undone      bool
}

// Lines begins the ids of the commands of the import's features.
func (m *MapImport) Lines() string { return importLines(m.ID) }

// Command is the id of the command of the import's n-th feature.
func (m *MapImport) Command(n int) string { return m.Lines() + strconv.Itoa(n) }

// BeginMapImport notes that an import of territories begins. EndMapImport notes its end; without that it counts as
// broken off after a while.
func (s *Service) BeginMapImport(ctx context.Context, actor auth.Actor, branch auth.BranchID) (*MapImport, error) {
	im, err := s.newImporter(importTerritories, actor, branch)
	if err != nil {
		return nil, err
	}
	r, err := s.One(ctx, actor, branch, Request{ID: "import.begin:" + im.id,
		Cmd: noteImport{id: im.id, begin: &record.Import{Kind: importTerritories, State: record.ImportRunning}}})
	return &MapImport{ID: im.id, Branch: branch, First: r.N}, err
}

// EndMapImport notes what an import of territories did, even if its sender has gone.
func (s *Service) EndMapImport(ctx context.Context, actor auth.Actor, m *MapImport, counts record.Import) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importEnds)
	defer cancel()
	_, err := s.One(ctx, actor, m.Branch, Request{ID: "import.end:" + m.ID,
		Cmd: noteImport{id: m.ID, first: m.First, end: &counts}})
	return err
}

// MapImportOf finds the import of territories that is to be undone; nil for an import of another kind. Refusals:
// import.not_found, import.running, import.undo_reason.
func (s *Service) MapImportOf(ctx context.Context, actor auth.Actor, c UndoImport) (*MapImport, error) {
	found, err := s.importsOf(ctx, actor, c.Import)
	if err != nil {
		return nil, err
	}
	for b, im := range found {
		m := im.State
		if m.Kind != importTerritories {
			return nil, nil
		}
		if err := c.check(&m, s.journal.Now()); err != nil {
			return nil, err
		}
		w, err := s.store.Watermark(ctx, b)
		if err != nil {
			return nil, err
		}
		out := &MapImport{ID: c.Import, Branch: b, First: m.First, Last: m.Last, Undone: m.State == record.ImportUndone}
		if out.First == 0 {
			out.First = im.N // its first entry is its only word
		}
		if out.Last == 0 {
			out.Last = w
			if m.State == record.ImportDone && !m.Broken {
				out.Last = im.N
			}
		}
		return out, nil
	}
	return nil, noSuchImport()
}

// MapUndone notes that an import of territories was undone. q is the request, without a command.
func (s *Service) MapUndone(ctx context.Context, actor auth.Actor, q Request, m *MapImport, reason string) error {
	q.Cmd = mapUndone{m, reason}
	_, err := s.One(ctx, actor, m.Branch, q)
	return err
}

type mapUndone struct {
	of     *MapImport
	reason string
}

func (c mapUndone) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, _, err := t.imported(ctx, c.of.ID)
	if err != nil {
		return nil, err
	}
	if m == nil || !mayUndo(t.Actor, m) {
		return nil, noSuchImport()
	}
	d := t.draft("import.undone")
	if m.Undo != nil {
		return d.nothing(), nil
	}
	settleImport(m, t.At)
	m.State, m.First, m.Last = record.ImportUndone, c.of.First, c.of.Last
	m.Undo = &record.ImportUndo{By: t.Actor.User, At: t.At, Reason: c.reason, EndedAt: t.At}
	d.put("imports", c.of.ID, "", m)
	return d, nil
}

// byLines refuses an import that Undo does not take back.
func byLines(m *record.Import) *refusal.Error {
	if slices.Contains([]string{"cases", "contacts", "payments"}, m.Kind) {
		return nil
	}
	return noSuchImport()
}
