// Package referee checks results of geo/routing. Check recomputes routes, times,
// costs and reasons from the problem alone and returns every difference as a
// Violation.
//
// The package uses only the exported types of geo/routing and shares no code with
// Solve, so a fault in one is found by the other. server/dispatch and geo/dayplan
// check every result before they use it.
package referee
