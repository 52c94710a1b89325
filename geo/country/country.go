package country

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // of the data
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"doorstep/geo"
)

//go:embed data.ndjson.gz
var packed []byte

// area is one code of ISO 3166-1, a line of the data.
type area struct {
	Code  string    `json:"code"`
	Zones []string  `json:"zones"`
	Boxes [][4]int  `json:"boxes"` // west, south, east, north in hundredths of a degree
	Tree  string    `json:"tree"`  // see zone.go
	Land  []outline `json:"land"`

	around [][4]int32 // the boxes of Land's rings, in thousandths of a degree
}

// data is all areas by code, and the other names of zones.
type data struct {
	areas map[string]*area
	links map[string]string
}

// load reads the data once. The data is ours: that it cannot be read is a bug.
var load = sync.OnceValue(func() data {
	d := data{areas: map[string]*area{}}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(fmt.Sprintf("country: %v", err))
	}
	lines := json.NewDecoder(bufio.NewReader(z))
	var head struct {
		Links map[string]string `json:"links"`
	}
	if err := lines.Decode(&head); err != nil {
		panic(fmt.Sprintf("country: %v", err))
	}
	d.links = head.Links
	for lines.More() {
		a := new(area)
		if err := lines.Decode(a); err != nil {
			panic(fmt.Sprintf("country: %v", err))
		}
		for _, ring := range a.Land {
			a.around = append(a.around, ring.box())
		}
		d.areas[a.Code] = a
	}
	return d
})

// parts are the parts of countries by ISO 3166-2 that have a code of ISO 3166-1 as well.
func parts(code string) []string {
	switch code {
	case "CN":
		return []string{"HK", "MO", "TW"}
	case "FI":
		return []string{"AX"}
	case "FR":
		return []string{"BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"}
	case "NL":
		return []string{"AW", "BQ", "CW", "SX"}
	case "NO":
		return []string{"SJ"}
	case "US":
		return []string{"AS", "GU", "MP", "PR", "UM", "VI"}
	}
	return nil
}

// areasOf are the areas of a country, its own first; none of one that is not known.
func areasOf(code string) []*area {
	d := load()
	if len(code) > 2 {
		code = code[:2]
	}
	var out []*area
	for _, c := range append([]string{code}, parts(code)...) {
		if a := d.areas[c]; a != nil {
			out = append(out, a)
		}
	}
	return out
}

// InBox tells whether a position lies in a box around the land and waters of a country. It is
// true for a country that is not known.
func InBox(code string, p geo.Point) bool {
	areas := areasOf(code)
	for _, a := range areas {
		if a.inBox(p) {
			return true
		}
	}
	return len(areas) == 0
}

func (a *area) inBox(p geo.Point) bool {
	return slices.ContainsFunc(a.Boxes, func(b [4]int) bool {
		return p.Lon*100 >= float64(b[0]) && p.Lat*100 >= float64(b[1]) && p.Lon*100 <= float64(b[2]) &&
			p.Lat*100 <= float64(b[3])
	})
}

// Misplaced says why a position, named by lon and lat, cannot be in a country, and what may be
// wrong with it; "" if it can.
func Misplaced(code string, p geo.Point) string {
	if InBox(code, p) {
		return ""
	}
	const outside = "lon and lat lie outside the country"
	switch {
	case InBox(code, geo.Point{Lon: p.Lat, Lat: p.Lon}):
		return outside + ", and inside it the other way round: are they swapped? Longitude comes first"
	case InBox(code, geo.Point{Lon: -p.Lon, Lat: p.Lat}), InBox(code, geo.Point{Lon: p.Lon, Lat: -p.Lat}):
		return outside + ", and inside it with the other sign: west and south are negative"
	}
	return outside + "; correct them, or the country"
}
