package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// Kind is a kind of record: a type of documents in a branch's journal.
type Kind struct {
	// Name is the type on the wire, in the journal and in the case file.
	Name string
	// New makes an empty state.
	New func() any
	// Rules is the sync policy; the zero value: phones may not write it.
	Rules offline.Rules
	// Synced says that phones pull it.
	Synced bool
	// ByCase finds those of a case, in the order of the case file; zero when it is not below a case.
	ByCase journal.Index
	// Action is the entry's action when a phone or the office records one; "" where commands have their own.
	Action string

	report int // 1 + the index of the embedded Report in the state; 0 for none
}

func byCase(typ, order string) journal.Index {
	return journal.Index{Type: typ, Name: "case", Fields: []string{"case", order}}
}

// kinds is the table of all kinds. Whatever walks records walks it.
var kinds = withReports([]Kind{
	{Name: "cases", New: func() any { return &Case{} }, Rules: offline.Rules{Policy: offline.ServerOwned}, Synced: true},
	{Name: "contacts", New: func() any { return &Contact{} }, ByCase: byCase("contacts", "at")},
	{Name: "visits", New: func() any { return &Visit{} }, Rules: offline.Rules{Policy: offline.AppendOnly}, Synced: true,
		ByCase: byCase("visits", "at"), Action: "visit.record"},
	{Name: "visit_reviews", New: func() any { return &VisitReview{} }, ByCase: byCase("visit_reviews", "at")},
	{Name: "visit_notes", New: func() any { return &Note{} }, Rules: offline.Rules{Policy: offline.AppendOnly}, Synced: true,
		ByCase: byCase("visit_notes", "at"), Action: "note.record"},
	{Name: "consents", New: func() any { return &Consent{} }, Rules: offline.Rules{Policy: offline.AppendOnly}, Synced: true,
		ByCase: byCase("consents", "at"), Action: "consent.record"},
	{Name: "plans", New: func() any { return &Plan{} }, Rules: offline.Rules{Policy: offline.Decision}, Synced: true,
		ByCase: byCase("plans", "at"), Action: "plan.propose"},
	{Name: "assignments", New: func() any { return &Assignment{} }, Synced: true, ByCase: byCase("assignments", "date"),
		Rules: offline.Rules{Policy: offline.ServerOwned, PhoneFields: []string{"agent_status", "visit_order", "agent_remark"}}},
	{Name: "signatures", New: func() any { return &Signature{} }, Rules: offline.Rules{Policy: offline.AppendOnly}, Synced: true,
		ByCase: byCase("signatures", "at"), Action: "signature.record"},
	{Name: "payments_reported", New: func() any { return &PaymentReported{} }, Synced: true,
		Rules: offline.Rules{Policy: offline.AppendOnly}, ByCase: byCase("payments_reported", "at"), Action: "payment.report"},
	{Name: "payments", New: func() any { return &Payment{} }, ByCase: byCase("payments", "paid_at")},
	{Name: "alerts", New: func() any { return &Alert{} }},
	{Name: "erasures", New: func() any { return &Erasure{} }},
	{Name: "quarantine", New: func() any { return &Quarantined{} }},
	{Name: "policy", New: func() any { return &Policy{} }, Rules: offline.Rules{Policy: offline.ServerOwned}, Synced: true},
})

// withReports notes in which field of its state each kind's Report stands.
func withReports(all []Kind) []Kind {
	for i := range all {
		t := reflect.TypeOf(all[i].New()).Elem()
		for k := range t.NumField() {
			if f := t.Field(k); f.Anonymous && strings.HasSuffix(f.Name, "Report") {
				all[i].report = k + 1
			}
		}
	}
	return all
}

// Kinds lists all kinds, in the order of the case file.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindOf finds a kind by name.
func KindOf(name string) (Kind, bool) {
	for i := range kinds {
		if kinds[i].Name == name {
			return kinds[i], true
		}
	}
	return Kind{}, false
}

// Members lists the members of the kind's state.
func (k Kind) Members() []Member { return Members(reflect.TypeOf(k.New()).Elem()) }

// ReportMembers lists the members a phone may say; nil for a kind that phones do not write.
func (k Kind) ReportMembers() []Member {
	if k.report == 0 {
		return nil
	}
	return Members(reflect.TypeOf(k.New()).Elem().Field(k.report - 1).Type)
}

// checked is a report with rules besides its tags; now is the server's clock.
type checked interface {
	check(now time.Time) *refusal.Error
}

// Read reads what a phone says of a record of this kind into a new state: strictly
// in type, leniently in members. Members that are the server's own are left out, so
// that an app may send back the whole of what it pulled. Members that are not known
// come from a newer app: they are kept apart, in Taken.More. The refusal names the place.
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
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fields, &all); err != nil || all == nil {
		return nil, invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	said := map[string]json.RawMessage{}
	for _, m := range k.ReportMembers() {
		if v, ok := all[m.Name]; ok && string(v) != "null" {
			said[m.Name] = v
		}
		delete(all, m.Name)
	}
	// Newer members that the server gave back stand under "more".
	more := map[string]json.RawMessage{}
	if raw, ok := all["more"]; ok {
		if json.Unmarshal(raw, &more) != nil {
			more = map[string]json.RawMessage{}
		}
	}
	for _, m := range k.Members() {
		delete(all, m.Name)
	}
	for _, name := range serverNames {
		delete(all, name)
	}
	maps.Copy(more, all)
	for name := range more {
		if strings.HasPrefix(name, "_") || name == "id" || name == "rev" || name == "mut" {
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

// serverNames are the members that only answers have.
var serverNames = []string{"visit_no", "state_now", "instalments_now", "erased"}

// decodeStrict reads members one by one, so that a refusal can name the place.
func decodeStrict(said map[string]json.RawMessage, report any) *refusal.Error {
	text, err := json.Marshal(said)
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	if err = json.Unmarshal(text, report); err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return invalid("validation.type", memberPath(wrong.Field), "this has the wrong type; it should be %s", typeWord(wrong.Type))
	}
	if _, ok := refusal.Of(err); ok { // of geo
		return invalid("validation.point", "fields", "give a position as [lon, lat] in degrees, in this order")
	}
	return invalid("validation.type", "fields",
		"a value cannot be read; times are RFC 3339 with an offset, numbers are whole")
}

// memberPath is the place of a decoding error without the names of embedded structs, which JSON does not have.
func memberPath(field string) string {
	parts := strings.Split(field, ".")
	parts = slices.DeleteFunc(parts, func(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' })
	return strings.Join(parts, ".")
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object, or a time written as RFC 3339"
	}
	return "a whole number"
}

// keepMore seals the members of a newer app beside the state.
func keepMore(state any, more map[string]json.RawMessage) *refusal.Error {
	if len(more) == 0 {
		return nil
	}
	t, ok := state.(interface{ taken() *Taken })
	if !ok {
		return nil // an assignment: the phone has three members, and no others are kept
	}
	text, err := json.Marshal(more)
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	if len(text) > 16<<10 {
		return invalid("validation.too_large", "fields", "members that this server does not know may have 16 KiB")
	}
	part, err := seal.NewJSON(text)
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	t.taken().More = part
	return nil
}

// Same tells whether what was sent says what a stored state says: what was sent when
// it was made, or what the state says now, by value. Both must be opened; sent comes from Read.
func (k Kind) Same(stored, sent any) (bool, error) {
	x, err := k.Said(stored)
	if err != nil {
		return false, err
	}
	y, err := k.Said(sent)
	if err != nil || bytes.Equal(x, y) {
		return err == nil, err
	}
	was, ok := stored.(interface{ taken() *Taken })
	now, both := sent.(interface{ taken() *Taken })
	return ok && both && was.taken().Said.Plain() != "" && was.taken().Said.Plain() == now.taken().Said.Plain(), nil
}

// Said is what a phone said, in canonical form: the Report with its personal parts
// in the clear, and the members of newer apps.
func (k Kind) Said(state any) (json.RawMessage, error) {
	text, err := seal.ShowWith(state, func() ([]byte, error) {
		v := reflect.ValueOf(state).Elem().Field(k.report - 1)
		b, err := appendShown(nil, v, All|said, true)
		if err != nil {
			return nil, err
		}
		if t, ok := state.(interface{ taken() *Taken }); ok && t.taken().More.IsOpen() {
			b = append(b[:len(b)-1], `,"more":`...)
			b = append(append(b, t.taken().More.Plain()...), '}')
		}
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	return offline.Canonical(text), nil
}

// Patched is a report with some members changed: what the state says, in the clear,
// with the members of patch in their place. The state must be opened.
func (k Kind) Patched(state any, patch json.RawMessage) (json.RawMessage, error) {
	text, err := k.Said(state)
	if err != nil {
		return nil, err
	}
	var whole, named map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	if json.Unmarshal(patch, &named) != nil {
		return patch, nil // refused when it is read
	}
	maps.Copy(whole, named)
	return json.Marshal(whole)
}

// Check judges a state that did not come from a phone, as Read does.
func (k Kind) Check(state any, now time.Time) *refusal.Error {
	report := reflect.ValueOf(state).Elem().Field(k.report - 1).Addr().Interface()
	if bad := Check(report); bad != nil {
		return bad
	}
	if c, ok := report.(checked); ok {
		return c.check(now)
	}
	return nil
}
