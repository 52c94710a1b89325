package basemap

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"doorstep/geo/extract"
)

// Progress is the progress of a preparation.
type Progress struct {
	// Step names the present step, such as "reading porto.osm.pbf" or "drawing".
	Step string
	// Done of All is how much of it.
	Done, All int64
}

// Summary is what Prepare made.
type Summary struct {
	Info
	// LargestBytes is the size of the largest tile, which is LargestZ/LargestX/LargestY.
	LargestBytes                 int
	LargestZ, LargestX, LargestY int
	// Shed is how many tiles lack layers of detail, since they would have been too large.
	Shed int
	// Notes are sentences about what the map lacks, for the operator.
	Notes []string
}

// Prepare makes a map of an extract (.osm.pbf) and writes it to a file, whole or not at all: if it fails, a file that
// was there before is as it was. The same extract gives the same bytes. progress, which may be nil, is called by one
// goroutine at a time. The error is that of ctx, or a *refusal.Error: CodeExtract or CodeWrite.
func Prepare(ctx context.Context, path, out string, progress func(Progress)) (Summary, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	name := filepath.Base(path)
	s, err := readFile(ctx, path, progress)
	switch {
	case ctx.Err() != nil:
		return Summary{}, ctx.Err()
	case err != nil:
		var why extract.Unreadable
		if errors.As(err, &why) {
			return Summary{}, fault(CodeExtract, nil, "%s %s", name, why)
		}
		return Summary{}, fault(CodeExtract, err, "read %s", name)
	case len(s.features) == 0:
		return Summary{}, fault(CodeExtract, nil, "%s holds nothing to draw, neither streets nor buildings: is it an "+
			"extract of the whole map?", name)
	}
	sum := Summary{Notes: s.notes()}
	about := s.about(strings.TrimSuffix(strings.TrimSuffix(name, ".pbf"), ".osm"))
	err = writeFile(ctx, out, about, func(put func(tile) error) error {
		return s.each(ctx, progress, func(t tile) error {
			if len(t.data) > sum.LargestBytes {
				sum.LargestBytes, sum.LargestZ, sum.LargestX, sum.LargestY = len(t.data), t.z, t.x, t.y
			}
			if t.shed {
				sum.Shed++
			}
			return put(t)
		})
	})
	if err != nil {
		if ctx.Err() != nil {
			return Summary{}, ctx.Err()
		}
		return Summary{}, fault(CodeWrite, err, "write the map %s", filepath.Base(out))
	}
	m, err := Open(ctx, out)
	if err != nil {
		return Summary{}, err
	}
	sum.Info = m.Info()
	return sum, m.Close()
}

func readFile(ctx context.Context, path string, progress func(Progress)) (*scene, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if about.Size() == 0 {
		return nil, extract.Unreadable("is empty: download it again")
	}
	const passes = 3
	step, all, before, last := "reading "+filepath.Base(path), passes*about.Size(), int64(0), int64(0)
	s, err := readScene(ctx, extract.File{Reader: f, Moved: func(at int64) {
		if at < last { // the next pass
			before += about.Size()
		}
		last = at
		progress(Progress{step, before + at, all})
	}})
	if err == nil {
		progress(Progress{step, all, all})
	}
	return s, err
}

// each makes the tiles of all zooms and passes them on in order: by zoom, then from west to east, then from north to
// south. Columns are made side by side.
func (s *scene) each(ctx context.Context, progress func(Progress), put func(tile) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	columns := int64(0)
	for zoom := minZoom; zoom <= maxZoom; zoom++ {
		g := s.grid(zoom)
		columns += int64(g.toX - g.fromX + 1)
	}
	done := int64(0)
	for zoom := minZoom; zoom <= maxZoom; zoom++ {
		g := s.grid(zoom)
		all := s.drawAt(zoom)
		members := g.columns(all)
		err := inOrder(ctx, len(members), func(i int) ([]tile, error) {
			return g.column(g.fromX+i, all, members[i])
		}, func(tiles []tile) error {
			for _, t := range tiles {
				if err := put(t); err != nil {
					return err
				}
			}
			done++
			progress(Progress{"drawing", done, columns})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inOrder calls work for each of n numbers on all cores, and take with each result in their order. It holds no more
// results than there are cores, and has no goroutine running when it returns.
func inOrder[T any](ctx context.Context, n int, work func(int) (T, error), take func(T) error) error {
	type result struct {
		value T
		err   error
	}
	cores := runtime.GOMAXPROCS(0)
	pending := make(chan chan result, cores)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(pending)
		for i := range n {
			if ctx.Err() != nil {
				return
			}
			r := make(chan result, 1)
			pending <- r
			go func() {
				value, err := work(i)
				r <- result{value, err}
			}()
		}
	}()
	var failed error
	for r := range pending {
		got := <-r
		if failed != nil {
			continue
		}
		if failed = got.err; failed == nil {
			failed = ctx.Err()
		}
		if failed == nil {
			failed = take(got.value)
		}
		if failed != nil {
			stop()
		}
	}
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}
