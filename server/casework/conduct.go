package casework

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"doorstep/server/conduct"
	"doorstep/server/record"
)

// Phases in which the law is asked about a visit.
const (
	phasePlan     = "plan"
	phaseDispatch = "dispatch"
	phaseDoor     = "door"
	phaseSync     = "sync"
	phaseAlert    = "alert"
)

// verdict is a conduct decision as it is kept.
type verdict = record.Verdict

// verdictsJSON is how verdicts stand in entries.
func verdictsJSON(vs ...verdict) (json.RawMessage, error) { return json.Marshal(vs) }

// hits are the reasons of a decision as they are kept.
func hits(all []conduct.Hit) []record.Hit {
	out := make([]record.Hit, len(all))
	for i, h := range all {
		out[i] = record.Hit{Reason: h.Reason, Rule: h.Rule}
	}
	return out
}

// visitAct is what the law must know of a visit.
type visitAct struct {
	agents    int
	items     []string
	recording bool
	place     string
	party     string
	purpose   string
	minutes   int
	overlays  []string
}

// stopAct is the visit of an issued stop.
func stopAct(a *record.Assignment) visitAct {
	return visitAct{agents: len(a.Agents), minutes: a.ServiceS / 60, items: a.Items, recording: a.Recording,
		overlays: a.Overlays}
}

// act is the planned visit to a case.
func (p VisitPlan) act(k *record.Case) visitAct {
	return visitAct{agents: p.Agents, items: p.Items, recording: p.Recording, minutes: k.ServiceMin,
		overlays: p.Overlays}
}

// action is the visit as the conduct decision takes it.
func (v visitAct) action(k *record.Case) conduct.Action {
	a := conduct.Action{Channel: "visit", Place: v.place, Party: v.party, Purpose: v.purpose, Agents: v.agents,
		Items:     listedWords(v.items, conduct.Papers()),
		Recording: v.recording, Case: string(k.ID), DurationMin: min(max(v.minutes, 0), 24*60), TZ: k.Zones()}
	if a.Place == "" {
		a.Place = "home"
	}
	return a
}

// listedWords returns the words that are in the list, in their order. A phone may send others, which the law does
// not know.
func listedWords(words, list []string) []string {
	var out []string
	for _, w := range words {
		if slices.Contains(list, w) {
			out = append(out, w)
		}
	}
	return out
}

// profiles is the chain of a case with overlays.
func profiles(k *record.Case, overlays []string) []string {
	out := slices.Clone(k.Profiles)
	for _, o := range overlays {
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// conductCase is the case as the conduct decision takes it, on a local date. A
// plan agreed at or after the act does not forbid it; a zero act is any time of the day.
// Some contacts do not count as uses of a consent.
func conductCase(f *File, day string, act time.Time, without ...string) conduct.Case {
	k := &f.Case
	c := conduct.Case{Flags: map[string]conduct.Flag{}}
	if due, err := time.Parse(time.DateOnly, k.DueDate); err == nil {
		if on, err := time.Parse(time.DateOnly, day); err == nil {
			days := int(on.Sub(due) / (24 * time.Hour))
			c.PastDueDays = &days
		}
	}
	for name, span := range k.FlagSpans(day) {
		c.Flags[name] = conduct.Flag{Since: span.Since, Until: span.Until}
	}
	for _, p := range f.Plans {
		if f.performing(&p.State, day, act) {
			c.Flags["plan_performing"] = conduct.Flag{}
		}
		// What is offered at or after the act does not make the act a last resort.
		if (p.State.Offered != nil || p.State.State != "") && (act.IsZero() || p.State.At.Before(act)) {
			c.Flags["plan_offered"] = conduct.Flag{}
		}
	}
	r := k.Requests
	c.Requests = conduct.Requests{NoPlaces: r.NoPlaces, NoChannels: r.NoChannels}
	for _, s := range r.NoContactTimes {
		c.Requests.NoContactTimes = append(c.Requests.NoContactTimes, conduct.Span{From: s.From, To: s.To})
	}
	for _, ch := range r.OptOut {
		c.Requests.OptOut = append(c.Requests.OptOut, conduct.OptOut{Channel: ch})
	}
	c.Consents = conductConsents(f, day, without...)
	notice := func(n *record.SentNotice) *conduct.Notice {
		if n == nil {
			return nil
		}
		form := strings.Join(listedWords([]string{n.Form}, conduct.NoticeForms()), "") // another form proves nothing
		return &conduct.Notice{SentAt: conduct.At(n.SentAt), Form: form, Contents: n.Contents}
	}
	c.Notice = conduct.Notices{Visit: notice(k.Notice.Visit), Agency: notice(k.Notice.Agency)}
	return c
}

// conductHistory is the debtor's contacts as the conduct decision counts them, without some of them.
func conductHistory(contacts []Filed[record.Contact], without ...string) []conduct.HistoryEntry {
	out := make([]conduct.HistoryEntry, 0, len(contacts))
	for _, x := range contacts {
		if slices.Contains(without, x.ID) {
			continue
		}
		c := &x.State
		out = append(out, conduct.HistoryEntry{Channel: c.Channel, At: conduct.At(c.At), Result: c.Result, Party: c.Party,
			PartyRef: c.PartyRef,
			Case:     string(c.Case), Number: c.Number.Plain(), Excluded: c.Uncounted()})
	}
	return out
}

// judgeVisit asks whether a visit at an instant is lawful. Any open hold says no,
// even if the profiles allow the visit (rule house-hold).
func judgeVisit(policy *conduct.Policy, zones *zoneCache, phase string, f *File, at time.Time, act visitAct,
	without ...string) (verdict, error) {
	day := zones.dayAt(at, f.Case.TimeZone)
	a := act.action(&f.Case)
	a.At = conduct.At(at)
	d, err := policy.Judge(profiles(&f.Case, act.overlays), a,
		conductCase(f, day, at, without...), conductHistory(f.Contacts,
			without...))
	if err != nil {
		return verdict{}, err
	}
	v := verdict{Phase: phase, At: at.UTC(), Answer: d.Decision, Reason: d.Reason, Rule: d.Rule, All: hits(d.All),
		Cite: d.Cite, Policy: d.PolicyHash}
	if holds := f.Case.OpenHolds(day); len(holds) > 0 && d.Allowed() {
		// Which kind of hold it is, is personal.
		v.Answer, v.Reason, v.Rule, v.Cite = conduct.Deny, reasonHold, ruleHold, []string{"house"}
		v.All = append(v.All, record.Hit{Reason: reasonHold, Rule: ruleHold})
	}
	if v.Allowed() && act.suspends() && f.planPerforming(day, at) {
		v.Answer, v.Reason, v.Rule, v.Cite = conduct.Deny, reasonPlan, rulePlan, []string{"house"}
		v.All = append(v.All, record.Hit{Reason: reasonPlan, Rule: rulePlan})
	}
	return v, nil
}

// Our own rules, besides the profiles: on holds, and on plans that are being kept.
const (
	reasonHold = "ON_HOLD"
	ruleHold   = "house-hold"
	reasonPlan = "PLAN_PERFORMING"
	rulePlan   = "house-plan"
)

// suspends tells whether a plan that is being kept forbids the visit: one to
// collect, not one to serve papers or to look whether an address is right.
func (v visitAct) suspends() bool { return v.purpose == "" || v.purpose == "collect" }

// planPerforming tells whether a plan of the case is being kept on a local date.
func (f *File) planPerforming(day string, act time.Time) bool {
	return slices.ContainsFunc(f.Plans, func(p Filed[record.Plan]) bool { return f.performing(&p.State, day, act) })
}

// performing tells whether one plan is, and was agreed before the act.
func (f *File) performing(p *record.Plan, day string, act time.Time) bool {
	return p.Suspends(day) && (act.IsZero() || p.At.Before(act))
}
