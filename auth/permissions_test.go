package auth

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestThePermissionsTableSaysEachThingOnce(t *testing.T) {
	named := regexp.MustCompile(`\{[^}]*\}`)
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	seen := map[string]bool{}
	for _, p := range Permissions() {
		// Two templates that differ in a parameter's name alone are one path.
		key := p.Method + " " + named.ReplaceAllString(p.Path, "{}")
		if seen[key] {
			t.Errorf("%s has two rows", key)
		}
		seen[key] = true
		if !slices.Contains(methods, p.Method) || !strings.HasPrefix(p.Path, "/") {
			t.Errorf("%s %s is no endpoint", p.Method, p.Path)
		}
		roles := slices.Clone(p.Roles)
		slices.Sort(roles)
		if len(slices.Compact(roles)) != len(p.Roles) {
			t.Errorf("%s names a role twice: %v", key, p.Roles)
		}
		for _, r := range p.Roles {
			if !slices.Contains(Roles(), r) {
				t.Errorf("%s names the role %s, which there is not", key, r)
			}
		}
	}
}

func TestOnlyTheseEndpointsAreOpenToAnyone(t *testing.T) {
	var open []string
	for _, p := range Permissions() {
		if len(p.Roles) == 0 {
			open = append(open, p.Method+" "+p.Path)
		}
	}
	slices.Sort(open)
	want := []string{"GET /", "GET /.well-known/jwks.json", "GET /docs", "GET /docs/{file}", "GET /livez", "GET /metrics", "GET /openapi.yaml", "GET /readyz",
		"POST /v1/sessions", "POST /v1/sessions/refresh"}
	if !slices.Equal(open, want) {
		t.Errorf("open to anyone: %v, want %v", open, want)
	}
}

func TestWhoMayWhat(t *testing.T) {
	for _, p := range Permissions() {
		may := func(r Role) bool { return slices.Contains(p.Roles, r) }
		switch {
		case strings.HasPrefix(p.Path, "/sync/"):
			if !slices.Equal(p.Roles, []Role{RoleAgent}) {
				t.Errorf("%s %s: sync is for agents, not %v", p.Method, p.Path, p.Roles)
			}
		case strings.HasPrefix(p.Path, "/v1/audit/"):
			if p.Method != http.MethodGet || may(RoleAgent) || may(RoleLender) {
				t.Errorf("%s %s is for auditors, to read: %v", p.Method, p.Path, p.Roles)
			}
		case strings.HasPrefix(p.Path, "/v1/users") && !strings.HasPrefix(p.Path, "/v1/users/me"):
			if !slices.Equal(p.Roles, []Role{RoleAdmin}) {
				t.Errorf("%s %s: users are for administrators, not %v", p.Method, p.Path, p.Roles)
			}
		case may(RoleAuditor) && len(p.Roles) < len(Roles()):
			t.Errorf("%s %s lets auditors beyond the audit", p.Method, p.Path)
		case may(RoleAgent) && len(p.Roles) < len(Roles()) && p.Path != "/v1/devices/current":
			t.Errorf("%s %s lets agents beyond sync", p.Method, p.Path)
		}
	}
}

func TestScope(t *testing.T) {
	for name, c := range map[string]struct {
		actor  Actor
		branch BranchID
		want   bool
	}{
		"a supervisor's branch":     {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto", "braga"}}, "braga", true},
		"another branch":            {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto"}}, "braga", false},
		"a supervisor of none":      {Actor{Role: RoleSupervisor}, "porto", false},
		"the organisation's":        {Actor{Role: RoleSupervisor, Branches: []BranchID{"porto"}}, OrgBranch, false},
		"an administrator":          {Actor{Role: RoleAdmin}, "porto", true},
		"an administrator, all":     {Actor{Role: RoleAdmin}, OrgBranch, true},
		"a lender":                  {Actor{Role: RoleLender, Lender: "north"}, "porto", true},
		"a lender, organisation's":  {Actor{Role: RoleLender, Lender: "north"}, OrgBranch, false},
		"an auditor's branch":       {Actor{Role: RoleAuditor, Branches: []BranchID{"porto"}}, "porto", true},
		"an auditor, elsewhere":     {Actor{Role: RoleAuditor, Branches: []BranchID{"porto"}}, "braga", false},
		"a role that there is not":  {Actor{Role: "guest"}, "porto", false},
		"the server's own business": {System(), OrgBranch, true},
	} {
		if got := c.actor.InBranch(c.branch); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
