package mongostore

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxDepth is how deep the native form goes; a server takes 100.
const maxDepth = 32

// nativeName says whether a field can be stored under its own name everywhere.
func nativeName(name string) bool {
	return name != "" && name[0] != '$' && !strings.ContainsAny(name, ".\x00")
}

// native gives the fields of a state that have an exact form in BSON: strings,
// booleans, null, int64, objects of these, and arrays that hold no array. A field
// that an index names is kept only when the index is to see it: a string or an integer.
func native(state []byte, indexed map[string]bool) bson.D {
	d := json.NewDecoder(bytes.NewReader(state))
	d.UseNumber()
	v, ok, err := read(d, 0)
	doc, isObject := v.(bson.D)
	if err != nil || !ok || !isObject {
		return bson.D{} // without fields
	}
	out := doc[:0]
	for _, e := range doc {
		if indexed[e.Key] {
			switch e.Value.(type) {
			case string, int64:
			default:
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// read reads the next value; ok is false when it has no exact native form.
func read(d *json.Decoder, depth int) (v any, ok bool, err error) {
	t, err := d.Token()
	if err != nil {
		return nil, false, err
	}
	switch t := t.(type) {
	case json.Number:
		n, err := strconv.ParseInt(t.String(), 10, 64)
		return n, err == nil, nil
	case json.Delim:
		if t == '{' {
			return readObject(d, depth+1)
		}
		return readArray(d, depth+1)
	}
	return t, true, nil
}

func readObject(d *json.Decoder, depth int) (any, bool, error) {
	out := bson.D{}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, false, err
		}
		name, _ := t.(string)
		v, ok, err := read(d, depth)
		if err != nil {
			return nil, false, err
		}
		if ok && nativeName(name) && !seen[name] {
			out = append(out, bson.E{Key: name, Value: v})
		}
		seen[name] = true
	}
	_, err := d.Token()
	return out, depth <= maxDepth, err
}

func readArray(d *json.Decoder, depth int) (any, bool, error) {
	out, whole := bson.A{}, depth <= maxDepth
	for d.More() {
		v, ok, err := read(d, depth)
		if err != nil {
			return nil, false, err
		}
		if _, nested := v.(bson.A); nested || !ok {
			whole = false
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return out, whole, err
}

// text is how JSON is stored: as a string, or as bytes should it not be UTF-8.
func text(b []byte) any {
	if utf8.Valid(b) {
		return string(b)
	}
	return bson.Binary{Data: b}
}

// untext reads what text gave; nil for nothing.
func untext(v bson.RawValue) []byte {
	if s, ok := v.StringValueOK(); ok && s != "" {
		return []byte(s)
	}
	if _, b, ok := v.BinaryOK(); ok {
		return bytes.Clone(b)
	}
	return nil
}
