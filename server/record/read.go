package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// checked is a report with rules besides its tags; now is the server's clock.
type checked interface {
	check(now time.Time) *refusal.Error
}

// mostOfRecord is how many bytes a record may have, as a phone sends it, in canonical form: without white space and
// members that are null.
const mostOfRecord = 64 << 10

// CodeTooLarge refuses a record that has more, or that has more than a document may have once it is sealed.
const CodeTooLarge = "record_too_large"

// Read reads what a phone says of a record of this kind into a new state: strictly
// in type, leniently in members. Members that are the server's own are left out, so
// that an app may send back the whole of what it pulled. Members that are not known
// come from a newer app: they are kept apart, in Taken.More, those of inner objects
// under the outer one's name. Names are compared exactly, and a name that stands twice
// in one object is refused. now is the server's clock. The refusal names the place.
func (k Kind) Read(fields json.RawMessage, now time.Time) (state any, bad *refusal.Error) {
	state, bad = k.read(fields)
	if bad != nil {
		return nil, bad
	}
	if bad = k.Check(state, now); bad != nil {
		return nil, bad
	}
	return state, k.keepSaid(state)
}

// keepSaid notes the hash of what was sent, before the server completes it.
func (k Kind) keepSaid(state any) *refusal.Error {
	t, ok := state.(interface{ taken() *Taken })
	if !ok {
		return nil
	}
	hash, err := k.hash(state)
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this cannot be written as JSON again")
	}
	t.taken().Said = seal.NewText(hash)
	return nil
}

func (k Kind) hash(state any) (string, error) {
	text, err := k.Said(state)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func (k Kind) read(fields json.RawMessage) (any, *refusal.Error) {
	if k.report == 0 {
		return nil, invalid(offline.CodeUnknownType, "type", "phones do not write records of this type")
	}
	members, f := strictjson.Members(fields)
	if f != nil {
		return nil, notObject(f, k.memberAt(f.Place))
	}
	// What is not too large as it was sent is not so in canonical form, which costs to write.
	if len(fields) > mostOfRecord && len(offline.Canonical(fields)) > mostOfRecord {
		return nil, invalid(CodeTooLarge, "fields", "a record has at most 64 KiB")
	}
	all := objectOf(members)
	more, bad := readMore(all["more"])
	if bad != nil {
		return nil, bad
	}
	ours := map[string]bool{"more": true}
	for _, name := range serverNames {
		ours[name] = true
	}
	for _, m := range k.Members() {
		ours[m.Name] = true
	}
	said := object{}
	for _, m := range k.ReportMembers() {
		if value, ok := more[m.Name]; ok && (value[0] == '{' || value[0] == '[') && isInner(elem(m.Type)) {
			// Below a member of ours only what is not known here is kept.
			if _, rest, bad := split(value, m.Type, "more."+m.Name); bad != nil {
				return nil, bad
			} else if more[m.Name] = rest; rest == nil {
				delete(more, m.Name)
			}
		}
		value, ok := all[m.Name]
		delete(ours, m.Name)
		delete(all, m.Name)
		if !ok || isNull(value) {
			continue
		}
		known, rest, bad := split(value, m.Type, m.Name)
		if bad != nil {
			return nil, bad
		}
		said[m.Name] = known
		if rest != nil {
			more.add(m.Name, rest)
		}
	}
	for name, value := range all {
		if !isNull(value) {
			more.add(name, value)
		}
	}
	for name := range more {
		switch {
		case ours[name]:
			delete(more, name)
		case isProtocolName(name):
			return nil, invalid("validation.name", "fields",
				"names that start with _, and id, rev and mut, are the protocol's own")
		}
	}
	state := k.New()
	report := reflect.ValueOf(state).Elem().Field(k.report - 1).Addr().Interface()
	if bad := decodeStrict(said, report); bad != nil {
		return nil, bad
	}
	if seal.CheckOpen(report) != nil {
		return nil, invalid("validation.fields", "fields", "a personal part is sent in the clear, not sealed")
	}
	if bad := keepMore(state, more); bad != nil {
		return nil, bad
	}
	return state, nil
}

// memberAt is the member of a record of this kind that a place lies in; "" if the place is
// not below a member of ours. Other names are not repeated: receipts are kept for ever.
func (k Kind) memberAt(place string) string {
	end := strings.IndexAny(place, ".[")
	if end < 0 {
		return ""
	}
	name := place[:end]
	if name == "more" || slices.ContainsFunc(k.Members(), func(m Member) bool { return m.Name == name }) {
		return name
	}
	return ""
}

// serverNames are the members that only answers have.
var serverNames = []string{"visit_no", "state_now", "instalments_now", "erased", "confirmed_by", "unconfirmed_agents"}

// object is a JSON object, by its members.
type object map[string]json.RawMessage

// add adds a member. Where both are objects, the members of the value join those that are there.
func (o object) add(name string, value json.RawMessage) {
	was, bad := readObject(o[name], "")
	now, worse := readObject(value, "")
	if bad != nil || worse != nil {
		o[name] = value
		return
	}
	for inner, v := range now {
		was.add(inner, v)
	}
	o[name] = encodeRaw(was)
}

// readObject reads an object: one JSON value of the form that strictjson takes, at any depth.
func readObject(raw json.RawMessage, at string) (object, *refusal.Error) {
	members, f := strictjson.Members(raw)
	if f != nil {
		return nil, notObject(f, at)
	}
	return objectOf(members), nil
}

func objectOf(members []strictjson.Member) object {
	out := make(object, len(members))
	for _, m := range members {
		out[m.Name] = m.Value
	}
	return out
}

// notObject is the refusal of a text that should be an object; at is its place, "" for all fields.
func notObject(f *strictjson.Fault, at string) *refusal.Error {
	switch {
	case f.Kind == strictjson.Repeated:
		return invalid("validation.duplicate", orWord(at, "fields"), "a name stands twice in one object")
	case at == "":
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	return invalid("validation.type", at, "this has the wrong type; it should be an object")
}

// readMore reads the members of newer apps that a phone sends back as it was given
// them. One that nested them once more is understood.
func readMore(raw json.RawMessage) (object, *refusal.Error) {
	out := object{}
	for len(raw) > 0 && raw[0] == '{' {
		more, bad := readObject(raw, "more")
		if bad != nil {
			return nil, bad
		}
		raw = more["more"]
		delete(more, "more")
		for name, value := range more {
			if !isNull(value) {
				out.add(name, value)
			}
		}
	}
	return out, nil
}

// split parts what a phone says of a member of type t: what this server knows, and
// what only a newer app knows (nil for nothing). What only the server may say is in
// neither. Whole numbers are written by their digits: 1000.0 and 1e3 are 1000. A value of another form than t's is left
// whole for decodeStrict to refuse.
func split(raw json.RawMessage, t reflect.Type, at string) (known, rest json.RawMessage, bad *refusal.Error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isPart(t) {
		plain, ok := reflect.PointerTo(t).MethodByName("Plain")
		if !ok || plain.Type.NumOut() != 1 {
			return raw, nil, nil // a position
		}
		if t = plain.Type.Out(0); t.Kind() != reflect.Slice && t.Kind() != reflect.Struct {
			return raw, nil, nil
		}
	}
	switch {
	case t.Kind() == reflect.Slice && (isInner(t.Elem()) || isWhole(t.Elem())) && raw[0] == '[':
		return splitList(raw, t.Elem(), at)
	case isWhole(t) && bytes.ContainsAny(raw, ".eE"):
		if digits, ok := strictjson.Whole(string(raw)); ok {
			raw = json.RawMessage(digits)
		}
	case isInner(t) && raw[0] == '{':
		return splitObject(raw, t, at)
	}
	return raw, nil, nil
}

// isWhole tells whether values of a type are whole numbers.
func isWhole(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 && t != byteType
}

var byteType = reflect.TypeFor[byte]()

func splitObject(raw json.RawMessage, t reflect.Type, at string) (known, rest json.RawMessage, bad *refusal.Error) {
	all, bad := readObject(raw, at)
	if bad != nil {
		return nil, nil, bad
	}
	ours, theirs := object{}, object{}
	for _, m := range Members(t) {
		value, ok := all[m.Name]
		delete(all, m.Name)
		if !ok || m.Server || isNull(value) {
			continue
		}
		k, r, bad := split(value, m.Type, at+"."+m.Name)
		if bad != nil {
			return nil, nil, bad
		}
		ours[m.Name] = k
		if r != nil {
			theirs[m.Name] = r
		}
	}
	for name, value := range all {
		if !isNull(value) {
			theirs[name] = value
		}
	}
	if len(theirs) > 0 {
		rest = encodeRaw(theirs)
	}
	return encodeRaw(ours), rest, nil
}

// splitList parts a list of objects: rest has an entry for each of them, null for nothing.
func splitList(raw json.RawMessage, t reflect.Type, at string) (known, rest json.RawMessage, bad *refusal.Error) {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return raw, nil, nil
	}
	ours, theirs := make([]json.RawMessage, len(all)), make([]json.RawMessage, len(all))
	for i := range all {
		if ours[i], theirs[i], bad = split(all[i], t, entry(at, i)); bad != nil {
			return nil, nil, bad
		}
	}
	if slices.ContainsFunc(theirs, func(r json.RawMessage) bool { return r != nil }) {
		rest = encodeRaw(theirs)
	}
	return encodeRaw(ours), rest, nil
}

// encodeRaw writes what consists of JSON that was read.
func encodeRaw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("record: JSON that was read cannot be written: " + err.Error())
	}
	return text
}

// isProtocolName tells whether records of phones may not have a member of this name: clients keep members of their own
// beside those of the record.
func isProtocolName(name string) bool {
	return strings.HasPrefix(name, "_") || name == "id" || name == "rev" || name == "mut"
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// keepMore seals the members of a newer app beside the state.
func keepMore(state any, more object) *refusal.Error {
	if len(more) == 0 {
		return nil
	}
	if d, is := state.(*Draft); is {
		return d.keep(more)
	}
	t, ok := state.(interface{ taken() *Taken })
	if !ok {
		return nil // an assignment: the phone has three members, and no others are kept
	}
	part, err := seal.NewJSON(encodeRaw(more))
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	t.taken().More = part
	return nil
}
