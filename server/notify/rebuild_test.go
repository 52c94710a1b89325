package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// TestARebuiltOutboxSendsNothingTwice removes all alerts and their index rows from the
// records, which is all there is of the outbox. While they are gone nothing is sent; after
// a rebuild those that wait are sent once, and those that were sent are not sent again.
func TestARebuiltOutboxSendsNothingTwice(t *testing.T) {
	inHouse(t, func(t *testing.T, h *fixture) {
		ctx, p := context.Background(), &provider{}
		rebuild := func() error {
			return journal.Rebuild(ctx, h.journal.Store(), branch, journal.View{Name: journal.RecordsView}, nil)
		}
		findings := func() int {
			t.Helper()
			found, err := journal.Check(ctx, h.journal.Store(), branch, nil)
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		h.write(many(30)...)
		stop := h.run(p)
		time.Sleep(time.Minute)
		stop()
		waiting := []Alert{{ID: "w1"}, {ID: "w2"}, {ID: "left", Status: Sending, Attempts: 1}}
		h.write(waiting...)

		db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, sqlitestore.FileName)+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"DELETE FROM records WHERE type = 'alerts'",
			"DELETE FROM found WHERE ix LIKE 'alerts/%'"} {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if n := findings(); n != len(many(30))+len(waiting) {
			t.Errorf("%d things are found wrong without the alerts", n)
		}
		stop = h.run(p)
		time.Sleep(time.Minute)
		for _, n := range waiting {
			if len(p.of(n.ID)) > 0 {
				t.Errorf("%s was sent while it was gone", n.ID)
			}
		}
		// The outbox runs on while the view is rebuilt, and alerts come meanwhile.
		rebuilt := make(chan error, 1)
		go func() { rebuilt <- errors.Join(rebuild(), rebuild()) }()
		for i := range 20 {
			h.write(Alert{ID: fmt.Sprint("during", i)})
		}
		if err := <-rebuilt; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		if n := findings(); n != 0 {
			t.Errorf("after the rebuild %d things are wrong", n)
		}
		all := append(many(30), waiting...)
		for i := range 20 {
			all = append(all, Alert{ID: fmt.Sprint("during", i)})
		}
		for _, n := range all {
			if calls := len(p.of(n.ID)); calls != 1 || h.alert(n.ID).Status != Sent {
				t.Errorf("%s was sent %d times and is %s", n.ID, calls, h.alert(n.ID).Status)
			}
		}
	})
}
