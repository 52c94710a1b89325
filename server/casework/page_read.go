package casework

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// PageFile is what the page of the person visited is made of: their case, with its personal parts open. Whoever shows
// any of it has had the person checked first.
type PageFile struct {
	Case record.Case
	Link record.PageLink
	// Zone is the debtor's; Today is their local date at the instant that was asked for.
	Zone        *time.Location
	Today       string
	Plans       []Filed[record.Plan]
	Consents    []Filed[record.Consent]
	Payments    []Filed[record.Payment]
	Visits      []Filed[record.Visit]
	Assignments []Filed[record.Assignment]
	Complaints  []Filed[record.Complaint]
	Messages    []Filed[record.Message]
	Notes       int
}

// PageFile reads what a page opened by a link shows. link.not_found is of a link that is not in force, and of a case
// that has left the branch or whose debtor is erased.
func (s *Service) PageFile(ctx context.Context, ref PageRef, at time.Time) (*PageFile, error) {
	recs, err := s.store.Records(ctx, ref.Branch, []journal.DocRef{{Type: "cases", ID: string(ref.Case)}})
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	f := &File{}
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, noSuchLink()
	}
	if err := decode(recs[0], &f.Case); err != nil {
		return nil, err
	}
	if f.Case.HasMoved() || f.Case.IsErased() {
		return nil, noSuchLink()
	}
	if err := s.vault.OpenDoc(ctx, f.Case.Debtor, ref.Branch, "cases", string(ref.Case), &f.Case); err != nil {
		return nil, fmt.Errorf("open case: %w", err)
	}
	l := f.Case.PageLinkOf(ref.Link)
	if f.Case.PageLinks.IsErased() || l == nil || !l.InForce(at) {
		return nil, noSuchLink()
	}
	from := stored{s, ref.Branch}
	if err := fill(ctx, from, f, withPlans|withConsents|withPayments|withVisits|withAssignments|withNotes); err != nil {
		return nil, err
	}
	out := &PageFile{Case: f.Case, Link: *l, Zone: s.zoneOf(&f.Case), Plans: f.Plans, Consents: f.Consents,
		Payments: f.Payments, Visits: f.Visits, Assignments: f.Assignments, Notes: len(f.Notes)}
	out.Today = at.In(out.Zone).Format(time.DateOnly)
	if err := allInto(ctx, from, &out.Complaints, ComplaintsByCase, string(ref.Case)); err != nil {
		return nil, err
	}
	return out, allInto(ctx, from, &out.Messages, byCase("messages"), string(ref.Case))
}

// PlanInForce is the plan of the case that is in force on its local date today, with its id; nil for none.
func (f *PageFile) PlanInForce() (id string, p *record.Plan) {
	for i := range f.Plans {
		if x := &f.Plans[i]; x.ID == f.Case.LivePlan && x.State.Live() && !x.State.BrokenOn(f.Today) {
			return x.ID, &x.State
		}
	}
	return "", nil
}

// Stop is the visit that is planned next for the case; nil for none.
func (f *PageFile) Stop() *record.Assignment {
	var next *record.Assignment
	for i := range f.Assignments {
		a := &f.Assignments[i].State
		if a.Status == record.AssignmentOpen && a.Date >= f.Today && (next == nil || a.Date < next.Date) {
			next = a
		}
	}
	return next
}

// Agreed is a consent as the person visited sees it: whether it lifts anything still.
type Agreed struct {
	ID      string
	Consent record.Consent
	// Ended is when it ended, by its own date or by a withdrawal; zero for one that is in force.
	Ended time.Time
}

// Agreed lists the consents that were given, the newest first, at an instant.
func (f *PageFile) Agreed(at time.Time) []Agreed {
	var out []Agreed
	for i := range f.Consents {
		x := &f.Consents[i]
		if x.State.Status != "given" || slices.ContainsFunc(f.Consents, func(y Filed[record.Consent]) bool {
			return y.State.Supersedes == x.ID
		}) {
			continue
		}
		a := Agreed{ID: x.ID, Consent: x.State}
		if e := x.State.ExpiresAt; !e.IsZero() && !at.Before(e) {
			a.Ended = e
		}
		for j := range f.Consents {
			if y := &f.Consents[j]; endsConsent(y, x) && (a.Ended.IsZero() || y.State.At.Before(a.Ended)) {
				a.Ended = y.State.At
			}
		}
		out = append(out, a)
	}
	slices.Reverse(out)
	return out
}

// PageOffer is a plan that the page offers.
type PageOffer struct {
	Asked record.PlanAsked
	Plan  record.Plan
}

// pageStart is how many days after it is agreed the first payment of a plan of the page is due. Our own value: the
// cooling-off is over by then.
const pageStart = 14

// pageCounts are the numbers of monthly payments that the page offers, if the lender's rules allow them.
var pageCounts = []int64{36, 24, 12, 6, 3}

// PageOffers gives the plans that may be agreed on the page, the lowest payment first: those that an agent may agree
// alone. monthly is what the person can pay a month, in minor units; 0 for not known. There may be none.
func (s *Service) PageOffers(ctx context.Context, f *PageFile, monthly int64, at time.Time) ([]PageOffer, error) {
	if f.Case.Status != record.StatusOpen || f.Case.AmountDueMinor < 1 {
		return nil, nil
	}
	t := &turn{svc: s, Actor: auth.System(), Branch: f.Case.Branch, At: at.UTC().Truncate(time.Second)}
	basis, err := t.planBasis(ctx, &f.Case, t.At)
	if err != nil {
		return nil, err
	}
	today, err := time.Parse(time.DateOnly, basis.today)
	if err != nil {
		return nil, err
	}
	start := today.AddDate(0, 0, pageStart).Format(time.DateOnly)
	var asked []record.PlanAsked
	if monthly > 0 {
		asked = append(asked, record.PlanAsked{Kind: "instalments", StartOn: start, Frequency: "monthly",
			AmountMinor: monthly})
	}
	for _, n := range pageCounts {
		asked = append(asked, record.PlanAsked{Kind: "instalments", StartOn: start, Frequency: "monthly", Count: n})
	}
	var out []PageOffer
	for _, a := range asked {
		p := pagePlan(f.Case.ID, a, t.At)
		p.By = t.Actor.User
		if judgePlan(&f.Case, p, basis) != nil || len(p.Needs) > 0 {
			continue
		}
		if p.Accepted = nil; slices.ContainsFunc(out, func(o PageOffer) bool {
			return largest(&o.Plan) == largest(p) && len(o.Plan.Instalments) == len(p.Instalments)
		}) {
			continue
		}
		out = append(out, PageOffer{a, *p})
	}
	slices.SortStableFunc(out, func(a, b PageOffer) int { return int(largest(&a.Plan) - largest(&b.Plan)) })
	return out, nil
}

// largest is the largest payment of a plan.
func largest(p *record.Plan) (most int64) {
	for _, in := range p.Instalments {
		most = max(most, in.AmountMinor)
	}
	return most
}

// pagePlan is a plan of the page: the house offers it, and the debtor has accepted it.
func pagePlan(id journal.CaseID, asked record.PlanAsked, at time.Time) *record.Plan {
	return &record.Plan{PlanReport: record.PlanReport{Case: id, Request: &record.PlanRequest{PlanAsked: asked},
		OfferedBy: record.SideAgent, State: record.PlanAccepted, At: at,
		Accepted: &record.PlanStep{At: at, Channel: webChannel, Method: "web"}}}
}

// PagePlanAgreed agrees a plan that the page offered. One that is beyond what an agent may agree alone is refused.
type PagePlanAgreed struct {
	Case  journal.CaseID
	Link  string
	Asked record.PlanAsked
}

func (c PagePlanAgreed) refs() []journal.DocRef { return caseRef(c.Case) }

func (c PagePlanAgreed) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if _, _, err := t.pageLink(ctx, c.Case, c.Link, 0); err != nil {
		return nil, err
	}
	// What the page does not offer, such as a concession that an agent may give, is not to be had by its form either.
	if a := c.Asked; a.Kind != "instalments" || a.Frequency != "monthly" || !reflect.DeepEqual(a, record.PlanAsked{
		Kind: a.Kind, StartOn: a.StartOn, Frequency: a.Frequency, Count: a.Count, AmountMinor: a.AmountMinor}) {
		return nil, refuse(refusal.Refused, "page.plan", "plan", "the page does not offer this plan")
	}
	id := madeID("p", t.Request.ID)
	p := pagePlan(c.Case, c.Asked, t.At)
	d, err := ProposePlan{ID: id, Plan: p}.decide(ctx, t)
	if err != nil {
		return nil, err
	}
	if r, ok := d.reply.(PlanReceipt); !ok || r.Approval != "" {
		return nil, refuse(refusal.Refused, "page.plan", "plan", "the page does not offer this plan")
	}
	d.reply = PageReceipt{Reference: reference(id), Did: []string{"plan"}}
	return d, nil
}

// PagePlanEnded withdraws from a plan within its cooling-off, by the page.
type PagePlanEnded struct {
	Case journal.CaseID
	Link string
	Plan string
}

func (c PagePlanEnded) refs() []journal.DocRef {
	return append(caseRef(c.Case), WithdrawPlan{Plan: c.Plan}.refs()...)
}

func (c PagePlanEnded) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if _, _, err := t.pageLink(ctx, c.Case, c.Link, 0); err != nil {
		return nil, err
	}
	p, _, err := t.plan(ctx, c.Plan)
	if err != nil {
		return nil, err
	}
	if p.Case != c.Case {
		return nil, refuse(refusal.NotFound, "plan.not_found", "plan", "there is no such plan here")
	}
	d, err := WithdrawPlan{Plan: c.Plan}.decide(ctx, t)
	if err != nil {
		return nil, err
	}
	d.reply = PageReceipt{Reference: reference(c.Plan), Did: []string{"plan_withdrawn"}}
	return d, nil
}

// PageConsentEnded withdraws a consent by the page.
type PageConsentEnded struct {
	Case    journal.CaseID
	Link    string
	Consent string
}

func (c PageConsentEnded) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "consents", ID: c.Consent})
}

func (c PageConsentEnded) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, _, err := t.pageLink(ctx, c.Case, c.Link, withConsents)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(f.Consents, func(x Filed[record.Consent]) bool {
		return x.ID == c.Consent && x.State.Status == "given"
	})
	if i < 0 {
		return nil, refuse(refusal.NotFound, "consent.not_found", "consent", "the case has no such consent that was given")
	}
	given := &f.Consents[i].State
	id := madeID("c", t.Request.ID)
	d, err := RecordConsent(id, record.ConsentReport{About: record.About{Case: c.Case, At: t.At}, Scope: given.Scope,
		Principal: given.Principal, Status: "withdrawn", Method: webChannel, Withdraws: c.Consent, Via: pageProvider}).
		decide(ctx, t)
	if err != nil {
		return nil, err
	}
	d.reply = PageReceipt{Reference: reference(id), Did: []string{"consent_withdrawn"}}
	return d, nil
}
