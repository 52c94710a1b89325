package travel

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"doorstep/geo"
	"doorstep/geo/extract"
)

// Roads is a Source with a road graph per mode, made from an OpenStreetMap extract.
// It is exact on its map, needs no server, and can draw ways (see Guide). It does
// not know traffic by the hour.
type Roads struct {
	name    string   // of the extract
	hash    [32]byte // of the extract, SHA-256
	country string
	graphs  [4]*graph // as Modes(); nil if not prepared
}

// Progress is the progress of a preparation.
type Progress struct {
	// Step names the present step, such as "reading porto.osm.pbf" or "car".
	Step string
	// Done of All is how much of it; the steps of several modes interleave.
	Done, All int64
}

// LoadRoads opens a prepared file, or prepares an extract (.osm.pbf) for all
// modes in memory, which takes some seconds for a city and minutes for a
// country: see PrepareRoads.
func LoadRoads(ctx context.Context, path string, progress func(Progress)) (*Roads, error) {
	if strings.HasSuffix(path, ".pbf") {
		return PrepareRoads(ctx, path, Modes(), progress)
	}
	return OpenRoads(path)
}

// PrepareRoads makes the graphs of some modes from an extract. progress, which
// may be nil, is called by one goroutine at a time. The error is that of ctx,
// or a *refusal.Error: CodeExtract if the file cannot be read or holds no road.
func PrepareRoads(ctx context.Context, path string, modes []Mode, progress func(Progress)) (*Roads, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault(CodeExtract, err, "open the map extract")
	}
	defer f.Close()
	r := &Roads{name: filepath.Base(path)}
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return nil, fault(CodeExtract, err, "read %s", r.name)
	}
	if size == 0 {
		return nil, fault(CodeExtract, nil, "%s is empty: download it again", r.name)
	}
	hash.Sum(r.hash[:0])
	step := "reading " + r.name
	net, err := readNetwork(ctx, extract.File{Reader: f,
		Moved: func(bytes int64) { progress(Progress{step, bytes, size}) }})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		var why extract.Unreadable
		if errors.As(err, &why) {
			return nil, fault(CodeExtract, nil, "%s %s", r.name, why)
		}
		return nil, fault(CodeExtract, err, "read %s", r.name)
	}
	progress(Progress{step, size, size})
	if err := r.prepare(ctx, net, modes, progress); err != nil {
		return nil, err
	}
	return r, nil
}

// prepare makes the graphs side by side.
func (r *Roads) prepare(ctx context.Context, net *network, modes []Mode, progress func(Progress)) error {
	r.country = net.country
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	// Two at a time, so that the memory suffices.
	turns := make(chan struct{}, 2)
	for m, mode := range Modes() {
		if !slices.Contains(modes, mode) {
			continue
		}
		group.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			g, _, err := net.graph(ctx, m, func(done, all int) {
				mu.Lock()
				defer mu.Unlock()
				progress(Progress{string(mode), int64(done), int64(all)})
			})
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				failed = err
			}
			r.graphs[m] = g
		})
	}
	group.Wait()
	if failed != nil {
		return failed
	}
	for _, g := range r.graphs {
		if g != nil && len(g.cost) > 0 {
			return nil
		}
	}
	return fault(CodeExtract, nil, "%s holds no road for %v: is it an extract of the whole map, with ways?", r.name,
		modes)
}

// Name is the file name of the extract.
func (r *Roads) Name() string { return r.name }

// Country returns the country that the tags of the extract name most often (ISO 3166-1).
// Its default speed limits apply. It is empty if they name none.
func (r *Roads) Country() string { return r.country }

// Limits are the speed limits taken where the map has none, in words:
// Country's or, if it is not known, those of many countries.
func (r *Roads) Limits() string {
	l, ok := limitsOf[r.country]
	if !ok {
		l = anyCountry
	}
	return fmt.Sprintf("%g km/h in towns, %g outside and %g on motorways", l.urban, l.rural, l.motorway)
}

// Modes returns the prepared modes.
func (r *Roads) Modes() []Mode {
	var modes []Mode
	for m, mode := range Modes() {
		if r.graphs[m] != nil {
			modes = append(modes, mode)
		}
	}
	return modes
}

// Size returns the number of roads between crossings of a mode, and how many of them are
// islands: not connected to the rest of the map in one direction or both.
func (r *Roads) Size(mode Mode) (roads, islands int) {
	g, err := r.graph(mode)
	if err != nil {
		return 0, 0
	}
	for _, island := range g.island {
		if island {
			islands++
		}
	}
	return len(g.cost), islands
}

func (r *Roads) graph(mode Mode) (*graph, error) {
	if m := slices.Index(Modes(), mode); m >= 0 && r.graphs[m] != nil {
		return r.graphs[m], nil
	}
	return nil, fault(CodeMode, nil, "%s was not prepared for the mode %s: prepare it again with it", r.name, mode)
}

func (r *Roads) source() string { return "road:" + r.name }

// Matrix returns the times and distances by road.
func (r *Roads) Matrix(ctx context.Context, mode Mode, points []geo.Point) (Matrix, error) {
	t, err := r.Table(ctx, mode, points, points)
	if err != nil {
		return Matrix{}, err
	}
	return t.square(mode), nil
}

// Table returns the times and distances by road. It is computed on all cores.
func (r *Roads) Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	if err := checkPoints(mode, from, to); err != nil {
		return Table{}, err
	}
	g, err := r.graph(mode)
	if err != nil {
		return Table{}, err
	}
	starts, fromOff := g.places(from)
	goals, toOff := g.places(to)
	t := newTable(len(from), len(to), r.source())
	t.FromOff, t.ToOff = fromOff, toOff
	err = g.costs(ctx, starts, goals, func(i int, costs []weight) {
		row := i * len(to)
		for j, c := range costs {
			t.Durations[row+j], t.Distances[row+j] = c.rounded()
			if from[i] == to[j] {
				t.Durations[row+j], t.Distances[row+j] = 0, 0
			}
		}
	})
	if err != nil {
		return Table{}, err
	}
	return t, nil
}

// places snaps points, and lists those with no road near.
func (g *graph) places(points []geo.Point) (places []place, off []int) {
	places = make([]place, len(points))
	for i, p := range points {
		if places[i] = g.snapper.snap(p); places[i].off {
			off = append(off, i)
		}
	}
	return places, off
}

// rounded returns seconds and metres; Never for noWay.
func (w weight) rounded() (seconds, metres int32) {
	if w == noWay {
		return Never, Never
	}
	return int32(min((w.millis()+500)/1000, uint64(Never)-1)), int32(min((w.centimetres()+50)/100, uint64(Never)-1))
}
