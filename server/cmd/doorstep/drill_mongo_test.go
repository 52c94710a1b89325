package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// TestARestoreDrillOnMongoDB copies the database through the driver, which stands for mongodump, lets phones push on,
// shuts out an agent and a phone, erases a debtor, puts the copy back, and runs doorstep restore --already-restored.
// The other phones come back with what they keep; in the end nothing that they had acknowledged is lost or doubled, and
// who was shut out or erased after the copy is so again.
func TestARestoreDrillOnMongoDB(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	uri := mongoDatabase(t)
	c := nodesOn(ctx, t, uri, 1)[0]
	day := openedTomorrow(ctx, t, c.url, 12)
	written := map[string]play.Mutation{}
	for _, p := range day.Phones {
		p.HTTP = &http.Client{Transport: patient{}}
	}
	push := func(notes int) {
		t.Helper()
		for _, p := range day.Phones {
			stops, err := p.Assignments(day.Date)
			noError(t, err)
			for n := range notes {
				at := time.Now().UTC().Truncate(time.Second)
				p.Write("visit_notes", play.NewID(), "put", at, map[string]any{"case": stops[n%len(stops)].Case, "at": at,
					"kind": "general", "text": "A note of the drill."})
			}
			for _, m := range p.Queue {
				written[m.Mid] = m
			}
			noError(t, p.Push(ctx, nil))
			if bad := p.Tally["rejected"] + p.Tally["conflict"] + p.Tally["revoked"]; bad > 0 {
				t.Errorf("the first answers to %s are %v", p.Agent, p.Tally)
			}
		}
	}
	push(3)
	made := time.Now()
	backup := dump(ctx, t, uri)
	push(4)
	for _, p := range day.Phones {
		_, err := p.Pull(ctx)
		noError(t, err)
	}
	gone := eraseUnvisited(ctx, t, day, written)
	disabled, blocked := day.Phones[0], day.Phones[1]
	noError(t, day.Admin.Do(ctx, http.MethodPatch, "/v1/users/"+disabled.Agent, map[string]any{"disabled": true}, nil))
	noError(t, day.Admin.Do(ctx, http.MethodDelete, "/v1/devices/"+blocked.Device, nil, nil))
	for listed := false; !listed; {
		text, err := os.ReadFile(c.data + "-secrets/shutouts.json")
		listed = err == nil && bytes.Contains(text, []byte(disabled.Agent)) && bytes.Contains(text, []byte(blocked.Device))
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			t.Fatalf("who is shut out is not listed: %s, %v", text, err)
		}
	}
	c.stop()

	putBack(ctx, t, uri, backup)
	said, err := exec.CommandContext(ctx, c.binary, append([]string{"restore", "--already-restored", "--backup-time",
		made.Format(time.RFC3339)}, c.store()...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("restore: %v\n%s", err, said)
	}
	t.Logf("restored:\n%s", said)

	c.start(ctx)
	day.Base, day.Admin.Base, day.Auditor.Base = c.url, c.url, c.url
	noError(t, day.Admin.SignIn(ctx, "admin", killPassword, ""))
	noError(t, day.Auditor.SignIn(ctx, "auditor", play.Password, ""))
	var back []*play.Phone
	lost := 0
	for _, p := range day.Phones {
		p.Base = c.url
		if _, err := p.Pull(ctx); err == nil {
			t.Fatalf("the session of %s outlived the restore", p.Agent)
		}
		err := p.SignIn(ctx, p.Agent, play.Password, p.Device)
		if p == disabled || p == blocked {
			want := map[*play.Phone]string{disabled: "auth.bad_credentials", blocked: "device_wiped"}[p]
			if play.CodeOf(err) != want {
				t.Errorf("%s, who was shut out after the backup, signs in and is told %v, want %s", p.Agent, err, want)
			}
			continue
		}
		noError(t, err)
		q := url.Values{"after": {"1"}, "epoch": {p.Epoch}}
		if err := p.Do(ctx, http.MethodGet, "/sync/v1/pull?"+q.Encode(), nil, nil); play.CodeOf(err) != "cursor_expired" {
			t.Errorf("a cursor of before the restore: %v", err)
		}
		lost += offeredAgain(ctx, t, p)
		back = append(back, p)
	}
	if lost != 4*len(back) {
		t.Errorf("the backup lacked %d notes of %d phones, want 4 each", lost, len(back))
	}
	day.Phones = back
	l := newLoad(t, day)
	l.converge(ctx)
	var file map[string]any
	noError(t, day.Admin.Do(ctx, http.MethodGet, "/v1/cases/"+gone, nil, &file))
	if file["erased"] != true || file["debtor_name"] != nil {
		t.Errorf("the erased debtor is back: %v", file["debtor_name"])
	}
	c.stop()
	c.fsck(ctx)
}

// collections are the documents of a database by collection.
type collections map[string][]bson.Raw

// dump reads a whole database.
func dump(ctx context.Context, t *testing.T, uri string) collections {
	t.Helper()
	db := database(t, uri)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	noError(t, err)
	out := collections{}
	for _, name := range names {
		found, err := db.Collection(name).Find(ctx, bson.D{})
		noError(t, err)
		var docs []bson.Raw
		noError(t, found.All(ctx, &docs))
		out[name] = docs
	}
	return out
}

// putBack makes a database what it was.
func putBack(ctx context.Context, t *testing.T, uri string, was collections) {
	t.Helper()
	db := database(t, uri)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	noError(t, err)
	for _, name := range names {
		_, err := db.Collection(name).DeleteMany(ctx, bson.D{})
		noError(t, err)
		for docs := range slices.Chunk(was[name], 100) {
			_, err := db.Collection(name).InsertMany(ctx, docs)
			noError(t, err)
		}
	}
}

// database is an operator's own way into a database.
func database(t *testing.T, uri string) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	noError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	u, err := url.Parse(uri)
	noError(t, err)
	return client.Database(strings.TrimPrefix(u.Path, "/"))
}
