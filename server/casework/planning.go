package casework

import (
	"context"
	"fmt"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// PlanningFile is what planning a day must know of a case.
type PlanningFile struct {
	File
	Person  string    // the same for all cases of a debtor, and of debtors who are linked
	Home    geo.Point // WGS 84
	HasHome bool

	today  string       // the debtor's local date now
	before *beforeVisit // nil: the lender wants nothing more before a visit
}

// VisitPlan is what the law must know of a visit that is planned.
type VisitPlan struct {
	Agents    int
	Items     []string
	Recording bool
	Overlays  []string // profiles besides the case's own
}

// planningPage is how many cases are read and opened together.
const planningPage = 500

// PlanningDay says by what, and from which local date on, visits are judged.
type PlanningDay struct {
	Policy   *conduct.Policy
	Date     string   // "2006-01-02"
	Overlays []string // profiles besides a case's own
}

// first is the first instant that has the date somewhere.
func (d PlanningDay) first() (time.Time, error) {
	midnight, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return time.Time{}, fmt.Errorf("planning day: %w", err)
	}
	return midnight.Add(-16 * time.Hour), nil
}

// PlanningFiles calls fn for every open case of a branch, in order of id,
// with what judging a visit on the date, or later, rests on.
func (s *Service) PlanningFiles(ctx context.Context, branch auth.BranchID, day PlanningDay,
	fn func(*PlanningFile) error) error {
	people, err := s.people(ctx, branch)
	if err != nil {
		return err
	}
	return s.eachCase(ctx, journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name,
		Eq: []any{record.StatusOpen}, Limit: planningPage}, func(cases []Filed[record.Case]) error {
		if err := s.openHomes(ctx, branch, cases); err != nil {
			return err
		}
		for i := range cases {
			k := &cases[i].State
			who := people.of(k.Debtor)
			f := &PlanningFile{Person: who.id, File: File{Case: *k, Rev: cases[i].Rev, linked: who.debtors}}
			if err := s.planningFile(ctx, f, branch, day); err != nil {
				return err
			}
			if err := fn(f); err != nil {
				return err
			}
		}
		return nil
	})
}

// planningFile loads what a case, which is open, is judged by.
func (s *Service) planningFile(ctx context.Context, f *PlanningFile, branch auth.BranchID, day PlanningDay) error {
	first, err := day.first()
	if err != nil {
		return err
	}
	f.Home, f.HasHome = f.Case.Home.Plain()
	if err := loadGrounds(ctx, day.Policy, stored{s, branch}, &f.File, day.Overlays, first); err != nil {
		return err
	}
	f.today = s.zones.dayAt(s.journal.Now(), f.Case.TimeZone)
	f.before, err = s.loadBefore(ctx, stored{s, branch}, &f.File)
	return err
}

// eachCase reads the cases of a query page by page.
func (s *Service) eachCase(ctx context.Context, q journal.Query, fn func([]Filed[record.Case]) error) error {
	for {
		found, err := s.store.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		cases, err := decodeAll[record.Case](found.Records)
		if err != nil {
			return err
		}
		if err := fn(cases); err != nil {
			return err
		}
		if found.Next == "" {
			return nil
		}
		q.After = found.Next
	}
}

// openHomes opens cases whose debtors' keys are read together.
func (s *Service) openHomes(ctx context.Context, branch auth.BranchID, cases []Filed[record.Case]) error {
	debtors := make([]journal.DebtorID, len(cases))
	for i := range cases {
		debtors[i] = cases[i].State.Debtor
	}
	if err := s.vault.Warm(ctx, debtors); err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	for i := range cases {
		if err := s.vault.OpenDoc(ctx, cases[i].State.Debtor, branch, "cases", cases[i].ID, &cases[i].State); err != nil {
			return fmt.Errorf("open case: %w", err)
		}
	}
	return nil
}

// WindowsOf gives the spans of a local date in which a visit may begin, and the
// rules that forbid it when there are none. It is pure; ctx stops the search.
func WindowsOf(ctx context.Context, policy *conduct.Policy, f *PlanningFile, date string, p VisitPlan) (
	[]conduct.Interval, []conduct.Hit, error) {
	if f.planPerforming(date, time.Time{}) {
		return nil, []conduct.Hit{{Reason: reasonPlan, Rule: rulePlan, Cite: []string{"house"}}}, nil
	}
	windows, hits, err := policy.Windows(ctx, profiles(&f.Case, p.Overlays), date, p.act(&f.Case).action(&f.Case),
		conductCase(&f.File, date, time.Time{}), conductHistory(f.Contacts))
	if err != nil {
		return nil, nil, fmt.Errorf("lawful windows of a case: %w", err)
	}
	return windows, hits, nil
}

// Homes gives the positions of cases' homes; cases without one are left out.
func (s *Service) Homes(ctx context.Context, branch auth.BranchID, ids []journal.CaseID) (map[journal.CaseID]geo.Point,
	error) {
	out := make(map[journal.CaseID]geo.Point, len(ids))
	err := s.eachOpened(ctx, branch, ids, func(k *record.Case) {
		if p, ok := k.Home.Plain(); ok {
			out[k.ID] = p
		}
	})
	return out, err
}

// Persons gives whose cases are, as PlanningFile.Person does; cases that are not there are left out.
func (s *Service) Persons(ctx context.Context, branch auth.BranchID, ids []journal.CaseID) (map[journal.CaseID]string,
	error) {
	people, err := s.people(ctx, branch)
	if err != nil {
		return nil, err
	}
	out := make(map[journal.CaseID]string, len(ids))
	err = s.eachRead(ctx, branch, ids, func(cases []Filed[record.Case]) error {
		for i := range cases {
			k := &cases[i].State
			out[k.ID] = people.of(k.Debtor).id
		}
		return nil
	})
	return out, err
}

// Place is where a case is visited.
type Place struct {
	// Address is one line: street, postal code and city; none when there is none, or the debtor was erased.
	Address seal.Text
	Home    geo.Point // WGS 84
	HasHome bool
}

// Places gives where cases are visited; cases that are not there are left out.
func (s *Service) Places(ctx context.Context, branch auth.BranchID, ids []journal.CaseID) (map[journal.CaseID]Place,
	error) {
	out := make(map[journal.CaseID]Place, len(ids))
	err := s.eachOpened(ctx, branch, ids, func(k *record.Case) {
		var p Place
		p.Home, p.HasHome = k.Home.Plain()
		if line := k.Address.Plain(); line != "" {
			if town := strings.TrimSpace(k.PostalCode.Plain() + " " + k.City.Plain()); town != "" {
				line += ", " + town
			}
			p.Address = seal.NewText(line)
		}
		out[k.ID] = p
	})
	return out, err
}

// eachOpened calls fn for those of the cases that are there, with their personal parts open.
func (s *Service) eachOpened(ctx context.Context, branch auth.BranchID, ids []journal.CaseID,
	fn func(*record.Case)) error {
	return s.eachRead(ctx, branch, ids, func(cases []Filed[record.Case]) error {
		if err := s.openHomes(ctx, branch, cases); err != nil {
			return err
		}
		for i := range cases {
			fn(&cases[i].State)
		}
		return nil
	})
}

// eachRead reads cases some at a time, sealed as they are stored.
func (s *Service) eachRead(ctx context.Context, branch auth.BranchID, ids []journal.CaseID,
	fn func([]Filed[record.Case]) error) error {
	for len(ids) > 0 {
		n := min(len(ids), planningPage)
		refs := make([]journal.DocRef, n)
		for i, id := range ids[:n] {
			refs[i] = journal.DocRef{Type: "cases", ID: string(id)}
		}
		recs, err := s.store.Records(ctx, branch, refs)
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		var cases []Filed[record.Case]
		for _, rec := range recs {
			if rec.Type == "" || rec.Deleted {
				continue
			}
			c := Filed[record.Case]{ID: rec.ID}
			if err := decode(rec, &c.State); err != nil {
				return err
			}
			cases = append(cases, c)
		}
		if err := fn(cases); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// Issued is an assignment of a round as it stands.
type Issued struct {
	ID string
	record.Assignment
	// VisitedAt is when the visit that closed it began, as the phone says; zero while it is not done.
	VisitedAt time.Time
}

// Open tells whether the visit is still to be made.
func (i *Issued) Open() bool { return i.Status == record.AssignmentOpen }

// Done tells whether the visit has been made.
func (i *Issued) Done() bool { return i.Status == record.AssignmentDone }

// UnderWay tells whether the team is on its way there, or at the door.
func (i *Issued) UnderWay() bool { return i.Open() && underWay(i.AgentStatus) }

func underWay(agentStatus string) bool { return agentStatus == "en_route" || agentStatus == "at_door" }

// RoundAssignments lists all assignments of a round, in order of id.
func (s *Service) RoundAssignments(ctx context.Context, branch auth.BranchID, round string) ([]Issued, error) {
	var out []Issued
	q := journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsByRound.Name, Eq: []any{round}}
	if err := s.each(ctx, q, func(rec journal.Record) error {
		a := Issued{ID: rec.ID}
		if err := decode(rec, &a.Assignment); err != nil {
			return err
		}
		out = append(out, a)
		return nil
	}); err != nil {
		return nil, err
	}
	var refs []journal.DocRef
	var of []int
	for i := range out {
		if out[i].Done() {
			refs, of = append(refs, journal.DocRef{Type: "visits", ID: out[i].ClosedBy}), append(of, i)
		}
	}
	for len(refs) > 0 {
		n := min(len(refs), planningPage)
		recs, err := s.store.Records(ctx, branch, refs[:n])
		if err != nil {
			return nil, fmt.Errorf("read visits of round %s: %w", round, err)
		}
		for i, rec := range recs {
			var v record.Visit
			if rec.Type == "" {
				continue
			}
			if err := decode(rec, &v); err != nil {
				return nil, err
			}
			out[of[i]].VisitedAt = v.At
		}
		refs, of = refs[n:], of[n:]
	}
	return out, nil
}

// OnPhones lists the assignments that phones show, of local dates from one on, in order of date. It does not say when
// visits began.
func (s *Service) OnPhones(ctx context.Context, branch auth.BranchID, from string) ([]Issued, error) {
	var out []Issued
	err := s.each(ctx, journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsOnPhones.Name,
		Eq: []any{int64(1)}, From: from}, func(rec journal.Record) error {
		a := Issued{ID: rec.ID}
		if err := decode(rec, &a.Assignment); err != nil {
			return err
		}
		out = append(out, a)
		return nil
	})
	return out, err
}

// RoundBegun tells a decision whether a visit of a round has been made or begun. The
// decision rests on the round's assignments.
func RoundBegun(ctx context.Context, r *journal.Reader, round string) (bool, error) {
	r.Depend(roundKey(round))
	recs, err := r.All(ctx, AssignmentsByRound, round)
	if err != nil {
		return false, err
	}
	for _, rec := range recs {
		var a Issued
		if err := decode(rec, &a.Assignment); err != nil {
			return false, err
		}
		if a.Done() || a.UnderWay() {
			return true, nil
		}
	}
	return false, nil
}

// roundKey is the key of which assignments a round has: every one that is issued writes it.
func roundKey(round string) journal.Key { return journal.Key("round:" + round) }

// OpenAssignments lists the cases that have an open assignment of a round.
func (s *Service) OpenAssignments(ctx context.Context, branch auth.BranchID, round string) ([]journal.CaseID, error) {
	var out []journal.CaseID
	q := journal.Query{Branch: branch, Type: "assignments", Index: AssignmentsByRound.Name, Eq: []any{round}}
	for {
		found, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read assignments of round %s: %w", round, err)
		}
		docs, err := decodeAll[record.Assignment](found.Records)
		if err != nil {
			return nil, err
		}
		for i := range docs {
			if docs[i].State.Status == record.AssignmentOpen {
				out = append(out, docs[i].State.Case)
			}
		}
		if found.Next == "" {
			return out, nil
		}
		q.After = found.Next
	}
}
