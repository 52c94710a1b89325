package journal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is stored and not applied yet is told apart from damage.
func TestAnUnappliedTailIsNoDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m := newMemStore()
		j := open(t, m)
		do(t, j, add("c1", "a"))
		m.setFault(func(step string, _ *Page) error {
			if step == "stored" {
				return errors.New("the node dies here")
			}
			return nil
		})
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := j.Do(short, branch, []Command{add("c2", "a")})
		if err == nil {
			t.Fatal("a page without its views was acknowledged")
		}
		found, err := Check(ctx, m, branch, nil)
		if err != nil || len(found) != 1 || !found[0].Harmless || !strings.Contains(found[0].What, "entries 2 to 2 are stored and not in the views yet") {
			t.Errorf("found %v, %v", found, err)
		}
		m.setFault(nil)
	})
}
