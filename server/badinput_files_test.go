package server

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"doorstep/auth"
)

// lineReport is the answer of an import.
type lineReport struct {
	Accepted, Updated, Unchanged, Rejected int
	Errors                                 []struct {
		Line                  int
		Column, Code, Message string
	}
}

func (h *hostile) importFile(
	t *testing.T, what, kind string, header map[string]string, in io.Reader,
) (lineReport, reply) {
	t.Helper()
	head := map[string]string{"Content-Type": kind}
	for k, v := range header {
		head[k] = v
	}
	r := h.send(t, what, request{method: "POST", path: "/v1/imports/" + what, header: head, in: in,
		as: h.people[auth.RoleSupervisor]})
	var rep lineReport
	if r.status == http.StatusOK {
		ok(t, json.Unmarshal(r.body, &rep))
		if bytes.Contains(r.body, []byte(strings.Fields(marker)[1])) {
			t.Errorf("%s: the report repeats what was sent: %.500s", what, r.body)
		}
	}
	return rep, r
}

// changed returns a good line of a case import with another value in one column.
func changed(ref, column, value string) string {
	names := strings.Split(caseHeader, ",")
	cells := strings.Split(caseRow(ref, "LND-north"), ",")
	if i := slices.Index(names, column); i >= 0 {
		cells[i] = value
	}
	return strings.Join(cells, ",")
}

// badLines are lines of a case import between good ones.
var badLines = []struct {
	what, column, code string // code "": the line is accepted
	line               func(ref string) string
}{
	{"Latin-1", "", "import.utf8", func(r string) string { return changed(r, "debtor_name", "Eul\xe1lia") }},
	{"a NUL", "", "import.nul", func(r string) string { return changed(r, "city", "a\x00b") }},
	{"half of UTF-8", "", "import.utf8", func(r string) string { return changed(r, "city", "a\xc3") }},
	{"a quote inside", "", "import.quote", func(r string) string { return changed(r, "address", `Rua "do" `+marker) }},
	{"one value missing", "", "import.fields_missing",
		func(r string) string { return strings.TrimSuffix(changed(r, "", ""), ",") }},
	{"a value too many", "", "import.fields_extra", func(r string) string { return changed(r, "", "") + ",x" }},
	{"a line of 10 MB", "", "import.line_too_long",
		func(r string) string { return changed(r, "address", strings.Repeat("a", 10<<20)) }},
	{"no id", "case_ref", "import.empty", func(string) string { return changed("", "", "") }},
	{"an id with a slash", "case_ref", "import.id", func(r string) string { return changed("../"+r, "", "") }},
	{"a date that does not exist", "due_date", "import.date",
		func(r string) string { return changed(r, "due_date", "2026-02-30") }},
	{"a date with the day first", "due_date", "import.date",
		func(r string) string { return changed(r, "due_date", "30.11.2026") }},
	{"a date far off", "phone_verified_on", "import.date",
		func(r string) string { return changed(r, "phone_verified_on", "0001-01-01") }},
	{"an amount with a point", "amount_due_minor", "import.number",
		func(r string) string { return changed(r, "amount_due_minor", "1727.74") }},
	{"an amount below zero", "amount_due_minor", "import.number",
		func(r string) string { return changed(r, "amount_due_minor", "-1") }},
	{"an amount beyond int64", "principal_minor", "import.number",
		func(r string) string { return changed(r, "principal_minor", "99999999999999999999") }},
	{"no amount", "amount_due_minor", "import.empty", func(r string) string { return changed(r, "amount_due_minor", "") }},
	{"an unknown currency", "currency", "import.currency",
		func(r string) string { return changed(r, "currency", "QX7") }},
	{"a currency in small letters", "currency", "import.currency",
		func(r string) string { return changed(r, "currency", "eur") }},
	{"a phone that cannot be", "phone", "import.phone", func(r string) string { return changed(r, "phone", "+3511") }},
	{"a phone without country", "phone", "import.phone",
		func(r string) string { return changed(r, "phone", "912010077") }},
	{"a name for a phone", "phone", "import.phone", func(r string) string { return changed(r, "phone", marker) }},
	{"a longitude off the globe", "lon", "import.point", func(r string) string { return changed(r, "lon", "181") }},
	{"a longitude that is NaN", "lon", "import.point", func(r string) string { return changed(r, "lon", "NaN") }},
	{"a latitude with a comma", "", "import.fields_extra", func(r string) string { return changed(r, "lat", "41,56") }},
	{"half a position", "lat", "import.point", func(r string) string { return changed(r, "lat", "") }},
	{"null island", "lon", "import.point", func(r string) string {
		names := strings.Split(caseHeader, ",")
		cells := strings.Split(changed(r, "lon", "0"), ",")
		cells[slices.Index(names, "lat")] = "0"
		return strings.Join(cells, ",")
	}},
	{"an unknown flag", "flags", "import.flag",
		func(r string) string { return changed(r, "flags", "stop;"+strings.Fields(marker)[1]) }},
	{"an unknown zone", "time_zone", "import.time_zone",
		func(r string) string { return changed(r, "time_zone", "Europe/../etc/passwd") }},
	{"a country that is none", "country", "import.country", func(r string) string { return changed(r, "country", "XX") }},
	{"an unknown profile", "profile", "import.profile",
		func(r string) string { return changed(r, "profile", "no-such") }},
	{"an unknown language", "language", "import.language",
		func(r string) string { return changed(r, "language", "!!") }},
	{"a priority too high", "priority", "import.number", func(r string) string { return changed(r, "priority", "101") }},
	{"a name too long", "debtor_name", "import.too_long", func(r string) string {
		return changed(r, "debtor_name",
			strings.Repeat("a", 201))
	}},
	{"a control character", "debtor_name", "import.control", func(r string) string {
		return changed(r, "debtor_name",
			"a\x1bb")
	}},
	{"a lender that cannot be", "lender", "import.lender", func(r string) string {
		return changed(r, "lender",
			"<script>")
	}},
	{"a lender without a contract", "lender", "import.no_contract", func(r string) string {
		return changed(r, "lender",
			"LND-south")
	}},
	{"a reference too long with its lender", "case_ref", "import.ref_too_long",
		func(string) string { return changed(strings.Repeat("a", 60), "debtor_ref", "D-1") }},
	{"a formula in the name", "", "", func(r string) string { return changed(r, "debtor_name", "=cmd|' /C calc'!A0") }},
	{"a formula in the address", "", "", func(r string) string { return changed(r, "address", "@SUM(1+1)") }},
	{"quotes where they belong", "", "", func(r string) string { return changed(r, "address", `"Rua ""do"" Poço"`) }},
	{"a name from right to left", "", "", func(r string) string { return changed(r, "debtor_name", "سارة الاختبار") }},
	{"a quote that is not closed", "", "import.quote_open",
		func(r string) string { return changed(r, "address", `"Rua `+marker) }},
}

func badFiles(t *testing.T, h *hostile) {
	t.Run("every bad line is reported with its place and the good ones are kept", func(t *testing.T) {
		text := "\ufeff" + caseHeader + "\r\n" // a BOM and the line ends of a spreadsheet are fine
		good := 0
		for i, b := range badLines {
			text += changed(fmt.Sprintf("BL-%d-good", i), "", "") + "\r\n" + b.line(fmt.Sprintf("BL-%d", i)) + "\r\n"
			good++
			if b.code == "" {
				good++
			}
		}
		rep, r := h.importFile(t, "cases", "text/csv; charset=utf-8", nil, strings.NewReader(text))
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		for i, b := range badLines {
			line := 2*i + 3
			found := false
			for _, e := range rep.Errors {
				if e.Line == line {
					found = found || e.Code == b.code && e.Column == b.column
					if len(e.Message) < 15 {
						t.Errorf("%s: it does not say how to mend it: %q", b.what, e.Message)
					}
				}
			}
			if !found && b.code != "" {
				t.Errorf("%s: line %d is not reported as column %q, %s", b.what, line, b.column, b.code)
			}
		}
		if rep.Accepted != good || rep.Rejected != 2*len(badLines)-good {
			t.Errorf("%d accepted and %d rejected, want %d and %d", rep.Accepted, rep.Rejected, good, 2*len(badLines)-good)
			for _, e := range rep.Errors {
				t.Logf("%+v", e)
			}
		}
		var kept map[string]any
		i := slices.IndexFunc(badLines, func(b struct {
			what, column, code string
			line               func(string) string
		}) bool {
			return b.what == "a formula in the name"
		})
		r = h.send(t, "read a case", request{method: "GET", path: fmt.Sprintf("/v1/cases/LND-north.BL-%d", i),
			as: h.people[auth.RoleSupervisor]})
		ok(t, json.Unmarshal(r.body, &kept))
		if kept["debtor_name"] != "=cmd|' /C calc'!A0" {
			t.Errorf("a formula is kept as %v, want the same text", kept["debtor_name"])
		}
	})
	t.Run("the same as JSON lines", func(t *testing.T) {
		line := func(ref, more string) string {
			return `{"case_ref":"` + ref + `","channel":"call","at":"2026-11-20T10:00:00","result":"no_answer"` + more + `}`
		}
		table := []struct{ text, column, code string }{
			{line("CASE-north-1", ""), "", ""},
			{`{"case_ref":`, "case_ref", "import.json"},
			{`[]`, "", "import.json"},
			{line("CASE-north-1", "") + line("CASE-north-2", ""), "", "import.json"},
			{line("CASE-north-1", `,"unknown":1`), "unknown", "import.unknown_column"},
			{line("CASE-north-1", `,"`+marker+`":1`), "", "import.unknown_column"},
			{line("CASE-north-1", `,"at":"2026-11-20T10:00:00"`), "at", "import.repeated_column"},
			{line("CASE-north-1", `,"party":{"a":1}`), "party", "import.json_value"},
			{line("CASE-north-1", `,"party_ref":"\ud83d"`), "party_ref", "import.json_value"},
			{line("CASE-north-1", `,"party_ref":"a\u0000"`), "party_ref", "import.json_value"},
			{line("CASE-north-1", ",\"party_ref\":\"\xff\""), "", "import.utf8"},
			{line("CASE-north-1", `,"party_ref":"`+marker+`"`), "party_ref", "import.id"},
			{line("CASE-north-1", `,"excluded":"`+marker+`"`), "excluded", "import.bool"},
			{line("CASE-north-1", `,"number":"`+marker+`"`), "number", "import.phone"},
			{line("CASE-south-1", ""), "case_ref", "import.case_unknown"},
			{line("no-such", ""), "case_ref", "import.case_unknown"},
			{strings.Repeat(`{"a":`, 5000), "", "import.json"},
			{line("CASE-north-1", `,"party_ref":"`+strings.Repeat("a", 100_000)+`"`), "", "import.line_too_long"},
			{line("CASE-north-2", ""), "", ""},
		}
		text, bad := "\ufeff", 0
		for _, l := range table {
			text += l.text + "\n"
			if l.code != "" {
				bad++
			}
		}
		rep, _ := h.importFile(t, "contacts", "application/x-ndjson", nil, strings.NewReader(text))
		if rep.Accepted != 2 || rep.Rejected != bad {
			t.Errorf("%d accepted and %d rejected, want 2 and %d", rep.Accepted, rep.Rejected, bad)
		}
		for i, l := range table {
			for _, e := range rep.Errors {
				if e.Line == i+1 && (e.Code != l.code || e.Column != l.column) {
					t.Errorf("line %d: column %q, %s; want column %q, %s", e.Line, e.Column, e.Code, l.column, l.code)
				}
			}
		}
	})
	t.Run("files that cannot be read at all", func(t *testing.T) {
		wide := func(order binary.AppendByteOrder, bom bool) string {
			var out []byte
			if bom {
				out = order.AppendUint16(out, 0xfeff)
			}
			for _, u := range utf16.Encode([]rune(caseHeader + "\n" + caseRow("W-1", "LND-north"))) {
				out = order.AppendUint16(out, u)
			}
			return string(out)
		}
		row := caseRow("F-1", "LND-north") + "\n"
		for _, f := range []struct {
			what, kind, encoding, text string
			status                     int
			code                       string
		}{
			{"nothing", "text/csv", "", "", 422, "import.header"},
			{"a BOM only", "text/csv", "", "\ufeff", 422, "import.header"},
			{"no header", "text/csv", "", row, 422, "import.header"},
			{"semicolons", "text/csv", "", strings.ReplaceAll(caseHeader, ",", ";"), 422, "import.header"},
			{"UTF-16, little", "text/csv", "", wide(binary.LittleEndian, true), 422, "import.header"},
			{"UTF-16, big", "text/csv", "", wide(binary.BigEndian, true), 422, "import.header"},
			{"UTF-16 without a BOM", "text/csv", "", wide(binary.LittleEndian, false), 422, "import.header"},
			{"a column twice", "text/csv", "", caseHeader + ",phone\n", 422, "import.repeated_column"},
			{"an unknown column", "text/csv", "", caseHeader + ",nickname\n", 422, "import.unknown_column"},
			{"an unknown column with a name in it", "text/csv", "", caseHeader + "," + marker + "\n", 422,
				"import.unknown_column"},
			{"a missing column", "text/csv", "", strings.Replace(caseHeader, ",phone,", ",", 1) + "\n", 422,
				"import.missing_column"},
			{"a header of 10 MB", "text/csv", "", strings.Repeat("a", 10<<20), 422, "import.header"},
			{"gzip cut short", "text/csv", "gzip", string(gzipped(caseHeader+"\n"+strings.Repeat(row, 2000), 1)[:200]), 400,
				"malformed"},
			{"a spreadsheet", "application/vnd.ms-excel", "", row, 415, "media_type"},
			{"another charset", "text/csv; charset=utf-16", "", row, 415, "media_type"},
		} {
			_, r := h.importFile(t, "cases", f.kind, map[string]string{"Content-Encoding": f.encoding},
				strings.NewReader(f.text))
			if r.status != f.status || r.code != f.code {
				t.Errorf("%s: %d %s, want %d %s\n\t%.300s", f.what, r.status, r.code, f.status, f.code, r.body)
			}
		}
		// A long line is passed over and takes little memory; a gzip bomb is not decompressed to its end.
		long := caseHeader + "\n" + strings.Repeat("a", 30<<20) + "\n" + row
		rep, r := h.importFile(t, "cases", "text/csv", nil, strings.NewReader(long))
		if rep.Accepted+rep.Unchanged != 1 || rep.Rejected != 1 || rep.Errors[0].Code != "import.line_too_long" {
			t.Errorf("a long line: %d %+v", r.status, rep)
		}
		_, r = h.importFile(t, "cases", "text/csv", map[string]string{"Content-Encoding": "gzip"},
			bytes.NewReader(gzipped(long, 1)))
		if r.status != http.StatusRequestEntityTooLarge || r.code != "too_large" {
			t.Errorf("a gzip bomb: %d %s", r.status, r.code)
		}
	})
}

func badShapes(t *testing.T, h *hostile) {
	ring := func(points ...[2]float64) string {
		text, _ := json.Marshal(points)
		return string(text)
	}
	polygon := func(rings ...string) string {
		return `{"type":"Polygon","coordinates":[` + strings.Join(rings, ",") + `]}`
	}
	square := func(lon, lat, size float64) string {
		return ring([2]float64{lon, lat}, [2]float64{lon + size, lat}, [2]float64{lon + size, lat + size},
			[2]float64{lon, lat + size}, [2]float64{lon, lat})
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[%.7f,41.5],", -8-float64(i)/1e7)
		}
		return "[" + b.String() + "[-8,41.6],[-8,41.5]]"
	}
	table := []struct{ what, geometry, path, code string }{
		{"one that crosses itself",
			polygon(ring([2]float64{-8, 41}, [2]float64{-7, 42}, [2]float64{-7, 41}, [2]float64{-8, 42}, [2]float64{-8, 41})),
			"coordinates[0][2]", "geo.crossing"},
		{"a spike", polygon(ring([2]float64{-8, 41}, [2]float64{-7, 41}, [2]float64{-7, 42}, [2]float64{-7, 41},
			[2]float64{-8, 42}, [2]float64{-8, 41})), "coordinates[0]", "geo.crossing"},
		{"an empty one", `{"type":"Polygon","coordinates":[]}`, "coordinates", "geo.empty"},
		{"an empty ring", polygon(`[]`), "coordinates[0]", "geo.ring_short"},
		{"no coordinates", `{"type":"Polygon"}`, "coordinates", "geo.empty"},
		{"null", `null`, "", "geo.empty"},
		{"an open ring", polygon(ring([2]float64{-8, 41}, [2]float64{-7, 41}, [2]float64{-7, 42}, [2]float64{-8, 42})),
			"coordinates[0][3]", "geo.ring_open"},
		{"three positions", polygon(ring([2]float64{-8, 41}, [2]float64{-7, 41}, [2]float64{-8, 41})), "coordinates[0]",
			"geo.ring_short"},
		{"one point four times",
			polygon(ring([2]float64{-8, 41}, [2]float64{-8, 41}, [2]float64{-8, 41}, [2]float64{-8, 41})), "coordinates[0]",
			"geo.ring_short"},
		{"a line", polygon(ring([2]float64{-8, 41}, [2]float64{-7, 41}, [2]float64{-6, 41}, [2]float64{-8, 41})),
			"coordinates[0]", "geo.zero_area"},
		{"over the antimeridian",
			polygon(ring([2]float64{179, 41}, [2]float64{-179, 41}, [2]float64{-179, 42}, [2]float64{179, 42},
				[2]float64{179, 41})), "coordinates[0][1]", "geo.antimeridian"},
		{"beyond 180", polygon(ring([2]float64{179, 41}, [2]float64{181, 41}, [2]float64{181, 42}, [2]float64{179, 42},
			[2]float64{179, 41})), "coordinates[0][1]", "geo.point"},
		{"swapped", polygon(ring([2]float64{41, 121}, [2]float64{41, 122}, [2]float64{42, 122}, [2]float64{41, 121})),
			"coordinates[0][0]", "geo.point"},
		{"a hole outside", polygon(square(-8, 41, 1), square(-5, 41, 0.1)), "coordinates[1]", "geo.hole"},
		{"a hole across the border", polygon(square(-8, 41, 1), square(-8.05, 41.2, 0.1)), "coordinates", "geo.crossing"},
		{"parts that overlap", `{"type":"MultiPolygon","coordinates":[[` + square(-8, 41, 1) + `],[` + square(-7.5, 41.2, 1) +
			`]]}`, "coordinates[", "geo.parts_overlap"},
		{"parts in each other", `{"type":"MultiPolygon","coordinates":[[` + square(-8, 41, 1) + `],[` +
			square(-7.8, 41.2, 0.1) + `]]}`, "coordinates[", "geo.parts_overlap"},
		{"too many corners", polygon(many(150_000)), "coordinates", "geo.too_large"},
		{"a point", `{"type":"Point","coordinates":[-8,41]}`, "type", "geo.geometry_type"},
		{"a name for a type", `{"type":"` + marker + `","coordinates":[]}`, "type", "geo.geometry_type"},
		{"texts for numbers", polygon(`["` + marker + `"]`), "coordinates[0][0]", "geo.point"},
		{"a text for a ring", polygon(`"` + marker + `"`), "coordinates[0]", "geo.json"},
		{"nulls", polygon(`[[null,null],[null,null],[null,null],[null,null]]`), "coordinates[0][0]", "geo.point"},
		{"numbers beyond floats", polygon(`[[1e999,41],[1,41],[1,42],[1e999,41]]`), "coordinates[0][0]", "geo.point"},
		{"another reference system", `{"type":"Polygon","crs":{"type":"name","properties":{"name":"` + marker +
			`"}},"coordinates":[` + square(-8, 41, 1) + `]}`, "crs", "geo.crs"},
	}
	var features []string
	for i, s := range table {
		r := h.send(t, s.what, request{method: "PUT", path: "/v1/territories/shape", as: h.people[auth.RoleSupervisor],
			body: []byte(`{"type":"Feature","properties":{"name":"` + marker + `"},"geometry":` + s.geometry + `}`)})
		var p struct{ Errors []struct{ Location string } }
		_ = json.Unmarshal(r.body, &p)
		want := strings.TrimSuffix("body.geometry."+s.path, ".")
		if s.geometry == "null" || strings.Contains(s.geometry, "1e999") { // refused before its shape is read
			want, s.code = "body", r.code
		}
		if r.status < 400 || r.code != s.code || len(p.Errors) == 0 || !strings.HasPrefix(p.Errors[0].Location, want) {
			t.Errorf("%s: %d %s at %v, want 422 %s at %s", s.what, r.status, r.code, p.Errors, s.code, want)
		}
		features = append(features, fmt.Sprintf(`{"type":"Feature","id":"good-%d","properties":{},"geometry":%s}`, i,
			polygon(square(-8-float64(i), 41, 0.5))),
			fmt.Sprintf(`{"type":"Feature","id":"bad-%d","properties":{},"geometry":%s}`, i, s.geometry))
	}
	features = append(features, `{"type":"Feature","id":"good-0","geometry":`+polygon(square(-8, 41, 0.5))+`}`,
		`"`+marker+`"`, `{"type":"`+marker+`"}`, `{"type":"Feature","geometry":null}`)
	r := h.send(t, "shapes", request{method: "POST", path: "/v1/imports/territories",
		header: map[string]string{"Content-Type": "application/geo+json"}, as: h.people[auth.RoleSupervisor],
		in: strings.NewReader("\ufeff" + `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`)})
	var rep struct {
		Accepted, Rejected int
		Errors             []struct {
			Feature             int
			Path, Code, Message string
		}
	}
	ok(t, json.Unmarshal(r.body, &rep))
	if rep.Accepted != len(table) || rep.Rejected != len(table)+4 {
		t.Errorf("%d shapes accepted, %d rejected; want %d and %d: %.1500s", rep.Accepted, rep.Rejected, len(table),
			len(table)+4, r.body)
	}
	for i, s := range table {
		k := slices.IndexFunc(rep.Errors, func(e struct {
			Feature             int
			Path, Code, Message string
		}) bool {
			return e.Feature == 2*i+1
		})
		want := strings.TrimSuffix(fmt.Sprintf("features[%d].geometry.%s", 2*i+1, s.path), ".")
		if k < 0 || rep.Errors[k].Code != s.code || !strings.HasPrefix(rep.Errors[k].Path, want) {
			t.Errorf("%s, imported: %d %+v, want %s at %s", s.what, k, rep.Errors[max(0, k)], s.code, want)
		}
	}
	if bytes.Contains(r.body, []byte(strings.Fields(marker)[1])) {
		t.Errorf("the report repeats what was sent: %.1500s", r.body)
	}
}
