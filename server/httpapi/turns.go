package httpapi

import (
	"context"
	"sync"
	"time"
)

// What one device may have under way at once. An app opens a dozen screens and pushes a dozen collections side by side;
// a device that has more under way than that loops, or has lost its connection again and again.
const (
	pushesUnderWay = 20
	pullsUnderWay  = 40
)

// turns bounds what each device has under way, and lets it do one thing at a time, so that a device with many
// connections does not take the machine from the others. The zero value is not usable; see newTurns. It is safe for
// concurrent use.
type turns struct {
	most int

	mu sync.Mutex
	of map[string]*turn
}

// turn is a device's. Who holds the slot works.
type turn struct {
	underWay int
	slot     chan struct{}
}

func newTurns(most int) *turns { return &turns{most: most, of: map[string]*turn{}} }

// enter counts what a device begins; nil when it has too much under way. The caller calls leave once, at the end.
func (t *turns) enter(device string) (mine *turn, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.of[device]
	if x == nil {
		x = &turn{slot: make(chan struct{}, 1)}
		t.of[device] = x
	}
	if x.underWay >= t.most {
		return nil, nil
	}
	x.underWay++
	return x, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.underWay--; x.underWay == 0 {
			delete(t.of, device)
		}
	}
}

// turnTime is how long a request waits for its device's turn: a store that does not answer keeps the one before it.
const turnTime = 10 * time.Second

// wait waits for the device's turn, for turnTime. The caller calls done, unless there is an error, which is a *Problem
// or the context's.
func (x *turn) wait(ctx context.Context) (done func(), err error) {
	late := time.NewTimer(turnTime)
	defer late.Stop()
	select {
	case x.slot <- struct{}{}:
		return func() { <-x.slot }, nil
	case <-late.C:
		return nil, tooOften(time.Second)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
