package casework

import (
	"context"
	"errors"
	"io"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// ImportOptions of the imports. The zero value is usable.
type ImportOptions struct {
	// MaxErrors is how many line errors the report lists; all are counted. 0: 1,000.
	MaxErrors int
}

// ImportReport says what became of the lines of an import. Every line is counted once.
type ImportReport struct {
	Accepted  int         `json:"accepted"` // new
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"` // here already, with the same values
	Rejected  int         `json:"rejected"`
	Errors    []LineError `json:"errors"`
	// ErrorsLeftOut is how many errors are not listed, for their number.
	ErrorsLeftOut int `json:"errors_left_out,omitempty"`
	// Unassigned is how many of the cases accepted or updated lie outside every territory: they are kept.
	Unassigned int `json:"unassigned,omitempty"`
}

// chunkLines is how many lines are decided and appended together.
const chunkLines = 500

// lineImport is one kind of import: it reads rows into T, and applies chunks of them.
type lineImport[T any] struct {
	schema []column
	// parse judges one row by itself.
	parse func(vals []string) (T, []LineError)
	// key tells lines that must not stand in one chunk, since the later one builds on the earlier.
	key func(T) string
	// apply decides a chunk and fills in what became of each line. Its error is about the whole import.
	apply func(ctx context.Context, lines []*importLine[T]) error
}

// importLine is a line under way.
type importLine[T any] struct {
	n          int
	val        T
	change     string // accepted, updated, unchanged; "" with bad
	bad        *LineError
	unassigned bool
}

// refuse says that the line is not applied.
func (l *importLine[T]) refuse(column, code, message string) {
	l.bad = &LineError{Line: l.n, Column: column, Code: code, Message: message}
}

// refuseFor says that a decision refused the line.
func (l *importLine[T]) refuseFor(err error) bool {
	if e, ok := refusal(err); ok {
		l.refuse(e.Field, e.code, e.Msg)
		return true
	}
	var j *journal.Error
	if errors.As(err, &j) {
		l.refuse("", j.Code(), j.Msg)
		return true
	}
	return false
}

// runImport streams a file through an import, a chunk at a time. What was applied
// before an error stays, and is in the report.
func runImport[T any](ctx context.Context, im lineImport[T], contentType string, in io.Reader, opt ImportOptions) (ImportReport, error) {
	rep := ImportReport{Errors: []LineError{}}
	if opt.MaxErrors == 0 {
		opt.MaxErrors = 1000
	}
	rows, err := newRowReader(contentType, in, im.schema)
	if err != nil {
		return rep, err
	}
	complain := func(errs ...LineError) {
		for _, e := range errs {
			if len(rep.Errors) < opt.MaxErrors {
				rep.Errors = append(rep.Errors, e)
			} else {
				rep.ErrorsLeftOut++
			}
		}
	}
	var chunk []*importLine[T]
	var bad []LineError // of lines of this chunk that were not even parsed
	keys := map[string]bool{}
	flush := func() error {
		var err error
		if len(chunk) > 0 {
			err = im.apply(ctx, chunk)
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
			case l.change == unchanged:
				rep.Unchanged++
			}
			if l.unassigned && (l.change == accepted || l.change == updated) {
				rep.Unassigned++
			}
		}
		sortLines(bad)
		complain(bad...)
		bad = bad[:0]
		chunk = chunk[:0]
		clear(keys)
		return err
	}
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return rep, flush()
		}
		if err != nil {
			return rep, errors.Join(err, flush())
		}
		if r.bad != nil {
			rep.Rejected++
			bad = append(bad, *r.bad)
		} else if val, errs := im.parse(r.vals); len(errs) > 0 {
			rep.Rejected++
			for _, e := range errs {
				e.Line = r.line
				bad = append(bad, e)
			}
		} else {
			k := im.key(val)
			if keys[k] {
				if err := flush(); err != nil {
					return rep, err
				}
			}
			keys[k] = true
			chunk = append(chunk, &importLine[T]{n: r.line, val: val})
		}
		if len(chunk) >= chunkLines || len(bad) >= 4*chunkLines {
			if err := flush(); err != nil {
				return rep, err
			}
		}
	}
}

// importer is one import under way: whose it is, and what it has looked up.
type importer struct {
	*Service
	actor  auth.Actor
	branch auth.BranchID
	now    time.Time // of the journal's clock, at the beginning of the chunk
	zones  map[string]*time.Location
}

func (s *Service) newImporter(actor auth.Actor, branch auth.BranchID) (*importer, error) {
	if err := inBranch(actor, branch); err != nil {
		return nil, err
	}
	return &importer{Service: s, actor: actor, branch: branch, zones: map[string]*time.Location{}}, nil
}

// zone finds a time zone; nil when there is none of that name.
func (im *importer) zone(name string) *time.Location {
	if z, ok := im.zones[name]; ok {
		return z
	}
	var z *time.Location
	if isZone(name) {
		z, _ = time.LoadLocation(name)
	}
	if len(im.zones) < 1000 {
		im.zones[name] = z
	}
	return z
}

// cases reads the cases that lines name, as they stand. Those of another lender are as if absent.
func (im *importer) cases(ctx context.Context, ids []journal.CaseID) (map[journal.CaseID]Filed[Case], error) {
	refs := make([]journal.DocRef, len(ids))
	for i, id := range ids {
		refs[i] = journal.DocRef{Type: "cases", ID: string(id)}
	}
	recs, err := im.store.Records(ctx, im.branch, refs)
	if err != nil {
		return nil, err
	}
	found := make(map[journal.CaseID]Filed[Case], len(ids))
	for _, rec := range recs {
		if rec.Type == "" || rec.Deleted {
			continue
		}
		c := Filed[Case]{ID: rec.ID, N: rec.N, Rev: rec.Rev}
		if err := decode(rec, &c.State); err != nil {
			return nil, err
		}
		found[c.State.CaseRef] = c
	}
	return found, nil
}
