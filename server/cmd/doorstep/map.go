package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"doorstep/geo/basemap"
	"doorstep/geo/travel"
)

type mapCmd struct {
	Prepare mapPrepareCmd `cmd:"" help:"Make a map of an OpenStreetMap extract."`
	Info    mapInfoCmd    `cmd:"" help:"Say what a map is, and whether serve --map takes it."`
}

type mapPrepareCmd struct {
	Extract string `arg:"" help:"The extract, as .osm.pbf (for instance from download.geofabrik.de): the whole map of a city, not its roads alone."`
	Out     string `help:"File to write. Default: the extract's name with .mbtiles in its place."`
}

// warnSize is from how many bytes on a tile is slow to load on a phone.
const warnSize = 200_000

func (c *mapPrepareCmd) Run(ctx context.Context, out io.Writer) error {
	if c.Out == "" {
		c.Out = mapName(c.Extract)
	}
	if err := checkOut(c.Extract, c.Out, mapName(c.Extract)); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	start := time.Now()
	bar := newBar(os.Stderr)
	sum, err := basemap.Prepare(ctx, c.Extract, c.Out, func(p basemap.Progress) { bar.show(travel.Progress(p)) })
	bar.done()
	if err != nil {
		return err
	}
	for _, note := range sum.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	if sum.LargestBytes > warnSize {
		fmt.Fprintf(out, "note: tile %d/%d/%d has %d kB, which phones load slowly\n", sum.LargestZ, sum.LargestX,
			sum.LargestY, sum.LargestBytes/1000)
	}
	if sum.Shed > 0 {
		fmt.Fprintf(out, "note: %d tiles would have been too large, and lack house numbers or more\n", sum.Shed)
	}
	describeMap(out, sum.Info)
	fmt.Fprintf(out, "written to %s in %s; use it with: doorstep serve --map %s\n", c.Out,
		time.Since(start).Round(100*time.Millisecond), c.Out)
	return nil
}

type mapInfoCmd struct {
	File string `arg:"" help:"The map, as MBTiles."`
}

func (c *mapInfoCmd) Run(ctx context.Context, out io.Writer) error {
	m, err := basemap.Open(ctx, c.File)
	if err != nil {
		return err
	}
	describeMap(out, m.Info())
	return m.Close()
}

func describeMap(out io.Writer, info basemap.Info) {
	fmt.Fprintf(out, "%s: %d tiles of zooms %d to %d, %.1f MB\narea %g,%g to %g,%g (lon,lat)\nlayers %s\n%s\nhash %s\n",
		info.Name, info.Tiles, info.MinZoom, info.MaxZoom, float64(info.Bytes)/1e6, info.Bounds[0], info.Bounds[1],
		info.Bounds[2], info.Bounds[3], strings.Join(info.Layers, " "), info.Attribution, info.Hash)
}

// mapName returns the name of an extract with .mbtiles in its place.
func mapName(extract string) string {
	return strings.TrimSuffix(strings.TrimSuffix(extract, ".pbf"), ".osm") + ".mbtiles"
}
