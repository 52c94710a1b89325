package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // not the machine's
)

type (
	ring [][2]float64
	area [][]ring // polygons of rings
)

// readAreas reads the boundaries of zones by name.
func readAreas(path string) (map[string]area, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Features []struct {
			Properties struct {
				TZ string `json:"tzid"`
			} `json:"properties"`
			Geometry struct {
				Type        string          `json:"type"`
				Coordinates json.RawMessage `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	out := map[string]area{}
	for _, f := range file.Features {
		var a area
		if f.Geometry.Type == "Polygon" {
			a = make(area, 1)
			err = json.Unmarshal(f.Geometry.Coordinates, &a[0])
		} else {
			err = json.Unmarshal(f.Geometry.Coordinates, &a)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Properties.TZ, err)
		}
		out[f.Properties.TZ] = a
	}
	return out, nil
}

type box struct{ west, south, east, north float64 }

func (b box) join(c box) box {
	return box{min(b.west, c.west), min(b.south, c.south), max(b.east, c.east), max(b.north, c.north)}
}

// near tells whether two boxes are within a degree of each other.
func (b box) near(c box) bool {
	return b.west <= c.east+1 && c.west <= b.east+1 && b.south <= c.north+1 && c.south <= b.north+1
}

func boxOf(r ring) box {
	b := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, p := range r {
		b = b.join(box{p[0], p[1], p[0], p[1]})
	}
	return b
}

// boxes are the boxes of the polygons of some zones, those that lie close to each other joined.
func boxes(zones []string, areas map[string]area) [][4]int {
	var all []box
	for _, z := range zones {
		for _, polygon := range areas[z] {
			b := boxOf(polygon[0])
			for again := true; again; {
				again = false
				for i, c := range all {
					if b.near(c) {
						b, again = b.join(c), true
						all = slices.Delete(all, i, i+1)
						break
					}
				}
			}
			all = append(all, b)
		}
	}
	var out [][4]int
	for _, b := range all {
		out = append(out, [4]int{int(math.Floor(b.west * 100)), int(math.Floor(b.south * 100)), int(math.Ceil(b.east * 100)),
			int(math.Ceil(b.north * 100))})
	}
	return out
}

// clock is what a zone's clock shows in the years to come: zones with the same clock are one.
func clock(name string) (string, error) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2029; at = at.Add(time.Hour) {
		_, offset := at.In(zone).Zone()
		fmt.Fprintf(&b, "%d ", offset/60)
	}
	return b.String(), nil
}

const (
	perDegree = 128     // cells
	side      = 1 << 16 // cells of the whole tree, from -180, -90
)

// raster has which clock is where: cells are 1 and more, 0 is elsewhere.
type raster struct {
	x, y, w, h int
	cells      []byte
}

// tree says where the clocks of some zones hold, as a quadtree in preorder: a dot is a node with four children, a
// letter the zone of that number from A. What belongs to none of the zones is filled as is shortest. It is "" if all
// clocks show the same.
func tree(zones []string, areas map[string]area) (string, error) {
	first := map[string]int{}
	label := make([]byte, len(zones))
	whole := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for i, z := range zones {
		c, err := clock(z)
		if err != nil {
			return "", err
		}
		if _, ok := first[c]; !ok {
			first[c] = i
		}
		label[i] = byte(first[c] + 1)
		for _, polygon := range areas[z] {
			whole = whole.join(boxOf(polygon[0]))
		}
	}
	if len(first) == 1 {
		return "", nil
	}
	r := raster{x: cell(whole.west + 180), y: cell(whole.south + 90)}
	r.w, r.h = cell(whole.east+180)-r.x+1, cell(whole.north+90)-r.y+1
	r.cells = make([]byte, r.w*r.h)
	for i, z := range zones {
		for _, polygon := range areas[z] {
			r.fill(polygon, label[i])
		}
	}
	var b strings.Builder
	n := r.node(0, 0, side)
	n.write(&b)
	return b.String(), nil
}

func cell(degrees float64) int { return int(math.Floor(degrees * perDegree)) }

// fill marks the cells whose middles lie in a polygon.
func (r *raster) fill(polygon []ring, label byte) {
	cuts := map[int][]float64{}
	for _, ring := range polygon {
		for i := range ring {
			a, b := ring[i], ring[(i+1)%len(ring)]
			if a[1] > b[1] {
				a, b = b, a
			}
			ya, yb := (a[1]+90)*perDegree-0.5, (b[1]+90)*perDegree-0.5
			for y := int(math.Ceil(ya)); float64(y) < yb; y++ {
				t := (float64(y) - ya) / (yb - ya)
				cuts[y] = append(cuts[y], (a[0]+t*(b[0]-a[0])+180)*perDegree-0.5)
			}
		}
	}
	for y, xs := range cuts {
		slices.Sort(xs)
		for i := 0; i+1 < len(xs); i += 2 {
			for x := int(math.Ceil(xs[i])); float64(x) < xs[i+1]; x++ {
				if x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h {
					r.cells[(y-r.y)*r.w+x-r.x] = label
				}
			}
		}
	}
}

// node is a square of the tree.
type node struct {
	label    byte // 0: of no zone
	children []node
}

func (r *raster) node(x, y, size int) node {
	if x+size <= r.x || y+size <= r.y || x >= r.x+r.w || y >= r.y+r.h {
		return node{}
	}
	if size == 1 {
		return node{label: r.cells[(y-r.y)*r.w+x-r.x]}
	}
	h := size / 2
	c := [4]node{r.node(x, y, h), r.node(x+h, y, h), r.node(x, y+h, h), r.node(x+h, y+h, h)}
	label, mixed := byte(0), false
	for _, n := range c {
		if len(n.children) > 0 || n.label != 0 && label != 0 && n.label != label {
			mixed = true
		}
		label = max(label, n.label)
	}
	if !mixed {
		return node{label: label}
	}
	return node{children: c[:]}
}

// some is a label that the node has.
func (n *node) some() byte {
	label := n.label
	for i := range n.children {
		label = max(label, n.children[i].some())
	}
	return label
}

func (n *node) write(b *strings.Builder) {
	if len(n.children) == 0 {
		b.WriteByte('A' + n.label - 1)
		return
	}
	b.WriteByte('.')
	fill := byte(0)
	for _, c := range n.children {
		fill = max(fill, c.label)
	}
	if fill == 0 {
		fill = n.some()
	}
	for i := range n.children {
		if c := &n.children[i]; len(c.children) == 0 && c.label == 0 {
			c.label = fill
		}
		n.children[i].write(b)
	}
}
