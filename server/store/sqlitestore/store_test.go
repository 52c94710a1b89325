package sqlitestore_test

import (
	"context"
	"sync"
	"testing"

	"doorstep/server/store/sqlitestore"
	"doorstep/server/store/storetest"
	"doorstep/sync/journal"
)

func TestContract(t *testing.T) {
	var mu sync.Mutex
	folders := map[journal.Store]string{}
	open := func(t *testing.T, folder string) journal.Store {
		s, err := sqlitestore.Open(context.Background(), folder, storetest.Indexes())
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		folders[s] = folder
		return s
	}
	storetest.Run(t, storetest.Engine{
		Concurrent: true,
		Open:       func(t *testing.T) journal.Store { return open(t, t.TempDir()) },
		Reopen: func(t *testing.T, s journal.Store) journal.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, folders[s])
		},
	})
}
