package geo

import (
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
)

// Drawing collects features for a map, as GeoJSON (RFC 7946). The zero value is empty.
type Drawing struct {
	features []*geojson.Feature
}

// Point adds a point.
func (d *Drawing) Point(id string, at Point, properties map[string]any) {
	d.add(id, at.Orb(), properties)
}

// Line adds a line through at least two points; with fewer nothing is added.
func (d *Drawing) Line(id string, through []Point, properties map[string]any) {
	if len(through) < 2 {
		return
	}
	line := make(orb.LineString, len(through))
	for i, p := range through {
		line[i] = p.Orb()
	}
	d.add(id, line, properties)
}

// Shape adds a shape.
func (d *Drawing) Shape(id string, s Shape, properties map[string]any) {
	d.add(id, s.MultiPolygon(), properties)
}

func (d *Drawing) add(id string, g orb.Geometry, properties map[string]any) {
	f := geojson.NewFeature(g)
	if id != "" {
		f.ID = id
	}
	f.Properties = properties
	d.features = append(d.features, f)
}

// MarshalJSON writes a FeatureCollection.
func (d *Drawing) MarshalJSON() ([]byte, error) {
	fc := geojson.NewFeatureCollection()
	fc.Features = append(fc.Features, d.features...)
	return fc.MarshalJSON()
}
