package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"doorstep/server/access"
	"doorstep/server/casework"
)

// Every kind of the inbox says what can be done, by operations of this API that supervisors may call.
func TestWhatCanBeDoneAboutTheInbox(t *testing.T) {
	a := described(t)
	kinds := append([]string{agentSafety}, append(casework.InboxKinds(), silentPhones)...)
	var enum []string
	for _, p := range a.huma.OpenAPI().Paths["/v1/inbox"].Get.Parameters {
		if p.Name == "kind" {
			for _, v := range p.Schema.Enum {
				enum = append(enum, v.(string))
			}
		}
	}
	if !slices.Equal(enum, kinds) || len(inboxDo) != len(kinds) {
		t.Errorf("the parameter kind has %v, the inbox %v; %d kinds can be answered", enum, kinds, len(inboxDo))
	}
	for _, kind := range kinds {
		x := casework.InboxItem{Kind: kind, ID: "an/id", Case: "north.c1", Device: "d1", Round: "r1"}
		item := a.inboxItem("porto", x)
		if kind == "corrections" { // reviewed by its type, one way or the other
			x.Type = "visits"
			item = a.inboxItem("porto", x)
			x.Type = "consents"
			item.Do = append(item.Do, a.inboxItem("porto", x).Do[1:]...)
		}
		if len(item.Do) != len(inboxDo[kind]) || len(item.Do) == 0 {
			t.Errorf("%s: %v of %v", kind, item.Do, inboxDo[kind])
		}
		for _, do := range item.Do {
			e := a.operations[do.Operation]
			path, _, _ := strings.Cut(do.Path, "?")
			if strings.Contains(do.Path, "{") || do.Method != e.method ||
				strings.Count(path, "/") != strings.Count(e.path, "/") || !slices.Equal(e.roles, supervisors) &&
				!slices.Equal(e.roles, importers) {
				t.Errorf("%s: %+v", kind, do)
			}
		}
		// What an item lacks leaves out what needs it.
		for _, do := range a.inboxItem("porto", casework.InboxItem{Kind: kind}).Do {
			t.Errorf("%s: %+v without an id", kind, do)
		}
	}
	got := a.inboxItem("porto", casework.InboxItem{Kind: "flagged_visits", ID: "v1", Case: "north.c1"}).Do[1]
	if got != (inboxAction{"reviewVisit", http.MethodPost, "/v1/cases/north.c1/visits/v1/review"}) {
		t.Errorf("%+v", got)
	}
	got = a.inboxItem("a b", casework.InboxItem{Kind: "plans_to_approve", ID: "p1", Case: "north.c1"}).Do[1]
	if got != (inboxAction{"approvePlan", http.MethodPost, "/v1/plans/p1/approve?branch=a+b"}) {
		t.Errorf("%+v", got)
	}
}

// The parameter what of the access log has every kind of read there is.
func TestEveryKindOfReadCanBeAskedFor(t *testing.T) {
	for _, p := range described(t).huma.OpenAPI().Paths["/v1/audit/access"].Get.Parameters {
		if p.Name != "what" {
			continue
		}
		var enum []string
		for _, v := range p.Schema.Enum {
			enum = append(enum, v.(string))
		}
		want := access.Whats()
		slices.Sort(enum)
		slices.Sort(want)
		if !slices.Equal(enum, want) {
			t.Errorf("the parameter has %v, the log %v", enum, want)
		}
	}
}
