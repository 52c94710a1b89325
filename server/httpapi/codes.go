package httpapi

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/server/conduct"
	"doorstep/server/office"
	"doorstep/server/record"

	"github.com/danielgtaylor/huma/v2"
)

// codeLists are the closed lists of codes.
type codeLists struct {
	Lists    map[string][]string `json:"lists" doc:"Each list's codes, by its name. Members that take a code name their list. Those of conduct_… are of the policy in force."`
	Outcomes []outcomeCode       `json:"outcomes" doc:"What the outcomes of a visit mean."`
}

// outcomeCode is an outcome of a visit with what follows from it.
type outcomeCode struct {
	Code    string `json:"code" example:"MET_PTP"`
	Met     bool   `json:"met" doc:"The debtor was spoken with."`
	Door    bool   `json:"door" doc:"An agent went to the door: the visit counts as a contact."`
	Hold    string `json:"hold,omitempty" doc:"The kind of hold it opens."`
	Address string `json:"address,omitempty" doc:"What it establishes about the address, of address_verifications."`
}

func (a *API) codeEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/codes", roles: everyone, id: "listCodes", tag: "cases",
		summary: "Every closed list of codes", about: "What apps and lenders' systems show and map. A new version may " +
			"add codes."},
		a.listCodes)
}

func (a *API) listCodes(context.Context, call, *struct{}) (*body[codeLists], error) {
	out := codeLists{Lists: map[string][]string{}, Outcomes: []outcomeCode{}}
	for _, name := range codeListNames() {
		out.Lists[name] = codesOf(name)
	}
	maps.Copy(out.Lists, policyLists(a.opt.Law.Policy()))
	for _, o := range record.Outcomes() {
		out.Outcomes = append(out.Outcomes, outcomeCode{o.Code, o.Met, o.Door, o.Hold, o.Address})
	}
	return respond(out), nil
}

// contactLists are the closed lists of the conduct decision, by their names in GET /v1/codes.
var contactLists = map[string][]string{"contact_channels": conduct.Channels(), "contact_events": conduct.Events(),
	"contact_papers": conduct.Papers(), "contact_parties": conduct.Parties(), "contact_places": conduct.Places(),
	"contact_purposes": conduct.Purposes(), "contact_results": conduct.Results(), "contact_by": conduct.Bys(),
	"notice_forms": conduct.NoticeForms()}

// officeLists are the closed lists of the organisation, by their names in GET /v1/codes.
var officeLists = map[string][]string{"closed_reasons": office.ClosedReasons(), "roles": texts(auth.Roles())}

// policyLists are the closed lists that a policy brings, by their names in GET /v1/codes. They
// change with the packs in force, so that no schema has them.
func policyLists(p *conduct.Policy) map[string][]string {
	return map[string][]string{"conduct_consent_scopes": p.ConsentScopes(), "conduct_content_tags": p.ContentTags(),
		"conduct_flags": p.Flags(), "conduct_profiles": p.Profiles(), "conduct_reasons": p.Reasons()}
}

// codeListNames names every closed list that no policy changes, sorted.
func codeListNames() []string {
	names := slices.AppendSeq(record.CodeLists(), maps.Keys(contactLists))
	return slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(officeLists))))
}

// codesOf is the closed list of a name; nil when there is none.
func codesOf(name string) []string {
	for _, lists := range []map[string][]string{contactLists, officeLists} {
		if list := lists[name]; list != nil {
			return list
		}
	}
	return record.CodesOf(name)
}

// codeMembers name the lists of the members of requests that take a code which a room
// behind looks at, and refuses with a code of its own.
var codeMembers = map[string]string{
	"OpenHoldRequest.kind": "hold_kinds", "SetFactRequest.kind": "fact_kinds",
	"RecordContactRequest.channel": "contact_channels", "RecordContactRequest.result": "contact_results",
	"RecordContactRequest.party": "contact_parties", "CloseCaseRequest.reason": "closing_reasons",
	"CorrectCaseRequest.address_verification": "address_verifications",
	"CancelPlanRequest.cancelled_for":         "plan_cancel_reasons",
	"RequestsInput.no_channels":               "contact_channels", "RequestsInput.opt_out": "contact_channels",
	"RequestsInput.no_places": "contact_places", "TeamBody.items": "contact_papers"}

// checkedMembers name the lists of the members of requests whose codes are looked at here, before anything else.
var checkedMembers = map[string]string{
	"NewUserBody.role": "roles", "PatchUserBody.role": "roles", "AskErasureRequest.reason": "erase_reasons",
	"WithdrawErasureRequest.reason": "erase_withdrawals", "MoveDebtorRequest.reason": "move_reasons",
	"RecordNoteRequest.kind": "note_kinds", "AnswerComplaintRequest.outcome": "complaint_outcomes",
	"ReturnLetterRequest.reason": "return_reasons", "CloseDayRequest.reason": "closed_reasons",
	"UndoImportRequest.reason": "undo_reasons"}

// describeCodes gives members of requests that take a code the codes of their list. huma looks at those of
// checkedMembers, and not at the others, which are no part of the schema that it knows. It panics on a member that is
// not there.
func describeCodes(r huma.Registry) {
	describe := func(schema, member, list string) {
		s := r.Map()[schema].Properties[member]
		if s.Items != nil {
			s = s.Items
		}
		s.Extensions = map[string]any{"enum": codesOf(list)}
	}
	for at, list := range codeMembers {
		schema, member, _ := strings.Cut(at, ".")
		describe(schema, member, list)
	}
	for at, list := range checkedMembers {
		schema, member, _ := strings.Cut(at, ".")
		s := r.Map()[schema].Properties[member]
		s.Enum = nil
		for _, code := range codesOf(list) {
			s.Enum = append(s.Enum, code)
		}
		s.PrecomputeMessages()
	}
	for name := range r.Map() {
		t := r.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[record.Case]().PkgPath() ||
			!strings.HasSuffix(name, "Input") {
			continue
		}
		for _, m := range record.Members(t) {
			if record.CodesOf(m.Is) != nil {
				describe(name, m.Name, m.Is)
			}
		}
	}
}
