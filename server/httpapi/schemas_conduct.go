package httpapi

import (
	"reflect"
	"strings"
	"time"

	"doorstep/server/conduct"

	"github.com/danielgtaylor/huma/v2"
)

// conductPrefix goes before the names of conduct's types: what conduct is told of a case is
// not the record of the case.
const conductPrefix = "Conduct"

// conductLists name the lists of GET /v1/codes that words of a conduct question come from.
var conductLists = map[string]string{
	"Action.channel": "contact_channels", "Action.place": "contact_places", "Action.party": "contact_parties",
	"Action.purpose": "contact_purposes", "Action.event": "contact_events", "Action.items": "contact_papers",
	"Action.by":            "contact_by",
	"HistoryEntry.channel": "contact_channels", "HistoryEntry.result": "contact_results",
	"HistoryEntry.party": "contact_parties", "HistoryEntry.place": "contact_places",
	"HistoryEntry.purpose": "contact_purposes", "HistoryEntry.event": "contact_events",
	"Notice.form": "notice_forms", "OptOut.channel": "contact_channels",
	"Requests.no_places": "contact_places", "Requests.no_channels": "contact_channels",
}

// conductNeeds are the members that an object of a conduct question is refused without.
var conductNeeds = map[string][]string{"Request": {"profiles", "action"}, "Action": {"channel", "at"},
	"Consent": {"scope", "given_at"}, "CardConsent": {"scope", "given_at"}, "Elsewhere": {"rule", "at"},
	"Card":         {"semantics", "policy_hash", "as_of", "from", "to", "profiles"},
	"HistoryEntry": {"channel", "at"}, "OptOut": {"channel"}}

// conductBounds are the least and the most of its whole numbers.
var conductBounds = map[string][2]float64{"agents": {1, 1000}, "duration_min": {0, 1440},
	"past_due_days": {-1 << 30, 1 << 30}, "semantics": {1, 1000}, "uses_left": {0, 1 << 30}}

// conductQuestion is the schema of what POST /v1/conduct/decisions takes, by reference. It follows the
// types of conduct, whose own reader checks the question.
func (b schemaBuilder) conductQuestion() *huma.Schema {
	return b.conductObject(reflect.TypeFor[conduct.Request]())
}

// conductName is the name of the schema of one of conduct's types.
func conductName(t reflect.Type) string {
	if t == reflect.TypeFor[conduct.Request]() {
		return conductPrefix + "Question" // Requests are what the debtor asked for
	}
	return conductPrefix + t.Name()
}

// conductObject is the schema of a struct of conduct, by reference.
func (b schemaBuilder) conductObject(t reflect.Type) *huma.Schema {
	name := conductName(t)
	if b.into[name] != nil {
		return refTo(name)
	}
	s := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}, AdditionalProperties: false,
		Required: conductNeeds[t.Name()]}
	b.into[name] = s
	for i := range t.NumField() {
		f := t.Field(i)
		member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		s.Properties[member] = b.conductValue(t.Name()+"."+member, f.Type)
	}
	return refTo(name)
}

// conductValue is the schema of a member; at is "Type.member".
func (b schemaBuilder) conductValue(at string, t reflect.Type) *huma.Schema {
	switch t {
	case reflect.TypeFor[conduct.When]():
		const name = conductPrefix + "Time"
		b.into[name] = text("An instant with an offset (2026-03-10T10:00:00+08:00), wall time of the debtor's first zone " +
			"(2026-03-10T10:00:00), or a date, which is 00:00 of it. From 1970 to 2100; fractions of a second are cut off.")
		b.into[name].Examples = []any{"2026-11-25T10:00:00"}
		return refTo(name)
	case reflect.TypeFor[conduct.Flag]():
		day := func(about string) *huma.Schema {
			return &huma.Schema{Type: "string", Format: "date", Description: about}
		}
		const name = conductPrefix + "FlagDays"
		b.into[name] = &huma.Schema{Type: "object", AdditionalProperties: false, MinProperties: ptr(1),
			Properties: map[string]*huma.Schema{"since": day("Its first local date; absent: it has no start."),
				"until": day("Its last local date; absent: it has no end.")}}
		return &huma.Schema{OneOf: []*huma.Schema{{Type: "boolean"}, refTo(name)}}
	case reflect.TypeFor[conduct.Span]():
		return &huma.Schema{Type: "array", Items: text("Local wall time, 15:04; the second may be 24:00."),
			MinItems: ptr(2), MaxItems: ptr(2), Description: "From, and the time before which it ends. " +
				"One that ends before it starts crosses midnight; two equal times are the whole day."}
	case reflect.TypeFor[conduct.OptOut]():
		name := conductName(t)
		channel := enumeration(conductLists["OptOut.channel"])
		b.into[name] = &huma.Schema{Type: "object", AdditionalProperties: false, Required: conductNeeds["OptOut"],
			Properties: map[string]*huma.Schema{"channel": {Type: channel.Type, Enum: channel.Enum,
				Description: "By which the person does not want to be reached."},
				"number": text("The number that is opted out; absent: every one.")}}
		return &huma.Schema{OneOf: []*huma.Schema{channel, refTo(name)}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.conductValue(at, t.Elem())
	case reflect.Slice:
		return &huma.Schema{Type: "array", Items: b.conductValue(at, t.Elem())}
	case reflect.Map:
		return &huma.Schema{Type: "object", AdditionalProperties: b.conductValue(at, t.Elem())}
	case reflect.Struct:
		return b.conductObject(t)
	case reflect.String:
		if list := conductLists[at]; list != "" {
			return enumeration(list)
		}
		return str()
	case reflect.Bool:
		return &huma.Schema{Type: "boolean"}
	case reflect.Int:
		_, member, _ := strings.Cut(at, ".")
		bounds := conductBounds[member]
		return &huma.Schema{Type: "integer", Minimum: &bounds[0], Maximum: &bounds[1]}
	}
	panic("httpapi: no schema for " + at)
}

// conductDecision is the schema of the answer, by reference.
func (b schemaBuilder) conductDecision() *huma.Schema {
	t := reflect.TypeFor[conduct.Decision]()
	name := conductName(t)
	if b.into[name] != nil {
		return refTo(name)
	}
	s := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}, AdditionalProperties: false}
	b.into[name] = s
	for i := range t.NumField() {
		f := t.Field(i)
		member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		var v *huma.Schema
		switch f.Type {
		case reflect.TypeFor[*time.Time]():
			v = &huma.Schema{Type: "string", Format: "date-time", Nullable: true}
		case reflect.TypeFor[[]conduct.Hit]():
			v = &huma.Schema{Type: "array", Items: &huma.Schema{Type: "array", Items: str(), MinItems: ptr(2), MaxItems: ptr(2),
				Description: "A reason, and the id of its rule."}}
		default:
			v = b.conductValue(t.Name()+"."+member, f.Type)
		}
		if member == "decision" {
			v = enumeration("decisions")
		}
		s.Properties[member] = v
		if options == "" {
			s.Required = append(s.Required, member)
		}
	}
	return refTo(name)
}
