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
}

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
	id := "corrected/" + doc.Type + "/" + doc.ID
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
	}
	return d.put(e.N, id, row)
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
