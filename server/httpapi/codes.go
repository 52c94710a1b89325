package httpapi

import (
	"context"
	"net/http"

	"doorstep/server/record"
)

// codeLists are the closed lists of codes.
type codeLists struct {
	Lists    map[string][]string `json:"lists" doc:"Each list's codes, by its name. Members that take a code name their list."`
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
	for _, name := range record.CodeLists() {
		out.Lists[name] = record.CodesOf(name)
	}
	for _, o := range record.Outcomes() {
		out.Outcomes = append(out.Outcomes, outcomeCode{o.Code, o.Met, o.Door, o.Hold, o.Address})
	}
	return respond(out), nil
}
