package record

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"time"

	"doorstep/auth/strictjson"
	"doorstep/sync/seal"
)

// Show writes a record as an audience sees it: the members that its see tags allow,
// personal ones in the clear, and the members a newer app sent apart from them,
// under "more". state is a pointer to the caller's own copy with its personal parts
// opened; one whose key is destroyed is null, and the object then says "erased": true.
func Show(state any, to Audience) (json.RawMessage, error) {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	out, err := seal.ShowWith(state, func() ([]byte, error) {
		return appendShown((*scratch)[:0], reflect.ValueOf(state).Elem(), to, false)
	})
	if err != nil {
		return nil, err
	}
	*scratch = out
	return bytes.Clone(out), nil
}

// scratches holds buffers in which Show writes: a page of documents would otherwise grow a buffer for each of them.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// appendShown writes a struct. inherit says that members without a see tag are allowed.
func appendShown(b []byte, v reflect.Value, to Audience, inherit bool) ([]byte, error) {
	b = append(b, '{')
	first := true
	ms := Members(v.Type())
	for i := range ms {
		m := &ms[i]
		if m.Server && to&said != 0 || m.See&to == 0 && !(inherit && m.See == 0) {
			continue
		}
		f := m.of(v)
		if m.Optional && isEmpty(f) || to&listed != 0 && m.IsPersonal() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = strconv.AppendQuote(b, m.Name) // names are letters, digits and _
		b = append(b, ':')
		var err error
		if b, err = appendValue(b, f, to); err != nil {
			return nil, fmt.Errorf("show %s: %w", m.Name, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, f reflect.Value, to Audience) ([]byte, error) {
	t := f.Type()
	switch {
	case isInner(t):
		return appendShown(b, f, to, true)
	case t.Kind() == reflect.Pointer && isInner(t.Elem()):
		if f.IsNil() {
			return append(b, "null"...), nil
		}
		return appendShown(b, f.Elem(), to, true)
	case t.Kind() == reflect.Slice && isInner(t.Elem()):
		b = append(b, '[')
		for i := range f.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendShown(b, f.Index(i), to, true); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case t == timeType:
		return append(f.Addr().Interface().(*time.Time).AppendFormat(append(b, '"'), time.RFC3339), '"'), nil
	case t.Kind() == reflect.Slice && f.IsNil() && t.Elem().Kind() != reflect.Uint8:
		return append(b, "[]"...), nil
	case f.CanInt():
		return strconv.AppendInt(b, f.Int(), 10), nil
	case f.Kind() == reflect.Bool:
		return strconv.AppendBool(b, f.Bool()), nil
	}
	switch x := f.Addr().Interface().(type) {
	case *seal.Text:
		return x.AppendJSON(b)
	case json.Marshaler, encoding.TextMarshaler:
	default:
		if f.Kind() == reflect.String {
			return strictjson.AppendString(b, f.String()), nil
		}
	}
	text, err := json.Marshal(f.Addr().Interface())
	return append(b, text...), err
}

// isEmpty tells whether a member that may be absent is absent.
func isEmpty(f reflect.Value) bool {
	if z, ok := f.Addr().Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	switch f.Kind() {
	case reflect.Slice, reflect.Map:
		return f.Len() == 0
	}
	return f.IsZero()
}

// ShowListed writes a record as it stands in a list: without its personal parts, which need not be opened.
func ShowListed(state any, to Audience) (json.RawMessage, error) {
	return appendShown(make([]byte, 0, 512), reflect.ValueOf(state).Elem(), to|listed, false)
}

// Marks beside an audience: of a list, and of what a phone said.
const (
	listed Audience = 1 << 7
	said   Audience = 1 << 6
)
