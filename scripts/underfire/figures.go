package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"doorstep/server/play"
)

// figuresArguments measure what takes no faults.
type figuresArguments struct {
	Streams int `default:"2000" help:"How many idle streams are opened."`
	Moves   int `default:"30" help:"How many cases are given to another team."`
	Days    int `default:"365" help:"How many days a phone is offline."`
}

// Run runs the command.
func (g figuresArguments) Run(a *arguments) error {
	ctx := context.Background()
	w := &world{binary: a.Doorstep, root: a.Work, seed: 1, say: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}}
	defer w.close()
	if err := w.open(ctx); err != nil {
		return err
	}
	w.moved()
	for _, p := range w.day.Phones {
		p.Base, p.HTTP = w.base(), &http.Client{Timeout: 30 * time.Second}
		if _, err := p.Pull(ctx); err != nil {
			return err
		}
	}
	for _, measure := range []func(context.Context, io.Writer, figuresArguments) error{w.purges, w.streams,
		w.offline} {
		if err := measure(ctx, os.Stdout, g); err != nil {
			return err
		}
	}
	return nil
}

// purges measures from the answer to a reassignment until the other team's phone, which listens to its stream and then
// pulls, has dropped the case.
func (w *world) purges(ctx context.Context, out io.Writer, g figuresArguments) error {
	var took []time.Duration
	teams := w.day.Teams
	for i, p := range w.day.Phones {
		if i%2 == 1 {
			continue // the phone of the same team's other agent
		}
		pokes, stop, err := w.listen(ctx, p)
		if err != nil {
			return err
		}
		<-pokes // on connect
		stops, err := p.Assignments(w.day.Date)
		if err != nil {
			return err
		}
		next := teams[(i/2+1)%len(teams)]
		for _, s := range stops[:min(len(stops), 1+g.Moves/len(teams))] {
			err := w.day.Admin.Do(ctx, http.MethodPost, "/v1/cases/"+s.Case+"/reassign", map[string]any{"team": next.ID}, nil)
			if err != nil {
				if play.CodeOf(err) != "" {
					continue // the law or the shift forbids this one
				}
				return err
			}
			begun := time.Now()
			for p.Docs["cases"][s.Case] != nil {
				select {
				case <-pokes:
				case <-time.After(10 * time.Second):
					return fmt.Errorf("no poke within ten seconds of case %s leaving %s", s.Case, p.Agent)
				}
				if _, err := p.Pull(ctx); err != nil {
					return err
				}
			}
			took = append(took, time.Since(begun))
		}
		stop()
	}
	if len(took) == 0 {
		return errors.New("no case could be given to another team")
	}
	fmt.Fprintf(out, "%-62s median %s, longest %s, of %d\n", "from a reassignment's answer to its purge on the old phone",
		middle(took), longest(took), len(took))
	return nil
}

// dialStream opens a stream of a phone.
func (w *world) dialStream(ctx context.Context, p *play.Phone) (net.Conn, error) {
	token, err := p.Token(ctx)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(w.base(), "http://"))
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET /sync/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"X-Device-Id: %s\r\n\r\n",
		token, p.Device)
	return c, err
}

// listen opens a stream and tells of each poke.
func (w *world) listen(ctx context.Context, p *play.Phone) (pokes <-chan struct{}, stop func(), err error) {
	c, err := w.dialStream(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	heard := make(chan struct{}, 100)
	go func() {
		for lines := bufio.NewScanner(c); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "data:") {
				heard <- struct{}{}
			}
		}
	}()
	return heard, func() { _ = c.Close() }, nil
}

// streams measures what an idle stream costs in memory.
func (w *world) streams(ctx context.Context, out io.Writer, g figuresArguments) error {
	n := w.nodes[0]
	before := n.residentKB()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for i := range g.Streams {
		c, err := w.dialStream(ctx, w.day.Phones[i%len(w.day.Phones)])
		if err != nil {
			return err
		}
		open = append(open, c)
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return err
		}
		lines := bufio.NewScanner(c)
		if !lines.Scan() || !strings.Contains(lines.Text(), "200") {
			return fmt.Errorf("stream %d of %d: %s", i+1, g.Streams, lines.Text())
		}
	}
	after := n.residentKB()
	fmt.Fprintf(out, "%-62s %.1f kB, of %d (resident memory: %d MB before)\n", "memory of an idle stream",
		float64(after-before)/float64(g.Streams), g.Streams, before/1024)
	return nil
}

func (n *node) residentKB() (kb int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for _, l := range strings.Split(string(text), "\n") {
		if v, is := strings.CutPrefix(l, "VmRSS:"); is {
			_, _ = fmt.Sscan(v, &kb) // 0 where the system tells in another way
		}
	}
	return kb
}

// offline has a phone come back after many days with what it wrote on the first, and see that nothing of it is lost.
func (w *world) offline(ctx context.Context, out io.Writer, g figuresArguments) error {
	n, p := w.nodes[0], w.day.Phones[0]
	stops, err := p.Assignments(w.day.Date)
	if err != nil {
		return err
	}
	written := map[string]string{}
	for i, s := range stops {
		now := w.now()
		p.Write("visits", play.NewID(), "put", now, map[string]any{"case": s.Case, "assignment": s.ID, "at": now,
			"outcome": "NOT_MET_NOBODY", "place": "home"})
		for k := range 5 {
			p.Write("visit_notes", play.NewID(), "put", now, map[string]any{"case": s.Case, "at": now, "kind": "general",
				"text": fmt.Sprintf("Note %d-%d, made up.", i, k)})
		}
	}
	for _, m := range p.Queue {
		written[m.ID] = m.Type
	}
	if err := n.stop(); err != nil {
		return err
	}
	w.clock = w.clock.AddDate(0, 0, g.Days)
	if err := n.start(ctx); err != nil {
		return err
	}
	w.moved()
	if err := w.day.SignInAgain(ctx); err != nil {
		return err
	}
	p.Tally = map[string]int{}
	begun := time.Now()
	if err := p.Push(ctx, nil); err != nil {
		return err
	}
	if _, err := p.Pull(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	kept := 0
	for _, s := range stops {
		var f map[string]any
		if err := w.day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+s.Case, nil, &f); err != nil {
			return err
		}
		for _, typ := range []string{"visits", "visit_notes"} {
			list, _ := f[typ].([]any)
			kept += len(slices.DeleteFunc(list, func(x any) bool {
				doc, _ := x.(map[string]any)
				id, _ := doc["id"].(string)
				return written[id] != typ
			}))
		}
	}
	fmt.Fprintf(out, "%-62s %d days: %d records written, %d in the case files, answers %v, sent and pulled in %s\n",
		"offline", g.Days, len(written), kept, p.Tally, took.Round(time.Millisecond))
	return nil
}
