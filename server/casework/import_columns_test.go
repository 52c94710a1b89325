package casework

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"doorstep/server/casework/rows"
	"doorstep/server/conduct"
)

// schemaOf gives the columns that the parser of a file knows.
func schemaOf(file string) []rows.Column {
	return map[string][]rows.Column{CaseLines: caseColumns, ContactLines: contactColumns,
		PaymentLines: paymentColumns}[file]
}

// columnFaults gives, for a file and the values of a line by column, the columns and codes that the parser refuses.
func columnFaults(t *testing.T, file string, vals map[string]string) map[string]string {
	t.Helper()
	schema := schemaOf(file)
	line := make([]string, len(schema))
	for i, c := range schema {
		line[i] = vals[c.Name]
	}
	var errs []rows.LineError
	switch file {
	case CaseLines:
		policy, err := conduct.Default()
		ok(t, err)
		_, errs = (&caseImport{importer: &importer{Service: &Service{}}, profiles: policy}).parse(line)
	case ContactLines:
		_, errs = parseContact(line)
	case PaymentLines:
		_, errs = parsePayment(line)
	}
	out := map[string]string{}
	for _, e := range errs {
		out[e.Column] = e.Message
	}
	return out
}

// The parser takes what the description says, and nothing beyond its bounds.
func TestImportColumnsAreWhatTheParserTakes(t *testing.T) {
	for _, file := range []string{CaseLines, ContactLines, PaymentLines} {
		columns, good := ImportColumns(file), map[string]string{}
		for _, c := range columns {
			good[c.Name] = c.Example
		}
		if bad := columnFaults(t, file, good); len(bad) > 0 {
			t.Fatalf("the examples of %s are refused: %v", file, bad)
		}
		// judge parses the line of examples with another value, and tells whether the column is taken.
		judge := func(c Column, value string, want bool) {
			t.Helper()
			vals := map[string]string{}
			for name, v := range good {
				vals[name] = v
			}
			if vals[c.Name] = value; value == "" && (c.Name == "lon" || c.Name == "lat") {
				vals["lon"], vals["lat"] = "", "" // a home is both or neither
			}
			if c.Name == "time_zone" && value == "" {
				vals["country"] = "NL" // of one zone
			}
			faults := columnFaults(t, file, vals)
			message, refused := faults[c.Name]
			if c.Name == "lat" && !refused {
				message, refused = faults["lon"] // a home that is nowhere is told at its longitude
			}
			if refused == want {
				t.Errorf("%s, column %s: %.60q refused: %v (%s)", file, c.Name, value, refused, message)
			}
			if refused && c.Codes != nil && !strings.Contains(message, strings.Join(c.Codes, ", ")) {
				t.Errorf("%s, column %s: the refusal does not list the codes: %s", file, c.Name, message)
			}
		}
		for _, c := range columns {
			if c.Example == "" || len(c.About) < 5 || !strings.HasSuffix(c.About, ".") {
				t.Errorf("%s, column %s: example %q, about %q", file, c.Name, c.Example, c.About)
			}
			if !c.Required && !strings.Contains(c.About, "Empty") {
				t.Errorf("%s, column %s: it is not said what an empty value means", file, c.Name)
			}
			judge(c, "", !c.Required)
			for _, code := range c.Codes {
				judge(c, code, true)
			}
			if c.Codes != nil {
				judge(c, "no_such_code", false)
			}
			if c.Several {
				judge(c, strings.Join(c.Codes, ";"), true)
			}
			switch {
			case c.Type == "integer":
				judge(c, strconv.FormatInt(int64(c.Least), 10), true)
				judge(c, strconv.FormatInt(int64(c.Most), 10), true)
				judge(c, strconv.FormatInt(int64(c.Least)-1, 10), false)
				judge(c, strconv.FormatInt(int64(c.Most)+1, 10), false)
				judge(c, "1.5", false)
			case c.Type == "number":
				judge(c, strconv.FormatFloat(c.Least-1, 'f', -1, 64), false)
				judge(c, strconv.FormatFloat(c.Most+1, 'f', -1, 64), false)
				judge(c, "east", false)
			case c.Type == "boolean":
				judge(c, "true", true)
				judge(c, "maybe", false)
			case c.Format == "date":
				judge(c, "2026-02-28", true)
				judge(c, "2026-02-30", false)
				judge(c, "2026-02-28T10:00:00Z", false)
			case c.Format == "date-time":
				judge(c, "2026-11-24T10:00:00+01:00", true)
				judge(c, "yesterday", false)
			case c.MaxBytes > 0:
				judge(c, strings.Repeat("x", c.MaxBytes), true)
				judge(c, strings.Repeat("x", c.MaxBytes+1), false)
			case c.Codes == nil:
				judge(c, strings.Repeat("x", 200), false)
			}
		}
		if schema := schemaOf(file); len(schema) != len(columns) {
			t.Errorf("%s: %d columns are described, of %d", file, len(columns), len(schema))
		}
	}
	if ImportColumns("keys") != nil ||
		!slices.ContainsFunc(ImportColumns(CaseLines), func(c Column) bool { return c.Required }) {
		t.Error("a file that cannot be imported has columns, or no column is required")
	}
}
