package dispatch

import "doorstep/auth/refusal"

// refuse makes a refusal of this package. Its codes are stable: round.not_found,
// round.date, round.branch, round.team, round.past, round.under_way, round.queued, round.no_shifts,
// round.no_team_left, round.agents_twice, round.no_agent, round.gave_up, round.limit, round.objective, round.state,
// round.too_large, round.check, round.lock, round.move, round.proposing, round.proposal, round.proposal_old;
// slots.date, slots.past, slots.far, slots.minutes; shift.date, shift.past, shift.in_use, team.in_use.
func refuse(kind refusal.Kind, code, place, msg string) *refusal.Error {
	return refusal.New(kind, code, place, "%s", msg)
}
