package vroom

import (
	"io"

	"doorstep/geo/routing"
)

// Matrices are what stands under matrices.<profile>, in rows.
type Matrices struct {
	Durations [][]int32 `json:"durations"`
	Distances [][]int32 `json:"distances,omitzero"`
}

// SquareMatrices cuts durations and distances of n places into rows.
// Distances may be nil.
func SquareMatrices(n int, durations, distances []int32) Matrices {
	rows := func(flat []int32) [][]int32 {
		if flat == nil {
			return nil
		}
		out := make([][]int32, n)
		for i := range out {
			out[i] = flat[i*n : (i+1)*n]
		}
		return out
	}
	return Matrices{rows(durations), rows(distances)}
}

// ReadPoints reads [[lon,lat],…], or the points and profiles of a problem that
// has no matrices; see Task.Points. Points without a problem are for car. The
// error is an *Error.
func ReadPoints(in io.Reader, limits Limits) (points []Point, profiles []string, err error) {
	points = []Point{}
	r := taskReader{newReader(in), &Task{limits: limits}}
	switch r.first() {
	case '[':
	case 0:
		if bad := r.end(); bad != nil {
			return nil, nil, bad
		}
		return nil, nil, fault(CodeJSON, nil, "nothing was sent: send [[lon,lat],…] or a problem in VROOM's JSON")
	default:
		t, err := r.checked()
		if err != nil {
			return nil, nil, err
		}
		if t.given {
			return nil, nil, fault(CodeJSON, (*place)(nil).field("matrices"),
				"the problem has its matrices already: leave them out to have new ones made")
		}
		return append(points, t.Points()...), t.Profiles(), nil
	}
	bad := r.list(nil, 2*limits.Jobs, "a list of points", func(_ int, at *place) *Error {
		p, err := r.point(at)
		points = append(points, *p)
		return err
	})
	if bad == nil {
		bad = r.end()
	}
	if n := len(points); bad == nil && n > 0 && n > limits.Cells/n {
		bad = fault(routing.CodeTooLarge, nil, "%d points are too many: a matrix may have %d cells", n, limits.Cells)
	}
	if bad != nil {
		return nil, nil, bad
	}
	return points, []string{"car"}, nil
}
