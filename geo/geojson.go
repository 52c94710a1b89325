package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"doorstep/auth/refusal"

	"github.com/paulmach/orb"
)

// ParseShape reads a GeoJSON geometry, a Polygon or a MultiPolygon in WGS 84,
// and checks it as NewShape does. What is wrong is a *refusal.Error whose Place is a
// place in raw, such as "coordinates[0][17]". Members it does not know are
// ignored, altitudes dropped.
func ParseShape(raw json.RawMessage) (Shape, error) {
	var geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
		CRS         json.RawMessage `json:"crs"`
	}
	if absent(raw) {
		return Shape{}, fault(CodeEmpty, "", "there is no geometry: draw the area as a Polygon or a MultiPolygon")
	}
	if err := json.Unmarshal(raw, &geometry); err != nil {
		return Shape{}, notJSON(err, "a GeoJSON geometry")
	}
	if err := checkCRS(geometry.CRS); err != nil {
		return Shape{}, err
	}
	reader := shapeReader{}
	var polygons orb.MultiPolygon
	var err *refusal.Error
	path := func(_, ring, position int) string { return "coordinates" + indices(ring, position) }
	switch geometry.Type {
	case "Polygon":
		var polygon orb.Polygon
		polygon, err = reader.polygon(geometry.Coordinates, "coordinates")
		polygons = orb.MultiPolygon{polygon}
	case "MultiPolygon":
		polygons, err = reader.polygons(geometry.Coordinates, "coordinates")
		path = func(polygon, ring, position int) string { return "coordinates" + indices(polygon, ring, position) }
	case "":
		return Shape{}, fault(CodeJSON, "type", "expected a GeoJSON geometry with a type")
	default:
		return Shape{}, fault(CodeGeometryType, "type", "an area is a Polygon or a MultiPolygon, not %s",
			typeName(geometry.Type))
	}
	if err != nil {
		return Shape{}, err
	}
	return newShape(polygons, path)
}

// shapeReader reads nested coordinates step by step, so that a fault has its place.
type shapeReader struct{ positions int }

func (s *shapeReader) polygons(raw json.RawMessage, path string) (orb.MultiPolygon, *refusal.Error) {
	return list(raw, path, "a list of polygons", s.polygon)
}

func (s *shapeReader) polygon(raw json.RawMessage, path string) (orb.Polygon, *refusal.Error) {
	return list(raw, path, "a polygon, which is a list of rings", s.ring)
}

func (s *shapeReader) ring(raw json.RawMessage, path string) (orb.Ring, *refusal.Error) {
	return list(raw, path, "a ring, which is a list of positions", s.position)
}

func (s *shapeReader) position(raw json.RawMessage, path string) (orb.Point, *refusal.Error) {
	if s.positions++; s.positions > MaxVertices {
		return orb.Point{}, fault(CodeTooLarge, path,
			"more than the %d positions allowed in a shape: simplify the border", MaxVertices)
	}
	p, err := readPosition(raw, path)
	return p.Orb(), err
}

// list reads a JSON array by reading each of its items.
func list[T any](raw json.RawMessage, path, what string, read func(json.RawMessage, string) (T, *refusal.Error)) ([]T,
	*refusal.Error) {
	var items []json.RawMessage
	if absent(raw) {
		return nil, fault(CodeEmpty, path, "expected %s, got nothing", what)
	}
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fault(CodeJSON, path, "expected %s, got %s", what, jsonKind(raw))
	}
	out := make([]T, len(items))
	for i, item := range items {
		var err *refusal.Error
		if out[i], err = read(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkCRS refuses what older GeoJSON allowed: coordinates in another system.
func checkCRS(raw json.RawMessage) *refusal.Error {
	if absent(raw) {
		return nil
	}
	var crs struct {
		Name       string `json:"name"`
		Properties struct {
			Name string `json:"name"`
			Href string `json:"href"`
			Code any    `json:"code"`
		} `json:"properties"`
	}
	var name string
	if json.Unmarshal(raw, &name) == nil && isWGS84(name) {
		return nil
	}
	if json.Unmarshal(raw, &crs) == nil {
		p := crs.Properties
		if isWGS84(p.Name) || isWGS84(p.Href) || isWGS84(crs.Name) || isWGS84(fmt.Sprint("EPSG:", p.Code)) {
			return nil
		}
	}
	return fault(CodeCRS, "crs", "the coordinates are declared to be in another reference system: export them as WGS "+
		"84 longitude and latitude (EPSG:4326)")
}

// isWGS84 tells whether a name of a reference system means WGS 84 in degrees. Programs write longitude first whatever
// the authority's order is.
func isWGS84(name string) bool { return wgs84Name.MatchString(name) }

// wgs84Name matches the spellings that are met: EPSG:4326 and 4979 (with height), OGC:CRS84 and CRS84h, WGS 84 by
// name, and all of them as a URN or an address of the OGC or of spatialreference.org. OGC:2:84 is an old URN of CRS84.
var wgs84Name = regexp.MustCompile(`(?i)^\s*(` +
	`((urn:(x-)?ogc:def:crs:)?epsg:([0-9.]*:)?|https?://(www\.)?opengis\.net/(def/crs/epsg/[0-9.]+/|gml/srs/epsg\.xml#)|` +
	`https?://(www\.)?spatialreference\.org/ref/epsg/|https?://epsg\.io/)0*(4326|4979)(/|/proj4/|/geojson)?|` +
	`((urn:(x-)?ogc:def:crs:)?(ogc:)?([0-9.]*:)?|https?://(www\.)?opengis\.net/def/crs/ogc/[0-9.]+/)crs[: ]?84h?|` +
	`urn:(x-)?ogc:def:crs:ogc:[0-9.]*:84|` +
	`(gcs[ _])?wgs[ _-]?(19)?84( ?\(crs ?84\)| ?\(epsg:4326\)| ?/ ?(epsg:)?4326)?` +
	`)\s*$`)

// typeName returns a GeoJSON type for a message, and never repeats an unknown one.
func typeName(t string) string {
	switch t {
	case "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection",
		"Feature", "FeatureCollection", "Topology":
		return "a " + t
	}
	return "something else"
}

func absent(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}

// notJSON says where a text stops being JSON, or which member has the wrong kind.
func notJSON(err error, what string) *refusal.Error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fault(CodeJSON, "", "expected %s; at byte %d the text is not JSON", what, syntax.Offset)
	case errors.As(err, &kind):
		return fault(CodeJSON, kind.Field, "expected %s, got a JSON %s here", what, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault(CodeJSON, "", "expected %s, but the text ends too early", what)
	}
	return fault(CodeJSON, "", "expected %s, and this is something else", what)
}
