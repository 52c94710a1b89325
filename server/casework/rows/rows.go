// Package rows reads the CSV and NDJSON files of imports record by record, with the number
// of the line where each record begins. A record that cannot be read is reported, and costs
// no other record. Memory is bounded: a record has at most 64 KiB.
//
// The package knows the names of a file's columns and nothing of what they mean: casework
// gives it a schema, and reads the values.
package rows

import (
	"bufio"
	"io"
	"mime"
	"regexp"
	"strings"

	"doorstep/auth/refusal"
)

// LineError says what is wrong with one line of an import and how to correct it. It never
// repeats a value of the line.
type LineError struct {
	Line    int    `json:"line"` // where the record begins, from 1; the header of a CSV counts
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Column is a column of a CSV, or a member of a JSON line.
type Column struct {
	Name     string
	Optional bool // a CSV header may lack it
	Boolean  bool // JSON may say true or false
	ID       bool // JSON may say a whole number, never one with a fraction
}

// Row is one record.
type Row struct {
	Line int        // where the record begins, from 1
	Vals []string   // by the columns of the schema, trimmed; "" for a value that is absent
	Bad  *LineError // why the record cannot be read; Vals is nil then
}

// Reader reads records one by one.
type Reader interface {
	// Next returns the next record, and io.EOF after the last. A record that cannot be read
	// is a Row with Bad, and reading goes on after it. Other errors are those of the file's
	// reader; the line that they cut short is not returned.
	Next() (Row, error)
}

// NewReader begins to read a file of a schema: text/csv, or application/x-ndjson and its
// other names, in UTF-8. A content type that is neither and a CSV header that does not fit
// are a *refusal.Error; other errors are those of in.
func NewReader(contentType string, in io.Reader, schema []Column) (Reader, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "us-ascii") {
		return nil, refusal.New(refusal.Invalid, "import.charset", "", "send the file in UTF-8")
	}
	lines := &lineReader{in: bufio.NewReaderSize(in, maxRecordBytes+2)}
	switch kind {
	case "text/csv":
		return newCSVReader(lines, schema)
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return &jsonReader{lines: lines, schema: schema}, nil
	}
	return nil, refusal.New(refusal.Invalid, "import.content_type", "", "send text/csv or application/x-ndjson")
}

// columnName matches the names that columns may have. An error repeats a name that was sent only if it
// matches: another text may be personal data.
var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func columnNames(schema []Column) string {
	names := make([]string, len(schema))
	for i, c := range schema {
		names[i] = c.Name
	}
	return strings.Join(names, ",")
}
