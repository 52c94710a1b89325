package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// writePair writes a certificate for 127.0.0.1 with a serial number, and its key.
func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	ok(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	ok(t, err)
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: private}} {
		ok(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
		// Times of files may be coarse, and a test is fast.
		at := time.Now().Add(time.Duration(serial) * time.Second)
		ok(t, os.Chtimes(path, at, at))
	}
}

// TestACertificateIsReadAgain: a renewal needs no restart, and a broken one keeps the old certificate in use.
func TestACertificateIsReadAgain(t *testing.T) {
	log := &buffer{}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	s := run(t, Config{Data: t.TempDir(), TLSCert: cert, TLSKey: key, Log: slog.New(slog.NewTextHandler(log, nil))})
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("the URL is %s", s.URL())
	}
	serial := func() int64 {
		t.Helper()
		h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		r, err := h.Get(s.URL() + "/livez")
		ok(t, err)
		ok(t, r.Body.Close())
		if r.StatusCode != 200 || r.ProtoMajor != 1 || r.TLS == nil {
			t.Errorf("the answer is %s over %s", r.Status, r.Proto)
		}
		return r.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d is in use, want 1", n)
	}
	writePair(t, cert, key, 2)
	if n := serial(); n != 2 {
		t.Errorf("after the renewal certificate %d is in use, want 2", n)
	}
	ok(t, os.WriteFile(cert, []byte("half a certif"), 0o600))
	for range 2 {
		if n := serial(); n != 2 {
			t.Errorf("after a broken renewal certificate %d is in use, want 2", n)
		}
	}
	if n := strings.Count(log.String(), "the new TLS certificate cannot be read"); n != 1 {
		t.Errorf("the broken renewal is reported %d times", n)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", s.Addr(), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestWhatCannotBeListenedWithEndsTheStart(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	for what, cfg := range map[string]Config{
		"together":              {TLSCert: cert},
		"go together":           {TLSKey: key},
		"no such file":          {TLSCert: filepath.Join(dir, "none"), TLSKey: key},
		"private key":           {TLSCert: cert, TLSKey: cert},
		"no address":            {TrustedProxies: []string{"10.0.0.1", "the proxy"}},
		"listen for metrics":    {MetricsListen: "127.0.0.1:none"},
		"listen: listen tcp:":   {Listen: "127.0.0.1:none"},
		"write 10.0.0.7 or 10.": {TrustedProxies: []string{"10.0.0.0/64"}},
	} {
		cfg.Data, cfg.AdminPassword = t.TempDir(), adminPassword
		if cfg.Listen == "" {
			cfg.Listen = "127.0.0.1:0"
		}
		s, err := Open(context.Background(), cfg)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("the start ends with %v, want a message that says %q", err, what)
		}
	}
}

func TestListeningBeyondTheLoopbackWithoutTLSWarns(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	for _, c := range []struct {
		Config
		warns bool
	}{{Config{Listen: "127.0.0.1:0"}, false}, {Config{Listen: "0.0.0.0:0"}, true}, {Config{Listen: ":0"}, true},
		{Config{Listen: "0.0.0.0:0", TLSCert: cert, TLSKey: key}, false}} {
		log := &buffer{}
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		l, err := c.listen()
		ok(t, err)
		ok(t, l.Close())
		if warned := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), "without TLS"); warned !=
			c.warns {
			t.Errorf("%s with certificate %q: warned %v", c.Listen, c.TLSCert, warned)
		}
	}
}

func TestAnAddressHasSoManyConnections(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	var exempt atomic.Bool
	l := &guarded{Listener: tcp, most: 2, stall: time.Minute, open: map[string]int{},
		exempt: func(netip.Addr) bool { return exempt.Load() }}
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", tcp.Addr().String())
		ok(t, err)
		ok(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		return c
	}
	// closed tells that the listener has closed a connection.
	closed := func(c net.Conn) bool {
		_, err := c.Read(make([]byte, 1))
		return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	dial()
	dial()
	first, second := <-accepted, <-accepted
	if !closed(dial()) {
		t.Fatal("a third connection stays open")
	}
	ok(t, first.Close())
	_ = first.Close() // again does not count twice
	dial()
	third := <-accepted
	if !closed(dial()) {
		t.Fatal("after one has closed, two more are let in")
	}
	for _, c := range []net.Conn{second, third} {
		ok(t, c.Close())
	}
	l.mu.Lock()
	if len(l.open) != 0 {
		t.Errorf("%v are counted, though all have closed", l.open)
	}
	l.mu.Unlock()
	exempt.Store(true)
	for range 3 {
		dial()
		ok(t, (<-accepted).Close())
	}
}

// TestAClientThatDoesNotReadIsCutOff: an answer of any length may take its time, as long as some of it leaves.
func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	text := make([]byte, 4*writePiece)
	client, server := net.Pipe() // it holds nothing: what is not read does not leave
	c := &steadyConn{Conn: server, stall: time.Second, leave: func() {}}
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(text)
		wrote <- err
	}()
	if _, err := io.ReadFull(client, make([]byte, writePiece)); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a write that nobody reads ends with %v", err)
	}
	// Each piece has its own time: the whole may take far longer than one.
	client, server = net.Pipe()
	c = &steadyConn{Conn: &deadlines{Conn: server}, stall: time.Minute, leave: func() {}}
	go func() {
		_, err := c.Write(text)
		wrote <- err
	}()
	got, err := io.ReadAll(io.LimitReader(client, int64(len(text))))
	if err != nil || len(got) != len(text) {
		t.Errorf("%d bytes arrive, %v", len(got), err)
	}
	ok(t, <-wrote)
	if n := c.Conn.(*deadlines).n; n != 4 {
		t.Errorf("four pieces had %d deadlines", n)
	}
}

// deadlines counts the deadlines of writes.
type deadlines struct {
	net.Conn
	n int
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.n++
	return d.Conn.SetWriteDeadline(at)
}

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	s := run(t, Config{Data: t.TempDir(), MetricsListen: "127.0.0.1:0"})
	get := func(url string) (int, string) {
		t.Helper()
		r, err := http.Get(url)
		ok(t, err)
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		ok(t, err)
		return r.StatusCode, string(text)
	}
	if status, text := get(s.URL() + "/metrics"); status != 404 || strings.Contains(text, "doorstep_http") {
		t.Errorf("at the API's address: %d %.100s", status, text)
	}
	if status, text := get("http://" + s.MetricsAddr() + "/metrics"); status != 200 ||
		!strings.Contains(text, "doorstep_http_requests_total") {
		t.Errorf("at their own: %d %.100s", status, text)
	}
	s.stop()
	if _, err := http.Get("http://" + s.MetricsAddr() + "/metrics"); err == nil {
		t.Error("metrics are served after the end")
	}
}
