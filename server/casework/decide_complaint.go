package casework

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// RecordComplaint takes a complaint down: it opens a hold of kind complaint, which takes the case out of rounds and
// off the phones at once. The hold ends by two people, whether or not the complaint is answered.
type RecordComplaint struct {
	ID   string
	Said record.ComplaintSaid
	// AnswerDue is the debtor's local date by which the answer is due; "" for the one that the case's profiles give.
	AnswerDue string

	about []auth.UserID // the agents of the visit
	team  string
}

// ComplaintReceipt answers RecordComplaint and AnswerComplaint.
type ComplaintReceipt struct {
	Complaint string `json:"complaint_id"`
	State     string `json:"state"`
	// AnswerDue is the debtor's local date by which the answer is due.
	AnswerDue string `json:"answer_due"`
	Hold      string `json:"hold_id,omitempty"`
}

func (c RecordComplaint) refs() []journal.DocRef {
	return append(caseRef(c.Said.Case), journal.DocRef{Type: "complaints", ID: c.ID})
}

func (c RecordComplaint) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if err := t.absentRecord(ctx, "complaints", c.ID); err != nil {
		return nil, err
	}
	f, err := t.openFile(ctx, c.Said.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	if err := t.visitOf(ctx, c.Said.Case, c.Said.Visit); err != nil {
		return nil, err
	}
	if c.about, c.team, err = t.complainedOf(ctx, f, c.Said.Visit); err != nil {
		return nil, err
	}
	within, err := t.policy().AnswerTime(f.Case.Profiles)
	if err != nil {
		return nil, err
	}
	return decideComplaint(f, t.draft("complaint.record"), c, within, &t.svc.zones)
}

// decideComplaint decides on a complaint, for the time in which the profiles of the case want it answered.
func decideComplaint(f *File, d *draftBuilder, c RecordComplaint, within conduct.AnswerTime,
	zones *zoneCache) (*draftBuilder, error) {
	k := record.Complaint{ComplaintSaid: c.Said, Debtor: f.Case.Debtor, By: d.Actor.User, RecordedAt: d.At,
		State: record.ComplaintOpen}
	if bad := k.ComplaintSaid.Check(); bad != nil {
		return nil, bad
	}
	if bad := happened("at", k.At, d.At); bad != nil {
		return nil, bad
	}
	today, day := zones.dayAt(d.At, f.Case.TimeZone), zones.dayAt(k.At, f.Case.TimeZone)
	var bad *refusal.Error
	if k.AnswerDue, k.DueBy, bad = answerDue(c.AnswerDue, day, within); bad != nil {
		return nil, bad
	}
	if k.DueBy != record.SourceOffice {
		k.DueCite = within.Cite
	}
	k.Agents, k.Team = c.about, c.team
	k.Hold, _ = addHold(f, d, record.Hold{Kind: "complaint", Since: today, Source: "complaint:" + c.ID})
	revokeOpen(f, d, record.AssignmentRevoked, "hold")
	d.putChild(f, "complaints", c.ID, &k)
	d.reply = ComplaintReceipt{c.ID, k.State, k.AnswerDue, k.Hold}
	return d, nil
}

// answerDue is the date by which a complaint of a local date has to be answered, and who says so. The office may give
// an earlier date than the law, never a later one.
func answerDue(said, day string, within conduct.AnswerTime) (due, by string, bad *refusal.Error) {
	law := within.Due(day)
	switch {
	case said == "" && law == "":
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"no profile of the case says by when a complaint is answered; give the date, as 2006-01-02")
	case said == "":
		return law, within.Profile, nil
	case !record.IsDate(said) || said < day:
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"write a date from the day of the complaint on, as 2006-01-02")
	case law != "" && said > law:
		return "", "", refuse(refusal.Invalid, "complaint.answer_due", "answer_due",
			"profile %s wants an answer by %s; give that date or an earlier one", within.Profile, law)
	}
	return said, record.SourceOffice, nil
}

// AnswerComplaint notes what a person was answered. A complaint is answered once.
type AnswerComplaint struct {
	Case      journal.CaseID
	Complaint string
	Answer    record.ComplaintAnswer // By and Late are set here
}

func (c AnswerComplaint) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "complaints", ID: c.Complaint})
}

func (c AnswerComplaint) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0) // a complaint is answered after the case was closed too
	if err != nil {
		return nil, err
	}
	var k record.Complaint
	of := func() journal.CaseID { return k.Case }
	if err := t.childOf(ctx, f, "complaints", "complaint", c.Complaint, &k, of); err != nil {
		return nil, err
	}
	return decideAnswer(f, t.draft("complaint.answer"), c, &k, t.svc.zones.dayAt(c.Answer.At, f.Case.TimeZone))
}

// decideAnswer decides on the answer to a complaint, which must be opened; day is the local date of the answer.
func decideAnswer(f *File, d *draftBuilder, c AnswerComplaint, k *record.Complaint, day string) (*draftBuilder, error) {
	a := c.Answer
	if bad := a.Check(); bad != nil {
		return nil, bad
	}
	if bad := happened("at", a.At, d.At); bad != nil {
		return nil, bad
	}
	switch {
	case a.At.Before(k.At):
		return nil, refuse(refusal.Invalid, "validation.at", "at", "an answer comes after the complaint")
	case k.State != record.ComplaintOpen:
		return nil, refuse(refusal.Conflict, "complaint.answered", "complaint",
			"this was answered already; write what was added as a note")
	}
	a.By, a.Late = d.Actor.User, day > k.AnswerDue
	k.Answer, k.State = &a, record.ComplaintAnswered
	d.putChild(f, "complaints", c.Complaint, k)
	d.reply = ComplaintReceipt{c.Complaint, k.State, k.AnswerDue, k.Hold}
	return d, nil
}

// complainedOf are the agents and the team of a visit that a complaint is about; none for "" and for one that is not
// there. The case's assignments must be loaded.
func (t *turn) complainedOf(ctx context.Context, f *File, visit string) ([]auth.UserID, string, error) {
	if visit == "" {
		return nil, "", nil
	}
	rec, there, err := t.r.Doc(ctx, "visits", visit)
	if err != nil || !there {
		return nil, "", err
	}
	var v record.Visit
	if err := decode(rec, &v); err != nil {
		return nil, "", err
	}
	agents, team := agentsOf(f, &v)
	return agents, team, nil
}

// agentsOf are the agents whom a visit names, and the team of its stop; "" for a visit without a stop.
func agentsOf(f *File, v *record.Visit) (agents []auth.UserID, team string) {
	for _, a := range v.Agents {
		agents = append(agents, a.Agent)
	}
	if len(agents) == 0 && v.By != "" {
		agents = []auth.UserID{v.By}
	}
	for i := range f.Assignments {
		if f.Assignments[i].ID == v.Assignment {
			team = f.Assignments[i].State.Team
		}
	}
	return agents, team
}

// complaintAtDoor takes down the complaint that a visit reports, so that it is answered by a date as every other. A
// visit that corrects another is about the same complaint. within is by when the case's profiles want it answered.
func complaintAtDoor(f *File, d *draftBuilder, id string, v *record.Visit, within conduct.AnswerTime) {
	k := record.Complaint{ComplaintSaid: record.ComplaintSaid{Case: f.Case.ID, Visit: id, At: v.At, Channel: "visit",
		Subjects: []string{"other"}}, Debtor: f.Case.Debtor, By: v.By, RecordedAt: d.At, State: record.ComplaintOpen,
		AnswerDue: within.Due(v.On), DueBy: within.Profile, DueCite: within.Cite}
	if k.AnswerDue == "" {
		k.AnswerDue, k.DueBy = dayAfter(v.On, answerWithin), record.SourceHouse
	}
	said := cmpOr(v.Observations.Plain().Dispute, v.OutcomeDetail.Plain())
	k.Text = seal.NewText(cmpOr(strings.TrimSpace(said), "-"))
	if p := v.PersonMet; p != nil {
		k.From = p.Relationship
	}
	k.Agents, k.Team = agentsOf(f, v)
	for _, h := range f.Case.AllHolds() {
		if h.Kind == "complaint" && h.Released == nil {
			k.Hold = h.ID
		}
	}
	d.putChild(f, "complaints", complaintOf(id), &k)
}

// CloseComplaint closes a complaint that was answered: another person than the one who answered it agrees that it is
// dealt with. The reply stays. Its hold is released by itself (ReleaseHold).
type CloseComplaint struct {
	Case      journal.CaseID
	Complaint string
	Note      string // what was looked at; kept sealed
}

func (c CloseComplaint) refs() []journal.DocRef {
	return append(caseRef(c.Case), journal.DocRef{Type: "complaints", ID: c.Complaint})
}

func (c CloseComplaint) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, 0)
	if err != nil {
		return nil, err
	}
	var k record.Complaint
	of := func() journal.CaseID { return k.Case }
	if err := t.childOf(ctx, f, "complaints", "complaint", c.Complaint, &k, of); err != nil {
		return nil, err
	}
	if err := checkText("note", c.Note, 0, 2000); err != nil {
		return nil, err
	}
	switch {
	case k.State == record.ComplaintOpen:
		return nil, refuse(refusal.Conflict, "complaint.open", "complaint", "answer it first; then another person closes it")
	case k.State == record.ComplaintClosed:
		return nil, refuse(refusal.Conflict, "complaint.closed", "complaint", "this complaint is closed already")
	case k.Answer != nil && k.Answer.By == t.Actor.User:
		return nil, refuse(refusal.Forbidden, "complaint.own_answer", "complaint",
			"who answered a complaint does not close it; another supervisor does")
	}
	d := t.draft("complaint.close")
	k.State = record.ComplaintClosed
	k.Closed = &record.ComplaintClosing{At: t.At, By: t.Actor.User, Note: seal.NewText(strings.TrimSpace(c.Note))}
	d.putChild(f, "complaints", c.Complaint, &k)
	d.reply = ComplaintReceipt{c.Complaint, k.State, k.AnswerDue, k.Hold}
	return d, nil
}

// ComplaintCount counts the complaints about an agent, a team, or all of a branch.
type ComplaintCount struct {
	Agent auth.UserID `json:"agent,omitempty"`
	Team  string      `json:"team,omitempty"`
	All   int         `json:"all"` // of every state
	// Open wait for an answer; Answered wait for another person to close them.
	Open     int `json:"open"`
	Answered int `json:"answered" doc:"Wait for another person to close them."`
	Closed   int `json:"closed"` // another person has closed them
	// Late were answered after the date by which it was due, or wait still after it.
	Late int `json:"late"`
	// Upheld were found to be right, wholly or in part.
	Upheld int `json:"upheld"`
}

func (n *ComplaintCount) add(k *record.Complaint, today string) {
	n.All++
	switch k.State {
	case record.ComplaintOpen:
		n.Open++
	case record.ComplaintAnswered:
		n.Answered++
	default:
		n.Closed++
	}
	if k.Answer != nil && k.Answer.Late || k.Answer == nil && today > k.AnswerDue {
		n.Late++
	}
	if k.Answer != nil && (k.Answer.Outcome == "upheld" || k.Answer.Outcome == "partly_upheld") {
		n.Upheld++
	}
}

// ComplaintCounts are the complaints of a branch, and of each agent and team that a visit they are about names.
type ComplaintCounts struct {
	Total  ComplaintCount   `json:"total"`
	Agents []ComplaintCount `json:"agents"`
	Teams  []ComplaintCount `json:"teams" doc:"Of each team that a visit they are about belongs to."`
}

// CountComplaints counts the complaints of a branch that were made from one date to another, both of the debtor and
// included; "" for no bound. Complaints of cases that have left the branch do not count. branch.not_found.
func (s *Service) CountComplaints(ctx context.Context, a auth.Actor, branch auth.BranchID, from, to string) (
	ComplaintCounts, error) {
	out := ComplaintCounts{Agents: []ComplaintCount{}, Teams: []ComplaintCount{}}
	if err := inBranch(a, branch); err != nil {
		return out, err
	}
	agents, teams := map[auth.UserID]*ComplaintCount{}, map[string]*ComplaintCount{}
	for _, state := range []string{record.ComplaintOpen, record.ComplaintAnswered, record.ComplaintClosed} {
		if err := s.each(ctx, journal.Query{Branch: branch, Type: "complaints", Index: ComplaintsByState.Name,
			Eq: []any{state}}, func(rec journal.Record) error {
			var k record.Complaint
			if err := decode(rec, &k); err != nil {
				return err
			}
			kase, err := s.store.Records(ctx, branch, []journal.DocRef{{Type: "cases", ID: string(k.Case)}})
			if err != nil {
				return fmt.Errorf("read case: %w", err)
			}
			var of record.Case
			if kase[0].Type == "" || kase[0].Deleted {
				return nil
			}
			if err := decode(kase[0], &of); err != nil || of.HasMoved() {
				return err
			}
			day, today := s.zones.dayAt(k.At, of.TimeZone), s.zones.dayAt(s.journal.Now(), of.TimeZone)
			if day < from || to != "" && day > to {
				return nil
			}
			out.Total.add(&k, today)
			for _, id := range k.Agents {
				if agents[id] == nil {
					agents[id] = &ComplaintCount{Agent: id}
				}
				agents[id].add(&k, today)
			}
			if k.Team != "" {
				if teams[k.Team] == nil {
					teams[k.Team] = &ComplaintCount{Team: k.Team}
				}
				teams[k.Team].add(&k, today)
			}
			return nil
		}); err != nil {
			return out, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(agents)) {
		out.Agents = append(out.Agents, *agents[id])
	}
	for _, id := range slices.Sorted(maps.Keys(teams)) {
		out.Teams = append(out.Teams, *teams[id])
	}
	return out, nil
}

// Complaints lists a branch's complaints that wait for an answer, by the date on which it is due, or in state
// answered those that wait for another person to close them, and in state closed those that were.
func (s *Service) Complaints(ctx context.Context, a auth.Actor, branch auth.BranchID, state string, limit int,
	after string) (Page, error) {
	if state == "" {
		state = record.ComplaintOpen
	}
	return s.ofHere(ctx, a, journal.Query{Branch: branch, Type: "complaints", Index: ComplaintsByState.Name,
		Eq: []any{state}, Limit: limit, After: after})
}

// openFile loads the file of an open case, for what the office writes down. case.closed.
func (t *turn) openFile(ctx context.Context, id journal.CaseID, want parts) (*File, error) {
	f, err := t.file(ctx, id, want)
	if err == nil && f.Case.Status != record.StatusOpen {
		err = caseClosed()
	}
	return f, err
}

func caseClosed() *refusal.Error {
	return refuse(refusal.Conflict, "case.closed", "case", "the case is closed; reopen it first")
}

// absentRecord refuses an id under which there is a record already.
func (t *turn) absentRecord(ctx context.Context, kind, id string) error {
	_, there, err := t.r.Doc(ctx, kind, id)
	if err == nil && there {
		err = refuse(refusal.Conflict, "append_only", "id",
			"a record exists under this id and never changes; choose another id")
	}
	return err
}

// visitOf checks that a visit, if one is named, belongs to a case.
func (t *turn) visitOf(ctx context.Context, of journal.CaseID, id string) error {
	if id == "" {
		return nil
	}
	var v owned
	rec, there, err := t.r.Doc(ctx, "visits", id)
	if err == nil && there {
		err = decode(rec, &v)
	}
	if err == nil && v.Case != of {
		err = refuse(refusal.Invalid, "validation.visit", "visit", "the case has no such visit")
	}
	return err
}

// childOf reads a record of a case and opens it; of tells which case it belongs to, once it is read. place is where the
// caller named it.
func (t *turn) childOf(ctx context.Context, f *File, kind, place, id string, into any,
	of func() journal.CaseID) error {
	rec, there, err := t.r.Doc(ctx, kind, id)
	if err != nil {
		return err
	}
	if there {
		if err := decode(rec, into); err != nil {
			return err
		}
	}
	if !there || of() != f.Case.ID {
		return refuse(refusal.NotFound, "record.not_found", place, "the case has no such record")
	}
	return t.open(ctx, kind, id, f.Case.Debtor, into)
}

// happened refuses a time of the office that lies in the future, or long ago.
func happened(place string, at, now time.Time) *refusal.Error {
	if at.After(now.Add(futureSlack)) || !record.InYears(at) {
		return refuse(refusal.Invalid, "validation."+place, place,
			"write a time from 2000 on that does not lie in the future")
	}
	return nil
}
