package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"doorstep/server/play"
)

// attackArguments measure how long an honest phone waits while another device does harm.
type attackArguments struct {
	Seconds int `default:"10" help:"How long each attack lasts, and the calm before it."`
}

// Run runs the command.
func (g attackArguments) Run(a *arguments) error {
	ctx := context.Background()
	w := a.world()
	defer w.close()
	if err := w.open(ctx); err != nil {
		return err
	}
	return w.attacked(ctx, time.Duration(g.Seconds)*time.Second, os.Stdout)
}

// attacker is one device's harm: what each of its connections pushes, over and over.
type attacker struct {
	name        string
	connections int
	coding      string // of the bodies
	bodies      func(*play.Phone) func() []byte
}

// attackers are the attacks. notes makes a push of 200 new notes of a phone.
func attackers(notes func(*play.Phone) []byte) []attacker {
	same := func(body []byte) func(*play.Phone) func() []byte {
		return func(*play.Phone) func() []byte { return func() []byte { return body } }
	}
	bomb := packed(bytes.Repeat([]byte(" "), 1<<28))
	// It becomes just as much as a body may have, again and again.
	large := packed([]byte(`{"mutations":[` + strings.Repeat(`{"fields":{"a":[1,2,3]}},`, 190) + `{"x":"` +
		strings.Repeat("a", 1_000_000) + `"}]}`))
	deep := []byte(`{"mutations":[{"fields":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + `}]}`)
	answered := func(p *play.Phone) func() []byte {
		body := notes(p)
		return func() []byte { return body }
	}
	fresh := func(p *play.Phone) func() []byte { return func() []byte { return notes(p) } }
	return []attacker{
		{"decompression bombs (256 MiB in 260 kB)", 8, "gzip", same(bomb)},
		{"bodies of 1 MiB in 1 kB", 8, "gzip", same(large)},
		{"JSON 500,000 deep", 8, "", same(deep)},
		{"a loop of pushes of 200, all answered before", 8, "", answered},
		{"a loop of pushes of 200 new notes", 8, "", fresh},
		{"bodies that come slowly, a byte a second", 400, "", nil},
	}
}

func packed(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text) // a buffer takes all
	_ = z.Close()
	return b.Bytes()
}

// attacked measures the pushes of an honest phone in calm and under each attack, and prints the ratios.
func (w *world) attacked(ctx context.Context, d time.Duration, out io.Writer) error {
	w.moved()
	honest := w.day.Phones[0]
	for _, p := range w.day.Phones {
		p.Base, p.HTTP = w.base(), &http.Client{Timeout: 30 * time.Second}
		if _, err := p.Pull(ctx); err != nil {
			return err
		}
	}
	at := w.now()
	notes := func(bad *play.Phone) []byte {
		stops, err := bad.Assignments(w.day.Date)
		if err != nil || len(stops) == 0 {
			return nil
		}
		p := play.NewPhone("", bad.Agent, bad.Device, nil)
		for range 200 {
			p.Write("visit_notes", play.NewID(), "put", at, map[string]any{"case": stops[0].Case, "at": at,
				"kind": "general", "text": "A loop."})
		}
		text, _ := json.Marshal(map[string]any{"mutations": p.Queue}) // plain values
		return text
	}
	fmt.Fprintf(out, "%-46s %10s %10s %10s %10s %8s %8s\n", "an honest phone's push of 5 notes, in ms", "calm", "p99",
		"attacked", "p99", "ratio", "of p99")
	for i, x := range attackers(notes) {
		bad := w.day.Phones[2+i%(len(w.day.Phones)-2)] // each its own: what one has used up is gone
		calm, err := w.measure(ctx, honest, d)
		if err != nil {
			return err
		}
		attacking, stop := context.WithCancel(ctx)
		done := w.unleash(attacking, x, bad)
		under, err := w.measure(ctx, honest, d)
		stop()
		statuses := done()
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		cm, cp, um, up := share(calm, .5), share(calm, .99), share(under, .5), share(under, .99)
		fmt.Fprintf(out, "%-46s %10.1f %10.1f %10.1f %10.1f %8.2f %8.2f  %v\n", x.name, ms(cm), ms(cp), ms(um), ms(up),
			float64(um)/float64(cm), float64(up)/float64(cp), statuses)
	}
	return nil
}

// measure pushes five notes every 20 ms for a time and returns how long each push took.
func (w *world) measure(ctx context.Context, p *play.Phone, d time.Duration) ([]time.Duration, error) {
	stops, err := p.Assignments(w.day.Date)
	if err != nil || len(stops) == 0 {
		return nil, errors.Join(errors.New("the phone has no stop"), err)
	}
	var took []time.Duration
	for end := time.Now().Add(d); time.Now().Before(end); {
		for range 5 {
			now := w.now()
			p.Write("visit_notes", play.NewID(), "put", now, map[string]any{"case": stops[0].Case, "at": now,
				"kind": "general", "text": "The bell works."})
		}
		begun := time.Now()
		if err := p.Push(ctx, nil); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun))
		pause(ctx, 20*time.Millisecond)
	}
	return took, nil
}

// unleash lets a device attack until ctx ends. The returned function waits for its connections to end,
// and counts the answers by status; those without an answer count as status 0.
func (w *world) unleash(ctx context.Context, x attacker, bad *play.Phone) (wait func() map[int]int) {
	token, _ := bad.Token(ctx) // an expired one is an attack too
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[int]int{}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: x.connections}, Timeout: 30 * time.Second}
	push := func(body []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base()+"/sync/v1/push", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Device-Id", bad.Device)
		req.Header.Set("Content-Type", "application/json")
		if x.coding != "" {
			req.Header.Set("Content-Encoding", x.coding)
		}
		status := 0
		if resp, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			status = resp.StatusCode
		}
		if ctx.Err() == nil {
			mu.Lock()
			statuses[status]++
			mu.Unlock()
		}
		return nil
	}
	next := func() []byte { return nil }
	if x.bodies != nil {
		next = x.bodies(bad)
	}
	for range x.connections {
		all.Go(func() {
			if x.bodies == nil {
				slowly(ctx, strings.TrimPrefix(w.base(), "http://"), token, bad.Device)
				return
			}
			for ctx.Err() == nil && push(next()) == nil {
				pause(ctx, 10*time.Millisecond) // what a network takes at least
			}
		})
	}
	return func() map[int]int {
		all.Wait()
		return statuses
	}
}

// slowly sends a body of a megabyte, a byte a second.
func slowly(ctx context.Context, at, token, device string) {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	fmt.Fprintf(c, "POST /sync/v1/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Device-Id: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", token, device)
	for ctx.Err() == nil {
		if _, err := c.Write([]byte(" ")); err != nil {
			return
		}
		pause(ctx, time.Second)
	}
}

// share is the value below which a share of some lies.
func share(list []time.Duration, part float64) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[min(len(list)-1, int(part*float64(len(list))))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
