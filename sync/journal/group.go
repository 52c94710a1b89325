package journal

import "time"

// group is what one Do call hands to the committer: commands in order, decided
// on documents no older than readAt.
type group struct {
	id     uint64 // unique among the branch's groups of this process, from 1
	readAt uint64
	items  []item
	// settled is how many items are done: appended and durable, or, without entries,
	// found to rest on reads that no write has overtaken. The next one was overtaken,
	// or err says why it is not done. Both are set before done is closed.
	settled int
	err     error
	old     bool // the next item rests on an answer of the store that was too old (errOld)
	// made are the numbers of documents that the group made, which later states of them repeat.
	made map[DocRef]uint64
	done chan struct{}
}

// appends tells whether any item that is left has entries.
func (g *group) appends() bool {
	for i := g.settled; i < len(g.items); i++ {
		if len(g.items[i].entries) > 0 {
			return true
		}
	}
	return false
}

// item is one command's run of entries, all or none of it in one page. Without
// entries (a refusal, or a decision that changes nothing) only its reads are checked.
type item struct {
	command  int // index in the Do call
	reads    []readKey
	entries  []prepared
	received time.Time
	bytes    int
	numbered uint64
	first    uint64 // the number of its first entry, once appended
}

// prepared is an entry encoded as far as it can be before it has a number.
type prepared struct {
	entry Entry
	docs  []Doc
	tail  []byte
}

// number gives a document its number, after those that were given before, and returns how many are given then.
func (g *group) number(d *Doc, before Counts) Counts {
	i := numberedAs(d)
	if i < 0 {
		return before
	}
	ref := DocRef{d.Type, d.ID}
	if d.Rev > 1 {
		if no, made := g.made[ref]; made {
			d.No = no
		}
		return before
	}
	before[i]++
	d.No = before[i]
	if g.made == nil {
		g.made = map[DocRef]uint64{}
	}
	g.made[ref] = d.No
	return before
}

// answer ends groups: those with items left are told err.
func answer(groups []*group, err error) {
	for _, g := range groups {
		if g.settled < len(g.items) {
			g.err = err
		}
		close(g.done)
	}
}
