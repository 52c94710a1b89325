package casework

import (
	"bufio"
	"bytes"
	"doorstep/auth/refusal"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of one record of an import.
const (
	maxRecordBytes = 64 << 10
	// maxRecordLines bounds how far a quote that was never closed can reach, and with it the work a broken file makes.
	maxRecordLines = 50
)

// LineError is what is wrong with one line of an import and how to mend it. It
// never repeats a value of the line.
type LineError struct {
	Line    int    `json:"line"` // where the record begins, from 1; the header of a CSV counts
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// column is a column of CSV, or a member of a JSON line.
type column struct {
	name     string
	optional bool // a CSV header may lack it
	boolean  bool // JSON may say true or false
}

// row is one record: its values by the schema's columns, trimmed; "" for absent ones.
type row struct {
	line int
	vals []string
	bad  *LineError // the record cannot be read; vals is nil
}

// rowReader reads records one by one; io.EOF after the last.
type rowReader interface{ next() (row, error) }

// newRowReader reads CSV or NDJSON of a schema. A header that does not fit is an *refusal.Error.
func newRowReader(contentType string, in io.Reader, schema []column) (rowReader, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "us-ascii") {
		return nil, refuse(refusal.Invalid, "import.charset", "", "send the file in UTF-8")
	}
	lines := &lineReader{in: bufio.NewReaderSize(in, maxRecordBytes+2)}
	switch kind {
	case "text/csv":
		return newCSVReader(lines, schema)
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return &jsonReader{lines: lines, schema: schema}, nil
	}
	return nil, refuse(refusal.Invalid, "import.content_type", "", "send text/csv or application/x-ndjson")
}

// lineReader reads physical lines without their ends, holding at most one in memory.
type lineReader struct {
	in     *bufio.Reader
	n      int // number of the line read last
	pushed []textLine
}

// textLine is a physical line. A line over the limit keeps only its beginning.
type textLine struct {
	n    int
	text []byte
	long bool
}

func (l *lineReader) next() (textLine, error) {
	if k := len(l.pushed); k > 0 {
		t := l.pushed[k-1]
		l.pushed = l.pushed[:k-1]
		return t, nil
	}
	text, err := l.in.ReadSlice('\n')
	t := textLine{n: l.n + 1}
	if errors.Is(err, bufio.ErrBufferFull) {
		t.long = true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
	} else {
		t.text = bytes.Clone(text)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if len(text) == 0 && !t.long {
			return textLine{}, io.EOF
		}
	default:
		// The upload was cut: what stands of this line may be less than was meant.
		return textLine{}, err
	}
	l.n++
	t.text = bytes.TrimSuffix(bytes.TrimSuffix(t.text, []byte("\n")), []byte("\r"))
	if t.n == 1 {
		t.text = bytes.TrimPrefix(t.text, []byte("\ufeff"))
	}
	t.long = t.long || len(t.text) > maxRecordBytes
	return t, nil
}

// push gives lines back, to be read again in the same order.
func (l *lineReader) push(lines []textLine) {
	for _, t := range slices.Backward(lines) {
		l.pushed = append(l.pushed, t)
	}
}

// unreadable says why a text cannot be a record; nil when it can.
func unreadable(line int, text []byte) *LineError {
	if bytes.IndexByte(text, 0) >= 0 {
		return &LineError{Line: line, Code: "import.nul", Message: "the line holds a NUL byte; send the file as UTF-8 text"}
	}
	if !utf8.Valid(text) {
		return &LineError{Line: line, Code: "import.utf8", Message: "the line is not valid UTF-8; save the file as UTF-8"}
	}
	return nil
}

func tooLongLine(line int) *LineError {
	return &LineError{Line: line, Code: "import.line_too_long",
		Message: "the line is longer than 64 KiB; shorten it, or look for a missing line end or a quote that is not closed"}
}

// csvReader reads RFC 4180 with a header in any order.
type csvReader struct {
	lines  *lineReader
	schema []column
	at     []int // schema column of each field
	fields [][]byte
}

func newCSVReader(lines *lineReader, schema []column) (*csvReader, error) {
	c := &csvReader{lines: lines, schema: schema}
	head, bad, err := c.record()
	if errors.Is(err, io.EOF) {
		return nil, refuse(refusal.Invalid, "import.header", "",
			"the file is empty; begin with a line that names the columns: %s", columnNames(schema))
	}
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, refuse(refusal.Invalid, "import.header", "", "the first line cannot be read: %s", bad.Message)
	}
	known := 0
	c.at = make([]int, len(head.fields))
	for i, name := range head.fields {
		c.at[i] = slices.IndexFunc(schema, func(k column) bool { return k.name == strings.TrimSpace(string(name)) })
		if c.at[i] >= 0 {
			known++
		}
	}
	if known < 2 {
		// Without a header the first line is somebody's data: none of it is repeated.
		return nil, refuse(refusal.Invalid, "import.header", "",
			"the first line does not name the columns; begin with: %s (separated by commas)", columnNames(schema))
	}
	seen := make([]bool, len(schema))
	for i, k := range c.at {
		name := strings.TrimSpace(string(head.fields[i]))
		switch {
		case k < 0 && columnName.MatchString(name):
			return nil, refuse(refusal.Invalid, "import.unknown_column", name, "there is no such column; the columns are %s",
				columnNames(schema))
		case k < 0:
			return nil, refuse(refusal.Invalid, "import.unknown_column", "",
				"column %d of the header is unknown; the columns are %s", i+1, columnNames(schema))
		case seen[k]:
			return nil, refuse(refusal.Invalid, "import.repeated_column", name, "the header names this column twice; remove one")
		}
		seen[k] = true
	}
	for k, col := range schema {
		if !seen[k] && !col.optional {
			return nil, refuse(refusal.Invalid, "import.missing_column", col.name,
				"the header lacks this column; add it, with empty values where nothing is known")
		}
	}
	return c, nil
}

// columnName is what a column may be called: a header's text is repeated in an error only if it looks like one.
var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func columnNames(schema []column) string {
	names := make([]string, len(schema))
	for i, c := range schema {
		names[i] = c.name
	}
	return strings.Join(names, ",")
}

func (c *csvReader) next() (row, error) {
	for {
		rec, bad, err := c.record()
		if err != nil {
			return row{}, err
		}
		if bad != nil {
			return row{line: bad.Line, bad: bad}, nil
		}
		if len(rec.fields) == 1 && len(bytes.TrimSpace(rec.fields[0])) == 0 {
			continue // an empty line
		}
		if len(rec.fields) != len(c.at) {
			code, hint := "import.fields_missing", "fewer values than the header has columns; add the missing commas"
			if len(rec.fields) > len(c.at) {
				code, hint = "import.fields_extra", "more values than the header has columns; put a value that holds a comma "+
					"in double quotes"
			}
			return row{line: rec.line, bad: &LineError{Line: rec.line, Code: code, Message: "the line has " + hint}}, nil
		}
		r := row{line: rec.line, vals: make([]string, len(c.schema))}
		for i, f := range rec.fields {
			r.vals[c.at[i]] = strings.TrimSpace(string(f))
		}
		return r, nil
	}
}

// csvRecord is one record's fields, valid until the next one.
type csvRecord struct {
	line   int
	fields [][]byte
}

// record reads one record, which may span several lines where a field is quoted.
func (c *csvReader) record() (csvRecord, *LineError, error) {
	first, err := c.lines.next()
	if err != nil {
		return csvRecord{}, nil, err
	}
	if first.long {
		return csvRecord{}, tooLongLine(first.n), nil
	}
	text := first.text
	var more []textLine
	for {
		fields, state := splitCSV(text, c.fields[:0])
		c.fields = fields
		switch state {
		case csvWhole:
			if bad := unreadable(first.n, text); bad != nil {
				return csvRecord{}, bad, nil
			}
			return csvRecord{first.n, fields}, nil, nil
		case csvStray:
			c.lines.push(more)
			return csvRecord{}, &LineError{Line: first.n, Code: "import.quote",
				Message: "a double quote stands inside a value or after its end; quote the whole value and double the quotes " +
					"inside it"}, nil
		}
		// The record goes on: a quoted value holds a line end.
		add, err := c.lines.next()
		if err == nil {
			more = append(more, add)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return csvRecord{}, nil, err
		}
		if err != nil || add.long || len(more) >= maxRecordLines || len(text)+1+len(add.text) > maxRecordBytes {
			// The quote was never meant to reach this far: only its own line is lost.
			c.lines.push(more)
			return csvRecord{}, &LineError{Line: first.n, Code: "import.quote_open",
				Message: "a double quote is opened and not closed; close it, or double it where it belongs to the value"}, nil
		}
		text = append(append(text, '\n'), add.text...)
	}
}

// csvState is what splitCSV found.
type csvState int

const (
	csvWhole csvState = iota
	csvOpen           // the text ends inside quotes
	csvStray          // a quote where none can be
)

// splitCSV splits a record into its fields.
func splitCSV(text []byte, fields [][]byte) ([][]byte, csvState) {
	for {
		if len(text) == 0 || text[0] != '"' {
			end := bytes.IndexByte(text, ',')
			field := text
			if end >= 0 {
				field = text[:end]
			}
			if bytes.IndexByte(field, '"') >= 0 {
				return fields, csvStray
			}
			fields = append(fields, field)
			if end < 0 {
				return fields, csvWhole
			}
			text = text[end+1:]
			continue
		}
		var field []byte
		text = text[1:]
		for {
			end := bytes.IndexByte(text, '"')
			if end < 0 {
				return fields, csvOpen
			}
			field = append(field, text[:end]...)
			text = text[end+1:]
			if len(text) == 0 || text[0] != '"' {
				break
			}
			field, text = append(field, '"'), text[1:]
		}
		fields = append(fields, field)
		if len(text) == 0 {
			return fields, csvWhole
		}
		if text[0] != ',' {
			return fields, csvStray
		}
		text = text[1:]
	}
}

// jsonReader reads one JSON object a line.
type jsonReader struct {
	lines  *lineReader
	schema []column
}

func (j *jsonReader) next() (row, error) {
	for {
		t, err := j.lines.next()
		if err != nil {
			return row{}, err
		}
		if t.long {
			return row{line: t.n, bad: tooLongLine(t.n)}, nil
		}
		if len(bytes.TrimSpace(t.text)) == 0 {
			continue
		}
		if bad := unreadable(t.n, t.text); bad != nil {
			return row{line: t.n, bad: bad}, nil
		}
		vals, bad := splitJSON(t.text, j.schema)
		if bad != nil {
			bad.Line = t.n
			return row{line: t.n, bad: bad}, nil
		}
		return row{line: t.n, vals: vals}, nil
	}
}

// splitJSON reads an object's members by the schema. Strings, numbers and null
// are taken as they are; a list of strings is joined by semicolons.
func splitJSON(text []byte, schema []column) ([]string, *LineError) {
	malformed := &LineError{Code: "import.json", Message: `the line is not one JSON object such as {"case_ref":"…",…}`}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed
	}
	vals, seen := make([]string, len(schema)), make([]bool, len(schema))
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, malformed
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, malformed
		}
		k := slices.IndexFunc(schema, func(c column) bool { return c.name == name })
		if k < 0 {
			e := &LineError{Code: "import.unknown_column", Message: "there is no such member; the members are " +
				columnNames(schema)}
			if columnName.MatchString(name) {
				e.Column = name
			}
			return nil, e
		}
		if seen[k] {
			return nil, &LineError{Column: name, Code: "import.repeated_column",
				Message: "the line names this member twice; remove one"}
		}
		seen[k] = true
		if schema[k].boolean && (raw[0] == 't' || raw[0] == 'f') {
			vals[k] = string(raw)
		} else if vals[k], ok = plainValue(raw); !ok {
			return nil, &LineError{Column: name, Code: "import.json_value",
				Message: "give a text or a number here, or a list of texts where several are meant"}
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed
	}
	return vals, nil
}

// plainValue is a JSON value as a column would hold it.
func plainValue(raw json.RawMessage) (string, bool) {
	var s string
	switch raw[0] {
	case '"':
		err := json.Unmarshal(raw, &s)
		// encoding/json writes half a surrogate pair as the replacement character.
		lost := strings.ContainsRune(s, utf8.RuneError) && !bytes.ContainsRune(raw, utf8.RuneError)
		return strings.TrimSpace(s), err == nil && !lost && !strings.ContainsRune(s, 0)
	case 'n':
		return "", true
	case '[':
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			return "", false
		}
		for _, item := range list {
			if strings.ContainsAny(item, ";\x00") {
				return "", false
			}
		}
		return strings.Join(list, ";"), true
	case '{', 't', 'f':
		return "", false
	}
	return string(raw), true
}
