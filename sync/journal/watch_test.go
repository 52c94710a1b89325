package journal

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doorstep/auth"
)

// What one node appends is announced on another within two seconds, however many branches
// there are, though some of them start slowly.
func TestPagesOfManyBranchesAreAnnouncedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const branches = 300
		m := newMemStore()
		writer := open(t, m)
		name := func(i int) auth.BranchID { return auth.BranchID(fmt.Sprintf("B%03d", i)) }
		write := func(id string, i int) {
			t.Helper()
			if _, err := writer.Do(context.Background(), name(i), []Command{add(id, "a")}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range branches {
			write("first", i)
		}
		reader := open(t, distant{m, 20 * time.Millisecond})
		var mu sync.Mutex
		heard := map[auth.BranchID]time.Time{}
		defer reader.Subscribe(func(c Committed) {
			mu.Lock()
			defer mu.Unlock()
			heard[c.Branch] = time.Now()
		})()
		wrote := time.Now()
		for i := range branches {
			write("second", i)
		}
		time.Sleep(3 * time.Second) // of the bubble's clock
		mu.Lock()
		defer mu.Unlock()
		late := 0
		for i := range branches {
			if at, there := heard[name(i)]; !there || at.Sub(wrote) > 2*time.Second {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d of %d branches were not announced within two seconds", late, branches)
		}
	})
}
