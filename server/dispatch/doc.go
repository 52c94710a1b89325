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
// A day ends at the branch's local midnight: what phones still show of it leaves
// them, visited or not, when a round is published and in any case within a minute
// of midnight. An assignment nobody went to is cancelled (closed_by day:over);
// revoked is for what somebody took back. A phone that was offline all day may
// still send what its agents recorded: nobody else has the task, so it is a fact
// and is taken in, flagged after_day (or late_stop for a visit made on a later
// day), where what comes after a revocation waits in quarantine for the new owner.
//
// It does not search (geo/routing), measure ways (geo/travel) or judge
// (conduct): it brings them together.
package dispatch
