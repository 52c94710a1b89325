package server

import (
	"context"
	"regexp"
	"testing"

	"doorstep/sync/journal"

	"github.com/google/uuid"
)

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// idsAreTimeOrdered reads the journals after a day: every UUID of a command or a document
// is of version 7, whoever made it (J17 in sync/journal/README.md). Random ids would be
// spread over the indexes, and appends would become slower as the journal grows.
func idsAreTimeOrdered(t *testing.T, s *Server) {
	ctx := context.Background()
	branches, err := s.store.Branches(ctx)
	ok(t, err)
	met := map[string]int{}
	views := map[string]bool{}
	for _, v := range Views(s.vault) {
		views[v.Name] = true
	}
	for _, b := range branches {
		ok(t, s.journal.Each(ctx, b, 0, func(e journal.Entry) error {
			look := func(what, id string) {
				for _, text := range anyUUID.FindAllString(id, -1) {
					met[what]++
					if u, err := uuid.Parse(text); err != nil || u.Version() != 7 {
						t.Errorf("%s %s of %s holds a UUID of version %d", what, id, e.Action, u.Version())
					}
				}
			}
			look("command", e.Command)
			for _, d := range e.Docs {
				look(d.Type, d.ID)
				if views[d.Type] { // a view's documents lie beside those of entries, under its name as their type
					t.Errorf("entry %d of %s writes a document of the type %s, which is a view's name", e.N, b, d.Type)
				}
			}
			return nil
		}))
	}
	for _, what := range []string{"command", "rounds", "assignments", "visits", "visit_notes"} {
		if met[what] == 0 {
			t.Errorf("no UUID of any %s was met: %v", what, met)
		}
	}
}
