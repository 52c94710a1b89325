package httpapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// parts says in which part of a request an endpoint takes its members: "date" is
// query.date here and body.date there. Rooms name a member at fault and know
// nothing of HTTP; the edge says where the caller wrote it.
type parts struct {
	of   map[string]string
	body bool
}

// called is what rooms call the id that stands in the path after a collection: in
// /v1/cases/{id}, case is path.id.
var called = map[string]string{"branches": "branch", "cases": "case", "devices": "device", "lenders": "lender",
	"plans": "plan", "rounds": "round",
	"teams": "team", "territories": "territory", "users": "user"}

// partsOf reads an operation's parts from its description.
func (a *API) partsOf(op *huma.Operation) parts {
	out := parts{of: map[string]string{}, body: op.RequestBody != nil}
	segments := strings.Split(op.Path, "/")
	for i, s := range segments {
		if name, _, is := strings.Cut(strings.TrimPrefix(s, "{"), "}"); is && i > 0 && called[segments[i-1]] != "" {
			out.of[called[segments[i-1]]] = "path." + name
		}
	}
	if out.body {
		for _, m := range op.RequestBody.Content {
			s := m.Schema
			if s != nil && s.Ref != "" {
				s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
			}
			if s == nil {
				continue
			}
			for name := range s.Properties {
				out.of[name] = "body." + name
			}
		}
	}
	for _, p := range op.Parameters {
		if p.In == "path" || p.In == "query" {
			out.of[p.Name] = p.In + "." + p.Name
		}
	}
	return out
}

// place is where a member is; a member the endpoint does not take is somewhere in
// the body, or in a record the request is about: then there is no place.
func (p parts) place(member string) string {
	name, rest := member, ""
	if i := strings.IndexAny(member, ".["); i >= 0 {
		name, rest = member[:i], member[i:]
	}
	if at, is := p.of[name]; is {
		return at + rest
	}
	if p.body {
		return "body"
	}
	return ""
}

// located turns the members a room named into places of the request.
func (p *Problem) located(in parts) *Problem {
	if !p.members {
		return p
	}
	var out []ProblemField
	for _, f := range p.Errors {
		at := in.place(f.Location)
		if at == "body" && p.inBody {
			at = "body." + f.Location
		}
		if f.Location = place(at); f.Location != "" {
			out = append(out, f)
		}
	}
	p.Errors, p.members = out, false
	return p
}
