package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"doorstep/auth"
)

// A client that does not read its answer must make some progress: each piece of so many bytes leaves in time, or the
// connection ends. An answer, a download or a stream may take as long as it likes that way.
const (
	writePiece = 16 << 10
	writeStall = 30 * time.Second
)

// guarded is a listener that limits the connections of an address, and whose connections do not wait for ever for a
// client to read.
type guarded struct {
	net.Listener
	most   int // connections of one address at a time; 0: no limit
	exempt func(netip.Addr) bool
	stall  time.Duration

	mu   sync.Mutex
	open map[string]int // by auth.AddressKey
}

// Accept returns the next connection of an address that has not too many. It closes the others at once.
func (l *guarded) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave, ok := l.enter(c.RemoteAddr()); ok {
			return &steadyConn{Conn: c, stall: l.stall, leave: sync.OnceFunc(leave)}, nil
		}
		_ = c.Close()
	}
}

// enter counts a connection, unless its address has too many.
func (l *guarded) enter(from net.Addr) (leave func(), ok bool) {
	at, err := netip.ParseAddrPort(from.String())
	if l.most == 0 || err != nil || l.exempt(at.Addr().Unmap()) {
		return func() {}, true
	}
	key := auth.AddressKey(at.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] >= l.most {
		return nil, false
	}
	l.open[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[key]--; l.open[key] == 0 {
			delete(l.open, key)
		}
	}, true
}

// steadyConn is a connection whose writes time out when nothing leaves.
type steadyConn struct {
	net.Conn
	stall time.Duration
	leave func()
}

// Write writes in pieces, each with a deadline of its own.
func (c *steadyConn) Write(p []byte) (n int, err error) {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(p[:min(len(p), writePiece)])
		n, p = n+m, p[m:]
		if err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// CloseWrite ends the sending side, so that net/http can let a client read the end of an answer.
func (c *steadyConn) CloseWrite() error {
	if half, is := c.Conn.(interface{ CloseWrite() error }); is {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close closes the connection, which no longer counts.
func (c *steadyConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// listen opens the listener of the API: guarded, and with TLS if the configuration names a certificate.
func (c *Config) listen() (net.Listener, error) {
	tcp, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &guarded{Listener: tcp, most: c.ConnectionsPerAddress, stall: writeStall, open: map[string]int{},
		exempt: func(a netip.Addr) bool { return a.IsLoopback() || contains(c.trusted, a) }}
	if c.TLSCert == "" {
		if at, is := tcp.Addr().(*net.TCPAddr); is && !at.IP.IsLoopback() {
			c.Log.Warn("answers leave this machine without TLS: give --tls-cert and --tls-key, or listen at the loopback "+
				"behind a proxy with TLS", "address", at.String())
		}
		return l, nil
	}
	pair := &certificate{cert: c.TLSCert, key: c.TLSKey, log: c.Log}
	if _, err := pair.get(nil); err != nil {
		return nil, errors.Join(fmt.Errorf("read the TLS certificate: %w", err), tcp.Close())
	}
	// HTTP/1.1 only: behind the write deadlines of a connection, a stalled stream of HTTP/2 would go unnoticed.
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: pair.get}), nil
}

// certificate is a pair of files that is read again when a renewal has replaced it.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu   sync.Mutex
	at   [2]time.Time // when the files that were read had been written
	pair *tls.Certificate
}

// get returns the present pair. A new pair that cannot be read is reported, and the old one kept.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var at [2]time.Time
	var err error
	for i, path := range []string{c.cert, c.key} {
		var info fs.FileInfo
		if info, err = os.Stat(path); err != nil {
			break
		}
		at[i] = info.ModTime()
	}
	if err == nil && c.pair != nil && at == c.at {
		return c.pair, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	switch {
	case err == nil:
		c.pair, c.at = &pair, at
	case c.pair == nil:
		return nil, err
	case at != c.at:
		c.at = at // report it once
		c.log.Error("the new TLS certificate cannot be read; the old one stays in use", "err", err)
	}
	return c.pair, nil
}

// addresses reads addresses and networks such as 10.0.0.7 and 10.0.0.0/8.
func addresses(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, fmt.Errorf("%q is no address and no network; write 10.0.0.7 or 10.0.0.0/8", t)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
