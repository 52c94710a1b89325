package rows

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"doorstep/auth/strictjson"
)

// jsonReader reads one JSON object a line.
type jsonReader struct {
	lines  *lineReader
	schema []Column
}

func (j *jsonReader) Next() (Row, error) {
	for {
		t, err := j.lines.next()
		if err != nil {
			return Row{}, err
		}
		if t.long {
			return Row{Line: t.n, Bad: tooLongLine(t.n)}, nil
		}
		if len(bytes.TrimSpace(t.text)) == 0 {
			continue
		}
		if bad := unreadable(t.n, t.text); bad != nil {
			return Row{Line: t.n, Bad: bad}, nil
		}
		vals, bad := splitJSON(t.text, j.schema)
		if bad != nil {
			bad.Line = t.n
			return Row{Line: t.n, Bad: bad}, nil
		}
		return Row{Line: t.n, Vals: vals}, nil
	}
}

// splitJSON reads an object's members by the schema. Strings, numbers and null
// are taken as they are, whole numbers by their digits (1001.0 is 1001); a list of strings is joined by semicolons.
func splitJSON(text []byte, schema []Column) ([]string, *LineError) {
	members, fault := strictjson.Members(text)
	if fault != nil {
		return nil, badJSON(fault, schema)
	}
	vals := make([]string, len(schema))
	for _, m := range members {
		k := slices.IndexFunc(schema, func(c Column) bool { return c.Name == m.Name })
		if k < 0 {
			e := &LineError{Code: "import.unknown_column",
				Message: "there is no such member; the members are " + columnNames(schema)}
			if columnName.MatchString(m.Name) {
				e.Column = m.Name
			}
			return nil, e
		}
		var ok bool
		if schema[k].Boolean && (m.Value[0] == 't' || m.Value[0] == 'f') {
			vals[k] = string(m.Value)
		} else if vals[k], ok = plainValue(m.Value); !ok {
			return nil, &LineError{Column: m.Name, Code: "import.json_value",
				Message: "give a text or a number here, or a list of texts where several are meant"}
		} else if c := m.Value[0]; c == '-' || c >= '0' && c <= '9' {
			whole, ok := strictjson.Whole(string(m.Value))
			if ok {
				vals[k] = whole
			} else if schema[k].ID {
				return nil, &LineError{Column: m.Name, Code: "import.id",
					Message: "an id is a text or a whole number, never one with a fraction"}
			}
		}
	}
	return vals, nil
}

// badJSON says why a line is not a JSON object that can be read, and in which column.
func badJSON(f *strictjson.Fault, schema []Column) *LineError {
	column := f.Place
	if end := strings.IndexAny(column, ".["); end >= 0 {
		column = column[:end]
	}
	if !slices.ContainsFunc(schema, func(c Column) bool { return c.Name == column }) {
		column = ""
	}
	e := &LineError{Column: column, Code: "import.json",
		Message: `the line is not one JSON object such as {"case_ref":"…",…}: ` + f.Error()}
	switch f.Kind {
	case strictjson.Repeated:
		e.Code, e.Message = "import.repeated_column", "the line names a member twice; remove one"
	case strictjson.Surrogate, strictjson.NUL:
		e.Code, e.Message = "import.json_value", f.Kind.String()+"; send the text without it"
	}
	return e
}

// plainValue is a JSON value that strictjson has checked, as a column would hold it.
func plainValue(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return strings.TrimSpace(s), err == nil
	case 'n':
		return "", true
	case '[':
		var list []*string // an entry that is null is not a text
		if json.Unmarshal(raw, &list) != nil {
			return "", false
		}
		texts := make([]string, len(list))
		for i, item := range list {
			if item == nil || strings.Contains(*item, ";") {
				return "", false
			}
			texts[i] = *item
		}
		return strings.TrimSpace(strings.Join(texts, ";")), true
	case '{', 't', 'f':
		return "", false
	}
	return string(raw), true
}
