package routing

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A fault of the search, in whatever goroutine, is an error and not the end of the process.
func TestABreakdownIsAnError(t *testing.T) {
	genetic := cityDay(40, 3, 6)
	for i := range genetic.Stops {
		genetic.Stops[i].Setup, genetic.Stops[i].Windows = 0, nil
	}
	for name, p := range map[string]Problem{"annealing": cityDay(60, 8, 6), "genetic": genetic} {
		for _, threads := range []int{1, 2} {
			var looks atomic.Int64
			clock := func() time.Duration {
				n := looks.Add(1)
				if n > 40 {
					var none []int
					_ = none[n]
				}
				return time.Duration(n) * time.Millisecond
			}
			_, err := Solve(context.Background(), p, Options{Threads: threads, clock: clock, budget: time.Second})
			var b *Breakdown
			if !errors.As(err, &b) || !strings.HasPrefix(b.Where, "breakdown_test.go:") ||
				!strings.Contains(b.Cause, "index out of range") {
				t.Errorf("%s, %d threads: %v", name, threads, err)
			}
		}
	}
}
