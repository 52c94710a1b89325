package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fate is what becomes of one request on its way.
type fate int

// The fates, and how many of a hundred requests meet each.
const (
	passes      fate = iota
	delayed          // the request waits before it goes on
	cutGoing         // a part of the request reaches the server, and both connections end
	cutComing        // the server answers, and a part of the answer reaches the phone
	dropped          // the server answers, and nothing reaches the phone
	doubled          // the server gets the request twice at the same time
	doubledLate      // the server gets the request once more, up to two seconds later
	fates
)

var (
	fateNames = [fates]string{"passed", "delayed", "cut on the way", "answers cut", "answers dropped", "doubled",
		"doubled late"}
	fateShares = [fates]int{passes: 66, delayed: 8, cutGoing: 7, cutComing: 5, dropped: 6, doubled: 4, doubledLate: 4}
)

// exchange is one request as it reached a server, and what the server answered.
type exchange struct {
	Method, Path, Device string
	Sent, Answered       time.Time
	Body, Answer         []byte
	Status               int // 0: the server gave no whole answer
}

// proxy stands between the phones and the servers. It lets each request meet the fate that its dice say, and tells
// what it heard, answers that no phone got included.
type proxy struct {
	listener net.Listener
	target   func() string  // host:port of a server that runs, or ""
	hear     func(exchange) // may be called at the same time by many
	calm     atomic.Bool    // every request passes
	met      [fates]atomic.Int64
	asking   atomic.Int64 // requests that wait for a server

	mu   sync.Mutex
	dice *rand.Rand
	late sync.WaitGroup
}

func newProxy(seed uint64, target func() string, hear func(exchange)) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for phones: %w", err)
	}
	p := &proxy{listener: l, target: target, hear: hear, dice: rand.New(rand.NewPCG(seed, 7))}
	go p.accept()
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

// close ends the proxy once the copies that come late have gone.
func (p *proxy) close() error {
	p.late.Wait()
	return p.listener.Close()
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

// draw returns a fate, and a share from 0 to 1 of the bytes or of the time that it concerns.
func (p *proxy) draw() (fate, float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, share := p.dice.IntN(100), p.dice.Float64()
	for f, s := range fateShares {
		if n < s {
			return fate(f), share
		}
		n -= s
	}
	return passes, share
}

// errCut ends a connection on purpose.
var errCut = errors.New("cut")

func (p *proxy) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		answer, err := p.pass(req, body)
		if _, werr := c.Write(answer); err != nil || werr != nil {
			return
		}
	}
}

// pass takes a request to a server and returns the bytes that the phone is to get. With an error its connection ends
// after them.
func (p *proxy) pass(req *http.Request, body []byte) ([]byte, error) {
	f, share := passes, 0.0
	if !p.calm.Load() {
		f, share = p.draw()
	}
	p.met[f].Add(1)
	raw := requestBytes(req, body)
	switch f {
	case delayed:
		time.Sleep(time.Duration(share * float64(300*time.Millisecond)))
	case cutGoing:
		p.part(raw[:int(share*float64(len(raw)))])
		return nil, errCut
	case doubled:
		p.late.Go(func() { _, _ = p.ask(req, raw, body) })
	case doubledLate:
		p.late.Go(func() {
			time.Sleep(time.Duration(share * float64(2*time.Second)))
			_, _ = p.ask(req, raw, body)
		})
	}
	answer, err := p.ask(req, raw, body)
	switch {
	case err != nil:
		return nil, err
	case f == dropped:
		return nil, errCut
	case f == cutComing:
		return answer[:int(share*float64(len(answer)))], errCut
	}
	return answer, nil
}

func requestBytes(req *http.Request, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", req.Method, req.RequestURI, req.Host)
	h := req.Header.Clone()
	for _, name := range []string{"Connection", "Content-Length", "Transfer-Encoding", "Accept-Encoding"} {
		h.Del(name)
	}
	if len(body) > 0 || req.Method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	_ = h.Write(&b)
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// dial connects to a server.
func (p *proxy) dial() (net.Conn, error) {
	at := p.target()
	if at == "" {
		return nil, errors.New("no server runs")
	}
	c, err := net.DialTimeout("tcp", at, time.Second)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(30 * time.Second))
}

// part sends the beginning of a request and ends the connection.
func (p *proxy) part(raw []byte) {
	if c, err := p.dial(); err == nil {
		_, _ = c.Write(raw)
		_ = c.Close()
	}
}

// ask sends a request to a server and returns its answer as bytes.
func (p *proxy) ask(req *http.Request, raw, body []byte) ([]byte, error) {
	x := exchange{Method: req.Method, Path: req.RequestURI, Device: req.Header.Get("X-Device-Id"), Body: body,
		Sent: time.Now()}
	p.asking.Add(1)
	defer func() {
		p.hear(x)
		p.asking.Add(-1)
	}()
	c, err := p.dial()
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(raw); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	x.Answer, x.Status, x.Answered = text, resp.StatusCode, time.Now()
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %s\r\nContent-Length: %d\r\n", resp.Status, len(text))
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := resp.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(text)
	return b.Bytes(), nil
}

// tally is how many requests met each fate, in words.
func (p *proxy) tally() string {
	var parts []string
	for f := passes; f < fates; f++ {
		parts = append(parts, fmt.Sprintf("%d %s", p.met[f].Load(), fateNames[f]))
	}
	return strings.Join(parts, ", ")
}
