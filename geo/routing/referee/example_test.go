package referee_test

import (
	"context"
	"fmt"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
)

// Check finds nothing wrong in a result of Solve, and finds that an arrival was changed.
func ExampleCheck() {
	problem := routing.Problem{
		Matrices: []routing.Matrix{{Places: 2, Durations: []int32{0, 600, 600, 0}}},
		Shifts:   []routing.Shift{{Start: 0, End: 0, Window: routing.Window{From: 0, To: 7200}}},
		Stops:    []routing.Stop{{Place: 1, Service: 900}},
	}
	result, err := routing.Solve(context.Background(), problem, routing.Options{Iterations: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("violations:", len(referee.Check(problem, result)))

	visit := &result.Routes[0].Steps[1]
	visit.Arrival -= 60
	for _, v := range referee.Check(problem, result) {
		fmt.Printf("%s, shift %d, stop %d: %s\n", v.Kind, v.Shift, v.Stop, v.Msg)
	}
	// Output:
	// violations: 0
	// wrong_time, shift 0, stop 0: is reached at 540, but 600 after leaving at 0 is 600
	// wrong_time, shift 0, stop -1: is reached at 2100, but 600 after leaving at 1440 is 2040
}
