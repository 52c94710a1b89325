package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
)

func (a *API) undoEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/imports", roles: importers, id: "listImports",
		tag: "imports", summary: "What was imported, by whom and when",
		about: "Imports of cases, contacts, payments and territories that changed something in a branch, newest first, " +
			"with what they changed there and whether that was undone. A lender's system reads its own. A page may be short " +
			"and have a next_cursor."}, a.listImports)
	register(a, endpoint{method: http.MethodPost, path: "/v1/imports/{import}/undo", roles: importers,
		id: "undoImport", tag: "imports", summary: "Undo an import",
		about: "Takes back what the import changed and nothing has touched since: cases that it opened are closed " +
			"(import_undone) and leave the phones like recalled ones, members get their earlier values, payments are " +
			"reversed, contacts are struck. Nothing is deleted. What is left is listed with its code: visited, plan_agreed, " +
			"recorded_since, paid_since, changed_since, imported_since, case_closed, hold_stays and the like. Ask with " +
			"dry_run first. An undo that is cut short goes on by itself; the same again answers the same, and importing " +
			"the file again takes the undo back. Struck contacts count for no cap any more: decisions_counted says how " +
			"many visits and stops were judged while one counted. A lender's system undoes its own imports. An import of " +
			"territories is undone whole (restored and removed count them) or refused: import.changed_since names " +
			"territories that were changed since, territory.in_use the teams that work one that would be removed."},
		a.undoImport)
}

type listImportsIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64"`
	Kind   string `query:"kind" enum:"cases,contacts,payments,territories"`
}

func (a *API) listImports(ctx context.Context, c call, in *listImportsIn) (*body[page[shown[record.Import]]], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	return pageAnswer[shown[record.Import]](a.opt.Casework.Imports(ctx, c.actor, casework.ImportQuery{Branch: b,
		Kind: in.Kind, Limit: in.Limit, After: in.Cursor}))
}

type undoImportIn struct {
	Import string `path:"import" maxLength:"64" doc:"The import's id, as its answer and the list have it."`
	DryRun bool   `query:"dry_run" doc:"Change nothing, and answer what would become of what the import changed."`
	Body   struct {
		Reason string `json:"reason" doc:"A code of undo_reasons."`
	}
}

func (a *API) undoImport(ctx context.Context, c call, in *undoImportIn) (*body[casework.UndoReport], error) {
	undo := casework.UndoImport{Import: in.Import, Reason: in.Body.Reason}
	m, err := a.opt.Casework.MapImportOf(ctx, c.actor, undo)
	if err != nil {
		return nil, err
	}
	if m != nil {
		return a.undoMapImport(ctx, c, m, in)
	}
	rep, err := a.opt.Casework.Undo(ctx, c.actor, request(c, nil),
		undo, in.DryRun)
	if err != nil {
		return nil, err
	}
	return respond(rep), nil
}

// undoMapImport takes back an import of territories, and puts the open cases into those that they lie in then.
func (a *API) undoMapImport(ctx context.Context, c call, m *casework.MapImport, in *undoImportIn) (
	*body[casework.UndoReport], error) {
	rep := casework.UndoReport{Import: m.ID, DryRun: in.DryRun, State: record.ImportUndone,
		Lines: []casework.UndoneRecord{}}
	if in.DryRun && !m.Undone {
		rep.State = record.ImportDone
	}
	done, err := a.opt.Office.UndoTerritories(ctx, office.Ask{By: c.actor.User, Command: "undo:" + m.ID}, m.Branch,
		m.Lines(), m.First, m.Last, in.DryRun || m.Undone)
	if err != nil {
		return nil, err
	}
	rep.Restored, rep.Removed = done.Restored, done.Removed
	if in.DryRun || m.Undone {
		return respond(rep), nil
	}
	if err := a.opt.Casework.MapUndone(ctx, c.actor, request(c, nil), m, in.Body.Reason); err != nil {
		return nil, err
	}
	_, err = a.opt.Casework.RedrawAll(ctx, auth.System(), m.Branch)
	return respond(rep), err
}
