package journal

// writeLog remembers which entry last wrote each key, for the last entries of a
// branch. It is two maps that take turns, so that it forgets in bounded steps. It
// holds keys and numbers only: no group, draft or document is kept alive by it.
type writeLog struct {
	young, old map[Key]wrote
	floor      uint64 // entries up to here are forgotten
	youngFrom  uint64
	trail      []undone
}

// wrote is the last write of a key.
type wrote struct {
	n     uint64
	by    uint64 // the group it belongs to; 0: another node's
	other uint64 // the last entry that wrote the key for another group than by
	doc   uint64 // the last entry that wrote a document which stands under the key; 0: none is known
	gone  bool   // it left a tombstone, which may be swept
}

type undone struct {
	key Key
	was wrote
	had bool
}

// writeLogSpan is how many keys one of the two maps holds before they turn.
const writeLogSpan = 1 << 15

func (l *writeLog) reset(floor uint64) {
	*l = writeLog{young: map[Key]wrote{}, floor: floor, youngFrom: floor}
}

func (l *writeLog) last(k Key) (wrote, bool) {
	w, ok := l.young[k]
	if !ok {
		w, ok = l.old[k]
	}
	return w, ok
}

// add notes that an entry wrote keys, for a group (0: another node's).
func (l *writeLog) add(e *Entry, by uint64) {
	n := e.N
	for _, k := range e.Writes {
		was, had := l.young[k]
		l.trail = append(l.trail, undone{k, was, had})
		last, _ := l.last(k)
		next := wrote{n: n, by: by, other: last.other, doc: last.doc, gone: last.gone}
		if last.by != by {
			next.other = last.n
		}
		l.young[k] = next
	}
	for i := range e.Docs {
		k := DocKey(e.Docs[i].Type, e.Docs[i].ID)
		if w, there := l.young[k]; there {
			w.doc, w.gone = n, e.Docs[i].Deleted
			l.young[k] = w
		}
	}
}

// unknown notes that it is not known what the entries up to n wrote: all reads before them count as overtaken.
func (l *writeLog) unknown(n uint64) { l.floor = max(l.floor, n) }

// overtaken tells whether a key was written after a group read it at readAt, by anybody but the group itself.
func (l *writeLog) overtaken(reads []readKey, readAt, by uint64) bool {
	if readAt < l.floor {
		return true
	}
	for _, k := range reads {
		w, ok := l.last(k.Key)
		if ok && w.by == by {
			w.n = w.other
		}
		if ok && w.n > readAt {
			return true
		}
	}
	return false
}

// outdated tells whether the store gave a group, which read at readAt, an older state of a
// document than the one that was visible then, other than those that it cannot keep.
func (l *writeLog) outdated(reads []readKey, readAt uint64, unfit map[Key]bool) bool {
	for _, k := range reads {
		if !k.stored || unfit[k.Key] {
			continue
		}
		w, ok := l.last(k.Key)
		if ok && w.doc <= readAt && w.doc > k.n && (k.n > 0 || !w.gone) {
			return true
		}
	}
	return false
}

// begin starts a page whose writes may have to be taken back.
func (l *writeLog) begin() { l.trail = l.trail[:0] }

// undo takes back what was added since begin.
func (l *writeLog) undo() {
	for i := len(l.trail) - 1; i >= 0; i-- {
		u := l.trail[i]
		if u.had {
			l.young[u.key] = u.was
		} else {
			delete(l.young, u.key)
		}
	}
	l.trail = l.trail[:0]
}

// rotate forgets the older half once the younger is full.
func (l *writeLog) rotate() {
	if len(l.young) < writeLogSpan {
		return
	}
	var newest uint64
	for _, w := range l.young {
		newest = max(newest, w.n)
	}
	l.old, l.young = l.young, map[Key]wrote{}
	l.floor, l.youngFrom = max(l.floor, l.youngFrom), newest
}
