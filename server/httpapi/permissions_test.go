package httpapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doorstep/auth"
)

func TestEachEndpointIsThereOnce(t *testing.T) {
	named := regexp.MustCompile(`\{[^}]*\}`)
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodHead, http.MethodOptions}
	seen := map[string]bool{}
	for _, p := range described(t).endpoints {
		// Two templates that differ in a parameter's name alone are one path.
		key := p.method + " " + named.ReplaceAllString(p.path, "{}")
		if seen[key] {
			t.Errorf("%s has two rows", key)
		}
		seen[key] = true
		if !slices.Contains(methods, p.method) || !strings.HasPrefix(p.path, "/") {
			t.Errorf("%s %s is not an endpoint", p.method, p.path)
		}
		roles := slices.Clone(p.roles)
		slices.Sort(roles)
		if len(slices.Compact(roles)) != len(p.roles) {
			t.Errorf("%s names a role twice: %v", key, p.roles)
		}
		for _, r := range p.roles {
			if !slices.Contains(auth.Roles(), r) {
				t.Errorf("%s names the role %s, which does not exist", key, r)
			}
		}
	}
}

func TestOnlyTheseEndpointsAreOpenToAnyone(t *testing.T) {
	var open []string
	for _, p := range described(t).endpoints {
		if len(p.roles) == 0 {
			open = append(open, p.method+" "+p.path)
		}
	}
	slices.Sort(open)
	want := []string{"GET /", "GET /.well-known/jwks.json", "GET /d/{token}", "GET /docs", "GET /docs/{file}",
		"GET /door", "GET /door/{page}", "GET /livez", "GET /metrics", "GET /openapi.yaml", "GET /readyz",
		"GET /tiles/{hash}/{z}/{x}/{y}", "GET /who", "OPTIONS /files/", "POST /d/{token}", "POST /door/{page}",
		"POST /v1/sessions", "POST /v1/sessions/factor", "POST /v1/sessions/refresh",
		"POST /v1/sms/{provider}/receipts", "POST /v1/sms/{provider}/replies", "POST /who"}
	if !slices.Equal(open, want) {
		t.Errorf("open to anyone: %v, want %v", open, want)
	}
}

func TestWhoMayWhat(t *testing.T) {
	for _, p := range described(t).endpoints {
		may := func(r auth.Role) bool { return slices.Contains(p.roles, r) }
		switch {
		case strings.HasPrefix(p.path, "/sync/"), strings.HasPrefix(p.path, "/files/"):
			if !slices.Equal(p.roles, []auth.Role{auth.RoleAgent}) && p.method != http.MethodOptions {
				t.Errorf("%s %s: sync is for agents, not %v", p.method, p.path, p.roles)
			}
		case strings.HasPrefix(p.path, "/v1/audit/"):
			if p.method != http.MethodGet || may(auth.RoleAgent) || may(auth.RoleLender) {
				t.Errorf("%s %s is for auditors, to read: %v", p.method, p.path, p.roles)
			}
		case strings.HasPrefix(p.path, "/v1/users") && !strings.HasPrefix(p.path, "/v1/users/me"):
			if !slices.Equal(p.roles, []auth.Role{auth.RoleAdmin}) {
				t.Errorf("%s %s: users are for administrators, not %v", p.method, p.path, p.roles)
			}
		case strings.HasPrefix(p.path, "/v1/users/me/factors") || p.path == "/v1/users/me/recovery-codes":
			for _, r := range auth.Roles() {
				if may(r) != r.Rule().Factor {
					t.Errorf("%s %s: %s may: %t", p.method, p.path, r, may(r))
				}
			}
		case strings.Contains(p.path, "/attachments/"):
			// Of auditors the level regulator alone: the handler sees to it.
			if p.method != http.MethodGet || may(auth.RoleAgent) || may(auth.RoleLender) {
				t.Errorf("%s %s: attachments are for the office, to read: %v", p.method, p.path, p.roles)
			}
		case p.path == "/v1/figures":
			// They count, and show no case. Lenders get those of their own.
			if may(auth.RoleAgent) {
				t.Errorf("%s %s lets agents read figures", p.method, p.path)
			}
		case may(auth.RoleAuditor) && len(p.roles) < len(auth.Roles()):
			t.Errorf("%s %s lets auditors beyond the audit", p.method, p.path)
		case may(auth.RoleAgent) && len(p.roles) < len(auth.Roles()) && !strings.HasPrefix(p.path, "/v1/devices/current") &&
			p.path != "/v1/users/me/day" && p.path != "/v1/users/me/code" && !strings.HasPrefix(p.path, "/v1/map"):
			t.Errorf("%s %s lets agents beyond sync", p.method, p.path)
		}
	}
}

func TestAnEndpointWithoutRolesIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an endpoint that says nothing of roles was taken")
		}
	}()
	described(t).allow(endpoint{method: http.MethodGet, path: "/v1/open-by-mistake"})
}
