// One file because the rows of the view, its indexes and what makes them are read together.

package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
)

// deskView is the name of the view of what the office looks for, and the type of its documents.
const deskView = "desk"

// Desk is the view behind the office's lists: search by days late and last visit, lists of visits and
// assignments, the inbox, and corrections. It holds ids, dates and codes that the journal has in the
// clear, and nothing personal.
func Desk() journal.View {
	return journal.View{Name: deskView, Folds: true,
		Apply: func(ctx context.Context, run journal.Run) ([]journal.Record, error) {
			var entries []journal.Entry
			if err := run.Entries(func(e *journal.Entry) error {
				entries = append(entries, *e)
				return nil
			}); err != nil {
				return nil, err
			}
			d := deskRun{ctx: ctx, run: run, rows: map[string]journal.Record{}, met: map[string]uint64{}}
			if err := d.fetch(deskIDs(entries)...); err != nil {
				return nil, err
			}
			for i := range entries {
				if err := d.apply(&entries[i]); err != nil {
					return nil, fmt.Errorf("entry %d: %w", entries[i].N, err)
				}
			}
			out := make([]journal.Record, 0, len(d.rows))
			for id, rec := range d.rows {
				if rec.N > d.met[id] {
					out = append(out, rec)
				}
			}
			return out, nil
		}}
}

// The rows of the view, by the prefix of their ids. A member that is an index's is left out where the row
// does not belong there.
type (
	// deskCase is "case/<case>".
	deskCase struct {
		Case journal.CaseID `json:"case"`
		// Live is 1 unless the case has moved to another branch.
		Live int    `json:"live,omitempty"`
		Due  string `json:"due"` // the date since which it is late
		// Visited is when it was visited last, "" for never, and VisitedBy that visit. VisitedBefore is
		// the latest of the others, for when VisitedBy is corrected.
		Visited       string `json:"visited"`
		VisitedBy     string `json:"visited_by,omitempty"`
		VisitedBefore string `json:"visited_before,omitempty"`
		// Entry is the entry that wrote the case last.
		Entry uint64 `json:"entry"`
		deskText
		todo
	}
	// todo is what waits for a supervisor: its kind, and since when.
	todo struct {
		Todo  string `json:"todo,omitempty"`
		Since string `json:"since,omitempty"`
	}
	// deskVisit is "visit/<visit>". The members of the indexes are absent in a copy that came with a case
	// from another branch.
	deskVisit struct {
		Visit   string         `json:"visit"`
		Case    journal.CaseID `json:"case"`
		V       int            `json:"v,omitempty"`
		On      string         `json:"v_on"`
		Round   string         `json:"v_round,omitempty"`
		Team    string         `json:"v_team,omitempty"`
		Outcome string         `json:"v_outcome,omitempty"`
		Flagged int            `json:"v_flagged,omitempty"`
		Review  string         `json:"review,omitempty"`
		// Settle is what the flags that hold now are made of, where confirmations may change them; Confirmed are the users
		// who have confirmed the visit.
		Settle    *deskSettle   `json:"settle,omitempty"`
		Confirmed []auth.UserID `json:"confirmed,omitempty"`
		todo
	}
	// deskVisitBy is "visit/<visit>/by/<agent>".
	deskVisitBy struct {
		Agent auth.UserID `json:"v_agent"`
		On    string      `json:"v_on"`
		Visit string      `json:"visit"`
	}
	// deskStop is "stop/<assignment>".
	deskStop struct {
		Stop   string `json:"stop"`
		A      int    `json:"a,omitempty"`
		On     string `json:"a_on"`
		Round  string `json:"a_round,omitempty"`
		Team   string `json:"a_team,omitempty"`
		Status string `json:"a_status,omitempty"`
		// Lost is 1 for one that was taken back: Why is one of TakenBackFor.
		Lost    int           `json:"a_lost,omitempty"`
		Why     string        `json:"a_lost_for,omitempty"`
		TakenAt string        `json:"a_taken_at,omitempty"`
		Agents  []auth.UserID `json:"agents,omitempty"`
	}
	// deskStopBy is "stop/<assignment>/by/<agent>".
	deskStopBy struct {
		Agent auth.UserID `json:"a_agent"`
		On    string      `json:"a_on"`
		Stop  string      `json:"stop"`
		// Holder is Agent while phones show the stop.
		Holder auth.UserID `json:"holder,omitempty"`
	}
	// deskPlan is "plan/<plan>".
	deskPlan struct {
		Plan string         `json:"plan"`
		Case journal.CaseID `json:"case"`
		// Broken is 1 for a plan in force that breaks if nothing more is paid, on the local date BreaksOn.
		Broken   int    `json:"broken,omitempty"`
		BreaksOn string `json:"breaks_on,omitempty"`
	}
	// deskHeld is "held/<item>": an item of the quarantine that waits.
	deskHeld struct {
		Item string         `json:"item"`
		Case journal.CaseID `json:"case,omitempty"`
		todo
	}
)

// The indexes over the view.
var (
	deskByDue     = journal.Index{Type: deskView, Name: "due", Fields: []string{"live", "due"}}
	deskByVisited = journal.Index{Type: deskView, Name: "visited", Fields: []string{"live", "visited"}}
	deskTodo      = journal.Index{Type: deskView, Name: "todo", Fields: []string{"todo", "since"}}
	deskBroken    = journal.Index{Type: deskView, Name: "broken", Fields: []string{"broken", "breaks_on"}}

	deskVisits          = journal.Index{Type: deskView, Name: "visits", Fields: []string{"v", "v_on"}}
	deskVisitsByRound   = journal.Index{Type: deskView, Name: "visits_round", Fields: []string{"v_round", "v_on"}}
	deskVisitsByTeam    = journal.Index{Type: deskView, Name: "visits_team", Fields: []string{"v_team", "v_on"}}
	deskVisitsByAgent   = journal.Index{Type: deskView, Name: "visits_agent", Fields: []string{"v_agent", "v_on"}}
	deskVisitsByOutcome = journal.Index{Type: deskView, Name: "visits_outcome", Fields: []string{"v_outcome", "v_on"}}
	deskVisitsFlagged   = journal.Index{Type: deskView, Name: "visits_flagged", Fields: []string{"v_flagged", "v_on"}}

	deskStops         = journal.Index{Type: deskView, Name: "stops", Fields: []string{"a", "a_on"}}
	deskStopsByRound  = journal.Index{Type: deskView, Name: "stops_round", Fields: []string{"a_round", "a_on"}}
	deskStopsByTeam   = journal.Index{Type: deskView, Name: "stops_team", Fields: []string{"a_team", "a_on"}}
	deskStopsByAgent  = journal.Index{Type: deskView, Name: "stops_agent", Fields: []string{"a_agent", "a_on"}}
	deskStopsByStatus = journal.Index{Type: deskView, Name: "stops_status", Fields: []string{"a_status", "a_on"}}
	deskStopsHeld     = journal.Index{Type: deskView, Name: "stops_held", Fields: []string{"holder", "a_on"}}
)

// deskIndexes lists them.
func deskIndexes() []journal.Index {
	return []journal.Index{deskByDue, deskByVisited, deskTodo, deskBroken, deskVisits, deskVisitsByRound,
		deskVisitsByTeam, deskVisitsByAgent, deskVisitsByOutcome, deskVisitsFlagged, deskStops, deskStopsByRound,
		deskStopsByTeam, deskStopsByAgent, deskStopsByStatus, deskStopsHeld,
		deskLost, deskLostFor, deskCorrections, deskCorrectionsByCase}
}

// What waits for a supervisor, as the view has it.
const (
	todoVisit      = "flagged_visits"
	todoUnassigned = "unassigned"
	todoQuarantine = "quarantine"
	todoConflict   = "conflicts"
)

func caseRow(id journal.CaseID) string { return "case/" + string(id) }
func visitRow(id string) string        { return "visit/" + id }
func stopRow(id string) string         { return "stop/" + id }
func planRow(id string) string         { return "plan/" + id }
func heldRow(id string) string         { return "held/" + id }

// deskRun is the applying of one run of entries.
type deskRun struct {
	ctx  context.Context
	run  journal.Run
	rows map[string]journal.Record // as they stand now; an absent one has no Body
	met  map[string]uint64         // the entry that each row had met before the run
}

// deskIDs are the rows that entries have a part in, as far as their ids tell.
func deskIDs(entries []journal.Entry) []string {
	var ids []string
	for i := range entries {
		for k := range entries[i].Docs {
			doc := &entries[i].Docs[k]
			switch doc.Type {
			case "cases":
				ids = append(ids, caseRow(journal.CaseID(doc.ID)))
			case "ladders":
				ids = append(ids, caseRow(journal.CaseID(doc.ID)))
			case "visits", "visit_reviews":
				ids = append(ids, visitRow(doc.ID))
			case "assignments":
				ids = append(ids, stopRow(doc.ID))
			case "plans":
				ids = append(ids, planRow(doc.ID))
			case "quarantine":
				ids = append(ids, heldRow(doc.ID))
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fetch reads those of the rows that were not read yet.
func (d *deskRun) fetch(ids ...string) error {
	ids = slices.DeleteFunc(ids, func(id string) bool { _, known := d.rows[id]; return known })
	for part := range slices.Chunk(ids, 400) {
		recs, err := d.run.Docs(d.ctx, part...)
		if err != nil {
			return err
		}
		for i, rec := range recs {
			d.rows[part[i]], d.met[part[i]] = rec, rec.N
		}
	}
	return nil
}

// read reads a row; there is false for one that does not exist or was taken away.
func (d *deskRun) read(id string, into any) (there bool, err error) {
	if err := d.fetch(id); err != nil {
		return false, err
	}
	body := d.rows[id].Body
	if body == nil {
		return false, nil
	}
	return true, json.Unmarshal(body, into)
}

// put writes a row that entry n makes; nil takes it away. What the row has met already is passed over.
func (d *deskRun) put(n uint64, id string, state any) error {
	if err := d.fetch(id); err != nil {
		return err
	}
	if n <= d.met[id] || state == nil && d.rows[id].Body == nil {
		return nil
	}
	rec := journal.Record{ID: id, N: n, Rev: n, Deleted: state == nil}
	if state != nil {
		var err error
		if rec.Body, err = json.Marshal(state); err != nil {
			return err
		}
	}
	d.rows[id] = rec
	return nil
}

// apply notes what an entry changes: its cases first, since other rows build on theirs.
func (d *deskRun) apply(e *journal.Entry) error {
	for _, cases := range []bool{true, false} {
		for i := range e.Docs {
			doc := &e.Docs[i]
			if (doc.Type == "cases") != cases {
				continue
			}
			if err := d.doc(e, doc); err != nil {
				return fmt.Errorf("%s/%s: %w", doc.Type, doc.ID, err)
			}
		}
	}
	return nil
}

func (d *deskRun) doc(e *journal.Entry, doc *journal.Doc) error {
	kind, known := record.KindOf(doc.Type)
	if !known || doc.Deleted {
		return nil
	}
	state := kind.New()
	if err := json.Unmarshal(doc.State, state); err != nil {
		return err
	}
	if err := d.corrected(e, doc, state); err != nil {
		return err
	}
	if err := d.evidence(e.N, doc, state); err != nil {
		return err
	}
	switch v := state.(type) {
	case *record.StoredAttachment:
		return d.attached(e.N, v)
	case *record.Case:
		return d.kase(e, v)
	case *record.Visit:
		return d.visit(e.N, doc.ID, v)
	case *record.VisitReview:
		return d.review(e.N, doc.ID, v)
	case *record.Confirmation:
		return d.confirmed(e.N, v)
	case *record.CorrectionReview:
		return d.reviewed(e.N, v.Type, v.Record, v.State)
	case *record.Assignment:
		return d.stop(e, doc.ID, v)
	case *record.Plan:
		return d.plan(e.N, doc.ID, v)
	case *record.Ladder:
		return d.ladder(e.N, v)
	case *record.Quarantined:
		return d.held(e.N, doc.ID, v)
	}
	return nil
}

// kase notes a case's new state.
func (d *deskRun) kase(e *journal.Entry, k *record.Case) error {
	var row deskCase
	if _, err := d.read(caseRow(k.ID), &row); err != nil {
		return err
	}
	row.Case, row.Due, row.Entry, row.Live, row.todo = k.ID, k.DueDate, e.N, 1, todo{}
	switch {
	case k.HasMoved():
		row.Live = 0
	case k.Status == record.StatusOpen && k.Territory == "" && k.Team == "":
		row.todo = todo{todoUnassigned, second(k.OpenedAt)}
	}
	row.textsOf(k, e.Received)
	return d.put(e.N, caseRow(k.ID), row)
}

// second is an instant as the view has it: such texts are in the order of time.
func second(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func (d *deskRun) visit(n uint64, id string, v *record.Visit) error {
	var was deskVisit
	if _, err := d.read(visitRow(id), &was); err != nil {
		return err
	}
	row := deskVisit{Visit: id, Case: v.Case, On: v.On, Review: was.Review, Confirmed: was.Confirmed, Settle: settleOf(v)}
	flagged := len(v.FlagsNow(row.Confirmed)) > 0
	if flagged && row.Review == "" {
		row.todo = todo{todoVisit, second(v.ReceivedAt)}
	}
	if v.Origin == nil {
		if flagged {
			row.Flagged = 1
		}
		row.V, row.Round, row.Outcome = 1, v.Round, v.Outcome
		var stop deskStop
		if v.Assignment != "" {
			if _, err := d.read(stopRow(v.Assignment), &stop); err != nil {
				return err
			}
		}
		row.Team = stop.Team
		for _, agent := range visitors(v) {
			if err := d.put(n, visitRow(id)+"/by/"+string(agent), deskVisitBy{agent, v.On, id}); err != nil {
				return err
			}
		}
	}
	if err := d.put(n, visitRow(id), row); err != nil {
		return err
	}
	var k deskCase
	if there, err := d.read(caseRow(v.Case), &k); err != nil || !there {
		return err
	}
	k.visit(id, second(v.At), v.Supersedes)
	return d.put(n, caseRow(v.Case), k)
}

// visitors are the users of a visit: who recorded it, and the agents whom it names.
func visitors(v *record.Visit) []auth.UserID {
	out := []auth.UserID{v.By}
	for _, a := range v.Agents {
		out = append(out, a.Agent)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(u auth.UserID) bool { return u == "" || strings.Contains(string(u), "/") })
}

// visit notes a visit at an instant, which may correct the last one.
func (k *deskCase) visit(id, at, corrects string) {
	switch {
	case id == k.VisitedBy:
	case corrects != "" && corrects == k.VisitedBy && at < k.VisitedBefore:
		k.Visited, k.VisitedBy = k.VisitedBefore, ""
	case corrects != "" && corrects == k.VisitedBy:
		k.Visited, k.VisitedBy = at, id
	case at > k.Visited:
		k.Visited, k.VisitedBy, k.VisitedBefore = at, id, k.Visited
	case at > k.VisitedBefore:
		k.VisitedBefore = at
	}
}

func (d *deskRun) review(n uint64, visit string, r *record.VisitReview) error {
	var row deskVisit
	if there, err := d.read(visitRow(visit), &row); err != nil || !there {
		return err
	}
	row.Review, row.todo = r.State, todo{}
	if err := d.put(n, visitRow(visit), row); err != nil {
		return err
	}
	return d.reviewed(n, "visits", visit, r.State)
}

func (d *deskRun) stop(e *journal.Entry, id string, a *record.Assignment) error {
	n := e.N
	var was deskStop
	if _, err := d.read(stopRow(id), &was); err != nil {
		return err
	}
	row := deskStop{Stop: id, On: a.Date, Team: a.Team, Agents: a.Agents}
	if a.Origin != nil {
		row = deskStop{Stop: id, On: a.Date}
	} else {
		row.A, row.Round, row.Status = 1, a.Round, a.Status
	}
	row.take(&was, a, e.Received)
	for _, agent := range row.Agents {
		by := deskStopBy{Agent: agent, On: a.Date, Stop: id}
		if a.Shown() {
			by.Holder = agent
		}
		if err := d.put(n, stopRow(id)+"/by/"+string(agent), by); err != nil {
			return err
		}
	}
	for _, agent := range was.Agents {
		if slices.Contains(row.Agents, agent) {
			continue
		}
		if err := d.put(n, stopRow(id)+"/by/"+string(agent), nil); err != nil {
			return err
		}
	}
	return d.put(n, stopRow(id), row)
}

func (d *deskRun) plan(n uint64, id string, p *record.Plan) error {
	row := deskPlan{Plan: id, Case: p.Case}
	if p.Live() && p.Standing != nil && p.Standing.BreaksOn != "" {
		row.Broken, row.BreaksOn = 1, p.Standing.BreaksOn
	}
	return d.put(n, planRow(id), row)
}

func (d *deskRun) held(n uint64, id string, q *record.Quarantined) error {
	if q.State != "open" {
		return d.put(n, heldRow(id), nil)
	}
	what := todoQuarantine
	if q.Outcome == offline.Conflict {
		what = todoConflict
	}
	return d.put(n, heldRow(id), deskHeld{id, q.Case, todo{what, second(q.At)}})
}
