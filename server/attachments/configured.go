package attachments

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorstep/auth/strictjson"
)

// mostBytes bounds what an organisation may allow for one attachment.
const mostBytes = 1 << 30

// mostPixels bounds a picture: decoded it takes four bytes for each, and as much again while it is written anew.
const mostPixels = 64 << 20

// ReadLimits reads the limits that an organisation sets, as JSON of the form of Limits. What the text does not name
// stays as DefaultLimits has it; of a kind it may name bytes, types or a_case_and_day alone. The error names the member
// and what it may be.
func ReadLimits(text []byte) (Limits, error) {
	l := DefaultLimits()
	if fault := strictjson.Check(text); fault != nil {
		return l, fmt.Errorf("the limits of uploads are no JSON: %w", fault)
	}
	in := struct {
		Kinds   map[string]json.RawMessage `json:"kinds"`
		Uploads *int                       `json:"uploads_a_day"`
		Bytes   *int64                     `json:"bytes_a_day"`
		Pixels  *int                       `json:"pixels"`
	}{Uploads: &l.Uploads, Bytes: &l.Bytes, Pixels: &l.Pixels}
	if err := strictly(text, &in); err != nil {
		return l, fmt.Errorf("the limits of uploads: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Kinds)) {
		kind, known := l.Kinds[name]
		if !known {
			return l, fmt.Errorf("kinds.%s: there is no such kind; write %s", name,
				strings.Join(slices.Sorted(maps.Keys(l.Kinds)), ", "))
		}
		if err := strictly(in.Kinds[name], &kind); err != nil {
			return l, fmt.Errorf("kinds.%s: %w", name, err)
		}
		l.Kinds[name] = kind
	}
	return l, l.valid()
}

// strictly reads JSON into v and refuses members that v does not have, and null.
func strictly(text []byte, v any) error {
	if bytes.Contains(text, []byte("null")) {
		return fmt.Errorf("null is no limit; leave the member out for the default")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// valid says what is out of range.
func (l Limits) valid() error {
	within := func(name string, n, least, most int64) error {
		if n < least || n > most {
			return fmt.Errorf("%s: %d is out of range; write a number from %d to %d", name, n, least, most)
		}
		return nil
	}
	for _, check := range []error{
		within("uploads_a_day", int64(l.Uploads), 1, 100_000),
		within("bytes_a_day", l.Bytes, 1, 1<<40),
		within("pixels", int64(l.Pixels), 1, mostPixels),
	} {
		if check != nil {
			return check
		}
	}
	shipped := DefaultLimits()
	for _, name := range slices.Sorted(maps.Keys(l.Kinds)) {
		k := l.Kinds[name]
		if err := within("kinds."+name+".bytes", k.Bytes, 1, mostBytes); err != nil {
			return err
		}
		if err := within("kinds."+name+".a_case_and_day", int64(k.CaseDay), 1, 10_000); err != nil {
			return err
		}
		if len(k.Types) == 0 {
			return fmt.Errorf("kinds.%s.types: name at least one media type", name)
		}
		for _, t := range k.Types {
			if !slices.Contains(shipped.Kinds[name].Types, t) {
				return fmt.Errorf("kinds.%s.types: %q cannot be taken; write some of %s", name, t,
					strings.Join(shipped.Kinds[name].Types, ", "))
			}
		}
	}
	return nil
}
