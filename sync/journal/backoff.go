package journal

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff spaces attempts at something that fails: each wait is about twice the one
// before, spread by half, so that what failed together does not come back together.
// The zero value is not usable. It belongs to one goroutine.
type Backoff struct {
	First time.Duration // about the first wait
	Most  time.Duration // no wait is about longer
	tries int
}

// Next is how long to wait before the next attempt: between half and one and a half
// times First, then twice that, and so on up to Most.
func (b *Backoff) Next() time.Duration {
	d := b.Most
	if b.tries < 30 && b.First<<b.tries < b.Most {
		d = b.First << b.tries
	}
	b.tries++
	return d/2 + rand.N(d+1)
}

// Wait waits for Next, or returns the context's error.
func (b *Backoff) Wait(ctx context.Context) error { return Sleep(ctx, b.Next()) }

// Reset begins again at First.
func (b *Backoff) Reset() { b.tries = 0 }

// Sleep waits, or returns the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
