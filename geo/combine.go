package geo

import "github.com/paulmach/orb"

// Common returns the ground that two shapes have in common, the zero Shape when
// it is less than a square metre. The error is Subdivide's.
func Common(a, b Shape) (Shape, error) {
	return pick(append(a.Segments(), b.Segments()...), func(p Point) bool { return a.Contains(p) && b.Contains(p) })
}

// Union returns the ground of all areas of the index. The error is Subdivide's.
func (x *Index) Union() (Shape, error) {
	if x.Len() == 0 {
		return Shape{}, nil
	}
	var lines []Segment
	for _, a := range x.areas {
		lines = append(lines, a.Shape.Segments()...)
	}
	return pick(lines, func(p Point) bool {
		_, in := x.Find(p.Lon, p.Lat)
		return in
	})
}

// pick is Subdivide with one label.
func pick(lines []Segment, in func(Point) bool) (Shape, error) {
	shapes, err := Subdivide(lines, func(p Point) int {
		if in(p) {
			return 0
		}
		return -1
	})
	return shapes[0], err
}

// Holes returns the ground that the shape goes round and does not hold, each
// hole by itself; an island in a hole is not taken from it.
func (s Shape) Holes() ([]Shape, error) {
	var out []Shape
	for _, polygon := range s.polygons {
		for _, ring := range polygon[1:] {
			hole, err := NewShape(orb.MultiPolygon{{ring.Clone()}})
			if err != nil {
				return nil, err
			}
			out = append(out, hole)
		}
	}
	return out, nil
}
