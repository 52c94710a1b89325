// Package routing decides which team visits whom, in which order, and whom not
// today.
//
// It has never heard of debtors, maps or the law. It gets stops (a place, how
// long the work there takes, when it may start, who may do it, what it is
// worth), shifts (a team's working day) and matrices of travel times, and
// returns routes with times, the cost in parts, and for each stop left out the
// reason. geo/travel makes the matrices; server/dispatch turns cases into
// stops and routes into assignments.
//
// Solve searches until its context ends or its iterations are used up and
// returns the best it found. Package referee recomputes a result from the problem
// alone and shares no code with Solve, so that a fault in one is seen by the other.
//
// All times are whole seconds on one clock that the caller chooses (seconds
// since local midnight, say); all distances are whole metres; costs are whole
// units of whatever the caller's rates are in.
//
// # What a leg means
//
// A team leaves a stop when its work there is done, travels, sets up (parks,
// finds the door) unless the stop before was at the same place, waits if it is
// early, and then starts the service: it is the start of the service that a
// window bounds, so that nobody knocks outside lawful hours. A break may be
// taken anywhere between two stops, also in the middle of a drive, and starts
// within one of its own windows.
//
// # How it searches
//
// Every constraint is a test at insertion, so one engine plans constrained
// days of any kind: it removes strings of neighbouring stops and puts them
// back in varied orders (SISR, Christiaens and Vanden Berghe 2020) under
// simulated annealing, cooled by the share of time or iterations used, more than
// once if there is time for it, and at first with little weight on what is left
// out (run.go); later cycles begin with a stop left out put in (outcast.go). Places are numbered so that neighbours
// lie together (arrange.go).
// For each stop of a route the earliest departure and the latest start are kept, by
// the number of breaks taken before it, so that a place for a stop is tested
// without going along the route. With several threads, each search changes a
// part of the routes, which is another one hundreds of times (apart.go).
//
// Where nothing but one window for each stop, capacity, the number of stops
// and who may serve whom counts, and everything can be served, that is only
// the beginning: a population of days is then bred (hybrid genetic search,
// Vidal 2013 and 2022). Children exchange neighbouring routes (recombine.go)
// and are improved by a local search that lets routes be late or too full at a
// price (local.go). Large days are bred in pieces (piece.go). Which way gets
// how much of the time follows from the number of stops and of steps (run.go).
// NOTES.md keeps what was tried, expected and measured.
package routing
