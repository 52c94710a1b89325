package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// An import that changes something leaves a record of itself in each branch that it changes: a document of type
// imports under the import's id. Its lines' commands begin with the id, and what they write is marked with it, so
// that the import can be undone (undo.go).

const (
	// importSeen is how often a running import says that it is under way.
	importSeen = time.Minute
	// importLost is how long after its last word an import counts as broken off.
	importLost = 5 * time.Minute
	// importEnds is how long the end of an import may take to be noted after its sender has gone.
	importEnds = 10 * time.Second
)

// importRun is what an import does in one branch.
type importRun struct {
	first   uint64 // its first entry
	seen    time.Time
	lenders []string
	counts  struct{ accepted, updated, reopened int }
}

// importLines begins the ids of the commands of an import's lines.
func importLines(id string) string { return "import:" + id + ":" }

// request is a line's command under an id of its own. That the same line again does nothing is
// the decision's to see: it compares the line with the one that came last.
func (im *importer) request(cmd Cmd) Request {
	im.sent++
	return Request{ID: importLines(im.id) + strconv.Itoa(im.sent), Cmd: cmd}
}

// begun gives the run of a branch; before its first change, the command that records it as well.
func (im *importer) begun(branch auth.BranchID) (*importRun, []Request) {
	if run := im.runs[branch]; run != nil {
		return run, nil
	}
	m := record.Import{Kind: im.kind, State: record.ImportRunning}
	if im.actor.Role == auth.RoleLender {
		m.Lender = im.actor.Lender
	}
	return &importRun{}, []Request{{ID: "import.begin:" + im.id, Cmd: noteImport{id: im.id, begin: &m}}}
}

// alive says of branches that were silent for a while that the import goes on.
func (im *importer) alive(ctx context.Context) error {
	for b, run := range im.runs {
		now := im.journal.Now()
		if now.Sub(run.seen) < importSeen {
			continue
		}
		if _, err := im.One(ctx, im.actor, b, Request{ID: "import.seen:" + im.id + ":" + strconv.FormatInt(now.Unix(), 10),
			Cmd: noteImport{id: im.id, first: run.first}}); err != nil {
			return err
		}
		run.seen = now
	}
	return nil
}

// end notes what the import did in each branch, even if its sender has gone.
func (im *importer) end(ctx context.Context, rep ImportReport, fault error) (ImportReport, error) {
	if len(im.runs) == 0 {
		return rep, fault
	}
	rep.Import = im.id
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), importEnds)
	defer cancel()
	for b, run := range im.runs {
		m := record.Import{Lenders: run.lenders, Broken: fault != nil, Accepted: run.counts.accepted,
			Updated: run.counts.updated, Reopened: run.counts.reopened, Unchanged: rep.Unchanged, Rejected: rep.Rejected}
		if _, err := im.One(ctx, im.actor, b, Request{ID: "import.end:" + im.id,
			Cmd: noteImport{id: im.id, first: run.first, end: &m}}); err != nil {
			// What it changed stands; without its end it counts as broken off.
			im.log.Warn("the end of an import is not recorded", "import", im.id, "branch", b, "err", err)
			continue
		}
		im.log.Info("imported", "import", im.id, "kind", im.kind, "branch", b, "by", im.actor.User,
			"accepted", m.Accepted, "updated", m.Updated, "reopened", m.Reopened, "rejected", m.Rejected, "broken", m.Broken)
	}
	return rep, fault
}

// count notes what became of a line.
func (r *importRun) count(change, lender string) {
	switch change {
	case accepted:
		r.counts.accepted++
	case updated:
		r.counts.updated++
	case reopened:
		r.counts.reopened++
	default:
		return
	}
	if at, there := slices.BinarySearch(r.lenders, lender); !there && len(r.lenders) < record.MostImportLenders {
		r.lenders = slices.Insert(r.lenders, at, lender)
	}
}

// lineLender is the lender of the case that a line's command is about.
func lineLender(cmd Cmd) string {
	switch c := cmd.(type) {
	case importCase:
		return c.line.Lender
	case RecordContact:
		return record.LenderOf(c.Case)
	case RecordPayment:
		return record.LenderOf(c.Case)
	}
	return ""
}

// noteImport records that an import begins, goes on or ends.
type noteImport struct {
	id         string
	first      uint64
	begin, end *record.Import // at most one; none: it goes on
}

func (c noteImport) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	m, _, err := t.imported(ctx, c.id)
	if err != nil {
		return nil, err
	}
	d := t.draft("import.note")
	switch {
	case c.begin != nil:
		m = c.begin
		m.Branch, m.By, m.At = t.Branch, t.Actor.User, t.At
	case m == nil || m.State != record.ImportRunning:
		return nil, refuseUndone()
	case c.end != nil:
		m.State, m.EndedAt, m.Lenders, m.Broken = record.ImportDone, t.At, c.end.Lenders, c.end.Broken
		m.Accepted, m.Updated, m.Reopened = c.end.Accepted, c.end.Updated, c.end.Reopened
		m.Unchanged, m.Rejected = c.end.Unchanged, c.end.Rejected
	}
	m.SeenAt = t.At
	m.First = max(m.First, c.first)
	d.put("imports", c.id, "", m)
	return d, nil
}

// imported reads the record of an import, and the entry that wrote it; nil if there is none.
func (t *turn) imported(ctx context.Context, id string) (*record.Import, uint64, error) {
	rec, there, err := t.r.Doc(ctx, "imports", id)
	if err != nil || !there {
		return nil, 0, err
	}
	m := &record.Import{}
	return m, rec.N, decode(rec, m)
}

// stillImporting refuses a line of an import that is being undone; "" is for what no import brings.
func (t *turn) stillImporting(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	m, _, err := t.imported(ctx, id)
	if err == nil && (m == nil || m.State != record.ImportRunning) {
		return refuseUndone()
	}
	return err
}

// codeImportUndone is the code of a line of an import that was undone while it ran.
const codeImportUndone = "import.undone"

func refuseUndone() *refusal.Error {
	return refuse(refusal.Conflict, codeImportUndone, "",
		"this import was undone before it had ended; send the file again to import it anew")
}

// importMark marks what an import writes over a record; nil for what no import brings.
func importMark(id string, over journal.Record, there bool) *record.Imported {
	switch {
	case id == "":
		return nil
	case !there:
		return &record.Imported{ID: id}
	}
	return &record.Imported{ID: id, Before: over.N}
}

// importRefs are the documents of an import that its lines rest on.
func importRefs(id string) []journal.DocRef {
	if id == "" {
		return nil
	}
	return []journal.DocRef{{Type: "imports", ID: id}}
}

// ImportQuery filters a list of imports.
type ImportQuery struct {
	Branch auth.BranchID
	Kind   string // cases, contacts, payments or territories; "" for all
	Limit  int    // 0: 100
	After  string
}

// importKinds are what is imported so that it can be undone.
var importKinds = []string{"cases", "contacts", "payments", importTerritories}

var (
	importsByTime = journal.Index{Type: "imports", Name: "at", Fields: []string{"branch", "at"}}
	// importsByLender has those that lenders' own systems sent.
	importsByLender = journal.Index{Type: "imports", Name: "lender", Fields: []string{"lender", "at"}}
	importsByState  = journal.Index{Type: "imports", Name: "state", Fields: []string{"state", "at"}}
)

// Imports lists the imports that changed something in a branch, newest first; a lender's system reads its own. A page
// may be short and have a successor. Refusals: list.kind, branch.not_found.
func (s *Service) Imports(ctx context.Context, a auth.Actor, q ImportQuery) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	if q.Kind != "" {
		if bad := record.OneOf("list.kind", "kind", q.Kind, importKinds); bad != nil {
			return Page{}, bad
		}
	}
	find := journal.Query{Branch: q.Branch, Type: "imports", Index: importsByTime.Name, Eq: []any{string(q.Branch)},
		Desc: true, Limit: q.Limit, After: q.After}
	if a.Role == auth.RoleLender {
		find.Index, find.Eq = importsByLender.Name, []any{a.Lender}
	}
	now, to := s.journal.Now(), record.AudienceOf(a.Role)
	return s.page(ctx, find, func(rec journal.Record) (doc json.RawMessage, err error) {
		var m record.Import
		if err := decode(rec, &m); err != nil || !mayUndo(a, &m) || q.Kind != "" && m.Kind != q.Kind {
			return nil, err
		}
		settleImport(&m, now)
		if doc, err = record.Show(&m, to); err != nil {
			return nil, err
		}
		return withMembers(doc, "id", rec.ID, "rev", rec.Rev), nil
	})
}

// settleImport says of an import that has been silent for long that it has broken off.
func settleImport(m *record.Import, now time.Time) {
	if m.State == record.ImportRunning && now.Sub(m.SeenAt) > importLost {
		m.State, m.Broken = record.ImportDone, true
	}
}

// mayUndo tells whether an import is one that an actor of its branch may see, and undo.
func mayUndo(a auth.Actor, m *record.Import) bool {
	switch a.Role {
	case auth.RoleAdmin, auth.RoleSupervisor:
		return true
	case auth.RoleLender:
		return a.Lender != "" && m.Lender == a.Lender
	}
	return false
}

// importsOf reads the records of an import in the branches that the actor may see. Refusals: import.not_found.
func (s *Service) importsOf(ctx context.Context, a auth.Actor, id string) (map[auth.BranchID]Filed[record.Import],
	error) {
	branches := a.Branches
	if a.Role == auth.RoleAdmin {
		var err error
		if branches, err = s.store.Branches(ctx); err != nil {
			return nil, fmt.Errorf("list branches: %w", err)
		}
	}
	out := map[auth.BranchID]Filed[record.Import]{}
	for _, b := range branches {
		recs, err := s.store.Records(ctx, b, []journal.DocRef{{Type: "imports", ID: id}})
		if err != nil {
			return nil, fmt.Errorf("read import: %w", err)
		}
		if recs[0].Body == nil {
			continue
		}
		m := Filed[record.Import]{ID: id, N: recs[0].N, Rev: recs[0].Rev}
		if err := decode(recs[0], &m.State); err != nil {
			return nil, err
		}
		if mayUndo(a, &m.State) {
			out[b] = m
		}
	}
	if len(out) == 0 {
		return nil, noSuchImport()
	}
	return out, nil
}

func noSuchImport() *refusal.Error {
	return refuse(refusal.NotFound, "import.not_found", "import",
		"there is no such import of yours here; an import that changed nothing has no id")
}
