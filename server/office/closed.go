package office

import (
	"context"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// ClosedDay is the state of a document of type "closed_days" in the organisation's journal: a day on which a branch
// sends out no team.
type ClosedDay struct {
	Branch auth.BranchID `json:"branch"`
	Date   string        `json:"date"` // local to the branch
	// Reason is one of ClosedReasons.
	Reason string      `json:"reason"`
	By     auth.UserID `json:"by"` // the user who closed it
	At     time.Time   `json:"at"`
}

// BranchClosed is the reason of a Leaving of a day on which a branch is closed.
const BranchClosed = "closed"

// closedReasons are the codes of why a branch is closed.
var closedReasons = []string{"holiday", "inventory", "strike", "training", "weather", "other"}

// ClosedReasons lists the codes of why a branch is closed.
func ClosedReasons() []string { return slices.Clone(closedReasons) }

// CloseDay closes a branch on a local date. The open work of that day is taken back (Leavings), but for visits that
// are under way. Errors: closed.date, closed.past, closed.reason, branch.not_found.
func (s *Service) CloseDay(ctx context.Context, ask Ask, c ClosedDay) (ClosedDay, error) {
	branch, err := s.Branch(ctx, c.Branch)
	if err != nil {
		return ClosedDay{}, err
	}
	if fault := DateFault(c.Date); fault != "" {
		return ClosedDay{}, invalid("closed.date", "date", fault)
	}
	if !slices.Contains(closedReasons, c.Reason) {
		return ClosedDay{}, invalid("closed.reason", "reason", "this is not one of "+strings.Join(closedReasons, ", "))
	}
	c.By = ask.By
	out, err := apply(ctx, s, ask, change[ClosedDay]{branch: auth.OrgBranch, typ: "closed_days",
		id: closedDoc(c.Branch, c.Date), action: "closed_day.put",
		decide: func(_ context.Context, r *journal.Reader, _ *ClosedDay) (*ClosedDay, error) {
			if c.Date < branch.day(r.At) {
				return nil, invalid("closed.past", "date", "this day is over")
			}
			c.At = r.At.UTC().Truncate(time.Second)
			return &c, nil
		},
		also: func(ctx context.Context, r *journal.Reader, d *journal.Draft) error {
			return putLeaving(ctx, r, d, Leaving{ID: leavingID("", c.Branch, "closed", c.Date), Branch: c.Branch,
				Reason: BranchClosed, From: c.Date, To: c.Date})
		}})
	if err != nil {
		return ClosedDay{}, err
	}
	return *out, nil
}

// closedDoc names the document of a closed day.
func closedDoc(b auth.BranchID, date string) string { return string(b) + "/" + date }

// OpenDay takes a closing back. closed.not_found.
func (s *Service) OpenDay(ctx context.Context, ask Ask, b auth.BranchID, date string) error {
	_, err := apply(ctx, s, ask, change[ClosedDay]{branch: auth.OrgBranch, typ: "closed_days", id: closedDoc(b, date),
		action: "closed_day.delete",
		decide: func(_ context.Context, _ *journal.Reader, now *ClosedDay) (*ClosedDay, error) {
			if now == nil {
				return nil, notFound("closed.not_found", "the branch is not closed that day")
			}
			return nil, nil
		}})
	return err
}

// ClosedOn is a branch's closed day of a local date; ok is false if the branch is open.
func (s *Service) ClosedOn(ctx context.Context, b auth.BranchID, date string) (c ClosedDay, ok bool, err error) {
	found, ok, err := load[ClosedDay](ctx, s, auth.OrgBranch, "closed_days", closedDoc(b, date))
	if ok {
		c = *found
	}
	return c, ok, err
}

// ClosedDays lists a branch's closed days from a local date on, in their order.
func (s *Service) ClosedDays(ctx context.Context, b auth.BranchID, from string, limit int, after string) ([]ClosedDay,
	string, error) {
	return page[ClosedDay](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "closed_days", Index: closedByBranch.Name,
		Eq: []any{string(b)}, From: from, Limit: limit, After: after})
}
