package main

import (
	"encoding/json"
	"math"
	"os"

	"golang.org/x/text/language"
)

// tolerance is how far an outline may be moved to be shorter, in degrees.
const tolerance = 0.006

// without are places that the outlines have without a number, with the country that the tz database counts them to.
var without = map[string]string{"Kosovo": "RS", "N. Cyprus": "CY", "Somaliland": "SO"}

// readLand reads the outlines of countries, by ISO 3166-1 code.
func readLand(path string) (map[string][][]int32, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Transform struct {
			Scale     [2]float64 `json:"scale"`
			Translate [2]float64 `json:"translate"`
		} `json:"transform"`
		Arcs    [][][2]float64 `json:"arcs"`
		Objects struct {
			Countries struct {
				Geometries []struct {
					ID         string          `json:"id"`
					Type       string          `json:"type"`
					Arcs       json.RawMessage `json:"arcs"`
					Properties struct {
						Name string `json:"name"`
					} `json:"properties"`
				} `json:"geometries"`
			} `json:"countries"`
		} `json:"objects"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	arcs := make([]ring, len(file.Arcs))
	for i, steps := range file.Arcs {
		x, y := 0.0, 0.0
		for _, s := range steps {
			x, y = x+s[0], y+s[1]
			arcs[i] = append(arcs[i], [2]float64{x*file.Transform.Scale[0] + file.Transform.Translate[0],
				y*file.Transform.Scale[1] + file.Transform.Translate[1]})
		}
	}
	out := map[string][][]int32{}
	for _, g := range file.Objects.Countries.Geometries {
		code := without[g.Properties.Name]
		if region, err := language.ParseRegion(g.ID); err == nil && g.ID != "" {
			code = region.String()
		}
		if code == "" {
			continue
		}
		var polygons [][][]int
		if g.Type == "Polygon" {
			polygons = make([][][]int, 1)
			err = json.Unmarshal(g.Arcs, &polygons[0])
		} else {
			err = json.Unmarshal(g.Arcs, &polygons)
		}
		if err != nil {
			return nil, err
		}
		for _, polygon := range polygons {
			for _, refs := range polygon {
				if line := steps(joined(arcs, refs)); line != nil {
					out[code] = append(out[code], line)
				}
			}
		}
	}
	return out, nil
}

// joined is the ring of some arcs; ^i is arc i backwards.
func joined(arcs []ring, refs []int) ring {
	var all ring
	for _, i := range refs {
		arc := arcs[max(i, ^i)]
		for k := range arc {
			p := arc[k]
			if i < 0 {
				p = arc[len(arc)-1-k]
			}
			if len(all) == 0 || all[len(all)-1] != p {
				all = append(all, p)
			}
		}
	}
	return all
}

// steps is a ring made shorter, as a position and steps of thousandths of a degree.
func steps(r ring) []int32 {
	if len(r) < 4 {
		return nil
	}
	// A ring has no two ends to keep, so its halves are made shorter.
	middle := len(r) / 2
	short := append(shorter(r[:middle+1]), shorter(r[middle:])[1:]...)
	if len(short) < 4 {
		short = r
	}
	var out []int32
	var x, y int32
	for _, p := range short {
		px, py := int32(math.Round(p[0]*1000)), int32(math.Round(p[1]*1000))
		if len(out) == 0 || px != x || py != y {
			out = append(out, px-x, py-y)
			x, y = px, py
		}
	}
	return out
}

// shorter leaves out the points of a line that lie close to the line without them (Douglas and Peucker).
func shorter(line ring) ring {
	a, b := line[0], line[len(line)-1]
	far, at := 0.0, 0
	for i := 1; i < len(line)-1; i++ {
		if d := off(line[i], a, b); d > far {
			far, at = d, i
		}
	}
	if far <= tolerance {
		return ring{a, b}
	}
	return append(shorter(line[:at+1]), shorter(line[at:])[1:]...)
}

// off is the distance of a point from a piece of line.
func off(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = max(0, min(1, ((p[0]-a[0])*dx+(p[1]-a[1])*dy)/l))
	}
	return math.Hypot(p[0]-a[0]-t*dx, p[1]-a[1]-t*dy)
}
