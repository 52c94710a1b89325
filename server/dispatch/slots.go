package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo/routing"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// DaySlots says which times of a day could be promised to a debtor, in order of time.
type DaySlots struct {
	Case     journal.CaseID `json:"case"`
	Date     string         `json:"date"`      // local to the debtor
	TimeZone string         `json:"time_zone"` // the debtor's
	Minutes  int            `json:"minutes"`   // the length of a slot
	// Round is the round of the day that was asked, RoundStatus how it stands; "" while there is none.
	Round       string `json:"round,omitempty"`
	RoundStatus string `json:"round_status,omitempty"`
	// Code says why nothing of the day can be promised, Rule and Cite name the
	// rule and its sources, as for a left-out case; "" where the slots say it.
	Code  string   `json:"code,omitempty"`
	Rule  string   `json:"rule,omitempty"`
	Cite  []string `json:"cite,omitempty"`
	Slots []Slot   `json:"slots"`
}

// Slot is a span in which a visit could begin, or could not.
type Slot struct {
	From time.Time `json:"from"` // the visit begins then or later
	To   time.Time `json:"to"`   // and before
	// Lawful says whether the law allows a visit to begin in the span.
	Lawful bool `json:"lawful"`
	// Possible says whether a team of the round has room: Yes, No, or Unknown while there is no round.
	Possible string `json:"possible" enum:"yes,no,unknown"`
	// Cheapest marks the possible slot that costs the day least, the first of those.
	Cheapest bool `json:"cheapest,omitempty"`
	// Team could come, at ETA, with so many more seconds of travel than without
	// the visit; ExtraCost counts waiting and delays of other stops as well, in the
	// same unit. Only of possible slots.
	Team         string    `json:"team,omitempty"`
	ETA          time.Time `json:"eta,omitzero"`
	ExtraTravelS *int      `json:"extra_travel_s,omitempty"`
	ExtraCost    *int64    `json:"extra_cost,omitempty"`
	// Code says why it is not possible, Rule and Cite where the law is the reason.
	Code string   `json:"code,omitempty"`
	Rule string   `json:"rule,omitempty"`
	Cite []string `json:"cite,omitempty"`
}

// Whether a slot is possible.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// Lengths of a slot, in minutes.
const (
	MinSlotMinutes     = 30
	MaxSlotMinutes     = 240
	DefaultSlotMinutes = 60
	// shortestSlot is what must be left of one that the law or the moment cuts (our own value).
	shortestSlot = 15 * time.Minute
)

// SlotParams are what slots are asked with.
type SlotParams struct {
	Branch  auth.BranchID
	Case    journal.CaseID
	Date    string // local to the debtor, "2006-01-02"; "": today
	Minutes int    // 0: DefaultSlotMinutes
}

// Slots says which times of a date could be promised to the debtor of a case. It
// asks the law, and the round of the day as it stands: what is done or under way
// is over, and every other stop keeps its team and its place in the order. Room
// that the round could only make by leaving out a stop does not count. A visit to the
// debtor that is planned already makes way for the promised one. Errors:
// slots.date, slots.past, slots.far, slots.minutes, and those of casework.PlanningFileOf.
func (s *Service) Slots(ctx context.Context, a auth.Actor, p SlotParams) (DaySlots, error) {
	p.Minutes = cmp.Or(p.Minutes, DefaultSlotMinutes)
	if p.Minutes < MinSlotMinutes || p.Minutes > MaxSlotMinutes {
		return DaySlots{}, refuse(refusal.Invalid, "slots.minutes", "minutes", fmt.Sprintf("a slot is %d to %d minutes long",
			MinSlotMinutes, MaxSlotMinutes))
	}
	branch, err := s.opt.Office.Branch(ctx, p.Branch)
	if err != nil {
		return DaySlots{}, err
	}
	now := s.opt.Journal.Now().UTC().Truncate(time.Second)
	// No slot is before today, wherever the debtor lives.
	j := judging{date: now.AddDate(0, 0, -1).Format(time.DateOnly), policy: s.opt.Policy(), overlays: branch.Profiles,
		past: &soFar{now: now}}
	f, err := s.opt.Casework.PlanningFileOf(ctx, a, p.Branch, p.Case, j.day())
	if err != nil {
		return DaySlots{}, err
	}
	home := branch
	home.TimeZone = cmp.Or(f.Case.TimeZone, branch.TimeZone)
	zone, err := zoneOf(home)
	if err != nil {
		return DaySlots{}, err
	}
	p.Date = cmp.Or(p.Date, now.In(zone).Format(time.DateOnly))
	if err := slotDate(p.Date, now.In(zone)); err != nil {
		return DaySlots{}, err
	}
	out := DaySlots{Case: p.Case, Date: p.Date, TimeZone: zone.String(), Minutes: p.Minutes, Slots: []Slot{}}
	if why := unfit(f, p.Date); why.code != "" {
		return out.none(why), nil
	}
	round, found, err := s.roundOn(ctx, p.Branch, p.Date)
	if err != nil {
		return DaySlots{}, err
	}
	j.date = p.Date
	if !found {
		return s.lawfulSlots(ctx, out, f, j, zone)
	}
	out.Round, out.RoundStatus = round.ID, round.Status
	return s.roundSlots(ctx, out, f, j, round, branch, zone)
}

// slotDate refuses a date that is none, is over, or is too far away.
func slotDate(date string, now time.Time) error {
	if fault := office.DateFault(date); fault != "" {
		return refuse(refusal.Invalid, "slots.date", "date", fault)
	}
	switch {
	case date < now.Format(time.DateOnly):
		return refuse(refusal.Invalid, "slots.past", "date", "this day is over; ask for one to come")
	case date > now.AddDate(1, 0, 0).Format(time.DateOnly):
		return refuse(refusal.Invalid, "slots.far", "date", "this is more than a year ahead")
	}
	return nil
}

// none is a day of which nothing can be promised.
func (d DaySlots) none(why whyNot) DaySlots {
	d.Code, d.Rule, d.Cite = why.code, why.rule, why.cite
	return d
}

// roundOn is the round of a date that the phones have or, where none is
// published, the one planned last.
func (s *Service) roundOn(ctx context.Context, b auth.BranchID, date string) (best Round, found bool, err error) {
	rank := func(r *Round) int {
		switch r.Status {
		case Published, Publishing, Replanning:
			return 2
		case Planned:
			return 1
		}
		return 0
	}
	rounds, err := s.roundsOn(ctx, b, date)
	for _, r := range rounds {
		if n := rank(&r); n > 0 && n >= rank(&best) {
			best, found = r, true
		}
	}
	return best, found, err
}

// lawfulSlots are those of a day that has no round yet: who will go is not
// known, so the law is asked about a team that lacks nothing, as it is when an appointment is made.
func (s *Service) lawfulSlots(ctx context.Context, out DaySlots, f *casework.PlanningFile, j judging,
	zone *time.Location) (DaySlots, error) {
	plan := casework.WellEquipped()
	plan.Overlays = j.overlays
	lawful, hits, err := casework.WindowsOf(ctx, j.policy, f, j.date, plan)
	if err != nil {
		return DaySlots{}, err
	}
	if len(lawful) == 0 && len(hits) > 0 {
		return out.none(whyNot{code: hits[0].Reason, rule: hits[0].Rule, cite: hits[0].Cite}), nil
	}
	ws := j.past.toCome(windowsOf(lawful))
	if len(ws) == 0 {
		return out.none(whyNot{code: NoTimeInWindow}), nil
	}
	if out.Slots, err = s.cut(f, j, ws, plan, out.Minutes, zone); err != nil {
		return DaySlots{}, err
	}
	for i := range out.Slots {
		if out.Slots[i].Lawful {
			out.Slots[i].Possible = Unknown
		}
	}
	return out, nil
}

// roundSlots are those of a day that has a round.
func (s *Service) roundSlots(ctx context.Context, out DaySlots, f *casework.PlanningFile, j judging, r Round,
	branch office.Branch, zone *time.Location) (DaySlots, error) {
	t, err := s.asItStands(ctx, r, branch, j.past.now)
	if err != nil {
		return DaySlots{}, err
	}
	j.crews, j.past = t.crews, t.past
	if t.past.keeps(out.Case) {
		return out.none(whyNot{code: Visited}), nil
	}
	cases, err := s.opt.Casework.PersonsCases(ctx, r.Branch, f.Case.Debtor)
	if err != nil {
		return DaySlots{}, err
	}
	others := slices.DeleteFunc(cases, func(id journal.CaseID) bool { return id == out.Case })
	if slices.ContainsFunc(others, t.binds) {
		return out.none(whyNot{code: SameDebtor, rule: "house-one-visit"}), nil
	}
	c, why, err := j.judge(ctx, f, nil)
	if err != nil {
		return DaySlots{}, err
	}
	if why.code != "" {
		return out.none(why), nil
	}
	if out.Slots, err = s.cut(f, j, c.windows, j.visit(&t.crews[c.crews[0]]), out.Minutes, zone); err != nil {
		return DaySlots{}, err
	}
	return out, s.place(ctx, r.Branch, out.Slots, t, c, others)
}

// cut cuts the lawful windows of a day at the debtor's clock: by the hour, or by
// whatever length is asked for from midnight on. Slots between the first and the
// last that the law forbids are there too, with the rule.
func (s *Service) cut(f *casework.PlanningFile, j judging, ws []Window, plan casework.VisitPlan, minutes int,
	zone *time.Location) ([]Slot, error) {
	whole := Window{From: ws[0].From, To: ws[len(ws)-1].To}
	out := []Slot{}
	for at := 0; at < 24*60; at += minutes {
		span := Window{}
		var err error
		if span.From, err = wall(j.date, clockText(at), zone); err != nil {
			return nil, err
		}
		if span.To, err = wall(j.date, clockText(at+minutes), zone); err != nil {
			return nil, err
		}
		// Windows may begin and end within a minute; seconds are not promised.
		found := false
		for _, w := range overlap(ws, []Window{span}, 0) {
			w.From, w.To = w.From.Add(time.Minute-1).Truncate(time.Minute), w.To.Truncate(time.Minute)
			found = true
			if w.To.Sub(w.From) >= shortestSlot {
				out = append(out, Slot{From: w.From, To: w.To, Lawful: true})
			}
		}
		if found {
			continue
		}
		for _, w := range overlap([]Window{whole}, []Window{span}, 0) {
			hit, lawful, err := s.opt.Casework.WhyNotAt(j.policy, f, w.From, plan)
			if err != nil {
				return nil, err
			}
			if !lawful {
				out = append(out, Slot{From: w.From, To: w.To, Possible: No, Code: hit.Reason, Rule: hit.Rule, Cite: hit.Cite})
			}
		}
	}
	return out, nil
}

// clockText is a number of minutes since midnight, at most a day, as a wall time.
func clockText(minutes int) string {
	minutes = min(minutes, 24*60)
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
}

// place asks for each lawful slot who of the crews that may go has room for the visit.
func (s *Service) place(ctx context.Context, b auth.BranchID, slots []Slot, t *standingDay, c candidate,
	others []journal.CaseID) error {
	var ask []int
	var windows []Window
	for i := range slots {
		if slots[i].Lawful {
			ask, windows = append(ask, i), append(windows, Window{slots[i].From, slots[i].To})
		}
	}
	p, order, stop, err := s.rest(ctx, b, t, c, others)
	if err != nil {
		return err
	}
	found, err := routing.Slots(p, order, stop, routed(windows, t.origin))
	if err != nil {
		return fmt.Errorf("look for room in the round: %w", err)
	}
	best := -1
	for k, x := range found {
		slot := &slots[ask[k]]
		if x.Reason != "" {
			slot.Possible, slot.Code = No, reasons[x.Reason]
			continue
		}
		slot.Possible, slot.Team, slot.ETA = Yes, p.Shifts[x.Shift].ID, t.origin.Add(time.Duration(x.Start)*time.Second)
		slot.ExtraTravelS, slot.ExtraCost = &x.Travel, &x.Cost
		if best < 0 || x.Cost < *slots[best].ExtraCost {
			best = ask[k]
		}
	}
	if best >= 0 {
		slots[best].Cheapest = true
	}
	return nil
}
