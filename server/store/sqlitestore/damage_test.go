package sqlitestore_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/auth"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// note is a command that writes one document.
func note(id string) journal.Command {
	return journal.Command{ID: id, Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
		d := journal.Draft{Action: "note"}
		d.Put("notes", id, json.RawMessage(`{}`))
		_, _, err := r.Doc(ctx, "notes", id)
		return d, err
	}}
}

// A page whose bytes are damaged in the file, or overwritten by a page of another
// place, stops neither the start, nor its branch, nor another one: it is parked.
func TestADamagedPageStopsNothing(t *testing.T) {
	for name, damage := range map[string]string{
		"cut short":        "UPDATE pages SET body = substr(body, 1, length(body) / 2) WHERE branch = 'porto' AND first = 2",
		"empty":            "UPDATE pages SET body = x'' WHERE branch = 'porto' AND first = 2",
		"another's bytes":  "UPDATE pages SET body = (SELECT body FROM pages WHERE branch = 'lisboa' AND first = 2) WHERE branch = 'porto' AND first = 2",
		"a flipped letter": "UPDATE pages SET body = CAST(replace(CAST(body AS TEXT), 'note', 'nota') AS BLOB) WHERE branch = 'porto' AND first = 2",
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			dir := t.TempDir()
			write := func(branch auth.BranchID, ids ...string) *journal.Journal {
				t.Helper()
				s, err := sqlitestore.Open(ctx, dir, nil)
				check(t, err)
				t.Cleanup(func() { _ = s.Close() })
				j := journal.Open(s, journal.Options{})
				t.Cleanup(func() { _ = j.Close(ctx) })
				for _, id := range ids {
					out, err := j.Do(ctx, branch, []journal.Command{note(id)})
					check(t, err)
					check(t, out[0].Err)
				}
				return j
			}
			for _, b := range []auth.BranchID{"porto", "lisboa"} {
				j := write(b, "a", "b", "c")
				check(t, j.Close(ctx))
				check(t, j.Store().Close())
			}
			db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlitestore.FileName))
			check(t, err)
			// The views have not seen the page yet, as after a crash.
			for _, q := range []string{damage, "UPDATE views SET w = 1 WHERE branch = 'porto'"} {
				_, err = db.Exec(q)
				check(t, err)
			}
			check(t, db.Close())
			j := write("porto", "d")
			out, err := j.Do(ctx, "lisboa", []journal.Command{note("d")})
			check(t, err)
			states, err := j.States(ctx)
			check(t, err)
			if len(states) != 1 || states[0].Branch != "porto" || states[0].State != journal.StateParked || fmt.Sprint(states[0].Parked[0].First, states[0].Parked[0].Last) != "2 2" {
				t.Errorf("states: %+v", states)
			}
			if w, _ := j.Watermark(ctx, "porto"); w != 4 || out[0].N != 4 {
				t.Errorf("porto is at %d, lisboa at %d", w, out[0].N)
			}
			var damaged *journal.DamagedPage
			_, err = j.Store().PageOf(ctx, "porto", 2)
			if whole := strings.HasPrefix(name, "a flipped"); errors.As(err, &damaged) == whole {
				t.Errorf("the page itself: %v", err)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
