package figures

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
)

// Dimensions by which figures are grouped, in the order of the columns.
const (
	ByDay    = "day"
	ByLender = "lender"
	ByTeam   = "team"
)

// Dimensions lists them.
func Dimensions() []string { return []string{ByDay, ByLender, ByTeam} }

// group says which part of all a group of figures is; a member is "" where figures are not grouped by it, or where a
// record has none.
type group struct {
	day, lender, team string
}

// tally is a group's figures while they are counted.
type tally struct {
	Figures
	debtors, atLimit map[string]bool
}

// count counts the figures of a span of days.
type count struct {
	src    source
	branch auth.BranchID
	zone   *time.Location
	// from, to and today are the branch's local dates.
	from, to, today string
	by              []string
	lender          string // "": of all

	limits map[string]LoadLimit
	cache  map[string]row
	groups map[group]*tally
	total  *tally
}

// LoadLimit is how often a lender lets a debtor be contacted: so many contacts within so many days.
type LoadLimit struct {
	Contacts int `json:"contacts"`
	Days     int `json:"days"`
}

// LoadDays are the days in which the load is counted of debtors whose lender has no limit. Our own value.
const LoadDays = 7

// MostLoadDays is the longest span of a limit.
const MostLoadDays = 90

func newTally() *tally {
	return &tally{Figures: Figures{Recovered: map[string]int64{}}, debtors: map[string]bool{}, atLimit: map[string]bool{}}
}

// add counts what happened at a time: an instant or a local date; "" and elsewhere is never.
func (c *count) add(at, lender, team string, fn func(*tally)) {
	day := c.dayOf(at)
	if day < c.from || day > c.to || c.lender != "" && lender != c.lender {
		return
	}
	key := group{}
	for _, by := range c.by {
		switch by {
		case ByDay:
			key.day = day
		case ByLender:
			key.lender = lender
		case ByTeam:
			key.team = team
		}
	}
	fn(c.total)
	if len(c.by) == 0 {
		return
	}
	if c.groups[key] == nil {
		c.groups[key] = newTally()
	}
	fn(c.groups[key])
}

// dayOf is the branch's local date of an instant; a date is itself, and "" and elsewhere are before all.
func (c *count) dayOf(at string) string {
	if len(at) <= len(time.DateOnly) {
		return strings.TrimPrefix(at, elsewhere)
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return ""
	}
	return t.In(c.zone).Format(time.DateOnly)
}

// shift is a local date some days later.
func shift(day string, by int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, by).Format(time.DateOnly)
}

// within lists the rows of a kind that may lie in the span, whose bounds are wide enough for every zone; more is by how
// many days earlier it begins.
func (c *count) within(ctx context.Context, kind string, more int) ([]found, error) {
	return c.src.since(ctx, c.branch, kind, shift(c.from, -1-more), shift(c.to, 2))
}

// know reads rows that are not known yet.
func (c *count) know(ctx context.Context, ids ...string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, known := c.cache[id]; return known })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	got, err := c.src.get(ctx, c.branch, ids)
	for _, id := range ids {
		c.cache[id] = got[id]
	}
	return err
}

// knowVisits reads visits and their stops, so that teamOf knows them.
func (c *count) knowVisits(ctx context.Context, visits []string) error {
	var ids, stops []string
	for _, v := range visits {
		if v != "" {
			ids = append(ids, rowID("visits", v))
		}
	}
	if err := c.know(ctx, ids...); err != nil {
		return err
	}
	for _, id := range ids {
		if stop := c.cache[id].Stop; stop != "" {
			stops = append(stops, rowID("assignments", stop))
		}
	}
	return c.know(ctx, stops...)
}

// teamOf is the team of a visit whose row is known; "" for none.
func (c *count) teamOf(visit string) string {
	if visit == "" {
		return ""
	}
	return c.cache[rowID("assignments", c.cache[rowID("visits", visit)].Stop)].Team
}

// all counts everything.
func (c *count) all(ctx context.Context) error {
	for _, part := range []struct {
		name string
		fn   func(context.Context) error
	}{{"limits", c.readLimits}, {"contacts", c.contacts}, {"visits", c.visits}, {"texts", c.texts}, {"plans", c.plans},
		{"payments", c.payments}, {"cases", c.closed}, {"complaints", c.complaints}, {"rounds", c.rounds}} {
		if err := part.fn(ctx); err != nil {
			return fmt.Errorf("count %s of %s: %w", part.name, c.branch, err)
		}
	}
	return nil
}

func (c *count) readLimits(ctx context.Context) error {
	rows, err := c.src.since(ctx, auth.OrgBranch, kindLender, "", "")
	for _, x := range rows {
		if x.Contacts > 0 && (c.lender == "" || c.lender == x.Lender) {
			c.limits[x.Lender] = LoadLimit{x.Contacts, x.Days}
		}
	}
	return err
}

func (c *count) contacts(ctx context.Context) error {
	span := LoadDays
	for _, l := range c.limits {
		span = max(span, l.Days)
	}
	rows, err := c.within(ctx, kindContact, span)
	if err != nil {
		return err
	}
	var visits []string
	days := map[string][]string{} // of a debtor: the day of each contact
	for _, x := range rows {
		if x.Gone {
			continue
		}
		visits = append(visits, x.Visit)
		days[x.Debtor] = append(days[x.Debtor], c.dayOf(x.At))
	}
	if err := c.knowVisits(ctx, visits); err != nil {
		return err
	}
	for _, x := range rows {
		if x.Gone || x.Copied {
			continue
		}
		limit, has := c.limits[x.Lender]
		if !has {
			limit.Days = LoadDays
		}
		day := c.dayOf(x.At)
		first, load := shift(day, 1-limit.Days), int64(0)
		for _, d := range days[x.Debtor] {
			if d >= first && d <= day {
				load++
			}
		}
		c.add(x.At, x.Lender, c.teamOf(x.Visit), func(t *tally) {
			t.Contacts++
			t.debtors[x.Debtor] = true
			t.LoadMost = max(t.LoadMost, load)
			if has && load >= int64(limit.Contacts) {
				t.atLimit[x.Debtor] = true
			}
		})
	}
	stops, err := c.within(ctx, kindLoadStop, 0)
	for _, x := range stops {
		c.add(x.At, x.Lender, "", func(t *tally) { t.LoadStops++ })
	}
	return err
}

func (c *count) visits(ctx context.Context) error {
	rows, err := c.within(ctx, kindVisit, 0)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(x found) bool { return x.Gone || x.Copied })
	var ids []string
	for _, x := range rows {
		ids = append(ids, strings.TrimPrefix(x.id, rowID("visits", "")))
	}
	if err := c.knowVisits(ctx, ids); err != nil {
		return err
	}
	for i, x := range rows {
		unlawful, err := c.unlawful(ctx, &x)
		if err != nil {
			return err
		}
		o := record.OutcomeOf(x.Code)
		c.add(x.At, x.Lender, c.teamOf(ids[i]), func(t *tally) {
			if o.Door {
				t.Visits++
			}
			if o.Met {
				t.VisitsMet++
			}
			if x.Code == "MET_VULNERABLE_STOP" {
				t.VulnerabilityStops++
			}
			if unlawful {
				t.UnlawfulFound++
			}
		})
	}
	return nil
}

// unlawful tells whether a visit has a flag now that says so.
func (c *count) unlawful(ctx context.Context, x *found) (bool, error) {
	v := record.Visit{}
	v.By, v.Flags = auth.UserID(x.By), x.Flags
	for _, agent := range x.Named {
		v.Agents = append(v.Agents, record.VisitAgent{Agent: auth.UserID(agent)})
	}
	var confirmed []auth.UserID
	if record.SettledByAgents(x.Flags) {
		by, err := c.src.under(ctx, c.branch, x.id, kindConfirmed)
		if err != nil {
			return false, err
		}
		for _, y := range by {
			confirmed = append(confirmed, auth.UserID(y.By))
		}
	}
	return slices.ContainsFunc(v.FlagsNow(confirmed), func(flag string) bool {
		return slices.Contains(unlawfulFlags, flag)
	}), nil
}

func (c *count) texts(ctx context.Context) error {
	rows, err := c.src.since(ctx, c.branch, kindMessage, shift(c.from, -1), "")
	if err != nil {
		return err
	}
	for _, x := range rows {
		c.add(x.Sent, x.Lender, "", func(t *tally) { t.TextsSent++ })
		c.add(x.Refused, x.Lender, "", func(t *tally) { t.TextsRefused++ })
	}
	rows, err = c.within(ctx, kindReply, 0)
	for _, x := range rows {
		if !x.Copied {
			c.add(x.At, x.Lender, "", func(t *tally) { t.VulnerabilityStops++ })
		}
	}
	return err
}

func (c *count) complaints(ctx context.Context) error {
	rows, err := c.src.since(ctx, c.branch, kindComplaint, shift(c.from, -1), "")
	if err != nil {
		return err
	}
	var visits []string
	for _, x := range rows {
		visits = append(visits, x.Visit)
	}
	if err := c.knowVisits(ctx, visits); err != nil {
		return err
	}
	for _, x := range rows {
		team := c.teamOf(x.Visit)
		if !x.Copied {
			c.add(x.At, x.Lender, team, func(t *tally) { t.Complaints++ })
		}
		c.add(x.Answered, x.Lender, team, func(t *tally) {
			t.ComplaintsAnswered++
			if x.Flag {
				t.ComplaintsLate++
			}
		})
	}
	return nil
}

// rounds counts what published rounds left out, and what was taken back from them.
func (c *count) rounds(ctx context.Context) error {
	rounds, err := c.within(ctx, kindRound, 0)
	if err != nil {
		return err
	}
	for _, x := range rounds {
		if x.At < c.from || x.At > c.to {
			continue
		}
		out, err := c.src.under(ctx, c.branch, x.id, kindLeftOut)
		if err != nil {
			return err
		}
		for _, l := range out {
			if l.Run != x.Run {
				continue
			}
			c.add(x.At, l.Lender, "", func(t *tally) {
				if l.Code == planPerforming {
					t.Suspended++
				} else {
					t.VisitsPrevented++
				}
			})
		}
	}
	stops, err := c.within(ctx, kindStop, 0)
	for _, x := range stops {
		if !x.Copied {
			c.add(x.At, x.Lender, x.Team, func(t *tally) { t.VisitsPrevented++ })
		}
	}
	return err
}

// sorted are the groups in the order of day, lender and team, with what is counted from sets.
func (c *count) sorted() []group {
	for _, t := range append(slices.Collect(maps.Values(c.groups)), c.total) {
		t.DebtorsContacted, t.DebtorsAtLimit = int64(len(t.debtors)), int64(len(t.atLimit))
	}
	return slices.SortedFunc(maps.Keys(c.groups), func(a, b group) int {
		return cmp.Or(strings.Compare(a.day, b.day), strings.Compare(a.lender, b.lender), strings.Compare(a.team, b.team))
	})
}
