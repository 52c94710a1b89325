package casework

import (
	"strconv"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// deskCorrection is "corrected/<type>/<record>", of a case with its entry behind, of the view of the desk: a record
// that was corrected. What was and what is stand sealed in the journal, and are read there.
type deskCorrection struct {
	Corrected int `json:"corrected"`
	// CorrectedIn is the case, for the index.
	CorrectedIn journal.CaseID `json:"corrected_in"`
	At          string         `json:"at"`
	Type        string         `json:"type"`
	Record      string         `json:"record"`
	// Supersedes is the record that this one takes the place of. "" in a case, which keeps its id, and in what the
	// office corrected when it accepted it.
	Supersedes string      `json:"supersedes,omitempty"`
	By         auth.UserID `json:"by"`
	Entry      uint64      `json:"entry"`
	// Before is the entry with the state of the case before.
	Before   uint64 `json:"before,omitempty"`
	Accepted bool   `json:"accepted,omitempty"` // by the office, with other members than those sent
	// Review is what a supervisor made of it. It waits for that as todoCorrection, unless it is of a case, which has no
	// review, or a visit with flags, which waits for one already.
	Review string `json:"review,omitempty"`
	todo
}

// todoCorrection is what waits in the inbox as a correction.
const todoCorrection = "corrections"

func correctionRow(kind, id string) string { return "corrected/" + kind + "/" + id }

var (
	deskCorrections       = journal.Index{Type: deskView, Name: "corrections", Fields: []string{"corrected", "at"}}
	deskCorrectionsByCase = journal.Index{Type: deskView, Name: "corrections_case",
		Fields: []string{"corrected_in", "at"}}
)

// actionCorrect is the action of the entries of Correct.
const actionCorrect = "case.correct"

// corrected notes what an entry corrects. It runs before the row of the case is written.
func (d *deskRun) corrected(e *journal.Entry, doc *journal.Doc, state any) error {
	row := deskCorrection{Corrected: 1, Type: doc.Type, Record: doc.ID, By: e.Actor, Entry: e.N,
		At: second(e.Received)}
	id := correctionRow(doc.Type, doc.ID)
	switch k, is := state.(*record.Case); {
	case is && e.Action == actionCorrect:
		var was deskCase
		if there, err := d.read(caseRow(k.ID), &was); err != nil || !there {
			return err
		}
		row.CorrectedIn, row.Before = k.ID, was.Entry
		id += "/" + strconv.FormatUint(e.N, 10)
	case is || doc.Copy:
		return nil
	default:
		c := correctionOf(state)
		if c.supersedes == "" && len(c.corrected) == 0 || c.moved {
			return nil
		}
		row.CorrectedIn, row.Supersedes, row.Accepted = c.of, c.supersedes, len(c.corrected) > 0
		if !c.received.IsZero() {
			row.By, row.At = c.by, second(c.received)
		}
		var was deskCorrection
		if _, err := d.read(id, &was); err != nil {
			return err
		}
		row.Review = was.Review
		if v, is := state.(*record.Visit); row.Review == "" && (!is || len(v.Flags) == 0) {
			row.todo = todo{todoCorrection, row.At}
		}
	}
	return d.put(e.N, id, row)
}

// reviewed notes what a supervisor made of a correction; of a visit that corrects none it notes nothing.
func (d *deskRun) reviewed(n uint64, kind, id, state string) error {
	var row deskCorrection
	if there, err := d.read(correctionRow(kind, id), &row); err != nil || !there {
		return err
	}
	row.Review, row.todo = state, todo{}
	return d.put(n, correctionRow(kind, id), row)
}

// correction is a correction that another supervisor than the one who made it has to look at.
func (d *desk) correction(row journal.Record) (*InboxItem, error) {
	var of deskCorrection
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	k, err := d.kase(of.CorrectedIn)
	if err != nil || k == nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, of.At)
	return &InboxItem{ID: of.Record, Type: of.Type, Case: k.ID, Who: of.By, Since: at, Team: k.Team}, err
}

// correction is what a record says of what it corrects.
type correction struct {
	of         journal.CaseID
	supersedes string
	corrected  []string // the members that the office corrected
	by         auth.UserID
	received   time.Time
	moved      bool // it came with a case from another branch
}

// correctionOf reads it from a record that phones write; zero of any other.
func correctionOf(state any) correction {
	taken := record.TakenOf(state)
	if taken == nil {
		return correction{}
	}
	c := correction{by: taken.By, received: taken.ReceivedAt, moved: taken.Origin != nil}
	switch v := state.(type) {
	case *record.Visit:
		c.of, c.supersedes = v.Case, v.Supersedes
	case *record.Plan:
		c.of = v.Case
	case interface {
		CaseOf() journal.CaseID
		Corrects() string
	}:
		c.of, c.supersedes = v.CaseOf(), v.Corrects()
	}
	if a := taken.Admitted; a != nil && len(a.Corrected) > 0 {
		c.corrected, c.by, c.received = a.Corrected, a.By, a.At
	}
	return c
}
