package memstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Damages are the kinds of damage that Damage does, each of which a check must find.
func Damages() []string {
	return slices.Sorted(maps.Keys(damages))
}

// Damage does damage of a kind to a branch, at the nth of the places where it can be done (modulo their number), and
// says where. ok is false where there is no such place.
func (d *Disk) Damage(kind string, b auth.BranchID, nth int) (where string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return damages[kind](d, b, nth)
}

var damages = map[string]func(d *Disk, b auth.BranchID, nth int) (string, bool){
	"a lost document": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		delete(rows, ref)
		return true
	}),
	"an older document": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		r := rows[ref]
		if r.Rev < 2 {
			return false
		}
		r.Rev--
		rows[ref] = r
		return true
	}),
	"a changed document": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		r := rows[ref]
		var state map[string]json.RawMessage
		if json.Unmarshal(r.Body, &state) != nil {
			return false
		}
		state["added"] = json.RawMessage("1")
		r.Body, _ = json.Marshal(state) // what was JSON is JSON
		rows[ref] = r
		return true
	}),
	"a document that comes back": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		r := rows[ref]
		if !r.Deleted {
			return false
		}
		r.Deleted, r.Body = false, json.RawMessage("{}")
		rows[ref] = r
		return true
	}),
	"a document found by another's value": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		r := rows[ref]
		if len(r.found) == 0 {
			return false
		}
		r.found = nil
		rows[ref] = r
		return true
	}),
	"a foreign document": inRecords(func(rows map[journal.DocRef]row, ref journal.DocRef) bool {
		r := rows[ref]
		r.ID += "-foreign"
		rows[journal.DocRef{Type: r.Type, ID: r.ID}] = r
		return true
	}),
	"a lost feed row": inFeeds(func(rows map[feedRef]journal.FeedEntry, ref feedRef) { delete(rows, ref) }),
	"a moved feed row": inFeeds(func(rows map[feedRef]journal.FeedEntry, ref feedRef) {
		f := rows[ref]
		f.Seq++
		rows[ref] = f
	}),
	"a foreign feed row": inFeeds(func(rows map[feedRef]journal.FeedEntry, ref feedRef) {
		f := rows[ref]
		f.Feed += "-foreign"
		rows[feedRef{f.Feed, ref.DocRef}] = f
	}),
	"a lost receipt": inReceipts(func(rows map[string]journal.Receipt, command string) { delete(rows, command) }),
	"a changed receipt": inReceipts(func(rows map[string]journal.Receipt, command string) {
		r := rows[command]
		r.Body = json.RawMessage(`{"changed":1}`)
		rows[command] = r
	}),
	"a changed byte of a page": func(d *Disk, b auth.BranchID, nth int) (string, bool) {
		pages := d.pages[b]
		if len(pages) == 0 {
			return "", false
		}
		p := &pages[nth%len(pages)]
		p.body = bytes.Clone(p.body)
		p.body[len(p.body)-2] ^= 1
		return fmt.Sprintf("page %d", p.first), true
	},
	"a lost page": func(d *Disk, b auth.BranchID, nth int) (string, bool) {
		pages := d.pages[b]
		if len(pages) < 2 {
			return "", false
		}
		i := nth % (len(pages) - 1)
		first := pages[i].first
		d.pages[b] = slices.Concat(pages[:i], pages[i+1:])
		return fmt.Sprintf("page %d", first), true
	},
	"a watermark too high": func(d *Disk, b auth.BranchID, _ int) (string, bool) {
		done := false
		for i := range d.gens[b] {
			if g := &d.gens[b][i]; slices.Contains(journal.BuiltInViews(), g.View) && g.State == journal.Live {
				g.W, done = g.W+1, true
			}
		}
		return "the watermark", done
	},
}

// inRecords does damage to a document of a generation that is read, at the nth place where change can.
func inRecords(change func(rows map[journal.DocRef]row, ref journal.DocRef) bool) func(*Disk, auth.BranchID,
	int) (string, bool) {
	return func(d *Disk, b auth.BranchID, nth int) (string, bool) {
		rows := d.records[d.readable(b, journal.RecordsView)]
		refs := slices.SortedFunc(maps.Keys(rows), byRef)
		for i := range refs {
			ref := refs[(nth+i)%len(refs)]
			if change(rows, ref) {
				return ref.Type + "/" + ref.ID, true
			}
		}
		return "", false
	}
}

func inFeeds(change func(rows map[feedRef]journal.FeedEntry, ref feedRef)) func(*Disk, auth.BranchID,
	int) (string, bool) {
	return func(d *Disk, b auth.BranchID, nth int) (string, bool) {
		rows := d.feeds[d.readable(b, journal.FeedsView)]
		refs := slices.SortedFunc(maps.Keys(rows), func(x, y feedRef) int {
			return slices.Compare([]string{string(x.feed), x.Type, x.ID}, []string{string(y.feed), y.Type, y.ID})
		})
		if len(refs) == 0 {
			return "", false
		}
		ref := refs[nth%len(refs)]
		change(rows, ref)
		return fmt.Sprintf("%s %s/%s", ref.feed, ref.Type, ref.ID), true
	}
}

func inReceipts(change func(rows map[string]journal.Receipt, command string)) func(*Disk, auth.BranchID,
	int) (string, bool) {
	return func(d *Disk, b auth.BranchID, nth int) (string, bool) {
		rows := d.receipts[d.readable(b, journal.ReceiptsView)]
		commands := slices.Sorted(maps.Keys(rows))
		if len(commands) == 0 {
			return "", false
		}
		command := commands[nth%len(commands)]
		change(rows, command)
		return command, true
	}
}
