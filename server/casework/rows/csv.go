package rows

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"doorstep/auth/refusal"
)

// csvReader reads RFC 4180 with a header in any order.
type csvReader struct {
	lines  *lineReader
	schema []Column
	at     []int // schema column of each field; unnamed for one of a column without a name
	fields [][]byte
}

// unnamed is a column whose name is empty, as spreadsheets write behind the last one: it may hold nothing.
const unnamed = -2

func newCSVReader(lines *lineReader, schema []Column) (*csvReader, error) {
	c := &csvReader{lines: lines, schema: schema}
	head, bad, err := c.record()
	for err == nil && bad == nil && head.blank() {
		head, bad, err = c.record() // blank rows above the header
	}
	if errors.Is(err, io.EOF) {
		return nil, refusal.New(refusal.Invalid, "import.header", "",
			"the file is empty; begin with a line that names the columns: %s", columnNames(schema))
	}
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, refusal.New(refusal.Invalid, "import.header", "", "the first line cannot be read: %s", bad.Message)
	}
	known := 0
	c.at = make([]int, len(head.fields))
	for i, name := range head.fields {
		c.at[i] = slices.IndexFunc(schema, func(k Column) bool { return k.Name == strings.TrimSpace(string(name)) })
		if c.at[i] >= 0 {
			known++
		}
	}
	if known < 2 {
		// Without a header the first line is data of a person, so the message repeats none of it.
		return nil, refusal.New(refusal.Invalid, "import.header", "",
			"the first line does not name the columns; begin with: %s (separated by commas)", columnNames(schema))
	}
	seen := make([]bool, len(schema))
	for i, k := range c.at {
		name := strings.TrimSpace(string(head.fields[i]))
		if name == "" {
			c.at[i] = unnamed
			continue
		}
		switch {
		case k < 0:
			return nil, refusal.New(refusal.Invalid, "import.unknown_column", "",
				"column %d of the header is unknown; the columns are %s", i+1, columnNames(schema))
		case seen[k]:
			return nil, refusal.New(refusal.Invalid, "import.repeated_column", "",
				"the header names the column %s twice; remove one", schema[k].Name)
		}
		seen[k] = true
	}
	var missing []string
	for k, col := range schema {
		if !seen[k] && !col.Optional {
			missing = append(missing, col.Name)
		}
	}
	if len(missing) > 0 {
		return nil, refusal.New(refusal.Invalid, "import.missing_column", "",
			"the header lacks %s; add what is missing, with empty values where nothing is known", strings.Join(missing, ", "))
	}
	return c, nil
}

func (c *csvReader) Next() (Row, error) {
	for {
		rec, bad, err := c.record()
		if err != nil {
			return Row{}, err
		}
		if bad != nil {
			return Row{Line: bad.Line, Bad: bad}, nil
		}
		if rec.blank() {
			continue // an empty line, or nothing but commas
		}
		if len(rec.fields) != len(c.at) { // even one empty value more may shift all behind a comma
			code, hint := "import.fields_missing", "fewer values than the header has columns; add the missing commas"
			if len(rec.fields) > len(c.at) {
				code, hint = "import.fields_extra", "more values than the header has columns; put a value that holds a comma "+
					"in double quotes"
			}
			return Row{Line: rec.line, Bad: &LineError{Line: rec.line, Code: code, Message: "the line has " + hint}}, nil
		}
		r := Row{Line: rec.line, Vals: make([]string, len(c.schema))}
		for i, f := range rec.fields {
			val := strings.TrimSpace(string(f))
			if c.at[i] != unnamed {
				r.Vals[c.at[i]] = val
			} else if val != "" {
				return Row{Line: rec.line, Bad: &LineError{Line: rec.line, Code: "import.unnamed",
					Message: "a value stands in a column that the header does not name; name the column, or remove the value"}}, nil
			}
		}
		return r, nil
	}
}

// csvRecord is one record's fields, valid until the next one.
type csvRecord struct {
	line   int
	fields [][]byte
}

// blank tells whether all fields of the record are empty.
func (r csvRecord) blank() bool {
	for _, f := range r.fields {
		if len(bytes.TrimSpace(f)) > 0 {
			return false
		}
	}
	return true
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
