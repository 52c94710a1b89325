// Package dayplan plans one problem in VROOM's JSON from beginning to end: it
// asks for travel times where the problem has none, searches, has the result
// checked, and words the answer. The command and the endpoint are both thin
// around it.
package dayplan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
	"doorstep/geo/routing/vroom"
	"doorstep/geo/travel"
)

// Plan is a planned problem.
type Plan struct {
	// Result is the solver's.
	Result routing.Result
	// Answer is the result in VROOM's words.
	Answer vroom.Result
	// Guessed says that the source of travel times did not answer, and that
	// straight lines stand in; Answer.Summary.Travel says why.
	Guessed bool
}

// Faulty is a result that the referee refused. It is always a fault of ours.
type Faulty struct {
	Violations []referee.Violation
}

// Error names the first violation.
func (f *Faulty) Error() string {
	v := f.Violations[0]
	return fmt.Sprintf("the planned day breaks its own problem in %d ways (%s, shift %d, stop %d: %s); this is a "+
		"fault of the program, please report it",
		len(f.Violations), v.Kind, v.Shift, v.Stop, v.Msg)
}

// Limits end the search, and nothing but the search: travel times are got first.
type Limits struct {
	// Time is how long to search.
	Time time.Duration
	// Stop ends the search early once it is closed. Nil never does.
	Stop <-chan struct{}
}

// Solve plans a task within limits; begun is when reading the task began, for
// the answer's computing times. When ctx ends during the search, the best day
// found by then is returned. The error is a *vroom.Error, a *travel.Error, a
// *Faulty, a *routing.Breakdown, or that of ctx before the search.
func Solve(ctx context.Context, task *vroom.Task, source travel.Source, limits Limits, opts routing.Options,
	begun time.Time) (Plan, error) {
	var said []string
	guessed := false
	problem, err := task.Problem(ctx,
		func(ctx context.Context, profile string, points []vroom.Point) (durations, distances []int32, err error) {
			m, err := Matrix(ctx, source, profile, points)
			var fault *travel.Error
			if errors.As(err, &fault) && fault.Code() == travel.CodeMode {
				return nil, nil, task.RefuseProfile(profile, fault.Msg)
			}
			if about := strings.TrimSuffix(m.Source+": "+m.Note, ": "); err == nil && !slices.Contains(said, about) {
				said = append(said, about)
			}
			guessed = guessed || m.Guessed
			return m.Durations, m.Distances, err
		})
	if err != nil {
		return Plan{}, err
	}
	loaded := time.Now()
	within, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	go func() {
		select {
		case <-limits.Stop:
			cancel()
		case <-within.Done():
		}
	}()
	result, err := routing.Solve(within, problem, opts)
	if err != nil {
		return Plan{}, task.Explain(err)
	}
	answer := task.Answer(problem, result, loaded.Sub(begun), time.Since(loaded))
	answer.Summary.Travel = strings.Join(said, "; ")
	if bad := referee.Check(problem, result); len(bad) > 0 {
		return Plan{}, &Faulty{bad}
	}
	return Plan{result, answer, guessed}, nil
}

// Misplaced is a point that cannot be, such as [0, 0].
type Misplaced struct {
	// Point is its place in the list, from 0.
	Point int
	err   error
}

// Error names the place as errors of vroom do.
func (m *Misplaced) Error() string { return fmt.Sprintf("[%d]: %v", m.Point, m.err) }

// Unwrap returns what is wrong with the point, a *geo.Error.
func (m *Misplaced) Unwrap() error { return m.err }

// Matrix asks source for the matrix of a profile, which is a travel.Mode. The
// error is a *Misplaced, a *travel.Error or that of ctx.
func Matrix(ctx context.Context, source travel.Source, profile string, points []vroom.Point) (travel.Matrix, error) {
	mode, err := travel.ParseMode(profile)
	if err != nil {
		return travel.Matrix{}, err
	}
	at := make([]geo.Point, len(points))
	for i, p := range points {
		at[i] = geo.Point{Lon: p[0], Lat: p[1]}
		if err := at[i].Validate(); err != nil {
			return travel.Matrix{}, &Misplaced{i, err}
		}
	}
	return source.Matrix(ctx, mode, at)
}
