package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/server/audit"
	"doorstep/sync/journal"
)

// withBeside is a fixture of three visits with all that may stand beside them.
func withBeside(t *testing.T) *fixture {
	t.Helper()
	h := newFixture(t)
	h.record(t, 1, 3, 0)
	h.put(t, "quarantine", "q1", &beside{Debtor: "d1", Type: "visits", State: "open"}, "the door was red")
	h.put(t, "quarantine", "q2", &beside{Debtor: "d2", Type: "visits", State: "open"}, "")
	h.put(t, "quarantine", "q2", &beside{Debtor: "d2", Type: "visits", State: "dismissed", By: "boss"}, "a mistake")
	h.put(t, "quarantine_parts", "q2.0", &beside{Debtor: "d2", Item: "q2"}, "a long story")
	h.put(t, "visit_reviews", visitID(1), &beside{Debtor: "d1", Visit: visitID(1), State: "questioned", By: "boss"}, "why")
	h.put(t, "visit_confirmations", "k1", &beside{Debtor: "d1", Visit: visitID(1), By: "rui"}, "")
	h.put(t, "visit_confirmations", "k2", &beside{Debtor: "d3", Visit: visitID(3), By: "eva"}, "")
	return h
}

// What phones sent and was refused, and what supervisors made of it and of visits, is counted and
// listed with its proof; personal data are a regulator's.
func TestAnExportListsWhatStandsBesideTheVisits(t *testing.T) {
	h := withBeside(t)
	for _, c := range []struct {
		format audit.Format
		query  audit.Query
		beside string
		lines  int
	}{
		{audit.NDJSON, audit.Query{}, `{"quarantine":{"dismissed":1,"open":1},"visit_confirmations":{"":2},` +
			`"visit_reviews":{"questioned":1}}`, 8},
		{audit.NDJSON, audit.Query{Reveal: true}, `{"quarantine":{"dismissed":1,"open":1},"quarantine_parts":{"":1},` +
			`"visit_confirmations":{"":2},"visit_reviews":{"questioned":1}}`, 9},
		// v0001 is of the south; the fixture selects no items.
		{audit.NDJSON, audit.Query{Lender: "north"}, `{"quarantine":{"dismissed":1,"open":1}}`, 3},
		{audit.CSV, audit.Query{}, `{"quarantine":{"dismissed":1,"open":1},"visit_confirmations":{"":2},` +
			`"visit_reviews":{"questioned":1}}`, 4},
	} {
		what := fmt.Sprintf("%s %+v", c.format, c.query)
		file, m := h.export(t, c.format, c.query)
		counts, err := json.Marshal(m.Beside)
		check(t, err)
		if string(counts) != c.beside || len(m.Lines) != c.lines {
			t.Errorf("%s: %d lines, counted %s, want %d and %s", what, len(m.Lines), counts, c.lines, c.beside)
		}
		if r, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey()); err != nil || len(r.Manifest.Beside) == 0 {
			t.Errorf("%s: %v", what, err)
		}
		for _, secret := range []string{"the door was red", "a mistake", "a long story", "why"} {
			if bytes.Contains(file, []byte(`"`+secret+`"`)) != (c.query.Reveal && c.format == audit.NDJSON) {
				t.Errorf("%s: it shows %q: %t", what, secret, !c.query.Reveal)
			}
		}
		reviewed := []byte("questioned,boss,2026-11-25T09:30:00Z,rui,2026-11-25T09:30:00Z")
		if c.format == audit.CSV && !bytes.Contains(file, reviewed) {
			t.Errorf("the table does not say who reviewed and confirmed: %s", file)
		}
	}
}

// An export says which flags of a visit hold once its second agent has confirmed it, beside those that it was written
// with. A server that says other flags than the confirmations make is found out.
func TestAnExportSaysWhichFlagsHoldNow(t *testing.T) {
	h := newFixture(t)
	h.flagged = map[int][]string{1: {"agent_unconfirmed", "late_stop"}, 2: {"agent_unconfirmed"}, 3: {"agent_unconfirmed"}}
	h.record(t, 1, 3, 0)
	for i := range 2 {
		h.put(t, "visit_confirmations", fmt.Sprint("k", i), &beside{Debtor: "d1", Visit: visitID(i + 1), By: "rui"}, "")
	}
	file, _ := h.export(t, audit.CSV, audit.Query{})
	table := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	table.FieldsPerRecord = -1 // the manifest has two
	rows, err := table.ReadAll()
	check(t, err)
	now, written := slices.Index(rows[0], "flags_now"), slices.Index(rows[0], "flags")
	for i, want := range []string{"agent_unconfirmed;late_stop late_stop", "agent_unconfirmed ",
		"agent_unconfirmed agent_unconfirmed"} {
		if got := rows[i+1][written] + " " + rows[i+1][now]; got != want {
			t.Errorf("visit %d: flags %s, want %s", i+1, got, want)
		}
	}
	file, _ = h.export(t, audit.NDJSON, audit.Query{})
	for i, want := range []string{`"flags_now":["late_stop"]`, `"flags_now":[]`, ""} {
		line := linesOf(file)[i]
		if has := bytes.Contains(line, []byte("flags_now")); has != (want != "") || !bytes.Contains(line, []byte(want)) {
			t.Errorf("visit %d: %s", i+1, line)
		}
	}
	if _, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey()); err != nil {
		t.Error(err)
	}
	var b bytes.Buffer
	_, err = h.log.Export(t.Context(), &b, audit.NDJSON, audit.Query{Branch: branch}, byAnother{h})
	check(t, err)
	broken(t, "who confirmed is another", b.Bytes(), h.log.PublicKey(), 0, "the flags_now of the visit v0001")
}

// byAnother says of every confirmation that another agent made it.
type byAnother struct{ *fixture }

func (h byAnother) Beside(ctx context.Context, q audit.Query) ([]audit.Beside, error) {
	all, err := h.fixture.Beside(ctx, q)
	for i := range all {
		all[i].By = "eva"
	}
	return all, err
}

// A line beside the visits that is altered, dropped, repeated or of another state does not verify.
func TestAlteredLinesBesideTheVisitsAreFound(t *testing.T) {
	h := withBeside(t)
	file, _ := h.export(t, audit.NDJSON, audit.Query{Reveal: true})
	lines := linesOf(file)
	key := h.log.PublicKey()
	for i := 3; i < len(lines)-1; i++ {
		without := append(append([][]byte{}, lines[:i]...), lines[i+1:]...)
		broken(t, fmt.Sprint("without line ", i+1), fileOf(without...), key, i+1, "dropped")
		twice := append(append([][]byte{}, lines[:i]...), lines[i:]...)
		twice = append(twice[:i:i], append([][]byte{lines[i]}, twice[i:]...)...)
		broken(t, fmt.Sprint("line twice ", i+1), fileOf(twice...), key, i+2, "repeated")
		for _, word := range []string{"dismissed", "open", "questioned", "rui", "eva", "the door was red", "a long story"} {
			if bad := bytes.Replace(lines[i], []byte(word), []byte("mended"), 1); !bytes.Equal(bad, lines[i]) {
				altered := append(append([][]byte{}, lines[:i]...), append([][]byte{bad}, lines[i+1:]...)...)
				broken(t, "altered "+word, fileOf(altered...), key, i+1, "altered")
			}
		}
	}
}

// A server that signs a complete export without the item that a visit was made of, or the visit
// that an item became, is found out.
func TestOmissionsBesideTheVisitsAreFound(t *testing.T) {
	h := newFixture(t)
	h.put(t, "quarantine", "q1", &beside{Debtor: "d1", Type: "visits", State: "open"}, "x")
	h.admitted = map[int]string{2: "q1"}
	h.record(t, 1, 2, 0)
	_, whole := h.export(t, audit.NDJSON, audit.Query{})
	if !whole.Complete {
		t.Fatal("the export is not complete")
	}
	file, _ := h.export(t, audit.NDJSON, audit.Query{})
	broken(t, "the item is open", file, h.log.PublicKey(), 0, "its item q1 is missing")
	h.put(t, "quarantine", "q1", &beside{Debtor: "d1", Type: "visits", State: "accepted", Recorded: visitID(2)}, "x")
	file, _ = h.export(t, audit.NDJSON, audit.Query{})
	if _, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey()); err != nil {
		t.Error(err)
	}
	var b bytes.Buffer
	_, err := h.log.Export(context.Background(), &b, audit.NDJSON, audit.Query{Branch: branch}, forgetful{h})
	check(t, err)
	broken(t, "no item", b.Bytes(), h.log.PublicKey(), 0, "its item q1 is missing")
	h.put(t, "quarantine", "q7", &beside{Debtor: "d1", Type: "visits", State: "accepted", Recorded: "v7"}, "x")
	file, _ = h.export(t, audit.NDJSON, audit.Query{})
	broken(t, "no visit", file, h.log.PublicKey(), 0, "the visit v7, which is missing")
}

// forgetful lists nothing beside the visits.
type forgetful struct{ *fixture }

func (forgetful) Beside(context.Context, audit.Query) ([]audit.Beside, error) { return nil, nil }

// A server that signs a complete export without an item that waits or was dismissed, a review or a confirmation is
// found out: the checkpoint says how many there are.
func TestWhatIsLeftOutBesideTheVisitsIsNamed(t *testing.T) {
	h := withBeside(t)
	for id, want := range map[string]string{
		"q1": "2 quarantine, and number 1 of them", "q2": "2 quarantine, and number 2 of them",
		visitID(1): "1 visit_reviews, and number 1 of them", "k2": "2 visit_confirmations, and number 2 of them",
	} {
		for format, want := range map[audit.Format]string{audit.NDJSON: "the signed tree holds " + want,
			audit.CSV: "the signed tree holds"} {
			var b bytes.Buffer
			m, err := h.log.Export(context.Background(), &b, format, audit.Query{Branch: branch}, withhold{h, id})
			check(t, err)
			if !m.Complete {
				t.Fatal("the export does not say that it is complete")
			}
			broken(t, fmt.Sprint(format, " without ", id), b.Bytes(), h.log.PublicKey(), 0, want)
		}
	}
}

// withhold lists everything beside the visits but one record.
type withhold struct {
	*fixture
	id string
}

func (h withhold) Beside(ctx context.Context, q audit.Query) ([]audit.Beside, error) {
	all, err := h.fixture.Beside(ctx, q)
	return slices.DeleteFunc(all, func(b audit.Beside) bool { return b.ID == h.id }), err
}

// An item that a supervisor handles while an export runs stands in it as it was.
func TestAnItemHandledMeanwhileIsNotLost(t *testing.T) {
	h := withBeside(t)
	h.meanwhile = func() {
		h.put(t, "quarantine", "q1", &beside{Debtor: "d1", Type: "visits", State: "dismissed", By: "boss"}, "later")
		h.put(t, "quarantine", "q9", &beside{Debtor: "d1", Type: "visits", State: "open"}, "later")
	}
	file, m := h.export(t, audit.NDJSON, audit.Query{})
	if got := m.Beside["quarantine"]; got["open"] != 1 || got["dismissed"] != 1 {
		t.Errorf("counted %v", got)
	}
	if _, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey()); err != nil {
		t.Error(err)
	}
}

// An item of an erased debtor says so, and reveals nothing.
func TestAnItemOfAnErasedDebtorSaysSo(t *testing.T) {
	h := withBeside(t)
	h.erased = map[journal.DebtorID]time.Time{"d2": moment}
	file, _ := h.export(t, audit.NDJSON, audit.Query{Reveal: true})
	if text := string(file); strings.Contains(text, "a long story") || !strings.Contains(text, `"erased":true`) {
		t.Errorf("the export of an erased debtor is %s", text)
	}
	if _, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey()); err != nil {
		t.Error(err)
	}
}
