package seal

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Each calls fn for every personal part that has a value, anywhere in a document:
// a pointer to a state. It finds them by their type, in nested structs, slices,
// arrays, maps and behind pointers, so that a state need not list them. It does
// not look behind interfaces, nor into types that write their own JSON; a part
// that stands there unsealed cannot be stored, since it refuses to be encoded.
//
// field is the way to the part, by the names of the JSON members with dots
// between, and the position in a list: "check_in.point", "agents.0.name". In a
// map's key "~" is written "~0" and "." is written "~1". A part that is sealed
// belongs to this place: a list of them must not be reordered or shortened in
// front once it is stored; a list that changes is one Value.
func Each(doc any, fn func(field string, p Part)) {
	v := reflect.ValueOf(doc)
	if !v.IsValid() {
		return
	}
	if w := walkerOf(v.Type()); w != nil {
		w(v, nil, fn)
	}
}

// walker visits the parts of a value of one type. at is the way to it.
type walker func(v reflect.Value, at []string, fn func(string, Part))

// walkers remembers, by type, how its parts are found; a nil walker: it has none.
// Types do not change while the program runs, so that this cache is never stale.
var walkers sync.Map // reflect.Type → walker

var (
	partType      = reflect.TypeFor[Part]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
)

func walkerOf(t reflect.Type) walker {
	if w, ok := walkers.Load(t); ok {
		return w.(walker)
	}
	w := makeWalker(t, map[reflect.Type]bool{})
	walkers.Store(t, w)
	return w
}

// makeWalker looks at a type. within holds the types that are being looked at: a
// type that contains itself is looked up when a value is walked.
func makeWalker(t reflect.Type, within map[reflect.Type]bool) walker {
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(partType) {
		return func(v reflect.Value, at []string, fn func(string, Part)) {
			if p := v.Addr().Interface().(Part); !p.core().IsZero() {
				fn(strings.Join(at, "."), p)
			}
		}
	}
	if p := reflect.PointerTo(t); t.Kind() != reflect.Pointer && (p.Implements(marshalerType) || p.Implements(textType)) {
		return nil
	}
	if within[t] {
		return func(v reflect.Value, at []string, fn func(string, Part)) {
			if w := walkerOf(t); w != nil {
				w(v, at, fn)
			}
		}
	}
	within[t] = true
	defer delete(within, t)
	switch t.Kind() {
	case reflect.Pointer:
		if w := makeWalker(t.Elem(), within); w != nil {
			return func(v reflect.Value, at []string, fn func(string, Part)) {
				if !v.IsNil() {
					w(v.Elem(), at, fn)
				}
			}
		}
	case reflect.Struct:
		return structWalker(t, within)
	case reflect.Slice, reflect.Array:
		if w := makeWalker(t.Elem(), within); w != nil {
			return func(v reflect.Value, at []string, fn func(string, Part)) {
				for i := range v.Len() {
					w(v.Index(i), append(at, strconv.Itoa(i)), fn)
				}
			}
		}
	case reflect.Map:
		if w := makeWalker(t.Elem(), within); w != nil {
			return mapWalker(t, w)
		}
	}
	return nil
}

func structWalker(t reflect.Type, within map[reflect.Type]bool) walker {
	type member struct {
		index int
		name  string // "" for an embedded struct, whose members are t's own
		walk  walker
	}
	var members []member
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		embedded := f.Anonymous && tag == "" && (f.Type.Kind() == reflect.Struct ||
			f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct)
		if tag == "-" && options == "" || !f.IsExported() && !embedded {
			continue
		}
		w := makeWalker(f.Type, within)
		switch {
		case w == nil:
			continue
		case embedded:
			tag = ""
		case tag == "":
			tag = f.Name
		}
		members = append(members, member{i, escape(tag), w})
	}
	if len(members) == 0 {
		return nil
	}
	return func(v reflect.Value, at []string, fn func(string, Part)) {
		for _, m := range members {
			if m.name == "" {
				m.walk(v.Field(m.index), at, fn)
			} else {
				m.walk(v.Field(m.index), append(at, m.name), fn)
			}
		}
	}
}

// mapWalker walks copies of a map's values, which have no address of their own, and puts them back.
func mapWalker(t reflect.Type, w walker) walker {
	name := func(k reflect.Value) string { return k.String() }
	switch {
	case t.Key().Kind() == reflect.String && !t.Key().Implements(textType):
	case reflect.Zero(t.Key()).CanInt():
		name = func(k reflect.Value) string { return strconv.FormatInt(k.Int(), 10) }
	default:
		panic(fmt.Sprintf("seal: a map with personal parts has keys of type %v; use strings", t.Key()))
	}
	return func(v reflect.Value, at []string, fn func(string, Part)) {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(name(a), name(b)) })
		for _, k := range keys {
			x := reflect.New(t.Elem()).Elem()
			x.Set(v.MapIndex(k))
			w(x, append(at, escape(name(k))), fn)
			v.SetMapIndex(k, x)
		}
	}
}

// Below is the way, as Each gives it, to a member of what stands at path; path "" is
// the document itself. Numbers of lists need no escaping.
func Below(path, member string) string {
	if path == "" {
		return escape(member)
	}
	return path + "." + escape(member)
}

func escape(member string) string {
	return strings.ReplaceAll(strings.ReplaceAll(member, "~", "~0"), ".", "~1")
}
