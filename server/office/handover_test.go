package office

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"doorstep/auth"
)

// TestNoTeamIsLeftOnGroundThatIsGone sends maps and removals while teams are
// given, by others, what these take away: whoever is first, no team works a
// territory that is not there.
func TestNoTeamIsLeftOnGroundThatIsGone(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("a1", porto)
	agents := []auth.UserID{"a1"}
	area := func(id string, west float64) Territory {
		return Territory{ID: id, Branch: porto, Shape: rectangle(t, west, 41, west+0.1, 41.1)}
	}
	x, y := area("X", 0), area("Y", 0.1)
	put := func(team string, works ...string) error {
		_, err := h.PutTeam(ctx, Ask{By: "boss"}, Team{ID: team, Branch: porto, Agents: agents, Territories: works})
		return err
	}
	replace := func(next []Territory, moves ...Move) error {
		_, err := h.ReplaceTerritories(ctx, Ask{By: "boss"}, porto, "", next, moves)
		return err
	}
	removed, kept := 0, 0
	for round := range 120 {
		ok(t, replace([]Territory{x, y}))
		ok(t, put("t1", []string{"X", "X", "X", "Y"}[round%4]))
		ok(t, put("t2", "Y"))
		var wg sync.WaitGroup
		var taking, giving error
		wg.Go(func() {
			switch round % 4 {
			case 0:
				taking = replace([]Territory{y}, Move{Team: "t1", Territories: []string{"Y"}})
			case 1:
				if taking = put("t1", "Y"); taking == nil {
					taking = h.DeleteTerritory(ctx, Ask{By: "boss"}, porto, "X")
				}
			case 3: // nobody has to move
				taking = replace([]Territory{y})
			case 2: // the ground that t1 is moved to is taken away
				giving = replace([]Territory{area("X", 0.5), y}, Move{Team: "t1", Territories: []string{"Y"}})
			}
		})
		wg.Go(func() {
			if round%4 == 2 {
				if taking = put("t2", "X"); taking == nil {
					taking = h.DeleteTerritory(ctx, Ask{By: "boss"}, porto, "Y")
				}
				return
			}
			giving = put("t2", "X")
		})
		wg.Wait()
		ts, err := h.Territories(ctx, porto)
		ok(t, err)
		teams, err := h.Teams(ctx, porto)
		ok(t, err)
		for _, team := range teams {
			for _, id := range team.Territories {
				if !slices.ContainsFunc(ts, func(t Territory) bool { return t.ID == id }) {
					t.Fatalf("round %d: %s works %s, which is gone; %v, %v", round, team.ID, id, taking, giving)
				}
			}
		}
		if len(ts) == 2 {
			kept++
		} else {
			removed++
		}
	}
	t.Logf("removed %d times, kept %d times", removed, kept)
	if removed == 0 {
		t.Error("nothing was ever removed: the rounds are no test")
	}
}

// A move that was proposed for other ground than the team has by now is not made.
func TestAMoveOfATeamThatHasMovedIsRefused(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	h.agent("a1", porto)
	agents := []auth.UserID{"a1"}
	var ts []Territory
	for i, id := range []string{"X", "Y", "Z"} {
		ts = append(ts, Territory{ID: id, Branch: porto, Shape: rectangle(t, 0.1*float64(i), 41, 0.1*float64(i)+0.1, 41.1)})
	}
	_, err := h.ReplaceTerritories(ctx, h.ask(), porto, "", ts, nil)
	ok(t, err)
	give := func(works ...string) {
		_, err := h.PutTeam(ctx, h.ask(), Team{ID: "t1", Branch: porto, Agents: agents, Territories: works})
		ok(t, err)
	}
	works := func() string {
		team, err := h.Team(ctx, porto, "t1")
		ok(t, err)
		return fmt.Sprint(team.Territories)
	}
	move := Move{Team: "t1", Works: []string{"X"}, Territories: []string{"Y"}}
	give("X", "Z")
	_, err = h.ReplaceTerritories(ctx, h.ask(), porto, "", ts[1:], []Move{move})
	if refused(t, "a team with more ground by now", err, "territory.map_changed"); works() != "[X Z]" {
		t.Errorf("the team works %s", works())
	}
	give("Y") // as the move would have it
	if _, err := h.ReplaceTerritories(ctx, h.ask(), porto, "", ts[1:], []Move{move}); err != nil || works() != "[Y]" {
		t.Errorf("the team works %s after %v", works(), err)
	}
	_, err = h.ReplaceTerritories(ctx, h.ask(), porto, "", ts, nil)
	ok(t, err)
	give("X")
	if _, err := h.ReplaceTerritories(ctx, h.ask(), porto, "", ts[1:], []Move{move}); err != nil || works() != "[Y]" {
		t.Errorf("the team works %s after %v", works(), err)
	}
}
