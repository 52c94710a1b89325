package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/server/audit"
	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
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
	day := openedDay(ctx, t, c.url)
	l := newLoad(t, day)
	l.gate.open(c.url)
	l.run(ctx)
	r := rand.New(rand.NewPCG(killSeed, 1))
	for n := 1; n <= kills; n++ {
		// Wait for some answers, so that the load has begun, and then for a random time.
		answers, wait := 10+r.IntN(50), time.Duration(r.IntN(30_000))*time.Microsecond
		l.hear(ctx, answers)
		pause(ctx, wait)
		l.gate.close()
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
		l.gate.open(c.url)
	}
	l.hear(ctx, 50)
	l.finish()
	if t.Failed() {
		return
	}
	before := l.checkpoint(ctx)
	l.replay(ctx)
	if after := l.checkpoint(ctx); after.Root != before.Root {
		t.Errorf("sending again what was answered grew the journal from %d to %d entries", before.Size, after.Size)
	}
	l.converge(ctx)
	l.contents(ctx)
	l.proofs(ctx, c.key)
	c.stop()
	c.fsck(ctx)
	l.journal(ctx, c.data)
	l.summary()
}

// programFolder is where the program is built for the tests that run it as a process.
var programFolder string

func TestMain(m *testing.M) {
	var err error
	if programFolder, err = os.MkdirTemp("", "doorstep-program-"); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(programFolder)
	os.Exit(status)
}

// program builds the program as it is shipped. All tests share it, because linking takes seconds.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "doorstep")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// build returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	path, err := program()
	noError(t, err)
	return path
}

// child is a running process of the program.
type child struct {
	t            *testing.T
	binary, data string
	began        time.Time
	cmd          *exec.Cmd
	out          io.Reader
	errs         *bytes.Buffer
	url, key     string
}

var childSays = regexp.MustCompile(`answers at (\S+); the audit's public key is (\S+)`)

// launch starts the process without waiting for it to answer. Its clock continues from the last process's.
func (c *child) launch(ctx context.Context) {
	c.t.Helper()
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC).Add(time.Since(c.began))
	c.cmd = exec.CommandContext(ctx, c.binary, "serve", "--listen", "127.0.0.1:0", "--data", c.data, "--now",
		now.Format(time.RFC3339Nano))
	c.cmd.Env = append(os.Environ(), "DOORSTEP_ADMIN_PASSWORD="+killPassword)
	c.errs = &bytes.Buffer{}
	c.cmd.Stderr = c.errs
	out, err := c.cmd.StdoutPipe()
	noError(c.t, err)
	c.out = out
	noError(c.t, c.cmd.Start())
	c.t.Cleanup(func() { _ = c.cmd.Process.Kill() })
}

func (c *child) start(ctx context.Context) {
	c.t.Helper()
	c.launch(ctx)
	lines := bufio.NewScanner(c.out)
	for lines.Scan() {
		if m := childSays.FindStringSubmatch(lines.Text()); m != nil {
			if c.key != "" && c.key != m[2] {
				c.t.Fatalf("the audit's key was %s and is %s", c.key, m[2])
			}
			c.url, c.key = m[1], m[2]
			return
		}
	}
	_ = c.cmd.Wait()
	c.t.Fatalf("the server does not start on what the killed one left: %s", c.errs)
}

func (c *child) kill() {
	c.t.Helper()
	noError(c.t, c.cmd.Process.Kill())
	if err := c.cmd.Wait(); err == nil || c.cmd.ProcessState.Exited() {
		c.t.Fatalf("the server ended by itself before it was killed: %v\n%s", c.cmd.ProcessState, c.errs)
	}
	if s := c.errs.String(); strings.Contains(s, "panic") || strings.Contains(s, "level=ERROR") {
		c.t.Errorf("the killed server had said: %s", s)
	}
}

func (c *child) stop() {
	c.t.Helper()
	noError(c.t, c.cmd.Process.Signal(os.Interrupt))
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("a graceful stop: %v\n%s", err, c.errs)
	}
}

func (c *child) fsck(ctx context.Context) {
	c.t.Helper()
	out, err := exec.CommandContext(ctx, c.binary, "fsck", "--data", c.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "clean") {
		c.t.Errorf("fsck: %v\n%s", err, out)
	}
}

// openedDay returns the demo's city with its round published, so that phones have assignments.
func openedDay(ctx context.Context, t *testing.T, url string) *play.Day {
	t.Helper()
	day, err := play.City(t.TempDir())
	noError(t, err)
	day.Base, day.HTTP, day.Password, day.Date = url, &http.Client{}, killPassword, "2026-11-25"
	day.TimeLimitS, day.Seed, day.TeamsPerTerritory = 1, 1, 1
	noError(t, day.SetUp(ctx))
	for _, im := range [][2]string{{"territories", day.Territories}, {"cases", day.Cases}, {"contacts", day.Contacts}} {
		_, err := day.Import(ctx, im[0], im[1])
		noError(t, err)
	}
	noError(t, day.MakeTeams(ctx))
	noError(t, day.Plan(ctx, nil))
	noError(t, day.Publish(ctx, nil))
	_, err = day.PullAll(ctx)
	noError(t, err)
	return day
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
		noError(l.t, l.callOnce(ctx, l.gate.url, k, &again))
		if !reflect.DeepEqual(again, k.answer) {
			l.t.Errorf("%s %s was answered %v, and again %v", k.key, k.path, k.answer, again)
		}
	}
	for _, line := range l.book.lines {
		var rep play.ImportReport
		l.admin.Base = l.gate.url
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
		fresh := play.NewPhone(l.gate.url, p.Agent, p.Device, l.day.HTTP)
		fresh.Client = p.Client
		_, err := fresh.Pull(ctx)
		noError(l.t, err)
		l.pull(ctx, p, l.gate.url)
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
	l.admin.Base = l.gate.url
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
	l.day.Auditor.Base = l.gate.url
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

// journal reads the store of the stopped server: every acknowledged command has one run
// of entries, and every command in the journal was acknowledged.
func (l *load) journal(ctx context.Context, data string) {
	store, err := sqlitestore.Open(ctx, data, server.Indexes())
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
		tally[m.Type+" "+m.Result.Status]++
	}
	l.t.Logf("acknowledged: %v; %d calls, %d imported cases, %d refreshes, %d checkpoints; %d requests got no answer, %d of the mutations in them had been kept",
		tally, len(l.book.calls), len(l.book.lines), l.book.refreshes, len(l.book.checkpoints), l.book.unanswered,
		l.book.kept)
	if l.book.unanswered == 0 || !testing.Short() && (l.book.kept == 0 || len(l.book.mutations) < 500) {
		l.t.Errorf("the load was too small: %d mutations", len(l.book.mutations))
	}
}

// settled are the statuses under which a record is kept.
var settled = []string{"applied", "duplicate"}
