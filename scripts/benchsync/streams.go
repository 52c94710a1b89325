package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"
)

// idleStreams opens streams, and times how long a write takes to reach them all.
func (p *product) idleStreams(ctx context.Context) error {
	if p.Streams == 0 {
		return nil
	}
	ss, err := p.senders(ctx)
	if err != nil {
		return err
	}
	// Streams of the colleague of the first sender, who hears of its notes.
	token, err := p.day.Phones[1].Token(ctx)
	if err != nil {
		return err
	}
	address := strings.TrimPrefix(p.day.Base, "http://")
	ask := fmt.Sprintf("GET /sync/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nX-Device-Id: %s\r\n\r\n",
		address, token, p.day.Phones[1].Device)
	runtime.GC()
	before := p.memory()
	poked := make(chan error, p.Streams)
	conns := make([]net.Conn, 0, p.Streams)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range p.Streams {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, ask); err != nil {
			return err
		}
		if err := untilPoke(c); err != nil {
			return err
		}
		if len(conns)%900 == 0 {
			time.Sleep(18 * time.Second) // as often as one device may ask
		}
	}
	time.Sleep(1500 * time.Millisecond) // a stream pokes at most once a second
	p.add("idle stream", "kB", float64(p.memory()-before)/float64(p.Streams))
	for _, c := range conns {
		go func() { poked <- untilPoke(c) }()
	}
	time.Sleep(200 * time.Millisecond)
	ss[0].cases = ss[0].cases[:1]
	b, err := ss[0].batches(batchSize, "visit_notes", note)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := ss[0].ask(ctx, oneConnection(), p.day.Base, http.MethodPost, "/sync/v1/push", b[0]); err != nil {
		return err
	}
	pushed := time.Since(began)
	for range conns {
		if err := <-poked; err != nil {
			return err
		}
	}
	p.add("a write reaches all streams", "ms", float64(time.Since(began).Microseconds())/1000)
	p.add("a write is answered", "ms", float64(pushed.Microseconds())/1000)
	return nil
}

// untilPoke reads a stream until a poke has come.
func untilPoke(c net.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	var got []byte
	buf := make([]byte, 512)
	for {
		n, err := c.Read(buf)
		if got = append(got, buf[:n]...); bytes.Contains(got, []byte("event: poke")) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a stream ends: %w: %.300s", err, got)
		}
	}
}
