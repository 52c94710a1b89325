// Package dispatch makes a round: one branch's planned day. It turns open cases,
// their lawful windows and the day's shifts into a routing problem, the solution
// into routes, and a published round into assignments on agents' phones.
//
// Every case that gets no stop is in the round with a coded reason, and with the
// rule and its source where the law is the reason: a supervisor must be able to
// answer why nobody went.
//
// A round is a header; each route and each left-out case is a document of its
// own, since a day of a large branch does not fit one entry. What was asked for
// and what came out are entries; progress is memory. A request without a result
// is planned again after a restart, under a new run, and readers show the
// documents of the header's run only.
//
// Publishing is one command per route, each idempotent, so that it can be
// repeated after a crash; the law is asked again for each stop at that moment.
//
// It does not search (geo/routing), measure ways (geo/travel) or judge
// (conduct): it brings them together.
package dispatch
