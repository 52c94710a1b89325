package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// todoEvidence is evidence that a record names and whose bytes have not come.
const todoEvidence = "evidence_pending"

// evidencePatience is how long a phone may take to upload what a record names before a supervisor is told.
const evidencePatience = 3 * 24 * time.Hour

// deskEvidence is "evidence/<case>/<key>": a piece of evidence of a case, by its SHA-256 or else its id. One that
// several records of the case name is one.
type deskEvidence struct {
	Case   journal.CaseID `json:"case"`
	Of     string         `json:"of"` // the kind of the record that named it first
	Record string         `json:"record"`
	Kind   string         `json:"kind"`
	Stored bool           `json:"stored,omitempty"`
	todo
}

func evidenceRow(of journal.CaseID, key string) string { return "evidence/" + string(of) + "/" + key }

// evidence notes what a record names.
func (d *deskRun) evidence(n uint64, doc *journal.Doc, state any) error {
	taken := record.TakenOf(state)
	if taken == nil {
		return nil
	}
	named, of := record.EvidenceOf(state), caseOfState(state)
	ids := make([]string, len(named))
	for i, e := range named {
		ids[i] = evidenceRow(of, e.Key())
	}
	if err := d.fetch(ids...); err != nil {
		return err
	}
	for i, e := range named {
		id := ids[i]
		var was deskEvidence
		if there, err := d.read(id, &was); err != nil || there {
			if err != nil {
				return err
			}
			continue
		}
		row := deskEvidence{Case: of, Of: doc.Type, Record: doc.ID, Kind: e.Kind,
			todo: todo{todoEvidence, second(taken.ReceivedAt)}}
		if err := d.put(n, id, row); err != nil {
			return err
		}
	}
	return nil
}

// caseOfState is the case of a record that names evidence.
func caseOfState(state any) journal.CaseID {
	switch v := state.(type) {
	case *record.Visit:
		return v.Case
	case evidence:
		return v.CaseOf()
	}
	return ""
}

// attached notes that the bytes of a piece of evidence are stored.
func (d *deskRun) attached(n uint64, a *record.StoredAttachment) error {
	for _, key := range []string{strings.ToLower(a.SHA256), a.Attachment} {
		id := evidenceRow(a.Case, key)
		var row deskEvidence
		if _, err := d.read(id, &row); err != nil {
			return err
		}
		row.Case, row.Stored, row.todo = a.Case, true, todo{}
		if err := d.put(n, id, row); err != nil {
			return err
		}
	}
	return nil
}

// evidencePending is evidence that a record named some days ago and whose bytes have not come. Who is the agent whose
// phone has them, and Codes say what it is.
func (d *desk) evidencePending(row journal.Record) (*InboxItem, error) {
	var of deskEvidence
	if err := decode(row, &of); err != nil {
		return nil, err
	}
	k, err := d.kase(of.Case)
	if err != nil || k == nil {
		return nil, err
	}
	rec := d.docs[journal.DocRef{Type: of.Of, ID: of.Record}]
	if rec.Body == nil {
		return nil, nil
	}
	var t record.Taken
	if err := decode(rec, &t); err != nil {
		return nil, err
	}
	return &InboxItem{ID: of.Record, Case: k.ID, Who: t.By, Device: t.Device, Since: t.ReceivedAt,
		Codes: []string{of.Kind}, Team: k.Team}, nil
}

// EvidenceState says of a piece of evidence that a record names whether its bytes are stored.
type EvidenceState struct {
	Kind string `json:"kind" is:"attachment_kinds"`
	// ID and SHA256 are as the record says them.
	ID     string `json:"id,omitempty" is:"id"`
	SHA256 string `json:"sha256,omitempty" is:"id"`
	State  string `json:"state" is:"evidence_states"` // pending until the bytes are stored
	// Attachment is the id of what is stored, among the attachments of the case; "" while it is pending.
	Attachment string `json:"attachment,omitempty" is:"server"`
}

// pendingOf counts the evidence that a visit names and whose bytes are not stored, by the rows of the view.
func (s *Service) pendingOf(ctx context.Context, branch auth.BranchID, v *record.Visit) (int, error) {
	named := record.EvidenceOf(v)
	if len(named) == 0 {
		return 0, nil
	}
	refs := make([]journal.DocRef, len(named))
	for i, n := range named {
		refs[i] = journal.DocRef{Type: deskView, ID: evidenceRow(v.Case, n.Key())}
	}
	rows, err := s.store.Records(ctx, branch, refs)
	if err != nil {
		return 0, fmt.Errorf("read the evidence of a visit: %w", err)
	}
	pending := 0
	for _, row := range rows {
		var of deskEvidence
		if row.Body != nil {
			if err := decode(row, &of); err != nil {
				return 0, err
			}
		}
		if !of.Stored {
			pending++
		}
	}
	return pending, nil
}

// storedOf reads which evidence of a case is stored. The sealed parts stay closed.
func (s *Service) storedOf(ctx context.Context, branch auth.BranchID,
	of journal.CaseID) ([]Filed[record.StoredAttachment], error) {
	recs, err := stored{s, branch}.Some(ctx, AttachmentsByCase, journal.Range{}, string(of))
	if err != nil {
		return nil, err
	}
	return decodeAll[record.StoredAttachment](recs)
}

// evidenceOf says how each piece of evidence that a record names stands; nil for a record that names none.
func evidenceOf(rec journal.Record, attached []Filed[record.StoredAttachment]) ([]EvidenceState, error) {
	kind, known := record.KindOf(rec.Type)
	if !known {
		return nil, nil
	}
	state := kind.New()
	if err := decode(rec, state); err != nil {
		return nil, err
	}
	var out []EvidenceState
	for _, n := range record.EvidenceOf(state) {
		e := EvidenceState{Kind: n.Kind, ID: n.ID, SHA256: n.SHA256, State: record.EvidencePending}
		for i := range attached {
			if a := &attached[i].State; n.Is(a.Attachment, a.SHA256) {
				e.State, e.Attachment = record.EvidenceStored, attached[i].ID
				break
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// withEvidence adds to a record how its evidence stands; a record that names none stays as it is.
func withEvidence(rec journal.Record, attached []Filed[record.StoredAttachment],
	item json.RawMessage) (json.RawMessage, error) {
	named, err := evidenceOf(rec, attached)
	if err != nil || len(named) == 0 {
		return item, err
	}
	return withMembers(item, "evidence", named), nil
}
