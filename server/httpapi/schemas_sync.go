package httpapi

import (
	"slices"

	"doorstep/server/record"
	"doorstep/sync/offline"

	"github.com/danielgtaylor/huma/v2"
)

// byType describes one object for each kind, told apart by their member type.
func (b schemaBuilder) byType(suffix string, kinds []record.Kind, of func(k record.Kind) *huma.Schema) *huma.Schema {
	out := &huma.Schema{Discriminator: &huma.Discriminator{PropertyName: "type", Mapping: map[string]string{}}}
	for _, k := range kinds {
		s := of(k)
		s.Properties["type"] = &huma.Schema{Type: "string", Enum: []any{k.Name}}
		name := stateType(k).Name() + suffix
		b.into[name] = s
		out.OneOf = append(out.OneOf, refTo(name))
		out.Discriminator.Mapping[k.Name] = refTo(name).Ref
	}
	return out
}

// writable are the kinds that phones push, and synced those that they pull.
func writable() []record.Kind {
	return slices.DeleteFunc(record.Kinds(), func(k record.Kind) bool { return k.ReportMembers() == nil })
}

func synced() []record.Kind {
	return slices.DeleteFunc(record.Kinds(), func(k record.Kind) bool { return !k.Synced })
}

// changes describes what a pull gives.
func (b schemaBuilder) changes() *huma.Schema {
	return b.byType("Change", synced(), func(k record.Kind) *huma.Schema {
		return &huma.Schema{Type: "object", Required: []string{"seq", "type", "id", "rev", "op"}, AdditionalProperties: false,
			Properties: map[string]*huma.Schema{"seq": integer("The place in the feed: the cursor after this change."),
				"id": text("The record's id."), "rev": integer("The record's revision."),
				"op": oneOf("put: take doc; delete: the record is gone; revoke: it is not this device's any more, forget it.",
					"put", "delete", "revoke"),
				"doc": b.kind(k, phone)}}
	})
}

// mutations describes what a push takes.
func (b schemaBuilder) mutations() *huma.Schema {
	return b.byType("Mutation", writable(), func(k record.Kind) *huma.Schema {
		s := &huma.Schema{Type: "object", Required: []string{"mid", "type", "id", "op"},
			Properties: map[string]*huma.Schema{
				"mid": {Type: "string", Format: "uuid",
					Description: "Minted at the local write. The same mid has one effect and one answer."},
				"id": {Type: "string", MaxLength: ptr(64),
					Description: "The record's id, minted by the phone for a new record."},
				"op": oneOf("put: fields are the whole record. patch: fields are the members that change. delete: none.",
					opsOf(k)...),
				"base":      integer("The revision the phone had seen; 0 for a new record."),
				"client_ts": {Type: "string", Format: "date-time", Description: "When it was written, by the phone's clock."},
				"mono_ms":   {Type: "integer", Format: "int64", Description: "The phone's monotonic clock, in milliseconds."},
				"requires": {Type: "array", Items: &huma.Schema{Type: "string", Format: "uuid"},
					Description: "Mids that must have been applied before."},
				"fields": b.kind(k, report)}}
		s.Extensions = map[string]any{openReason: ignoredOpen}
		if isPatched(k) {
			s.Extensions["if"] = whole("op", map[string]any{"const": "put"})
			s.Extensions["then"] = whole("fields", map[string]any{"required": neededOf(k)})
		}
		return s
	})
}

// whole is the JSON Schema of an object whose member fits a schema.
func whole(member string, is map[string]any) map[string]any {
	return map[string]any{"properties": map[string]any{member: is}}
}

// neededOf are the members that a report of a kind is refused without.
func neededOf(k record.Kind) []string {
	var out []string
	for _, m := range k.ReportMembers() {
		if m.Need != "" {
			out = append(out, m.Name)
		}
	}
	return out
}

// opsOf are the operations that phones have on records of a kind. A delete is one of drafts only: of others it is
// refused, or there is nothing to delete.
func opsOf(k record.Kind) []string {
	switch k.Rules.Policy {
	case offline.AppendOnly:
		return []string{"put"}
	case offline.ServerOwned:
		return []string{"patch"}
	case offline.Merge:
		return []string{"put", "patch", "delete"}
	}
	return []string{"put", "patch"}
}

// isPatched tells whether phones put records of a kind whole, and change parts of them later.
func isPatched(k record.Kind) bool { return len(opsOf(k)) > 1 }

// results describes what became of mutations: a result for each kind that phones pull, and
// one for any other type, which is refused or waits for an update of the server.
func (b schemaBuilder) results() *huma.Schema {
	result := func(k *record.Kind) *huma.Schema {
		s := &huma.Schema{Type: "object", Required: []string{"mid", "type", "id", "status"}, AdditionalProperties: false,
			Properties: map[string]*huma.Schema{"mid": text("The mutation's."), "id": text("The mutation's."),
				"status": oneOf("What became of it.", offline.Applied, offline.Duplicate, offline.Merged, offline.Conflict,
					offline.Revoked, offline.Rejected, offline.Retry, offline.NotYet),
				"code": text("Of a rejection: validation.*, append_only, mid_reused, unknown_type, server_owned, …; of " +
					"not_yet: unknown_type."),
				"detail": text("What is wrong, where, and how to mend it."),
				"index":  integer("Of a mutation that could not be read: its place in the push, from 0."),
				"rev":    integer("The record's revision now."),
				"op": oneOf("How the record stands now, where it is not as the phone wrote it.", "put", "delete",
					"revoke"),
				"quarantine": text("Under which id a supervisor finds what was not applied.")}}
		if k != nil {
			s.Properties["doc"] = b.kind(*k, phone)
		}
		return s
	}
	out := b.byType("Result", synced(), func(k record.Kind) *huma.Schema { return result(&k) })
	other := result(nil)
	other.Description = "The result of a mutation of a type that phones neither pull nor write, or that this server " +
		"does not know: rejected, or not_yet."
	known := &huma.Schema{}
	for _, k := range synced() {
		known.Enum = append(known.Enum, k.Name)
	}
	other.Properties["type"] = &huma.Schema{Type: "string", Not: known, Description: "The mutation's."}
	b.into["OtherResult"] = other
	out.OneOf = append(out.OneOf, refTo("OtherResult"))
	return out
}
