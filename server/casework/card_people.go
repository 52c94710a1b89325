package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// cardSchema is the schema version of the apps that know the members people and earlier of a case card.
const cardSchema = 3

// CardPerson is an agent of the case on a case card.
type CardPerson struct {
	// ID is that of the user.
	ID auth.UserID `json:"id"`
	// Name is as of the pull.
	Name string `json:"name"`
}

// CardVisit is an earlier visit on a case card: what whoever goes there next must know, and no more. It has no text, no
// person, and no word of who was unwell or felt unsafe: such a visit has the outcome record.EndedEarly.
type CardVisit struct {
	// At is by the server's clock; UTC.
	At time.Time `json:"at"`
	// Outcome is a code of visit_outcomes, or ENDED_EARLY where somebody was vulnerable or in danger.
	Outcome string `json:"outcome"`
	// Purpose is a code of purposes.
	Purpose string `json:"purpose,omitempty"`
}

// withPeople adds to a card the names of the agents whose phones hold the case, and its last visits. They are of this
// case only: an agent does not see the visits to other cases of the same person.
func (s *Service) withPeople(ctx context.Context, find *ahead, doc json.RawMessage, k *record.Case) (json.RawMessage,
	error) {
	visits, err := find.standingVisits(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	if earlier := cardVisits(visits); len(earlier) > 0 {
		doc = withMembers(doc, "earlier", earlier)
	}
	if s.names == nil {
		return doc, nil
	}
	names := find.names
	if names == nil {
		if names, err = s.names(ctx, k.Agents); err != nil {
			return nil, fmt.Errorf("read names: %w", err)
		}
	}
	if people := cardPeople(k.Agents, names); len(people) > 0 {
		doc = withMembers(doc, "people", people)
	}
	return doc, nil
}

// peopleAhead reads the earlier visits and the names on the cards of cases, for all of them at once.
func (s *Service) peopleAhead(ctx context.Context, find *ahead, cases []*record.Case) (err error) {
	var ids []journal.CaseID
	var agents []auth.UserID
	for _, k := range cases {
		ids, agents = append(ids, k.ID), append(agents, k.Agents...)
	}
	if err := find.read(ctx, VisitsByCase, nil, eqs(ids)); err != nil || s.names == nil {
		return err
	}
	slices.Sort(agents)
	if find.names, err = s.names(ctx, slices.Compact(agents)); err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	return nil
}

// mostStanding is how many visits to a case are looked at, the latest, for those that tell what happened there.
const mostStanding = 50

// standingVisits are the latest visits to a case that no later one corrects, the newest first.
func (a *ahead) standingVisits(ctx context.Context, id journal.CaseID) ([]Filed[record.Visit], error) {
	recs, known := a.lists[aheadKey(VisitsByCase, nil, []any{string(id)})]
	if known {
		recs = slices.Clone(recs[max(0, len(recs)-mostStanding):])
		slices.Reverse(recs)
	} else {
		found, err := a.svc.store.Find(ctx, journal.Query{Branch: a.branch, Type: "visits", Index: VisitsByCase.Name,
			Eq: []any{string(id)}, Desc: true, Limit: mostStanding})
		if err != nil {
			return nil, fmt.Errorf("read visits: %w", err)
		}
		recs = found.Records
	}
	all, err := decodeAll[record.Visit](recs)
	if err != nil {
		return nil, err
	}
	corrected := map[string]bool{}
	for _, v := range all {
		corrected[v.State.Supersedes] = true
	}
	return slices.DeleteFunc(all, func(v Filed[record.Visit]) bool { return corrected[v.ID] }), nil
}

// cardVisits are the last of the visits to a case, which are the newest first.
func cardVisits(visits []Filed[record.Visit]) []CardVisit {
	var out []CardVisit
	for i := range visits[:min(len(visits), mostEarlier)] {
		v := &visits[i].State
		out = append(out, CardVisit{record.WholeUTC(v.At), record.OutcomeFor(record.Agent, v.Outcome), v.Purpose})
	}
	return out
}

// cardPeople are the agents of a case who have a name, in the order of the case.
func cardPeople(agents []auth.UserID, names map[auth.UserID]string) []CardPerson {
	var out []CardPerson
	for _, id := range agents {
		if name := names[id]; name != "" {
			out = append(out, CardPerson{id, name})
		}
	}
	return out
}

// Names gives the display names of users; who does not exist is left out.
type Names func(ctx context.Context, ids []auth.UserID) (map[auth.UserID]string, error)
