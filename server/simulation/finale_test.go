package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/play"
	"doorstep/server/store/memstore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"

	"golang.org/x/mod/sumdb/tlog"
)

// rounds is how many pushes and pulls all phones need at most once nothing is in their way.
const rounds = 4

// finale ends all faults and checks what must hold then.
func (w *world) finale() {
	for _, p := range w.phones {
		p.line.trouble = 0
	}
	w.startAll()
	for _, n := range w.up {
		n.mu.Lock()
		n.dieAfter, n.unclear = -1, 0
		n.mu.Unlock()
	}
	w.strays = nil
	w.pass(2 * time.Minute)
	w.together("the office opens the doors", func() {
		for _, agent := range agents {
			w.desks["admin"].do(http.MethodPatch, "/v1/users/"+agent, map[string]any{"disabled": false}, nil)
		}
	})
	w.converge()
	for _, agent := range agents {
		w.likeNew(w.phones[agent])
	}
	w.together("a checkpoint", w.checkpoint)
	w.everyAnswerHolds()
	w.quarantineKeeps()
	w.headsGrow()
	w.fsck()
	if w.rand.IntN(3) == 0 {
		w.fsckSees()
	}
}

// converge has all phones push and pull until they have nothing to say, in a bounded number of rounds.
func (w *world) converge() {
	for round := range rounds {
		before, left, errs := w.answers(), 0, ""
		for _, agent := range agents {
			w.together("the last sync", func() {
				p := w.phones[agent]
				if p.wiped {
					w.phones[agent] = w.newPhone(agent)
					p = w.phones[agent]
				}
				for _, do := range []func() error{p.push, p.pull} {
					if err := do(); err != nil {
						errs += fmt.Sprintf("%s: %v; ", agent, err)
					}
				}
				left += len(p.Queue)
			})
		}
		if w.answers() == before && left == 0 && errs == "" && round > 0 {
			return // nothing was pushed after any of them pulled, and nothing offered again
		}
		if round == rounds-1 {
			w.fail("no queue is stuck", "after %d rounds without faults %d mutations are queued: %s", rounds, left, errs)
		}
	}
}

// answers is how many mutations were answered.
func (w *world) answers() (n int) {
	for what, times := range w.tally {
		if strings.HasPrefix(what, "answers: ") {
			n += times
		}
	}
	return n
}

// likeNew compares what a phone holds with what the server gives to a phone that begins from nothing, and with its
// manifest.
func (w *world) likeNew(p *phone) {
	twin := p.CopyAs(p.Device)
	twin.Client = p.Client
	twin.Epoch, twin.Cursor, twin.Limit = "", 0, 0
	twin.Docs, twin.Revs = map[string]map[string]json.RawMessage{}, map[string]uint64{}
	w.together("the twin's pull", func() {
		if _, err := twin.Pull(noContext); err != nil {
			w.fail("every phone converges", "the twin of %s: %v", p.Device, err)
		}
	})
	types := map[string]bool{}
	for typ := range p.Docs {
		types[typ] = true
	}
	for typ := range twin.Docs {
		types[typ] = true
	}
	for _, typ := range slices.Sorted(maps.Keys(types)) {
		ids := maps.Clone(p.Docs[typ])
		if ids == nil {
			ids = map[string]json.RawMessage{}
		}
		maps.Copy(ids, twin.Docs[typ])
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			have, want := p.Docs[typ][id], twin.Docs[typ][id]
			switch {
			case want == nil:
				w.fail("nothing revoked is left", "the phone %s has %s/%s, and the server does not give it", p.Device, typ, id)
			case have == nil:
				w.fail("every phone converges", "the phone %s lacks %s/%s", p.Device, typ, id)
			case p.Revs[typ+"/"+id] != twin.Revs[typ+"/"+id] || !bytes.Equal(timeless(have), timeless(want)):
				w.fail("every phone converges", "the phone %s has %s/%s at %d, the server at %d:\n%s\n%s", p.Device, typ, id,
					p.Revs[typ+"/"+id], twin.Revs[typ+"/"+id], have, want)
			}
		}
		var m offline.Manifest
		w.together("the manifest", func() { w.must(p.Do(noContext, http.MethodGet, "/sync/v1/manifest?type="+typ, nil, &m)) })
		var listed []string
		for _, r := range m.Records {
			listed = append(listed, fmt.Sprintf("%v %.0f", r[0], r[1])) // a number of JSON is a float64
		}
		var held []string
		for _, id := range slices.Sorted(maps.Keys(p.Docs[typ])) {
			held = append(held, fmt.Sprintf("%v %v", id, p.Revs[typ+"/"+id]))
		}
		if !slices.Equal(listed, held) {
			w.fail("every phone converges", "the phone %s holds of %s %v, the manifest says %v", p.Device, typ, held, listed)
		}
	}
}

var asOf = regexp.MustCompile(`"as_of":"[^"]*"`)

// timeless is a document without the time at which it was read.
func timeless(doc json.RawMessage) []byte { return asOf.ReplaceAll(doc, []byte(`"as_of":""`)) }

// phoneKinds are the types of records that phones make.
var phoneKinds = []string{"visits", "visit_notes", "consents", "signatures", "payments_reported", "visit_confirmations",
	"plans", "drafts"}

// everyAnswerHolds compares the journals with what phones were answered.
func (w *world) everyAnswerHolds() {
	said := map[string]bool{} // records that a phone has sent, by type and id
	for _, s := range w.ledger.all() {
		said[s.Type+"/"+s.ID] = true
	}
	runs, wrote, made := map[string]int{}, map[string][]string{}, map[string]int{}
	for _, b := range []auth.BranchID{"north", "south"} {
		c := w.read(b)
		for i, e := range c.entries {
			if e.command == "" {
				continue
			}
			key := string(b) + " " + e.command
			if e.part == 0 {
				runs[key]++
			} else if i == 0 || c.entries[i-1].command != e.command || c.entries[i-1].part != e.part-1 {
				w.fail("every answer has its effect once", "part %d of %s does not follow the one before", e.part, e.command)
			}
			if runs[key] > 1 {
				w.fail("every answer has its effect once", "the journal of %s has the command %s twice, again at entry %d", b,
					e.command, e.n)
			}
			for _, d := range e.docs {
				ref := d.Type + "/" + d.ID
				wrote[key] = append(wrote[key], ref)
				if !slices.Contains(phoneKinds, d.Type) || d.Rev != 1 || d.Copy || strings.HasPrefix(e.command, "move:") {
					continue
				}
				if made[ref]++; made[ref] > 1 {
					w.fail("every answer has its effect once", "%s is made twice, again at entry %d of %s", ref, e.n, b)
				}
				if !said[ref] {
					w.fail("no record comes from nowhere", "%s at entry %d of %s: no phone has sent it", ref, e.n, b)
				}
			}
		}
	}
	for cmd, s := range w.ledger.sent {
		key := string(branchOf[s.agent]) + " " + cmd
		switch {
		case s.lost:
		case strings.HasPrefix(s.refused, "not_yet"): // it is decided once the type is known
		case (s.done || s.refused != "") && runs[key] == 0:
			w.fail("no acknowledged write is lost", "%s %s/%s of %s was answered (done: %t, %s), and the journal has no %s",
				s.Op, s.Type, s.ID, s.agent, s.done, s.refused, cmd)
		case s.done && s.Op == "put" && slices.Contains(phoneKinds, s.Type) && made[s.Type+"/"+s.ID] == 0:
			w.fail("no acknowledged write is lost", "%s/%s of %s was answered, and no entry makes it", s.Type, s.ID, s.agent)
		case !s.done && s.refused != "" && slices.Contains(wrote[key], s.Type+"/"+s.ID):
			w.fail("what is refused has no effect", "%s/%s of %s was %s, and its command writes it", s.Type, s.ID, s.agent,
				s.refused)
		}
		if s.done && !s.lost {
			w.asSent(s)
		}
	}
}

// asSent compares a record that a phone holds with what was sent of it: evidence never changes.
func (w *world) asSent(s *sent) {
	doc := w.phones[s.agent].Docs[s.Type][s.ID]
	if doc == nil || s.Op != "put" || s.Type == "drafts" || s.Type == "plans" {
		return
	}
	var has map[string]json.RawMessage
	w.must(json.Unmarshal(doc, &has))
	for k, v := range s.Fields {
		text, err := json.Marshal(v)
		w.must(err)
		switch v.(type) {
		case string, float64, bool:
		default:
			continue
		}
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(v)); err == nil {
			continue // the server corrects a phone's clock, and keeps what it claimed beside it
		}
		if got, there := has[k]; there && !bytes.Equal(offline.Meaning(got), offline.Meaning(text)) {
			w.fail("evidence never changes", "%s/%s says %s: %s, and %s was sent", s.Type, s.ID, k, got, text)
		}
	}
	w.tally["records compared with what was sent"]++
}

// quarantineKeeps reads every item that an answer has named, and compares it with what was sent.
func (w *world) quarantineKeeps() {
	for _, s := range w.ledger.all() {
		for id := range s.kept {
			var of struct {
				Case string `json:"case"`
			}
			if fields, err := json.Marshal(s.Fields); err == nil {
				_ = json.Unmarshal(fields, &of)
			}
			var item struct {
				Fields *string `json:"fields"`
				Type   string  `json:"type"`
				Mid    string  `json:"mid"`
				State  string  `json:"state"`
			}
			code := ""
			path := "/v1/quarantine/" + id + "?branch=" + string(branchOf[s.agent])
			w.together("an item of the quarantine", func() { code = w.desks["sup"].do(http.MethodGet, path, nil, &item) })
			gone := w.goneCase(of.Case) || s.Type == "assignments" || s.Op != "put" && s.Op != "patch"
			switch {
			case code == "" && item.Mid == s.Mid:
			case gone:
				continue // it went with its case, or was erased with its debtor
			default:
				w.fail("everything refused is in quarantine", "%s/%s of %s was %s, and its item %s reads %q %+v", s.Type, s.ID,
					s.agent, s.refused, id, code, item)
			}
			w.tally["items of the quarantine read"]++
			if s.Type == "drafts" || gone || s.Fields == nil || of.Case == "" && len(w.erased) > 0 {
				continue // private, or of a debtor who may be erased
			}
			want, err := json.Marshal(s.Fields)
			w.must(err)
			if item.Fields == nil || !bytes.Equal(offline.Meaning([]byte(*item.Fields)), offline.Meaning(want)) {
				w.fail("everything refused is in quarantine", "%s/%s of %s: the item %s does not have what was sent: %+v", s.Type,
					s.ID, s.agent, id, item)
			}
		}
	}
}

// goneCase tells whether a case has moved, or its debtor was erased.
func (w *world) goneCase(id string) bool {
	if w.erased["L1.D"+strings.TrimPrefix(id, "L1.C")] {
		return true
	}
	for _, e := range w.read("north").entries {
		if strings.HasPrefix(e.action, "case.moved") || strings.HasPrefix(e.action, "move") ||
			strings.HasPrefix(e.action, "debtor.") {
			for _, d := range e.docs {
				if d.Type == "cases" && d.ID == id {
					return true
				}
			}
		}
	}
	return false
}

// head is a checkpoint that an auditor was given.
type head struct {
	size uint64
	root string
}

// checkpoint has the auditor read a checkpoint.
func (w *world) checkpoint() {
	var c struct {
		Size uint64
		Root string
	}
	if w.desks["aud"].do(http.MethodGet, "/v1/audit/checkpoint?branch=north", nil, &c) == "" {
		w.heads = append(w.heads, head{c.Size, c.Root})
	}
}

// headsGrow checks that each checkpoint is no smaller than the one before, and the root of what the journal had then.
func (w *world) headsGrow() {
	leaves := w.read("north").leaves
	var before uint64
	for _, h := range w.heads {
		if h.size < before || h.size > uint64(len(leaves)) {
			w.fail("checkpoints only grow", "a checkpoint of %d entries comes after one of %d; the journal has %d",
				h.size, before, len(leaves))
		}
		before = h.size
		if root := treeHash(leaves[:h.size]).String(); root != h.root {
			w.fail("checkpoints only grow", "the checkpoint of %d entries has the root %s, and they have %s", h.size, h.root,
				root)
		}
		w.tally["checkpoints compared with the journal"]++
	}
}

// treeHash is the root of a Merkle tree (RFC 6962).
func treeHash(leaves []tlog.Hash) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		return tlog.Hash{}
	case 1:
		return leaves[0]
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		return tlog.NodeHash(treeHash(leaves[:k]), treeHash(leaves[k:]))
	}
}

// fsck compares all views with the journals.
func (w *world) fsck() {
	if found := w.findings(); len(found) > 0 {
		w.fail("fsck is clean", "%v", found)
	}
}

// findings are what fsck calls damage.
func (w *world) findings() []journal.Finding {
	store := w.eyeWithIndexes()
	vault, err := server.JoinVault(noContext, store, server.Config{Data: w.data})
	w.must(err)
	if vault == nil {
		w.fail("the world", "the vault does not open")
	}
	branches, err := store.Branches(noContext)
	w.must(err)
	var out []journal.Finding
	for _, b := range branches {
		found, err := journal.Check(noContext, store, b, nil, server.Views(vault)...)
		w.must(err)
		out = append(out, slices.DeleteFunc(found, func(f journal.Finding) bool { return f.Harmless })...)
	}
	return out
}

// restored takes in that a backup was put in the disk's place: what it lacks is no longer known, except where a phone
// is left that offers it again.
func (w *world) restored() {
	w.oracle.branches = map[auth.BranchID]*chronicle{}
	w.heads = nil
	for device, at := range w.blocked {
		if at.After(w.backedUpAt) {
			delete(w.blocked, device)
		}
	}
	in := map[string]bool{}
	items := map[string]bool{}
	for _, b := range []auth.BranchID{"north", "south"} {
		for _, e := range w.read(b).entries {
			in[e.command] = true
			for _, d := range e.docs {
				if d.Type == "quarantine" {
					items[d.ID] = true
				}
			}
		}
	}
	for cmd, s := range w.ledger.sent {
		if !in[cmd] {
			p := w.phones[s.agent].Phone
			queued := slices.ContainsFunc(p.Queue, func(m play.Mutation) bool { return m.Mid == s.Mid })
			s.lost = s.done && !p.Keeps(s.Mid) && !queued
			s.done, s.refused = false, ""
		}
		maps.DeleteFunc(s.kept, func(id string, _ bool) bool { return !items[id] })
	}
}

// fsckSees damages copies of the disk, each in one way and at some place, and has fsck find it.
func (w *world) fsckSees() {
	whole := w.disk
	defer func() { w.disk = whole }()
	for _, kind := range memstore.Damages() {
		w.disk = whole.Copy()
		where, ok := w.disk.Damage(kind, "north", w.rand.IntN(1<<20))
		if !ok {
			continue
		}
		if len(w.findings()) == 0 {
			w.fail("fsck is not blind", "it does not see %s: %s", kind, where)
		}
		w.tally["damages found by fsck"]++
	}
}
