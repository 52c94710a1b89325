package dispatch

import (
	"cmp"
	"context"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/sync/journal"
)

// lawDays is for how many local dates from today LawNow looks for a time at which a visit may begin (our own value).
const lawDays = 21

// LawNow says whether a case may be visited at this moment, by a team that lacks nothing, and when next.
type LawNow struct {
	Case     journal.CaseID `json:"case"`
	AsOf     time.Time      `json:"as_of"`
	TimeZone string         `json:"time_zone"` // the debtor's
	// Allowed says whether a visit may begin now.
	Allowed bool `json:"allowed"`
	// From and To are the span in which a visit may begin: the one that lasts, or the next; zero where there is none
	// up to the local date Searched.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Searched is the last local date that was looked at.
	Searched string `json:"searched"`
	// Code says why no visit may begin now, Rule and Cite name the rule and its sources, as for a left-out case; ""
	// where one may.
	Code string   `json:"code,omitempty"`
	Rule string   `json:"rule,omitempty"`
	Cite []string `json:"cite,omitempty"`
	// Policy is the hash of the policy that was asked.
	Policy string `json:"policy_hash"`
}

// LawNow says what the law and the office's own rules say of a visit to a case now, and from when one may begin. It
// asks about a team that lacks nothing, since it is not known who would go. Errors: those of casework.PlanningFileOf.
func (s *Service) LawNow(ctx context.Context, a auth.Actor, b auth.BranchID, id journal.CaseID) (LawNow, error) {
	branch, err := s.opt.Office.Branch(ctx, b)
	if err != nil {
		return LawNow{}, err
	}
	now := s.opt.Journal.Now().UTC().Truncate(time.Second)
	// No local date of today is before yesterday's in UTC, wherever the debtor lives.
	j := judging{date: now.AddDate(0, 0, -1).Format(time.DateOnly), policy: s.opt.Policy(), overlays: branch.Profiles}
	f, err := s.opt.Casework.PlanningFileOf(ctx, a, b, id, j.day())
	if err != nil {
		return LawNow{}, err
	}
	home := branch
	home.TimeZone = cmp.Or(f.Case.TimeZone, branch.TimeZone)
	zone, err := zoneOf(home)
	if err != nil {
		return LawNow{}, err
	}
	plan := casework.WellEquipped()
	plan.Overlays = j.overlays
	today := now.In(zone)
	out := LawNow{Case: id, AsOf: now, TimeZone: zone.String(), Policy: j.policy.Hash(),
		Searched: today.AddDate(0, 0, lawDays-1).Format(time.DateOnly)}
	if why := untouchable(f, today.Format(time.DateOnly)); why.code != "" {
		out.Code, out.Rule, out.Cite = why.code, why.rule, why.cite
	}
	for i := range lawDays {
		date := today.AddDate(0, 0, i).Format(time.DateOnly)
		if untouchable(f, date).code != "" {
			continue
		}
		lawful, hits, err := casework.WindowsOf(ctx, j.policy, f, date, plan)
		if err != nil {
			return LawNow{}, err
		}
		if i == 0 && len(lawful) == 0 && len(hits) > 0 {
			out.Code, out.Rule, out.Cite = hits[0].Reason, hits[0].Rule, hits[0].Cite
		}
		for _, w := range windowsOf(lawful) {
			if !w.To.After(now) {
				continue
			}
			out.From, out.To, out.Allowed = w.From, w.To, !w.From.After(now)
			return out, s.whyNotNow(j, f, now, plan, &out)
		}
	}
	return out, s.whyNotNow(j, f, now, plan, &out)
}

// untouchable is unfit, but for what only keeps a case from being planned: where the home lies is not the law's matter.
func untouchable(f *casework.PlanningFile, date string) whyNot {
	if why := unfit(f, date); why.code == OnHold || why.code == AddressUnfit {
		return why
	}
	return whyNot{}
}

// whyNotNow names the rule that forbids a visit now, where none is named yet.
func (s *Service) whyNotNow(j judging, f *casework.PlanningFile, now time.Time, plan casework.VisitPlan,
	out *LawNow) error {
	if out.Allowed || out.Code != "" {
		return nil
	}
	hit, lawful, err := s.opt.Casework.WhyNotAt(j.policy, f, now, plan)
	if err != nil {
		return err
	}
	out.Code = NoTimeInWindow
	if !lawful {
		out.Code, out.Rule, out.Cite = hit.Reason, hit.Rule, hit.Cite
	}
	return nil
}
