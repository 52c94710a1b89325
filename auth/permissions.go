package auth

// Permission says who may call one endpoint. Scope (which branches, which cases)
// is judged behind it: a record out of scope is as if it did not exist.
type Permission struct {
	Method string
	Path   string // the template, as in the API description
	Roles  []Role // none: anyone, signed in or not
}

var (
	anyone  []Role
	all     = Roles()
	admins  = []Role{RoleAdmin}
	office  = []Role{RoleAdmin, RoleSupervisor}
	imports = []Role{RoleAdmin, RoleSupervisor, RoleLender}
	agents  = []Role{RoleAgent}
	audits  = []Role{RoleAdmin, RoleAuditor}
)

// Permissions is the whole table. An endpoint without a row is refused, and fails a test.
func Permissions() []Permission {
	return []Permission{
		{"POST", "/v1/sessions", anyone},
		{"POST", "/v1/sessions/refresh", anyone},
		{"DELETE", "/v1/sessions/current", all},
		{"GET", "/.well-known/jwks.json", anyone},
		{"GET", "/livez", anyone},
		{"GET", "/readyz", anyone},
		{"GET", "/metrics", anyone},
		{"GET", "/openapi.yaml", anyone},
		{"GET", "/docs", anyone},
		{"GET", "/docs/{file}", anyone},
		{"GET", "/", anyone},

		{"GET", "/v1/users", admins},
		{"POST", "/v1/users", admins},
		{"GET", "/v1/users/me", all},
		{"POST", "/v1/users/me/password", all},
		{"GET", "/v1/users/{id}", admins},
		{"PATCH", "/v1/users/{id}", admins},
		{"GET", "/v1/devices", admins},
		{"DELETE", "/v1/devices/{id}", admins},
		{"PATCH", "/v1/devices/current", agents},
		{"GET", "/v1/branches", office},
		{"PUT", "/v1/branches/{id}", admins},
		{"GET", "/v1/lenders", office},
		{"PUT", "/v1/lenders/{id}", admins},

		{"GET", "/v1/territories", office},
		{"PUT", "/v1/territories", office},
		{"GET", "/v1/territories/coverage", office},
		{"GET", "/v1/territories/staffing", office},
		{"POST", "/v1/territories/balance", office},
		{"GET", "/v1/territories/{id}", office},
		{"PUT", "/v1/territories/{id}", office},
		{"DELETE", "/v1/territories/{id}", office},
		{"GET", "/v1/teams", office},
		{"GET", "/v1/teams/{id}", office},
		{"PUT", "/v1/teams/{id}", office},
		{"GET", "/v1/shifts", office},
		{"PUT", "/v1/teams/{id}/shifts/{date}", office},

		{"POST", "/v1/imports/territories", office},
		{"POST", "/v1/imports/cases", imports},
		{"POST", "/v1/imports/contacts", imports},
		{"POST", "/v1/imports/payments", imports},

		{"GET", "/v1/cases", imports},
		{"GET", "/v1/cases/{id}", imports},
		{"POST", "/v1/cases/{id}/holds", office},
		{"POST", "/v1/cases/{id}/holds/{hold}/release", office},
		{"POST", "/v1/cases/{id}/facts", office},
		{"PUT", "/v1/cases/{id}/requests", office},
		{"POST", "/v1/cases/{id}/reassign", office},
		{"POST", "/v1/cases/{id}/contacts", office},
		{"GET", "/v1/cases/{id}/appointment-slots", office},
		{"POST", "/v1/cases/{id}/appointments", office},
		{"POST", "/v1/cases/{id}/appointments/{appointment}/cancel", office},
		{"POST", "/v1/cases/{id}/corrections", office},
		{"POST", "/v1/cases/{id}/notices", office},
		{"POST", "/v1/cases/{id}/plans", office},
		{"POST", "/v1/cases/{id}/visits/{visit}/review", office},
		{"POST", "/v1/cases/{id}/close", imports},
		{"POST", "/v1/cases/{id}/reopen", office},
		{"POST", "/v1/debtors/{id}/erase", admins},
		{"POST", "/v1/debtors/{id}/erase/{request}/confirm", admins},
		{"GET", "/v1/debtors/{id}/erase/{request}", admins},
		{"GET", "/v1/plans", office},
		{"GET", "/v1/promises", office},
		{"POST", "/v1/plans/{id}/approve", office},
		{"POST", "/v1/plans/{id}/reject", office},
		{"POST", "/v1/plans/{id}/withdraw", office},
		{"GET", "/v1/alerts", office},
		{"GET", "/v1/quarantine", office},
		{"POST", "/v1/quarantine/{id}", office},
		{"GET", "/v1/receipts/{command}", imports},

		{"GET", "/v1/rounds", office},
		{"POST", "/v1/rounds", office},
		{"GET", "/v1/rounds/{id}", office},
		{"GET", "/v1/rounds/{id}.geojson", office},
		{"GET", "/v1/rounds/{id}.ics", office},
		{"POST", "/v1/rounds/{id}/publish", office},
		{"POST", "/v1/rounds/{id}/replan", office},
		{"POST", "/v1/routing/solve", office},

		{"POST", "/v1/conduct/decisions", all},
		{"GET", "/v1/conduct/policy", all},
		{"GET", "/v1/conduct/key", all},
		{"GET", "/v1/conduct/packs", all},
		{"GET", "/v1/conduct/packs/{name}", all},
		{"PUT", "/v1/conduct/packs/{name}", admins},
		{"DELETE", "/v1/conduct/packs/{name}", admins},

		{"GET", "/v1/audit/visits", audits},
		{"GET", "/v1/audit/checkpoint", audits},
		{"GET", "/v1/audit/proof", audits},

		{"GET", "/sync/v1/pull", agents},
		{"POST", "/sync/v1/push", agents},
		{"GET", "/sync/v1/manifest", agents},
		{"GET", "/sync/v1/stream", agents},
	}
}
