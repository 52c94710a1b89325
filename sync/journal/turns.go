package journal

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Compare-and-append lets the node that is nearer to the store win every page. So a node
// that has lost twice sets a mark, which the others see: they append no more than
// turnPages of their own, then let the waiting node append one. Who has met a node that
// appends again and again leaves it every third page without a mark, as long as it comes
// within mostPace: between its pages such a node has to ask its callers for more.
//
// All this is a matter of fairness only. Whatever is wrong with a mark, nothing but time is
// lost, and not much of it: a node that has set a mark and died is waited for once, at most
// mostWait.

// turnsKind is the kind of the small documents that hold a branch's marks; the id is the branch.
const turnsKind = "turns"

const (
	turnPages  = 2                      // pages in a row that a node appends while another waits
	quietLook  = 50 * time.Millisecond  // how often a node that has met no other looks for marks
	rivalFor   = 2 * time.Second        // how long a node expects another one that it has met
	firstNeed  = 100 * time.Millisecond // what a node asks for before it knows how long it needs
	mostWait   = time.Second            // no node is waited for longer
	mostPace   = time.Second            // between two pages of a node that is left its turn without a mark
	lateBy     = 250 * time.Millisecond // how much later than usual the next page of such a node may come
	mostMarks  = 16                     // of one branch
	mostOthers = 64                     // nodes that are remembered
)

// mark says that a node waits for its turn. A mark is done with once a page of the node is
// stored after the entry it names.
type mark struct {
	Node  string `json:"node"`
	After uint64 `json:"after"` // the last entry the node knew of when it set the mark
	Need  int64  `json:"need"`  // milliseconds the node needs to store a page
}

// turns is what a node knows of the marks of a branch. It belongs to the committer's goroutine.
type turns struct {
	node string
	own  int               // pages this node has appended in a row
	seen map[string]*other // the other nodes
	vain map[string]uint64 // mark.After of marks that were waited for in vain, by node

	marks   []mark // as they were read last
	version uint64
	looked  time.Time
	others  int           // pages of other nodes that were met
	rival   time.Time     // when another node's page or mark was last met
	missed  time.Time     // when a compare was last lost
	lost    time.Time     // when one was last lost soon after another one
	set     time.Time     // when this node's mark was set; zero: it has none
	ready   bool          // the journal was followed since then
	need    time.Duration // how long this node's last attempts took
}

// other is what a node knows of another one that appends to the branch.
type other struct {
	last uint64        // the last entry of its newest page
	at   time.Time     // when that page was met
	pace time.Duration // about the time between its pages; 0 when it has one, or pauses
}

// due is when the next page of a node that appends again and again is late; zero for others.
func (o *other) due() time.Time {
	if o.pace == 0 || o.pace > mostPace {
		return time.Time{}
	}
	return o.at.Add(o.pace + min(o.pace, lateBy))
}

func newTurns(node string) turns {
	return turns{node: node, seen: map[string]*other{}, vain: map[string]uint64{}, need: firstNeed}
}

// appended notes a page of this node's own: its mark is done with.
func (t *turns) appended(took time.Duration, now time.Time) {
	t.own++
	if !t.set.IsZero() && now.Sub(t.rival) < rivalFor {
		t.lost = now // without the mark it would have been lost
	}
	t.set = time.Time{}
	t.need = (t.need + took) / 2
}

// failed notes that another node's page came before this node's.
func (t *turns) failed(now time.Time) {
	if now.Sub(t.missed) < rivalFor {
		t.lost = now
	}
	t.missed = now
}

// caughtUp notes how long a failed attempt took, until the journal was followed, and how
// many pages others have appended meanwhile: to be far behind is as bad as to lose twice.
func (t *turns) caughtUp(took time.Duration, pages int, now time.Time) {
	t.need = max(t.need, min(took, mostWait))
	if pages > turnPages {
		t.lost = now
	}
}

// met notes a page of another node.
func (t *turns) met(node string, last uint64, now time.Time) {
	if node == t.node {
		return
	}
	if len(t.seen) >= mostOthers {
		clear(t.seen)
	}
	t.own, t.rival = 0, now
	t.others++
	o := t.seen[node]
	if o == nil {
		t.seen[node] = &other{last: last, at: now}
		return
	}
	since := now.Sub(o.at)
	switch {
	case since > rivalFor:
		o.pace = 0
	case o.pace == 0:
		o.pace = since
	default:
		o.pace = (3*o.pace + since) / 4
	}
	o.last, o.at = last, now
}

// left tells whether another node is left its turn without a mark.
func (t *turns) left(now time.Time) bool {
	for _, o := range t.seen {
		if now.Before(o.due()) {
			return true
		}
	}
	return false
}

// ahead lists the marks that this node lets go first: those of other nodes that are not done
// with, nor waited for in vain, and stand before its own.
func (t *turns) ahead() []mark {
	var out []mark
	for _, m := range t.marks {
		if m.Node == t.node {
			if !t.set.IsZero() {
				return out
			}
			continue
		}
		if o := t.seen[m.Node]; o != nil && o.last > m.After {
			continue
		}
		if after, there := t.vain[m.Node]; there && after == m.After {
			continue
		}
		out = append(out, m)
	}
	return out
}

// lets tells whether this node must let others go first now.
func (t *turns) lets(now time.Time) bool {
	return (t.own >= turnPages || !t.set.IsZero()) && len(t.ahead()) > 0 || t.own >= turnPages && t.left(now)
}

// wants tells whether this node is to set a mark: it has lost twice a moment ago, and has
// none, or its mark is so old that others may have given up on it.
func (t *turns) wants(now time.Time) bool {
	return now.Sub(t.lost) < rivalFor && (t.set.IsZero() || now.Sub(t.set) > 2*wait(t.need))
}

// wait is how long a node is waited for that needs so long.
func wait(need time.Duration) time.Duration { return min(2*need+20*time.Millisecond, mostWait) }

// with gives the marks with this node's own among them, and without those that are done
// with. A mark that is renewed keeps its place.
func (t *turns) with(last uint64) []mark {
	mine := mark{Node: t.node, After: last, Need: t.need.Milliseconds() + 1}
	var out []mark
	placed := false
	open := t.open()
	for _, m := range t.marks {
		switch {
		case m.Node == t.node && !t.set.IsZero() && !placed:
			out, placed = append(out, mine), true
		case m.Node != t.node && slices.Contains(open, m):
			out = append(out, m)
		}
	}
	if !placed {
		out = append(out, mine)
	}
	return out[max(0, len(out)-mostMarks):]
}

// open lists the marks of other nodes that are waited for, wherever this node's own stands.
func (t *turns) open() []mark {
	set := t.set
	t.set = time.Time{}
	defer func() { t.set = set }()
	return t.ahead()
}

// takeTurn lets nodes that wait for their turn append first, and waits for its own, if any
// of the groups is to be appended. What goes wrong with marks costs no more than fairness.
func (c *committer) takeTurn(held []*group) {
	if !slices.ContainsFunc(held, (*group).appends) {
		return
	}
	t, ctx := &c.turns, c.j.life
	now := time.Now()
	if t.wants(now) && !c.setMark(ctx) {
		// Without a mark, nodes that fight do not meet at every page at least.
		_ = Sleep(ctx, rand.N(time.Duration(min(c.losses, 16)+1)*4*time.Millisecond))
	}
	rivals := now.Sub(t.rival) < rivalFor
	if rivals && t.own >= turnPages || t.set.IsZero() && now.Sub(t.looked) >= quietLook {
		c.readMarks(ctx)
	}
	switch {
	case t.lets(time.Now()):
		c.letOthers(ctx)
	case !t.set.IsZero() && !t.ready:
		_, _ = c.follow(ctx) // the others let this node in: its page must go on from theirs
	}
}

// expect says that something to append may come soon.
func (c *committer) expect() {
	select {
	case c.soon <- struct{}{}:
	default:
	}
}

// standInLine sets a mark, and goes where the journal ends, while what is to be appended is
// still being decided: a node that is far from the store would else do one after the other.
func (c *committer) standInLine() {
	t := &c.turns
	if !t.set.IsZero() || !t.wants(time.Now()) || !c.setMark(c.j.life) {
		return
	}
	_, err := c.follow(c.j.life)
	t.ready = err == nil // if not, it shows when something is appended
}

// readMarks reads the marks.
func (c *committer) readMarks(ctx context.Context) {
	t := &c.turns
	t.looked = time.Now()
	body, version, err := c.j.store.Small(ctx, turnsKind, string(c.branch))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return
	}
	var marks []mark
	if err == nil && json.Unmarshal(body, &marks) != nil {
		marks = nil
	}
	t.marks, t.version = marks, version
	if len(t.open()) > 0 {
		t.rival = t.looked
	}
}

// setMark sets this node's mark, or renews it, and tells whether it did.
func (c *committer) setMark(ctx context.Context) bool {
	t := &c.turns
	for range 3 {
		body, err := json.Marshal(t.with(c.last))
		if err != nil {
			panic(err) // strings and integers
		}
		err = c.j.store.SwapSmall(ctx, turnsKind, string(c.branch), t.version, body)
		if err == nil {
			if !t.set.IsZero() {
				t.need = min(2*t.need, mostWait) // the others gave up too soon
			}
			t.marks, t.version, t.set = t.with(c.last), t.version+1, time.Now()
			t.looked, t.ready = t.set, false
			return true
		}
		if !errors.Is(err, ErrRaced) {
			return false
		}
		c.readMarks(ctx)
	}
	return false
}

// letOthers waits until the nodes ahead have appended, or have had the time they need.
func (c *committer) letOthers(ctx context.Context) {
	t := &c.turns
	begun := time.Now()
	for {
		ahead := t.ahead()
		poll := 25 * time.Millisecond
		for _, m := range ahead {
			need := time.Duration(m.Need) * time.Millisecond
			if time.Since(begun) >= wait(need) {
				if len(t.vain) >= mostOthers {
					clear(t.vain)
				}
				t.vain[m.Node] = m.After
			}
			poll = min(poll, max(need/8, 2*time.Millisecond))
		}
		if !t.lets(time.Now()) {
			return
		}
		if _, err := c.follow(ctx); err != nil || !t.lets(time.Now()) {
			return
		}
		if Sleep(ctx, poll) != nil {
			return
		}
	}
}
