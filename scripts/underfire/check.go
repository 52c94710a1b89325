package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"time"

	"doorstep/server/play"

	"golang.org/x/mod/sumdb/tlog"
)

// synced are the types that phones hold.
var synced = []string{"assignments", "cases", "visits", "visit_notes", "visit_confirmations", "consents", "plans",
	"payments_reported", "signatures", "drafts", "policy"}

// check looks, in calm, for what the faults have broken.
func (w *world) check(ctx context.Context) error {
	for _, n := range w.nodes {
		if n.address() == "" {
			if err := n.start(ctx); err != nil {
				return err
			}
		}
	}
	begun := time.Now()
	errs := make([]error, len(w.agents))
	var wait sync.WaitGroup
	for i, a := range w.agents {
		wait.Go(func() { errs[i] = a.settle(ctx) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			w.book.fault("queues stuck", "%v", err)
		}
	}
	w.counts.converge = time.Since(begun)
	if err := w.office.signIn(ctx); err != nil {
		return err
	}
	for _, a := range w.agents {
		if err := w.converged(ctx, a); err != nil {
			return err
		}
	}
	if err := w.contents(ctx); err != nil {
		return err
	}
	if err := w.quarantined(ctx); err != nil {
		return err
	}
	if err := w.audited(ctx); err != nil {
		return err
	}
	for _, n := range w.nodes {
		if err := n.stop(); err != nil {
			return err
		}
	}
	if err := w.nodes[0].fsck(ctx); err != nil {
		w.book.fault("fsck", "in the end: %v", err)
	}
	return nil
}

// converged compares the phone that lived through it, and a new one, with the manifest.
func (w *world) converged(ctx context.Context, a *agent) error {
	p := a.phone
	fresh := play.NewPhone(p.Base, p.Agent, p.Device, p.HTTP)
	fresh.Client = p.Client
	if _, err := fresh.Pull(ctx); err != nil {
		return err
	}
	if _, err := p.Pull(ctx); err != nil {
		return err
	}
	for _, typ := range synced {
		var m struct {
			Epoch   string   `json:"epoch"`
			Records [][2]any `json:"records"`
		}
		if err := p.Do(ctx, http.MethodGet, "/sync/v1/manifest?type="+typ, nil, &m); err != nil {
			return err
		}
		want := map[string]uint64{}
		for _, r := range m.Records {
			want[r[0].(string)] = uint64(r[1].(float64))
		}
		for what, q := range map[string]*play.Phone{"the phone that lived through it": p, "a new phone": fresh} {
			got := map[string]uint64{}
			for id := range q.Docs[typ] {
				got[id] = q.Revs[typ+"/"+id]
			}
			if !reflect.DeepEqual(got, want) || q.Epoch != m.Epoch {
				w.book.fault("not converged", "%s of %s holds %d %s, and the manifest lists %d; they differ", what, p.Agent,
					len(got), typ, len(want))
			}
		}
		if !reflect.DeepEqual(timeless(p.Docs[typ]), timeless(fresh.Docs[typ])) {
			w.book.fault("not converged", "the %s of the old and of the new phone of %s differ", typ, p.Agent)
		}
		for id, rev := range want {
			if appended(typ) && rev != 1 {
				w.book.fault("doubled", "%s/%s was written once and has revision %d", typ, id, rev)
			}
		}
	}
	return nil
}

// appended tells whether records of a type are written once, and never again by the plain day that is played here.
func appended(typ string) bool {
	return slices.Contains([]string{"visit_notes", "consents", "payments_reported", "signatures"}, typ)
}

// timeless are documents without the instant as of which a case card was made.
func timeless(docs map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for id, raw := range docs {
		var doc map[string]any
		_ = json.Unmarshal(raw, &doc) // nil differs from a document
		if door, ok := doc["door"].(map[string]any); ok {
			delete(door, "as_of")
		}
		out[id] = doc
	}
	return out
}

// contents compares the case files with what was acknowledged.
func (w *world) contents(ctx context.Context) error {
	files := map[string]map[string]any{}
	file := func(id string) (map[string]any, error) {
		if files[id] == nil {
			var f map[string]any
			if err := w.day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &f); err != nil {
				return nil, err
			}
			files[id] = f
		}
		return files[id], nil
	}
	for id, l := range w.office.lines {
		f, err := file(id)
		if err != nil {
			return err
		}
		if due := f["amount_due_minor"]; due != float64(l.due) {
			w.book.fault("lost", "case %s was imported with %d due, and has %v", id, l.due, due)
		}
	}
	known := map[string]bool{}
	for _, s := range w.book.said {
		known[s.ID] = true
	}
	// By assignment, the patch written last of those acknowledged: mids sort in the order of the writes, and one agent
	// patches it.
	newest := map[string]*said{}
	for _, s := range w.book.said {
		if s.excused || !settled(s.status) || s.Op == "delete" || s.Type == "drafts" {
			continue // drafts are in no case file: the phones have been compared
		}
		if s.Type == "assignments" {
			if _, says := s.Fields["agent_remark"]; says && (newest[s.ID] == nil || newest[s.ID].Mid < s.Mid) {
				newest[s.ID] = s
			}
			continue
		}
		id, _ := s.Fields["case"].(string)
		f, err := file(id)
		if err != nil {
			return err
		}
		w.held(f, s)
	}
	for _, id := range w.office.cases {
		f, err := file(id)
		if err != nil {
			return err
		}
		w.once(id, f, newest, known)
	}
	return nil
}

// held says so if a record that was acknowledged is not in its case file once, as it was sent.
func (w *world) held(f map[string]any, s *said) {
	found := 0
	list, _ := f[s.Type].([]any)
	for _, item := range list {
		doc, _ := item.(map[string]any)
		if doc["id"] != s.ID {
			continue
		}
		found++
		for _, member := range []string{"text", "amount_minor", "reference", "outcome", "outcome_detail", "scope", "method",
			"total_minor", "sha256"} {
			if want, sent := s.Fields[member]; sent && fmt.Sprint(doc[member]) != fmt.Sprint(want) {
				w.book.fault("changed", "%s/%s was sent with %s %v, and has %v", s.Type, s.ID, member, want, doc[member])
			}
		}
	}
	switch {
	case found == 0:
		w.book.fault("lost", "%s %s/%s was answered %s, and is not in its case file", s.Mid, s.Type, s.ID, s.status)
	case found > 1:
		w.book.fault("doubled", "%s/%s is in its case file %d times", s.Type, s.ID, found)
	}
}

// once says so if a case file has a record that no phone sent, or an assignment lost its newest patch.
func (w *world) once(id string, f map[string]any, newest map[string]*said, known map[string]bool) {
	for _, typ := range synced {
		list, _ := f[typ].([]any)
		for _, item := range list {
			doc, _ := item.(map[string]any)
			at, _ := doc["id"].(string)
			if typ == "assignments" {
				if s := newest[at]; s != nil && doc["agent_remark"] != s.Fields["agent_remark"] &&
					!w.isLater(at, doc["agent_remark"], s.Mid) {
					w.book.fault("lost", "assignment %s was acknowledged with %q, and has %q at revision %v; its patches:%s", at,
						s.Fields["agent_remark"], doc["agent_remark"], doc["rev"], w.patches(at))
				}
			} else if typ != "cases" && typ != "policy" && !known[at] {
				w.book.fault("ghosts", "%s/%s of case %s was sent by no phone", typ, at, id)
			}
		}
	}
}

// isLater tells whether a remark is that of an acknowledged patch which was written later than another. A backup may
// have it though it counts as excused: it was answered again after an earlier restore of the same backup.
func (w *world) isLater(id string, remark any, than string) bool {
	for mid, s := range w.book.said {
		if s.Type == "assignments" && s.ID == id && s.Fields["agent_remark"] == remark && mid > than && settled(s.status) {
			return true
		}
	}
	return false
}

// patches tells what phones said of an assignment, in the order of the mids.
func (w *world) patches(id string) string {
	var mids []string
	for mid, s := range w.book.said {
		if s.Type == "assignments" && s.ID == id {
			mids = append(mids, mid)
		}
	}
	slices.Sort(mids)
	out := ""
	for _, mid := range mids {
		s := w.book.said[mid]
		out += fmt.Sprintf("\n  %s of %s, %v on revision %d: %s %s, in epoch %s since %s, behind %t, excused %t", mid,
			s.agent, s.Fields, s.Base, s.status, s.code, s.epoch, s.since.Format(time.StampMilli), s.behind, s.excused)
	}
	return out
}

// quarantine lists the ids and the mids of what is in the branch's quarantine: what waits, and what there is nothing to
// do about, such as drafts.
func (w *world) quarantine(ctx context.Context) (map[string]bool, error) {
	kept := map[string]bool{}
	for _, state := range []string{"open", "dismissed"} {
		if err := w.quarantineIn(ctx, state, kept); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func (w *world) quarantineIn(ctx context.Context, state string, kept map[string]bool) error {
	for next := ""; ; {
		var page struct {
			Items []struct {
				ID  string `json:"id"`
				Mid string `json:"mid"`
			} `json:"items"`
			Next string `json:"next_cursor"`
		}
		if err := w.day.Admin.Do(ctx, http.MethodGet, "/v1/quarantine?limit=500&state="+state+"&branch="+
			w.day.Branch+"&cursor="+url.QueryEscape(next), nil, &page); err != nil {
			return err
		}
		for _, q := range page.Items {
			kept[q.ID], kept[q.Mid] = true, true
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

// quarantined says so if what was refused is not in the quarantine.
func (w *world) quarantined(ctx context.Context) error {
	kept, err := w.quarantine(ctx)
	if err != nil {
		return err
	}
	for _, s := range w.book.said {
		if !s.excused && refused(s.status) && !kept[s.quarantine] {
			w.book.fault("quarantine", "%s %s/%s was answered %s %s, and its quarantine %q is not listed", s.Mid, s.Type, s.ID,
				s.status, s.code, s.quarantine)
		}
	}
	return nil
}

// audited verifies the exports and that the heads signed on the way are of this log.
func (w *world) audited(ctx context.Context) error {
	if err := w.office.export(ctx); err != nil {
		return err
	}
	ids, err := visitsIn(w.exports[len(w.exports)-1])
	if err != nil {
		return err
	}
	exported := map[string]int{}
	for _, id := range ids {
		exported[id]++
	}
	sent := map[string]bool{}
	for _, s := range w.book.said {
		if s.Type != "visits" {
			continue
		}
		sent[s.ID] = true
		if !s.excused && settled(s.status) && exported[s.ID] != 1 {
			w.book.fault("lost", "visit %s was answered %s, and is exported %d times", s.ID, s.status, exported[s.ID])
		}
	}
	for id, n := range exported {
		if n > 1 {
			w.book.fault("doubled", "visit %s is exported %d times", id, n)
		}
		if !sent[id] {
			w.book.fault("ghosts", "visit %s is exported, and no phone sent it", id)
		}
	}
	if n := len(w.exports); n > 1 {
		_, err := w.nodes[0].run(ctx, "verify", "--key", w.nodes[0].key, "--since", w.exports[n-1], w.exports[0])
		if err == nil {
			w.book.fault("audit", "verify takes an old export for one that follows a new one")
		}
	}
	heads := w.heads
	w.office.head(ctx)
	now := w.heads[len(w.heads)-1]
	for _, old := range heads {
		var p struct {
			Hashes []string `json:"hashes"`
		}
		if old.Size == now.Size && old.Root == now.Root {
			continue
		}
		if err := w.day.Auditor.Do(ctx, http.MethodGet, fmt.Sprintf("/v1/audit/proof?branch=%s&from=%d&size=%d",
			w.day.Branch, old.Size, now.Size), nil, &p); err != nil {
			return err
		}
		var proof tlog.TreeProof
		for _, h := range p.Hashes {
			proof = append(proof, hash(h))
		}
		if err := tlog.CheckTree(proof, now.Size, hash(now.Root), old.Size, hash(old.Root)); err != nil {
			w.book.fault("audit", "the log of %d entries that was signed is no beginning of that of %d: %v", old.Size, now.Size,
				err)
		}
	}
	return nil
}

func hash(text string) (h tlog.Hash) {
	b, _ := base64.StdEncoding.DecodeString(text) // one that is not a hash proves nothing
	copy(h[:], b)
	return h
}
