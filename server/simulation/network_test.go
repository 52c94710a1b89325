package simulation

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"doorstep/auth"
)

// A request meets one of these fates.
const (
	fateWhole    = "whole"
	fateLost     = "lost"            // it never arrives
	fateUnheard  = "unheard"         // it arrives, and the answer does not
	fateCut      = "cut"             // half of the answer arrives
	fateTwice    = "twice"           // it arrives twice, one after the other
	fateAtOnce   = "twice at once"   // it arrives twice at once
	fateAgain    = "again later"     // a copy of it arrives some steps later
	fateOvertook = "overtaken"       // the phone gives it up, and it arrives some steps later
	fateSlow     = "answered slowly" // it arrives, time passes, and then the answer comes
)

var fates = []string{fateLost, fateUnheard, fateUnheard, fateCut, fateTwice, fateAtOnce, fateAgain, fateOvertook,
	fateSlow}

var errNetwork = errors.New("simulation: the network lost it")

// stray is a request that arrives late.
type stray struct {
	agent, device, method, path string
	header                      http.Header
	body                        []byte
}

// line is a phone's way to the nodes. The fates of its requests come from a source of its own.
type line struct {
	w             *world
	agent, device string
	mu            sync.Mutex
	r             *rand.Rand
	trouble       int           // of 100 requests, how many meet another fate than fateWhole
	skew          time.Duration // how far the phone's clock is off
}

func (l *line) draw(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.IntN(n)
}

// RoundTrip sends a request as its fate has it.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	s := stray{l.agent, l.device, r.Method, r.URL.RequestURI(), r.Header.Clone(), body}
	s.header.Set("X-Client-Time", l.w.now().Add(l.skew).Format(time.RFC3339))
	fate := fateWhole
	if l.draw(100) < l.trouble {
		fate = fates[l.draw(len(fates))]
	}
	l.w.count("requests: " + fate)
	at := l.draw(1 << 16)
	switch fate {
	case fateLost:
		return nil, errNetwork
	case fateOvertook:
		l.w.keepStray(s)
		return nil, errNetwork
	case fateAgain:
		l.w.keepStray(s)
	case fateTwice:
		_, _ = l.w.send(s, l.draw(1<<16))
	case fateAtOnce:
		var both sync.WaitGroup
		both.Go(func() {
			defer caught()
			_, _ = l.w.send(s, at+1)
		})
		defer both.Wait()
	}
	res, err := l.w.send(s, at)
	switch {
	case err != nil:
		return nil, err
	case fate == fateUnheard:
		return nil, errNetwork
	case fate == fateCut:
		text, _ := io.ReadAll(res.Body)
		res.Body = io.NopCloser(bytes.NewReader(text[:len(text)/2]))
	case fate == fateSlow:
		time.Sleep(time.Duration(1+at%40) * time.Second)
	}
	return res, nil
}

// send has a node answer a request, and takes in what it says. at picks the node.
func (w *world) send(s stray, at int) (*http.Response, error) {
	up := w.living()
	if len(up) == 0 {
		return nil, errNetwork
	}
	var from uint64
	b := branchOf[s.agent]
	if b != "" {
		var err error
		if from, err = w.eye().Watermark(noContext, b); err != nil {
			return nil, err
		}
	}
	blocked := w.blockedSince(s.device)
	n := up[at%len(up)]
	res, text, ok := n.answer(s.method, s.path, s.header, s.body)
	if !ok {
		return nil, errNetwork
	}
	w.heard(n, s, res, text, from, blocked)
	res.Body = io.NopCloser(bytes.NewReader(text))
	return res, nil
}

// heard takes in an answer of a node.
func (w *world) heard(n *node, s stray, res *http.Response, text []byte, from uint64, blocked bool) {
	path, query, _ := strings.Cut(s.path, "?")
	switch {
	case res.StatusCode == http.StatusInternalServerError && n.fails():
		w.count("answers 500 of a node whose store fails")
	case res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable:
		w.fail("no internal error", "node %d answers %s %s with %d %s", n.number, s.method, s.path, res.StatusCode, text)
	case res.StatusCode == http.StatusServiceUnavailable:
		w.count("answers 503")
	case blocked && res.StatusCode == http.StatusOK && strings.HasPrefix(path, "/sync/"):
		w.fail("nothing out of scope is delivered", "the device %s is blocked and %s answers 200", s.device, path)
	case s.agent == "": // the office takes in itself what it is told
	case res.StatusCode != http.StatusOK:
		w.count("phones were told " + strconv.Itoa(res.StatusCode))
	case path == "/sync/v1/push":
		w.answered(s.agent, s.device, s.body, text)
	case path == "/sync/v1/pull":
		q, err := url.ParseQuery(query)
		w.must(err)
		after, err := strconv.ParseUint(q.Get("after"), 10, 64)
		w.must(err)
		w.delivered(s.agent, after, from, text)
	}
}

// living are the nodes that are up.
func (w *world) living() []*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up []*node
	for _, n := range w.up {
		if !n.isDead() {
			up = append(up, n)
		}
	}
	return up
}

func (w *world) keepStray(s stray) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strays = append(w.strays, s)
}

func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally[what]++
}

// blockedSince tells whether every node must know by now that a device is blocked.
func (w *world) blockedSince(device string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, is := w.blocked[device]
	return is && (w.nodes == 1 || time.Since(at) > auth.RecheckEvery)
}
