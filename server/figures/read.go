package figures

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Service reads figures from the view. It is safe for concurrent use.
type Service struct {
	j     *journal.Journal
	views *journal.Views
}

// New makes a Service.
func New(j *journal.Journal) *Service { return &Service{j: j, views: journal.NewViews(j, View())} }

// Query asks for the figures of a branch.
type Query struct {
	Branch auth.BranchID
	// From and To are the branch's local dates, both included; "" for today.
	From, To string
	By       []string // Dimensions, without repeats
	Lender   string   // only this one's; "" for all
}

// MostDays is how many days one reading spans.
const MostDays = 366

// Counted are figures, with all that is needed to compute them anew.
type Counted struct {
	Branch   auth.BranchID `json:"branch"`
	TimeZone string        `json:"time_zone"`
	From     string        `json:"from"`
	To       string        `json:"to"`
	By       []string      `json:"by"`               // the dimensions of rows
	Lender   string        `json:"lender,omitempty"` // whose cases alone are counted; absent: all
	// Today is the branch's date at CountedAt: what a later day decides is open.
	Today string `json:"today"`
	// CountedAt is when it was counted.
	CountedAt time.Time `json:"counted_at"`
	// Entries is how many entries of the branch the figures rest on. Where entries never cease to come, a few later
	// ones may be in some figure.
	Entries uint64 `json:"entries"`
	// OrgEntries is how many entries of the organisation they rest on.
	OrgEntries uint64 `json:"org_entries"`
	// Limits are the limits of contact load that lenders have now.
	Limits []LenderLimit `json:"limits"`
	// Rows are the groups with something to count, by day, lender and team; none when they are not grouped.
	Rows  []CountedGroup `json:"rows"`
	Total CountedGroup   `json:"total"`
	// Definitions say what each figure counts.
	Definitions []Definition `json:"definitions"`
}

// LenderLimit is the limit of a lender.
type LenderLimit struct {
	Lender string `json:"lender"`
	LoadLimit
}

// CountedGroup are the figures of a part.
type CountedGroup struct {
	Day    string `json:"day,omitempty"` // the branch's local date
	Lender string `json:"lender,omitempty"`
	Team   string `json:"team,omitempty"` // absent also for what no team had a part in
	// Figures are the figures by name.
	Figures map[string]int64 `json:"figures"`
	// Money is what came in, by currency and in its minor units.
	Money map[string]int64 `json:"money_recovered"`
}

// Read counts the figures of a branch as an actor may see them: the office and auditors of their branches, a lender of
// its own cases, without teams. Refusals: auth.role, branch.not_found, figures.by, figures.date, figures.lender.
func (s *Service) Read(ctx context.Context, a auth.Actor, q Query) (Counted, error) {
	if !a.InBranch(q.Branch) || q.Branch == auth.OrgBranch {
		return Counted{}, refusal.New(refusal.NotFound, "branch.not_found", "branch", "there is no such branch here")
	}
	if a.Role.Rule().Cases == auth.LendersCases {
		switch {
		case a.Lender == "" || q.Lender != "" && q.Lender != a.Lender:
			return Counted{}, refusal.New(refusal.NotFound, "figures.lender", "lender", "there is no such lender here")
		case slices.Contains(q.By, ByTeam):
			return Counted{}, refusal.New(refusal.Invalid, "figures.by", "by", "a lender's figures are by day and lender")
		}
		q.Lender = a.Lender
	}
	now := s.j.Now()
	for try := 1; ; try++ {
		before, err := s.heads(ctx, q.Branch)
		if err != nil {
			return Counted{}, err
		}
		out, err := answer(ctx, stored{s.j.Store()}, a.Role, q, now, before[0], before[1])
		if err != nil {
			return Counted{}, err
		}
		// Entries that came while it was counted may be in a part of it.
		after, err := s.heads(ctx, q.Branch)
		if err != nil || after == before || try == mostTries {
			return out, err
		}
	}
}

// mostTries is how often figures are counted anew while entries come in.
const mostTries = 5

// heads brings the view up to date and gives how many entries the branch and the organisation have.
func (s *Service) heads(ctx context.Context, b auth.BranchID) (out [2]uint64, err error) {
	for i, of := range []auth.BranchID{b, auth.OrgBranch} {
		if err := s.views.CatchUp(ctx, of, viewName); err != nil {
			return out, err
		}
		if out[i], err = s.j.Watermark(ctx, of); err != nil {
			return out, err
		}
	}
	return out, nil
}

// FromJournal counts figures from the entries alone, as a role may see them, at an instant. upTo and orgUpTo are how
// many entries of the branch and of the organisation are read; 0: all. Refusals: as Read's.
func FromJournal(ctx context.Context, s journal.Store, r auth.Role, q Query, now time.Time,
	upTo, orgUpTo uint64) (Counted, error) {
	all := folded{}
	for b, n := range map[auth.BranchID]*uint64{q.Branch: &upTo, auth.OrgBranch: &orgUpTo} {
		w, err := s.Watermark(ctx, b)
		if err != nil {
			return Counted{}, err
		}
		if *n == 0 {
			*n = w
		}
		if *n > w {
			return Counted{}, fmt.Errorf("branch %s has %d entries, and not %d", b, w, *n)
		}
		if err := all.fold(ctx, s, b, *n); err != nil {
			return Counted{}, fmt.Errorf("read the journal of %s: %w", b, err)
		}
	}
	return answer(ctx, all, r, q, now, upTo, orgUpTo)
}

// answer counts the figures of rows.
func answer(ctx context.Context, src source, r auth.Role, q Query, now time.Time,
	entries, org uint64) (Counted, error) {
	offices, err := src.get(ctx, auth.OrgBranch, []string{rowID("branches", string(q.Branch))})
	if err != nil {
		return Counted{}, err
	}
	zone, err := time.LoadLocation(offices[rowID("branches", string(q.Branch))].Zone)
	if err != nil {
		return Counted{}, fmt.Errorf("the zone of branch %s: %w", q.Branch, err)
	}
	today := now.In(zone).Format(time.DateOnly)
	if q.From == "" {
		q.From = today
	}
	if q.To == "" {
		q.To = max(today, q.From)
	}
	if err := q.check(); err != nil {
		return Counted{}, err
	}
	c := count{src: src, branch: q.Branch, zone: zone, from: q.From, to: q.To, today: today, by: q.By, lender: q.Lender,
		limits: map[string]LoadLimit{}, cache: map[string]row{}, groups: map[group]*tally{}, total: newTally()}
	if err := c.all(ctx); err != nil {
		return Counted{}, err
	}
	out := Counted{Branch: q.Branch, TimeZone: zone.String(), From: q.From, To: q.To, By: slices.Clone(q.By),
		Lender: q.Lender, Today: today, CountedAt: record.WholeUTC(now), Entries: entries,
		OrgEntries: org, Rows: []CountedGroup{}, Limits: []LenderLimit{},
		Definitions: DefinitionsFor(r)}
	if out.By == nil {
		out.By = []string{}
	}
	for _, g := range c.sorted() {
		t := c.groups[g].shown(out.Definitions)
		t.Day, t.Lender, t.Team = g.day, g.lender, g.team
		out.Rows = append(out.Rows, t)
	}
	out.Total = c.total.shown(out.Definitions)
	for lender, l := range c.limits {
		out.Limits = append(out.Limits, LenderLimit{lender, l})
	}
	slices.SortFunc(out.Limits, func(a, b LenderLimit) int { return strings.Compare(a.Lender, b.Lender) })
	return out, nil
}

// check refuses a span or dimensions that mean nothing.
func (q *Query) check() *refusal.Error {
	from, err := time.Parse(time.DateOnly, q.From)
	if err != nil {
		return refusal.New(refusal.Invalid, "figures.date", "from", "write a date of the calendar as 2006-01-02")
	}
	to, err := time.Parse(time.DateOnly, q.To)
	switch {
	case err != nil:
		return refusal.New(refusal.Invalid, "figures.date", "to", "write a date of the calendar as 2006-01-02")
	case to.Before(from):
		return refusal.New(refusal.Invalid, "figures.date", "to", "it is before from, so no day lies between")
	case to.Sub(from) > (MostDays-1)*24*time.Hour:
		return refusal.New(refusal.Invalid, "figures.date", "from", "ask for at most %d days at once", MostDays)
	}
	for i, by := range q.By {
		if !slices.Contains(Dimensions(), by) || slices.Contains(q.By[:i], by) {
			return refusal.New(refusal.Invalid, "figures.by", "by", "by is day, lender and team, each at most once")
		}
	}
	return nil
}

// shown are the figures of a group that are defined for the reader.
func (t *tally) shown(defs []Definition) CountedGroup {
	g := CountedGroup{Figures: map[string]int64{}, Money: map[string]int64{}}
	for _, d := range defs {
		if d.of == nil {
			g.Money = t.Recovered
			continue
		}
		g.Figures[d.Name] = *d.of(&t.Figures)
	}
	return g
}
