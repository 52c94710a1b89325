package httpapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"doorstep/geo"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/conduct/say"
	"doorstep/server/record"
	"doorstep/sync/seal"

	"github.com/danielgtaylor/huma/v2"
)

// form is one of the shapes in which a record crosses the edge.
type form struct {
	suffix string // of the schema's name
	to     record.Audience
	listed bool // without personal parts
	sent   bool // what a phone says
}

// The forms of records.
var (
	// read is what the office and lenders read, phone what agents pull, listing an item of a list,
	// report what a phone says.
	read    = form{to: record.Office | record.Lender}
	phone   = form{suffix: "OnPhone", to: record.Agent}
	listing = form{suffix: "Listed", to: record.Office | record.Lender, listed: true}
	report  = form{suffix: "Report", to: record.All, sent: true}
)

// schemaBuilder makes the schemas of records from the tags of server/record. What it
// made is in into, by name, and each name's Go type in types.
type schemaBuilder struct {
	into  map[string]*huma.Schema
	types map[string]reflect.Type
}

// schemasOf is the builder of a registry.
func schemasOf(r huma.Registry) schemaBuilder {
	return schemaBuilder{r.Map(), map[string]reflect.Type{}}
}

func refTo(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }

// stateType is the type of a kind's state.
func stateType(k record.Kind) reflect.Type { return reflect.TypeOf(k.New()).Elem() }

// kind is the schema of a kind in a form, by reference.
func (b schemaBuilder) kind(k record.Kind, f form) *huma.Schema {
	t := stateType(k)
	name := t.Name() + f.suffix
	if b.into[name] != nil {
		return refTo(name)
	}
	ms := k.Members()
	if f.sent {
		ms = k.ReportMembers()
	}
	s := b.object(ms, f, false)
	if f.sent {
		s.Description = "What the phone says of it. Members that are not listed here are those of newer apps: they are " +
			"kept apart, and given back under more."
		takesMore(s, keptOpen)
		switch {
		case k.Name == "drafts":
			s.Description = "What the phone says of it. Members that are not listed here become members of content."
		case !k.KeepsMore():
			s.Description = "What the phone says of it. Members that are not listed here are ignored."
			takesMore(s, ignoredOpen)
		}
		if isPatched(k) {
			s.Required = nil // of a put only: see mutations
		}
	} else {
		b.added(s, k, f)
	}
	b.into[name], b.types[name] = s, t
	return refTo(name)
}

// openReason is the extension that says why an object may have members that are not listed.
const openReason = "x-open"

// What becomes of members that are not listed.
const (
	keptOpen    = "members of newer apps are kept"
	ignoredOpen = "members of newer apps are ignored"
)

// takesMore lets an object have members that are not listed, and says what becomes of them.
func takesMore(s *huma.Schema, why string) *huma.Schema {
	s.AdditionalProperties = true
	s.Extensions = map[string]any{openReason: why}
	return s
}

// added gives a shown record the members that are not of its state.
func (b schemaBuilder) added(s *huma.Schema, k record.Kind, f form) {
	s.Properties["erased"] = &huma.Schema{Type: "boolean",
		Description: "The debtor's data has been erased: personal members are null."}
	if f.to != record.Agent {
		s.Properties["id"] = &huma.Schema{Type: "string", Description: "Its id among records of its type."}
		s.Properties["rev"] = &huma.Schema{Type: "integer", Format: "int64",
			Description: "Its revision: it goes up by one with each change."}
	}
	withEvidence := []string{"visits", "signatures", "payments_reported"}
	if f.to != record.Agent && !f.listed && slices.Contains(withEvidence, k.Name) {
		s.Properties["evidence"] = &huma.Schema{Type: "array",
			Items:       b.named(reflect.TypeFor[casework.EvidenceState](), read),
			Description: "In the case file, for the office: the evidence it names, and whether its bytes are stored."}
	}
	switch k.Name {
	case "cases":
		if f.to == record.Agent {
			door := b.conductObject(reflect.TypeFor[conduct.Card]())
			s.Properties["door"] = &huma.Schema{AllOf: []*huma.Schema{door},
				Description: "What a phone judges visits to the case by, offline; absent: it cannot tell."}
			s.Properties["people"] = &huma.Schema{Type: "array", Items: b.named(reflect.TypeFor[casework.CardPerson](), read),
				Description: "The agents whose phones hold the case; for apps of schema version 3."}
			s.Properties["earlier"] = &huma.Schema{Type: "array", Items: b.named(reflect.TypeFor[casework.CardVisit](), read),
				Description: "The last visits to the case, newest first; for apps of schema version 3."}
			s.Properties["say"] = &huma.Schema{Type: "array", Items: b.named(reflect.TypeFor[say.Line](), read),
				Description: "What must be said at the door, in order; for apps of schema version 3."}
			s.Properties["plan_rules"] = b.named(reflect.TypeFor[casework.CardPlanRules](), read)
		}
		if f.listed {
			s.Properties["days_late"] = &huma.Schema{Type: "integer", Format: "int64",
				Description: "Days since the due date on the debtor's calendar; below zero before it."}
			s.Properties["last_visit_at"] = &huma.Schema{Type: "string", Format: "date-time",
				Description: "When it was visited last; absent: never."}
		}
	case "visits":
		if f.listed {
			s.Properties["team"] = text("The team whose stop it was made for; absent: none.")
			s.Properties["review"] = text("The state of its review; absent: it has none.")
			s.Properties["evidence_pending"] = integer(
				"How many photos, recordings and other attachments it names that are not stored; absent: none.")
		}
		s.Properties["visit_no"] = &huma.Schema{Type: "integer", Format: "int64",
			Description: "The number of the visit in its branch, without gaps."}
		if f.to != record.Agent {
			s.Properties["confirmed_by"] = &huma.Schema{Type: "array",
				Items:       b.named(reflect.TypeFor[casework.Confirmed](), read),
				Description: "In the case file: the agents it names who said from their own phone that they were there."}
			s.Properties["unconfirmed_agents"] = &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"},
				Description: "In the case file: the agents it names who have not, but for the one who recorded it."}
		}
	case "plans":
		if f.to != record.Agent {
			s.Properties["state_now"] = &huma.Schema{Type: "string",
				Description: "What time and payments have made of the plan."}
			s.Properties["instalments_now"] = &huma.Schema{Type: "array", Items: b.named(reflect.TypeFor[record.InstalmentNow](),
				read),
				Description: "What payments have made of each instalment."}
		}
	}
}

// object is the schema of a struct's members.
func (b schemaBuilder) object(ms []record.Member, f form, inner bool) *huma.Schema {
	s := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}, AdditionalProperties: false}
	for i := range ms {
		m := &ms[i]
		if f.sent && m.Server || f.listed && m.IsPersonal() || !f.sent && m.See&f.to == 0 && (!inner || m.See != 0) {
			continue
		}
		s.Properties[m.Name] = b.member(m, f)
		if f.sent && m.Need != "" || !f.sent && !m.Optional && (m.See&f.to == f.to || inner && m.See == 0) {
			s.Required = append(s.Required, m.Name)
		}
	}
	return s
}

func (b schemaBuilder) member(m *record.Member, f form) *huma.Schema {
	if !m.IsPersonal() {
		return b.value(m, m.Type, f)
	}
	s := b.personal(m, f)
	if f.sent {
		return s
	}
	null := &huma.Schema{Type: "null"}
	if s.Ref != "" || s.Type == "" {
		return &huma.Schema{OneOf: []*huma.Schema{s, null}}
	}
	s.Nullable = true // of an erased debtor
	return s
}

func (b schemaBuilder) personal(m *record.Member, f form) *huma.Schema {
	switch m.Type {
	case reflect.TypeFor[seal.Text]():
		s := &huma.Schema{Type: "string"}
		if m.Most > 0 {
			s.MaxLength = ptr(m.Most)
		}
		return s
	case reflect.TypeFor[seal.Point]():
		return position()
	case reflect.TypeFor[seal.JSON]():
		return &huma.Schema{Type: "object", AdditionalProperties: true,
			Extensions: map[string]any{openReason: "kept as it was sent"}}
	}
	plain, ok := m.Type.MethodByName("Plain")
	if !ok {
		panic("httpapi: no schema for the personal member " + m.Name)
	}
	return b.value(&record.Member{Name: m.Name, Most: m.Most}, plain.Type.Out(0), f)
}

func position() *huma.Schema {
	return &huma.Schema{Type: "array", Items: &huma.Schema{Type: "number"}, MinItems: ptr(2), MaxItems: ptr(2),
		Description: "[lon, lat], WGS 84."}
}

// value is the schema of a value in the clear.
func (b schemaBuilder) value(m *record.Member, t reflect.Type, f form) *huma.Schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &huma.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return &huma.Schema{Extensions: map[string]any{openReason: "kept as it was sent"}}
	case reflect.TypeFor[geo.E7]():
		return position()
	case reflect.TypeFor[record.Metres]():
		return &huma.Schema{Type: "number"}
	case reflect.TypeFor[record.VulnerabilityFlag]():
		whole := b.named(t, f)
		if !f.sent {
			return whole
		}
		return &huma.Schema{OneOf: []*huma.Schema{enumeration("vulnerabilities"), whole}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.value(m, t.Elem(), f)
	case reflect.Slice:
		s := &huma.Schema{Type: "array", Items: b.value(m, t.Elem(), f)}
		if f.sent && m.Most > 0 {
			s.MaxItems = ptr(m.Most)
		}
		return s
	case reflect.Map:
		return &huma.Schema{Type: "object", AdditionalProperties: b.value(&record.Member{}, t.Elem(), f)}
	case reflect.Struct:
		return b.named(t, f)
	case reflect.String:
		s := word(m.Is)
		if m.Is == "outcomes" && !f.sent && f.to&record.Lender != 0 {
			s.Enum = append(s.Enum, record.EndedEarly)
			s.Description = record.EndedEarly + " is what lenders read of visits that ended because a person was " +
				"vulnerable or unsafe."
		}
		return s
	case reflect.Bool:
		return &huma.Schema{Type: "boolean"}
	case reflect.Float64:
		return &huma.Schema{Type: "number", Format: "double"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		s := &huma.Schema{Type: "integer", Format: "int64"}
		if m.Most > 0 {
			s.Minimum, s.Maximum = ptr(0.0), ptr(float64(m.Most))
		}
		return s
	}
	panic("httpapi: no schema for " + t.String())
}

// named is the schema of a struct inside a record, by reference. What a phone says
// has a form of its own where the server adds members.
func (b schemaBuilder) named(t reflect.Type, f form) *huma.Schema {
	name := t.Name()
	if !f.sent {
		f = read // members of inner structs are seen by whoever sees the outer one
	} else {
		name += "Report"
	}
	if was, there := b.types[name]; there && was != t {
		panic("httpapi: two schemas are called " + name)
	}
	if b.into[name] == nil {
		b.types[name] = t
		b.into[name] = &huma.Schema{} // for a struct that holds its own kind
		*b.into[name] = *b.object(record.Members(t), f, true)
		if f.sent {
			takesMore(b.into[name], keptOpen)
		}
	}
	return refTo(name)
}

// word is the schema of a string in the clear, by the word of its is tag.
func word(is string) *huma.Schema {
	switch is {
	case "date":
		return &huma.Schema{Type: "string", Format: "date"}
	case "url":
		return &huma.Schema{Type: "string", Format: "uri", MaxLength: ptr(200)}
	case "id":
		return &huma.Schema{Type: "string", MaxLength: ptr(128)}
	case "type":
		return &huma.Schema{Type: "string", MaxLength: ptr(64), Pattern: "^[a-z][a-z0-9_]*$"}
	case "clock":
		return &huma.Schema{Type: "string", Description: "Local wall time, 15:04."}
	}
	if record.CodesOf(is) != nil {
		return enumeration(is)
	}
	return &huma.Schema{Type: "string"}
}

// enumeration is the schema of a code of a closed list.
func enumeration(list string) *huma.Schema {
	s := &huma.Schema{Type: "string"}
	for _, code := range codesOf(list) {
		s.Enum = append(s.Enum, code)
	}
	return s
}

// shown is a record as it is read, JSON that server/record wrote, and listed an item of a list.
type (
	shown[T any]  struct{ json.RawMessage }
	listed[T any] struct{ json.RawMessage }
)

// kindOf is the kind whose state is a T.
func kindOf[T any]() record.Kind {
	all := record.Kinds()
	i := slices.IndexFunc(all, func(k record.Kind) bool { return stateType(k) == reflect.TypeFor[T]() })
	return all[i]
}

// Schema describes the record.
func (shown[T]) Schema(r huma.Registry) *huma.Schema { return schemasOf(r).kind(kindOf[T](), read) }

// Schema describes the item.
func (listed[T]) Schema(r huma.Registry) *huma.Schema {
	return schemasOf(r).kind(kindOf[T](), listing)
}

// caseFile is a case with the records below it, a list for each kind.
type caseFile struct{ json.RawMessage }

// Schema describes the case file.
func (caseFile) Schema(r huma.Registry) *huma.Schema {
	const name = "CaseFile"
	b := schemasOf(r)
	if b.into[name] == nil {
		s := b.object(kindOf[record.Case]().Members(), read, false)
		b.added(s, kindOf[record.Case](), read)
		for _, k := range record.Kinds() {
			if k.ByCase.Type == "" || k.Private {
				continue
			}
			s.Properties[k.Name] = &huma.Schema{Type: "array", Items: b.kind(k, read)}
			s.Required = append(s.Required, k.Name)
		}
		b.into[name] = s
	}
	return refTo(name)
}

// free is an object whose members this description leaves open, and why.
func free(why string) *huma.Schema {
	return &huma.Schema{Type: "object", AdditionalProperties: true, Extensions: map[string]any{openReason: why}}
}

func integer(about string) *huma.Schema {
	return &huma.Schema{Type: "integer", Format: "int64", Minimum: ptr(0.0), Description: about}
}

func text(about string) *huma.Schema { return &huma.Schema{Type: "string", Description: about} }

func oneOf(about string, words ...string) *huma.Schema {
	s := text(about)
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// receipt is the answer to a command: T's members with the command id and the entry.
type receipt[T any] struct{ json.RawMessage }

// Schema describes the receipt under T's name.
func (receipt[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	name := t.Name()
	if r.Map()[name] == nil {
		s := huma.SchemaFromType(r, t)
		s.Properties["command"] = text("The command id: GET /v1/receipts/{command} gives this answer again.")
		s.Properties["entry"] = integer("The entry of the branch's journal; absent when nothing changed.")
		s.Required = append(s.Required, "command")
		r.Map()[name] = s
	}
	return refTo(name)
}

// schemaName names the schemas of Go types: without packages, and requests after their operation.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if of, is := strings.CutPrefix(name, "Page"); is {
		return strings.TrimPrefix(strings.TrimPrefix(of, "Shown"), "Listed") + "Page"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[record.Case]().PkgPath() && t.Name() != "" {
		return name + "Input" // in a request of the office; the plain name is the record's as it is read
	}
	for path, prefix := range prefixes {
		if strings.HasSuffix(t.PkgPath(), path) && !strings.HasPrefix(name, prefix) {
			return prefix + name
		}
	}
	if op, is := strings.CutSuffix(name, "InBody"); is {
		name = op + "Request"
	}
	if better := betterNames[name]; better != "" {
		return better
	}
	return name
}

// betterNames are the names of schemas whose Go names say too little outside this program.
var betterNames = map[string]string{"RouteView": "RoundRouteView", "LeftOutView": "RoundLeftOut", "TeamView": "Team"}

// prefixes go before the names of packages whose types are named like those of others, or
// like those that generators write themselves, such as Route.
var prefixes = map[string]string{"/server/dispatch": "Round", "/routing/vroom": "Routing"}

// anyReceipt is the answer to a command of any kind.
type anyReceipt struct{ json.RawMessage }

// Schema describes it as one of all receipts. Each has a member that no other has.
func (anyReceipt) Schema(r huma.Registry) *huma.Schema {
	out := &huma.Schema{}
	for _, s := range []huma.SchemaProvider{receipt[casework.AppointmentReceipt]{}, receipt[casework.CaseReceipt]{},
		receipt[casework.ContactReceipt]{}, receipt[casework.ErasureReceipt]{}, receipt[casework.HoldReceipt]{},
		receipt[casework.LinkReceipt]{}, receipt[casework.PlanReceipt]{}, receipt[casework.QuarantineReceipt]{},
		receipt[casework.ReviewReceipt]{}} {
		out.OneOf = append(out.OneOf, s.Schema(r))
	}
	return out
}

// promise is an instalment that is due, as casework lists it.
type promise struct{ json.RawMessage }

// Schema describes the promise.
func (promise) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[Promise](), true, "")
}

// Promise is the members of a promise.
type Promise struct {
	Plan        string `json:"plan"`
	N           int    `json:"n" doc:"The instalment's number, from 1."`
	Case        string `json:"case"`
	Agent       string `json:"agent" doc:"Who agreed the plan."`
	DueOn       string `json:"due_on" format:"date" doc:"The debtor's local date."`
	LastOn      string `json:"last_on" format:"date" doc:"The end of its grace: later than that it is broken."`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency" doc:"ISO 4217."`
	Status      string `json:"status" enum:"kept,open,broken"`
}
