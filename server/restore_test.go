package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth/keyfile"
	"doorstep/server/audit"
	"doorstep/server/backup"
	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// backedUp backs up a data folder, keys included, calls a function between the two copies, and returns the options of
// a restore of it into that folder.
func backedUp(t *testing.T, data string, between func()) RestoreOptions {
	t.Helper()
	to := t.TempDir()
	o := RestoreOptions{Data: data, File: filepath.Join(to, "data.bak"), Keys: filepath.Join(to, "keys.bak"), Over: true}
	_, err := Backup(context.Background(), BackupOptions{Data: data, File: o.File, Keys: o.Keys, Version: "test",
		between: between})
	ok(t, err)
	left, err := os.ReadDir(to)
	ok(t, err)
	for _, e := range left {
		if !slices.Contains([]string{"data.bak", "data.bak" + backup.TreeSuffix, "keys.bak"}, e.Name()) {
			t.Errorf("the backup left %s", e.Name())
		}
	}
	return o
}

// TestJ13ARestoredBackupIsANewEpoch backs up a running server, lets it go on, and restores the backup.
func TestJ13ARestoredBackupIsANewEpoch(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	s, admin, second := twoAdmins(t, Config{Data: data})
	phone := play.NewPhone(s.URL(), "ann", "ann-phone", admin.HTTP)
	ok(t, phone.SignIn(ctx, "ann", adminPassword, phone.Device))
	_, err := phone.Pull(ctx)
	ok(t, err)
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "aud", "login": "aud", "name": "Aud",
		"password": adminPassword, "keep_password": true, "role": "auditor", "branches": []string{"north"}}, nil))
	imported := func(n string) {
		t.Helper()
		line := strings.NewReplacer("C1,L1", "C"+n+",L1", "D1,", "D"+n+",").Replace(oneCase)
		ok(t, admin.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv", strings.NewReader(line), nil))
	}
	imported("2")
	auditor := &play.Client{Base: s.URL(), HTTP: admin.HTTP}
	exported := func() audit.Report {
		t.Helper()
		ok(t, auditor.SignIn(ctx, "aud", adminPassword, ""))
		var file bytes.Buffer
		ok(t, auditor.Do(ctx, http.MethodGet, "/v1/audit/visits", nil, &file))
		r, err := audit.Verify(&file, s.AuditKey())
		ok(t, err)
		return r
	}
	// The erased debtor has a hold, of which a view has a row that comes from what is sealed.
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/cases/L1.C1/holds", map[string]any{"kind": "stop"}, nil))
	before := exported()
	// The debtor who comes between the copies has a key that is in the later one, and no entry in the earlier one.
	o := backedUp(t, data, func() { imported("4") })
	// What follows is not in the backup.
	imported("3")
	var asked erasureAnswer
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase", map[string]any{"reason": "request"}, &asked))
	ok(t, second.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase/"+asked.ID+"/confirm", nil, nil))
	after := exported()
	if r := audit.Compare(before, after); r.Kind != audit.KindGrown {
		t.Errorf("the log that went on is %q", r.Kind)
	}
	if _, err := Restore(ctx, o); err == nil || !strings.Contains(err.Error(), "in use by another doorstep") {
		t.Errorf("restored under a running server: %v", err)
	}
	s.stop()
	o.Checkpoints = []string{after.Head.Note}
	rep, err := Restore(ctx, o)
	ok(t, err)
	if len(rep.Branches) != 2 || rep.Erased != 1 || rep.Sessions < 3 || rep.Aside == "" {
		t.Errorf("the restore reports %+v", rep)
	}

	s = run(t, Config{Data: data})
	admin.Base, auditor.Base, phone.Base = s.URL(), s.URL(), s.URL()
	if err := admin.Do(ctx, http.MethodGet, "/v1/branches", nil, nil); play.CodeOf(err) != "auth.token_invalid" &&
		play.CodeOf(err) != "auth.session_ended" {
		t.Errorf("a session of before the restore goes on: %v", err)
	}
	if err := phone.Do(ctx, http.MethodGet, "/sync/v1/pull", nil, nil); err == nil {
		t.Error("a phone's session of before the restore goes on")
	}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	ok(t, phone.SignIn(ctx, "ann", adminPassword, phone.Device))
	was, at := phone.Epoch, phone.Cursor
	old := fmt.Sprintf("/sync/v1/pull?epoch=%s&after=%d", was, at)
	if err := phone.Do(ctx, http.MethodGet, old, nil, nil); play.CodeOf(err) != "cursor_expired" {
		t.Errorf("a cursor of the old epoch: %v", err)
	}
	_, err = phone.Pull(ctx)
	ok(t, err)
	if phone.Epoch == was || phone.Cursor < at+1<<40 {
		t.Errorf("the feed went from %s at %d to %s at %d", was, at, phone.Epoch, phone.Cursor)
	}
	for id, want := range map[string]string{"1": "erased", "2": "open", "3": "case.not_found", "4": "case.not_found"} {
		var file map[string]any
		got := play.CodeOf(admin.Do(ctx, http.MethodGet, "/v1/cases/L1.C"+id, nil, &file))
		if file["erased"] == true && file["debtor_name"] == nil {
			got = "erased"
		} else if file["debtor_name"] == "Secret Name" {
			got = fmt.Sprint(file["status"])
		}
		if got != want {
			t.Errorf("case %s is %s, want %s", id, got, want)
		}
	}
	restored := exported()
	for _, c := range []struct {
		older, newer audit.Report
		want         string
		lost         uint64
	}{
		{before, restored, audit.KindRestored, 0},
		{after, restored, audit.KindLost, after.Head.Size - restored.Restores[0].Size},
		{restored, restored, audit.KindGrown, 0},
		{after, before, audit.KindRolledBack, 0},
		{restored, after, audit.KindRolledBack, 0},
	} {
		if r := audit.Compare(c.older, c.newer); r.Kind != c.want || r.Lost != c.lost {
			t.Errorf("%s at %d, then %s at %d: %q with %d lost, want %q with %d", c.older.Head.Origin, c.older.Head.Size,
				c.newer.Head.Origin, c.newer.Head.Size, r.Kind, r.Lost, c.want, c.lost)
		}
	}
	last := restored.Restores[0]
	if last.Checkpoint != after.Head.Note || last.Before != "1" || last.Entry != last.Size+1 || last.NoErasures {
		t.Errorf("the restore is told as %+v", last)
	}
	var cp audit.Checkpoint
	ok(t, auditor.Do(ctx, http.MethodGet, "/v1/audit/checkpoint", nil, &cp))
	if len(cp.Restores) != 1 || !strings.HasPrefix(cp.Note, "doorstep/north/"+last.Epoch+"\n") {
		t.Errorf("the checkpoint is %+v", cp)
	}
	s.stop()
	checkClean(t, data)
}

// A restore that cannot be right is refused with a sentence, and nothing is touched.
func TestARestoreIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	data := filepath.Join(root, "data")
	s, admin, second := twoAdmins(t, Config{Data: data})
	early := backedUp(t, data, nil)
	var asked erasureAnswer
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase", map[string]any{"reason": "request"}, &asked))
	ok(t, second.Do(ctx, http.MethodPost, "/v1/debtors/L1.D1/erase/"+asked.ID+"/confirm", nil, nil))
	late := backedUp(t, data, nil)
	s.stop()
	other := filepath.Join(root, "other")
	s = run(t, Config{Data: other})
	foreign := backedUp(t, other, nil)
	s.stop()
	was := tree(t, root)
	empty := filepath.Join(root, "empty")
	oldList := filepath.Join(t.TempDir(), "old.jsonl")
	ok(t, os.WriteFile(oldList, nil, 0o600))
	with := func(o RestoreOptions, change func(o *RestoreOptions)) RestoreOptions { change(&o); return o }
	for name, c := range map[string]struct {
		o    RestoreOptions
		want string
	}{
		"over data":          {with(late, func(o *RestoreOptions) { o.Over = false }), "holds data already (doorstep.db)"},
		"keys in its place":  {with(late, func(o *RestoreOptions) { o.File = o.Keys }), "holds the keys of a backup"},
		"data for keys":      {with(late, func(o *RestoreOptions) { o.Keys = o.File }), "holds the data of a backup"},
		"the database":       {with(late, func(o *RestoreOptions) { o.File = data + "/doorstep.db" }), "was copied"},
		"older keys":         {with(late, func(o *RestoreOptions) { o.Keys = early.Keys }), "older than the data"},
		"keys of another":    {with(late, func(o *RestoreOptions) { o.Keys = foreign.Keys }), "of another installation"},
		"data of another":    {with(foreign, func(o *RestoreOptions) { o.Data = data }), "is not the one of this data"},
		"no keys anywhere":   {with(late, func(o *RestoreOptions) { o.Data, o.Secrets, o.Keys = empty, data+"-secrets", "" }), "--keys"},
		"no kek":             {with(late, func(o *RestoreOptions) { o.Secrets = empty }), "the key-encryption key is not at"},
		"no erasure list":    {with(late, func(o *RestoreOptions) { o.Erasures = empty }), "there is no erasure list"},
		"a checkpoint of no": {with(late, func(o *RestoreOptions) { o.Checkpoints = []string{"x"} }), "is not signed"},
	} {
		_, err := Restore(ctx, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		ok(t, os.RemoveAll(empty))
		for path, text := range tree(t, root) {
			if was[path] != text {
				t.Errorf("%s: %s has changed", name, path)
			}
		}
	}
	// A list that lacks who was erased at the time of the backup is an old one. The secrets' folder still has the line.
	secrets := filepath.Join(root, "secrets")
	ok(t, os.CopyFS(secrets, os.DirFS(data+"-secrets")))
	ok(t, os.Remove(filepath.Join(secrets, erasuresFile)))
	late.Secrets, late.Erasures = secrets, oldList
	if _, err := Restore(ctx, late); err == nil || !strings.Contains(err.Error(), "is older than the backup") {
		t.Errorf("an old list: %v", err)
	}
	late.WithoutErasures = true
	rep, err := Restore(ctx, late)
	ok(t, err)
	store, err := JoinStore(ctx, data, "", true)
	ok(t, err)
	defer func() { ok(t, store.Close()) }()
	said, err := journal.Restores(ctx, store, "north")
	ok(t, err)
	if len(said) != 1 || !said[0].NoErasures || rep.Erased != 0 {
		t.Errorf("the journal says %+v", said)
	}
}

// tree are the contents of all files below a folder.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	ok(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = string(text)
		return err
	}))
	return out
}

// TestARestoreThatCrashesIsDoneAgain crashes a restore after each step that changes the data folder, and the second try
// as well. In between there is what was there before, or a folder that no server starts on.
func TestARestoreThatCrashesIsDoneAgain(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	made := filepath.Join(root, "made")
	run(t, Config{Data: made}).stop()
	o := backedUp(t, made, nil)
	o.Secrets = made + "-secrets"
	was, err := os.ReadFile(filepath.Join(made, sqlitestore.FileName))
	ok(t, err)
	crashed := func(o RestoreOptions, after int) (crashed bool) {
		o.crash = func() {
			if after--; after == 0 {
				panic("crash")
			}
		}
		defer func() { crashed = recover() != nil }()
		_, err := Restore(ctx, o)
		ok(t, err)
		return false
	}
	steps, refused := 0, 0
	for n := 1; ; n++ {
		o.Data = filepath.Join(root, fmt.Sprint("data", n))
		ok(t, os.CopyFS(o.Data, os.DirFS(made)))
		ok(t, os.WriteFile(filepath.Join(o.Data, sqlitestore.FileName+"-wal"), []byte("of the old"), 0o600))
		if !crashed(o, n) {
			break
		}
		steps++
		cfg := Config{Data: o.Data, Secrets: o.Secrets}
		if err := cfg.fill(); err != nil {
			refused++
			if !strings.Contains(err.Error(), "did not end") {
				t.Errorf("after %d steps the start says %v", n, err)
			}
		} else if now, err := os.ReadFile(filepath.Join(o.Data, sqlitestore.FileName)); err != nil || bytes.Equal(now, was) {
			t.Errorf("after %d steps a server starts on a folder that is not restored: %v", n, err)
		}
		crashed(o, n*7%13+1)
		_, err := Restore(ctx, o)
		ok(t, err)
		ok(t, cfg.fill())
		kept := 0
		for path, text := range tree(t, o.Data) {
			if strings.Contains(path, asidePrefix) && filepath.Base(path) == sqlitestore.FileName && text == string(was) {
				kept++
			}
		}
		if kept != 1 {
			t.Errorf("after crashes at step %d what was there before is kept %d times", n, kept)
		}
		left, err := filepath.Glob(filepath.Join(o.Data, unfinished+"*"))
		ok(t, err)
		if len(left) != 0 {
			t.Errorf("after crashes at step %d %v is left", n, left)
		}
		store, err := sqlitestore.Open(ctx, o.Data, Indexes())
		ok(t, err)
		said, err := journal.Restores(ctx, store, "_org")
		ok(t, errors.Join(err, store.Close()))
		if len(said) != 1 {
			t.Errorf("after crashes at step %d the journal tells of %d restores", n, len(said))
		}
		ok(t, os.RemoveAll(o.Data))
	}
	if steps < 12 || refused < 10 {
		t.Errorf("only %d steps, %d of them refused", steps, refused)
	}
}

// TestABackupThatCannotBeWrittenLeavesNothing tries places and files that cannot be written.
func TestABackupThatCannotBeWrittenLeavesNothing(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	data := filepath.Join(root, "data")
	run(t, Config{Data: data}).stop()
	to := filepath.Join(root, "to")
	ok(t, keyfile.Folder(to))
	taken, free := filepath.Join(to, "taken"), filepath.Join(to, "d")
	ok(t, os.WriteFile(taken, []byte("mine"), 0o600))
	for name, c := range map[string]struct {
		o    BackupOptions
		want string
	}{
		"over a file":           {BackupOptions{Data: data, File: taken}, "never overwrites"},
		"its keys over a file":  {BackupOptions{Data: data, File: free, Keys: taken}, "never overwrites"},
		"keys among the data":   {BackupOptions{Data: data, File: free, Keys: to + "/./d"}, "a file of their own"},
		"of no store":           {BackupOptions{Data: to, File: free}, "holds no store"},
		"into no folder":        {BackupOptions{Data: data, File: filepath.Join(to, "none", "d")}, "no such file"},
		"its keys without kek":  {BackupOptions{Data: data, File: free, Keys: to + "/k", Secrets: to}, "key is not at"},
		"its keys without room": {BackupOptions{Data: data, File: free, Keys: to + "/none/k"}, "no such file"},
	} {
		_, err := Backup(ctx, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		left := tree(t, to)
		delete(left, free) // whole, where only the keys failed
		if len(left) != 1 || left[taken] != "mine" {
			t.Errorf("%s: %d files are left", name, len(left))
		}
		_ = os.Remove(free)
	}
	m, err := Backup(ctx, BackupOptions{Data: data, File: taken, Over: true})
	ok(t, err)
	f, err := backup.Read(taken, backup.Data)
	ok(t, err)
	if m.ID != f.Manifest.ID || len(m.Branches) == 0 || time.Since(m.MadeAt) > time.Hour {
		t.Errorf("the manifest is %+v", m)
	}
}

// TestAStoreThatOtherToolsRestored begins the epochs of a store whose views were lost, as after a dump that was not of
// one moment. It is the embedded store in place of a MongoDB: what is done to it is the same.
func TestAStoreThatOtherToolsRestored(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	s, admin, _ := twoAdmins(t, Config{Data: data})
	s.stop()
	o := RestoreOptions{Data: data}
	if _, err := Restored(ctx, o); err == nil || !strings.Contains(err.Error(), "--mongodb-uri") {
		t.Errorf("without a database: %v", err)
	}
	o.join = func() (journal.Store, error) { return JoinStore(ctx, data, "", false) }
	o.BackupAt = time.Now().Add(-time.Hour)
	for range 2 { // it may be run again
		rep, err := Restored(ctx, o)
		ok(t, err)
		if len(rep.Branches) != 2 {
			t.Errorf("the branches are %+v", rep.Branches)
		}
	}
	checkClean(t, data)
	s = run(t, Config{Data: data})
	admin.Base = s.URL()
	if err := admin.Do(ctx, http.MethodGet, "/v1/branches", nil, nil); err == nil {
		t.Error("a session outlived it")
	}
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	var file map[string]any
	ok(t, admin.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file))
	said, err := journal.Restores(ctx, s.store, "north")
	ok(t, err)
	if file["debtor_name"] != "Secret Name" || len(said) != 2 || said[1].Before != said[0].Epoch {
		t.Errorf("the case reads %v, and the journal tells of %+v", file["debtor_name"], said)
	}
}
