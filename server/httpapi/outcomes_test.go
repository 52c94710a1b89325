package httpapi

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"doorstep/server/casework"
)

// As CSV each outcome is a row of its own, no cell is a formula, and the last row is the cursor.
func TestOutcomesAsCSV(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	text, err := outcomesAsCSV(casework.OutcomePage{Cursor: "abc", More: true, Items: []casework.OutcomeItem{
		{Branch: "porto", Entry: 7, Kind: "visit", ID: "=cmd|' /C calc'!A1", Rev: 1, Case: "north.-1+2", CaseRef: "-1+2",
			At: at, RecordedAt: at, Outcome: "MET_PTP"},
		{Branch: "porto", Entry: 8, Kind: "plan", ID: "p1", Rev: 2, AmountMinor: 500, Promises: []casework.PromiseDue{
			{DueOn: "2026-12-10", AmountMinor: 200}, {DueOn: "2027-01-10", AmountMinor: 300}}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[:3] {
		if len(row) != len(outcomeColumns) {
			t.Errorf("row %d has %d cells, the header %d", i, len(row), len(outcomeColumns))
		}
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	plan := strings.Join(rows[2], ",")
	if !strings.Contains(plan, "500,2026-12-10;2027-01-10,200;300") || strings.Join(rows[3], ",") != "#cursor,abc,true" {
		t.Errorf("the rows are %v", rows)
	}
}
