package record

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/sync/seal"
)

// Member is one member of a record, or of a struct inside one, as its Go type declares it.
type Member struct {
	Name string // in JSON
	Type reflect.Type
	Is   string   // the is tag
	See  Audience // of the see tag; 0 without one
	Most int      // of the most tag; 0 without one
	// Need is the need tag: the words with which a report without the member is refused; ""
	// for a member that may be left out.
	Need string
	// Server says that the server fills it in, inside a struct that the phone sends (from:"server").
	Server bool
	// Optional says that an empty value is left out.
	Optional bool

	index []int
}

// of gives the member's value in a struct. Embedded structs are never pointers.
func (m *Member) of(v reflect.Value) reflect.Value { return v.FieldByIndex(m.index) }

// IsPersonal tells whether the member is sealed under the debtor's key.
func (m *Member) IsPersonal() bool { return isPart(m.Type) }

// Members lists the members of a struct type in the order of their declaration,
// those of embedded structs in their place. It panics on a see or most tag that
// cannot be read: the tests meet every type.
func Members(t reflect.Type) []Member {
	if known, ok := membersOf.Load(t); ok {
		return known.([]Member)
	}
	var out []Member
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			for _, inner := range Members(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				if inner.See == 0 {
					inner.See = readSee(f.Tag.Get("see"))
				}
				if of, words, _ := strings.Cut(f.Tag.Get("need"), ": "); of == inner.Name {
					inner.Need = words
				}
				out = append(out, inner)
			}
			continue
		case name == "":
			name = f.Name
		}
		m := Member{Name: name, Type: f.Type, Is: f.Tag.Get("is"), See: readSee(f.Tag.Get("see")), index: []int{i},
			Need:     f.Tag.Get("need"),
			Server:   f.Tag.Get("from") == "server",
			Optional: strings.Contains(options, "omit") || f.Type.Kind() == reflect.Pointer}
		if most := f.Tag.Get("most"); most != "" {
			n, err := strconv.Atoi(most)
			if err != nil {
				panic("record: the most tag of " + t.Name() + "." + f.Name + " is not a number")
			}
			m.Most = n
		}
		out = append(out, m)
	}
	membersOf.Store(t, out)
	return out
}

// membersOf remembers the members by type. Types do not change while the program runs.
var membersOf sync.Map // reflect.Type → []Member

var (
	timeType = reflect.TypeFor[time.Time]()
	partType = reflect.TypeFor[seal.Part]()
)

func isPart(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(partType)
}

// elem is the struct, or other type, behind pointers and lists.
func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// isInner tells whether a type is a struct whose members are looked at one by one.
func isInner(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != timeType && !isPart(t)
}
