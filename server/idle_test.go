package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestIdleStreamsHoldNoGoroutine opens streams, which cost a connection and no goroutine, closes some from outside, and
// stops the server, which ends the others in order.
func TestIdleStreamsHoldNoGoroutine(t *testing.T) {
	a := newAgency(t, Config{})
	token, err := a.agent("ana").Token(context.Background())
	ok(t, err)
	address := strings.TrimPrefix(a.URL(), "http://")
	before := runtime.NumGoroutine()
	const streams = 60
	var conns []net.Conn
	for range streams {
		c, err := net.Dial("tcp", address)
		ok(t, err)
		defer c.Close()
		ok(t, c.SetDeadline(time.Now().Add(2*time.Minute)))
		_, err = fmt.Fprintf(c, "GET /sync/v1/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nX-Device-Id: "+
			"phone-of-ana\r\n\r\n", address, token)
		ok(t, err)
		readUntil(t, c, "event: poke")
		conns = append(conns, c)
	}
	for began := time.Now(); runtime.NumGoroutine() >= before+streams/2; runtime.Gosched() {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d streams hold %d goroutines", streams, runtime.NumGoroutine()-before)
		}
	}
	ok(t, conns[0].Close())
	a.stop()
	for _, c := range conns[1:] {
		rest, err := io.ReadAll(c)
		if err != nil || !bytes.HasSuffix(rest, []byte("0\r\n\r\n")) {
			t.Fatalf("a stream ends with %q, %v", rest, err)
		}
	}
}

// readUntil reads a connection until a text has come.
func readUntil(t *testing.T, c net.Conn, text string) {
	t.Helper()
	var got []byte
	for buf := make([]byte, 1); !bytes.Contains(got, []byte(text)); {
		n, err := c.Read(buf)
		ok(t, err)
		got = append(got, buf[:n]...)
	}
}
