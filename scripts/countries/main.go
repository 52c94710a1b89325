// Countries makes the data of geo/country: the zones of each country, where their clocks
// differ, the boxes in which it lies, and the outline of its land.
//
//	go run ./scripts/countries --zones timezones.geojson --land countries-10m.json \
//		--tzdata /usr/share/zoneinfo --out geo/country/data.ndjson.gz
//
// timezones.geojson is a release of timezone-boundary-builder (© OpenStreetMap contributors,
// ODbL 1.0), countries-10m.json is that of the npm package world-atlas (Natural Earth, public
// domain), and the folder has zone.tab and tzdata.zi of the tz database (public domain).
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// country is one line of the data; geo/country reads it.
type country struct {
	Code  string    `json:"code"`
	Zones []string  `json:"zones"`
	Boxes [][4]int  `json:"boxes"`          // west, south, east, north in hundredths of a degree
	Tree  string    `json:"tree,omitempty"` // which zone where, if clocks differ
	Land  [][]int32 `json:"land,omitempty"` // rings: a first position, then steps, in thousandths of a degree
}

func main() {
	zones := flag.String("zones", "timezones.geojson", "boundaries of time zones, GeoJSON")
	land := flag.String("land", "countries-10m.json", "outlines of countries, TopoJSON")
	tzdata := flag.String("tzdata", "/usr/share/zoneinfo", "folder of zone.tab and tzdata.zi")
	out := flag.String("out", "geo/country/data.ndjson.gz", "file to write")
	flag.Parse()
	if err := run(*zones, *land, *tzdata, *out); err != nil {
		log.Fatal(err)
	}
}

func run(zones, land, tzdata, out string) error {
	countries, err := readTab(filepath.Join(tzdata, "zone.tab"))
	if err != nil {
		return err
	}
	links, err := readLinks(filepath.Join(tzdata, "tzdata.zi"), countries)
	if err != nil {
		return err
	}
	areas, err := readAreas(zones)
	if err != nil {
		return err
	}
	outlines, err := readLand(land)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(z)
	if err := lines.Encode(map[string]any{"links": links}); err != nil {
		return err
	}
	for _, c := range countries {
		c.Boxes = boxes(c.Zones, areas)
		if c.Tree, err = tree(c.Zones, areas); err != nil {
			return fmt.Errorf("%s: %w", c.Code, err)
		}
		c.Land = outlines[c.Code]
		if err := lines.Encode(c); err != nil {
			return err
		}
		log.Printf("%s: %d zones, %d boxes, tree %d, land %d", c.Code, len(c.Zones), len(c.Boxes), len(c.Tree), len(c.Land))
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, buf.Bytes(), 0o644)
}

// readTab lists the countries of zone.tab with their zones, the most populous first.
func readTab(path string) ([]*country, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []*country
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(cells) < 3 {
			continue
		}
		i := slices.IndexFunc(out, func(c *country) bool { return c.Code == cells[0] })
		if i < 0 {
			i = len(out)
			out = append(out, &country{Code: cells[0]})
		}
		out[i].Zones = append(out[i].Zones, cells[2])
	}
	return out, nil
}

// readLinks lists the other names of zones, such as Asia/Calcutta, with the names that countries have.
func readLinks(path string, countries []*country) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	listed := map[string]bool{}
	for _, c := range countries {
		for _, z := range c.Zones {
			listed[z] = true
		}
	}
	links := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		cells := strings.Fields(lines.Text())
		if len(cells) == 3 && cells[0] == "L" && listed[cells[1]] && !listed[cells[2]] {
			links[cells[2]] = cells[1]
		}
	}
	return links, lines.Err()
}
