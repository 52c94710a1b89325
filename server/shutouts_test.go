package server

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/office"
	"doorstep/server/play"
)

// shutOutsAre waits until the list in a secrets' folder is as wanted.
func shutOutsAre(t *testing.T, folder string, is func(office.ShutOut) bool) {
	t.Helper()
	var o office.ShutOut
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		if o, err = readShutOuts(filepath.Join(folder, shutOutsFile)); err == nil && is(o) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("the list of who is shut out is %+v, %v", o, err)
}

// Who was disabled or blocked after the backup is so after the restore, though the backup lets them in.
func TestARestoreShutsOutAgain(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	s, admin, _ := twoAdmins(t, Config{Data: data})
	agent := func(id string) *play.Phone {
		t.Helper()
		ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": id, "login": id, "name": id, "role": "agent",
			"password": adminPassword, "keep_password": true, "branches": []string{"north"}}, nil))
		p := play.NewPhone(s.URL(), id, id+"-phone", admin.HTTP)
		ok(t, p.SignIn(ctx, id, adminPassword, p.Device))
		return p
	}
	disable := func(id string, yes bool) {
		t.Helper()
		ok(t, admin.Do(ctx, http.MethodPatch, "/v1/users/"+id, map[string]any{"disabled": yes}, nil))
	}
	bob, carl, back := agent("bob"), agent("carl"), agent("back")
	disable("back", true)
	o := backedUp(t, data, func() {})

	disable("bob", true)
	disable("back", false)
	disable("two", true)
	ok(t, admin.Do(ctx, http.MethodDelete, "/v1/devices/"+carl.Device+"?wipe=true", nil, nil))
	stolen := play.NewPhone(s.URL(), "carl", "carl-stolen", admin.HTTP) // which the backup does not know
	ok(t, stolen.SignIn(ctx, "carl", adminPassword, stolen.Device))
	ok(t, admin.Do(ctx, http.MethodDelete, "/v1/devices/"+stolen.Device, nil, nil))
	shutOutsAre(t, data+"-secrets", func(o office.ShutOut) bool {
		return len(o.Users) == 2 && o.Users["bob"] && o.Users["two"] && len(o.Devices) == 2 &&
			o.Devices["carl-phone"].Wipe && o.Devices["carl-stolen"].User == "carl"
	})
	s.stop()
	rep, err := Restore(ctx, o)
	ok(t, err)
	if !slices.Equal(rep.Shut.Users, []auth.UserID{"bob", "two"}) || len(rep.Shut.Devices) != 2 || rep.NoShutOuts ||
		rep.Shut.Admins != nil {
		t.Errorf("shut out again: %+v", rep)
	}

	s = run(t, Config{Data: data})
	admin.Base = s.URL()
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	for _, c := range []struct {
		phone *play.Phone
		code  string
	}{
		{bob, "auth.bad_credentials"}, {carl, "device_wiped"}, {stolen, "device_wiped"},
		{back, "auth.bad_credentials"},
	} {
		c.phone.Base = s.URL()
		err := c.phone.SignIn(ctx, c.phone.Agent, adminPassword, c.phone.Device)
		if got := play.CodeOf(err); got != c.code {
			t.Errorf("%s signs in on %s and is told %q, want %q: %v", c.phone.Agent, c.phone.Device, got, c.code, err)
		}
	}
	fresh := play.NewPhone(s.URL(), "carl", "carl-new", admin.HTTP)
	ok(t, fresh.SignIn(ctx, "carl", adminPassword, fresh.Device))
	s.stop()

	// A list that names the only administrator, or that does not read.
	ok(t, writeShutOuts(filepath.Join(data+"-secrets", shutOutsFile),
		office.ShutOut{Users: map[auth.UserID]bool{"admin": true, "two": true, "nobody": true}}))
	o.Over = true
	rep, err = Restore(ctx, o)
	ok(t, err)
	if !slices.Equal(rep.Shut.Users, []auth.UserID{"admin"}) || !slices.Equal(rep.Shut.Admins, []auth.UserID{"two"}) {
		t.Errorf("of the two administrators: %+v", rep.Shut)
	}
	ok(t, os.WriteFile(filepath.Join(data+"-secrets", shutOutsFile), []byte("{"), 0o600))
	if _, err := Restore(ctx, o); err == nil || !strings.Contains(err.Error(), "does not read") {
		t.Errorf("restored with a list that does not read: %v", err)
	}
	ok(t, os.Remove(filepath.Join(data+"-secrets", shutOutsFile)))
	rep, err = Restore(ctx, o)
	ok(t, err)
	if !rep.NoShutOuts {
		t.Errorf("without a list: %+v", rep)
	}
}

// Every node has the whole list, whichever node was told to shut somebody out.
func TestEveryNodeListsWhoIsShutOut(t *testing.T) {
	ctx, root, s := context.Background(), t.TempDir(), emptyStore(t)
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	nodes, errs, announced := startAtOnce(t, s, a)
	ok(t, errs[0])
	defer serve(t, nodes[0])()
	shareKeys(t, a, b)
	others, errs, _ := startAtOnce(t, s, b)
	ok(t, errs[0])
	defer serve(t, others[0])()
	admin := &play.Client{Base: nodes[0].URL()}
	ok(t, admin.SignIn(ctx, "admin", announced[0], ""))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users/me/password", map[string]any{"old": announced[0],
		"new": adminPassword}, nil))
	ok(t, admin.SignIn(ctx, "admin", adminPassword, ""))
	ok(t, admin.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "two", "login": "two", "name": "Two",
		"password": adminPassword, "keep_password": true, "role": "admin"}, nil))
	for _, yes := range []bool{true, false} {
		ok(t, admin.Do(ctx, http.MethodPatch, "/v1/users/two", map[string]any{"disabled": yes}, nil))
		for _, folder := range []string{a, b} {
			shutOutsAre(t, folder+"-secrets", func(o office.ShutOut) bool { return o.Users["two"] == yes })
		}
	}
}
