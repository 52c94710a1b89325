package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// isBeside tells whether a line holds a record beside the visits.
func isBeside(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"type":`)) }

// besideLines checks the records beside the visits, which follow those, and the counts of the manifest.
type besideLines struct {
	counted Manifest
	seen    map[besideKey]bool
	numbers map[string]map[uint64]bool // by type
	// items are those of the quarantine that were accepted, by id, with the visit that was made of
	// them; admitted are the items that visits name.
	items, admitted map[string]string
	// lines are the visits on which confirmations bear, and confirmed what stands beside a visit; both by the visit.
	lines     map[string]Line
	confirmed map[string]*about
}

func newBesideLines() *besideLines {
	return &besideLines{seen: map[besideKey]bool{}, numbers: map[string]map[uint64]bool{},
		items: map[string]string{}, admitted: map[string]string{}, lines: map[string]Line{},
		confirmed: map[string]*about{}}
}

// visit notes which item of the quarantine a visit was made of, and its flags.
func (s *besideLines) visit(l Line) {
	if v, ok := flagsOf(l.Record); ok && record.SettledByAgents(v.Flags) || l.FlagsNow != nil {
		s.lines[l.ID] = l
	}
	var r struct {
		Admitted struct {
			Item string `json:"item"`
		} `json:"admitted"`
	}
	if json.Unmarshal(l.Record, &r) == nil && r.Admitted.Item != "" {
		s.admitted[l.ID] = r.Admitted.Item
	}
}

// line checks one line.
func (s *besideLines) line(raw []byte, m Manifest, size uint64, root tlog.Hash) error {
	var l BesideLine
	if err := json.Unmarshal(raw, &l); err != nil {
		return fmt.Errorf("not a record: %w", err)
	}
	e, err := journal.DecodeEntry(l.Entry)
	if err != nil {
		return errors.New("the entry cannot be read")
	}
	if e.N != l.EntryNo || e.Branch != m.Branch {
		return fmt.Errorf("the entry is number %d of branch %s, the line says %d of %s", e.N, e.Branch, l.EntryNo, m.Branch)
	}
	if l.Erased == l.ErasedAt.IsZero() || l.Erased && len(l.Reveals) > 0 {
		return errors.New("the line says that the debtor was erased, and reveals something, or does not say when")
	}
	state, no, err := docOf(l.Entry, l.Type, l.ID)
	if err != nil {
		return err
	}
	if no != l.No {
		return fmt.Errorf("the entry says that the record is number %d of its type, the line %d", no, l.No)
	}
	record, err := recordOf(state, l.Reveals)
	if err != nil {
		return err
	}
	if !bytes.Equal(record, l.Record) {
		return errors.New("the record is not what the entry holds")
	}
	if key := (besideKey{l.Type, l.ID}); s.seen[key] {
		return errors.New("the record stands in the file already")
	} else {
		s.seen[key] = true
	}
	s.counted.count(l.Type, no, record)
	if s.numbers[l.Type] == nil {
		s.numbers[l.Type] = map[uint64]bool{}
	}
	s.numbers[l.Type][no] = true
	var confirms struct {
		Visit string      `json:"visit"`
		By    auth.UserID `json:"by"`
	}
	if l.Type == ofConfirmations && json.Unmarshal(state, &confirms) == nil {
		if s.confirmed[confirms.Visit] == nil {
			s.confirmed[confirms.Visit] = &about{}
		}
		of := s.confirmed[confirms.Visit]
		of.confirmed = append(of.confirmed, Beside{By: confirms.By})
	}
	var item struct {
		Type     string `json:"of_type"`
		State    string `json:"state"`
		Recorded string `json:"recorded_as"`
	}
	if json.Unmarshal(record, &item) == nil && l.Type == ofQuarantine && item.State == "accepted" {
		s.items[l.ID] = ""
		if item.Type == journal.NumberedType {
			s.items[l.ID] = item.Recorded
		}
	}
	return included(l.Proof, size, root, e.N, journal.Leaf(l.Entry))
}

// noGap finds a record beside the visits whose number a complete export lacks.
func (s *besideLines) noGap(made journal.Counts) error {
	for _, typ := range journal.NumberedTypes[1:] {
		for no := uint64(1); no <= made.Of(typ); no++ {
			if !s.numbers[typ][no] {
				return &Broken{0, fmt.Sprintf("the signed tree holds %d %s, and number %d of them is missing from an export "+
					"that says it is complete", made.Of(typ), typ, no)}
			}
		}
	}
	return nil
}

// numberedAs compares what a complete export says that the branch numbered with what the checkpoint signs. A table of
// visits has no rows of it.
func numberedAs(m Manifest, made journal.Counts) error {
	if !m.Complete {
		return nil
	}
	for _, typ := range journal.NumberedTypes[1:] {
		if had, want := m.Numbered[typ], made.Of(typ); had != want {
			return &Broken{0, fmt.Sprintf("the manifest counts %d %s that the branch numbered, the signed tree holds %d", had,
				typ, want)}
		}
	}
	return nil
}

// whole compares the counts, and finds what a complete export has left out: the item that a visit
// was made of, and the visit that was made of an item.
func (s *besideLines) whole(m Manifest, made journal.Counts, visits map[string]bool) error {
	if !reflect.DeepEqual(s.counted.Beside, m.Beside) {
		return &Broken{0, fmt.Sprintf("the manifest counts %v beside the visits, the file holds %v", m.Beside,
			s.counted.Beside)}
	}
	if !m.Complete {
		return nil
	}
	for _, visit := range slices.Sorted(maps.Keys(s.lines)) {
		beside, l := s.confirmed[visit], s.lines[visit]
		if beside == nil {
			beside = &about{}
		}
		if !reflect.DeepEqual(beside.flagsNow(l.Record), l.FlagsNow) {
			return &Broken{0, fmt.Sprintf("the flags_now of the visit %s are not what its confirmations make of its flags",
				visit)}
		}
	}
	for _, visit := range slices.Sorted(maps.Keys(s.admitted)) {
		if item := s.admitted[visit]; s.items[item] != visit {
			return &Broken{0, fmt.Sprintf("the visit %s was accepted from the quarantine, and its item %s is missing "+
				"from an export that says it is complete", visit, item)}
		}
	}
	for _, item := range slices.Sorted(maps.Keys(s.items)) {
		if visit := s.items[item]; visit != "" && !visits[visit] {
			return &Broken{0, fmt.Sprintf("the item %s of the quarantine was accepted as the visit %s, which is missing "+
				"from an export that says it is complete", item, visit)}
		}
	}
	return s.noGap(made)
}
