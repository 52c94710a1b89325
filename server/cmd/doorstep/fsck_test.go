package main

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
)

// rebuild and fsck run as processes of their own beside a running server that goes on
// taking imports, and then without a server.
func TestRebuildAndFsckBesideARunningServer(t *testing.T) {
	ctx := context.Background()
	c := &child{t: t, binary: build(t), data: t.TempDir(), began: time.Now()}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(ctx, c.binary, append(args, "--data", c.data)...).CombinedOutput()
		if err != nil {
			t.Errorf("doorstep %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	c.start(ctx)
	day, err := play.City(t.TempDir())
	noError(t, err)
	day.Base, day.HTTP, day.Password, day.Date = c.url, &http.Client{}, killPassword, "2026-11-25"
	noError(t, day.SetUp(ctx))
	for _, im := range [][2]string{{"territories", day.Territories}, {"cases", day.Cases}} {
		_, err := day.Import(ctx, im[0], im[1])
		noError(t, err)
	}
	cases := func() (n int) {
		t.Helper()
		var list struct{ Items []any }
		noError(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases?limit=500&branch="+day.Branch, nil, &list))
		return len(list.Items)
	}
	before := cases()
	imported := make(chan error, 1)
	go func() {
		_, err := day.Import(ctx, "contacts", day.Contacts)
		imported <- err
	}()
	said := run("rebuild")
	for _, view := range []string{"records", "feeds", "receipts", "tiles"} {
		if !strings.Contains(said, "branch "+day.Branch+": view "+view+" is rebuilt") {
			t.Errorf("rebuild says nothing of %s: %s", view, said)
		}
	}
	noError(t, <-imported)
	if after := cases(); before == 0 || after != before {
		t.Errorf("%d cases are listed after the rebuild, %d before", after, before)
	}
	if said := run("fsck"); !strings.Contains(said, "branch "+day.Branch+": clean") {
		t.Errorf("fsck beside the server: %s", said)
	}
	c.stop()
	run("rebuild", "--view", "feeds", "--branch", day.Branch)
	if said := run("fsck"); !strings.Contains(said, "branch "+day.Branch+": clean") {
		t.Errorf("fsck without a server: %s", said)
	}
	if out, err := exec.CommandContext(ctx, c.binary, "rebuild", "--view", "nothing", "--data",
		c.data).CombinedOutput(); err == nil || !strings.Contains(string(out), "the views are records, feeds, receipts") {
		t.Errorf("a view that is not there: %v, %s", err, out)
	}
}
