package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"doorstep/auth/strictjson"
)

// dice gives the choices of a fuzzed input one after another.
type dice []byte

// roll is a number below n, and 0 when the input is used up.
func (d *dice) roll(n int) int {
	if len(*d) == 0 {
		return 0
	}
	v := int((*d)[0]) % n
	*d = (*d)[1:]
	return v
}

// writer writes a file and notes what a reader should make of it, as readAll tells it.
type writer struct {
	*dice
	text    bytes.Buffer
	line    int // that is written next
	end     string
	columns []int // of the schema, in the order of the file
	want    []string
}

// words are values that trouble a reader.
var words = []string{"", "a", " b ", "é", `"`, `a"b`, `""`, "x,y", "up\ndown", "\n", "1", "-7.50", "true", `\`, "a;b",
	";",
	"{", "null", "\t", "😀", "\u00a0c", "'"}

func (w *writer) raw(text string) {
	w.text.WriteString(strings.ReplaceAll(text, "\n", w.end) + w.end)
	w.line += 1 + strings.Count(text, "\n")
}

// bad writes records that cannot be read, and notes their codes by line and column.
func (w *writer) bad(text string, codes ...string) {
	for i, code := range codes {
		w.want = append(w.want, strconv.Itoa(w.line+i)+" "+code)
	}
	w.raw(text)
}

// row notes a record that can be read.
func (w *writer) row(text string, vals []string) {
	for i, v := range vals {
		vals[i] = strings.TrimSpace(v)
	}
	w.want = append(w.want, strconv.Itoa(w.line)+" "+strings.Join(vals, "|"))
	w.raw(text)
}

func (w *writer) csvRecord() {
	switch w.roll(12) {
	case 0:
		w.raw([]string{"", " ", "\t"}[w.roll(3)])
	case 1:
		w.bad(`a"b`+strings.Repeat(",", len(w.columns)-1), " import.quote")
	case 2:
		w.bad(`"a"b`+strings.Repeat(",", len(w.columns)-1), " import.quote")
	case 3: // the second line of the record is read by itself, since its quote does not end a field
		w.bad("\"a\nb\" ,c", " import.quote", " import.quote")
	case 4:
		w.bad(strings.Repeat("a,", len(w.columns)-2)+"a", " import.fields_missing")
	case 5:
		w.bad(strings.Repeat("a,", len(w.columns))+"\"a\nb\"", " import.fields_extra")
	case 6:
		w.bad("\xff,a", " import.utf8")
	case 7:
		w.bad("a,\x00", " import.nul")
	default:
		vals, fields := make([]string, len(schema)), []string(nil)
		for _, k := range w.columns {
			v := words[w.roll(len(words))]
			vals[k] = v
			if strings.ContainsAny(v, ",\"\n") || w.roll(3) == 0 {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			fields = append(fields, v)
		}
		if text := strings.Join(fields, ","); blank(vals) {
			w.raw(text) // a blank row
		} else {
			w.row(text, vals)
		}
	}
}

func (w *writer) jsonRecord() {
	switch w.roll(16) {
	case 0:
		w.raw([]string{"", " ", "\t"}[w.roll(3)])
	case 1:
		w.bad([]string{"[]", `"a"`, "1", "null", `{`, `{"ref":1}{}`, `{"ref":1}]`, "{\"ref\":1,}"}[w.roll(8)], " import.json")
	case 2:
		w.bad(`{"ref":tru}`, "ref import.json")
	case 3:
		w.bad(`{"ref":1,"out":true,"\u0072ef":2}`, "ref import.repeated_column")
	case 4:
		w.bad(`{"note":[{"x":1,"x":2}]}`, "note import.repeated_column")
	case 5:
		w.bad(`{"who":1}`, "who import.unknown_column")
	case 6:
		w.bad(`{"Maria Silva":1}`, " import.unknown_column")
	case 7:
		w.bad(`{"note":`+[]string{"{}", "true", `["a;b"]`, "[1]", "[null]", "[[]]"}[w.roll(6)]+`}`, "note import.json_value")
	case 8:
		w.bad(`{"ref":"`+[]string{`\ud83d`, `\u0000`, `\ude00\ud83d`}[w.roll(3)]+`"}`, "ref import.json_value")
	case 9:
		w.bad("{\"ref\":\"\xff\"}", " import.utf8")
	default:
		vals, members := make([]string, len(schema)), []string(nil)
		for _, k := range w.columns {
			v := words[w.roll(len(words))]
			text := quoted(v, w.roll(2) == 0)
			switch {
			case w.roll(4) == 0:
				v, text = "", "null"
			case w.roll(4) == 0:
				v, text = "-12500", " -12.50e3 "
			case schema[k].Boolean && w.roll(2) == 0:
				v, text = "false", "false"
			case w.roll(3) == 0 && !strings.Contains(v, ";"):
				v, text = v+";b", "[ "+text+`, "b"]`
			}
			vals[k] = v
			members = append(members, quoted(schema[k].Name, w.roll(2) == 0)+":"+text)
		}
		w.row("{"+strings.Join(members, " , ")+"}", vals)
	}
}

// quoted is a text as a JSON string, with all of its characters escaped or few.
func quoted(v string, escaped bool) string {
	if !escaped {
		text, _ := json.Marshal(v) // a text can be written
		return string(text)
	}
	var b strings.Builder
	for _, r := range v {
		if r >= 0x10000 {
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

// FuzzWhatIsWrittenIsRead writes good and bad records, and reads them again: every good one has its values in the
// columns of the schema, every bad one its code, and all of them their lines.
func FuzzWhatIsWrittenIsRead(f *testing.F) {
	for kind := range byte(16) {
		f.Add([]byte{kind % 2, 0, 0, kind, 9, 4, 1, 5, 0, 6, 1, 7, 0, kind, kind, kind, 10, 8, 2, 11, 0, 10, 1}, kind%3 == 0)
		f.Add([]byte{0, 1, 1, kind, 1, kind, 2, 14, 1, 19, 0, 14, 0, 0, 2, 3}, kind%3 > 0)
	}
	f.Fuzz(func(t *testing.T, choices []byte, isCSV bool) {
		d := dice(choices[:min(len(choices), 300)])
		w := &writer{dice: &d, line: 1, end: "\n"}
		if d.roll(2) == 0 {
			w.end = "\r\n"
		}
		if d.roll(4) == 0 {
			w.text.WriteString("\ufeff")
		}
		w.columns = [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}, {1, 0}, {0, 1}, {1, 2, 0}}[d.roll(6)]
		contentType := "application/x-ndjson"
		if isCSV {
			contentType = "text/csv"
			names := make([]string, len(w.columns))
			for i, k := range w.columns {
				names[i] = schema[k].Name
			}
			w.raw(strings.Join(names, ","))
		}
		for len(d) > 0 {
			if isCSV {
				w.csvRecord()
			} else {
				w.jsonRecord()
			}
		}
		text := w.text.String()
		if isCSV && len(choices)%2 == 0 { // a quote that is never closed costs its own line
			w.bad("a,\"open", " import.quote_open")
			for _, v := range []string{"b", "c", "d"} {
				w.row(v+",x"+strings.Repeat(",", len(w.columns)-2), inColumns(w.columns, v, "x"))
			}
			text = strings.TrimSuffix(w.text.String(), w.end)
		}
		if got := readAll(t, contentType, text); !slices.Equal(got, w.want) {
			t.Fatalf("%q\nis read as %q\nwant       %q", text, got, w.want)
		}
	})
}

// inColumns are the values of a row whose first two columns have them.
func inColumns(columns []int, first, second string) []string {
	vals := make([]string, len(schema))
	vals[columns[0]], vals[columns[1]] = first, second
	return vals
}

// FuzzAnyText reads any text. Every record is one of its lines; a CSV that encoding/csv reads means the same here, and
// a JSON line what encoding/json says.
func FuzzAnyText(f *testing.F) {
	for _, s := range []string{"1,a\n2,b", "\"a\nb\",c", "\"\"\"", "a\"b,c\n",
		"{\"ref\":1}\n{", "\r\n,\r\n", "\"a\"\"b\",\"c,d\"\n,",
		`{"ref":"a\u0301","note":["b","c"],"out":false}`, `{"ref":" x "}`, `{"ref":null,"ref":1}`, `{"note":["a;b"]}`} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, isCSV bool) {
		contentType, head := "application/x-ndjson", ""
		if isCSV {
			contentType, head = "text/csv", "note,ref\n"
		}
		r, err := NewReader(contentType, strings.NewReader(head+text), schema)
		if err != nil {
			t.Fatal(err)
		}
		lines, last := 1+strings.Count(head+text, "\n"), 0
		var all []Row
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.Line <= last || row.Line > lines {
				t.Fatalf("a record of line %d after one of line %d, in %d lines", row.Line, last, lines)
			}
			last = row.Line
			if (row.Bad == nil) != (len(row.Vals) == len(schema)) {
				t.Fatalf("line %d: %q, %v", row.Line, row.Vals, row.Bad)
			}
			all = append(all, row)
		}
		switch {
		case len(text) > maxRecordBytes || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\ufeff"):
		case isCSV && lines < maxRecordLines:
			asCSV(t, head+text, all)
		case !isCSV:
			asJSON(t, text, all)
		}
	})
}

// blank tells whether all of some values are.
func blank(vals []string) bool {
	return !slices.ContainsFunc(vals, func(v string) bool { return strings.TrimSpace(v) != "" })
}

// asCSV compares rows with what encoding/csv reads, if it reads the text.
func asCSV(t *testing.T, text string, all []Row) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	var want []string
	for n := 0; ; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return
		}
		line, _ := r.FieldPos(0)
		switch {
		case n == 0 || blank(fields):
		case len(fields) < 2 || !blank(fields[2:]):
			want = append(want, fmt.Sprint(line, " bad"))
		default:
			want = append(want, fmt.Sprintf("%d %q %q", line, strings.TrimSpace(fields[1]), strings.TrimSpace(fields[0])))
		}
	}
	var got []string
	for _, row := range all {
		if row.Bad != nil {
			got = append(got, fmt.Sprint(row.Line, " bad"))
		} else {
			got = append(got, fmt.Sprintf("%d %q %q", row.Line, row.Vals[0], row.Vals[1]))
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q\nis read as     %q\nby encoding/csv %q", text, got, want)
	}
}

// asJSON compares the rows with the lines as encoding/json reads them.
func asJSON(t *testing.T, text string, all []Row) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for _, row := range all {
		line := lines[row.Line-1]
		vals, plain := plainMembers(line)
		if row.Bad == nil && !plain {
			t.Fatalf("%q is read as %q", line, row.Vals)
		}
		if row.Bad == nil && !slices.Equal(row.Vals, vals) {
			t.Fatalf("%q is read as %q, by encoding/json as %q", line, row.Vals, vals)
		}
		if c := row.Bad; c != nil && plain && c.Code != "import.repeated_column" && c.Code != "import.json_value" {
			t.Fatalf("%q is refused: %+v", line, c)
		}
	}
}

// plainMembers are the values of a line if encoding/json takes it and each fits a column.
func plainMembers(line string) ([]string, bool) {
	var members map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if d.Decode(&members) != nil || members == nil || !json.Valid([]byte(line)) {
		return nil, false
	}
	vals := make([]string, len(schema))
	for name, v := range members {
		k := slices.IndexFunc(schema, func(c Column) bool { return c.Name == name })
		if k < 0 {
			return nil, false
		}
		switch v := v.(type) {
		case nil:
		case string:
			vals[k] = strings.TrimSpace(v)
		case json.Number:
			vals[k] = v.String()
			if whole, ok := strictjson.Whole(vals[k]); ok {
				vals[k] = whole
			} else if schema[k].ID {
				return nil, false
			}
		case bool:
			if vals[k] = fmt.Sprint(v); !schema[k].Boolean {
				return nil, false
			}
		case []any:
			var texts []string
			for _, x := range v {
				one, is := x.(string)
				if !is || strings.Contains(one, ";") {
					return nil, false
				}
				texts = append(texts, one)
			}
			vals[k] = strings.TrimSpace(strings.Join(texts, ";"))
		default:
			return nil, false
		}
	}
	return vals, true
}
