package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/server/play"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// TestKilledOnMongoDBLosesNothingAcknowledged is the test of kills on MongoDB: with one node, and with two of which one
// is killed over and over while callers ask both in turn, so that what got no answer from one is sent again to the
// other. The nodes' clocks are the system's (--now is for the embedded store): the round is one of the next working
// day, and phones write facts of now. Facts are kept at any hour, so the test does not depend on when it runs.
func TestKilledOnMongoDBLosesNothingAcknowledged(t *testing.T) {
	for name, nodes := range map[string]int{"one node": 1, "two nodes": 2} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
			defer cancel()
			cases, kills := 150, 10
			if testing.Short() {
				cases, kills = 12, 3
			}
			all := nodesOn(ctx, t, mongoDatabase(t), nodes)
			l := newLoad(t, openedTomorrow(ctx, t, all[0].url, cases))
			l.today, l.called = true, time.Now().UTC().Truncate(time.Second).AddDate(0, 0, -2)
			killed(ctx, t, l, kills, all...)
		})
	}
}

// mongoDatabase returns the URI of a database that is dropped when the test ends, on the server that the environment
// names. Without one it skips the test.
func mongoDatabase(t *testing.T) string {
	t.Helper()
	server := os.Getenv("DOORSTEP_TEST_MONGODB_URI")
	if server == "" {
		t.Skip("NOT TESTED on MongoDB: set DOORSTEP_TEST_MONGODB_URI to a server where databases doorstep_test_* " +
			"may be made and dropped")
	}
	u, err := url.Parse(server)
	noError(t, err)
	name := fmt.Sprintf("doorstep_test_%d", time.Now().UnixNano())
	u.Path = "/" + name
	if q := u.Query(); u.User != nil && !q.Has("authSource") {
		q.Set("authSource", "admin") // which is the default only as long as no database is named
		u.RawQuery = q.Encode()
	}
	t.Cleanup(func() {
		ctx := context.Background()
		client, err := mongo.Connect(options.Client().ApplyURI(u.String()))
		noError(t, err)
		if err := client.Database(name).Drop(ctx); err != nil {
			t.Errorf("drop the database: %v", err)
		}
		_ = client.Disconnect(ctx)
	})
	return u.String()
}

// nodesOn starts nodes on a database: the first makes the keys, and the others get copies, as the operators' manual
// says.
func nodesOn(ctx context.Context, t *testing.T, uri string, n int) []*child {
	t.Helper()
	var nodes []*child
	for i := range n {
		c := &child{t: t, binary: build(t), mongoDB: uri, data: filepath.Join(t.TempDir(), "data")}
		if i > 0 {
			copyKeys(t, nodes[0].data, c.data)
		}
		c.start(ctx)
		nodes = append(nodes, c)
	}
	return nodes
}

// copyKeys copies what every node of a deployment has.
func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"/audit.key", "/audit.key.pub", "/auth.keys", "-secrets/kek"} {
		text, err := os.ReadFile(from + name)
		noError(t, err)
		noError(t, os.MkdirAll(filepath.Dir(to+name), 0o700))
		noError(t, os.WriteFile(to+name, text, 0o600))
	}
}

// openedTomorrow returns the demo's city, or so many of its cases, with a round published for a coming day: tomorrow,
// or the first day after it on which the law lets a visit be planned.
func openedTomorrow(ctx context.Context, t *testing.T, base string, cases int) *play.Day {
	t.Helper()
	day, err := play.City(t.TempDir())
	noError(t, err)
	fewer(t, day.Cases, cases)
	day.HTTP = &http.Client{Transport: patient{}}
	zone, err := time.LoadLocation(day.Zone)
	noError(t, err)
	at := time.Now().In(zone).AddDate(0, 0, 1)
	day.Date = at.Format(time.DateOnly)
	imported(ctx, t, base, day)
	for tried := 0; day.Round.Stops == 0; tried++ {
		if tried == 10 {
			t.Fatalf("no visit can be planned on ten days, the last of them because of %+v", day.Round.Reasons())
		}
		if tried > 0 {
			at = at.AddDate(0, 0, 1)
			day.Date = at.Format(time.DateOnly)
			for _, team := range day.Teams {
				noError(t, day.Admin.Do(ctx, http.MethodPut, "/v1/teams/"+team.ID+"/shifts/"+day.Date,
					map[string]any{"branch": day.Branch, "from": "08:30", "to": "18:00"}, nil))
			}
		}
		noError(t, day.Plan(ctx, nil))
	}
	published(ctx, t, day)
	return day
}

// fewer keeps n of the cases of a file, from all over it.
func fewer(t *testing.T, path string, n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	noError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	noError(t, err)
	kept, all := rows[:1:1], rows[1:]
	for i := range min(n, len(all)) {
		kept = append(kept, all[i*len(all)/min(n, len(all))])
	}
	f, err := os.Create(path)
	noError(t, err)
	noError(t, csv.NewWriter(f).WriteAll(kept))
	noError(t, f.Close())
}

// patient is a caller who comes again, with the same key, while the answer is to come again later (503), for a minute
// at most.
type patient struct{}

func (patient) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && req.Header.Get("Idempotency-Key") == "" {
		req = req.Clone(req.Context())
		req.Header.Set("Idempotency-Key", play.NewID())
	}
	for until := time.Now().Add(time.Minute); ; {
		answer, err := http.DefaultTransport.RoundTrip(req)
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || time.Now().After(until) ||
			req.Body != nil && req.GetBody == nil {
			return answer, err
		}
		if req.Body != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return answer, err
			}
		}
		_ = answer.Body.Close()
		pause(req.Context(), time.Second)
	}
}
