package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Marshal writes a document as it is stored. A part that is not sealed is an error.
func Marshal(doc any) (json.RawMessage, error) { return json.Marshal(doc) }

// Show writes a document as people and phones read it: texts as strings, positions
// as [lon, lat] in degrees, JSON and values as they are. A part whose key is
// destroyed is null, and the object then has the member "erased": true. A part that
// was never opened is an error. Show marks the parts while it runs: the document
// must be a pointer to the caller's own copy, which is as before when Show returns.
func Show(doc any) (json.RawMessage, error) {
	return ShowWith(doc, func() ([]byte, error) { return encodePlain(doc) })
}

// Erased tells whether opening found a part of the document whose key is destroyed.
func Erased(doc any) (erased bool) {
	Each(doc, func(_ string, p Part) { erased = erased || p.core().erased })
	return erased
}

// CheckOpen refuses a document that was read from outside and holds a part in its
// sealed form, which only the journal may hold. The error names the member.
func CheckOpen(doc any) error {
	var bad error
	Each(doc, func(field string, p Part) {
		if bad == nil && !p.core().open {
			bad = fmt.Errorf("%s: this looks like a sealed part, which only the server makes", field)
		}
	})
	return bad
}

// CheckSealed refuses a document that was read from the store and holds a part in the clear. The error names
// the member.
func CheckSealed(doc any) error {
	var bad error
	Each(doc, func(field string, p Part) {
		if bad == nil && p.core().key == "" {
			bad = fmt.Errorf("%s: a personal part is stored in the clear", field)
		}
	})
	return bad
}

// ShowWith is Show with another encoder: while encode runs, the parts of the
// document write their values. encode writes one JSON object.
func ShowWith(doc any, encode func() ([]byte, error)) (json.RawMessage, error) {
	erased := false
	mark := func(on bool) {
		Each(doc, func(_ string, p Part) {
			c := p.core()
			c.shown = on
			erased = erased || c.erased
		})
	}
	mark(true)
	defer mark(false)
	out, err := encode()
	if err != nil || !erased {
		return out, err
	}
	body, object := bytes.CutSuffix(out, []byte("}"))
	switch {
	case !object:
		return nil, errors.New("seal: an erased document is not an object")
	case len(body) > 1:
		body = append(body, ',')
	}
	return append(body, `"erased":true}`...), nil
}
