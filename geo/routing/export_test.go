package routing

import (
	"testing"
	"time"
)

// What the tests that read VROOM's JSON need: its reader imports this package,
// so that they stand outside.

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
