package casework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework/rows"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// ImportOptions of the imports. The zero value is usable.
type ImportOptions struct {
	// MaxErrors is how many line errors, and how many warnings, the report lists; all are counted. 0: 1,000.
	MaxErrors int
	// Net says of cases whose lines do not whether their amounts are net of payments; nil: unknown.
	Net *bool
}

// ImportReport says what became of the lines of an import. Every line is counted once.
type ImportReport struct {
	// Import is the id by which the import is undone; "" for one that changed nothing.
	Import    string           `json:"import_id,omitempty"`
	Accepted  int              `json:"accepted"` // new
	Updated   int              `json:"updated"`
	Reopened  int              `json:"reopened"`  // cases closed as paid of which something is due again
	Unchanged int              `json:"unchanged"` // here already, with the same values
	Rejected  int              `json:"rejected"`
	Errors    []rows.LineError `json:"errors"`
	// ErrorsLeftOut is how many errors are not listed, for their number.
	ErrorsLeftOut int `json:"errors_left_out,omitempty"`
	// Unassigned is how many of the cases accepted, updated or reopened lie outside every territory: they are kept.
	Unassigned int `json:"unassigned,omitempty"`
	// Warnings are about lines that were taken and may be mistakes.
	Warnings []rows.LineError `json:"warnings,omitempty"`
	// WarningsLeftOut is how many warnings are not listed, for their number.
	WarningsLeftOut int `json:"warnings_left_out,omitempty"`
}

// noLines is the report of an import that has not begun.
func noLines() ImportReport {
	return ImportReport{Errors: []rows.LineError{}}
}

// maxBadRun is how many lines in a row may be bad. A file with more is not what it should be, and reading it to its end
// would cost much and tell nothing new.
const maxBadRun = 10_000

// chunkLines is how many lines are decided and appended together.
const chunkLines = 500

// lineImport is one kind of import: it reads rows into T, and applies chunks of them.
type lineImport[T any] struct {
	schema []rows.Column
	// parse judges one row by itself.
	parse func(vals []string) (T, []rows.LineError)
	// resolve finds the case that a line names, where a line names one that exists; nil for other imports.
	resolve func(ctx context.Context, val *T) (*rows.LineError, error)
	// key tells lines that must not stand in one chunk, since the later one builds on the earlier; "" for a line that
	// apply sees to by itself.
	key func(T) string
	// apply decides a chunk and fills in what became of each line. Its error is about the whole import.
	apply func(ctx context.Context, lines []*importLine[T]) error
	// alive is called after each chunk; nil for nothing.
	alive func(ctx context.Context) error
}

// importLine is a line under way.
type importLine[T any] struct {
	n          int
	val        T
	change     string // accepted, updated, reopened, unchanged; "" with bad
	bad        *rows.LineError
	warnings   []rows.LineError
	unassigned bool
}

// warn says that the line may be a mistake.
func (l *importLine[T]) warn(w warning) {
	l.warnings = append(l.warnings, rows.LineError{Line: l.n, Column: w.column, Code: w.code, Message: w.message})
}

// refuse says that the line is not applied.
func (l *importLine[T]) refuse(column, code, message string) {
	l.bad = &rows.LineError{Line: l.n, Column: column, Code: code, Message: message}
}

// refuseFor says that a decision refused the line.
func (l *importLine[T]) refuseFor(err error) bool {
	if e, ok := refusal.Of(err); ok {
		l.refuse(e.Place, e.Code(), e.Msg)
		return true
	}
	return false
}

// runImport streams a file through an import, a chunk at a time. After an error the
// chunks before it stay applied, and the report counts them. It ends with import.bad_lines
// after maxBadRun bad lines in a row, counted by chunks.
func runImport[T any](ctx context.Context, im lineImport[T], contentType string, in io.Reader,
	opt ImportOptions) (ImportReport, error) {
	rep := noLines()
	if opt.MaxErrors == 0 {
		opt.MaxErrors = 1000
	}
	file, err := rows.NewReader(contentType, in, im.schema)
	if err != nil {
		return rep, err
	}
	complain := func(errs ...rows.LineError) {
		for _, e := range errs {
			if len(rep.Errors) < opt.MaxErrors {
				rep.Errors = append(rep.Errors, e)
			} else {
				rep.ErrorsLeftOut++
			}
		}
	}
	warn := func(all []rows.LineError) {
		n := min(len(all), opt.MaxErrors-len(rep.Warnings))
		rep.Warnings = append(rep.Warnings, all[:n]...)
		rep.WarningsLeftOut += len(all) - n
	}
	var chunk []*importLine[T]
	var bad []rows.LineError // of lines of this chunk that were not even parsed
	keys := map[string]bool{}
	badRun := 0
	flush := func() error {
		var err error
		if len(chunk) > 0 {
			err = im.apply(ctx, chunk)
		}
		if err == nil && im.alive != nil {
			err = im.alive(ctx)
		}
		badRun += len(bad) + len(chunk)
		if slices.ContainsFunc(chunk, func(l *importLine[T]) bool { return l.bad == nil }) {
			badRun = 0
		}
		for _, l := range chunk {
			switch {
			case l.bad != nil:
				bad = append(bad, *l.bad)
				rep.Rejected++
			case l.change == accepted:
				rep.Accepted++
			case l.change == updated:
				rep.Updated++
			case l.change == reopened:
				rep.Reopened++
			case l.change == unchanged:
				rep.Unchanged++
			}
			if l.bad == nil && l.change != "" {
				warn(l.warnings)
			}
			if l.unassigned && l.bad == nil && l.change != unchanged {
				rep.Unassigned++
			}
		}
		sortLines(bad)
		complain(bad...)
		bad = bad[:0]
		chunk = chunk[:0]
		clear(keys)
		if err == nil && badRun >= maxBadRun {
			err = tooManyBad(rep.Errors)
		}
		return err
	}
	for {
		r, err := file.Next()
		if errors.Is(err, io.EOF) {
			return rep, flush()
		}
		if err != nil {
			return rep, errors.Join(err, flush())
		}
		val, errs, err := im.read(ctx, r)
		if err != nil {
			return rep, errors.Join(err, flush())
		}
		if len(errs) > 0 {
			rep.Rejected++
			for _, e := range errs {
				e.Line = r.Line
				bad = append(bad, e)
			}
		} else {
			k := im.key(val)
			if k != "" && keys[k] {
				if err := flush(); err != nil {
					return rep, err
				}
			}
			keys[k] = true
			chunk = append(chunk, &importLine[T]{n: r.Line, val: val})
		}
		if len(chunk) >= chunkLines || len(bad) >= 4*chunkLines {
			if err := flush(); err != nil {
				return rep, err
			}
		}
	}
}

// tooManyBad ends an import, and shows the first of its bad lines.
func tooManyBad(errs []rows.LineError) error {
	e := refusal.New(refusal.Invalid, "import.bad_lines", "body",
		"%d lines in a row are bad; compare the file with what this import reads", maxBadRun)
	for _, l := range errs[:min(len(errs), 10)] {
		e.Faults = append(e.Faults, refusal.Fault{Place: "body." + l.Column, Line: l.Line, Msg: l.Message})
	}
	return e
}

// read judges one row and resolves the case it names.
func (im *lineImport[T]) read(ctx context.Context, r rows.Row) (val T, errs []rows.LineError, err error) {
	if r.Bad != nil {
		return val, []rows.LineError{*r.Bad}, nil
	}
	if val, errs = im.parse(r.Vals); len(errs) > 0 || im.resolve == nil {
		return val, errs, nil
	}
	bad, err := im.resolve(ctx, &val)
	if bad != nil {
		errs = []rows.LineError{*bad}
	}
	return val, errs, err
}

// importer is one import under way: whose it is, and where it goes.
type importer struct {
	*Service
	id     string
	kind   string // one of importKinds
	actor  auth.Actor
	branch auth.BranchID               // "": each line to the branch of its case
	signed map[string]contract         // of the lenders met so far
	named  map[string][]journal.CaseID // by references that came without their lender
	runs   map[auth.BranchID]*importRun
	sent   int // commands of lines so far
}

// newImporter refuses a branch the actor does not belong to; "" is for the kinds
// of import whose lines name a case that has a branch already.
func (s *Service) newImporter(kind string, actor auth.Actor, branch auth.BranchID) (*importer, error) {
	if branch != "" {
		if err := importScope(actor, branch); err != nil {
			return nil, err
		}
	}
	return &importer{Service: s, id: journal.NewID(), kind: kind, actor: actor, branch: branch,
		signed: map[string]contract{}, named: map[string][]journal.CaseID{}, runs: map[auth.BranchID]*importRun{}}, nil
}

// cases reads the cases that lines name, of all lenders, as they stand.
func (im *importer) cases(ctx context.Context, branch auth.BranchID,
	ids []journal.CaseID) (map[journal.CaseID]Filed[record.Case], error) {
	refs := make([]journal.DocRef, len(ids))
	for i, id := range ids {
		refs[i] = journal.DocRef{Type: "cases", ID: string(id)}
	}
	recs, err := im.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	found := make(map[journal.CaseID]Filed[record.Case], len(ids))
	for _, rec := range recs {
		if rec.Type == "" || rec.Deleted {
			continue
		}
		c := Filed[record.Case]{ID: rec.ID, N: rec.N, Rev: rec.Rev}
		if err := decode(rec, &c.State); err != nil {
			return nil, err
		}
		found[c.State.ID] = c
	}
	return found, nil
}

// casesOf reads the cases that lines are about. Those out of the actor's scope are as if absent.
func casesOf[T any](ctx context.Context, im *importer, branch auth.BranchID, lines []*importLine[T],
	caseOf func(T) journal.CaseID) (map[journal.CaseID]Filed[record.Case], error) {
	var ids []journal.CaseID
	for _, l := range lines {
		ids = append(ids, caseOf(l.val))
	}
	slices.Sort(ids)
	found, err := im.cases(ctx, branch, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	for id, c := range found {
		if !c.State.OpenTo(im.actor) {
			delete(found, id)
		}
	}
	return found, nil
}

// refuseUnknown says that a line is about no case of the actor's.
func (l *importLine[T]) refuseUnknown() {
	e := unknownCase()
	l.refuse(e.Column, e.Code, e.Message)
}

// perBranch applies lines branch by branch: all to the import's own, or each to its case's.
func perBranch[T any](ctx context.Context, im *importer, lines []*importLine[T], caseOf func(T) journal.CaseID,
	apply func(context.Context, auth.BranchID, []*importLine[T]) error) error {
	if im.branch != "" {
		return apply(ctx, im.branch, lines)
	}
	var ids []journal.CaseID
	for _, l := range lines {
		ids = append(ids, caseOf(l.val))
	}
	homes, err := im.homes(ctx, ids)
	if err != nil {
		return err
	}
	var order []auth.BranchID
	of := map[auth.BranchID][]*importLine[T]{}
	for i, l := range lines {
		b := homes[i].Branch
		if b == "" || !im.actor.InBranch(b) {
			l.refuseUnknown()
			continue
		}
		if of[b] == nil {
			order = append(order, b)
		}
		of[b] = append(of[b], l)
	}
	for _, b := range order {
		if err := apply(ctx, b, of[b]); err != nil {
			return err
		}
	}
	return nil
}

// homes looks up where cases live, in the order asked; the zero home for one that lives nowhere.
func (s *Service) homes(ctx context.Context, cases []journal.CaseID) ([]home, error) {
	ids := make([]string, len(cases))
	for i, id := range cases {
		ids[i] = "case/" + string(id)
	}
	docs, err := s.store.Smalls(ctx, homeKind, ids)
	if err != nil {
		return nil, fmt.Errorf("read homes: %w", err)
	}
	out := make([]home, len(cases))
	for i, d := range docs {
		if d.Body == nil {
			continue
		}
		if err := json.Unmarshal(d.Body, &out[i]); err != nil {
			return nil, fmt.Errorf("read home: %w", err)
		}
	}
	return out, nil
}

// doLines appends what lines change as one conversation, and notes on each what became of it.
func doLines[T any](ctx context.Context, im *importer, branch auth.BranchID, lines []*importLine[T],
	reqs []Request) error {
	if len(reqs) == 0 {
		return nil
	}
	run, first := im.begun(branch)
	receipts, err := im.Do(ctx, im.actor, branch, append(first, reqs...))
	if len(first) > 0 && len(receipts) > 0 && receipts[0].N > 0 {
		run.first, run.seen = receipts[0].N, im.journal.Now()
		im.runs[branch] = run
	}
	if err != nil {
		return err
	}
	for i, r := range receipts[len(first):] {
		l := lines[i]
		if e, refused := refusal.Of(r.Err); refused && e.Code() == codeImportUndone {
			return r.Err
		}
		if r.Err != nil {
			if !l.refuseFor(r.Err) {
				return r.Err
			}
			continue
		}
		var answer lineReceipt
		if err := json.Unmarshal(r.Body, &answer); err != nil {
			return fmt.Errorf("read receipt of %s: %w", r.Command, err)
		}
		l.change, l.unassigned = answer.Change, answer.Territory != nil && *answer.Territory == ""
		if r.Duplicate {
			l.change = unchanged
		}
		run.count(l.change, lineLender(reqs[i].Cmd))
	}
	return nil
}

// lineReceipt is what the receipts of all imported lines tell.
type lineReceipt struct {
	Change    string  `json:"change"`
	Territory *string `json:"territory"` // of a case; nil for other lines
}

// sortLines puts errors in the order of their lines.
func sortLines(errs []rows.LineError) {
	slices.SortStableFunc(errs, func(a, b rows.LineError) int { return cmp.Compare(a.Line, b.Line) })
}
