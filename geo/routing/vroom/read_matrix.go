package vroom

import (
	"math"

	"doorstep/geo/routing"
)

// maxProfiles is the largest number of matrices of one problem.
const maxProfiles = 16

func (r taskReader) matrices(at *place) *Error {
	return r.object(at, "an object of matrices by profile", func(profile string, at *place) *Error {
		if len(r.t.matrices) == maxProfiles {
			return fault(routing.CodeTooLarge, at, "more than %d profiles", maxProfiles)
		}
		m := matrix{profile: profile}
		rows, durations := 0, false
		err := r.object(at, "an object with durations and distances", func(key string, at *place) *Error {
			switch key {
			case "durations":
				durations = true
				n, values, err := r.square(at, routing.MaxSeconds)
				m.places, m.durations = n, values
				return err
			case "distances":
				n, values, err := r.square(at, routing.MaxMetres)
				rows, m.distances = n, values
				return err
			case "costs":
				return refused(at, "a matrix of costs is not supported: give the vehicles costs per_hour and per_km, "+
					"with durations and distances")
			}
			return unknown(at)
		})
		if err == nil && !durations {
			err = fault(CodeMissing, at.field("durations"),
				"is missing: give the seconds from each place to each other")
		}
		if err == nil && m.distances != nil && rows != m.places {
			err = fault(routing.CodeMatrix, at.field("distances"),
				"has %d rows, but durations has %d: both are about the same places", rows, m.places)
		}
		if err == nil && len(r.t.matrices) > 0 && r.t.matrices[0].places != m.places {
			err = fault(routing.CodeMatrix, at, "has %d rows, but matrices.%.40s has %d: all are about the same places",
				m.places, r.t.matrices[0].profile, r.t.matrices[0].places)
		}
		r.t.matrices = append(r.t.matrices, m)
		return err
	})
}

// square reads a matrix with as many rows as columns.
func (r taskReader) square(at *place, high int64) (n int, values []int32, err *Error) {
	used := 0
	for _, m := range r.t.matrices {
		used += len(m.durations)
	}
	left := max(0, r.t.limits.Cells-used)
	rows := 0
	err = r.list(at, math.MaxInt32, "a list of rows", func(i int, at *place) *Error {
		row, err := r.row(at, high)
		switch {
		case err != nil:
			return err
		case i == 0 && len(row) == 0:
			return fault(routing.CodeMatrix, at, "is empty: a matrix has at least one place")
		case i == 0 && len(row) > left/len(row):
			return tooMuch(fault(routing.CodeTooLarge, at.up,
				"%d places are too many: all matrices together may have %d cells", len(row), r.t.limits.Cells))
		case i == 0:
			n = len(row)
			values = make([]int32, 0, n*n)
		case len(row) != n:
			return fault(routing.CodeMatrix, at, "has %d numbers, but the first row has %d: make the matrix square",
				len(row), n)
		case i == n:
			return fault(routing.CodeMatrix, at.up, "has more rows than its %d columns: make the matrix square", n)
		}
		values = append(values, row...)
		rows++
		return nil
	})
	if err == nil && rows == 0 {
		err = fault(routing.CodeMatrix, at, "is empty: a matrix has at least one place")
	}
	if err == nil && rows != n {
		err = fault(routing.CodeMatrix, at, "has %d rows of %d numbers: make the matrix square", rows, n)
	}
	return n, values, err
}
