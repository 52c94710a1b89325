package casework

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
	"doorstep/server/record"
)

// cardSchema is the schema version of the apps that know the members people and earlier of a case card.
const cardSchema = 3

// CardPerson is an agent of the case on a case card.
type CardPerson struct {
	ID   auth.UserID `json:"id"`
	Name string      `json:"name"`
}

// CardVisit is an earlier visit on a case card: what whoever goes there next must know, and no more. It has no text, no
// person, and no word of who was unwell or felt unsafe: such a visit has the outcome EndedEarly.
type CardVisit struct {
	At      time.Time `json:"at"` // corrected; UTC
	Outcome string    `json:"outcome"`
	Purpose string    `json:"purpose,omitempty"`
}

// withPeople adds to a card the names of the agents whose phones hold the case, and its last visits. They are of this
// case only: an agent does not see the visits to other cases of the same person.
func (s *Service) withPeople(ctx context.Context, doc json.RawMessage, k *record.Case) (json.RawMessage, error) {
	visits, err := s.standingVisits(ctx, k.Branch, k.ID)
	if err != nil {
		return nil, err
	}
	if earlier := cardVisits(visits); len(earlier) > 0 {
		doc = withMembers(doc, "earlier", earlier)
	}
	if s.names == nil {
		return doc, nil
	}
	names, err := s.names(ctx, k.Agents)
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	if people := cardPeople(k.Agents, names); len(people) > 0 {
		doc = withMembers(doc, "people", people)
	}
	return doc, nil
}

// cardVisits are the last of the visits to a case, which are the newest first.
func cardVisits(visits []Filed[record.Visit]) []CardVisit {
	var out []CardVisit
	for i := range visits[:min(len(visits), mostEarlier)] {
		v := &visits[i].State
		out = append(out, CardVisit{record.WholeUTC(v.At), lenderOutcome(v.Outcome), v.Purpose})
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
