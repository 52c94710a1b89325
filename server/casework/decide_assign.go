package casework

import (
	"context"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// putAssignment adds an assignment's new state and tells its agents.
func (d *draftBuilder) putAssignment(id string, a *record.Assignment) {
	a.OnPhones = 0
	if a.Shown() {
		a.OnPhones = 1
	}
	d.put("assignments", id, a.Debtor, a)
	d.write(journal.CaseKey(a.Case))
	for _, agent := range a.Agents {
		d.tell(journal.AgentFeed(agent), "assignments", id)
	}
}

// IssueRoute issues the stops of one team's route to its agents' phones: an
// assignment each, the case cards, and one alert per device. The law is asked
// again for every stop; a stop it refuses is left out and named in the receipt.
//
// It is also how a round that is planned anew reaches the phones: a stop whose
// assignment is there is written again only if it has changed, and what was
// visited meanwhile, or another team is under way to, stays as it is.
type IssueRoute struct {
	Round, Route, Team string
	Date               string // local date
	Agents             []auth.UserID
	Items              []string
	Recording          bool
	Overlays           []string // the branch's conduct profiles, beside each case's own
	Stops              []IssuedStop
}

// IssuedStop is one stop of a route.
type IssuedStop struct {
	Case       journal.CaseID
	Assignment string // its id
	Seq        int
	ETA        time.Time
	Window     record.Window
	ServiceS   int
	// Appointment is the one the stop keeps; "" for none.
	Appointment string
	// Refuse is the code of why dispatch does not send anyone; "" if it does. The stop is refused for that reason.
	Refuse string
}

// IssueReceipt answers IssueRoute.
type IssueReceipt struct {
	Issued int `json:"issued"` // on the phones now: new, changed and unchanged
	// New and Changed are the assignments that were written.
	New     int `json:"new"`
	Changed int `json:"changed"`
	// Done are stops that were visited before they were issued anew.
	Done    int           `json:"done"`
	Refused []RefusedStop `json:"refused"`
}

// RefusedStop is a stop that could not be issued.
type RefusedStop struct {
	Case   journal.CaseID `json:"case"`
	Reason string         `json:"code"`
	// Rule and Cite name the rule and its sources, where a rule is the reason.
	Rule string   `json:"rule,omitempty"`
	Cite []string `json:"cite,omitempty"`
	// Missing are the codes of what is to be done before (ladder.Lacking), where that is the reason.
	Missing []string `json:"missing,omitempty"`
}

// stopsPerEntry keeps an entry well below its limit.
const stopsPerEntry = 25

func (c IssueRoute) refs() []journal.DocRef {
	var refs []journal.DocRef
	for _, s := range c.Stops {
		refs = append(refs, journal.DocRef{Type: "cases", ID: string(s.Case)}, journal.DocRef{Type: "assignments",
			ID: s.Assignment})
	}
	return refs
}

func (c IssueRoute) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	d := t.draft("route.issue")
	answer := IssueReceipt{Refused: []RefusedStop{}}
	if _, err := t.r.Docs(ctx, c.refs()...); err != nil {
		return nil, err
	}
	act := visitAct{agents: len(c.Agents), items: c.Items, recording: c.Recording, overlays: c.Overlays}
	var verdicts []verdict
	for i, st := range c.Stops {
		if i > 0 && i%stopsPerEntry == 0 {
			if err := d.judged(verdicts); err != nil {
				return nil, err
			}
			verdicts = nil
			d.next("route.issue")
		}
		if st.Refuse != "" {
			answer.Refused = append(answer.Refused, RefusedStop{Case: st.Case, Reason: st.Refuse})
			continue
		}
		f, err := t.file(ctx, st.Case, forConduct|toRevoke)
		if err != nil {
			if e, ok := refusal.Of(err); ok {
				answer.Refused = append(answer.Refused, RefusedStop{Case: st.Case, Reason: goneCode(e)})
				continue
			}
			return nil, err
		}
		if was := issuedAs(f, st.Assignment); was != nil && was.State.Status == record.AssignmentDone {
			answer.Done++
			continue
		}
		if why := outOfReach(f, c, st); why != "" {
			answer.Refused = append(answer.Refused, RefusedStop{Case: st.Case, Reason: why})
			continue
		}
		lacks, err := t.lacksNow(ctx, f, c.Date, st)
		if err != nil {
			return nil, err
		}
		if len(lacks) > 0 {
			answer.Refused = append(answer.Refused, RefusedStop{Case: st.Case, Reason: LadderNotFinished, Rule: RuleLadder,
				Cite: []string{"house"}, Missing: lacks})
			if issuedAs(f, st.Assignment) != nil {
				revokeOpen(f, d, record.AssignmentRevoked, "ladder")
			}
			continue
		}
		if err := t.loadGrounds(ctx, f, st.ETA, c.Overlays); err != nil {
			return nil, err
		}
		act.minutes = st.ServiceS / 60
		v, err := judgeVisit(t.policy(), &t.svc.zones, phaseDispatch, f, st.ETA, act)
		if err != nil {
			return nil, refuse(refusal.Refused, "conduct.invalid", "", "the visit cannot be judged: %s", err)
		}
		verdicts = append(verdicts, v)
		if !v.Allowed() {
			answer.Refused = append(answer.Refused, RefusedStop{Case: st.Case, Reason: v.Reason, Rule: v.Rule, Cite: v.Cite})
			if issuedAs(f, st.Assignment) != nil {
				revokeOpen(f, d, record.AssignmentRevoked, "conduct:"+v.Reason)
			}
			continue
		}
		kept := []verdict{v}
		answer.Issued++
		switch was := issuedAs(f, st.Assignment); {
		case was == nil:
			issueStop(f, d, c, st, kept, t.day(f))
			answer.New++
		case changeStop(f, d, was, c, st, kept):
			answer.Changed++
		}
	}
	if err := d.judged(verdicts); err != nil {
		return nil, err
	}
	d.reply = answer
	return d, nil
}

// issuedAs finds the assignment of an id; nil if it is not issued.
func issuedAs(f *File, id string) *Filed[record.Assignment] {
	for i := range f.Assignments {
		if f.Assignments[i].ID == id {
			return &f.Assignments[i]
		}
	}
	return nil
}

// etaSlack is how far the expected time of a stop may move without the phones being told (our own value).
const etaSlack = 5 * time.Minute

// changeStop writes an assignment again if its place in the day has changed, and tells its agents.
func changeStop(f *File, d *draftBuilder, was *Filed[record.Assignment], c IssueRoute, st IssuedStop,
	decisions []verdict) bool {
	a := &was.State
	gone := a.Agents
	same := a.StopSeq == st.Seq && a.ETA.Sub(st.ETA).Abs() < etaSlack && a.Window.From.Equal(st.Window.From) &&
		a.Window.To.Equal(st.Window.To) &&
		a.Appointment == st.Appointment && slices.Equal(a.Agents, c.Agents)
	if same {
		return false
	}
	a.StopSeq, a.ETA, a.Window, a.Appointment, a.ServiceS = st.Seq, st.ETA.UTC(), record.Window{From: st.Window.From.UTC(),
		To: st.Window.To.UTC()}, st.Appointment, st.ServiceS
	a.Agents, a.Decisions = slices.Clone(c.Agents), decisions
	d.putAssignment(was.ID, a)
	d.alertChange(a, gone)
	if slices.Equal(gone, a.Agents) {
		return true
	}
	before := f.Case.Agents
	f.Case.Agents = holders(f)
	d.putCase(f)
	for _, agent := range f.Case.Agents {
		if !slices.Contains(before, agent) {
			tellChildren(f, d, journal.AgentFeed(agent))
		}
	}
	for _, agent := range gone {
		if !slices.Contains(a.Agents, agent) {
			d.tell(journal.AgentFeed(agent), "assignments", was.ID)
		}
	}
	leave(f, d, before)
	return true
}

// judged notes the verdicts the current entry rests on.
func (d *draftBuilder) judged(vs []verdict) error {
	if len(vs) == 0 {
		return nil
	}
	text, err := verdictsJSON(vs...)
	d.now().verdicts = text
	return err
}

// issueStop makes the assignment and tells the agents of it, of the case and of
// all that belongs to it. today is the debtor's local date.
func issueStop(f *File, d *draftBuilder, c IssueRoute, st IssuedStop, decisions []verdict, today string) {
	for i := range f.Assignments {
		a := &f.Assignments[i]
		switch {
		case a.ID == st.Assignment || !a.State.Shown():
			continue
		case a.State.Date == c.Date: // replaced by this one
			if a.State.Status == record.AssignmentOpen {
				a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, "round:"+c.Round
				for _, agent := range a.State.Agents {
					if !slices.Contains(c.Agents, agent) {
						d.alert(record.AlertRevoked, &a.State, agent)
					}
				}
			}
			a.State.Retired = true
		case a.State.Date < today:
			a.State.Expire()
		default:
			// Tomorrow's round is published while today's agents are still out.
			continue
		}
		d.putAssignment(a.ID, &a.State)
	}
	state := record.Assignment{AssignmentFound: record.AssignmentFound{Case: f.Case.ID, Debtor: f.Case.Debtor,
		Branch: f.Case.Branch, Round: c.Round, Route: c.Route, Team: c.Team,
		Agents: slices.Clone(c.Agents), Date: c.Date, StopSeq: st.Seq, ETA: st.ETA.UTC(),
		Window:   record.Window{From: st.Window.From.UTC(), To: st.Window.To.UTC()},
		ServiceS: st.ServiceS, Appointment: st.Appointment, Items: c.Items, Recording: c.Recording, Overlays: c.Overlays,
		TimeZone:  f.Case.TimeZone,
		Territory: f.Case.Territory, Status: record.AssignmentOpen, IssuedAt: d.At, Decisions: decisions}}
	f.Assignments = append(f.Assignments, Filed[record.Assignment]{ID: st.Assignment, State: state})
	now := &f.Assignments[len(f.Assignments)-1].State
	d.putAssignment(st.Assignment, now)
	d.alert(record.AlertNew, now, now.Agents...)
	d.write(roundKey(c.Round))
	was := f.Case.Agents
	f.Case.Agents = holders(f)
	d.putCase(f)
	for _, agent := range f.Case.Agents {
		if !slices.Contains(was, agent) {
			tellChildren(f, d, journal.AgentFeed(agent))
		}
	}
	leave(f, d, was)
}

// holders are the agents who hold the case: those of its assignments on phones, sorted.
func holders(f *File) []auth.UserID {
	var out []auth.UserID
	for i := range f.Assignments {
		if f.Assignments[i].State.Shown() {
			out = append(out, f.Assignments[i].State.Agents...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// leave tells the agents who held the case before, and do no more, that it and all below it is gone. A file from the
// store has toRevoke loaded.
func leave(f *File, d *draftBuilder, was []auth.UserID) {
	for _, agent := range was {
		if slices.Contains(f.Case.Agents, agent) {
			continue
		}
		if f.loaded != 0 && f.loaded&toRevoke != toRevoke {
			panic("casework: what leaves the phones with a case was not loaded")
		}
		feed := journal.AgentFeed(agent)
		d.tell(feed, "cases", string(f.Case.ID))
		tellChildren(f, d, feed)
		for i := range f.Assignments {
			if slices.Contains(f.Assignments[i].State.Agents, agent) {
				d.tell(feed, "assignments", f.Assignments[i].ID)
			}
		}
	}
}

// tellChildren names everything below the case to a feed; what the phone gets is decided when it pulls.
func tellChildren(f *File, d *draftBuilder, feed journal.Feed) {
	tellAll(d, feed, "visits", f.Visits)
	tellAll(d, feed, "visit_notes", f.Notes)
	tellAll(d, feed, "consents", f.Consents)
	tellAll(d, feed, "plans", f.Plans)
	tellAll(d, feed, "signatures", f.Signatures)
	tellAll(d, feed, "payments_reported", f.Reported)
	tellAll(d, feed, "visit_confirmations", f.Confirmed)
	for i := range f.Drafts {
		if feed == journal.AgentFeed(f.Drafts[i].State.By) {
			d.tell(feed, "drafts", f.Drafts[i].ID)
		}
	}
	tellAll(d, feed, "attachments", f.Attached)
}

func tellAll[T any](d *draftBuilder, feed journal.Feed, typ string, docs []Filed[T]) {
	for i := range docs {
		d.tell(feed, typ, docs[i].ID)
	}
}

// RevokeAssignments takes the open assignments of a case back from the phones.
type RevokeAssignments struct {
	Case   journal.CaseID
	Round  string // only this round's; "" for every open one
	Reason string
	// SpareUnderWay leaves those whose team is on its way or at the door.
	SpareUnderWay bool
}

func (c RevokeAssignments) refs() []journal.DocRef { return caseRef(c.Case) }

func (c RevokeAssignments) decide(ctx context.Context, t *turn) (*draftBuilder, error) {
	f, err := t.file(ctx, c.Case, toRevoke)
	if err != nil {
		return nil, err
	}
	d := t.draft("assignment.revoke")
	return d.answering(f, endShown(f, d, func(a *Filed[record.Assignment]) bool {
		switch {
		case a.State.Status != record.AssignmentOpen,
			c.Round != "" && a.State.Round != c.Round,
			c.SpareUnderWay && underWay(a.State.AgentStatus):
			return false
		}
		a.State.Status, a.State.ClosedBy = record.AssignmentRevoked, c.Reason
		return true
	})), nil
}

// loadToRevoke loads what revokeOpen must name, if there is something to revoke.
func (t *turn) loadToRevoke(ctx context.Context, f *File, needed bool) error {
	t.r.Depend(journal.CaseKey(f.Case.ID))
	if !needed {
		return nil
	}
	return t.fill(ctx, f, toRevoke)
}

// revokeOpen takes the case's open assignments off the phones, with the case and
// all below it for agents who do not hold it otherwise.
func revokeOpen(f *File, d *draftBuilder, status, reason string) (any bool) {
	return endShown(f, d, func(a *Filed[record.Assignment]) bool {
		if a.State.Status != record.AssignmentOpen {
			return false
		}
		a.State.Status, a.State.ClosedBy = status, reason
		return true
	})
}

// endShown takes those assignments off the phones that end has ended, with the
// case and all below it for agents who do not hold it otherwise. The agents of those
// that were revoked, or are others now, are alerted: they may be on their way.
func endShown(f *File, d *draftBuilder, end func(*Filed[record.Assignment]) bool) (any bool) {
	was := f.Case.Agents
	for i := range f.Assignments {
		a := &f.Assignments[i]
		open, had := a.State.Status == record.AssignmentOpen, a.State.Agents
		if !a.State.Shown() || !end(a) {
			continue
		}
		any = true
		d.putAssignment(a.ID, &a.State)
		switch {
		case open && a.State.Status == record.AssignmentRevoked:
			d.alert(record.AlertRevoked, &a.State, had...)
		case open && a.State.Status == record.AssignmentOpen:
			d.alertChange(&a.State, had)
		}
	}
	if !any {
		return false
	}
	f.Case.Agents = holders(f)
	d.putCase(f)
	leave(f, d, was)
	return true
}
