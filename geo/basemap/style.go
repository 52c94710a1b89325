package basemap

import (
	_ "embed" // of the style
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"

	"doorstep/auth/refusal"
)

//go:embed style.json
var styleFile []byte

// Themes are the themes that Style knows.
func Themes() []string { return []string{"light", "dark"} }

// StyleAsk says which style is wanted.
type StyleAsk struct {
	// Theme is one of Themes; "" means light.
	Theme string
	// Language is a BCP 47 tag such as pt or zh-Hans: what is called otherwise in it is named so. "" names everything as
	// it is called there.
	Language string
	// Tiles is the address of the tiles with {z}, {x} and {y} in it.
	Tiles string
}

// tag is a language as names have it.
var tag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z]{2,8})?$`)

// Style returns a style for MapLibre GL 6 (version 8 of the specification) that draws a map, or if info is nil, plain
// ground. It has no glyphs and no sprite: labels are drawn in the font "Doorstep", or if the page adds no font-faces of
// that name, in the system's. Nothing in it names another host. The error is a *refusal.Error with CodeStyle.
func Style(info *Info, ask StyleAsk) ([]byte, error) {
	if ask.Theme == "" {
		ask.Theme = Themes()[0]
	}
	if !slices.Contains(Themes(), ask.Theme) {
		return nil, refusal.New(refusal.Invalid, CodeStyle, "theme", "the theme is none of %s",
			strings.Join(Themes(), ", "))
	}
	if ask.Language != "" && !tag.MatchString(ask.Language) {
		return nil, refusal.New(refusal.Invalid, CodeStyle, "language", "the language is not a tag such as pt or zh-Hans")
	}
	var file struct {
		Colours map[string]map[string]any `json:"colours"`
		Shared  map[string]any            `json:"shared"`
		Layers  []map[string]any          `json:"layers"`
	}
	if err := json.Unmarshal(styleFile, &file); err != nil {
		return nil, fmt.Errorf("read the style: %w", err)
	}
	words := maps.Clone(file.Shared)
	maps.Copy(words, file.Colours[ask.Theme])
	words["name"] = nameIn(ask.Language)
	style := map[string]any{"version": 8, "name": "Doorstep " + ask.Theme, "sources": map[string]any{}}
	layers := []any{map[string]any{"id": "ground", "type": "background",
		"paint": map[string]any{"background-color": words["ground"]}}}
	if info != nil {
		style["sources"] = map[string]any{
			"base": map[string]any{"type": "vector", "tiles": []string{ask.Tiles}, "minzoom": info.MinZoom,
				"maxzoom": info.MaxZoom, "bounds": info.Bounds, "attribution": html.EscapeString(info.Attribution)},
			"outside": map[string]any{"type": "geojson", "data": outside(info.Bounds)}}
		for _, l := range file.Layers {
			layers = append(layers, replace(l, words))
		}
	}
	style["layers"] = layers
	return json.Marshal(style)
}

// replace puts what words say in place of texts that begin with @.
func replace(v any, words map[string]any) any {
	switch v := v.(type) {
	case string:
		word, is := strings.CutPrefix(v, "@")
		if !is {
			return v
		}
		return replace(words[word], words)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = replace(v[i], words)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key := range v {
			out[key] = replace(v[key], words)
		}
		return out
	}
	return v
}

// nameIn is the expression of a name in a language: as it is called in the language, in the language without its
// script or country, or there.
func nameIn(language string) any {
	if language == "" {
		return []any{"get", "name"}
	}
	out := []any{"coalesce", []any{"get", "name_" + language}}
	if short, _, cut := strings.Cut(language, "-"); cut {
		out = append(out, []any{"get", "name_" + short})
	}
	return append(out, []any{"get", "name"})
}

// outside is the world without the area of the map.
func outside(box [4]float64) any {
	const edge = 85.0511
	w, s, e, n := box[0], box[1], box[2], box[3]
	return map[string]any{"type": "Feature", "properties": map[string]any{}, "geometry": map[string]any{"type": "Polygon",
		"coordinates": [][][2]float64{{{-180, -edge}, {180, -edge}, {180, edge}, {-180, edge}, {-180, -edge}},
			{{w, s}, {w, n}, {e, n}, {e, s}, {w, s}}}}}
}
