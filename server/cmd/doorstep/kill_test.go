package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/audit"
	"doorstep/server/play"
	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// killSeed is the seed of the instants of the kills and of the load; change it to try others.
const killSeed = 20261125

const killPassword = "a-password-of-the-tests"

// TestKilledTwentyTimesLosesNothingAcknowledged runs the real program under load,
// kills it (SIGKILL) at random instants, starts it again on the same folder, and
// records every answer in the test's process. Callers send again, under the same ids,
// whatever got no answer. In the end each acknowledged change is stored exactly once,
// with the acknowledged values; every request gets the same answer again; cursors never
// went back; replicas agree with their manifests; fsck is clean; and every checkpoint
// signed on the way is a prefix of the last tree.
func TestKilledTwentyTimesLosesNothingAcknowledged(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 5
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	c := &child{t: t, binary: build(t), data: filepath.Join(t.TempDir(), "data"), began: time.Now()}
	c.start(ctx)
	l := newLoad(t, openedDay(ctx, t, c.url))
	killed(ctx, t, l, kills, c)
	if !t.Failed() && !testing.Short() && (l.book.kept == 0 || len(l.book.mutations) < 500) {
		t.Errorf("the load was too small: %d mutations", len(l.book.mutations))
	}
}

// killed sends the load to the nodes, kills the first node repeatedly, and checks what is stored.
func killed(ctx context.Context, t *testing.T, l *load, kills int, nodes ...*child) {
	t.Helper()
	for n, c := range nodes {
		l.gate.open(n, c.url)
	}
	later := l.day.HTTP.Transport
	l.day.HTTP.Transport = nil // under load, what gets no answer is sent to the other node
	l.run(ctx)
	c := nodes[0]
	r := rand.New(rand.NewPCG(killSeed, 1))
	for n := 1; n <= kills; n++ {
		// Wait for some answers, so that the load has begun, and then for a random time.
		answers, wait := 10+r.IntN(50), time.Duration(r.IntN(30_000))*time.Microsecond
		l.hear(ctx, answers)
		pause(ctx, wait)
		l.gate.close(0)
		c.kill()
		said := ""
		if r.IntN(4) == 0 {
			// Kill it once more while it starts.
			wait := time.Duration(r.IntN(300_000)) * time.Microsecond
			c.launch(ctx)
			pause(ctx, wait)
			c.kill()
			said = fmt.Sprintf(", and %v into the next start", wait)
		}
		t.Logf("kill %d: after %d answers and %v%s", n, answers, wait, said)
		if n%5 == 0 {
			c.fsck(ctx)
		}
		c.start(ctx)
		l.gate.open(0, c.url)
	}
	l.hear(ctx, 50)
	l.finish()
	if t.Failed() {
		return
	}
	l.base, l.day.HTTP.Transport = c.url, later
	before := l.checkpoint(ctx)
	l.replay(ctx)
	if after := l.checkpoint(ctx); after.Root != before.Root {
		t.Errorf("sending again what was answered grew the journal from %d to %d entries", before.Size, after.Size)
	}
	for _, c := range nodes {
		l.base = c.url
		l.converge(ctx)
		l.contents(ctx)
		l.proofs(ctx, c.key)
	}
	if len(nodes) > 1 {
		heardElsewhere(ctx, t, l, nodes[0], nodes[1])
	}
	for _, c := range nodes {
		c.stop()
	}
	c.fsck(ctx)
	l.journal(ctx, c)
	l.summary()
}

// openedDay returns the demo's city with its round published, so that phones have assignments.
func openedDay(ctx context.Context, t *testing.T, url string) *play.Day {
	t.Helper()
	day, err := play.City(t.TempDir())
	noError(t, err)
	day.Date = "2026-11-25"
	imported(ctx, t, url, day)
	noError(t, day.Plan(ctx, nil))
	published(ctx, t, day)
	return day
}

// imported imports a day's files and makes its teams.
func imported(ctx context.Context, t *testing.T, url string, day *play.Day) {
	t.Helper()
	day.Base, day.HTTP, day.Password = url, cmp.Or(day.HTTP, &http.Client{}), killPassword
	day.TimeLimitS, day.Seed, day.TeamsPerTerritory = 1, 1, 1
	noError(t, day.SetUp(ctx))
	for _, im := range [][2]string{{"territories", day.Territories}, {"cases", day.Cases}, {"contacts", day.Contacts}} {
		_, err := day.Import(ctx, im[0], im[1])
		noError(t, err)
	}
	noError(t, day.MakeTeams(ctx))
}

// published publishes a day's round, and has the phones pull it.
func published(ctx context.Context, t *testing.T, day *play.Day) {
	t.Helper()
	noError(t, day.Publish(ctx, nil))
	_, err := day.PullAll(ctx)
	noError(t, err)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pause waits for a random time until a kill; it does not wait for a condition.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// replay sends everything acknowledged once more: each answer must be the same as before.
func (l *load) replay(ctx context.Context) {
	for _, p := range l.phones {
		var sent []play.Mutation
		for _, m := range l.book.mutations {
			if m.phone == p {
				sent = append(sent, m.Mutation)
			}
		}
		p.Base = l.base
		for from := 0; from < len(sent); from += play.PushSize {
			batch := sent[from:min(from+play.PushSize, len(sent))]
			results, err := l.pushOnce(ctx, p, batch)
			noError(l.t, err)
			for i, r := range results {
				first := l.book.mutations[batch[i].Mid].Result
				want := first.Status
				if want == "applied" {
					want = "duplicate"
				}
				if r.Status != want || r.Code != first.Code || r.Quarantine != first.Quarantine {
					l.t.Errorf("%s %s/%s was answered %s %s %s, and again %s %s %s", r.Mid, r.Type, r.ID,
						first.Status, first.Code, first.Quarantine, r.Status, r.Code, r.Quarantine)
				}
			}
		}
	}
	for _, k := range l.book.calls {
		var again map[string]any
		noError(l.t, l.callOnce(ctx, l.base, k, &again))
		if !reflect.DeepEqual(again, k.answer) {
			l.t.Errorf("%s %s was answered %v, and again %v", k.key, k.path, k.answer, again)
		}
	}
	for _, line := range l.book.lines {
		var rep play.ImportReport
		l.admin.Base = l.base
		noError(l.t, l.admin.Send(ctx, http.MethodPost, "/v1/imports/cases?branch="+l.day.Branch, "text/csv",
			strings.NewReader(l.head+line.text), &rep))
		if rep.Unchanged != 1 {
			l.t.Errorf("case %s was imported with %d due, and sending it again does %+v", line.ref, line.due, rep)
		}
	}
}

// converge compares the records each phone pulled between the kills, and those a new
// phone pulls, with the manifest.
func (l *load) converge(ctx context.Context) {
	for _, p := range l.phones {
		fresh := play.NewPhone(l.base, p.Agent, p.Device, l.day.HTTP)
		fresh.Client = p.Client
		_, err := fresh.Pull(ctx)
		noError(l.t, err)
		l.pull(ctx, p, l.base)
		for _, typ := range []string{"assignments", "cases", "visits", "visit_notes", "consents", "plans",
			"payments_reported", "drafts", "policy"} {
			var m struct {
				Epoch   string   `json:"epoch"`
				Records [][2]any `json:"records"`
			}
			noError(l.t, p.Do(ctx, http.MethodGet, "/sync/v1/manifest?type="+typ, nil, &m))
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
					l.t.Errorf("%s of %s holds %d %s, the manifest lists %d, and they differ", what, p.Agent, len(got), typ, len(want))
				}
			}
			if old, anew := timeless(l.t, p.Docs[typ]), timeless(l.t, fresh.Docs[typ]); !reflect.DeepEqual(old, anew) {
				l.t.Errorf("%s: the %s of the old and of the new replica differ", p.Agent, typ)
			}
		}
	}
}

// timeless are documents without the instant as of which a case card was made.
func timeless(t *testing.T, docs map[string]json.RawMessage) map[string]any {
	t.Helper()
	out := map[string]any{}
	for id, raw := range docs {
		var doc map[string]any
		noError(t, json.Unmarshal(raw, &doc))
		if door, ok := doc["door"].(map[string]any); ok {
			delete(door, "as_of")
		}
		out[id] = doc
	}
	return out
}

// contents reads every case file that was written to and compares it with what was acknowledged.
func (l *load) contents(ctx context.Context) {
	files := map[string]map[string]any{}
	file := func(ref string) map[string]any {
		if files[ref] == nil {
			var f map[string]any
			noError(l.t, l.admin.Do(ctx, http.MethodGet, "/v1/cases/"+ref, nil, &f))
			files[ref] = f
		}
		return files[ref]
	}
	l.admin.Base = l.base
	for _, line := range l.book.lines {
		if due := file(line.id)["amount_due_minor"]; due != float64(line.due) {
			l.t.Errorf("case %s was acknowledged with %d due, and has %v", line.ref, line.due, due)
		}
	}
	for _, m := range l.book.mutations {
		// No case file shows drafts: the phones have been compared.
		if m.Type == "assignments" || m.Type == "drafts" || !slices.Contains(settled, m.Result.Status) {
			continue
		}
		found := 0
		list, _ := file(m.Fields["case"].(string))[m.Type].([]any)
		for _, item := range list {
			doc := item.(map[string]any)
			if doc["id"] != m.ID {
				continue
			}
			found++
			for _, field := range []string{"text", "amount_minor", "reference", "outcome", "outcome_detail", "scope", "status",
				"total_minor"} {
				if want, sent := m.Fields[field]; sent && fmt.Sprint(doc[field]) != fmt.Sprint(asJSON(want)) {
					l.t.Errorf("%s/%s was acknowledged with %s %v, and has %v", m.Type, m.ID, field, want, doc[field])
				}
			}
		}
		if found != 1 {
			l.t.Errorf("%s/%s was acknowledged as %s, and is in its case file %d times", m.Type, m.ID, m.Result.Status, found)
		}
	}
	for id, last := range l.book.orders {
		for _, item := range file(last.ref)["assignments"].([]any) {
			if doc := item.(map[string]any); doc["id"] == id && doc["visit_order"] != float64(last.order) {
				l.t.Errorf("assignment %s was acknowledged at place %d, and stands at %v", id, last.order, doc["visit_order"])
			}
		}
	}
}

func asJSON(v any) (out any) {
	text, _ := json.Marshal(v)
	_ = json.Unmarshal(text, &out)
	return out
}

// proofs verifies the export, counts its visits, and checks a proof that every
// checkpoint signed on the way is a prefix of the last tree.
func (l *load) proofs(ctx context.Context, key string) {
	l.day.Auditor.Base = l.base
	file, err := l.day.Export(ctx, "ndjson")
	noError(l.t, err)
	report, err := audit.Verify(bytes.NewReader(file), key)
	noError(l.t, err)
	visits := 0
	for _, m := range l.book.mutations {
		if m.Type == "visits" && slices.Contains(settled, m.Result.Status) {
			visits++
		}
	}
	if report.Manifest.Visits != visits || !report.Manifest.Complete {
		l.t.Errorf("%d visits were acknowledged, %d are exported (complete: %v)", visits, report.Manifest.Visits,
			report.Manifest.Complete)
	}
	last := l.checkpoint(ctx)
	for _, old := range l.book.checkpoints {
		var p audit.Proof
		noError(l.t, l.day.Auditor.Do(ctx, http.MethodGet,
			fmt.Sprintf("/v1/audit/proof?branch=%s&from=%d&size=%d", l.day.Branch, old.Size, last.Size), nil, &p))
		proof := tlog.TreeProof{}
		for _, h := range p.Hashes {
			proof = append(proof, hashOf(l.t, h))
		}
		if err := tlog.CheckTree(proof, int64(last.Size), hashOf(l.t, last.Root), int64(old.Size),
			hashOf(l.t, old.Root)); err != nil {
			l.t.Errorf("the tree of %d entries that was signed is not a prefix of that of %d: %v", old.Size, last.Size, err)
		}
	}
}

func hashOf(t *testing.T, text string) (h tlog.Hash) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	noError(t, err)
	copy(h[:], b)
	return h
}

// journal reads the store of a stopped server: every acknowledged command has one run
// of entries, and every command in the journal was acknowledged.
func (l *load) journal(ctx context.Context, c *child) {
	store, err := server.JoinStore(ctx, c.data, c.mongoDB, true)
	noError(l.t, err)
	defer func() { noError(l.t, store.Close()) }()
	runs := map[string]int{}
	for p, err := range journal.Pages(ctx, store, auth.BranchID(l.day.Branch), 0) {
		noError(l.t, err)
		entries, err := p.Decode()
		noError(l.t, err)
		for _, e := range entries {
			if e.Part == 0 {
				runs[e.Command]++
			}
		}
	}
	acknowledged := map[string]string{}
	for mid, m := range l.book.mutations {
		acknowledged["m:"+m.phone.Agent+":"+mid] = m.Result.Status
	}
	for _, k := range l.book.calls {
		acknowledged["http:"+adminID(l.t, runs)+":"+k.key] = "answered"
	}
	for id, status := range acknowledged {
		if runs[id] != 1 {
			l.t.Errorf("command %s was acknowledged (%s) and is in the journal %d times", id, status, runs[id])
		}
	}
	for id, n := range runs {
		switch kind, _, _ := strings.Cut(id, ":"); kind {
		case "m":
			if _, known := acknowledged[id]; !known {
				l.t.Errorf("command %s is in the journal and was not acknowledged", id)
			}
		case "import":
			if n != 1 {
				l.t.Errorf("an imported line is in the journal %d times", n)
			}
		}
	}
}

// adminID finds the administrator's id in the command ids.
func adminID(t *testing.T, runs map[string]int) string {
	t.Helper()
	for id := range runs {
		if parts := strings.Split(id, ":"); parts[0] == "http" && strings.HasPrefix(parts[len(parts)-1], keyPrefix) {
			return parts[1]
		}
	}
	t.Fatal("no command of the supervisor is in the journal")
	return ""
}

func (l *load) summary() {
	tally := map[string]int{}
	for _, m := range l.book.mutations {
		tally[strings.TrimSpace(m.Type+" "+m.Result.Status+" "+m.Result.Code)]++
	}
	l.t.Logf("acknowledged: %v; %d calls, %d imported cases, %d refreshes, %d checkpoints; %d requests got no answer, %d of the mutations in them had been kept; %d were told to come again",
		tally, len(l.book.calls), len(l.book.lines), l.book.refreshes, len(l.book.checkpoints), l.book.unanswered,
		l.book.kept, l.book.later)
	if l.book.unanswered == 0 {
		l.t.Error("every request got an answer: nothing was killed under load")
	}
}

// settled are the statuses under which a record is kept.
var settled = []string{"applied", "duplicate"}
