package httpapi

import (
	"context"
	"slices"
	"testing"

	"doorstep/server/conduct"
	"doorstep/server/record"
)

// inForce is a Lawbook with a policy in force, and nothing else.
type inForce struct {
	Lawbook
	policy *conduct.Policy
}

func (b inForce) Policy() *conduct.Policy { return b.policy }

// GET /v1/codes shows every closed list: those of records, and those of the conduct decision, of which
// some are of the policy in force.
func TestCodesShowEveryList(t *testing.T) {
	policy, err := conduct.Default()
	if err != nil {
		t.Fatal(err)
	}
	a := described(t)
	a.opt.Law = inForce{policy: policy}
	answer, err := a.listCodes(context.Background(), call{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	lists := answer.Body.Lists
	for _, name := range record.CodeLists() {
		if !slices.Equal(lists[name], record.CodesOf(name)) {
			t.Errorf("%s: %v", name, lists[name])
		}
	}
	for name, want := range map[string][]string{"contact_channels": conduct.Channels(),
		"contact_results": conduct.Results(), "contact_parties": conduct.Parties(), "contact_places": conduct.Places(),
		"contact_purposes": conduct.Purposes(), "contact_events": conduct.Events(), "contact_by": conduct.Bys(),
		"contact_papers": conduct.Papers(), "notice_forms": conduct.NoticeForms(),
		"conduct_consent_scopes": policy.ConsentScopes(), "conduct_content_tags": policy.ContentTags(),
		"conduct_flags": policy.Flags(), "conduct_profiles": policy.Profiles(), "conduct_reasons": policy.Reasons()} {
		if len(want) == 0 || !slices.Equal(lists[name], want) {
			t.Errorf("%s: %v, want %v", name, lists[name], want)
		}
	}
	for name, list := range lists {
		if len(list) == 0 || slices.Contains(list, "") {
			t.Errorf("%s: %v", name, list)
		}
	}
}
