package figures

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"doorstep/server/record"
	"doorstep/sync/journal"
)

// row is what the view keeps of a record, under the record's type and id: "visits/v1". It has codes, numbers, times and
// ids. The members that a kind does not use are absent.
type row struct {
	// Kind and Until are how rows are found by time: Until is an instant, second, or a local date, of the last thing
	// that the row counts. Kind is "" for a row that is only looked up.
	Kind  string `json:"kind,omitempty"`
	Until string `json:"until,omitempty"`
	// Of is what the row belongs to: a case, of a contact's visit and the like; see the kinds.
	Of string `json:"of,omitempty"`

	At     string `json:"at,omitempty"`
	Lender string `json:"lender,omitempty"`
	Debtor string `json:"debtor,omitempty"`
	// Copied says that the record was made in another branch, which counts it.
	Copied bool `json:"copied,omitempty"`
	// Gone says that the record does not count: a contact that is excluded or struck, a visit that was corrected, a case
	// that has moved to another branch.
	Gone bool `json:"gone,omitempty"`

	Visit string `json:"visit,omitempty"` // the visit that it was part of
	Stop  string `json:"stop,omitempty"`  // of a visit: its assignment
	Team  string `json:"team,omitempty"`  // of an assignment
	// Code is a visit's outcome, a case's closing reason or the code of a left-out case.
	Code  string   `json:"code,omitempty"`
	Flags []string `json:"flags,omitempty"` // of a visit
	Flag  bool     `json:"flag,omitempty"`  // see the kinds
	// By is the user who recorded a visit, Named the agents whom it names; or who confirmed it.
	By    string   `json:"by,omitempty"`
	Named []string `json:"named,omitempty"`

	Currency string `json:"currency,omitempty"`
	Minor    int64  `json:"minor,omitempty"`
	Plan     string `json:"plan,omitempty"` // of a case: the plan that was in force last
	Run      string `json:"run,omitempty"`  // of a round and its left-out cases

	// Agreed, Ended, Sent, Refused and Answered are when that was first seen here, or elsewhere. A plan ends when it is
	// no longer in force.
	Agreed   string `json:"agreed,omitempty"`
	Ended    string `json:"ended,omitempty"`
	Sent     string `json:"sent,omitempty"`
	Refused  string `json:"refused,omitempty"`
	Answered string `json:"answered,omitempty"`
	// Kept and Breaks are local dates of a plan, BreaksAs what it becomes then.
	Kept     string    `json:"kept,omitempty"`
	Breaks   string    `json:"breaks,omitempty"`
	BreaksAs string    `json:"breaks_as,omitempty"`
	Paid     int64     `json:"paid,omitempty"`
	Promises []promise `json:"promises,omitempty"`

	// Contacts and Days are a lender's limit; Zone is a branch's.
	Contacts int    `json:"contacts,omitempty"`
	Days     int    `json:"days,omitempty"`
	Zone     string `json:"zone,omitempty"`
}

// promise is an instalment of a plan in force: its last day of grace, and what payments must have brought by then.
type promise struct {
	LastOn string `json:"last_on"`
	ByThen int64  `json:"by_then"`
}

// The kinds of rows that are found by time.
const (
	kindVisit     = "visit"     // Of is the case
	kindContact   = "contact"   // Flag: by a visit
	kindPayment   = "payment"   // Of is the case; Minor is below zero for a reversal
	kindPlan      = "plan"      // Of is the case
	kindClosed    = "closed"    // a case that is closed
	kindComplaint = "complaint" // Flag: answered late
	kindMessage   = "message"   // Of is the case; Flag: of a ladder
	kindReply     = "reply"     // that told of a vulnerable person
	kindRound     = "round"     // that was published
	kindStop      = "stop"      // an assignment that was taken back because the law forbids it
	kindLoadStop  = "load_stop" // a case that was left alone because its debtor was contacted often enough
	kindLeftOut   = "left_out"  // Of is the round
	kindConfirmed = "confirmed" // Of is the visit
	kindLender    = "lender"    // Lender is its id
)

// rowsOf are what an entry changes, by the rows' ids, given what they were. A nil row takes one away.
func rowsOf(e *journal.Entry, was func(id string) *row, put func(id string, r *row) error) error {
	for i := range e.Docs {
		d := &e.Docs[i]
		make, counted := makers[d.Type]
		if !counted {
			continue
		}
		id := rowID(d.Type, d.ID)
		if d.Deleted {
			if err := put(id, nil); err != nil {
				return err
			}
			continue
		}
		old := was(id)
		seen := seen{entry: e, doc: d, copied: d.Copy || e.Action == movedIn, was: old}
		r, err := make(&seen)
		if err != nil {
			return err
		}
		if r != nil {
			// A record that came with a debtor stays a copy when it is written again, and one that comes home is none.
			r.Copied = seen.copied
			if old != nil {
				r.Copied = old.Copied
			}
		}
		if err := put(id, r); err != nil {
			return err
		}
		if d.Type == "visits" && r != nil && seen.supersedes != "" {
			if err := supersede(rowID("visits", seen.supersedes), was, put); err != nil {
				return err
			}
		}
		if d.Type == "cases" && e.Action == record.ActionLoadStop {
			stop := row{Kind: kindLoadStop, At: second(e.Received), Until: second(e.Received), Of: d.ID, Lender: lenderOf(d.ID)}
			if err := put(rowID("load_stops", d.ID+"/"+second(e.Received)), &stop); err != nil {
				return err
			}
		}
	}
	return nil
}

// supersede notes that a visit was corrected by another one.
func supersede(id string, was func(id string) *row, put func(id string, r *row) error) error {
	old := was(id)
	if old == nil {
		return nil
	}
	next := *old
	next.Gone = true
	return put(id, &next)
}

// movedIn is the action of entries that copy what came with a debtor.
const movedIn = "debtor.moved_in"

func rowID(typ, id string) string { return typ + "/" + id }

// ids are the ids of the rows that an entry has a part in, as far as they are known before its documents are read.
func idsOf(e *journal.Entry) []string {
	var out []string
	for i := range e.Docs {
		d := &e.Docs[i]
		if _, counted := makers[d.Type]; !counted {
			continue
		}
		out = append(out, rowID(d.Type, d.ID))
		if d.Type == "visits" {
			var v struct {
				Supersedes string `json:"supersedes"`
			}
			if json.Unmarshal(d.State, &v) == nil && v.Supersedes != "" {
				out = append(out, rowID(d.Type, v.Supersedes))
			}
		}
	}
	return out
}

// seen is a document of an entry, with the row that its record had.
type seen struct {
	entry      *journal.Entry
	doc        *journal.Doc
	copied     bool
	was        *row
	supersedes string
}

func (s *seen) read(into any) error { return json.Unmarshal(s.doc.State, into) }

// first is when something was first seen in this branch: what it was, or now if it is so in an entry that is no copy.
func (s *seen) first(was func(*row) string, is bool, now string) string {
	if s.was != nil && was(s.was) != "" {
		return was(s.was)
	}
	switch {
	case !is:
		return ""
	case s.copied:
		return elsewhere
	}
	return now
}

// elsewhere stands for a time at which another branch saw something, and always for any time. Both are before all
// others.
const elsewhere, always = "-", "-"

// makers make the rows of the records that have a part in a figure, by type.
var makers = map[string]func(*seen) (*row, error){
	"visits": visitRow, "visit_confirmations": confirmedRow, "assignments": stopRow, "contacts": contactRow,
	"payments": paymentRow, "plans": planRow, "cases": caseRow, "complaints": complaintRow, "messages": messageRow,
	"replies": replyRow, "rounds": roundRow, "leftouts": leftOutRow, "branches": branchRow, "lenders": lenderRow,
}

func visitRow(s *seen) (*row, error) {
	var v record.Visit
	if err := s.read(&v); err != nil {
		return nil, err
	}
	s.supersedes = v.Supersedes
	r := &row{Kind: kindVisit, At: second(v.At), Until: second(v.At), Of: string(v.Case), Lender: v.Lender,
		Stop: v.Assignment, Code: v.Outcome, Flags: v.Flags, By: string(v.By)}
	for _, a := range v.Agents {
		r.Named = append(r.Named, string(a.Agent))
	}
	r.Gone = s.was != nil && s.was.Gone
	return r, nil
}

func confirmedRow(s *seen) (*row, error) {
	var c record.Confirmation
	if err := s.read(&c); err != nil {
		return nil, err
	}
	return &row{Kind: kindConfirmed, Of: rowID("visits", c.Visit), By: string(c.By)}, nil
}

// takenBackFor begin the words in which an assignment says that the law took it back.
var takenBackFor = []string{"law:", "conduct:"}

func stopRow(s *seen) (*row, error) {
	var a record.Assignment
	if err := s.read(&a); err != nil {
		return nil, err
	}
	r := &row{Team: a.Team, Of: string(a.Case), Lender: lenderOf(string(a.Case))}
	unlawful := slices.ContainsFunc(takenBackFor, func(p string) bool { return strings.HasPrefix(a.ClosedBy, p) })
	if a.Status == record.AssignmentRevoked && unlawful {
		r.Kind, r.At, r.Until = kindStop, a.Date, a.Date
	}
	return r, nil
}

func contactRow(s *seen) (*row, error) {
	var c record.Contact
	if err := s.read(&c); err != nil {
		return nil, err
	}
	r := &row{Kind: kindContact, At: second(c.At), Until: second(c.At), Of: string(c.Case), Debtor: string(c.Debtor),
		Lender: lenderOf(string(c.Case)), Gone: !c.Loads(), Code: c.Channel}
	if c.Visit != "" {
		r.Visit = c.Visit
	}
	return r, nil
}

func paymentRow(s *seen) (*row, error) {
	var p record.Payment
	if err := s.read(&p); err != nil {
		return nil, err
	}
	r := &row{Kind: kindPayment, At: second(p.PaidAt), Until: second(p.PaidAt), Of: string(p.Case),
		Lender: p.Lender, Currency: p.Currency, Minor: p.AmountMinor}
	if p.Reverses != "" {
		r.Minor = -p.AmountMinor
	}
	return r, nil
}

func planRow(s *seen) (*row, error) {
	var p record.Plan
	if err := s.read(&p); err != nil {
		return nil, err
	}
	r := &row{Kind: kindPlan, At: second(p.At), Of: string(p.Case), Lender: p.Lender, Visit: p.Visit,
		Currency: p.Currency}
	agreed := p.At
	if p.Accepted != nil && !p.Accepted.At.IsZero() {
		agreed = p.Accepted.At
	}
	if p.ApprovedAt.After(agreed) {
		agreed = p.ApprovedAt
	}
	r.Agreed = s.first(func(w *row) string { return w.Agreed }, p.Live(), second(agreed))
	r.Ended = s.first(func(w *row) string { return w.Ended }, r.Agreed != "" && !p.Live(), second(s.entry.Received))
	if st := p.Standing; st != nil {
		r.Kept, r.Breaks, r.BreaksAs, r.Paid = st.KeptOn, st.BreaksOn, st.BreaksAs, st.PaidMinor
	}
	due := int64(0)
	for _, in := range p.Instalments {
		if r.Agreed == "" {
			break
		}
		due += in.AmountMinor
		r.Promises = append(r.Promises, promise{p.LastOn(in.DueOn), due})
	}
	r.Until = max(r.At, r.Agreed, r.Kept, r.Breaks)
	for _, x := range r.Promises {
		r.Until = max(r.Until, x.LastOn)
	}
	return r, nil
}

func caseRow(s *seen) (*row, error) {
	var c record.Case
	if err := s.read(&c); err != nil {
		return nil, err
	}
	r := &row{Of: string(c.ID), Lender: c.Lender, Debtor: string(c.Debtor), Plan: c.LivePlan, Gone: c.HasMoved()}
	if r.Plan == "" && s.was != nil {
		r.Plan = s.was.Plan
	}
	if c.Closed != nil && c.Status == record.StatusClosed {
		r.Kind, r.At, r.Until, r.Code = kindClosed, second(c.Closed.At), second(c.Closed.At), c.Closed.Reason
	}
	return r, nil
}

func complaintRow(s *seen) (*row, error) {
	var c record.Complaint
	if err := s.read(&c); err != nil {
		return nil, err
	}
	r := &row{Kind: kindComplaint, At: second(c.At), Of: string(c.Case), Lender: lenderOf(string(c.Case)),
		Visit: c.Visit}
	answered := ""
	if c.Answer != nil {
		answered, r.Flag = second(c.Answer.At), c.Answer.Late
	}
	r.Answered = s.first(func(w *row) string { return w.Answered }, c.Answer != nil, answered)
	r.Until = max(r.At, r.Answered)
	return r, nil
}

// noText are the reasons for which a message is refused that are no rule about what may be sent.
var noText = []string{"NO_TEMPLATE", "NO_VALUE"}

func messageRow(s *seen) (*row, error) {
	var m record.Message
	if err := s.read(&m); err != nil {
		return nil, err
	}
	r := &row{Kind: kindMessage, At: second(m.QueuedAt), Of: string(m.Case), Lender: m.Lender, Flag: m.Step > 0}
	sent := m.State == record.MessageSent || m.State == record.MessageDelivered || m.State == record.MessageUnknown
	at := s.entry.Received
	if !m.SentAt.IsZero() {
		at = m.SentAt
	}
	r.Sent = s.first(func(w *row) string { return w.Sent }, sent, second(at))
	refused := m.State == record.MessageRefused && m.Decision != nil && !m.Decision.Allowed() &&
		!slices.Contains(noText, m.Decision.Reason)
	r.Refused = s.first(func(w *row) string { return w.Refused }, refused, second(s.entry.Received))
	r.Until = max(r.At, r.Sent, r.Refused)
	return r, nil
}

func replyRow(s *seen) (*row, error) {
	var m record.Reply
	if err := s.read(&m); err != nil {
		return nil, err
	}
	if !slices.Contains(m.Did, "vulnerable") {
		return nil, nil
	}
	return &row{Kind: kindReply, At: second(m.At), Until: second(m.At), Of: string(m.Case), Lender: m.Lender}, nil
}

// round is what a round says to a figure; server/dispatch writes it.
type round struct {
	Date        string    `json:"date"`
	Run         string    `json:"run"`
	PublishedAt time.Time `json:"published_at"`
	ReplacedBy  string    `json:"replaced_by"`
	CancelledBy string    `json:"cancelled_by"`
}

func roundRow(s *seen) (*row, error) {
	var x round
	if err := s.read(&x); err != nil {
		return nil, err
	}
	r := &row{Run: x.Run}
	if !x.PublishedAt.IsZero() && x.ReplacedBy == "" && x.CancelledBy == "" {
		r.Kind, r.At, r.Until = kindRound, x.Date, x.Date
	}
	return r, nil
}

// leftOut is a case that a round left out; server/dispatch writes it.
type leftOut struct {
	Round string `json:"round"`
	Run   string `json:"run"`
	Case  string `json:"case"`
	Code  string `json:"code"`
	Rule  string `json:"rule"`
}

// Rules of ours that leave a case out for another reason than the person's protection.
var officeRules = []string{"house-address", "house-one-visit"}

// planPerforming is the code of a case that is left alone because a plan is being kept.
const planPerforming = "PLAN_PERFORMING"

func leftOutRow(s *seen) (*row, error) {
	var x leftOut
	if err := s.read(&x); err != nil {
		return nil, err
	}
	if x.Rule == "" || slices.Contains(officeRules, x.Rule) {
		return nil, nil
	}
	return &row{Kind: kindLeftOut, Of: rowID("rounds", x.Round), Run: x.Run, Code: x.Code, Lender: lenderOf(x.Case)}, nil
}

func branchRow(s *seen) (*row, error) {
	var b struct {
		Zone string `json:"time_zone"`
	}
	err := s.read(&b)
	return &row{Zone: b.Zone}, err
}

func lenderRow(s *seen) (*row, error) {
	var l struct {
		Limit *struct {
			Contacts int `json:"contacts"`
			Days     int `json:"days"`
		} `json:"contact_limit"`
	}
	r := &row{Kind: kindLender, Until: always, Lender: s.doc.ID}
	if err := s.read(&l); err != nil || l.Limit == nil {
		return r, err
	}
	r.Contacts, r.Days = l.Limit.Contacts, l.Limit.Days
	return r, nil
}

// lenderOf is the lender of a case, whose id begins with it.
func lenderOf(of string) string {
	lender, _, _ := strings.Cut(of, ".")
	return lender
}

// second is an instant in UTC and whole seconds: such texts are in the order of time; "" for none.
func second(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}
