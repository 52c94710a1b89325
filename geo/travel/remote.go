package travel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"doorstep/geo"
)

// Remote is a Source that asks a routing server, OSRM or Valhalla, over HTTP. It
// asks for a table in tiles that the default limits of the servers allow. It asks
// for a tile again if the server fails for a moment, but not after a timeout. If one
// tile stays unanswered, CrowFly computes the whole table, and the table says so:
// figures of two kinds in one table would favour the guesses.
type Remote struct {
	server server
	source string // "osrm:<host>"
	client *http.Client
	pause  time.Duration // before the second attempt; doubled before each further one
}

// server speaks the protocol of one kind of routing server. Each call is one request;
// errNoRoad means that some point has no road near.
type server interface {
	serves(mode Mode) bool
	table(ctx context.Context, ask asker, mode Mode, from, to []geo.Point) (tile, error)
	legs(ctx context.Context, ask asker, mode Mode, points []geo.Point) ([]remoteLeg, error)
	// mostPoints is the largest number of points in one request for a way.
	mostPoints() int
}

// tile is a part of a table, row by row; an entry is nil if there is no way.
type tile struct {
	seconds, metres [][]*float64
}

type remoteLeg struct {
	seconds, metres float64
	line            []geo.Point
}

// asker sends a request (with a body: POST) and decodes the answer into reply,
// whatever its status; the status is returned.
type asker func(ctx context.Context, address string, body, reply any) (status int, err error)

var errNoRoad = errors.New("no road near a point")

const (
	tileSide     = 50 // 100 points in all for OSRM, 2,500 pairs for Valhalla
	tilesAtOnce  = 4
	attempts     = 3
	askTimeout   = 10 * time.Second
	tableTimeout = 2 * time.Minute
	mostReply    = 64 << 20
)

func newRemote(kind string, s server, base *url.URL) *Remote {
	return &Remote{server: s, source: kind + ":" + base.Host, client: &http.Client{Timeout: askTimeout},
		pause: 200 * time.Millisecond}
}

// serverURL reads the address of a routing server.
func serverURL(kind, text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		return nil, fault(CodeService, nil, "the address of the %s server must look like http://host:port", kind)
	}
	return u, nil
}

// Matrix asks the server.
func (r *Remote) Matrix(ctx context.Context, mode Mode, points []geo.Point) (Matrix, error) {
	t, err := r.Table(ctx, mode, points, points)
	if err != nil {
		return Matrix{}, err
	}
	return t.square(mode), nil
}

// Table asks the server.
func (r *Remote) Table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	if err := checkPoints(mode, from, to); err != nil {
		return Table{}, err
	}
	err := r.notServed(mode)
	if err == nil {
		var t Table
		within, stop := context.WithTimeout(ctx, tableTimeout)
		defer stop()
		if t, err = r.table(within, mode, from, to); err == nil {
			return t, nil
		}
		if within.Err() != nil {
			err = fmt.Errorf("not done within %s", tableTimeout)
		}
	}
	if ctx.Err() != nil {
		return Table{}, ctx.Err()
	}
	t, guessErr := CrowFly{}.Table(ctx, mode, from, to)
	t.Source, t.Note, t.Guessed = r.standIn(err)
	return t, guessErr
}

// Way asks the server.
func (r *Remote) Way(ctx context.Context, mode Mode, points []geo.Point) (Way, error) {
	if err := checkPoints(mode, points); err != nil {
		return Way{}, err
	}
	err := r.notServed(mode)
	if err == nil {
		var w Way
		if w, err = r.way(ctx, mode, points); err == nil {
			return w, nil
		}
	}
	if ctx.Err() != nil {
		return Way{}, ctx.Err()
	}
	w, guessErr := CrowFly{}.Way(ctx, mode, points)
	w.Source, w.Note, w.Guessed = r.standIn(err)
	return w, guessErr
}

func (r *Remote) notServed(mode Mode) error {
	if !r.server.serves(mode) {
		return fmt.Errorf("no server is configured for the mode %s: run one for each mode, and write %s in its "+
			"address where the mode stands, such as http://host/%[2]s", mode, modeInURL)
	}
	return nil
}

// standIn returns the source and note of a CrowFly answer instead of the server, for the
// reason err.
func (r *Remote) standIn(err error) (source, note string, guessed bool) {
	return r.source + "+" + crowFlySource, crowFlyNote + ": " + r.source + " gave no figures (" + err.Error() + ")",
		true
}

func (r *Remote) table(ctx context.Context, mode Mode, from, to []geo.Point) (Table, error) {
	t := newTable(len(from), len(to), r.source)
	q := &tiling{r: r, mode: mode, from: from, to: to, t: &t, off: map[geo.Point]bool{}}
	if err := q.run(ctx); err != nil {
		return Table{}, err
	}
	for i, p := range from {
		if q.off[p] {
			t.FromOff = append(t.FromOff, i)
		}
		for j := range to {
			if p == to[j] {
				t.Durations[i*len(to)+j], t.Distances[i*len(to)+j] = 0, 0
			}
		}
	}
	for j, p := range to {
		if q.off[p] {
			t.ToOff = append(t.ToOff, j)
		}
	}
	return t, nil
}

func (r *Remote) way(ctx context.Context, mode Mode, points []geo.Point) (Way, error) {
	w := Way{Source: r.source}
	if len(points) > 0 {
		w.Line = append(w.Line, points[0])
	}
	for start := 0; start+1 < len(points); start += r.server.mostPoints() - 1 {
		part := points[start:min(start+r.server.mostPoints(), len(points))]
		var legs []remoteLeg
		err := r.retry(ctx, func() (err error) {
			legs, err = r.server.legs(ctx, r.ask, mode, part)
			return err
		})
		switch {
		case err != nil:
			return Way{}, err
		case len(legs) != len(part)-1:
			return Way{}, fmt.Errorf("%d legs between %d points", len(legs), len(part))
		}
		for i, l := range legs {
			seconds, err1 := figure(&l.seconds)
			metres, err2 := figure(&l.metres)
			if err := errors.Join(err1, err2); err != nil {
				return Way{}, err
			}
			for _, p := range l.line {
				w.Line = w.append(p)
			}
			w.Line = w.append(part[i+1])
			w.Legs = append(w.Legs, Leg{seconds, metres, len(w.Line) - 1})
		}
	}
	return w, nil
}

// away is the error of a request that may succeed at the next attempt.
type away struct{ error }

// retry calls do until it succeeds, fails with another error than away, or has failed
// attempts times.
func (r *Remote) retry(ctx context.Context, do func() error) error {
	pause := r.pause
	for n := 1; ; n++ {
		err := do()
		var again away
		if err == nil || n == attempts || !errors.As(err, &again) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (r *Remote) ask(ctx context.Context, address string, body, reply any) (int, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		method, content = http.MethodPost, bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return 0, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := r.client.Do(request)
	if err != nil {
		// The address contains where people live, so it must not be in the error.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return 0, r.noAnswer(ctx, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostReply))
	switch {
	case err != nil:
		return 0, r.noAnswer(ctx, err)
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return 0, away{errors.New(answer.Status)}
	}
	if err := json.Unmarshal(data, reply); err != nil {
		return 0, fmt.Errorf("%s, and no JSON as expected", answer.Status)
	}
	return answer.StatusCode, nil
}

// noAnswer returns why a request has no answer. After a timeout the server is not asked
// again, because the caller is waiting for the table.
func (r *Remote) noAnswer(ctx context.Context, err error) error {
	var late interface{ Timeout() bool }
	if ctx.Err() == nil && errors.As(err, &late) && late.Timeout() {
		return fmt.Errorf("no answer within %s", r.client.Timeout)
	}
	return away{err}
}

// figure rounds seconds or metres; nil is Never.
func figure(v *float64) (int32, error) {
	switch {
	case v == nil:
		return Never, nil
	case !(*v >= 0):
		return 0, fmt.Errorf("the figure %g", *v)
	}
	return int32(min(*v+0.5, float64(Never)-1)), nil
}

// tiling asks for a table tile by tile.
type tiling struct {
	r        *Remote
	mode     Mode
	from, to []geo.Point
	t        *Table

	mu        sync.Mutex
	off       map[geo.Point]bool // by known point, whether no road is near
	searching sync.Mutex         // serialises searchAll, because tiles share points
}

func (q *tiling) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	turns := make(chan struct{}, tilesAtOnce)
	for i := 0; i < len(q.from); i += tileSide {
		for j := 0; j < len(q.to); j += tileSide {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			group.Go(func() {
				defer func() { <-turns }()
				if err := q.tile(ctx, span(i, len(q.from)), span(j, len(q.to))); err != nil {
					stop(err)
				}
			})
		}
	}
	group.Wait()
	return context.Cause(ctx)
}

func span(start, end int) []int {
	indices := make([]int, min(tileSide, end-start))
	for i := range indices {
		indices[i] = start + i
	}
	return indices
}

// tile fills rows and columns of the table. If some point has no road near,
// the server refuses the whole tile. Then tile finds those points and asks without them.
func (q *tiling) tile(ctx context.Context, rows, columns []int) error {
	for _, i := range rows {
		for _, j := range columns {
			q.t.Durations[i*q.t.Columns+j], q.t.Distances[i*q.t.Columns+j] = Never, Never
		}
	}
	for searched := false; ; searched = true {
		rows, columns = q.near(q.from, rows), q.near(q.to, columns)
		if len(rows) == 0 || len(columns) == 0 {
			return nil
		}
		from, to := pick(q.from, rows), pick(q.to, columns)
		got, err := q.request(ctx, from, to)
		if errors.Is(err, errNoRoad) && !searched {
			if err := q.searchAll(ctx, append(from, to...)); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		return q.paste(got, rows, columns)
	}
}

func (q *tiling) near(points []geo.Point, indices []int) []int {
	q.mu.Lock()
	defer q.mu.Unlock()
	var near []int
	for _, i := range indices {
		if !q.off[points[i]] {
			near = append(near, i)
		}
	}
	return near
}

func (q *tiling) request(ctx context.Context, from, to []geo.Point) (got tile, err error) {
	err = q.r.retry(ctx, func() (err error) {
		got, err = q.r.server.table(ctx, q.r.ask, q.mode, from, to)
		return err
	})
	return got, err
}

// searchAll finds which of the points not yet known have no road near.
func (q *tiling) searchAll(ctx context.Context, points []geo.Point) error {
	q.searching.Lock()
	defer q.searching.Unlock()
	points = slices.DeleteFunc(points, func(p geo.Point) bool {
		_, known := q.off[p]
		return known
	})
	for part := range slices.Chunk(points, tileSide) {
		if err := q.search(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// search finds the points without a road by bisection.
func (q *tiling) search(ctx context.Context, points []geo.Point) error {
	_, err := q.request(ctx, points, points)
	none := errors.Is(err, errNoRoad)
	switch {
	case err != nil && !none:
		return err
	case err == nil || len(points) == 1:
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, p := range points {
			q.off[p] = none
		}
		return nil
	}
	half := len(points) / 2
	return errors.Join(q.search(ctx, points[:half]), q.search(ctx, points[half:]))
}

func (q *tiling) paste(got tile, rows, columns []int) error {
	for _, c := range [...]struct {
		name string
		rows [][]*float64
	}{{"durations", got.seconds}, {"distances", got.metres}} {
		if len(c.rows) == 0 {
			return fmt.Errorf("the answer has no %s: run a version of the server that gives durations and distances "+
				"in a table, such as OSRM 5.17 or later", c.name)
		}
		if len(c.rows) != len(rows) {
			return fmt.Errorf("the %s have %d rows instead of %d", c.name, len(c.rows), len(rows))
		}
		for _, row := range c.rows {
			if len(row) != len(columns) {
				return fmt.Errorf("a row of the %s has %d figures instead of %d", c.name, len(row), len(columns))
			}
		}
	}
	for a, i := range rows {
		for b, j := range columns {
			seconds, err1 := figure(got.seconds[a][b])
			metres, err2 := figure(got.metres[a][b])
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			switch {
			case seconds == Never:
				metres = Never
			case metres == Never:
				return errors.New("the answer has a duration without its distance")
			}
			q.t.Durations[i*q.t.Columns+j], q.t.Distances[i*q.t.Columns+j] = seconds, metres
		}
	}
	return nil
}
