// Package dayplan plans one problem in VROOM's JSON from beginning to end: it asks for
// travel times if the problem has none, runs the search, has the referee check the
// result, and makes the answer. The command doorstep route and the endpoint
// /v1/routing/solve both use it.
package dayplan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth/refusal"
	"doorstep/geo"
	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
	"doorstep/geo/routing/vroom"
	"doorstep/geo/travel"
)

// Plan is a planned problem.
type Plan struct {
	// Result is the result of the solver.
	Result routing.Result
	// Answer is the result in VROOM's JSON.
	Answer vroom.Result
	// Guessed says that the source of travel times did not answer and that straight lines
	// were used instead; Answer.Summary.Travel says why.
	Guessed bool
}

// Faulty is the error for a result in which the referee found violations. It is
// always a fault of this program.
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

// Limits end the search. They do not limit the time before it, in which travel times
// are fetched.
type Limits struct {
	// Time is how long to search.
	Time time.Duration
	// Stop ends the search when it is closed. It may be nil.
	Stop <-chan struct{}
}

// Solve plans a task within limits. begun is the time at which reading the task
// began, for the computing times of the answer. If ctx ends during the search, Solve
// returns the best result found by then. The error is a *vroom.Error, a
// *refusal.Error, a *Faulty, a *routing.Breakdown, or that of ctx before the search.
func Solve(ctx context.Context, task *vroom.Task, source travel.Source, limits Limits, opts routing.Options,
	begun time.Time) (Plan, error) {
	var said []string
	guessed := false
	problem, err := task.Problem(ctx,
		func(ctx context.Context, profile string, points []vroom.Point) (durations, distances []int32, err error) {
			m, err := Matrix(ctx, source, profile, points)
			var fault *refusal.Error
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

// Misplaced is the error for a point that no one can visit, such as [0, 0].
type Misplaced struct {
	// Point is its index in the list.
	Point int
	err   error
}

// Error names the index as errors of vroom do.
func (m *Misplaced) Error() string { return fmt.Sprintf("[%d]: %v", m.Point, m.err) }

// Unwrap returns what is wrong with the point, a *refusal.Error.
func (m *Misplaced) Unwrap() error { return m.err }

// Matrix asks source for the matrix of a profile, which is a travel.Mode. The error
// is a *Misplaced, a *refusal.Error or that of ctx.
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
