package routing_test

import (
	"context"
	"fmt"
	"time"

	"doorstep/geo/routing"
)

// One team leaves the office at place 0 at 9:00 and must be back at noon. Four
// people are to be visited along a street of places ten minutes apart.
func ExampleSolve() {
	const places = 4
	street := routing.Matrix{Places: places, Durations: make([]int32, places*places)}
	for a := range places {
		for b := range places {
			street.Durations[a*places+b] = int32(600 * max(a-b, b-a))
		}
	}
	clock := func(hour, minute int) int { return hour*3600 + minute*60 }
	window := func(from, to int) []routing.Window { return []routing.Window{{From: from, To: to}} }
	problem := routing.Problem{
		Matrices: []routing.Matrix{street},
		Shifts: []routing.Shift{
			{Start: 0, End: 0, Window: routing.Window{From: clock(9, 0), To: clock(12, 0)}, Crew: 1},
		},
		Stops: []routing.Stop{
			{ID: "Alder", Place: 3, Service: 900, Windows: window(clock(9, 0), clock(10, 0))},
			{ID: "Birch", Place: 1, Service: 900, Windows: window(clock(11, 0), clock(11, 30))},
			{ID: "Cedar", Place: 2, Service: 900, Windows: window(clock(18, 0), clock(20, 0))},
			{ID: "Elm", Place: 2, Service: 900, Crew: 2},
		},
	}

	result, err := routing.Solve(context.Background(), problem, routing.Options{Seed: 1, Iterations: 200})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, route := range result.Routes {
		for _, step := range route.Steps {
			at := time.Duration(step.Start()) * time.Second
			switch step.Kind {
			case routing.StepStart:
				fmt.Println("leave the office at", at)
			case routing.StepStop:
				fmt.Println("visit", problem.Stops[step.Index].ID, "at", at)
			case routing.StepEnd:
				fmt.Println("back at", at)
			}
		}
	}
	for _, l := range result.LeftOut {
		fmt.Println(problem.Stops[l.Stop].ID, "is left out:", l.Reason)
	}
	// Output:
	// leave the office at 9h30m0s
	// visit Alder at 10h0m0s
	// visit Birch at 11h0m0s
	// back at 11h25m0s
	// Cedar is left out: no_lawful_window
	// Elm is left out: no_fit_team
}
