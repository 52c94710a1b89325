package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// The kinds of records that an export shows beside the visits.
const (
	ofQuarantine    = "quarantine"
	ofParts         = "quarantine_parts"
	ofReviews       = "visit_reviews"
	ofConfirmations = "visit_confirmations"
)

// Beside is a record that an export shows beside the visits, as the views hold it: an item of the
// quarantine, which is something that a phone sent and that was not applied, a part of a large
// one, a supervisor's review of a visit, or a second agent's confirmation.
type Beside struct {
	Type, ID string
	Entry    uint64 // the entry that holds it
	// Of is what it belongs to: the visit of a review or confirmation, the item of a part; "" for an item.
	Of string
	// By, At and State say who reviewed or confirmed a visit, when, and with which verdict.
	By    auth.UserID
	At    time.Time
	State string
	// Erased is when the debtor was erased; zero if not erased.
	Erased time.Time
}

// BesideLine is one record of an export beside the visits. It has a type, which the line of a visit has not.
type BesideLine struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	// No is its number among the branch's records of its type, dense from 1 in a complete export; absent from parts, and
	// from what another branch numbered.
	No       uint64          `json:"no,omitempty"`
	Record   json.RawMessage `json:"record"`
	Reveals  []seal.Reveal   `json:"reveals,omitempty"`
	Erased   bool            `json:"erased,omitempty"`
	ErasedAt time.Time       `json:"erased_at,omitzero"`
	EntryNo  uint64          `json:"entry_no"`
	Entry    json.RawMessage `json:"entry"` // the journal's canonical bytes
	Proof    []string        `json:"proof"` // of inclusion in the checkpoint's tree, base64
}

type besideKey struct{ typ, id string }

// asOf gives the records as they stood in a tree of some size. now was listed after the tree's
// checkpoint was made and before was listed before it: what changed since stands there.
func asOf(before, now []Beside, size uint64) []Beside {
	was := make(map[besideKey]Beside, len(before))
	for _, b := range before {
		was[besideKey{b.Type, b.ID}] = b
	}
	var out []Beside
	for _, b := range now {
		if b.Entry > size {
			var there bool
			if b, there = was[besideKey{b.Type, b.ID}]; !there || b.Entry > size {
				continue // made after the checkpoint
			}
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Beside) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// about is what stands beside one visit.
type about struct {
	review    Beside // without a type: none
	confirmed []Beside
}

// aboutVisits gathers what stands beside each visit, by its id.
func aboutVisits(beside []Beside) map[string]about {
	out := map[string]about{}
	for _, b := range beside {
		a := out[b.Of]
		switch b.Type {
		case ofReviews:
			a.review = b
		case ofConfirmations:
			a.confirmed = append(a.confirmed, b)
		default:
			continue
		}
		out[b.Of] = a
	}
	return out
}

// csvAbout are the columns of what stands beside a visit.
var csvAbout = []string{"review", "reviewed_by", "reviewed_at", "confirmed_by", "confirmed_at", "unconfirmed_agents",
	"flags_now"}

// cells are those of csvAbout, beside a visit's record.
func (a *about) cells(state json.RawMessage) []string {
	out := make([]string, len(csvAbout))
	if a.review.Type != "" {
		out[0], out[1], out[2] = a.review.State, string(a.review.By), a.review.At.UTC().Format(time.RFC3339)
	}
	var by, at []string
	for _, c := range a.confirmed {
		by, at = append(by, string(c.By)), append(at, c.At.UTC().Format(time.RFC3339))
	}
	out[3], out[4] = strings.Join(by, ";"), strings.Join(at, ";")
	v, ok := flagsOf(state)
	if !ok {
		return out
	}
	var not []string
	for _, id := range v.Unconfirmed(a.users()) {
		not = append(not, string(id))
	}
	out[5], out[6] = strings.Join(not, ";"), strings.Join(v.FlagsNow(a.users()), ";")
	return out
}

// users are those who confirmed the visit.
func (a *about) users() []auth.UserID {
	out := make([]auth.UserID, len(a.confirmed))
	for i, c := range a.confirmed {
		out[i] = c.By
	}
	return out
}

// flagsNow are the flags of a visit's record that hold now, where they are not those that it was written with; nil
// where they are.
func (a *about) flagsNow(state json.RawMessage) *[]string {
	v, ok := flagsOf(state)
	if !ok {
		return nil
	}
	now := v.FlagsNow(a.users())
	if len(now) == len(v.Flags) {
		return nil
	}
	return &now
}

// flagsOf is a visit's record as far as its flags go.
func flagsOf(state json.RawMessage) (v record.Visit, ok bool) {
	var said struct {
		By     auth.UserID `json:"by"`
		Agents []struct {
			ID auth.UserID `json:"agent_id"`
		} `json:"agents"`
		Flags []string `json:"flags"`
	}
	ok = json.Unmarshal(state, &said) == nil
	v.By, v.Flags = said.By, said.Flags
	for _, x := range said.Agents {
		v.Agents = append(v.Agents, record.VisitAgent{Agent: x.ID})
	}
	return v, ok
}

// shows tells whether the export shows a record: what belongs to a visit goes with the visit, and
// the parts of a payload, which hold nothing else, with the personal data.
func (x *export) shows(b Beside, items map[string]bool) bool {
	switch b.Type {
	case ofParts:
		return x.query.Reveal && items[b.Of]
	case ofReviews, ofConfirmations:
		return !x.query.filtered() || x.shown[b.Of]
	}
	return true
}

// besides writes the records beside the visits, and counts them in the manifest.
func (x *export) besides(ctx context.Context, all []Beside, visits Visits) error {
	items := map[string]bool{}
	for _, b := range all {
		items[b.ID] = items[b.ID] || b.Type == ofQuarantine
	}
	for _, b := range all {
		if !x.shows(b, items) {
			continue
		}
		err := x.besideOne(ctx, b, visits)
		var damaged *journal.DamagedPage
		if errors.As(err, &damaged) || errors.Is(err, errUnreadable) {
			x.manifest.Missing = append(x.manifest.Missing, Missing{First: b.Entry, Last: b.Entry, Why: err.Error()})
			continue
		}
		if err != nil {
			return fmt.Errorf("export %s %s: %w", b.Type, b.ID, err)
		}
	}
	return nil
}

func (x *export) besideOne(ctx context.Context, b Beside, visits Visits) error {
	raw, err := x.tree.entry(ctx, b.Entry)
	if err != nil {
		return err
	}
	state, no, err := docOf(raw, b.Type, b.ID)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	l := BesideLine{Type: b.Type, ID: b.ID, No: no, EntryNo: b.Entry, Entry: raw}
	if x.query.Reveal && b.Erased.IsZero() {
		if l.Reveals, b.Erased, err = visits.Reveal(ctx, x.query.Branch, b, state); err != nil {
			return err
		}
	}
	l.Erased, l.ErasedAt = !b.Erased.IsZero(), b.Erased
	if l.Record, err = recordOf(state, l.Reveals); err != nil {
		return err
	}
	x.manifest.count(b.Type, no, l.Record)
	if x.format == CSV {
		return nil // a table of visits has no rows for others; the manifest counts them
	}
	proof, err := x.tree.include(ctx, b.Entry)
	if err != nil {
		return err
	}
	l.Proof = proof.Hashes
	line, err := encodeLine(l)
	if err != nil {
		return err
	}
	return x.line(line)
}

// count counts a record beside the visits, by its kind and state.
func (m *Manifest) count(typ string, no uint64, record json.RawMessage) {
	var r struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(record, &r) // one without a state counts under ""
	if m.Beside == nil {
		m.Beside = map[string]map[string]int{}
	}
	if m.Beside[typ] == nil {
		m.Beside[typ] = map[string]int{}
	}
	m.Beside[typ][r.State]++
	if no == 0 {
		return
	}
	if m.Numbered == nil {
		m.Numbered = map[string]uint64{}
	}
	m.Numbered[typ]++
}

// docOf returns a document's state and number from an entry.
func docOf(raw json.RawMessage, typ, id string) (state json.RawMessage, no uint64, err error) {
	e, err := journal.DecodeEntry(raw)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range e.Docs {
		if d.Type == typ && d.ID == id {
			return d.State, d.No, nil
		}
	}
	return nil, 0, errors.New("the entry does not hold this record")
}
