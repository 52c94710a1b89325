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

// Nth is how long to wait after the n-th attempt, from 1: between half and one and a half
// times First, then twice that, and so on up to Most.
func (b *Backoff) Nth(n int) time.Duration {
	d := b.Most
	if n <= 30 && b.First<<(n-1) < b.Most {
		d = b.First << (n - 1)
	}
	return d/2 + rand.N(d+1)
}

// Next is Nth of the attempts since the start or the last Reset.
func (b *Backoff) Next() time.Duration {
	b.tries++
	return b.Nth(b.tries)
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
