package record

import (
	"bytes"
	"encoding/json"
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
	// Private says that a record is seen by the phones of the agent who made it alone: neither the office's case file nor
	// an export has it, and it does not move with its debtor.
	Private bool
	// Since is the schema version of the apps that brought the kind: 0 for the first.
	Since int
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
	{Name: "correction_reviews", New: func() any { return &CorrectionReview{} },
		ByCase: byCase("correction_reviews", "at")},
	{Name: "visit_confirmations", New: func() any { return &Confirmation{} }, Since: 2,
		Rules: offline.Rules{Policy: offline.AppendOnly}, Synced: true,
		ByCase: byCase("visit_confirmations", "at"), Action: "visit.confirm"},
	{Name: "visit_notes", New: func() any { return &Note{} }, Rules: offline.Rules{Policy: offline.AppendOnly},
		Synced: true,
		ByCase: byCase("visit_notes", "at"), Action: "note.record"},
	{Name: "consents", New: func() any { return &Consent{} }, Rules: offline.Rules{Policy: offline.AppendOnly},
		Synced: true,
		ByCase: byCase("consents", "at"), Action: "consent.record"},
	{Name: "plans", New: func() any { return &Plan{} }, Rules: offline.Rules{Policy: offline.Decision}, Synced: true,
		ByCase: byCase("plans", "at"), Action: "plan.propose"},
	{Name: "assignments", New: func() any { return &Assignment{} }, Synced: true, ByCase: byCase("assignments", "date"),
		Rules: offline.Rules{Policy: offline.ServerOwned}},
	{Name: "signatures", New: func() any { return &Signature{} }, Rules: offline.Rules{Policy: offline.AppendOnly},
		Synced: true,
		ByCase: byCase("signatures", "at"), Action: "signature.record"},
	{Name: "payments_reported", New: func() any { return &PaymentReported{} }, Synced: true,
		Rules: offline.Rules{Policy: offline.AppendOnly}, ByCase: byCase("payments_reported",
			"at"), Action: "payment.report"},
	{Name: "attachments", New: func() any { return &StoredAttachment{} }, Synced: true, Since: 3,
		Rules: offline.Rules{Policy: offline.ServerOwned}, ByCase: byCase("attachments", "at")},
	{Name: "payments", New: func() any { return &Payment{} }, ByCase: byCase("payments", "paid_at")},
	{Name: "complaints", New: func() any { return &Complaint{} }, ByCase: byCase("complaints", "at")},
	{Name: "letters", New: func() any { return &Letter{} }, ByCase: byCase("letters", "sent_at")},
	{Name: "messages", New: func() any { return &Message{} }, ByCase: byCase("messages", "queued_at")},
	{Name: "ladders", New: func() any { return &Ladder{} }, ByCase: byCase("ladders", "at")},
	{Name: "replies", New: func() any { return &Reply{} }, ByCase: byCase("replies", "at")},
	{Name: "drafts", New: func() any { return &Draft{} }, Rules: offline.Rules{Policy: offline.Merge}, Synced: true,
		Since: 3, Private: true, ByCase: byCase("drafts", "touched_at")},
	{Name: "imports", New: func() any { return &Import{} }},
	{Name: "links", New: func() any { return &Link{} }},
	{Name: "alerts", New: func() any { return &Alert{} }},
	{Name: "moves", New: func() any { return &Move{} }},
	{Name: "erasures", New: func() any { return &Erasure{} }},
	{Name: "quarantine", New: func() any { return &Quarantined{} }},
	{Name: "quarantine_parts", New: func() any { return &QuarantinePart{} }},
	{Name: "policy", New: func() any { return &Policy{} }, Rules: offline.Rules{Policy: offline.ServerOwned},
		Synced: true},
})

// withReports notes in which field of its state each kind's Report stands, and which
// members phones may patch of a kind that is the server's.
func withReports(all []Kind) []Kind {
	for i := range all {
		t := reflect.TypeOf(all[i].New()).Elem()
		for k := range t.NumField() {
			if f := t.Field(k); f.Anonymous && strings.HasSuffix(f.Name, "Report") {
				all[i].report = k + 1
				if all[i].Rules.Policy == offline.ServerOwned {
					for _, m := range Members(f.Type) {
						all[i].Rules.PhoneFields = append(all[i].Rules.PhoneFields, m.Name)
					}
				}
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

// KeepsMore tells whether the members that only a newer app knows are kept, apart from those known
// here or in the content of a draft, or else ignored.
func (k Kind) KeepsMore() bool {
	if _, is := k.New().(*Draft); is {
		return true
	}
	_, ok := k.New().(interface{ taken() *Taken })
	return ok
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

// Fields are the members of the report that have a value, in the clear. The state must be opened.
func (k Kind) Fields(state any) (map[string]json.RawMessage, error) {
	text, err := k.Said(state)
	if err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	return out, json.Unmarshal(text, &out)
}

// Patch copies the named members of the report from one state to another.
func (k Kind) Patch(into, from any, names []string) {
	to := reflect.ValueOf(into).Elem().Field(k.report - 1)
	of := reflect.ValueOf(from).Elem().Field(k.report - 1)
	ms := k.ReportMembers()
	for i := range ms {
		if slices.Contains(names, ms[i].Name) {
			ms[i].of(to).Set(ms[i].of(of))
		}
	}
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
