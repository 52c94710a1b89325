package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
)

const (
	// MaxFeatures is the most features ReadFeatures takes at once.
	MaxFeatures = 10_000
	// MaxFeatureBytes is the longest text ReadFeatures takes.
	MaxFeatureBytes = 64 << 20
)

// Feature is one territory as a map program exports it. If Err is set, the
// other fields hold what could be read.
type Feature struct {
	// ID is the feature's id or, failing that, its property "id".
	ID string
	// Name is its property "name"; may be empty.
	Name string
	// Properties are all its properties; numbers are json.Number.
	Properties map[string]any
	// Shape is its area.
	Shape Shape
	// Err says why the feature cannot be used, nil if it can. Its Place starts
	// at the whole text: "features[2].geometry.coordinates[0][17]".
	Err *refusal.Error
	// Index is its place in the collection, from 0.
	Index int
}

// ReadFeatures reads a GeoJSON FeatureCollection of territories, or one
// Feature. A feature that cannot be used says why in its Err and does not
// spoil the others: a shape that NewShape refuses, no id, or an id that an
// earlier feature has. The error is a *refusal.Error if the text as a whole cannot be
// used, and otherwise that of r.
func ReadFeatures(r io.Reader) ([]Feature, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFeatureBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read features: %w", err)
	}
	if len(text) > MaxFeatureBytes {
		return nil, fault(CodeTooLarge, "", "the text is longer than %d MiB: simplify the borders, or send it in parts",
			MaxFeatureBytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as some map programs write
	var whole struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
		CRS      json.RawMessage   `json:"crs"`
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, notJSON(err, "a GeoJSON FeatureCollection or Feature")
	}
	if err := checkCRS(whole.CRS); err != nil {
		return nil, err
	}
	switch whole.Type {
	case "Feature":
		feature := readFeature(text)
		return []Feature{feature}, nil
	case "FeatureCollection":
		return readCollection(whole.Features)
	case "":
		return nil, fault(CodeJSON, "type",
			"expected a GeoJSON FeatureCollection or Feature, got an object without a type")
	}
	return nil, fault(CodeJSON, "type", "expected a GeoJSON FeatureCollection or Feature, got %s", typeName(whole.Type))
}

func readCollection(raw []json.RawMessage) ([]Feature, error) {
	switch {
	case len(raw) == 0:
		return nil, fault(CodeEmpty, "features", "the collection has no features")
	case len(raw) > MaxFeatures:
		return nil, fault(CodeTooLarge, "features", "%d features are more than the %d allowed: send them in parts",
			len(raw), MaxFeatures)
	}
	features := make([]Feature, len(raw))
	first := make(map[string]int, len(raw))
	for i, text := range raw {
		f := readFeature(text)
		f.Index = i
		place := fmt.Sprintf("features[%d]", i)
		if f.Err != nil {
			f.Err = f.Err.Under(place)
		}
		if earlier, ok := first[f.ID]; ok && f.ID != "" {
			if f.Err == nil {
				f.Err = fault(CodeDuplicateID, place+".id",
					"the id is that of features[%d] already: give each territory its own", earlier)
			}
		} else {
			first[f.ID] = i
		}
		features[i] = f
	}
	return features, nil
}

// readFeature reads one feature; the path of its Err starts at the feature.
func readFeature(text json.RawMessage) Feature {
	var raw struct {
		Type       string          `json:"type"`
		ID         json.RawMessage `json:"id"`
		Properties json.RawMessage `json:"properties"`
		Geometry   json.RawMessage `json:"geometry"`
	}
	var f Feature
	if err := json.Unmarshal(text, &raw); err != nil {
		f.Err = notJSON(err, "a GeoJSON Feature")
		return f
	}
	if raw.Type != "Feature" {
		f.Err = fault(CodeJSON, "type", "expected a GeoJSON Feature, got %s", typeName(raw.Type))
		return f
	}
	if !absent(raw.Properties) {
		decoder := json.NewDecoder(bytes.NewReader(raw.Properties))
		decoder.UseNumber()
		if err := decoder.Decode(&f.Properties); err != nil {
			f.Err = fault(CodeJSON, "properties", "expected an object, got %s", jsonKind(raw.Properties))
			return f
		}
	}
	f.Name, _ = f.Properties["name"].(string)
	if f.ID, f.Err = featureID(raw.ID, f.Properties); f.Err != nil {
		return f
	}
	shape, err := ParseShape(raw.Geometry)
	if err != nil {
		errors.As(err, &f.Err)
		f.Err = f.Err.Under("geometry")
		return f
	}
	f.Shape = shape
	return f
}

// featureID takes the id from where GeoJSON has it, or from the property that
// most map programs write instead.
func featureID(raw json.RawMessage, properties map[string]any) (string, *refusal.Error) {
	path, value := "properties.id", properties["id"]
	if !absent(raw) {
		path = "id"
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return "", notJSON(err, "an id")
		}
	}
	switch id := value.(type) {
	case string:
		if id != "" {
			return id, nil
		}
	case json.Number:
		if whole, ok := strictjson.Whole(id.String()); ok {
			return whole, nil // 7.0 is 7
		}
		return "", fault(CodeID, path, "an id is a text or a whole number, never one with a fraction")
	case nil:
	default:
		return "", fault(CodeID, path, "an id is a text or a number")
	}
	return "", fault(CodeID, "id", "a territory needs an id: give the feature an \"id\", or a property \"id\"")
}
