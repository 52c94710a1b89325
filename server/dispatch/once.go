package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// queuedOn is the round of a date that waits to be planned, or is being planned; nil when there
// is none. The decision that asks rests on the answer.
func (s *Service) queuedOn(ctx context.Context, r *journal.Reader, date string) (*Round, error) {
	r.Depend(dayKey(date))
	recs, err := r.All(ctx, roundsByDate, date)
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		var round Round
		if err := json.Unmarshal(rec.Body, &round); err != nil {
			return nil, fmt.Errorf("read round %s: %w", rec.ID, err)
		}
		if round.Status == Queued {
			return &round, nil
		}
	}
	return nil, nil
}

// joinQueued answers who asks for a round while the first of its day is queued. Who asks for the
// same has what they want: two people have pressed a button, or one has twice. Who asks for
// another plan would be misled by the first one, and is refused. round.queued.
func joinQueued(first *Round, asked Round, err error) (journal.Draft, error) {
	if err != nil {
		return journal.Draft{}, err
	}
	if !first.asksTheSame(asked) {
		return journal.Draft{}, refuse(refusal.Conflict, "round.queued", "", "the round "+first.ID+
			" of that day is being planned with other teams or settings; wait until GET /v1/rounds/"+first.ID+
			" shows it planned or failed, and ask then")
	}
	receipt, err := json.Marshal(map[string]string{"round": first.ID})
	// The entry keeps the answer: the same key asks for no second round later.
	return journal.Draft{Action: "round.join", Receipt: receipt}, err
}

// asksTheSame tells whether two rounds of a branch and day were asked with the same.
func (r *Round) asksTheSame(other Round) bool {
	teams := func(r *Round) []string { return slices.Compact(slices.Sorted(slices.Values(r.Teams))) }
	return slices.Equal(teams(r), teams(&other)) && r.Seed == other.Seed && r.TimeLimitS == other.TimeLimitS &&
		r.Objective == other.Objective && r.Balance == other.Balance
}
