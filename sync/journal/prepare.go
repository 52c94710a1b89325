package journal

import (
	"slices"
	"time"
)

// prepare encodes a draft as far as it can be without its number, proves that it can
// be read again, and checks the limits. It refuses with a *refusal.Error.
func prepare(cmd *Command, r *Reader, draft Draft, at time.Time) (item, error) {
	it := item{received: at}
	revs := map[DocRef]uint64{}
	drafts := append([]Draft{draft}, draft.More...)
	for part := range drafts {
		d := &drafts[part]
		e := Entry{Actor: cmd.Actor, Device: cmd.Device, Command: cmd.ID, Part: part,
			Action: d.Action, Feeds: d.Feeds, Verdicts: d.Verdicts}
		if !cmd.Claimed.IsZero() {
			e.Claimed = cmd.Claimed.UTC().Truncate(time.Millisecond)
		}
		if part == 0 {
			e.Receipt, e.Said = d.Receipt, d.Said
		}
		for _, k := range d.Writes {
			if _, read := r.keys[k]; !read {
				return item{}, invalid("key %s is written but was not read by the decision; let it Depend on the key", k)
			}
		}
		e.Docs = slices.Clone(d.Docs)
		e.Writes = append(slices.Clone(d.Writes), CommandKey(cmd.ID))
		for i := range e.Docs {
			doc := &e.Docs[i]
			if err := r.revise(doc, revs); err != nil {
				return item{}, err
			}
			e.Writes = append(e.Writes, DocKey(doc.Type, doc.ID))
			if numberedAs(doc) >= 0 {
				it.numbered++
			}
		}
		slices.Sort(e.Writes)
		e.Writes = slices.Compact(e.Writes)
		p := prepared{entry: e, docs: e.Docs, tail: appendTail(nil, &e)}
		n := len(p.tail) + headBytes + 20*int(it.numbered)
		if n > MaxEntryBytes {
			return item{}, tooLarge("the change has %d bytes, an entry holds at most %d", n, MaxEntryBytes)
		}
		if err := e.readsBack(r.Branch, at, p.tail); err != nil {
			return item{}, err
		}
		it.bytes += n
		it.entries = append(it.entries, p)
	}
	if len(it.entries) > MaxPageEntries || it.bytes > MaxPageBytes {
		return item{}, tooLarge("the change has %d entries and %d bytes; a page holds %d and %d",
			len(it.entries), it.bytes, MaxPageEntries, MaxPageBytes)
	}
	return it, nil
}

// revise gives a drafted document its revision: the next one after what was read, or after
// what an earlier part of the same command drafted (revs).
func (r *Reader) revise(doc *Doc, revs map[DocRef]uint64) error {
	ref := DocRef{doc.Type, doc.ID}
	rev, drafted := revs[ref]
	if !drafted {
		if _, read := r.keys[DocKey(doc.Type, doc.ID)]; !read {
			return invalid("document %s/%s is written but was not read by the decision", doc.Type, doc.ID)
		}
		rev = r.rev(ref)
	}
	doc.Rev = r.NextRev(rev)
	if rev > 0 && numberedAs(doc) >= 0 {
		doc.No = r.seen[ref].No // of one that is drafted by the same call the committer knows it
	}
	revs[ref] = doc.Rev
	if doc.Type == NumberedType && doc.Rev > 1 {
		return invalid("document %s/%s is evidence and never changes; record a new one that supersedes it", doc.Type, doc.ID)
	}
	if doc.Deleted {
		doc.State = nil
	}
	return nil
}
