package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// RecordVisit records what happened at a door. It is a fact: it is never refused
// for being unlawful or late, only flagged and shown to a supervisor. It closes
// the assignment, counts as a contact, and opens the hold its outcome calls for.
type RecordVisit struct {
	ID    string
	Visit *record.Visit
	// From says who recorded it and how it came.
	From record.Sent
	// MonoMs is the phone's monotonic clock, in milliseconds.
	MonoMs int64
	// Flags are added to those found.
	Flags []string
}

// VisitReceipt answers RecordVisit.
type VisitReceipt struct {
	Visit string   `json:"visit_id"`
	Flags []string `json:"flags"`
}

// fenceMetres is how far from the planned place a fix may lie and still be at the door, besides its own
// accuracy. Our own default.
const fenceMetres = 150

func (c RecordVisit) refs() []journal.DocRef {
	return visitRefs(c.ID, c.Visit)
}

func (c RecordVisit) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	if _, there, err := t.r.Doc(ctx, "visits", c.ID); err != nil {
		return nil, err
	} else if there {
		return nil, refuse(refusal.Conflict, "append_only", "id",
			"the visit exists and never changes; record a new one that supersedes it")
	}
	f, err := t.file(ctx, c.Visit.Case, forConduct|withAssignments)
	if err != nil {
		return nil, err
	}
	if err := t.openCase(ctx, f); err != nil {
		return nil, err
	}
	contact := contactID(f.Case.ID, "visit:"+c.ID)
	original, err := t.original(ctx, f, &c)
	if err != nil {
		return nil, err
	}
	if _, _, err := t.r.Doc(ctx, "contacts", contact); err != nil {
		return nil, err
	}
	v := *c.Visit
	c.complete(t, f, &v)
	absent, err := t.absent(ctx, &v)
	if err != nil {
		return nil, err
	}
	act := visitAct{agents: len(present(f, &v, absent)), items: v.Items, recording: v.Recording != nil, place: v.Place,
		purpose: record.ConductPurpose(v.Purpose), party: partyMet(&v), minutes: minutesAtDoor(&v)}
	if a := assignmentOf(f, &v); a != nil {
		act.overlays = a.State.Overlays
	}
	law, err := groundsOf(ctx, t.policy(), t, f, append(laterOverlays(f, v.At), act.overlays...), act.party)
	if err != nil {
		return nil, err
	}
	if err := law.recent(ctx, v.At); err != nil {
		return nil, err
	}
	counts := visitContact(c.ID, &v)
	replaced := replacedBy(original, counts)
	without := append(sameKnock(f, &v), contact) // neither by itself nor by what it takes the place of
	if replaced != nil {
		without = append(without, replaced.ID)
	}
	if err := law.earliest(ctx, len(without)); err != nil {
		return nil, err
	}
	judged, err := judgeVisit(t.policy(), &t.svc.zones, phaseSync, f, v.At, act, without...)
	if err != nil {
		return nil, refuse(refusal.Invalid, "validation.conduct", "", "the visit cannot be judged: %s", err)
	}
	d := t.draft("visit.record")
	if d.now().verdicts, err = verdictsJSON(judged); err != nil {
		return nil, err
	}
	v.Decisions = decisions(f, &v, judged)
	v.Flags = append(v.Flags, c.flags(f, &v, judged)...)
	v.Flags = append(v.Flags, agentFlags(f, &v, absent)...)
	if alone := act; judged.Allowed() && act.agents > 1 {
		alone.agents = 1
		one, err := judgeVisit(t.policy(), &t.svc.zones, phaseSync, f, v.At, alone, without...)
		if err != nil {
			return nil, refuse(refusal.Invalid, "validation.conduct", "", "the visit cannot be judged: %s", err)
		}
		if !one.Allowed() {
			v.Flags = append(v.Flags, record.FlagUnconfirmed)
		}
	}
	if v.Supersedes != "" {
		v.Flags = append(v.Flags, "correction")
	}
	if original != nil && replaced == nil {
		v.Flags = append(v.Flags, "both_count")
	}
	slices.Sort(v.Flags)
	v.Flags = slices.Compact(v.Flags)
	if opensHold(&v) {
		if err := t.fill(ctx, f, toRevoke); err != nil {
			return nil, err
		}
	}
	complained, within, err := t.complainsNow(ctx, f, c.ID, &v)
	if err != nil {
		return nil, err
	}
	// The visit stands alone in its entry: that is what an auditor is shown.
	d.putChild(f, "visits", c.ID, &v)
	d.next("visit.effects")
	decideVisitEffects(f, d, c.ID, &v, contact, counts, replaced)
	if complained {
		d.next("complaint.record")
		complaintAtDoor(f, d, c.ID, &v, within)
	}
	if err := c.laterStops(ctx, t, f, d, &v); err != nil {
		return nil, err
	}
	d.reply = VisitReceipt{c.ID, nonNil(v.Flags)}
	return d, nil
}

// partyMet is whom the visit reached, in the words of the law; "" is the debtor, or that it reached no person.
// If a member of the household opens the door, is not told of the debt, and the outcome is not about that person,
// the visit remains one to the debtor.
func partyMet(v *record.Visit) string {
	if v.PersonMet == nil {
		return ""
	}
	party := record.PartyOf(v.PersonMet.Relationship)
	told := v.DisclosureMade || v.DisclosedTo != "" && v.DisclosedTo != "nobody"
	household := party == "spouse" || party == "family" || party == "contact_person"
	if household && !told && !record.OutcomeOf(v.Outcome).Met {
		return ""
	}
	return party
}

// minutesAtDoor is how long the visit lasted by the phone, in minutes begun and at most a day; 0 if it does not say.
// It ended before it was reported.
func minutesAtDoor(v *record.Visit) int {
	var end time.Time
	if v.CheckOut != nil {
		end = v.CheckOut.At
	}
	if v.LeftAt.After(end) {
		end = v.LeftAt
	}
	if end.After(v.ReceivedAt) {
		end = v.ReceivedAt
	}
	if !end.After(v.At) {
		return 0
	}
	return int(min((end.Sub(v.At)+time.Minute-1)/time.Minute, 24*60))
}

// decisions are those that led to the visit: at dispatch, at the door, and now.
func decisions(f *File, v *record.Visit, judged verdict) []verdict {
	var all []verdict
	if a := assignmentOf(f, v); a != nil {
		all = slices.Clone(a.State.Decisions)
	}
	if d := v.DoorDecision; d != nil {
		all = append(all, verdict{Phase: phaseDoor, At: d.At, Answer: d.Decision, Reason: d.Reason, Rule: d.Rule,
			Policy: d.Policy})
	}
	return append(all, judged)
}

// complete fills in what the case and the assignment know.
func (c RecordVisit) complete(t *turn, f *File, v *record.Visit) {
	v.Lender, v.Branch, v.TimeZone, v.Territory = f.Case.Lender, f.Case.Branch, f.Case.TimeZone, f.Case.Territory
	sent := t.sentBy(c.From)
	ahead := sent.Foretells(v)
	v.Move(v.Take(f.Case.Debtor, sent, &v.At), c.From.Corrected()...)
	if ahead {
		v.Flag(record.FlagInFuture)
	}
	v.On, v.ReceivedOn = t.svc.zones.dayAt(v.At, v.TimeZone), t.svc.zones.dayAt(v.ReceivedAt, v.TimeZone)
	v.MonoMs, v.Flags = c.MonoMs, append(v.Flags, c.Flags...)
	if a := assignmentOf(f, v); a != nil {
		v.Assignment, v.Round, v.Route, v.StopSeq = a.ID, a.State.Round, a.State.Route, a.State.StopSeq
		w := a.State.Window
		v.Planned = &w
	}
	if len(v.Agents) == 0 {
		v.Agents = []record.VisitAgent{{Agent: v.By, Role: "lead"}}
	}
	if v.Place == "" {
		v.Place = "home"
	}
	if home, ok := homeOf(&f.Case); ok && v.Place == "home" {
		measure(v.CheckIn, home)
		measure(v.CheckOut, home)
	}
}

// knockTime is how far apart visits to several cases of one debtor by the same
// agent may begin and still be one knock on the door (our own value).
const knockTime = time.Hour

// sameKnock are the contacts of the debtor's other cases that were made by the
// same knock on the door: several cases at one door are one stop. They are not
// held against this visit; later ones count them all, which errs on the debtor's side.
func sameKnock(f *File, v *record.Visit) []string {
	var out []string
	for _, x := range f.Contacts {
		c := &x.State
		if c.Visit != "" && c.Case != v.Case && c.By == v.By && c.At.Sub(v.At).Abs() < knockTime {
			out = append(out, x.ID)
		}
	}
	return out
}

// measure compares a fix with the planned place.
func measure(fix *record.Fix, home geo.Point) {
	if fix == nil {
		return
	}
	p, ok := fix.Point.Plain()
	if !ok {
		return
	}
	m := int64(p.DistanceTo(home))
	inside := m <= fenceMetres+int64(fix.AccuracyM)
	fix.DistanceM, fix.Inside = &m, &inside
}

// assignmentOf finds the assignment a visit was made for: the one it names, or
// else among those of the agent who made it, the one of its day, the open one
// before the others; nil when there is none.
func assignmentOf(f *File, v *record.Visit) *Filed[record.Assignment] {
	var best *Filed[record.Assignment]
	fit := func(a *record.Assignment) int {
		switch {
		case !slices.Contains(a.Agents, v.By):
			return 0
		case a.Date == v.On && a.Status == record.AssignmentOpen:
			return 3
		case a.Date == v.On:
			return 2
		case a.Status == record.AssignmentOpen:
			return 1
		}
		return 0
	}
	for i := range f.Assignments {
		a := &f.Assignments[i]
		if v.Assignment != "" {
			if a.ID == v.Assignment {
				return a
			}
			continue
		}
		if n := fit(&a.State); n > 0 && (best == nil || n > fit(&best.State)) {
			best = a
		}
	}
	return best
}

// flags are what a supervisor should see.
func (c RecordVisit) flags(f *File, v *record.Visit, judged verdict) []string {
	var out []string
	if !judged.Allowed() {
		out = append(out, "unlawful")
		if judged.Rule == ruleHold || len(f.Case.OpenHolds(v.On)) > 0 {
			out = append(out, "late_stop")
		}
	}
	switch a := assignmentOf(f, v); {
	case a == nil:
		out = append(out, "no_assignment")
	case a.State.DayOver() && v.On > a.State.Date:
		out = append(out, "late_stop") // the agent used the list of a day that was over
	case a.State.Status == record.AssignmentCancelled && a.State.DayOver():
		out = append(out, "after_day") // the day's work, come in after it
	case a.State.Status == record.AssignmentDone && v.Supersedes == "":
		out = append(out, "second_visit")
	case a.State.Status == record.AssignmentRevoked || a.State.Status == record.AssignmentCancelled:
		out = append(out, "after_revocation")
	}
	if v.CheckIn != nil && v.CheckIn.Inside != nil && !*v.CheckIn.Inside {
		out = append(out, "far_from_address")
	}
	if v.CheckIn != nil && v.CheckIn.Mock {
		out = append(out, "mock_location")
	}
	asked := v.AskedToLeave || !v.AskedAt.IsZero() || v.Outcome == "MET_ASKED_TO_LEAVE"
	if asked && v.LeftWhenAsked != nil && !*v.LeftWhenAsked {
		out = append(out, "stayed_when_asked")
	}
	if v.DisclosureMade && v.PersonMet != nil && v.PersonMet.Relationship != "debtor" {
		out = append(out, "disclosed_to_other")
	}
	return out
}

// opensHold tells whether a visit opens a hold, if there is none of its kind yet.
func opensHold(v *record.Visit) bool {
	return record.OutcomeOf(v.Outcome).Hold != "" || complains(v) || vulnerableAtDoor(v)
}

// vulnerableAtDoor tells whether a visit found signs for which a person is left alone until somebody has looked at
// them, whatever its outcome: an illness, a death in the family, violence at home, or that they are not themselves.
func vulnerableAtDoor(v *record.Visit) bool {
	return slices.ContainsFunc(v.Vulnerability.Plain(), func(x record.VulnerabilityFlag) bool {
		return slices.Contains([]string{"illness", "mental_health", "bereavement", "domestic_violence"}, x.Flag)
	})
}

// complains tells whether a visit opens a hold for a complaint besides that of its outcome.
func complains(v *record.Visit) bool {
	return v.Observations.Plain().ComplaintMade && record.OutcomeOf(v.Outcome).Hold != "complaint"
}

// complainsNow tells whether a visit reports a complaint that is not taken down yet, and by when it is to be answered.
func (t *turn) complainsNow(ctx context.Context, f *File, id string, v *record.Visit) (bool, conduct.AnswerTime,
	error) {
	if !complains(v) && record.OutcomeOf(v.Outcome).Hold != "complaint" {
		return false, conduct.AnswerTime{}, nil
	}
	ids := []string{complaintOf(id)}
	if v.Supersedes != "" {
		ids = append(ids, complaintOf(v.Supersedes))
	}
	for _, id := range ids {
		if _, there, err := t.r.Doc(ctx, "complaints", id); err != nil || there {
			return false, conduct.AnswerTime{}, err
		}
	}
	within, err := t.policy().AnswerTime(f.Case.Profiles)
	if err != nil {
		within = conduct.AnswerTime{} // a pack that the case names was removed
	}
	return true, within, nil
}

// decideVisitEffects drafts what follows from a visit.
func decideVisitEffects(f *File, d *draftBuilder, id string, v *record.Visit, contact string, counts *record.Contact,
	replaced *Filed[record.Contact]) {
	o := record.OutcomeOf(v.Outcome)
	if replaced != nil {
		replaced.State.Excluded = true
		d.putContact(f, replaced.ID, &replaced.State)
	}
	if counts != nil {
		d.putContact(f, contact, counts)
	}
	// A fact that is claimed for the future closes nothing: the stop stays with its agents.
	if v.Supersedes == "" && !slices.Contains(v.Flags, record.FlagInFuture) {
		closeAssignment(f, d, id, v)
	}
	if address := cmpOr(o.Address, v.AddressVerification); address != "" && address != f.Case.AddressVerification {
		f.Case.AddressVerification = address
		if address == "confirmed_on_site" || address == "confirmed_by_debtor" || address == "confirmed_by_document" {
			f.Case.AddressVerifiedOn = v.On
		}
		d.putCase(f)
	}
	source := "visit:" + id
	hold := func(kind string) {
		if _, added := addHold(f, d, record.Hold{Kind: kind, Since: v.On, Source: source}); added {
			revokeOpen(f, d, record.AssignmentRevoked, "hold")
		}
	}
	if o.Hold != "" {
		hold(o.Hold)
	}
	if complains(v) {
		hold("complaint")
	}
	if vulnerableAtDoor(v) && o.Hold != "vulnerable" {
		hold("vulnerable")
	}
	// What was agreed at the door is a fact. Whether a visit may then be planned is asked on the day.
	if a := v.Appointment; a != nil && a.To.After(d.At) && f.Case.Status == record.StatusOpen {
		_, _, _ = addAppointment(f, d, record.Appointment{From: a.From, To: a.To, Source: source})
	}
	if len(d.now().docs) == 0 && len(d.now().feeds) == 0 {
		d.parts = d.parts[:len(d.parts)-1]
	}
}

// closeAssignment marks the assignment of a visit done. It stays on the phones
// until its day is over; one whose day is over already was done all the same.
func closeAssignment(f *File, d *draftBuilder, id string, v *record.Visit) {
	a := assignmentOf(f, v)
	if a == nil || a.State.Status != record.AssignmentOpen && !(a.State.Status == record.AssignmentCancelled &&
		a.State.DayOver()) {
		return
	}
	if v.On != a.State.Date && slices.Contains(v.Flags, record.FlagBackdated) {
		return // a visit of another day, sent long after it, was not made for this stop
	}
	a.State.Status, a.State.ClosedBy = record.AssignmentDone, id
	a.State.AgentStatus = "visited"
	d.putAssignment(a.ID, &a.State)
}

// laterStop tells whether a stop is still to be made after an instant.
func laterStop(a *record.Assignment, at time.Time) bool {
	return a.Status == record.AssignmentOpen && a.ETA.After(at)
}

// laterOverlays lists the overlays by which laterStops judges.
func laterOverlays(f *File, at time.Time) []string {
	var out []string
	for i := range f.Assignments {
		if a := &f.Assignments[i].State; laterStop(a, at) {
			out = append(out, a.Overlays...)
		}
	}
	return out
}

// laterStops takes back stops of the case that this visit makes unlawful: those
// of tomorrow's round, say, published before today's visit was known.
func (c RecordVisit) laterStops(ctx context.Context, t *turn, f *File, d *draftBuilder, v *record.Visit) error {
	unlawful := map[string]string{}
	for i := range f.Assignments {
		a := &f.Assignments[i]
		if !laterStop(&a.State, v.At) {
			continue
		}
		judged, err := judgeVisit(t.policy(), &t.svc.zones, phaseDispatch, f, a.State.ETA, stopAct(&a.State))
		if err != nil {
			return fmt.Errorf("judge a later stop: %w", err)
		}
		if !judged.Allowed() {
			unlawful[a.ID] = judged.Reason
		}
	}
	if len(unlawful) == 0 {
		return nil
	}
	if err := t.fill(ctx, f, toRevoke); err != nil {
		return err
	}
	d.next("visit.later_stops")
	endShown(f, d, func(a *Filed[record.Assignment]) bool {
		reason := unlawful[a.ID]
		if reason == "" {
			return false
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "law:"+reason
		return true
	})
	return nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// nonNil is a list that is written as [] when it is empty.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
