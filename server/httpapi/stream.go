package httpapi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	heartbeat = 20 * time.Second
	pokePause = time.Second
	// pokeTime is how long a poke may take to leave; a phone that is gone is noticed then.
	pokeTime = 10 * time.Second
)

// stream pokes a phone when its feeds change. It carries no data.
func (a *API) stream(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	ctx := c.Request.Context()
	// Listen before saying where the feed is, so that nothing falls between.
	poke, stop := a.opt.Offline.Stream(who)
	defer stop()
	seq, err := a.opt.Offline.Tail(ctx, who.Branch)
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
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(pokeTime))
		if _, err := c.Writer.WriteString(text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	say := func() bool { return send(fmt.Sprintf("event: poke\ndata: {\"seq\":%d}\n\n", seq)) }
	if !say() {
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
			// A device that was shut out meanwhile hears nothing more.
			if _, problem := a.who(c); problem != nil && problem.Status != http.StatusUnauthorized {
				return
			}
		case _, open := <-poke:
			if !open {
				return
			}
			if seq, err = a.opt.Offline.Tail(ctx, who.Branch); err != nil || !say() {
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
