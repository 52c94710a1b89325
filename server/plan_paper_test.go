package server

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/play"
)

// A supervisor prints a plan of their branch, which stands in the access log; a plan of another branch, and one that
// has ended, are not printed, and neither does a lender, an auditor or an agent print one.
func TestAPlanIsPrinted(t *testing.T) {
	h := newHostile(t)
	boss := &play.Client{Base: h.URL()}
	ok(t, boss.SignIn(t.Context(), "supervisor", userPassword, ""))
	ok(t, boss.Do(t.Context(), "POST", "/v1/cases/LND-north.CASE-north-2/plans", map[string]any{"id": "printed",
		"state":   "offered",
		"request": map[string]any{"kind": "instalments", "start_on": "2026-12-31", "frequency": "monthly", "count": 3}}, nil))
	get := func(as auth.Role, path string) reply {
		t.Helper()
		return h.send(t, path, request{method: http.MethodGet, path: path, as: h.people[as]})
	}
	r := get(auth.RoleSupervisor, "/v1/plans/printed/document")
	if r.status != http.StatusOK || !bytes.HasPrefix(r.body, []byte("%PDF-")) {
		t.Fatalf("%d %s", r.status, r.code)
	}
	if last := h.accessLog(t)[0].String(); !strings.HasPrefix(last, "supervisor plan.read LND-north.CASE-north-2") {
		t.Errorf("the access log has %s", last)
	}
	for _, as := range []auth.Role{auth.RoleLender, auth.RoleAuditor, auth.RoleAgent} {
		if r := get(as, "/v1/plans/printed/document"); r.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", as, r.status, r.code)
		}
	}
	if r := get(auth.RoleSupervisor, "/v1/plans/printed/document?branch=south"); r.status != http.StatusNotFound {
		t.Errorf("another branch: %d %s", r.status, r.code)
	}
	ok(t, boss.Do(t.Context(), "POST", "/v1/plans/printed/cancel", map[string]any{"cancelled_for": "error"}, nil))
	if r := get(auth.RoleSupervisor, "/v1/plans/printed/document"); r.code != "plan.state" {
		t.Errorf("a plan that has ended: %d %s", r.status, r.code)
	}
}
