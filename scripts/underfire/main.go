// Underfire runs the real program under fire: phones work through a network that loses, delays and doubles, servers
// are killed, backed up, restored and run out of disk, and phones go back to old copies of their state. What the
// servers say on the wire is recorded, and in the end compared with what they hold. scripts/torture starts it.
//
// The seed says which faults come in which order and what the phones write. Processes, sockets and disks run as they
// do, so that a seed that failed makes the same plan again, and not the same instants.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

type arguments struct {
	Doorstep string `required:"" help:"The binary."`
	Work     string `required:"" help:"A folder that is thrown away."`

	Fire    fireArguments    `cmd:"" default:"withargs" help:"Phones and servers under faults."`
	Attack  attackArguments  `cmd:"" help:"How long an honest phone waits while another device does harm."`
	Figures figuresArguments `cmd:"" help:"From a reassignment to its purge, the memory of a stream, and a long time offline."`
}

type fireArguments struct {
	Minutes    float64 `default:"1" help:"How long the faults last."`
	Seed       uint64  `help:"Which faults; drawn when absent."`
	MongodbURI string  `name:"mongodb-uri" help:"Two nodes on an empty MongoDB database, instead of one with the embedded store. Adds no restores and no full disk."`
}

// world is what the measuring commands play in. The caller closes it.
func (a *arguments) world() *world {
	return &world{binary: a.Doorstep, root: a.Work, seed: 1, say: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}}
}

func main() {
	var a arguments
	c := kong.Parse(&a, kong.Name("torture"))
	if err := c.Run(&a); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// Run runs the command.
func (f fireArguments) Run(a *arguments) error {
	seed := cmp.Or(f.Seed, uint64(time.Now().UnixNano()%1_000_000))
	w := &world{binary: a.Doorstep, root: a.Work, mongo: f.MongodbURI, seed: seed, say: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}}
	return w.all(context.Background(), time.Duration(f.Minutes*float64(time.Minute)), os.Stdout)
}

// all opens the world, lets the faults happen, checks, and prints the figures. It returns an error that names the
// seed if an invariant was broken.
func (w *world) all(ctx context.Context, d time.Duration, out io.Writer) error {
	defer w.close()
	err := w.open(ctx)
	if err == nil {
		err = w.fire(ctx, d)
	}
	if err == nil {
		err = w.check(ctx)
	}
	if err != nil {
		err = fmt.Errorf("seed %d: %w", w.seed, err)
	}
	if w.book != nil {
		w.report(out, d)
		err = errors.Join(err, w.complaints())
	}
	return err
}

// complaints look for what servers said of trouble, and list the faults; nil for none.
func (w *world) complaints() error {
	for _, n := range w.nodes {
		text, err := os.ReadFile(n.log)
		if err != nil {
			return err
		}
		for _, l := range strings.Split(string(text), "\n") {
			// A full disk is told, and those who asked are told to come back.
			known := strings.Contains(l, "disk is full") || strings.Contains(l, "status=503")
			if strings.Contains(l, "panic") || strings.Contains(l, "level=ERROR") && !known {
				w.book.fault("servers' logs", "%s: %s", filepath.Base(n.log), l)
			}
		}
	}
	if len(w.book.faults) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d broke what must hold:\n", w.seed)
	for _, invariant := range slices.Sorted(maps.Keys(w.book.faults)) {
		list := w.book.faults[invariant]
		fmt.Fprintf(&b, "  %s: %d\n", invariant, len(list))
		for _, text := range list[:min(len(list), 5)] {
			fmt.Fprintf(&b, "    %s\n", text)
		}
	}
	return fmt.Errorf("%s", b.String())
}

// report prints the figures.
func (w *world) report(out io.Writer, d time.Duration) {
	tried, acknowledged, refusals, excused, never := 0, 0, 0, 0, 0
	for _, s := range w.book.said {
		tried++
		switch {
		case s.excused:
			excused++
		case settled(s.status):
			acknowledged++
		case refused(s.status):
			refusals++
		default:
			never++
		}
	}
	c, o, broken := &w.counts, w.office, func(names ...string) (n int) {
		for _, name := range names {
			n += len(w.book.faults[name])
		}
		return n
	}
	line := func(name string, format string, args ...any) {
		fmt.Fprintf(out, "%-58s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("seed", "%d", w.seed)
	line("time under fire", "%s", d)
	line("phones", "%d", len(w.agents))
	line("mutations that reached a server", "%d", tried)
	line("  acknowledged", "%d", acknowledged)
	line("  refused, and kept in quarantine", "%d", refusals)
	line("  sent, and never answered: the phone went back", "%d", never)
	line("  lost with a restored server: no phone kept it (P8)", "%d", excused)
	line("answers to mutations, repetitions included", "%d", w.book.answers)
	line("records delivered", "%d", w.book.puts)
	line("requests", "%s", w.proxy.tally())
	line("requests without an answer, or told to wait", "%d", c.unanswered.Load()+c.tooOften.Load())
	line("supervisors' commands", "%d reassigned, %d holds, %d imports, %d refused", o.counts.reassigned, o.counts.held,
		o.counts.imported, o.counts.refused)
	line("servers killed", "%d, %d of them while they started", c.kills.Load()+c.killsAtStart.Load(),
		c.killsAtStart.Load())
	line("recovery: from a start after SIGKILL to answers", "median %s, longest %s", middle(c.recovery),
		longest(c.recovery))
	line("backups, restores", "%d, %d; the backups lacked %d mutations that were answered", c.backups.Load(),
		c.restores.Load(), c.behind.Load())
	disk := "not tried: it takes root to mount a small file system"
	if w.mongo != "" {
		disk = "not tried with MongoDB"
	} else if w.disk != "" {
		disk = fmt.Sprintf("%d times; from room to an acknowledged write: median %s, longest %s", c.diskFull.Load(),
			middle(c.afterDisk), longest(c.afterDisk))
	}
	line("disk full", "%s", disk)
	line("phones that went back to an old copy of their state", "%d", c.phonesRestored.Load())
	line("from calm to all phones and the server alike", "%s", c.converge.Round(time.Millisecond))
	line("acknowledged and lost", "%d", broken("lost", "quarantine"))
	line("doubled", "%d", broken("doubled", "another answer"))
	line("delivered out of scope, or left on a phone", "%d", broken("out of scope", "left on a phone"))
	line("changed, or sent by no phone", "%d", broken("changed", "ghosts"))
	line("phones that did not converge, queues that are stuck", "%d", broken("not converged", "queues stuck"))
	line("cursors or revisions that went back", "%d", broken("cursors went back", "revisions went back"))
	line("fsck and audit: complaints", "%d", broken("fsck", "audit"))
	for _, code := range slices.Sorted(maps.Keys(w.book.codes)) {
		line("  refusals: "+code, "%d", w.book.codes[code])
	}
}

func middle(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[len(list)/2].Round(time.Millisecond)
}

func longest(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return slices.Max(list).Round(time.Millisecond)
}
