package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"doorstep/geo/travel"
)

type roadsCmd struct {
	Prepare roadsPrepareCmd `cmd:"" help:"Make road graphs from an OpenStreetMap extract, for serve --roads."`
}

type roadsPrepareCmd struct {
	Extract string        `arg:"" help:"The extract, as .osm.pbf (for instance from download.geofabrik.de)."`
	Out     string        `help:"File to write. Default: the extract's name with .roads in its place."`
	Mode    []travel.Mode `help:"Modes to prepare: foot, bicycle, scooter, car. Default: all."`
}

func (c *roadsPrepareCmd) Run(ctx context.Context, out io.Writer) error {
	if len(c.Mode) == 0 {
		c.Mode = travel.Modes()
	}
	for i, mode := range c.Mode {
		parsed, err := travel.ParseMode(string(mode))
		if err != nil {
			return fmt.Errorf("--mode: %w", err)
		}
		c.Mode[i] = parsed
	}
	if c.Out == "" {
		c.Out = strings.TrimSuffix(strings.TrimSuffix(c.Extract, ".pbf"), ".osm") + ".roads"
	}
	if _, err := os.Stat(filepath.Dir(c.Out)); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	start := time.Now()
	bar := newBar(os.Stderr)
	roads, err := travel.PrepareRoads(ctx, c.Extract, c.Mode, bar.show)
	bar.done()
	if err != nil {
		return err
	}
	if err := roads.Save(c.Out); err != nil {
		return err
	}
	for _, mode := range roads.Modes() {
		all, islands := roads.Size(mode)
		fmt.Fprintf(out, "%-8s %d roads between crossings, %d of them islands\n", mode, all, islands)
	}
	limits := "limits of no country in particular: no sign names one"
	if roads.Country() != "" {
		limits = "default speed limits of " + roads.Country()
	}
	fmt.Fprintf(out, "%s\nwritten to %s in %s; use it with: doorstep serve --roads %s\n", limits, c.Out, time.Since(start).Round(100*time.Millisecond), c.Out)
	return nil
}

// bar shows on a terminal how far several steps are, in one line; elsewhere nothing.
type bar struct {
	to    *os.File
	steps []string
	share map[string]int64 // hundredths
	drawn bool
}

func newBar(to *os.File) *bar {
	b := &bar{share: map[string]int64{}}
	if about, err := to.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
		b.to = to
	}
	return b
}

func (b *bar) show(p travel.Progress) {
	if b.to == nil || p.All == 0 {
		return
	}
	now := 100 * p.Done / p.All
	if was, ok := b.share[p.Step]; ok && was == now {
		return
	}
	if !slices.Contains(b.steps, p.Step) {
		b.steps = append(b.steps, p.Step)
	}
	b.share[p.Step], b.drawn = now, true
	var line strings.Builder
	for _, step := range b.steps {
		fmt.Fprintf(&line, "%s %3d %%   ", step, b.share[step])
	}
	fmt.Fprint(b.to, "\r"+line.String())
}

func (b *bar) done() {
	if b.drawn {
		fmt.Fprintln(b.to)
	}
}
