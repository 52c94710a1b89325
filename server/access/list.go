package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// accessView is the name of the view of reads, and the type of its documents.
const accessView = "access"

// View is the view by which reads are found: a row for each case of a read, or one for a read without.
func View() journal.View {
	return journal.View{Name: accessView, Apply: journal.EachEntry(accessView, rowsOf)}
}

// row is a read as the view has it.
type row struct {
	Branch auth.BranchID  `json:"branch"`
	At     string         `json:"at"`
	User   auth.UserID    `json:"user"`
	Case   journal.CaseID `json:"case,omitempty"`
	Read   Read           `json:"read"` // without its cases
}

var (
	byTime = journal.Index{Type: accessView, Name: "at", Fields: []string{"branch", "at"}}
	byCase = journal.Index{Type: accessView, Name: "case", Fields: []string{"branch", "case", "at"}}
	byUser = journal.Index{Type: accessView, Name: "user", Fields: []string{"branch", "user", "at"}}
)

// Indexes lists the declared indexes of this room.
func Indexes() []journal.Index { return []journal.Index{byTime, byCase, byUser} }

// rowsOf gives the rows of an entry.
func rowsOf(e *journal.Entry) ([]journal.Doc, error) {
	if e.Branch != auth.OrgBranch {
		return nil, nil
	}
	var out []journal.Doc
	for _, d := range e.Docs {
		if d.Type != batchType || d.Deleted {
			continue
		}
		var b batch
		if err := json.Unmarshal(d.State, &b); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", d.Type, d.ID, err)
		}
		for i, r := range b.Reads {
			cases := r.Cases
			if len(cases) == 0 {
				cases = []journal.CaseID{""}
			}
			r.Cases = nil
			for k, c := range cases {
				state, err := json.Marshal(row{r.Branch, r.At.Format(time.RFC3339), r.User, c, r})
				if err != nil {
					return nil, err
				}
				out = append(out, journal.Doc{ID: fmt.Sprintf("%s/%03d/%03d", d.ID, i, k), State: state})
			}
		}
	}
	return out, nil
}

// Query asks for reads of a branch's records: all that is given must hold.
type Query struct {
	Branch auth.BranchID
	Case   journal.CaseID
	User   auth.UserID
	What   string // one of Whats
	// From and Before bound when it was read; zero for no bound.
	From, Before time.Time
	Limit        int // 0: 100
	After        string
}

// Line is a read of one case, or of no case in particular.
type Line struct {
	Read
	Case journal.CaseID
}

// What one page reads at most.
const (
	pageReads = 2000
	pageFinds = 20
)

// Find lists reads, newest first. A page may be short, even empty, and have a successor. Refusals: list.date.
func (l *Log) Find(ctx context.Context, q Query) (lines []Line, next string, err error) {
	if !q.From.IsZero() && !q.Before.IsZero() && !q.From.Before(q.Before) {
		return nil, "", refusal.New(refusal.Invalid, "list.date", "before",
			"it is not after from, so nothing lies between")
	}
	if err := l.views.CatchUp(ctx, auth.OrgBranch, accessView); err != nil {
		return nil, "", err
	}
	from := journal.Query{Branch: auth.OrgBranch, Type: accessView, Desc: true, Index: byTime.Name,
		Eq: []any{string(q.Branch)}}
	switch {
	case q.Case != "":
		from.Index, from.Eq = byCase.Name, append(from.Eq, string(q.Case))
	case q.User != "":
		from.Index, from.Eq = byUser.Name, append(from.Eq, string(q.User))
	}
	if !q.From.IsZero() {
		from.From = q.From.UTC().Add(time.Second - 1).Truncate(time.Second).Format(time.RFC3339)
	}
	if !q.Before.IsZero() {
		from.To = q.Before.UTC().Add(time.Second - 1).Truncate(time.Second).Format(time.RFC3339)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	// The cursor names its index, so that it fits no other list.
	mark := from.Index + "~"
	from.After = strings.TrimPrefix(q.After, mark)
	if q.After != "" && from.After == q.After {
		return nil, "", journal.ErrCursor
	}
	lines = []Line{}
	for read, finds := 0, 0; read < pageReads && finds < pageFinds && len(lines) < limit; finds++ {
		from.Limit = limit - len(lines)
		found, err := l.j.Store().Find(ctx, from)
		if err != nil {
			return nil, "", fmt.Errorf("find reads: %w", err)
		}
		for _, rec := range found.Records {
			var x row
			if err := json.Unmarshal(rec.Body, &x); err != nil {
				return nil, "", fmt.Errorf("read %s: %w", rec.ID, err)
			}
			if (q.What == "" || x.Read.What == q.What) && (q.User == "" || x.User == q.User) {
				lines = append(lines, Line{x.Read, x.Case})
			}
		}
		read += len(found.Records)
		if from.After = found.Next; from.After == "" {
			return lines, "", nil
		}
	}
	return lines, mark + from.After, nil
}
