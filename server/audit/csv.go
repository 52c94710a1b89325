package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"doorstep/sync/journal"
)

// byteOrderMark tells spreadsheets that the text is UTF-8.
var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// manifestCell is the first cell of the manifest's line.
const manifestCell = "#manifest"

// csvColumn is a column: its name, and where its value stands in the record.
type csvColumn struct {
	name string
	path string
}

var csvColumns = [...]csvColumn{
	{"on", "on"}, {"at", "at"}, {"claimed_at", "claimed_at"},
	{"received_at", "received_at"}, {"received_on", "received_on"}, {"time_zone", "time_zone"}, {"case", "case"},
	{"debtor", "debtor"}, {"lender", "lender"},
	{"territory", "territory"}, {"round", "round"}, {"route", "route"}, {"stop_seq", "stop_seq"}, {"assignment",
		"assignment"},
	{"purpose", "purpose"}, {"place", "place"}, {"address_id", "address_id"}, {"planned_from",
		"planned_window.from"}, {"planned_to", "planned_window.to"},
	{"agents", "agents"}, {"items", "items"}, {"recorded", "recording.media"}, {"check_in_at",
		"check_in.at"}, {"inside_fence", "check_in.inside_fence"},
	{"distance_m", "check_in.distance_m"}, {"check_out_at", "check_out.at"}, {"address_verification",
		"address_verification"},
	{"person_met", "person_met.relationship"}, {"identity_check", "person_met.identity_check"}, {"disclosure_made",
		"disclosure_made"},
	{"disclosed_to", "disclosed_to"}, {"outcome", "outcome"}, {"outcome_detail", "outcome_detail"}, {"overdue_reason",
		"overdue_reason"},
	{"plan", "plan"}, {"children_present", "observations.children_present"}, {"distress_level",
		"observations.distress_level"},
	{"complaint_made", "observations.complaint_made"}, {"vulnerability", "vulnerability_flags"}, {"asked_to_leave",
		"asked_to_leave"}, {"asked_at", "asked_at"}, {"left_when_asked", "left_when_asked"},
	{"supersedes", "supersedes"}, {"accepted_by", "admitted.by"}, {"accepted_at", "admitted.at"},
	{"corrected_members", "admitted.corrected"}, {"flags", "flags"}, {"decisions", "decisions"}, {"by", "by"},
	{"device", "device"},
}

// csvErased is the place of the column that says when the debtor was erased.
const csvErased = 3

func csvNames() []string {
	names := []string{"visit_no", "visit_id", "received_at", "erased"}
	for _, c := range csvColumns {
		names = append(names, c.name)
	}
	return append(append(names, csvAbout...), "entry_no", "leaf", "proof")
}

// csvCells makes the cells of a visit; beside are those of csvAbout.
func csvCells(l Line, beside []string) ([]string, error) {
	e, err := journal.DecodeEntry(l.Entry)
	if err != nil {
		return nil, err
	}
	var record map[string]any
	d := json.NewDecoder(bytes.NewReader(l.Record))
	d.UseNumber()
	if err := d.Decode(&record); err != nil {
		return nil, err
	}
	erased := ""
	if l.Erased {
		erased = l.ErasedAt.UTC().Format(time.RFC3339)
	}
	cells := []string{strconv.FormatUint(l.No, 10), l.ID, e.Received.Format("2006-01-02T15:04:05.000Z"), erased}
	for _, c := range csvColumns {
		cells = append(cells, csvText(at(record, c.path)))
	}
	leaf := journal.Leaf(l.Entry)
	return append(append(cells, beside...), strconv.FormatUint(l.EntryNo, 10), base64.StdEncoding.EncodeToString(leaf[:]),
		strings.Join(l.Proof, " ")), nil
}

// at finds a member by its path; nil when there is none.
func at(v map[string]any, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return v[name]
	}
	m, ok := v[name].(map[string]any)
	if !ok {
		return nil
	}
	return at(m, rest)
}

// csvText is a value as one cell.
func csvText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		words := make([]string, 0, len(v))
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return jsonText(v)
			}
			words = append(words, s)
		}
		return strings.Join(words, ";")
	}
	return jsonText(v)
}

func jsonText(v any) string {
	b, err := encodeLine(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// CSVLine is a row on one line, without its end: line breaks within cells become spaces, and a cell
// that a spreadsheet would run as a formula gets an apostrophe before it.
func CSVLine(cells []string) []byte {
	safe := make([]string, len(cells))
	for i, c := range cells {
		c = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ").Replace(c)
		if c != "" && strings.ContainsRune("=+-@\t", rune(c[0])) && !isNumber(c) {
			c = "'" + c
		}
		safe[i] = c
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// A buffer takes everything, so there is no error to see.
	_ = w.Write(safe)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
