package rows

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"doorstep/auth/refusal"
)

var schema = []Column{{Name: "ref", ID: true}, {Name: "note"}, {Name: "out", Optional: true, Boolean: true}}

// readAll reads a file to its end, and gives its rows as texts: the line, and the values or the error's code.
func readAll(t *testing.T, contentType, text string) []string {
	t.Helper()
	r, err := NewReader(contentType, strings.NewReader(text), schema)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		line := strconv.Itoa(row.Line)
		if row.Bad != nil {
			if row.Bad.Line != row.Line || row.Vals != nil {
				t.Errorf("line %d: the error is of line %d, with values %q", row.Line, row.Bad.Line, row.Vals)
			}
			out = append(out, line+" "+row.Bad.Column+" "+row.Bad.Code)
			continue
		}
		out = append(out, line+" "+strings.Join(row.Vals, "|"))
	}
}

func TestABadLineCostsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, text string
		want              []string
	}{
		"CSV": {"text/csv; charset=utf-8", "\ufeffnote,ref\r\n \"a, \"\"b\"\"\",1\r\n" +
			"\"a, \"\"b\"\"\nc\", 2\n\n3\nx,y,z\nlast,7",
			[]string{"2  import.quote", "3 2|a, \"b\"\nc|", "6  import.fields_missing", "7  import.fields_extra", "8 7|last|"}},
		"blank rows": {"text/csv", ",,\n\nref,note\n,\n , ,,,\n\"\",\"\"\n1,a\n,\n2\n3,b,,\n4,c,,d\n",
			[]string{"7 1|a|", "9  import.fields_missing", "10  import.fields_extra", "11  import.fields_extra"}},
		"columns without a name": {"text/csv", "ref,\"\",note, ,\n1,,a,,\n,,,,\n2,x,b,,\n3,,c,,y\n4,,d\n5,,e,,,\n",
			[]string{"2 1|a|", "4  import.unnamed", "5  import.unnamed", "6  import.fields_missing", "7  import.fields_extra"}},
		"a quote that is never closed": {"text/csv", "ref,note\n1,\"open\n2,b\n3,c\n",
			[]string{"2  import.quote_open", "3 2|b|", "4 3|c|"}},
		"bytes": {"text/csv", "ref,note\n1,a\xff\n2,a\x00\n3,c\n",
			[]string{"2  import.utf8", "3  import.nul", "4 3|c|"}},
		"a long line": {"text/csv", "ref,note\n1," + strings.Repeat("a", maxRecordBytes) + "\n2,b\n",
			[]string{"2  import.line_too_long", "3 2|b|"}},
		"NDJSON": {"application/x-ndjson", "{\"ref\":1,\"out\":true}\n\n[]\n" +
			"{\"note\":[\"a\",\"b\"],\"ref\":null}\n" +
			"{\"ref\":1,\"ref\":2}\n{\"who\":1}\n{\"note\":true}",
			[]string{"1 1||true", "3  import.json", "4 |a;b|", "5 ref import.repeated_column", "6 who import.unknown_column",
				"7 note import.json_value"}},
		"NDJSON with ids that are numbers": {"application/x-ndjson", "{\"ref\":1001.0}\n{\"ref\":1001}\n" +
			"{\"ref\":1.001e3,\"note\":2.50}\n{\"ref\":1001.5}\n{\"ref\":\"1001.5\",\"note\":7.0}",
			[]string{"1 1001||", "2 1001||", "3 1001|2.50|", "4 ref import.id", "5 1001.5|7|"}},
		"NDJSON with faults below a member": {"application/x-ndjson", "{\"note\":[{\"x\":1,\"x\":2}]}\n" +
			"{\"ref\":\"\\ud83d\"}\n{\"ref\":tru}\n{\"Maria\":{\"b\":1,\"b\":2}}\n{\"note\":[\"a\",null]}\n{\"ref\":1}",
			[]string{"1 note import.repeated_column", "2 ref import.json_value", "3 ref import.json",
				"4  import.repeated_column", "5 note import.json_value", "6 1||"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readAll(t, c.contentType, c.text); !slices.Equal(got, c.want) {
				t.Errorf("read\n%q, want\n%q", got, c.want)
			}
		})
	}
}

func TestAHeaderThatDoesNotFitIsRefused(t *testing.T) {
	for text, want := range map[string]struct{ code, says string }{
		"":                    {"import.header", ""},
		"1,Maria Silva\n":     {"import.header", "ref,note"},
		"ref,note,who\n":      {"import.unknown_column", "column 3"},
		"ref,note,ref\n":      {"import.repeated_column", "column ref "},
		"ref,out\n":           {"import.missing_column", "lacks note;"},
		"ref,note,\"open\n\n": {"import.header", ""},
	} {
		_, err := NewReader("text/csv", strings.NewReader(text), schema)
		e, ok := refusal.Of(err)
		if !ok || e.Code() != want.code || strings.Contains(e.Error(), "Maria") || !strings.Contains(e.Error(), want.says) {
			t.Errorf("%q: %v, want %s that says %q", text, err, want.code, want.says)
		}
	}
}

// TestALineThatWasCutIsNotARow has the upload end in the middle of a line.
func TestALineThatWasCutIsNotARow(t *testing.T) {
	lost := errors.New("the connection was lost")
	in := io.MultiReader(strings.NewReader("ref,note\n1,a\n2,whole or n"), iotest.ErrReader(lost))
	r, err := NewReader("text/csv", in, schema)
	if err != nil {
		t.Fatal(err)
	}
	if row, err := r.Next(); err != nil || row.Vals[0] != "1" {
		t.Fatalf("%v, %v", row, err)
	}
	if row, err := r.Next(); !errors.Is(err, lost) {
		t.Errorf("%v, %v: want the reader's error", row, err)
	}
}
