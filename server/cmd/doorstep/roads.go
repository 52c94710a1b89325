package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"doorstep/geo/travel"
)

type roadsCmd struct {
	Prepare roadsPrepareCmd `cmd:"" help:"Make road graphs of an OpenStreetMap extract."`
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
		c.Out = c.standardOut()
	}
	if err := checkOut(c.Extract, c.Out, c.standardOut()); err != nil {
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
	whose := "no country's speed limits are known for this map"
	if roads.Country() != "" {
		whose = "speed limits of " + roads.Country()
	}
	fmt.Fprintf(out, "%s: where it gives none, %s are assumed\nwritten to %s in %s; use it with: doorstep serve "+
		"--roads %s\n", whose, roads.Limits(), c.Out, time.Since(start).Round(100*time.Millisecond), c.Out)
	return nil
}

// checkOut returns an error, before minutes of work, if the file that is made of an extract must not or cannot be
// written. The file is replaced only when the new one is complete. usual is another name, for the error.
func checkOut(extract, out, usual string) error {
	dir, err := os.Stat(filepath.Dir(out))
	if err != nil {
		return err
	}
	if !dir.IsDir() {
		return fmt.Errorf("%s is not a folder", filepath.Dir(out))
	}
	there, err := os.Stat(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if from, err := os.Stat(extract); err == nil && os.SameFile(from, there) {
			return fmt.Errorf("%s is the extract itself, which would be lost: choose another file", out)
		}
		if !there.Mode().IsRegular() {
			return fmt.Errorf("%s exists and is not a file that can be replaced", out)
		}
	}
	if strings.HasSuffix(out, ".pbf") {
		return fmt.Errorf("%s has the name of an extract, and would be read as one: choose another, such as %s", out, usual)
	}
	return nil
}

// standardOut returns the name of the extract with .roads in its place.
func (c *roadsPrepareCmd) standardOut() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.Extract, ".pbf"), ".osm") + ".roads"
}

// bar shows the progress of several steps in one line of a terminal. It shows
// nothing if the output is not a terminal.
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
