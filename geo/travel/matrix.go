package travel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"doorstep/geo"
)

// Never is the seconds and the metres between two places that no way connects. It is
// longer than any working day and small enough to be summed.
const Never int32 = 10_000_000

// MaxPoints is the largest number of points of one matrix.
const MaxPoints = 10_000

// Source makes matrices. Several goroutines may use any source of this package.
type Source interface {
	// Matrix returns the seconds and metres from each point to each other.
	// The error is that of ctx, or a *refusal.Error.
	Matrix(ctx context.Context, mode Mode, points []geo.Point) (Matrix, error)
	// Table is Matrix from some points to others.
	Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error)
}

// Matrix is the seconds and metres from each of N points to each other.
type Matrix struct {
	// N is the number of points.
	N int
	// Durations are seconds, row by row: from i to j at i*N+j.
	Durations []int32
	// Distances are metres, in the same order.
	Distances []int32
	// Source says where the figures come from: "crow-fly", "road:<file>",
	// "osrm:<address>", "valhalla:<address>", or two with a + between if one
	// stood in for the other.
	Source string
	// Note is for people: how far to trust the figures. It may be empty.
	Note string
	// Guessed says that some figures are crow-fly guesses because the chosen source did
	// not answer. The next call may succeed.
	Guessed bool
	// CutOff are the points with no way to or from most others: on an island, behind a
	// gate, or far from any road.
	CutOff []CutOff
}

// CutOff is a point that is hard to reach.
type CutOff struct {
	// Point is its index.
	Point int
	// OffRoad says that no usable road is near. If it is false there is one, but it is
	// not connected to the rest.
	OffRoad bool
	// To and From are the numbers of other points to and from which there is a way.
	To, From int
}

// Reachable reports whether there is a way from point i to point j.
func (m Matrix) Reachable(i, j int) bool { return m.Durations[i*m.N+j] < Never }

// Table is the seconds and metres from each point of one list to each of another.
type Table struct {
	// Rows and Columns are the lengths of the lists.
	Rows, Columns int
	// Durations are seconds and Distances metres, row by row: from i to j at i*Columns+j.
	Durations, Distances []int32
	// Source, Note and Guessed are as in Matrix.
	Source, Note string
	Guessed      bool
	// FromOff and ToOff are the indices of points with no usable road near.
	FromOff, ToOff []int
}

func newTable(rows, columns int, source string) Table {
	return Table{
		Rows: rows, Columns: columns, Source: source,
		Durations: make([]int32, rows*columns), Distances: make([]int32, rows*columns),
	}
}

// square turns a table from points to the same points into a matrix.
func (t Table) square(mode Mode) Matrix {
	m := Matrix{N: t.Rows, Durations: t.Durations, Distances: t.Distances, Source: t.Source, Note: t.Note,
		Guessed: t.Guessed}
	m.CutOff = cutOff(m, t.FromOff)
	never := 0
	for _, d := range m.Durations {
		if d >= Never {
			never++
		}
	}
	if never > 0 {
		note := fmt.Sprintf("%d of %d pairs have no way between them by %s", never, m.N*(m.N-1), mode)
		m.Note = strings.TrimPrefix(m.Note+"; "+note, "; ")
	}
	return m
}

func cutOff(m Matrix, off []int) []CutOff {
	to, from := make([]int, m.N), make([]int, m.N)
	for i := range m.N {
		for j, d := range m.Durations[i*m.N : (i+1)*m.N] {
			if i != j && d < Never {
				to[i]++
				from[j]++
			}
		}
	}
	var all []CutOff
	for i := range m.N {
		c := CutOff{Point: i, OffRoad: slices.Contains(off, i), To: to[i], From: from[i]}
		if c.OffRoad || 2*min(c.To, c.From) < m.N-1 {
			all = append(all, c)
		}
	}
	return all
}

// checkPoints returns a *refusal.Error for points and modes that no source can answer.
func checkPoints(mode Mode, lists ...[]geo.Point) error {
	if _, err := ParseMode(string(mode)); err != nil || mode == "" {
		return fault(CodeMode, nil, "unknown mode %.40q: give foot, bicycle, scooter or car", string(mode))
	}
	for _, points := range lists {
		if len(points) > MaxPoints {
			return fault(CodeTooMany, nil, "%d points are more than the %d of one matrix", len(points), MaxPoints)
		}
		for i, p := range points {
			if err := p.Validate(); err != nil {
				return fault(CodePoint, err, "point %d", i)
			}
		}
	}
	return nil
}
