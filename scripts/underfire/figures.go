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
	Days    int `default:"365" help:"How many days a second phone is offline; the first is for six."`
}

// Run runs the command.
func (g figuresArguments) Run(a *arguments) error {
	ctx := context.Background()
	w := a.world()
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

// offline has two phones write on the same day. One comes back within the week in which reports are taken as they are,
// the other much later. Nothing of either may be lost.
func (w *world) offline(ctx context.Context, out io.Writer, g figuresArguments) error {
	phones := []*play.Phone{w.day.Phones[0], w.day.Phones[2]}
	written := make([][]play.Mutation, len(phones))
	stops := make([][]play.Assignment, len(phones))
	for i, p := range phones {
		if _, err := p.Pull(ctx); err != nil {
			return err
		}
		var err error
		if stops[i], err = p.Assignments(w.day.Date); err != nil {
			return err
		}
		for _, s := range stops[i] {
			now := w.now()
			p.Write("visits", play.NewID(), "put", now, map[string]any{"case": s.Case, "assignment": s.ID, "at": now,
				"outcome": "NOT_MET_NOBODY", "place": "home"})
			for k := range 5 {
				p.Write("visit_notes", play.NewID(), "put", now, map[string]any{"case": s.Case, "at": now, "kind": "general",
					"text": fmt.Sprintf("Note %d of %s, made up.", k, s.ID)})
			}
		}
		written[i] = slices.Clone(p.Queue)
	}
	gone := 0
	for i, days := range []int{6, g.Days} {
		if err := w.later(ctx, days-gone); err != nil {
			return err
		}
		gone = days
		p := phones[i]
		p.Tally = map[string]int{}
		begun := time.Now()
		if err := p.Push(ctx, nil); err != nil {
			return err
		}
		if _, err := p.Pull(ctx); err != nil {
			return err
		}
		took := time.Since(begun)
		filed, waiting, err := w.whereIs(ctx, stops[i], written[i])
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-62s %d records written, %d in the case files, %d in quarantine; sent and pulled in %s\n",
			fmt.Sprintf("offline for %d days", days), len(written[i]), filed, waiting, took.Round(time.Millisecond))
		if filed+waiting != len(written[i]) {
			return fmt.Errorf("of %d records written offline %d are lost", len(written[i]), len(written[i])-filed-waiting)
		}
	}
	return nil
}

// later restarts the server some days later, and signs all in again.
func (w *world) later(ctx context.Context, days int) error {
	n := w.nodes[0]
	if err := n.stop(); err != nil {
		return err
	}
	w.clock = w.clock.AddDate(0, 0, days)
	if err := n.start(ctx); err != nil {
		return err
	}
	w.moved()
	return w.day.SignInAgain(ctx)
}

// whereIs counts which mutations are in the case files, and which in quarantine.
func (w *world) whereIs(ctx context.Context, stops []play.Assignment, of []play.Mutation) (filed, waiting int,
	err error) {
	kept, err := w.quarantine(ctx)
	if err != nil {
		return 0, 0, err
	}
	there := map[string]bool{}
	for _, s := range stops {
		var f map[string]any
		if err := w.day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+s.Case, nil, &f); err != nil {
			return 0, 0, err
		}
		for _, typ := range []string{"visits", "visit_notes"} {
			list, _ := f[typ].([]any)
			for _, x := range list {
				doc, _ := x.(map[string]any)
				id, _ := doc["id"].(string)
				there[typ+"/"+id] = true
			}
		}
	}
	for _, m := range of {
		switch {
		case there[m.Type+"/"+m.ID]:
			filed++
		case kept[m.Mid]:
			waiting++
		}
	}
	return filed, waiting, nil
}
