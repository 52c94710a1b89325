package figures

import (
	"doorstep/auth"
	"doorstep/server/record"
)

// Definition says what a figure counts.
type Definition struct {
	Name string `json:"name"`
	Unit string `json:"unit"` // what one of it is
	Says string `json:"says"` // what it counts, and what not
	// see are those who may read it; a role that is not named does not.
	see record.Audience
	// of is where it stands in Figures; nil for money.
	of func(*Figures) *int64
}

// Who reads figures: the office and auditors all, lenders what they know of their cases anyway.
const (
	staff = record.Office | record.Auditor
	all   = staff | record.Lender
)

// Figures are the figures of a group: a day, a lender, a team, or all.
type Figures struct {
	Contacts         int64
	DebtorsContacted int64
	LoadMost         int64
	DebtorsAtLimit   int64
	LoadStops        int64
	Visits           int64
	VisitsMet        int64
	TextsSent        int64
	AvoidedByLadder  int64
	AvoidedByPlans   int64
	Suspended        int64
	PlansOffered     int64
	PlansAgreed      int64
	PlansKept        int64
	PlansPartly      int64
	PlansBroken      int64
	PromisesDue      int64
	PromisesKept     int64
	PromisesBroken   int64
	// Recovered is money by currency, in minor units.
	Recovered          map[string]int64
	Complaints         int64
	ComplaintsAnswered int64
	ComplaintsLate     int64
	VulnerabilityStops int64
	TextsRefused       int64
	VisitsPrevented    int64
	UnlawfulFound      int64
}

// money is the name of the figure of money, which has an amount for each currency.
const money = "money_recovered"

// definitions are all figures, in the order in which they are shown.
var definitions = []Definition{
	{"contacts", "contacts", "Attempts to reach a debtor, by any channel and answered or not: visits, calls, texts, " +
		"letters. Those that failed before they reached anybody, and those that were struck out, do not count.", all,
		func(f *Figures) *int64 { return &f.Contacts }},
	{"debtors_contacted", "debtors", "Different debtors with at least one such contact.", all,
		func(f *Figures) *int64 { return &f.DebtorsContacted }},
	{"load_most", "contacts", "The largest contact load of one debtor: the contacts within the days of the lender's " +
		"limit (7 days where it has none), up to and with a day on which the debtor was contacted.", all,
		func(f *Figures) *int64 { return &f.LoadMost }},
	{"debtors_at_limit", "debtors", "Different debtors whose load was at or above the limit that their lender has now.",
		all, func(f *Figures) *int64 { return &f.DebtorsAtLimit }},
	{"load_stops", "cases", "Cases that were taken out of rounds and texts since the debtor's load was at the limit.",
		staff, func(f *Figures) *int64 { return &f.LoadStops }},
	{"visits", "visits", "Visits for which an agent went to the door. A visit that was corrected counts once.", all,
		func(f *Figures) *int64 { return &f.Visits }},
	{"visits_met", "visits", "Those at which the debtor was spoken with.", all,
		func(f *Figures) *int64 { return &f.VisitsMet }},
	{"texts_sent", "texts", "Texts that a provider took, or may have taken.", all,
		func(f *Figures) *int64 { return &f.TextsSent }},
	{"visits_avoided_by_ladder", "cases", "Cases that were closed as paid or settled after a text of the ladder, " +
		"without a visit and without a plan.", all,
		func(f *Figures) *int64 { return &f.AvoidedByLadder }},
	{"visits_avoided_by_plans", "plans", "Plans that came into force in a case that nobody had visited.", all,
		func(f *Figures) *int64 { return &f.AvoidedByPlans }},
	{"visits_suspended_by_plans", "cases", "Cases that a published round of the day left out since a plan is being kept.",
		all, func(f *Figures) *int64 { return &f.Suspended }},
	{"plans_offered", "plans", "Repayment plans that either side proposed.", all,
		func(f *Figures) *int64 { return &f.PlansOffered }},
	{"plans_agreed", "plans", "Plans that came into force: accepted, and approved where that was needed.", all,
		func(f *Figures) *int64 { return &f.PlansAgreed }},
	{"plans_kept", "plans", "Plans of which all was paid, on the day from which it was.", all,
		func(f *Figures) *int64 { return &f.PlansKept }},
	{"plans_partially_kept", "plans", "Plans that ended as partially kept, on the day on which they broke.", all,
		func(f *Figures) *int64 { return &f.PlansPartly }},
	{"plans_broken", "plans", "Plans that broke, on that day: the day after the grace.", all,
		func(f *Figures) *int64 { return &f.PlansBroken }},
	{"promises_due", "instalments", "Instalments of plans in force whose last day of grace was the day.", all,
		func(f *Figures) *int64 { return &f.PromisesDue }},
	{"promises_kept", "instalments", "Those of them that payments cover, as far as payments are known now.", all,
		func(f *Figures) *int64 { return &f.PromisesKept }},
	{"promises_broken", "instalments", "Those that they do not cover although the grace is over.", all,
		func(f *Figures) *int64 { return &f.PromisesBroken }},
	{money, "minor units of a currency", "Money that lenders say has arrived, on the day it was paid, less what was " +
		"taken back, on the day it was taken back. A team has what came in for cases whose plan it agreed.", all, nil},
	{"complaints", "complaints", "Complaints, on the day on which the person complained.", staff,
		func(f *Figures) *int64 { return &f.Complaints }},
	{"complaints_answered", "complaints", "Complaints that were answered on the day.", staff,
		func(f *Figures) *int64 { return &f.ComplaintsAnswered }},
	{"complaints_answered_late", "complaints", "Those of them that were answered after the date by which the answer " +
		"was due.", staff,
		func(f *Figures) *int64 { return &f.ComplaintsLate }},
	{"vulnerability_stops", "stops", "Visits that ended since the person was vulnerable, and replies to texts that " +
		"told of vulnerability and stopped the case. Holds that the office opens by hand are sealed and not counted.", staff,
		func(f *Figures) *int64 { return &f.VulnerabilityStops }},
	{"texts_refused", "texts", "Texts that were not sent when they were first to be, since a rule or their words " +
		"forbade it. One that was sent later counts too.", staff,
		func(f *Figures) *int64 { return &f.TextsRefused }},
	{"visits_prevented", "visits", "Cases that a published round of the day left out since the law, a rule of the " +
		"house or a hold forbids the visit, and stops of the day that were taken back from phones for such a reason. " +
		"Cases that are left out for a plan count as suspended.", staff,
		func(f *Figures) *int64 { return &f.VisitsPrevented }},
	{"unlawful_found", "visits", "Visits with a flag that says that the law did not allow them, that the agents stayed " +
		"when they were asked to leave, or that they told somebody else of the debt. A flag that the agents settled " +
		"by confirming the visit does not count.", staff,
		func(f *Figures) *int64 { return &f.UnlawfulFound }},
}

// unlawfulFlags are the flags of a visit that unlawful_found counts.
var unlawfulFlags = []string{"unlawful", "late_stop", record.FlagUnconfirmed, "stayed_when_asked", "disclosed_to_other"}

// DefinitionsFor are the definitions of the figures that a role may read, in the order in which they are shown.
func DefinitionsFor(r auth.Role) []Definition {
	var out []Definition
	for _, d := range definitions {
		if d.see&record.AudienceOf(r) != 0 {
			out = append(out, d)
		}
	}
	return out
}
