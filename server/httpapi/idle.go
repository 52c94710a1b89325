package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"doorstep/auth/refusal"
	"doorstep/sync/offline"

	"github.com/gin-gonic/gin"
)

// A phone's stream is idle nearly always, and there are thousands. So it is taken from net/http, whose buffers and
// goroutine would stay with it, and no goroutine waits for it: one begins when there is something to write and ends
// when it is written.

// idle are the streams of a server.
type idle struct {
	mu      sync.Mutex
	open    map[*phoneStream]bool
	closed  bool
	running sync.WaitGroup
}

// add takes a stream in, unless the server stops.
func (i *idle) add(s *phoneStream) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return false
	}
	if i.open == nil {
		i.open = map[*phoneStream]bool{}
	}
	i.open[s] = true
	return true
}

// enter counts a goroutine that works on a stream, unless the server stops; it calls running.Done at its end.
func (i *idle) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		i.running.Add(1)
	}
	return !i.closed
}

// begin has a goroutine do something for a stream, unless the server stops.
func (i *idle) begin(do func()) {
	if i.enter() {
		go func() { defer i.running.Done(); do() }()
	}
}

// close ends all streams and waits for what works on them.
func (i *idle) close() {
	i.mu.Lock()
	i.closed = true
	left := slices.Collect(maps.Keys(i.open))
	i.mu.Unlock()
	for _, s := range left {
		i.running.Go(s.close)
	}
	i.running.Wait()
}

// phoneStream is the stream of one phone.
type phoneStream struct {
	api     *API
	conn    net.Conn
	who     offline.Caller
	chunked bool
	once    sync.Once

	writing sync.Mutex // held while the connection is written to, and for what follows
	broken  bool
	unwatch []func()

	mu        sync.Mutex
	seq, said uint64 // what the phone is to hear, and what it has heard
	busy      bool   // a poke is being written, or was written less than pokePause ago
}

// stream pokes a phone when its feeds change, and ends when its user is out. It carries no data.
func (a *API) stream(c *gin.Context) {
	who, p := a.caller(c)
	if p != nil {
		writeProblem(c, p)
		return
	}
	s := &phoneStream{api: a, who: who, chunked: c.Request.ProtoAtLeast(1, 1), busy: true}
	// Listen before looking where the feed is, so that nothing falls between.
	ctx := c.Request.Context()
	unpoke, err := a.opt.Offline.Poke(ctx, who, s.grown)
	if err != nil {
		a.fail(c, err)
		return
	}
	seq, err := a.opt.Offline.Tail(ctx, who.Branch)
	if err == nil {
		err = s.takeOver(c)
	}
	if err != nil {
		unpoke()
		a.fail(c, err)
		return
	}
	s.writing.Lock()
	s.unwatch = []func(){unpoke, a.opt.Sessions.WatchFunc(who.Actor, func() { a.idle.begin(s.look) })}
	open := a.idle.add(s)
	a.metrics.streams.Inc()
	s.writing.Unlock()
	if !open {
		s.close()
		return
	}
	s.mu.Lock()
	s.seq = max(s.seq, seq)
	s.mu.Unlock()
	s.tell()
	s.look() // what changed before this node watched
	time.AfterFunc(heartbeat, s.beats)
}

// takeOver takes the connection from net/http and writes the head of the answer.
func (s *phoneStream) takeOver(c *gin.Context) error {
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Connection", "close")
	if s.chunked {
		h.Set("Transfer-Encoding", "chunked")
	}
	conn, _, err := c.Writer.Hijack()
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Time{}) // of net/http's; each write has its own
	s.conn, s.broken = conn, !written(conn, head(h))
	return nil
}

func written(conn net.Conn, text []byte) bool {
	_, err := conn.Write(text)
	return err == nil
}

// head is the head of an answer.
func head(h http.Header) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n")
	_ = h.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}

// grown notes where the feeds end and has the phone told. It does not wait.
func (s *phoneStream) grown(seq uint64) {
	s.mu.Lock()
	s.seq = max(s.seq, seq)
	rest := !s.busy
	s.busy = true
	s.mu.Unlock()
	if rest {
		s.api.idle.begin(s.tell)
	}
}

// tell pokes the phone, and again after pokePause if the feeds have grown meanwhile.
func (s *phoneStream) tell() {
	s.mu.Lock()
	s.said = s.seq
	seq := s.said
	s.mu.Unlock()
	if !s.send(fmt.Sprintf("event: poke\ndata: {\"seq\":%d}\n\n", seq)) {
		s.close()
		return
	}
	time.AfterFunc(pokePause, func() {
		s.mu.Lock()
		s.busy = s.seq > s.said
		again := s.busy
		s.mu.Unlock()
		if again {
			s.api.idle.begin(s.tell)
		}
	})
}

// look ends the stream if its user may no longer call. An error of the store does not end it: the next beat checks
// again.
func (s *phoneStream) look() {
	ctx, cancel := context.WithTimeout(context.Background(), heartbeat)
	defer cancel()
	if _, out := refusal.Of(s.api.opt.Sessions.Check(ctx, s.who.Actor)); out {
		s.close()
	}
}

// beats shows that the stream is alive, looks whether its user is out, and notices that the phone is gone.
func (s *phoneStream) beats() {
	if !s.api.idle.enter() {
		return
	}
	defer s.api.idle.running.Done()
	if s.look(); !s.send(": still here\n\n") {
		s.close()
		return
	}
	time.AfterFunc(heartbeat, s.beats)
}

// send writes a piece of the answer. It fails if that does not leave in time, and after every failure.
func (s *phoneStream) send(text string) bool {
	if s.chunked {
		text = fmt.Sprintf("%x\r\n%s\r\n", len(text), text)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.broken = s.broken || !written(s.conn, []byte(text))
	return !s.broken
}

// closePause is how long a phone that does not read is given to take in the end of its stream.
const closePause = 2 * time.Second

// close ends the answer and the connection.
func (s *phoneStream) close() {
	s.once.Do(func() {
		late := time.AfterFunc(closePause, func() { _ = s.conn.Close() })
		defer late.Stop()
		s.writing.Lock()
		defer s.writing.Unlock()
		for _, stop := range s.unwatch {
			stop()
		}
		if s.chunked && !s.broken {
			_ = written(s.conn, []byte("0\r\n\r\n")) // a phone that is gone reads no end
		}
		s.broken = true
		_ = s.conn.Close()
		s.api.metrics.streams.Dec()
		s.api.idle.mu.Lock()
		defer s.api.idle.mu.Unlock()
		delete(s.api.idle.open, s)
	})
}
