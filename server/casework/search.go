package casework

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// CaseQuery filters a list of cases: all that are given must hold.
type CaseQuery struct {
	Branch auth.BranchID
	Status string // open, closed, moved; "" for all but moved
	Ref    string // as the lender calls it
	// Phone is E.164, spaces and the like aside; without a country code it is a number of Region, ISO 3166-1.
	Phone, Region string
	// Name are words of the debtor's name or their beginnings, whatever their letter case, accents and order: hasName.
	Name      string
	Lender    string
	Territory *string // "" for cases outside every one
	// Declined lists only cases that an agent declined to visit, while that stands.
	Declined bool
	// Hold is the kind of a hold that binds today, HoldAny for any, HoldNone for none.
	Hold string
	// DaysLateMin and DaysLateMax bound the days since the due date on the debtor's calendar, both included.
	DaysLateMin, DaysLateMax *int
	// VisitedFrom and VisitedBefore bound the last visit; cases without a visit are in neither. NeverVisited
	// has those alone.
	VisitedFrom, VisitedBefore time.Time
	NeverVisited               bool
	Limit                      int // 0: 100
	After                      string

	// heldFrom is the first last date of the holds' rows that the index gives; "" for an index of cases.
	heldFrom string
}

// Words for CaseQuery.Hold beside the kinds.
const (
	HoldAny  = "any"
	HoldNone = "none"
)

// How much one page of a search reads at most: documents, and pages of the index. A search that finds little
// among many answers a short page with a cursor.
const (
	searchReads = 2000
	searchPages = 20
	listLimit   = 100
)

// caseFilters are the filters by their parameter, with the member of a case that each tells of: who may not see the
// member may not ask by it.
var caseFilters = []struct{ name, member string }{
	{"status", "status"}, {"ref", "case_ref"}, {"phone", "phone"}, {"name", "debtor_name"}, {"lender", "lender"},
	{"territory", "territory"}, {"declined", "declined"}, {"hold", "holds"}, {"days_late_min", "due_date"},
	{"days_late_max", "due_date"}, {"last_visit_from", "status"}, {"last_visit_before", "status"},
	{"never_visited", "status"},
}

// Filters lists the names of the filters that a query uses, sorted.
func (q *CaseQuery) Filters() []string {
	var out []string
	for name, is := range map[string]bool{"status": q.Status != "", "ref": q.Ref != "", "phone": q.Phone != "",
		"name": q.Name != "", "lender": q.Lender != "", "territory": q.Territory != nil, "declined": q.Declined,
		"hold": q.Hold != "", "days_late_min": q.DaysLateMin != nil, "days_late_max": q.DaysLateMax != nil,
		"last_visit_from": !q.VisitedFrom.IsZero(), "last_visit_before": !q.VisitedBefore.IsZero(),
		"never_visited": q.NeverVisited} {
		if is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Personal lists those of the filters that tell of what is personal; none for a query that only lists.
func (q *CaseQuery) Personal() []string {
	return slices.DeleteFunc(q.Filters(), func(name string) bool {
		return name != "phone" && name != "name" && name != "hold"
	})
}

// check refuses filters that the audience may not use, and those that say nothing.
func (q *CaseQuery) check(a auth.Actor) error {
	if a.Role != auth.RoleAdmin && a.Role != auth.RoleSupervisor && a.Role != auth.RoleLender {
		return refuse(refusal.Forbidden, "auth.role", "", "your role has no search of cases")
	}
	to := record.AudienceOf(a.Role)
	members := record.Members(reflect.TypeFor[record.Case]())
	var may []string
	for _, f := range caseFilters {
		i := slices.IndexFunc(members, func(m record.Member) bool { return m.Name == f.member })
		if members[i].See&to != 0 {
			may = append(may, f.name)
		}
	}
	for _, name := range q.Filters() {
		if !slices.Contains(may, name) {
			return refuse(refusal.Forbidden, "list.filter", name, "your role may not ask by this; ask by %s",
				strings.Join(may, ", "))
		}
	}
	kinds := append([]string{HoldAny, HoldNone}, record.CodesOf("hold_kinds")...)
	switch {
	case q.Hold != "" && !slices.Contains(kinds, q.Hold):
		return record.OneOf("list.hold", "hold", q.Hold, kinds)
	case q.Name != "" && sameName(q.Name) == "":
		return refuse(refusal.Invalid, "list.name", "name", "write words of the name or their first letters, three "+
			"at least; letter case, accents and the order of words do not matter")
	case q.Ref != "" && !record.IsID(q.Ref):
		return refuse(refusal.Invalid, "list.ref", "ref", "write the reference as the lender does: letters A to Z, digits "+
			"and any of _.:/@#+-")
	case q.DaysLateMin != nil && q.DaysLateMax != nil && *q.DaysLateMin > *q.DaysLateMax:
		return refuse(refusal.Invalid, "list.days_late", "days_late_min", "it is above days_late_max, so no case has both")
	case q.NeverVisited && (!q.VisitedFrom.IsZero() || !q.VisitedBefore.IsZero()):
		return refuse(refusal.Invalid, "list.last_visit", "never_visited", "a case that was never visited has no last "+
			"visit: leave out last_visit_from and last_visit_before")
	case !q.VisitedFrom.IsZero() && !q.VisitedBefore.IsZero() && !q.VisitedFrom.Before(q.VisitedBefore):
		return refuse(refusal.Invalid, "list.last_visit", "last_visit_from", "it is not before last_visit_before, so no "+
			"visit lies between")
	}
	return nil
}

// CaseFound is a case that a search found.
type CaseFound struct {
	Case record.Case
	// Visited is when it was visited last; zero for never.
	Visited time.Time
	// DaysLate are the days since the due date on the debtor's calendar; below zero before it.
	DaysLate int
}

// Cases lists the cases that a query finds, in an order that stays the same while a caller pages through: that of
// the index it reads. A page may be short, even empty, and have a successor. A lender sees its own; names, phones
// and addresses are in the single case only. Refusals: list.filter, list.hold, list.name, list.phone, list.ref,
// list.days_late, list.last_visit, auth.role, branch.not_found.
func (s *Service) Cases(ctx context.Context, a auth.Actor, q CaseQuery) (Page, error) {
	if err := inBranch(a, q.Branch); err != nil {
		return Page{}, err
	}
	if err := q.check(a); err != nil {
		return Page{}, err
	}
	if q.Phone != "" {
		phone, ok := samePhone(q.Phone, q.Region)
		if !ok {
			return Page{}, refuse(refusal.Invalid, "list.phone", "phone",
				"write a number that exists, with its country code, such as +351…")
		}
		q.Phone = phone
	}
	now := s.journal.Now()
	from, of := q.source(s, a, now)
	if from.Type != "cases" {
		if err := s.views.CatchUp(ctx, q.Branch, from.Type); err != nil {
			return Page{}, err
		}
	}
	if err := s.views.CatchUp(ctx, q.Branch, deskView); err != nil {
		return Page{}, err
	}
	to := record.AudienceOf(a.Role)
	return s.sift(ctx, from, q.Limit, q.After, func(recs []journal.Record) ([]json.RawMessage, error) {
		found, err := s.casesOf(ctx, q.Branch, recs, of)
		if err != nil {
			return nil, err
		}
		out := make([]json.RawMessage, len(found))
		for i := range found {
			f := &found[i]
			if f.Case.ID == "" || !f.Case.OpenTo(a) {
				continue
			}
			f.late(&s.zones, now)
			match, err := s.matches(ctx, &q, f, recs[i].ID, now)
			if err != nil {
				return nil, err
			}
			if !match {
				continue
			}
			// Whose case it is and why it is held stands in the case file only.
			doc, err := record.ShowListed(&f.Case, to)
			if err != nil {
				return nil, err
			}
			pairs := []any{"days_late", f.DaysLate}
			if !f.Visited.IsZero() {
				pairs = append(pairs, "last_visit_at", f.Visited)
			}
			if f.Case.IsErased() {
				pairs = append(pairs, "erased", true)
			}
			out[i] = withMembers(doc, pairs...)
		}
		return out, nil
	})
}

// source is the index that a query reads, the one that narrows it most, and how its rows name their case.
func (q *CaseQuery) source(s *Service, a auth.Actor, now time.Time) (journal.Query,
	func(journal.Record) journal.CaseID) {
	byID := func(rec journal.Record) journal.CaseID { return journal.CaseID(rec.ID) }
	named := func(rec journal.Record) journal.CaseID {
		var row struct {
			Case journal.CaseID `json:"case"`
		}
		_ = json.Unmarshal(rec.Body, &row) // a row of our own; one without a case finds none
		return row.Case
	}
	read := func(ix journal.Index, eq ...any) journal.Query {
		return journal.Query{Branch: q.Branch, Type: ix.Type, Index: ix.Name, Eq: eq}
	}
	hash := func(purpose, text string) string { return blinded(s.vault, q.Branch, purpose, text) }
	lender := q.Lender
	if a.Role == auth.RoleLender {
		lender = a.Lender
	}
	// lenders narrows an index whose last field is the case's id, which begins with the lender's.
	lenders := func(from journal.Query) journal.Query {
		if lender != "" {
			from.From, from.To = lender+".", lender+"/"
		}
		return from
	}
	// A date of the debtor's calendar is at most a day away from that of UTC.
	day := func(n int) string { return now.UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	switch {
	case q.Phone != "":
		return lenders(read(blindByPhone, hash("phone", q.Phone))), byID
	case q.Name != "":
		return lenders(read(blindByPart, hash("name", partAsked(q.Name)))), named
	case q.Ref != "":
		return lenders(read(CasesByRef, q.Ref)), byID
	case q.Hold == HoldAny:
		from := read(blindHeld, 1)
		from.From = day(-1)
		q.heldFrom = day(-1)
		return from, named
	case q.Hold != "" && q.Hold != HoldNone:
		from := read(blindByHold, hash("hold", sameHold(q.Hold)))
		from.From = day(-1)
		q.heldFrom = day(-1)
		return from, named
	case q.Declined:
		return read(CasesDeclined, int64(1)), byID
	case q.Territory != nil:
		return read(CasesByTerritory, *q.Territory), byID
	case lender != "":
		return read(CasesByLender, lender), byID
	case q.NeverVisited:
		return read(deskByVisited, 1, ""), named
	case !q.VisitedFrom.IsZero() || !q.VisitedBefore.IsZero():
		from := read(deskByVisited, 1)
		from.From = "0"
		if !q.VisitedFrom.IsZero() {
			from.From = second(q.VisitedFrom)
		}
		if !q.VisitedBefore.IsZero() {
			from.To = second(q.VisitedBefore.Add(time.Second - 1))
		}
		return from, named
	case q.DaysLateMin != nil || q.DaysLateMax != nil:
		from := read(deskByDue, 1)
		if q.DaysLateMax != nil {
			from.From = day(-*q.DaysLateMax - 1)
		}
		if q.DaysLateMin != nil {
			from.To = day(-*q.DaysLateMin + 2)
		}
		return from, named
	case q.Status != "":
		return read(CasesByStatus, q.Status), byID
	}
	return journal.Query{Branch: q.Branch, Type: "cases"}, byID
}

// casesOf reads the cases that rows name, with their last visits; a case that does not exist has no id.
func (s *Service) casesOf(ctx context.Context, branch auth.BranchID, rows []journal.Record,
	of func(journal.Record) journal.CaseID) ([]CaseFound, error) {
	refs := make([]journal.DocRef, 0, 2*len(rows))
	for _, row := range rows {
		refs = append(refs, journal.DocRef{Type: "cases", ID: string(of(row))})
	}
	for _, row := range rows {
		refs = append(refs, journal.DocRef{Type: deskView, ID: caseRow(of(row))})
	}
	recs, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	out := make([]CaseFound, len(rows))
	for i := range rows {
		rec, desk := recs[i], recs[len(rows)+i]
		if rec.Body == nil {
			continue
		}
		if err := decode(rec, &out[i].Case); err != nil {
			return nil, err
		}
		var row deskCase
		if desk.Body == nil {
			continue
		}
		if err := decode(desk, &row); err != nil {
			return nil, err
		}
		if row.Visited != "" {
			if out[i].Visited, err = time.Parse(time.RFC3339, row.Visited); err != nil {
				return nil, fmt.Errorf("read %s: %w", desk.ID, err)
			}
		}
	}
	return out, nil
}

// late counts the days since the due date.
func (f *CaseFound) late(zones *zoneCache, now time.Time) {
	zone := zones.find(f.Case.TimeZone)
	if zone == nil {
		zone = time.UTC
	}
	today, err := time.Parse(time.DateOnly, now.In(zone).Format(time.DateOnly))
	due, bad := time.Parse(time.DateOnly, f.Case.DueDate)
	if err == nil && bad == nil {
		f.DaysLate = int(today.Sub(due) / (24 * time.Hour))
	}
}

// matches tells whether a case that a row of the index named is what a query asks for.
func (s *Service) matches(ctx context.Context, q *CaseQuery, f *CaseFound, row string, now time.Time) (bool, error) {
	k := &f.Case
	if !q.meets(f) {
		return false, nil
	}
	if q.Phone == "" && q.Name == "" && q.Hold == "" {
		return true, nil
	}
	if err := s.vault.OpenDoc(ctx, k.Debtor, k.Branch, "cases", string(k.ID), k); err != nil {
		return false, fmt.Errorf("open case: %w", err)
	}
	zone := s.zones.find(k.TimeZone)
	if zone == nil {
		zone = time.UTC
	}
	if !q.meetsPerson(k, now.In(zone).Format(time.DateOnly)) {
		return false, nil
	}
	return q.heldFrom == "" || row == firstHeld(k, q.Hold, q.heldFrom), nil
}

// firstHeld is the first of the rows that an index of holds has of a case, from a date on: a case with several holds
// is listed once, at that row.
func firstHeld(k *record.Case, kind, from string) string {
	first, row := "", ""
	for _, h := range k.AllHolds() {
		until := cmp.Or(h.Until, endless)
		if h.Released != nil || until < from || kind != HoldAny && sameHold(h.Kind) != sameHold(kind) {
			continue
		}
		if id := string(k.ID) + "/" + h.ID; row == "" || until < first || until == first && id < row {
			first, row = until, id
		}
	}
	return row
}

// meets judges what a case has in the clear.
func (q *CaseQuery) meets(f *CaseFound) bool {
	k := &f.Case
	switch {
	case q.Status == "" && k.HasMoved(), q.Status != "" && k.Status != q.Status,
		q.Ref != "" && k.CaseRef != q.Ref,
		q.Lender != "" && k.Lender != q.Lender,
		q.Territory != nil && k.Territory != *q.Territory,
		q.Declined && k.DeclinedNow == 0,
		q.DaysLateMin != nil && f.DaysLate < *q.DaysLateMin, q.DaysLateMax != nil && f.DaysLate > *q.DaysLateMax,
		q.NeverVisited && !f.Visited.IsZero(),
		!q.VisitedFrom.IsZero() && f.Visited.Before(q.VisitedFrom),
		!q.VisitedBefore.IsZero() && (f.Visited.IsZero() || !f.Visited.Before(q.VisitedBefore)):
		return false
	}
	return true
}

// meetsPerson judges what is personal, on a local date of the debtor. The case must be opened: one whose debtor is
// erased is found by nothing personal.
func (q *CaseQuery) meetsPerson(k *record.Case, today string) bool {
	if k.IsErased() || k.Holds.IsErased() || k.DebtorName.IsErased() || k.Phone.IsErased() {
		return false
	}
	open := k.OpenHolds(today)
	switch {
	case q.Phone != "" && k.Phone.Plain() != q.Phone, q.Name != "" && !hasName(k.DebtorName.Plain(), q.Name):
		return false
	case q.Hold == "":
		return true
	case q.Hold == HoldNone:
		return len(open) == 0
	}
	return slices.ContainsFunc(open, func(h record.Hold) bool {
		return q.Hold == HoldAny || sameHold(h.Kind) == sameHold(q.Hold)
	})
}

// sift reads an index until a page is full, so much has been read (searchReads, searchPages), or nothing follows.
// show gives for each row what the list shows of it, nil for what it does not.
func (s *Service) sift(ctx context.Context, q journal.Query, limit int, after string,
	show func([]journal.Record) ([]json.RawMessage, error)) (Page, error) {
	if limit <= 0 {
		limit = listLimit
	}
	p := Page{Items: []json.RawMessage{}}
	// The cursor names its index, so that it fits no other list.
	mark := q.Type + "." + q.Index + "~"
	q.After = strings.TrimPrefix(after, mark)
	if after != "" && q.After == after {
		return Page{}, journal.ErrCursor
	}
	for read, pages := 0, 0; read < searchReads && pages < searchPages; pages++ {
		q.Limit = limit - len(p.Items)
		found, err := s.store.Find(ctx, q)
		if err != nil {
			return Page{}, err
		}
		shown, err := show(found.Records)
		if err != nil {
			return Page{}, err
		}
		for _, item := range shown {
			if item != nil {
				p.Items = append(p.Items, item)
			}
		}
		read += len(found.Records)
		if q.After = found.Next; q.After == "" {
			return p, nil
		}
		if len(p.Items) == limit {
			break
		}
	}
	p.Next = mark + q.After
	return p, nil
}
