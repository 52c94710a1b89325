package httpapi

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"

	"doorstep/server/casework"

	"github.com/danielgtaylor/huma/v2"
)

// importRows names the schema of one line of each file that is imported.
var importRows = map[string]string{casework.CaseLines: "CaseRow", casework.ContactLines: "ContactRow",
	casework.PaymentLines: "PaymentRow"}

// row is the schema of one line of a file, by reference.
func (b schemaBuilder) row(file string) *huma.Schema {
	name := importRows[file]
	if b.into[name] != nil {
		return refTo(name)
	}
	s := &huma.Schema{Type: "object", AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	var must, may []string
	for _, c := range casework.ImportColumns(file) {
		s.Properties[c.Name] = column(&c)
		if c.Required {
			s.Required = append(s.Required, c.Name)
		}
		if c.InHeader {
			must = append(must, c.Name)
		} else {
			may = append(may, c.Name)
		}
	}
	s.Description = "One line of the file: a JSON object, or a record of a CSV, where each value is text and several " +
		"are joined by semicolons. JSON lines may write numbers and booleans as text as well; null and an empty text " +
		"are no value. The header of a CSV names, in any order, " + strings.Join(must, ", ")
	if len(may) > 0 {
		s.Description += "; it may name " + strings.Join(may, ", ")
	}
	s.Description += "."
	b.into[name] = s
	return refTo(name)
}

// column is the schema of a column's value in a JSON line.
func column(c *casework.Column) *huma.Schema {
	s := &huma.Schema{Type: c.Type, Description: c.About, Examples: []any{exampleOf(c)}}
	for _, code := range c.Codes {
		s.Enum = append(s.Enum, code)
	}
	if c.Format == "date" { // a date-time may lack its offset, which the format does not allow
		s.Format = c.Format
	}
	if c.Type == "integer" {
		s.Format = "int64"
	}
	if c.Least != 0 || c.Most != 0 {
		s.Minimum, s.Maximum = ptr(c.Least), ptr(c.Most)
	}
	if c.MaxBytes > 0 {
		s.MaxLength = ptr(c.MaxBytes)
	}
	if c.Several {
		inner := *s
		inner.Description, inner.Examples = "", nil
		return &huma.Schema{Type: "array", Items: &inner, Description: s.Description, Examples: s.Examples}
	}
	return s
}

// exampleOf is the example of a column as a JSON line has it. It panics on one that is not
// of the column's type.
func exampleOf(c *casework.Column) any {
	if c.Several {
		return []any{c.Example}
	}
	if c.Type == "string" {
		return c.Example
	}
	if !json.Valid([]byte(c.Example)) {
		panic("httpapi: the example of the import column " + c.Name + " is not of its type")
	}
	return json.RawMessage(c.Example)
}

// linesOf describes the body of an import in both of its types.
func (b schemaBuilder) linesOf(file string) map[string]*huma.MediaType {
	row := b.row(file)
	lines := func(contentType string, example string) *huma.MediaType {
		return &huma.MediaType{Example: example, Schema: &huma.Schema{Type: "string", Extensions: map[string]any{
			"contentMediaType": contentType, "contentSchema": &huma.Schema{Type: "array", Items: row}}}}
	}
	asCSV, asJSON := exampleFile(file)
	return map[string]*huma.MediaType{"text/csv": lines("text/csv", asCSV),
		"application/x-ndjson": lines("application/x-ndjson", asJSON)}
}

// exampleFile is a file of one line, made of the columns' examples, in both types.
func exampleFile(file string) (asCSV, asJSON string) {
	columns := casework.ImportColumns(file)
	head, line, object := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		head[i], line[i] = c.Name, c.Example
		object[i] = string(mustJSON(c.Name)) + ":" + string(mustJSON(exampleOf(&columns[i])))
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll([][]string{head, line}); err != nil {
		panic("httpapi: an example cannot be written as CSV: " + err.Error())
	}
	return out.String(), "{" + strings.Join(object, ",") + "}\n"
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("httpapi: an example cannot be written as JSON: " + err.Error())
	}
	return text
}
