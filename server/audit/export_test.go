package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth/refusal"
	"doorstep/server/audit"
	"doorstep/sync/journal"
)

func TestAnExportProvesItself(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 40, 9)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		for _, reveal := range []bool{false, true} {
			file, made := h.export(t, format, audit.Query{Reveal: reveal})
			report, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey())
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			m := report.Manifest
			if m.Visits != 40 || m.FirstNo != 1 || m.LastNo != 40 || !m.Complete || report.TreeSize != 400 ||
				m.Branch != branch || report.Signer != "doorstep-test" {
				t.Errorf("%s: the manifest says %+v of a tree of %d", format, m, report.TreeSize)
			}
			if !slices.Equal(m.Policies, []string{"hash-0", "hash-1"}) {
				t.Errorf("%s: policies %v", format, m.Policies)
			}
			if want := map[bool]string{false: "plain", true: "regulator"}[reveal]; m.Level != want {
				t.Errorf("%s: level %s, want %s", format, m.Level, want)
			}
			if m.Visits != made.Visits || !slices.Equal(m.Lines, made.Lines) {
				t.Errorf("%s: Export returns another manifest than it writes", format)
			}
			if shown := bytes.Contains(file, []byte("Dona Amélia")); shown != (reveal && format == audit.NDJSON) {
				t.Errorf("%s, reveal %v: personal data shown: %v", format, reveal, shown)
			}
			crlf := bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))
			if _, err := audit.Verify(bytes.NewReader(append(crlf, "\r\n"...)), h.log.PublicKey()); err != nil {
				t.Errorf("%s: with the line ends of another system: %v", format, err)
			}
		}
	}
}

func TestALineHoldsTheRecordAsItWasWritten(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 3, 2)
	file, _ := h.export(t, audit.NDJSON, audit.Query{Reveal: true})
	var l audit.Line
	check(t, json.Unmarshal(bytes.Split(file, []byte("\n"))[1], &l))
	var got struct {
		Case, Note string
		Detail     string `json:"outcome_detail"`
	}
	check(t, json.Unmarshal(l.Record, &got))
	if l.No != 2 || l.ID != visitID(2) || l.EntryNo != 4 || got.Case != "c2" || got.Note != remark(2) ||
		got.Detail != detail {
		t.Errorf("line 2 is %d %s of entry %d: %+v", l.No, l.ID, l.EntryNo, got)
	}
	plain, _ := h.export(t, audit.NDJSON, audit.Query{})
	check(t, json.Unmarshal(bytes.Split(plain, []byte("\n"))[1], &l))
	if strings.Contains(string(l.Record), "note") {
		t.Errorf("a sealed part that is not shown leaves a trace in the record: %s", l.Record)
	}
}

func TestACSVCellIsNeverAFormula(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 60, 1)
	file, _ := h.export(t, audit.CSV, audit.Query{})
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	check(t, err)
	if len(rows) != 62 || bytes.Count(file, []byte("\n")) != 62 {
		t.Fatalf("%d rows on %d lines, want a header, 60 visits and a manifest, each on one line", len(rows),
			bytes.Count(file, []byte("\n")))
	}
	for i, row := range rows[:61] {
		for k, cell := range row {
			if cell != "" && strings.Contains("=+-@\t", cell[:1]) {
				t.Errorf("row %d, %s: %q would be run", i, rows[0][k], cell)
			}
		}
	}
	at := func(name string) string { return rows[1][slices.Index(rows[0], name)] }
	if at("outcome_detail") != "'=HYPERLINK(\"http://example.org\") next <line>" || at("agents") != "u1;u2" ||
		at("planned_to") != "10:00" || at("distance_m") != "1" {
		t.Errorf("the first visit reads %q", rows[1])
	}
}

// TestAnExportSaysWhoseContentWasErased: the row of an erased debtor tells that content is
// gone, and since when, so that an empty cell is not taken for a visit of which nothing was said.
func TestAnExportSaysWhoseContentWasErased(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 4, 1)
	h.erased = map[journal.DebtorID]time.Time{"d2": time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)}
	file, _ := h.export(t, audit.CSV, audit.Query{Reveal: true})
	_, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey())
	check(t, err)
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	check(t, err)
	column := slices.Index(rows[0], "erased")
	for i, row := range rows[1:5] {
		want := ""
		if row[slices.Index(rows[0], "debtor")] == "d2" {
			want = "2026-12-01T08:00:00Z"
		}
		if row[column] != want {
			t.Errorf("row %d says erased %q, want %q", i+1, row[column], want)
		}
	}

	file, _ = h.export(t, audit.NDJSON, audit.Query{Reveal: true})
	_, err = audit.Verify(bytes.NewReader(file), h.log.PublicKey())
	check(t, err)
	for i, raw := range linesOf(file)[:4] {
		l := lineOf(t, raw)
		gone := strings.Contains(string(l.Record), `"debtor":"d2"`)
		if l.Erased != gone || gone != l.ErasedAt.Equal(h.erased["d2"]) || gone == (len(l.Reveals) > 0) ||
			gone == strings.Contains(string(l.Record), "note") {
			t.Errorf("line %d: erased %t at %v, %d reveals, %s", i+1, l.Erased, l.ErasedAt, len(l.Reveals), l.Record)
		}
	}
}

func TestAFilteredExportSaysThatItIsNotComplete(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 30, 1)
	for name, c := range map[string]struct {
		q    audit.Query
		want int
	}{
		"a day":    {audit.Query{From: "2026-11-26", To: "2026-11-26"}, 10},
		"from":     {audit.Query{From: "2026-11-26"}, 20},
		"to":       {audit.Query{To: "2026-11-25"}, 10},
		"a lender": {audit.Query{Lender: "south"}, 15},
		"nothing":  {audit.Query{From: "2030-01-01"}, 0},
	} {
		for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
			file, _ := h.export(t, format, c.q)
			report, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey())
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			m := report.Manifest
			if m.Complete || m.Visits != c.want || !strings.HasPrefix(m.Proves, "integrity only") || m.From != c.q.From ||
				m.To != c.q.To || m.Lender != c.q.Lender {
				t.Errorf("%s: %+v, want %d visits and complete=false", name, m, c.want)
			}
		}
	}
}

func TestAnExportOfNothing(t *testing.T) {
	h := newFixture(t)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		file, _ := h.export(t, format, audit.Query{})
		report, err := audit.Verify(bytes.NewReader(file), h.log.PublicKey())
		if err != nil || report.Manifest.Visits != 0 || report.TreeSize != 0 {
			t.Errorf("%s of an empty branch: %+v, %v", format, report, err)
		}
	}
}

func TestAVisitAfterTheCheckpointWaitsForTheNextExport(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 2, 0)
	var b bytes.Buffer
	m, err := h.log.Export(context.Background(), &b, audit.NDJSON, audit.Query{Branch: branch}, late{h, t})
	check(t, err)
	if m.Visits != 2 {
		t.Errorf("%d visits, want the two of the checkpoint's tree", m.Visits)
	}
	if _, err := audit.Verify(&b, h.log.PublicKey()); err != nil {
		t.Error(err)
	}
}

// late records a visit after the checkpoint was signed, and lists it although it is beyond the query's UpTo.
type late struct {
	*fixture
	t *testing.T
}

func (l late) EachVisit(ctx context.Context, q audit.Query, fn func(audit.Visit) error) error {
	l.record(l.t, 3, 3, 0)
	q.UpTo = 1 << 62
	return l.fixture.EachVisit(ctx, q, fn)
}

// TestUnrequestedRevealsAreNotExported lists visits with reveals although the query has Reveal unset.
func TestUnrequestedRevealsAreNotExported(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 2, 0)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		var b bytes.Buffer
		m, err := h.log.Export(context.Background(), &b, format, audit.Query{Branch: branch}, talkative{h})
		check(t, err)
		if m.Level != "plain" || m.Visits != 2 || bytes.Contains(b.Bytes(), []byte("Dona Amélia")) {
			t.Errorf("%s: an export at level %s of %d visits shows personal data", format, m.Level, m.Visits)
		}
	}
}

// talkative always reveals, whatever the query says.
type talkative struct{ *fixture }

func (v talkative) EachVisit(ctx context.Context, q audit.Query, fn func(audit.Visit) error) error {
	q.Reveal = true
	return v.fixture.EachVisit(ctx, q, fn)
}

func TestARangeThatIsNoneIsRefused(t *testing.T) {
	h := newFixture(t)
	for _, q := range []audit.Query{{From: "26.11.2026"}, {To: "2026-02-30"}, {From: "2026-11-26", To: "2026-11-25"}} {
		q.Branch = branch
		var b bytes.Buffer
		_, err := h.log.Export(context.Background(), &b, audit.CSV, q, h)
		var e *refusal.Error
		if !errors.As(err, &e) || e.Code() != "audit.range" || b.Len() > 0 {
			t.Errorf("from %q to %q: %v, %d bytes written", q.From, q.To, err, b.Len())
		}
	}
}

func TestTheAuditKeyIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.key")
	k, err := audit.LoadOrCreateKey(path, "doorstep-test")
	check(t, err)
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key file's mode is %o", info.Mode().Perm())
	}
	pub, err := os.ReadFile(path + ".pub")
	check(t, err)
	if strings.TrimSpace(string(pub)) != k.Public {
		t.Error("the public file holds another key")
	}
	again, err := audit.LoadOrCreateKey(path, "another-name")
	check(t, err)
	if again.Public != k.Public {
		t.Error("the second start made another key")
	}
	check(t, os.WriteFile(path, []byte("PRIVATE+KEY+nonsense\n"), 0o600))
	if _, err := audit.LoadOrCreateKey(path, "doorstep-test"); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
}
