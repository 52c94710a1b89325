package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
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
// are taken as they are; a list of strings is joined by semicolons.
func splitJSON(text []byte, schema []Column) ([]string, *LineError) {
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
		k := slices.IndexFunc(schema, func(c Column) bool { return c.Name == name })
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
		if schema[k].Boolean && (raw[0] == 't' || raw[0] == 'f') {
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
