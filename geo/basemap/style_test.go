package basemap

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sampleMap is a map as Open describes it.
var sampleMap = Info{Hash: strings.Repeat("0f", 16), Bounds: [4]float64{7.4, 43.7, 7.45, 43.76}, MinZoom: 5,
	MaxZoom: 14, Attribution: Attribution}

type styleLayer struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Source      string         `json:"source"`
	SourceLayer string         `json:"source-layer"`
	Layout      map[string]any `json:"layout"`
}

func styleOf(t *testing.T, info *Info, ask StyleAsk) (text string, layers []styleLayer, sources map[string]any) {
	t.Helper()
	ask.Tiles = "/tiles/0f/{z}/{x}/{y}"
	raw, err := Style(info, ask)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Sources map[string]any `json:"sources"`
		Layers  []styleLayer   `json:"layers"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return string(raw), s.Layers, s.Sources
}

func TestTheStyleDrawsLayersOfTheTilesAndAsksNobodyElse(t *testing.T) {
	for _, theme := range Themes() {
		text, layers, sources := styleOf(t, &sampleMap, StyleAsk{Theme: theme, Language: "pt"})
		seen := map[string]bool{}
		for _, l := range layers {
			if seen[l.ID] {
				t.Errorf("%s: the id %s is there twice", theme, l.ID)
			}
			seen[l.ID] = true
			if l.Type == "background" {
				continue
			}
			if sources[l.Source] == nil || l.Source == "base" && !slices.Contains(layerNames[:], l.SourceLayer) {
				t.Errorf("%s: %s draws %s of %s, which is not there", theme, l.ID, l.SourceLayer, l.Source)
			}
			if font, is := l.Layout["text-font"].([]any); l.Type == "symbol" && (!is || len(font) != 2) {
				t.Errorf("%s: %s has the font %v", theme, l.ID, l.Layout["text-font"])
			}
		}
		if len(layers) < 20 {
			t.Errorf("%s: only %d layers", theme, len(layers))
		}
		if left := regexp.MustCompile(`"@\w*"|null|//|glyphs|sprite|https?:`).FindString(text); left != "" {
			t.Errorf("%s: the style contains %q", theme, left)
		}
	}
}

func TestThemesDifferInColoursOnly(t *testing.T) {
	colour := regexp.MustCompile(`"#[0-9a-f]{6}"`)
	light, _, _ := styleOf(t, &sampleMap, StyleAsk{Theme: "light"})
	dark, _, _ := styleOf(t, &sampleMap, StyleAsk{Theme: "dark"})
	if light == dark {
		t.Error("light and dark are the same")
	}
	a := strings.Replace(colour.ReplaceAllString(light, "C"), "Doorstep light", "", 1)
	b := strings.Replace(colour.ReplaceAllString(dark, "C"), "Doorstep dark", "", 1)
	if a != b {
		t.Error("light and dark differ in more than colours")
	}
	var file struct {
		Colours map[string]map[string]string `json:"colours"`
	}
	if err := json.Unmarshal(styleFile, &file); err != nil {
		t.Fatal(err)
	}
	for name := range file.Colours["light"] {
		if !strings.Contains(string(styleFile), `"@`+name+`"`) && name != "ground" {
			t.Errorf("the colour %s is not used", name)
		}
	}
}

func TestNamesFollowTheLanguage(t *testing.T) {
	for language, want := range map[string]string{
		"":        `["get","name"]`,
		"pt":      `["coalesce",["get","name_pt"],["get","name"]]`,
		"zh-Hans": `["coalesce",["get","name_zh-Hans"],["get","name_zh"],["get","name"]]`,
	} {
		if text, _, _ := styleOf(t, &sampleMap, StyleAsk{Language: language}); !strings.Contains(text, want) {
			t.Errorf("%q: no %s in the style", language, want)
		}
	}
	for _, ask := range []StyleAsk{{Theme: "blue"}, {Language: "p"}, {Language: `pt"],["`}, {Language: "PT"}} {
		if _, err := Style(&sampleMap, ask); err == nil {
			t.Errorf("%+v: no error", ask)
		}
	}
}

func TestWithoutAMapTheStyleIsPlainGround(t *testing.T) {
	_, layers, sources := styleOf(t, nil, StyleAsk{})
	if len(layers) != 1 || layers[0].Type != "background" || len(sources) != 0 {
		t.Errorf("%v of %v", layers, sources)
	}
}

func TestAnAttributionIsPlainText(t *testing.T) {
	for from, want := range map[string]string{
		`<a href="https://www.openstreetmap.org/copyright">&copy; OpenStreetMap</a>`: "© OpenStreetMap",
		`a <img src=x onerror=alert(1)> b`:                                           "a b",
		`&lt;script&gt;alert(1)&lt;/script&gt;`:                                      "scriptalert(1)/script",
		"":                                                                           "",
	} {
		if got := plain(from); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
	info := sampleMap
	info.Attribution = "A & B"
	if text, _, _ := styleOf(t, &info, StyleAsk{}); !strings.Contains(text, `"attribution":"A \u0026amp; B"`) {
		t.Error("the attribution is no HTML")
	}
}
