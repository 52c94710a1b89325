package travel

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"doorstep/geo"
)

// Cached remembers the matrices of another source by coordinates, to 1e-7
// degrees. Asking again for the same points, in any order, costs nothing; a
// point added or moved costs its row and its column. Guesses that a source returns
// because its server did not answer are not remembered.
type Cached struct {
	source Source
	most   int

	mu     sync.Mutex
	sheets []*sheet // most recently used first
}

// DefaultCachePairs takes about 128 MB.
const DefaultCachePairs = 16_000_000

// sheet is a matrix that was returned before; it never changes.
type sheet struct {
	mode  Mode
	place map[geo.E7]int
	table Table
	off   []bool
}

func (s *sheet) pairs() int { return s.table.Rows * s.table.Columns }

// NewCached returns a cache around source that keeps at most pairs figures, of
// eight bytes each, and removes the least recently used first; 0 means DefaultCachePairs.
func NewCached(source Source, pairs int) *Cached {
	return &Cached{source: source, most: cmp.Or(pairs, DefaultCachePairs)}
}

// Matrix returns the matrix of the source. It asks the source only for pairs that are not
// remembered.
func (c *Cached) Matrix(ctx context.Context, mode Mode, points []geo.Point) (Matrix, error) {
	if err := checkPoints(mode, points); err != nil {
		return Matrix{}, err
	}
	// Several points may be at one place: ask for each place once.
	order := make([]int, len(points))
	place := make(map[geo.E7]int, len(points))
	var distinct []geo.Point
	for i, p := range points {
		k, ok := place[p.E7()]
		if !ok {
			k = len(distinct)
			place[p.E7()] = k
			distinct = append(distinct, p.E7().Point())
		}
		order[i] = k
	}
	had := c.closest(mode, place)
	if had != nil && had.common(place) == len(place) {
		for i, p := range points {
			order[i] = had.place[p.E7()]
		}
		return had.matrix(order), nil
	}
	s, err := c.fill(ctx, mode, distinct, had)
	if err != nil {
		return Matrix{}, err
	}
	s.place = place
	if !s.table.Guessed {
		c.keep(s, had)
	}
	return s.matrix(order), nil
}

// Table asks the source: tables are not remembered.
func (c *Cached) Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	return c.source.Table(ctx, mode, from, to)
}

// closest returns the sheet that has most of the places, nil if none has any.
func (c *Cached) closest(mode Mode, place map[geo.E7]int) *sheet {
	c.mu.Lock()
	defer c.mu.Unlock()
	best, most := -1, 0
	for i, s := range c.sheets {
		if s.mode != mode {
			continue
		}
		if common := s.common(place); common > most {
			best, most = i, common
		}
	}
	if best < 0 {
		return nil
	}
	s := c.sheets[best]
	c.sheets = slices.Insert(slices.Delete(c.sheets, best, best+1), 0, s)
	return s
}

func (s *sheet) common(place map[geo.E7]int) int {
	n := 0
	for at := range place {
		if _, ok := s.place[at]; ok {
			n++
		}
	}
	return n
}

// fill returns the sheet of points, of which had, unless nil, lacks some: rows
// and columns that had has are copied, the others asked for.
func (c *Cached) fill(ctx context.Context, mode Mode, points []geo.Point, had *sheet) (*sheet, error) {
	n := len(points)
	s := &sheet{mode: mode, off: make([]bool, n)}
	var fresh, old []int // indices in points
	where := make([]int, n)
	for i, p := range points {
		k, ok := -1, false
		if had != nil {
			k, ok = had.place[p.E7()]
		}
		if where[i] = k; ok {
			old = append(old, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	if 2*len(fresh) > n || had == nil {
		table, err := c.source.Table(ctx, mode, points, points)
		if err != nil {
			return nil, err
		}
		s.table = table
		s.mark(table.FromOff, nil)
		return s, nil
	}
	s.table = newTable(n, n, had.table.Source)
	s.table.Note = had.table.Note
	for _, i := range old {
		s.off[i] = had.off[where[i]]
		for _, j := range old {
			from := where[i]*had.table.Columns + where[j]
			s.table.Durations[i*n+j], s.table.Distances[i*n+j] = had.table.Durations[from], had.table.Distances[from]
		}
	}
	rows, err := c.source.Table(ctx, mode, pick(points, fresh), points)
	if err != nil {
		return nil, err
	}
	s.paste(rows, fresh, all(n))
	s.mark(rows.FromOff, fresh)
	columns, err := c.source.Table(ctx, mode, pick(points, old), pick(points, fresh))
	if err != nil {
		return nil, err
	}
	s.paste(columns, old, fresh)
	return s, nil
}

// paste puts the figures of t where its rows and columns stand in s.
func (s *sheet) paste(t Table, rows, columns []int) {
	n := s.table.Columns
	for a, i := range rows {
		for b, j := range columns {
			s.table.Durations[i*n+j], s.table.Distances[i*n+j] = t.Durations[a*t.Columns+b], t.Distances[a*t.Columns+b]
		}
	}
	if t.Guessed {
		s.table.Source, s.table.Note, s.table.Guessed = t.Source, t.Note, true
	}
}

// mark notes which points are off the road: index of the list, through places unless nil.
func (s *sheet) mark(off, places []int) {
	for _, i := range off {
		if places != nil {
			i = places[i]
		}
		s.off[i] = true
	}
}

// matrix returns the sheet's figures for points in the given order.
func (s *sheet) matrix(order []int) Matrix {
	n := len(order)
	t := newTable(n, n, s.table.Source)
	t.Note, t.Guessed = s.table.Note, s.table.Guessed
	for i, a := range order {
		if s.off[a] {
			t.FromOff = append(t.FromOff, i)
		}
		for j, b := range order {
			from := a*s.table.Columns + b
			t.Durations[i*n+j], t.Distances[i*n+j] = s.table.Durations[from], s.table.Distances[from]
		}
	}
	return t.square(s.mode)
}

// keep remembers s, in place of had if it has most of its points.
func (c *Cached) keep(s, had *sheet) {
	if s.pairs() > c.most {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sheets, had); i >= 0 && 2*had.common(s.place) > len(had.place) {
		c.sheets = slices.Delete(c.sheets, i, i+1)
	}
	c.sheets = slices.Insert(c.sheets, 0, s)
	sum := 0
	for i, kept := range c.sheets {
		if sum += kept.pairs(); sum > c.most {
			clear(c.sheets[i:])
			c.sheets = c.sheets[:i]
			break
		}
	}
}

func pick(points []geo.Point, indices []int) []geo.Point {
	picked := make([]geo.Point, len(indices))
	for i, k := range indices {
		picked[i] = points[k]
	}
	return picked
}

func all(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}
