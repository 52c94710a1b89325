package routing

import (
	"testing"
	"time"
)

// What the tests that read VROOM's JSON need: its reader imports this package,
// so that they stand outside.

// Objection is a referee.Violation.
type Objection struct {
	Kind        string
	Shift, Stop int
	Msg         string
}

// Referee is referee.Check. TestMain sets it, because package referee imports this
// package and the tests inside this package cannot import it.
var Referee func(Problem, Result) []Objection

func check(p Problem, r Result) []Objection { return Referee(p, r) }

// Measure and CPUTime are the flags of the measuring tests.
var (
	Measure = measure
	CPUTime = cpuTime
)

// WithinCPU are options that end a search after so much processor time.
func WithinCPU(budget time.Duration) Options {
	return Options{Seed: *seed, clock: cpuClock(), budget: budget}
}

// Megabytes is the most memory the process has had.
func Megabytes() float64 { return megabytes() }

// Fingerprint is fingerprint.
func Fingerprint(t testing.TB, p Problem, iterations int) string {
	t.Helper()
	requirePinnedArchitecture(t)
	return fingerprint(t, p, iterations)
}
