// Package routing decides which team visits whom, in which order, and which stops
// remain unassigned.
//
// It knows nothing of debtors, maps or the law. It gets stops (a place, the duration
// of the service, time windows, who may serve it, its priority or value), shifts (a
// team's working day) and matrices of travel times. It returns routes with times, the
// cost in parts, and a reason for each unassigned stop. geo/travel makes the matrices;
// server/dispatch turns cases into stops and routes into assignments.
//
// Solve searches until its context ends or its iterations are used up and returns the
// best solution it found. Slots says when one more stop would fit into a solution.
// Package referee recomputes a result from the problem alone and shares no code with
// Solve, so that a fault in one is found by the other. Package vroom reads and writes
// VROOM's JSON, and package drawing draws results as SVG. README.md is the manual of
// the command.
//
// All times are whole seconds on one clock that the caller chooses (seconds since
// local midnight, for example). All distances are whole metres. Costs are whole units
// of whatever unit the caller's rates have.
//
// # What a leg means
//
// A team leaves a stop when its service there is done, travels, sets up (parks, finds
// the door) unless the stop before was at the same place, waits if it is early, and
// then starts the service. A time window bounds the start of the service, so that a
// team never knocks outside lawful hours. A break may be taken anywhere between two
// stops, also in the middle of a drive, and starts within one of its own windows.
//
// # How it searches
//
// Every constraint is tested at the insertion of a stop, so one search handles all of
// them: it removes strings of neighbouring stops and inserts them again in varied
// orders (ruin and recreate, SISR, Christiaens and Vanden Berghe 2020) under simulated
// annealing. The temperature follows the share of time or iterations that is used. If
// there is time, annealing runs in several cycles (run.go); each cycle but the first
// begins by inserting an unassigned stop by force (unassigned.go). Places are numbered
// so that neighbours lie together in memory (arrange.go). For each stop of a route the
// earliest departure and the latest start are kept, by the number of breaks taken
// before it, so that an insertion is tested in constant time. With several threads,
// each search changes a part of the routes, and the parts change hundreds of times
// (parallel.go).
//
// If all stops can be served and only one window for each stop, capacity, the number
// of stops and the permissions of shifts matter, annealing is only the beginning. A
// hybrid genetic search follows (Vidal et al. 2012, Vidal 2022; genetic.go and
// population.go). Its crossover exchanges neighbouring routes (SREX, recombine.go), and
// its local search allows time warp and load above capacity at a penalty (local.go).
// Large problems are solved as subproblems (subproblem.go). run.go divides the time by
// the number of stops and of steps.
//
// NOTES.md lists what was tried, expected and measured.
package routing
