package record

import (
	"encoding/json"
	"fmt"
	"reflect"

	"doorstep/auth/refusal"
	"doorstep/sync/seal"
)

// decodeStrict reads the members into a report; a refusal names the place.
func decodeStrict(said object, report any) *refusal.Error {
	text := encodeRaw(said)
	if json.Unmarshal(text, report) == nil {
		return nil
	}
	at, t := unreadable(text, reflect.TypeOf(report), "")
	if at == "" {
		at = "fields"
	}
	switch {
	case t == pointType:
		return invalid("validation.point", at, "give a position as [lon, lat] in degrees, in this order")
	case t == timeType:
		return invalid("validation.type", at, "write a time as RFC 3339 with an offset, such as 2026-11-25T10:00:00+01:00")
	}
	return invalid("validation.type", at, "this has the wrong type; it should be %s", typeWord(t))
}

var pointType = reflect.TypeFor[seal.Point]()

// unreadable finds the first value in a text that cannot be read as a t, with its place and the
// type that it should have. The text must not be readable as a whole.
func unreadable(text json.RawMessage, t reflect.Type, at string) (string, reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	leaf := t
	if isPart(t) && t != pointType {
		if plain, ok := reflect.PointerTo(t).MethodByName("Plain"); ok {
			t = plain.Type.Out(0)
		}
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && text[0] == '[':
		var all []json.RawMessage
		if json.Unmarshal(text, &all) != nil {
			break
		}
		for i, one := range all {
			if !reads(one, t.Elem()) {
				return unreadable(one, t.Elem(), entry(at, i))
			}
		}
	case isInner(t) && text[0] == '{':
		all, bad := readObject(text, at)
		if bad != nil {
			break
		}
		for _, m := range Members(t) {
			if value, ok := all[m.Name]; ok && !reads(value, m.Type) {
				return unreadable(value, m.Type, place(at, &m))
			}
		}
	}
	return at, leaf
}

// reads tells whether a value can be read as a t.
func reads(text json.RawMessage, t reflect.Type) bool {
	return json.Unmarshal(text, reflect.New(t).Interface()) == nil
}

// entry is the place of an entry of the list at a place.
func entry(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

// typeWord says what a value of a type looks like in JSON.
func typeWord(t reflect.Type) string {
	if isPart(t) {
		if plain, ok := reflect.PointerTo(t).MethodByName("Plain"); ok {
			t = plain.Type.Out(0)
		}
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	}
	return "a whole number"
}
