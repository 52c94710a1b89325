package memstore_test

import (
	"sync"
	"testing"

	"doorstep/server/store/memstore"
	"doorstep/server/store/storetest"
	"doorstep/sync/journal"
)

func TestContract(t *testing.T) {
	var mu sync.Mutex
	disks := map[journal.Store]*memstore.Disk{}
	open := func(d *memstore.Disk) journal.Store {
		s := memstore.Open(d, storetest.Indexes(), nil)
		mu.Lock()
		defer mu.Unlock()
		disks[s] = d
		return s
	}
	storetest.Run(t, storetest.Engine{
		Concurrent: true,
		Open:       func(*testing.T) journal.Store { return open(memstore.NewDisk()) },
		Reopen:     func(_ *testing.T, s journal.Store) journal.Store { return open(disks[s].Copy()) },
	})
}
