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
			if len(states) != 1 || states[0].Branch != "porto" || states[0].State != journal.StateParked ||
				fmt.Sprint(states[0].Parked[0].First, states[0].Parked[0].Last) != "2 2" {
				t.Errorf("states: %+v", states)
			}
			if w, _ := j.Watermark(ctx, "porto"); w != 4 || out[0].N != 4 {
				t.Errorf("porto is at %d, lisboa at %d", w, out[0].N)
			}
			viewsGoOn(t, j)
			var damaged *journal.DamagedPage
			_, err = j.Store().PageOf(ctx, "porto", 2)
			if whole := strings.HasPrefix(name, "a flipped"); errors.As(err, &damaged) == whole {
				t.Errorf("the page itself: %v", err)
			}
		})
	}
}

// viewsGoOn keeps a view and rebuilds the built-in ones of a branch whose second entry
// cannot be read: they lack that entry, and a check names nothing else.
func viewsGoOn(t *testing.T, j *journal.Journal) {
	t.Helper()
	ctx, s := context.Background(), j.Store()
	names := journal.View{Name: "names", Apply: journal.EachEntry("names", func(e *journal.Entry) ([]journal.Doc, error) {
		return []journal.Doc{{ID: e.Docs[0].ID, State: json.RawMessage(`{}`)}}, nil
	})}
	check(t, journal.NewViews(j, names).CatchUp(ctx, "porto", "names"))
	f, err := s.Find(ctx, journal.Query{Branch: "porto", Type: "names"})
	check(t, err)
	if len(f.Records) != 3 {
		t.Errorf("the view has %d documents, want those of the entries 1, 3 and 4", len(f.Records))
	}
	// The views still have what the entry wrote before it was damaged: nothing to compare that with.
	found, err := journal.Check(ctx, s, "porto", nil, names)
	check(t, err)
	for _, x := range found {
		if x.Entry != 2 || !strings.Contains(x.What, "parked") && !strings.Contains(x.What,
			"entries 2 to 2 of porto cannot be read") &&
			!strings.Contains(x.What, "not those that were hashed") {
			t.Errorf("before a rebuild: found %v", x)
		}
	}
	for _, view := range journal.BuiltInViews() {
		check(t, journal.Rebuild(ctx, s, "porto", journal.View{Name: view}, nil))
	}
	found, err = journal.Check(ctx, s, "porto", nil, names)
	check(t, err)
	inViews := 0
	for _, x := range found {
		if x.Entry != 2 {
			t.Errorf("found %v", x)
		}
		if strings.Contains(x.What, "parked in the view") {
			inViews++
		}
	}
	if want := len(journal.BuiltInViews()) + 1; inViews != want {
		t.Errorf("%d views say that they lack the entry, want %d: %v", inViews, want, found)
	}
	states, err := j.States(ctx)
	check(t, err)
	if len(states) != 1 || len(states[0].Parked) != 1 || len(states[0].ParkedViews) != inViews {
		t.Errorf("states: %+v", states)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
