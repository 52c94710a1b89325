package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
)

// accessLine is an item of GET /v1/audit/access.
type accessLine struct {
	User, What, Case string
	Count            int
	By               []string
}

func (l accessLine) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %d %s", l.User, l.What, l.Case, l.Count, strings.Join(l.By, ",")))
}

// TestReadsOfWhatIsSealedAreInTheAccessLog reads as each role that may, and looks for the read's own line.
func TestReadsOfWhatIsSealedAreInTheAccessLog(t *testing.T) {
	h := newHostile(t)
	const one = "LND-north.CASE-north-1"
	for _, c := range []struct {
		as   auth.Role
		path string
		body string // of a POST; "" for a GET
		want string // the newest line
	}{
		{auth.RoleSupervisor, "/v1/cases/" + one, "", "supervisor case.read " + one + " 0"},
		{auth.RoleLender, "/v1/cases/" + one, "", "lender case.read " + one + " 0"},
		{auth.RoleSupervisor, "/v1/debtors/LND-north.D-CASE-north-1", "", "supervisor debtor.read " + one + " 0"},
		{auth.RoleSupervisor, "/v1/cases?limit=2", "", "supervisor case.list  2"},
		{auth.RoleLender, "/v1/cases?status=open&days_late_min=1", "", "lender case.list  3 days_late_min,status"},
		{auth.RoleSupervisor, "/v1/cases/search", `{"name":"` + debtorName + `","limit":1}`,
			"supervisor case.search " + one + " 0 name"},
		{auth.RoleLender, "/v1/cases/search", `{"status":"open","declined":false}`, "lender case.list  3 status"},
		{auth.RoleSupervisor, "/v1/visits?outcome=MET_PTP", "", "supervisor visits.list  0 outcome"},
		{auth.RoleSupervisor, "/v1/assignments?status=open&team=north-teams", "",
			"supervisor assignments.list  0 status,team"},
		{auth.RoleSupervisor, "/v1/promises?due=2026-12-15", "", "supervisor promises.list  0 due"},
		{auth.RoleSupervisor, "/v1/plans", "", "supervisor plans.list " + one + " 0"},
		{auth.RoleSupervisor, "/v1/inbox", "", "supervisor inbox.read"},
		{auth.RoleAgent, "/v1/users/me/day", "", "agent day.read  0"},
		{auth.RoleAuditor, "/v1/audit/visits?format=ndjson", "", "auditor export.visits  0"},
		{auth.RoleAdmin, "/v1/outcomes?lender=LND-north", "", ""},
	} {
		before := h.accessLog(t)
		q := request{method: http.MethodGet, path: c.path, as: h.people[c.as]}
		if c.body != "" {
			q.method, q.body = http.MethodPost, []byte(c.body)
		}
		r := h.send(t, c.path, q)
		if r.status != http.StatusOK {
			t.Errorf("%s as %s: %d %s", c.path, c.as, r.status, r.code)
			continue
		}
		after := h.accessLog(t)
		if c.want == "" {
			continue // a page of outcomes without items shows nothing
		}
		if len(after) != len(before)+1 || !strings.HasPrefix(after[0].String(), c.want) {
			t.Errorf("%s as %s leaves %v, want %s", c.path, c.as, after[:len(after)-len(before)], c.want)
		}
	}
	// What is refused was not read.
	before := h.accessLog(t)
	for _, path := range []string{"/v1/cases/LND-south.CASE-south-1", "/v1/visits?branch=south", "/v1/debtors/nobody"} {
		h.send(t, path, request{method: http.MethodGet, path: path, as: h.people[auth.RoleSupervisor]})
	}
	// A name in the URL is not looked for, and neither log has it.
	for _, by := range []string{"name", "phone"} {
		r := h.send(t, by, request{method: http.MethodGet, path: "/v1/cases?" + by + "=" + url.QueryEscape(marker),
			as: h.people[auth.RoleSupervisor]})
		if r.status != http.StatusUnprocessableEntity || r.code != "list.in_url" ||
			!strings.Contains(string(r.body), "POST /v1/cases/search") {
			t.Errorf("?%s= is answered by %d %s", by, r.status, r.body)
		}
	}
	if after := h.accessLog(t); !slices.EqualFunc(before, after, func(x, y accessLine) bool {
		return x.String() == y.String()
	}) {
		t.Errorf("refused reads leave %v", after[:len(after)-len(before)])
	}
	h.stop()
	h.logIsClean(t)
}

// accessLog are the reads of north, the newest first.
func (h *hostile) accessLog(t *testing.T) []accessLine {
	t.Helper()
	r := h.send(t, "the access log", request{method: http.MethodGet, path: "/v1/audit/access?branch=north&limit=500",
		as: h.people[auth.RoleAdmin]})
	var out struct{ Items []accessLine }
	ok(t, json.Unmarshal(r.body, &out))
	return out.Items
}
