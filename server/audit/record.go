package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// visitOf returns a visit's state and number from an entry.
func visitOf(raw json.RawMessage, id string) (state json.RawMessage, no uint64, err error) {
	e, err := journal.DecodeEntry(raw)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range e.Docs {
		if d.Type == journal.NumberedType && d.ID == id {
			return d.State, d.No, nil
		}
	}
	return nil, 0, errors.New("the entry does not hold this visit")
}

// recordOf turns a visit's stored state into the exported record: it replaces sealed
// parts by their revealed values and drops those without a reveal. Members are sorted by
// name, so that the same state and reveals give the same bytes.
func recordOf(state json.RawMessage, reveals []seal.Reveal) (json.RawMessage, error) {
	shown := map[string]seal.Reveal{}
	for _, r := range reveals {
		shown[r.Field] = r
	}
	d := json.NewDecoder(bytes.NewReader(state))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	out, keep, err := unsealed(v, "", shown)
	if err != nil {
		return nil, err
	}
	if !keep {
		return nil, errors.New("the state is sealed as a whole")
	}
	if len(shown) > 0 {
		return nil, fmt.Errorf("the line reveals values that the entry does not hold: %s",
			strings.Join(slices.Sorted(maps.Keys(shown)), ", "))
	}
	return encodeLine(out)
}

// unsealed returns v with its sealed parts replaced by their reveals from shown, which it removes from the
// map. keep is false if v is a sealed part without a reveal.
func unsealed(v any, path string, shown map[string]seal.Reveal) (out any, keep bool, err error) {
	switch v := v.(type) {
	case map[string]any:
		if isSealed(v) {
			r, ok := shown[path]
			if !ok {
				return nil, false, nil
			}
			delete(shown, path)
			part, err := json.Marshal(v)
			if err != nil {
				return nil, false, err
			}
			if err := r.Check(part); err != nil {
				return nil, false, fmt.Errorf("%s: %w", path, err)
			}
			d := json.NewDecoder(bytes.NewReader(r.Value))
			d.UseNumber()
			err = d.Decode(&out)
			return out, true, err
		}
		m := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			x, keep, err := unsealed(v[name], seal.Below(path, name), shown)
			if err != nil {
				return nil, false, err
			}
			if keep {
				m[name] = x
			}
		}
		return m, true, nil
	case []any:
		list := []any{}
		for i, x := range v {
			x, keep, err := unsealed(x, seal.Below(path, strconv.Itoa(i)), shown)
			if err != nil {
				return nil, false, err
			}
			if keep {
				list = append(list, x)
			}
		}
		return list, true, nil
	}
	return v, true, nil
}

// isSealed tells by its members whether an object is a sealed part.
func isSealed(m map[string]any) bool {
	if len(m) != 3 {
		return false
	}
	for _, name := range []string{"k", "s", "c"} {
		if _, ok := m[name].(string); !ok {
			return false
		}
	}
	return true
}
