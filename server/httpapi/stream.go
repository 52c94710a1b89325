package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"

	"github.com/gin-gonic/gin"
)

const (
	heartbeat = 20 * time.Second
	pokePause = time.Second
)

// whileIn is a context that ends when the actor is out: disabled, signed out, blocked, or in another scope. This node
// hears of its own changes at once, and looks for those of others at each heartbeat. The caller calls stop, which
// waits.
func (a *API) whileIn(ctx context.Context, actor auth.Actor) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	changed, unwatch := a.opt.Sessions.Watch(actor)
	var looking sync.WaitGroup
	looking.Go(func() {
		defer cancel()
		beat := time.NewTicker(heartbeat)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-beat.C:
			}
			// Trouble of the store is no reason: the next beat looks again.
			if _, out := refusal.Of(a.opt.Sessions.Check(ctx, actor)); out {
				return
			}
		}
	})
	return ctx, func() {
		unwatch()
		cancel()
		looking.Wait()
	}
}

// pokes answers with a stream of pokes: one at once, and one for each signal, at most one a second. say gives what a
// poke says, "" for nothing. It ends with ctx, with the server, and when poke is closed.
func (a *API) pokes(ctx context.Context, c *gin.Context, poke <-chan struct{}, say func() (string, error)) {
	first, err := say()
	if err != nil {
		a.fail(c, err)
		return
	}
	a.metrics.streams.Inc()
	defer a.metrics.streams.Dec()
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.Writer.WriteHeader(http.StatusOK)
	out := http.NewResponseController(c.Writer)
	send := func(text string) bool { // a write that does not leave in time fails, as every one does
		if _, err := c.Writer.WriteString(text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	tell := func(data string) bool { return data == "" || send("event: poke\ndata: "+data+"\n\n") }
	if !tell(first) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.stop:
			return
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case _, open := <-poke:
			if !open {
				return
			}
			if data, err := say(); err != nil || !tell(data) {
				return
			}
			select {
			case <-time.After(pokePause):
			case <-ctx.Done():
				return
			case <-a.stop:
				return
			}
		}
	}
}
