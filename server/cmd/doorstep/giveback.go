package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// giveBack returns to the system what the start needed and serving does not: garbage, of which hashing one password
// makes 19 MB, and the pages of the binary that were mapped to set up packages. A server without requests would keep
// the garbage for minutes and the pages for ever.
func giveBack() {
	debug.FreeOSMemory()
	unmapBinary()
}

// givingBack runs do and returns its error. Meanwhile it returns garbage to the system, once a minute where that is
// worthwhile. The runtime by itself keeps what a sign-in, a round or an import has taken until it has collected garbage
// twice, which a quiet server does every two minutes.
func givingBack(ctx context.Context, do func() error) error {
	ctx, stop := context.WithCancel(ctx)
	floor := heapKept()
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if worthwhile(heapKept(), floor) {
					debug.FreeOSMemory()
					floor = heapKept()
				}
			}
		}
	})
	err := do()
	stop()
	wait.Wait()
	return err
}

// worthwhile tells whether to return garbage, from the bytes that the heap keeps now and those it kept after the last
// time. A collection takes some ten milliseconds, so small changes do not cause one.
func worthwhile(now, floor uint64) bool { return now > floor+floor/2+16<<20 }

// heapKept is how many bytes of memory the heap keeps, whether there is something in them or not.
func heapKept() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(s)
	var sum uint64
	for i := range s {
		if s[i].Value.Kind() == metrics.KindUint64 {
			sum += s[i].Value.Uint64()
		}
	}
	return sum
}
