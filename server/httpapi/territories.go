package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/server/record"
)

// featureBody is a territory as a GeoJSON Feature (RFC 7946).
type featureBody struct {
	Type       string          `json:"type" enum:"Feature"`
	ID         string          `json:"id,omitempty" maxLength:"64"`
	Properties json.RawMessage `json:"properties,omitempty" doc:"name and branch mean something here; the others are kept."`
	Geometry   json.RawMessage `json:"geometry" doc:"A Polygon or MultiPolygon, WGS 84, that neither crosses itself nor the antimeridian."`
	BBox       []float64       `json:"bbox,omitempty"`
}

type collectionBody struct {
	Type     string        `json:"type" enum:"FeatureCollection"`
	Features []featureBody `json:"features"`
}

type territoryImport struct {
	Import    string           `json:"import_id,omitempty" doc:"Names the import, to undo it; absent where nothing was changed."`
	Accepted  int              `json:"accepted"`
	Updated   int              `json:"updated"`
	Unchanged int              `json:"unchanged"`
	Rejected  int              `json:"rejected"`
	Errors    []territoryError `json:"errors"`
	Moved     int              `json:"cases_moved" doc:"Open cases that lie in another territory than before."`
	Overlaps  []overlapBody    `json:"overlaps,omitempty" doc:"Territories of the branch that lie over each other: the first by id has the cases there."`
}

type territoryError struct {
	Feature int    `json:"feature" doc:"Its place in the collection, from 0."`
	ID      string `json:"id,omitempty"`
	Path    string `json:"path,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type overlapBody struct {
	A    string  `json:"a"`
	B    string  `json:"b"`
	Area float64 `json:"area_m2"`
}

func featureOf(t office.Territory) (featureBody, error) {
	shape, err := t.Shape.Shape()
	if err != nil {
		return featureBody{}, err
	}
	geometry, err := json.Marshal(shape)
	if err != nil {
		return featureBody{}, err
	}
	props := map[string]any{}
	if len(t.Properties) > 0 {
		if err := json.Unmarshal(t.Properties, &props); err != nil {
			return featureBody{}, err
		}
	}
	props["branch"] = string(t.Branch)
	if t.Name != "" {
		props["name"] = t.Name
	}
	raw, err := json.Marshal(props)
	return featureBody{Type: "Feature", ID: t.ID, Properties: raw, Geometry: geometry}, err
}

// territoryOf makes a territory of a feature that was read; the properties kept are
// those without a meaning of their own. What a proposal said is not kept.
func territoryOf(f geo.Feature, b auth.BranchID) (office.Territory, error) {
	t := office.Territory{ID: f.ID, Branch: b, Name: f.Name, Shape: f.Shape.E7()}
	rest := map[string]any{}
	for k, v := range f.Properties {
		if k == "name" || k == "branch" || k == "id" || k == "proposal" {
			continue
		}
		rest[k] = withoutFloats(v)
	}
	if len(rest) == 0 {
		return t, nil
	}
	raw, err := json.Marshal(rest)
	t.Properties = raw
	return t, err
}

// withoutFloats writes fractions as text: nothing that is hashed holds a float.
func withoutFloats(v any) any {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Int64(); err != nil {
			return v.String()
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = withoutFloats(v[k])
		}
		return v
	case []any:
		for i := range v {
			v[i] = withoutFloats(v[i])
		}
		return v
	}
	return v
}

func (a *API) territoryEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/territories", roles: supervisors, id: "listTerritories",
		tag: "office", summary: "Territories as a GeoJSON FeatureCollection"}, a.listTerritories)
	register(a, endpoint{method: http.MethodGet, path: "/v1/territories/{id}", roles: supervisors,
		id: "getTerritory", tag: "office", summary: "A territory as a GeoJSON Feature"}, a.getTerritory)
	register(a, endpoint{method: http.MethodPut, path: "/v1/territories/{id}", roles: supervisors,
		id: "putTerritory", tag: "office", summary: "Draw a territory", body: 4 << 20,
		about: "Cases whose homes lie within follow at once, but for those a supervisor placed by hand."},
		a.putTerritory)
	register(a, endpoint{method: http.MethodDelete, path: "/v1/territories/{id}", roles: supervisors,
		id: "deleteTerritory", tag: "office", summary: "Remove a territory", status: http.StatusNoContent},
		a.deleteTerritory)
}

// shapeIn reads a geometry that is a member of a body.
func shapeIn(member string, raw json.RawMessage) (geo.Shape, error) {
	shape, err := geo.ParseShape(raw)
	var wrong *refusal.Error
	if errors.As(err, &wrong) {
		at := strings.TrimSuffix("body."+member+"."+wrong.Place, ".")
		return geo.Shape{}, newProblem(http.StatusUnprocessableEntity, wrong.Code(), at+": "+wrong.Msg).at(at, wrong.Msg)
	}
	return shape, err
}

// numbers makes floats of a decoded object json.Numbers, as geo gives them.
func numbers(v map[string]any) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return nil
	}
	return out
}

// importTerritories takes a FeatureCollection: good features are kept, bad ones reported.
func (a *API) importTerritories(ctx context.Context, c call, b auth.BranchID, text []byte) (_ *territoryImport,
	err error) {
	features, err := geo.ReadFeatures(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	out := &territoryImport{Errors: []territoryError{}}
	had := map[string]office.Territory{}
	ts, err := a.opt.Office.Territories(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, t := range ts {
		had[t.ID] = t
	}
	var im *casework.MapImport
	defer func() { err = a.endMapImport(ctx, c, im, out, err) }()
	reject := func(f geo.Feature, path, code, message string) {
		out.Rejected++
		out.Errors = append(out.Errors, territoryError{Feature: f.Index, ID: f.ID, Path: path, Code: code, Message: message})
	}
	for _, f := range features {
		if f.Err != nil {
			reject(f, f.Err.Place, f.Err.Code(), f.Err.Error())
			continue
		}
		if of, ok := f.Properties["branch"].(string); ok && of != string(b) {
			reject(f, "properties.branch", "territory.branch", "the feature names another branch than the import")
			continue
		}
		t, err := territoryOf(f, b)
		if err != nil {
			return nil, err
		}
		was, there := had[t.ID]
		if there && sameTerritory(was, t) {
			out.Unchanged++
			continue
		}
		if err := a.opt.Office.CheckTerritory(ctx, t); err != nil {
			p, known := problemOf(err)
			if !known {
				return nil, err
			}
			reject(f, "", p.Code, p.Detail)
			continue
		}
		if im == nil {
			if im, err = a.opt.Casework.BeginMapImport(ctx, c.actor, b); err != nil {
				return nil, err
			}
			out.Import = im.ID
		}
		if _, err := a.opt.Office.ImportTerritory(ctx, office.Ask{By: c.actor.User, Command: im.Command(f.Index)},
			t); err != nil {
			return nil, err
		}
		if there {
			out.Updated++
		} else {
			out.Accepted++
		}
	}
	if out.Accepted+out.Updated > 0 {
		if out.Moved, err = a.opt.Casework.RedrawAll(ctx, auth.System(), b); err != nil {
			return nil, err
		}
	}
	index, err := a.opt.Office.Index(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, o := range index.Overlaps() {
		out.Overlaps = append(out.Overlaps, overlapBody{o.A, o.B, o.SquareMetres})
	}
	return out, nil
}

// endMapImport notes what an import of territories did, if it has begun; fault is why it ended before its file did.
func (a *API) endMapImport(ctx context.Context, c call, im *casework.MapImport, out *territoryImport,
	fault error) error {
	if im == nil {
		return fault
	}
	err := a.opt.Casework.EndMapImport(ctx, c.actor, im, record.Import{Accepted: out.Accepted, Updated: out.Updated,
		Unchanged: out.Unchanged, Rejected: out.Rejected, Broken: fault != nil})
	return cmp.Or(fault, err)
}

func sameTerritory(a, b office.Territory) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

type listTerritoriesIn struct {
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) listTerritories(ctx context.Context, c call, in *listTerritoriesIn) (*body[collectionBody], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	ts, err := a.opt.Office.Territories(ctx, b)
	if err != nil {
		return nil, err
	}
	out := collectionBody{Type: "FeatureCollection", Features: []featureBody{}}
	for _, t := range ts {
		f, err := featureOf(t)
		if err != nil {
			return nil, err
		}
		out.Features = append(out.Features, f)
	}
	return respond(out), nil
}

type getTerritoryIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) getTerritory(ctx context.Context, c call, in *getTerritoryIn) (*body[featureBody], error) {
	b, err := branchFor(c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	t, err := a.opt.Office.Territory(ctx, b, in.ID)
	if err != nil {
		return nil, err
	}
	f, err := featureOf(t)
	return respond(f), err
}

type putTerritoryIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
	Body   featureBody
}

func (a *API) putTerritory(ctx context.Context, c call, in *putTerritoryIn) (*body[featureBody], error) {
	shape, err := shapeIn("geometry", in.Body.Geometry)
	if err != nil {
		return nil, err
	}
	var props map[string]any
	if len(in.Body.Properties) > 0 && json.Unmarshal(in.Body.Properties, &props) != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "territory.properties",
			"properties is an object").at("body.properties", "not an object")
	}
	named := in.Branch
	if of, ok := props["branch"].(string); ok && named == "" {
		named = of
	}
	b, err := a.branch(ctx, c.actor, named)
	if err != nil {
		return nil, err
	}
	name, _ := props["name"].(string)
	t, err := territoryOf(geo.Feature{ID: in.ID, Name: name, Properties: numbers(props), Shape: shape}, b)
	if err != nil {
		return nil, err
	}
	if t, err = a.opt.Office.PutTerritory(ctx, ask(c), t); err != nil {
		return nil, err
	}
	if _, err := a.opt.Casework.RedrawAll(ctx, auth.System(), b); err != nil {
		return nil, err
	}
	f, err := featureOf(t)
	return respond(f), err
}

type deleteTerritoryIn struct {
	ID     string `path:"id" maxLength:"64"`
	Branch string `query:"branch" maxLength:"64"`
}

func (a *API) deleteTerritory(ctx context.Context, c call, in *deleteTerritoryIn) (*struct{}, error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	if err := a.opt.Office.DeleteTerritory(ctx, ask(c), b, in.ID); err != nil {
		return nil, err
	}
	_, err = a.opt.Casework.RedrawAll(ctx, auth.System(), b)
	return nil, err
}
