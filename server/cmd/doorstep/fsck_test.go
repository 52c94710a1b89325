package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
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
	c.damage(ctx, day.Branch)
	run("rebuild")
	if said := run("fsck"); !strings.Contains(said, "branch "+day.Branch+": clean") {
		t.Errorf("fsck after the damage was mended: %s", said)
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

// damage changes rows of the views behind the running server's back, and expects fsck to
// end with 1 and to name each change.
func (c *child) damage(ctx context.Context, branch string) {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.data, sqlitestore.FileName)+"?_pragma=busy_timeout(10000)")
	noError(c.t, err)
	defer func() { noError(c.t, db.Close()) }()
	// Each statement is about one row of the branch: the first one, or the last, that a live view has.
	row := func(table, order string) string {
		return fmt.Sprintf("(SELECT r.rowid FROM %s r JOIN views v ON v.branch = r.branch AND v.gen = r.gen AND "+
			"v.state = 'live' WHERE r.branch = '%s' ORDER BY %s LIMIT 1)", table, branch, order)
	}
	for _, q := range []string{
		"DELETE FROM records WHERE rowid = " + row("records", "r.n"),
		"INSERT INTO records SELECT branch, gen, type, 'foreign', n, rev, no, deleted, body FROM records WHERE rowid = " +
			row("records", "r.n DESC"),
		"DELETE FROM found WHERE (branch, ix) = ('" + branch + "', 'contacts/debtor')",
		"DELETE FROM receipts WHERE (branch, n) = (SELECT branch, min(n) FROM receipts WHERE branch = '" + branch + "')",
		"INSERT INTO receipts SELECT branch, gen, 'foreign', n, said, body FROM receipts WHERE branch = '" + branch +
			"' ORDER BY n DESC LIMIT 1",
		"INSERT INTO feeds SELECT branch, gen, 'b:foreign', 'cases', 'foreign', w * 1024 FROM views WHERE branch = '" +
			branch + "' AND view = 'feeds' AND state = 'live'",
	} {
		res, err := db.ExecContext(ctx, q)
		noError(c.t, err)
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			c.t.Fatalf("%s changes nothing: %v", q, err)
		}
	}
	out, err := exec.CommandContext(ctx, c.binary, "fsck", "--data", c.data).CombinedOutput()
	if exit, is := err.(*exec.ExitError); !is || exit.ExitCode() != 1 {
		c.t.Errorf("fsck of a damaged store beside its server: %v\n%s", err, out)
	}
	for _, want := range []string{"the view records lacks ", "records holds a foreign document ",
		"the index debtor lacks it", "the receipt of its command is missing", "the receipt of command foreign is foreign",
		"feed b:foreign has a foreign row for cases/foreign"} {
		if !strings.Contains(string(out), want) {
			c.t.Errorf("fsck does not say %q:\n%.3000s", want, out)
		}
	}
}
