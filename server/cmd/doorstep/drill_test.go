package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/server/audit"
	"doorstep/server/play"
)

// TestARestoreDrill backs up the real program while phones push, lets them push on, erases a debtor, and restores the
// backup. The phones come back with what they keep. In the end nothing that was acknowledged is lost or doubled, the
// debtor is erased, phones and server agree, and the exports of before and after verify and tell of the restore.
func TestARestoreDrill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	root := t.TempDir()
	c := &child{t: t, binary: build(t), data: filepath.Join(root, "data"), began: time.Now()}
	command := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(ctx, c.binary, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("doorstep %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	c.start(ctx)
	day := openedDay(ctx, t, c.url)
	// In the evening the phones have the whole day in their queues.
	c.stop()
	c.began = c.began.Add(-13 * time.Hour)
	c.start(ctx)
	moved := func() {
		t.Helper()
		day.Base, day.Admin.Base, day.Auditor.Base = c.url, c.url, c.url
		for _, p := range day.Phones {
			p.Base = c.url
		}
	}
	now := func() string {
		return time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC).Add(time.Since(c.began)).Format(time.RFC3339Nano)
	}
	moved()
	noError(t, day.SignInAgain(ctx))
	visits, err := day.VisitAll(rand.New(rand.NewPCG(killSeed, 1)))
	noError(t, err)
	written := map[string]play.Mutation{}
	for _, p := range day.Phones {
		p.Batch = 5
		for _, m := range p.Queue {
			written[m.Mid] = m
		}
	}
	// some sends a part of what the phones have in their queues.
	some := func(part int) {
		t.Helper()
		for _, p := range day.Phones {
			rest := slices.Clone(p.Queue[len(p.Queue)/part:])
			p.Queue = p.Queue[:len(p.Queue)/part]
			noError(t, p.Push(ctx, nil))
			p.Queue = rest
		}
	}
	some(4)
	backup, keys := filepath.Join(root, "day.bak"), filepath.Join(root, "day.keys")
	made := make(chan error, 1)
	go func() {
		out, err := exec.CommandContext(ctx, c.binary, "backup", backup, "--keys", keys, "--data", c.data,
			"--now", now()).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		made <- err
	}()
	some(3)
	noError(t, <-made)
	// What follows is in no backup.
	for range 3 {
		some(2)
	}
	some(1)
	for _, p := range day.Phones {
		if bad := p.Tally["rejected"] + p.Tally["conflict"] + p.Tally["revoked"]; bad > 0 || len(p.Queue) > 0 {
			t.Errorf("the first answers to %s are %v", p.Agent, p.Tally)
		}
	}
	gone := eraseUnvisited(ctx, t, day, written)
	before := exportTo(ctx, t, day, filepath.Join(root, "before.ndjson"), c.key)
	if before.Manifest.Visits != visits {
		t.Errorf("%d visits were acknowledged, %d are exported", visits, before.Manifest.Visits)
	}
	c.stop()
	said := command("restore", backup, "--keys", keys, "--data", c.data, "--force", "--now", now())
	t.Logf("restored:\n%s", said)

	c.start(ctx)
	moved()
	lost := 0
	for _, p := range day.Phones {
		if _, err := p.Pull(ctx); err == nil {
			t.Fatalf("the session of %s outlived the restore", p.Agent)
		}
	}
	noError(t, day.SignInAgain(ctx))
	for _, p := range day.Phones {
		lost += offeredAgain(ctx, t, p)
	}
	if lost == 0 || lost == len(written) {
		t.Errorf("the backup lacked %d of %d mutations: the drill drills nothing", lost, len(written))
	}
	t.Logf("%d mutations were acknowledged; the backup lacked %d, which the phones brought again", len(written), lost)
	l := newLoad(t, day)
	l.converge(ctx)
	var file map[string]any
	noError(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+gone, nil, &file))
	if file["erased"] != true || file["debtor_name"] != nil {
		t.Errorf("the erased debtor is back: %v", file["debtor_name"])
	}
	after := exportTo(ctx, t, day, filepath.Join(root, "after.ndjson"), c.key)
	if after.Manifest.Visits != visits || !after.Manifest.Complete || len(after.Restores) != 1 {
		t.Errorf("%d visits were acknowledged, %d are exported after %d restores", visits, after.Manifest.Visits,
			len(after.Restores))
	}
	said = command("verify", "--key", c.key, "--since", filepath.Join(root, "before.ndjson"),
		filepath.Join(root, "after.ndjson"))
	if !strings.Contains(said, "from a backup that lacks the last") {
		t.Errorf("verify --since says %s", said)
	}
	back := exec.CommandContext(ctx, c.binary, "verify", "--key", c.key, "--since", filepath.Join(root, "after.ndjson"),
		filepath.Join(root, "before.ndjson"))
	if out, err := back.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("rolled back")) {
		t.Errorf("of a log that was rolled back verify says %s", out)
	}
	c.stop()
	c.fsck(ctx)
}

// offeredAgain has a phone pull after a restore: its cursor has expired, so it offers again what was acknowledged, and
// begins from 0. It returns how many of them the server had lost.
func offeredAgain(ctx context.Context, t *testing.T, p *play.Phone) (lost int) {
	t.Helper()
	epoch, offers := p.Epoch, p.Acknowledged()
	p.Tally = map[string]int{}
	_, err := p.Pull(ctx)
	noError(t, err)
	lost = p.Tally["applied"]
	if p.Epoch == epoch || lost+p.Tally["duplicate"] != offers {
		t.Errorf("%s offers %d mutations again, and they are answered %v", p.Agent, offers, p.Tally)
	}
	_, err = p.Pull(ctx)
	noError(t, err)
	return lost
}

// eraseUnvisited has two administrators erase the debtor of a case that no mutation is about, and returns the case.
func eraseUnvisited(ctx context.Context, t *testing.T, day *play.Day, written map[string]play.Mutation) string {
	t.Helper()
	var id string
	text, err := os.ReadFile(day.Cases)
	noError(t, err)
	about := map[any]bool{}
	for _, m := range written {
		about[m.Fields["case"]] = true
	}
	for _, row := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		cells := strings.Split(row, ",")
		if id = cells[1] + "." + cells[0]; !about[id] {
			break
		}
	}
	var file struct {
		Debtor string `json:"debtor"`
	}
	noError(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &file))
	noError(t, day.Admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "second", "login": "second",
		"name": "Second", "password": killPassword, "keep_password": true, "role": "admin"}, nil))
	second := &play.Client{Base: day.Base, HTTP: day.HTTP}
	noError(t, second.SignIn(ctx, "second", killPassword, ""))
	var asked struct {
		ID string `json:"erasure_id"`
	}
	path := "/v1/debtors/" + file.Debtor + "/erase"
	noError(t, day.Admin.Do(ctx, http.MethodPost, path, map[string]any{"reason": "request"}, &asked))
	noError(t, second.Do(ctx, http.MethodPost, path+"/"+asked.ID+"/confirm", nil, nil))
	return id
}

// exportTo exports the visits to a file and verifies them.
func exportTo(ctx context.Context, t *testing.T, day *play.Day, path, key string) audit.Report {
	t.Helper()
	text, err := day.Export(ctx, "ndjson")
	noError(t, err)
	noError(t, os.WriteFile(path, text, 0o600))
	r, err := audit.Verify(bytes.NewReader(text), key)
	noError(t, err)
	return r
}
