// Package dispatch makes a round: one branch's planned day. It turns open cases,
// their lawful windows and the day's shifts into a routing problem, the solution
// into routes, and a published round into assignments on agents' phones.
//
// Every case that gets no stop is in the round with a coded reason, and with the
// rule and its source where the law is the reason: a supervisor must be able to
// answer why no team went.
//
// A round is a header; each route and each left-out case is a document of its
// own, since a day of a large branch does not fit one entry. What was asked for
// and what came out are entries; progress is memory. A request without a result
// is planned again after a restart, under a new run, and readers show the
// documents of the header's run only.
//
// Publishing is one command per hundred stops of a route, each idempotent, so that it can
// be repeated after a crash; the law is asked again for each stop at that moment. A long route
// is kept in several documents.
//
// Publishing, planning anew and planning have queues of their own, in which branches take
// turns; a branch has one queued round a day. Attempts are counted in the header before they
// are made, so that a round that cannot be stored, or that stops the process, is given up: it
// has failed with its reason, or is planned or published as it was when only its publishing or
// planning anew has, and can be asked for again.
//
// A day ends at the branch's local midnight: what phones still show of it leaves
// them, visited or not, when a round is published and in any case within a minute
// of midnight. An assignment that no agent went to is cancelled (closed_by day:over);
// revoked is for what was taken back. A phone that was offline all day may
// still send what its agents recorded: no other phone has the task, so it is a fact
// and is taken in, flagged after_day (or late_stop for a visit made on a later
// day), where what comes after a revocation waits in quarantine for the new owner.
// A debtor is one stop however many cases they have: no debtor is visited twice a day
// because they owe twice. Cases of several debtors at one door are one stop as long
// as the same teams may go to all, they take an hour together at most, and three
// quarters of the longer lawful hours of two are common to both; those that do not
// fit, and appointments, are stops of their own. An appointment is a
// window that must be kept. A case whose law differs by team keeps the windows of
// the first team that may go.
//
// A date that is over at the branch is neither planned nor published, and a round for
// today is planned from the moment it was asked for. A later round of a day replaces
// the earlier one until a visit has been made or begun: from then on the day has that
// round, and is planned anew.
//
// # Planning a published day anew
//
// Replan takes the day from where it stands. Stops that are done or under way are
// kept as they are, with all that is to be done at the same door, and are no part of
// the routing problem: a real day departs from its matrix, and a prefix that "cannot
// be" must not stop the rest. Other cases of a debtor who was visited stay out. A team
// that dropped out stays out of all later replans until it is said to be back. Each team goes
// on from its last door at the time it is free, with the breaks and the number of
// doors it has left; what lies before the moment of asking is over. The search
// begins from the plan the phones have and prices what a change costs against what
// it brings. The routes are the round's next version, published at once: an
// assignment keeps its id as long as its team keeps the case, and is written again
// only if its place in the day has changed by more than a few minutes. The status
// replanning stands in the header until then, so that a restart goes on.
//
// Propose plans the day in the same way and tells what would change; nothing has until AcceptProposal, which puts the
// very plan that was shown in force. A proposal is kept in documents of its own, beside the round's, and can be
// accepted as long as the round stands as it did and for a quarter of an hour. Moves hold for the rest of the round, in
// later plans too; locks are of one proposal.
//
// # Promising a time
//
// Slots says which times of a day could be promised to a debtor: the lawful ones,
// cut at the debtor's clock, and for each whether a team has room, who, and at what
// detour. It asks the day as a replan would find it, with every stop left to its
// team, in its order and within its lawful span, and judges cases by the code that
// planning does, so that what is offered is kept when the day is planned anew. Room
// that a replan would make by leaving out a visit of less weight does not count: a
// slot that is not possible may still be promised, at the cost of other visits. A visit to
// the debtor that is planned already makes way. Nothing is reserved: two who ask at
// once are offered the same hour, and the appointments decide. While the day has no
// round the law alone speaks, about a team that lacks nothing.
//
// It does not search (geo/routing), measure ways (geo/travel) or judge
// (conduct): it brings them together.
package dispatch
