package offline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/strictjson"
	"doorstep/sync/journal"
)

// Limits of a pull.
const (
	DefaultPull  = 500
	MaxPull      = 2000
	MaxPullBytes = 1 << 20
	MaxWait      = 25 * time.Second
	// A page may be full by bytes long before it has as many changes as were asked for. So rows are read and shown a
	// part at a time: firstRows, then as many as the page will hold if they are like those before, at least fewRows
	// and at most rowsAtOnce.
	firstRows  = 50
	fewRows    = 10
	rowsAtOnce = 200
)

// rowsNext is how many rows to read next for a page that has n changes of size bytes in all, and may have limit.
func rowsNext(n, size, limit int) int {
	if n == 0 {
		return min(firstRows, limit)
	}
	fit := 1 + (MaxPullBytes-size)*n/size // one more, to see that the page is full
	return min(max(fit, fewRows), rowsAtOnce, limit-n)
}

// PullRequest asks for what changed after a cursor.
type PullRequest struct {
	Epoch string
	After uint64 // 0: from the beginning
	Limit int    // 0: DefaultPull
	Types []string
	Wait  time.Duration // how long to wait when nothing has changed; at most MaxWait
}

// PullAnswer is one page of a feed.
type PullAnswer struct {
	Epoch  string `json:"epoch"`
	Cursor uint64 `json:"cursor"`
	// More is false exactly when the page ends at the feed's tail: only such a page may be short.
	More       bool      `json:"more"`
	ServerTime time.Time `json:"server_time"`
	// UnknownTypes are the types asked for that this server does not know, as an app that is newer than the server
	// asks for them: they are skipped.
	UnknownTypes []string `json:"unknown_types,omitempty"`
	Changes      []Change `json:"changes"`
}

// Change is one record of a feed, as of read time.
type Change struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	ID   string          `json:"id"`
	Rev  uint64          `json:"rev"`
	Op   string          `json:"op"` // put, delete, revoke
	Doc  json.RawMessage `json:"doc,omitempty"`
}

// WriteTo writes the answer as encoding/json would encode it, a change at a time: a page of 1 MiB is not copied.
func (a PullAnswer) WriteTo(w io.Writer) (int64, error) {
	changes := a.Changes
	a.Changes = []Change{}
	head, err := json.Marshal(a)
	if err != nil {
		return 0, err
	}
	const end = "]}" // of the list of changes, which is the last member
	piece, sent := head[:len(head)-len(end)], int64(0)
	for i := range changes {
		c := &changes[i]
		if i > 0 {
			piece = append(piece, ',')
		}
		piece = c.appendHead(piece)
		if len(c.Doc) > 0 {
			n, err := w.Write(append(piece, `,"doc":`...))
			m, errDoc := w.Write(c.Doc)
			if sent += int64(n + m); err != nil || errDoc != nil {
				return sent, errors.Join(err, errDoc)
			}
			piece = piece[:0]
		}
		piece = append(piece, '}')
	}
	n, err := w.Write(append(piece, end...))
	return sent + int64(n), err
}

// Size is about how many bytes the answer has.
func (a PullAnswer) Size() int {
	size := 0
	for i := range a.Changes {
		size += a.Changes[i].size()
	}
	return size
}

// size is about how many bytes the change has in an answer.
func (c *Change) size() int { return len(c.Doc) + len(c.Type) + len(c.ID) + 64 }

// appendHead writes the change without its document and the closing brace.
func (c *Change) appendHead(b []byte) []byte {
	b = strconv.AppendUint(append(b, `{"seq":`...), c.Seq, 10)
	b = strictjson.AppendString(append(b, `,"type":`...), c.Type)
	b = strictjson.AppendString(append(b, `,"id":`...), c.ID)
	b = strconv.AppendUint(append(b, `,"rev":`...), c.Rev, 10)
	return strictjson.AppendString(append(b, `,"op":`...), c.Op)
}

// feeds are what a device reads: its agent's and its branch's.
func feeds(c Caller) []journal.Feed {
	return []journal.Feed{journal.AgentFeed(c.Actor.User), journal.BranchFeed}
}

// Pull answers one page of the caller's feed. Errors: *refusal.Error (refusal.Malformed, refusal.Gone,
// refusal.Unavailable), or the store's.
func (s *Service) Pull(ctx context.Context, c Caller, q PullRequest) (PullAnswer, error) {
	if q.Limit == 0 {
		q.Limit = DefaultPull
	}
	if q.Limit < 1 || q.Limit > MaxPull {
		return PullAnswer{}, malformed("limit", "limit is from 1 to 2000")
	}
	if q.Wait < 0 || q.Wait > MaxWait {
		return PullAnswer{}, malformed("wait", "wait is from 0 to 25 seconds")
	}
	unknown, err := s.knownTypes(&q)
	if err != nil {
		return PullAnswer{}, err
	}
	a, err := s.pull(ctx, c, q)
	a.UnknownTypes = unknown
	return a, err
}

// maxTypes is how many types a pull may name.
const maxTypes = 64

// noType is a type of no record: a pull of unknown types only is answered with no change, and its cursor advances.
const noType = ""

// knownTypes takes the types out of a request that the server does not know, and names them.
func (s *Service) knownTypes(q *PullRequest) (unknown []string, err error) {
	if len(q.Types) == 0 {
		return nil, nil
	}
	if len(q.Types) > maxTypes {
		return nil, malformed("types", fmt.Sprintf("name at most %d types", maxTypes))
	}
	var known []string
	for _, t := range q.Types {
		switch {
		case slices.Contains(s.records.Types(), t):
			known = append(known, t)
		case !idShape.MatchString(t):
			return nil, malformed("types", "types are separated by commas; this server knows "+
				strings.Join(s.records.Types(), ", "))
		case !slices.Contains(unknown, t):
			unknown = append(unknown, t)
		}
	}
	if known == nil {
		known = []string{noType}
	}
	q.Types = known
	return unknown, nil
}

func (s *Service) pull(ctx context.Context, c Caller, q PullRequest) (PullAnswer, error) {
	e, err := s.epoch(ctx, c.Branch)
	if err != nil {
		return PullAnswer{}, err
	}
	if q.After != 0 && q.Epoch != e.Name {
		return PullAnswer{}, cursorGone(e.Name, "the cursor belongs to another epoch; pull again from 0")
	}
	first, err := s.session(ctx, c, e, q.After)
	if err != nil {
		return PullAnswer{}, err
	}
	if q.Wait == 0 {
		if a, ok, err := s.nothingNew(ctx, c, e, q.After); ok || err != nil {
			return a, err
		}
		return s.page(ctx, c, e, q, first)
	}
	// Listen before looking, so that nothing falls between.
	poke, stop := s.hub.Listen(c.Branch, feeds(c)...)
	defer stop()
	a, err := s.page(ctx, c, e, q, first)
	if err != nil || len(a.Changes) > 0 {
		return a, err
	}
	t := time.NewTimer(q.Wait)
	defer t.Stop()
	for {
		select {
		case _, open := <-poke:
			// What grew may be of a type that was not asked for.
			if a, err = s.page(ctx, c, e, q, first); err != nil || len(a.Changes) > 0 || !open {
				return a, err
			}
		case <-t.C:
			a.ServerTime = s.now()
			return a, nil
		case <-ctx.Done():
			return PullAnswer{}, ctx.Err()
		}
	}
}

// page reads, judges and shapes until the page is full or the tail is reached.
func (s *Service) page(ctx context.Context, c Caller, e Epoch, q PullRequest, first firstSync) (PullAnswer, error) {
	a := PullAnswer{Epoch: e.Name, Cursor: q.After, ServerTime: s.now(), Changes: []Change{}}
	after := uint64(0) // as the store counts: without the epoch's base
	if q.After > e.Base {
		after = q.After - e.Base
	}
	size := 0
	for {
		read, err := s.store.Feed(ctx, journal.FeedQuery{Branch: c.Branch, Feeds: feeds(c), After: after, Types: q.Types,
			Limit: rowsNext(len(a.Changes), size, q.Limit)})
		if err != nil {
			return PullAnswer{}, err
		}
		if read.W == 0 {
			return PullAnswer{}, notReady()
		}
		top := journal.SeqTop(e.Base, read.W)
		if q.After == 0 && !first.known {
			first = firstSync{known: true, W: read.W}
		}
		if q.After > top {
			return PullAnswer{}, cursorGone(e.Name, "the cursor is ahead of the feed; pull again from 0")
		}
		recs := make([]journal.Record, len(read.Rows))
		for i, r := range read.Rows {
			recs[i] = r.Record
			if recs[i].Type == "" { // referred to, but no such document: gone for this device
				recs[i] = journal.Record{Branch: c.Branch, Type: r.FeedEntry.Type, ID: r.FeedEntry.ID, Deleted: true}
			}
		}
		shaped, err := s.records.Render(ctx, c, recs)
		if err != nil {
			return PullAnswer{}, err
		}
		for i, r := range read.Rows {
			ch := Change{Seq: e.Base + r.Seq, Type: recs[i].Type, ID: recs[i].ID, Rev: recs[i].Rev, Op: shaped[i].Op,
				Doc: shaped[i].Doc}
			after = r.Seq
			// A record that was refused does not exist: the row is there since this agent pushed it (M6).
			mine := shaped[i].Mine || recs[i].Rev == 0
			if ch.Op == "" || ch.Op != opPut && !mine && first.covers(r.Seq) {
				continue // the device must not hear of it, or has never had it
			}
			n := ch.size()
			if size+n > MaxPullBytes && len(a.Changes) > 0 {
				a.More, a.Cursor = true, a.Changes[len(a.Changes)-1].Seq
				return a, s.goesOn(ctx, c, e, q.After, first)
			}
			size += n
			a.Changes = append(a.Changes, ch)
		}
		if !read.More {
			a.Cursor = max(top, q.After)
			return a, nil
		}
		if len(a.Changes) == q.Limit {
			a.More, a.Cursor = true, e.Base+after
			return a, s.goesOn(ctx, c, e, q.After, first)
		}
	}
}

// Manifest is the list of records a device should hold, for its self-check.
type Manifest struct {
	Epoch   string   `json:"epoch"`
	Cursor  uint64   `json:"cursor"`
	Records [][2]any `json:"records"` // [id, rev]
}

// syncedTypes names the types that phones may pull, for a refusal.
func (s *Service) syncedTypes() string { return "one of " + strings.Join(s.records.Types(), ", ") }

// Manifest lists what the device may see of one type now. Pull up to its cursor before comparing. Errors as of Pull.
func (s *Service) Manifest(ctx context.Context, c Caller, typ string) (Manifest, error) {
	if !slices.Contains(s.records.Types(), typ) {
		return Manifest{}, malformed("type", "type is "+s.syncedTypes())
	}
	e, err := s.epoch(ctx, c.Branch)
	if err != nil {
		return Manifest{}, err
	}
	// The watermark first: what the list shows beyond it, a pull will show too.
	w, err := s.store.Watermark(ctx, c.Branch)
	if err != nil {
		return Manifest{}, err
	}
	if w == 0 {
		return Manifest{}, notReady()
	}
	revs, err := s.records.InScope(ctx, c, typ)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Epoch: e.Name, Cursor: journal.SeqTop(e.Base, w), Records: make([][2]any, len(revs))}
	for i, r := range revs {
		m.Records[i] = [2]any{r.ID, r.Rev}
	}
	return m, nil
}

// Tail is the highest cursor of a branch's feeds now: what a stream says on connect.
func (s *Service) Tail(ctx context.Context, b auth.BranchID) (uint64, error) {
	e, err := s.epoch(ctx, b)
	if err != nil {
		return 0, err
	}
	w, err := s.store.Watermark(ctx, b)
	return journal.SeqTop(e.Base, w), err
}
