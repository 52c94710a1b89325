// One file because the kinds of the inbox and what each shows are read together.

package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// InboxItem is one thing that waits for a supervisor. It holds ids, codes and times, and nothing personal but that a
// case has such a hold, where the kind says so.
type InboxItem struct {
	Kind string `json:"kind"`
	// Type is the kind of the record, of corrections: consents, visits, …
	Type string `json:"type,omitempty"`
	// ID is the record's: a visit, a hold, a plan, an item of the quarantine, an alert; of the other kinds the case.
	ID   string         `json:"id"`
	Case journal.CaseID `json:"case,omitempty"`
	// Who is the user whose doing or work it is: who recorded, sent, declined, opened or asked; "" for no one.
	Who    auth.UserID   `json:"who,omitempty"`
	Device auth.DeviceID `json:"device,omitempty"`
	Since  time.Time     `json:"since"` // since when it waits; UTC
	// Until is a local date of the debtor: a hold's last day, when an answer is due, or the last day before a plan broke.
	Until  string   `json:"until,omitempty"`
	Codes  []string `json:"codes,omitempty"` // flags of a visit, the limits a plan is beyond, or the code of why
	Round  string   `json:"round,omitempty"`
	Team   string   `json:"team,omitempty"`
	Amount int64    `json:"amount_minor,omitempty"` // what is missing, of a broken plan
}

// InboxCount says how much waits of a kind.
type InboxCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	More  bool   `json:"more,omitempty"` // there may be more: counting ended
}

// What one reading of the inbox looks at.
const (
	// InboxCounted is how many rows of a kind are read to count it.
	InboxCounted = 200
	// deadAlertsFor is how long an alert that was given up is shown.
	deadAlertsFor = 30 * 24 * time.Hour
	// holdsAhead and holdsPast are the days in which a hold that ends, or has ended, is shown.
	holdsAhead, holdsPast = 7, 7
)

// inboxKinds are the kinds, in the order of the inbox: the index that has the rows of one, and the item that a row is,
// nil for one that does not wait.
var inboxKinds = []struct {
	name   string
	view   string // "" for the records
	source func(s *Service, q *journal.Query, day func(int) string)
	item   func(d *desk, row journal.Record) (*InboxItem, error)
}{
	{"vulnerable_replies", "", openReplies, (*desk).vulnerableReply},
	{"complaints", "", func(_ *Service, q *journal.Query, _ func(int) string) {
		q.Type, q.Index, q.Eq = "complaints", ComplaintsByState.Name, []any{record.ComplaintOpen}
	}, (*desk).complaint},
	{"complaints_to_close", "", func(_ *Service, q *journal.Query, _ func(int) string) {
		q.Type, q.Index, q.Eq = "complaints", ComplaintsByState.Name, []any{record.ComplaintAnswered}
	}, (*desk).answeredComplaint},
	{"vulnerable_holds", blindView, heldFor("vulnerable"), (*desk).complaintHold},
	{"complaint_holds", blindView, heldFor("complaint"), (*desk).complaintHold},
	{"load_stops", blindView, heldFor(loadHold), (*desk).loadStop},
	{"hold_releases", blindView, func(_ *Service, q *journal.Query, _ func(int) string) {
		q.Index, q.Eq = blindByEnding.Name, []any{int64(1)}
	}, (*desk).release},
	{"replies", "", openReplies, (*desk).plainReply},
	{todoVisit, deskView, waiting(todoVisit), (*desk).flagged},
	{"plans_to_approve", "", func(_ *Service, q *journal.Query, _ func(int) string) {
		q.Type, q.Index, q.Eq = "plans", PlansByApproval.Name, []any{record.ApprovalPending}
	}, (*desk).pending},
	{todoConflict, deskView, waiting(todoConflict), (*desk).quarantined},
	{todoQuarantine, deskView, waiting(todoQuarantine), (*desk).quarantined},
	{todoCorrection, deskView, waiting(todoCorrection), (*desk).correction},
	{"declined", "", func(_ *Service, q *journal.Query, _ func(int) string) {
		q.Type, q.Index, q.Eq = "cases", CasesDeclined.Name, []any{int64(1)}
	}, (*desk).declined},
	{todoUnassigned, deskView, waiting(todoUnassigned), (*desk).unassigned},
	{"broken_promises", deskView, func(_ *Service, q *journal.Query, day func(int) string) {
		q.Index, q.Eq, q.To = deskBroken.Name, []any{int64(1)}, day(1)
	}, (*desk).broken},
	{"holds_ending", blindView, func(_ *Service, q *journal.Query, day func(int) string) {
		q.Index, q.Eq, q.From, q.To = blindHeld.Name, []any{int64(1)}, day(-1), day(holdsAhead+2)
	}, (*desk).ending},
	{"holds_ended", blindView, func(_ *Service, q *journal.Query, day func(int) string) {
		q.Index, q.Eq, q.From, q.To = blindHeld.Name, []any{int64(1)}, day(-holdsPast-1), day(1)
	}, (*desk).ended},
	{todoEvidence, deskView, func(s *Service, q *journal.Query, _ func(int) string) {
		q.Index, q.Eq = deskTodo.Name, []any{todoEvidence}
		q.To = second(s.journal.Now().Add(-evidencePatience))
	}, (*desk).evidencePending},
	{"dead_alerts", "", func(s *Service, q *journal.Query, _ func(int) string) {
		q.Type, q.Index, q.Eq = "alerts", AlertsByStatus.Name, []any{record.AlertDead}
		q.From = second(s.journal.Now().Add(-deadAlertsFor))
	}, (*desk).deadAlert},
}

// waiting reads the rows of the desk that wait as a kind.
func waiting(kind string) func(*Service, *journal.Query, func(int) string) {
	return func(_ *Service, q *journal.Query, _ func(int) string) { q.Index, q.Eq = deskTodo.Name, []any{kind} }
}

// InboxKinds lists the kinds of this room, in the order of the inbox.
func InboxKinds() []string {
	out := make([]string, len(inboxKinds))
	for i, k := range inboxKinds {
		out[i] = k.name
	}
	return out
}

// desk reads what the rows of one reading name.
type desk struct {
	ctx    context.Context
	s      *Service
	branch auth.BranchID
	now    time.Time
	docs   map[journal.DocRef]journal.Record
}

// InboxCounts counts what waits for a supervisor in a branch, by kind. It costs one read of an index a kind, of at most
// InboxCounted rows, and one of what these name, whatever the branch holds.
func (s *Service) InboxCounts(ctx context.Context, a auth.Actor, branch auth.BranchID) ([]InboxCount, error) {
	if err := s.inbox(ctx, a, branch); err != nil {
		return nil, err
	}
	out := make([]InboxCount, len(inboxKinds))
	for i, k := range inboxKinds {
		items, next, err := s.inboxOf(ctx, branch, i, InboxCounted, "")
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", k.name, err)
		}
		out[i] = InboxCount{Kind: k.name, Count: len(items), More: next != ""}
	}
	return out, nil
}

// Inbox lists what waits of one kind, in the order of its index: the oldest first, where that has times. It reads limit
// rows, so a page may be short and have a successor. Refusals: inbox.kind, branch.not_found.
func (s *Service) Inbox(ctx context.Context, a auth.Actor, branch auth.BranchID, kind string, limit int,
	after string) (items []InboxItem, next string, err error) {
	if err := s.inbox(ctx, a, branch); err != nil {
		return nil, "", err
	}
	i := slices.Index(InboxKinds(), kind)
	if i < 0 {
		return nil, "", record.OneOf("inbox.kind", "kind", kind, InboxKinds())
	}
	// The cursor names its kind, so that it fits no other.
	mark := kind + "~"
	from := strings.TrimPrefix(after, mark)
	if after != "" && from == after {
		return nil, "", journal.ErrCursor
	}
	if items, next, err = s.inboxOf(ctx, branch, i, limit, from); next != "" {
		next = mark + next
	}
	return items, next, err
}

// inbox refuses who has none, and brings the views up to date.
func (s *Service) inbox(ctx context.Context, a auth.Actor, branch auth.BranchID) error {
	if err := inBranch(a, branch); err != nil {
		return err
	}
	if a.Role != auth.RoleAdmin && a.Role != auth.RoleSupervisor {
		return refuse(refusal.Forbidden, "auth.role", "", "the inbox is for supervisors")
	}
	for _, view := range []string{deskView, blindView} {
		if err := s.views.CatchUp(ctx, branch, view); err != nil {
			return err
		}
	}
	return nil
}

// inboxOf reads rows of a kind and gives those that wait.
func (s *Service) inboxOf(ctx context.Context, branch auth.BranchID, kind, limit int, after string) ([]InboxItem,
	string, error) {
	k := inboxKinds[kind]
	d := desk{ctx: ctx, s: s, branch: branch, now: s.journal.Now(), docs: map[journal.DocRef]journal.Record{}}
	q := journal.Query{Branch: branch, Type: k.view, Limit: limit, After: after}
	k.source(s, &q, func(n int) string { return d.now.UTC().AddDate(0, 0, n).Format(time.DateOnly) })
	found, err := s.store.Find(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if err := d.readAll(found.Records); err != nil {
		return nil, "", err
	}
	out := []InboxItem{}
	for _, row := range found.Records {
		item, err := k.item(&d, row)
		if err != nil {
			return nil, "", fmt.Errorf("read %s: %w", row.ID, err)
		}
		if item != nil {
			item.Kind = k.name
			out = append(out, *item)
		}
	}
	return out, found.Next, nil
}

// readAll reads at once the records that rows name.
func (d *desk) readAll(rows []journal.Record) error {
	var refs []journal.DocRef
	for _, row := range rows {
		d.docs[journal.DocRef{Type: row.Type, ID: row.ID}] = row
		var of struct {
			Case  string `json:"case"`
			Visit string `json:"visit"`
			Plan  string `json:"plan"`
			Item  string `json:"item"`
			// of a piece of evidence
			Of     string `json:"of"`
			Record string `json:"record"`
			// of a correction
			In string `json:"corrected_in"`
		}
		if err := decode(row, &of); err != nil {
			return err
		}
		add := func(typ, id string) {
			ref := journal.DocRef{Type: typ, ID: id}
			if _, known := d.docs[ref]; id != "" && !known {
				refs, d.docs[ref] = append(refs, ref), journal.Record{}
			}
		}
		add("cases", of.Case)
		add("cases", of.In)
		if row.Type == deskView {
			add("visits", of.Visit)
			add("plans", of.Plan)
			add("quarantine", of.Item)
			if of.Of != "" {
				add(of.Of, of.Record)
			}
		}
	}
	recs, err := d.s.store.Records(d.ctx, d.branch, refs)
	if err != nil {
		return err
	}
	for i, rec := range recs {
		d.docs[refs[i]] = rec
	}
	return nil
}

// record reads a record that a row named; there is false where it is not there.
func (d *desk) record(typ, id string, into any) (there bool, err error) {
	rec := d.docs[journal.DocRef{Type: typ, ID: id}]
	if rec.Body == nil {
		return false, nil
	}
	return true, decode(rec, into)
}

// kase is a case that can be worked on: nil for one that is not here, has moved, or whose debtor is erased.
func (d *desk) kase(id journal.CaseID) (*record.Case, error) {
	k := &record.Case{}
	there, err := d.record("cases", string(id), k)
	if err != nil || !there || k.HasMoved() || k.IsErased() {
		return nil, err
	}
	return k, nil
}

// today is the local date of a case's debtor.
func (d *desk) today(k *record.Case) string { return d.s.zones.dayAt(d.now, k.TimeZone) }

// hold finds the hold of a row, with its case; nil where the case cannot be worked on.
func (d *desk) hold(row journal.Record) (*record.Case, *record.Hold, error) {
	var of blindHold
	if err := decode(row, &of); err != nil {
		return nil, nil, err
	}
	k, err := d.kase(of.Case)
	if err != nil || k == nil {
		return nil, nil, err
	}
	if err := d.s.vault.OpenDoc(d.ctx, k.Debtor, d.branch, "cases", string(k.ID), k); err != nil {
		return nil, nil, err
	}
	if k.Holds.IsErased() {
		return nil, nil, nil
	}
	for _, h := range k.AllHolds() {
		if string(k.ID)+"/"+h.ID == row.ID && h.Released == nil {
			return k, &h, nil
		}
	}
	return nil, nil, nil
}

func holdItem(k *record.Case, h *record.Hold) *InboxItem {
	return &InboxItem{ID: h.ID, Case: k.ID, Who: h.By, Since: h.At, Until: h.Until, Codes: []string{h.Kind}, Team: k.Team}
}

// complaint is a complaint that was taken down and is not answered: Until is when the answer is due.
func (d *desk) complaint(row journal.Record) (*InboxItem, error) {
	var c record.Complaint
	if err := decode(row, &c); err != nil {
		return nil, err
	}
	k, err := d.kase(c.Case)
	if err != nil || k == nil {
		return nil, err
	}
	return &InboxItem{ID: row.ID, Case: k.ID, Who: c.By, Since: c.At, Until: c.AnswerDue, Codes: c.Subjects,
		Team: k.Team}, nil
}

// answeredComplaint is a complaint that waits for another person to close it: Who has answered it, and Since is when.
func (d *desk) answeredComplaint(row journal.Record) (*InboxItem, error) {
	item, err := d.complaint(row)
	if err != nil || item == nil {
		return nil, err
	}
	var c record.Complaint
	if err := decode(row, &c); err != nil || c.Answer == nil {
		return nil, err
	}
	item.Who, item.Since, item.Until, item.Codes = c.Answer.By, c.Answer.At, "", []string{c.Answer.Outcome}
	return item, nil
}

// complaintHold is a hold because of a complaint, from the door or from the office, that binds still.
func (d *desk) complaintHold(row journal.Record) (*InboxItem, error) {
	k, h, err := d.hold(row)
	if err != nil || h == nil || !h.OpenOn(d.today(k)) {
		return nil, err
	}
	return holdItem(k, h), nil
}

func (d *desk) release(row journal.Record) (*InboxItem, error) {
	k, h, err := d.hold(row)
	if err != nil || h == nil || h.Ending == nil || !h.OpenOn(d.today(k)) {
		return nil, err
	}
	item := holdItem(k, h)
	item.Who, item.Since = h.Ending.By, h.Ending.At
	return item, nil
}

func (d *desk) ending(row journal.Record) (*InboxItem, error) {
	k, h, err := d.hold(row)
	if err != nil || h == nil || k.Status != record.StatusOpen {
		return nil, err
	}
	today := d.today(k)
	last, err := time.Parse(time.DateOnly, today)
	if err != nil || h.Until < today || h.Until > last.AddDate(0, 0, holdsAhead).Format(time.DateOnly) {
		return nil, err
	}
	return holdItem(k, h), nil
}

func (d *desk) ended(row journal.Record) (*InboxItem, error) {
	k, h, err := d.hold(row)
	if err != nil || h == nil || k.Status != record.StatusOpen || h.Until >= d.today(k) {
		return nil, err
	}
	item := holdItem(k, h)
	item.Since = d.after(h.Until, k.TimeZone)
	return item, nil
}

// after is the instant at which a local date of a zone is over.
func (d *desk) after(day, zone string) time.Time {
	loc := d.s.zones.find(zone)
	if loc == nil {
		loc = time.UTC
	}
	at, err := time.ParseInLocation(time.DateOnly, day, loc)
	if err != nil {
		return time.Time{} // of a date that was checked
	}
	return at.AddDate(0, 0, 1).UTC()
}

func (d *desk) flagged(row journal.Record) (*InboxItem, error) {
	var of deskVisit
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	var v record.Visit
	k, err := d.kase(of.Case)
	if err != nil || k == nil {
		return nil, err
	}
	there, err := d.record("visits", of.Visit, &v)
	if err != nil || !there {
		return nil, err
	}
	return &InboxItem{ID: of.Visit, Case: k.ID, Who: v.By, Device: v.Device, Since: v.ReceivedAt,
		Codes: v.FlagsNow(of.Confirmed), Round: v.Round, Team: of.Team}, nil
}

func (d *desk) pending(row journal.Record) (*InboxItem, error) {
	var p record.Plan
	if err := decode(row, &p); err != nil {
		return nil, err
	}
	k, err := d.kase(p.Case)
	if err != nil || k == nil {
		return nil, err
	}
	if p.ExpiredAt(d.now) {
		return nil, nil
	}
	item := &InboxItem{ID: row.ID, Case: k.ID, Who: p.By, Device: p.Device, Since: p.ReceivedAt, Team: k.Team,
		Codes: p.Needs}
	if item.Since.IsZero() {
		item.Since = p.At
	}
	return item, nil
}

func (d *desk) quarantined(row journal.Record) (*InboxItem, error) {
	var of deskHeld
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	var q record.Quarantined
	there, err := d.record("quarantine", of.Item, &q)
	if err != nil || !there {
		return nil, err
	}
	item := &InboxItem{ID: of.Item, Case: q.Case, Who: q.Agent, Device: q.Device, Since: q.At}
	if q.Code != "" {
		item.Codes = []string{q.Code}
	}
	return item, nil
}

func (d *desk) declined(row journal.Record) (*InboxItem, error) {
	k, err := d.kase(journal.CaseID(row.ID))
	if err != nil || k == nil || k.Status != record.StatusOpen {
		return nil, err
	}
	for _, no := range slices.Backward(k.Declined) {
		if !no.Stands() {
			continue
		}
		item := &InboxItem{ID: row.ID, Case: k.ID, Who: no.Agent, Since: no.At, Round: no.Round, Team: no.Team}
		if no.Reason != "" {
			item.Codes = []string{no.Reason}
		}
		return item, nil
	}
	return nil, nil
}

func (d *desk) unassigned(row journal.Record) (*InboxItem, error) {
	var of deskCase
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	k, err := d.kase(of.Case)
	if err != nil || k == nil {
		return nil, err
	}
	return &InboxItem{ID: string(k.ID), Case: k.ID, Since: k.OpenedAt}, nil
}

// broken is a plan that broke or was kept in part, until another takes its place or it is cancelled.
func (d *desk) broken(row journal.Record) (*InboxItem, error) {
	var of deskPlan
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	k, err := d.kase(of.Case)
	if err != nil || k == nil || k.Status != record.StatusOpen {
		return nil, err
	}
	var p record.Plan
	today := d.today(k)
	there, err := d.record("plans", of.Plan, &p)
	if err != nil || !there || !p.BrokenOn(today) {
		return nil, err
	}
	last := dayAfter(p.Standing.BreaksOn, -1)
	return &InboxItem{ID: of.Plan, Case: k.ID, Who: p.By, Since: d.after(last, k.TimeZone), Until: last, Team: k.Team,
		Codes: []string{p.Standing.BreaksAs}, Amount: p.Arrears(today)}, nil
}

func (d *desk) deadAlert(row journal.Record) (*InboxItem, error) {
	var a record.Alert
	if err := decode(row, &a); err != nil {
		return nil, err
	}
	item := &InboxItem{ID: row.ID, Who: a.User, Device: a.Device, Since: a.At}
	if a.Reason != "" {
		item.Codes = []string{a.Reason}
	}
	return item, nil
}

// MarshalJSON writes the item with whole seconds in UTC.
func (i InboxItem) MarshalJSON() ([]byte, error) {
	type plain InboxItem
	i.Since = record.WholeUTC(i.Since)
	return json.Marshal(plain(i))
}
