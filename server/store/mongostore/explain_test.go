package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/server/store/storetest"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// queries collects the commands a store sends that look for documents, one of each shape.
type queries struct {
	mu  sync.Mutex
	all map[string]bson.D
}

func (q *queries) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		cmd, err := explainable(e.CommandName, e.Command)
		if err != nil || cmd == nil {
			return
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all[shape(cmd)] = cmd
	}}
}

// explainable strips a command to what an explain takes; nil for those that look for nothing.
func explainable(name string, raw bson.Raw) (bson.D, error) {
	var cmd bson.D
	if err := bson.Unmarshal(raw, &cmd); err != nil {
		return nil, err
	}
	keep := map[string][]string{
		"find": {"find", "filter", "sort", "projection", "limit"}, "aggregate": {"aggregate", "pipeline", "cursor"},
		"distinct": {"distinct", "key", "query"}, "count": {"count", "query"},
		"update": {"update", "updates"}, "delete": {"delete", "deletes"},
		"findAndModify": {"findAndModify", "query", "sort", "update", "remove"},
	}[name]
	if keep == nil {
		return nil, nil
	}
	var out bson.D
	for _, e := range cmd {
		if !slices.Contains(keep, e.Key) {
			continue
		}
		if many, ok := e.Value.(bson.A); ok && (e.Key == "updates" || e.Key == "deletes") {
			e.Value = many[:1] // an explain takes one
		}
		out = append(out, e)
	}
	return out, nil
}

// shape is a command without its values.
func shape(v any) string {
	switch v := v.(type) {
	case bson.D:
		var b strings.Builder
		for _, e := range v {
			if e.Key == "u" || e.Key == "projection" {
				continue
			}
			s := shape(e.Value)
			if name, ok := e.Value.(string); ok && (e.Key == "find" || e.Key == "update" || e.Key == "delete") {
				s = name
			}
			fmt.Fprintf(&b, "%s:%s ", e.Key, s)
		}
		return "{" + strings.TrimSpace(b.String()) + "}"
	case int32:
		return fmt.Sprint(v) // directions of a sort
	}
	return fmt.Sprintf("%T", v)
}

// notImplemented is the code with which compatible servers answer what they lack.
const notImplemented = 238

// complaints reads the plan that won: it must use an index and not sort by itself. Servers
// on PostgreSQL (DocumentDB) tell PostgreSQL's plan: their indexes give no order, so that
// they sort what an index has found. A Sort in such a plan is therefore right.
func complaints(explained bson.Raw) []string {
	stages := stagesOf(explained, false)
	if len(stages) == 0 {
		return []string{"the server told no plan"}
	}
	var out []string
	for _, s := range stages {
		if s == "COLLSCAN" || s == "SORT" || s == "Seq Scan" {
			out = append(out, s)
		}
	}
	return out
}

// stagesOf lists the stages under every winningPlan, at any depth (shards have one each),
// and the nodes under PostgreSQL's Plan.
func stagesOf(doc bson.Raw, within bool) []string {
	var out []string
	elements, err := doc.Elements()
	if err != nil {
		return nil
	}
	for _, e := range elements {
		if e.Key() == "rejectedPlans" {
			continue
		}
		if s, ok := e.Value().StringValueOK(); ok && within && (e.Key() == "stage" || e.Key() == "Node Type") {
			out = append(out, s)
		}
		if d, ok := e.Value().DocumentOK(); ok {
			out = append(out, stagesOf(d, within || e.Key() == "winningPlan" || e.Key() == "Plan")...)
		}
		if a, ok := e.Value().ArrayOK(); ok {
			out = append(out, stagesOf(bson.Raw(a), within)...)
		}
	}
	return out
}

// TestEveryQueryIsServedByAnIndex has the server explain every shape of query that the contract makes.
func TestEveryQueryIsServedByAnIndex(t *testing.T) {
	d := server(t)
	var mu sync.Mutex
	explained := map[string]bool{}
	explain := func(t *testing.T, name string, q *queries) {
		ctx := context.Background()
		client, err := mongo.Connect(options.Client().ApplyURI(d.uri))
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = client.Disconnect(ctx) }()
		q.mu.Lock()
		defer q.mu.Unlock()
		for what, cmd := range q.all {
			raw, err := client.Database(name).RunCommand(ctx, bson.D{{Key: "explain", Value: cmd},
				{Key: "verbosity", Value: "queryPlanner"}}).Raw()
			var told mongo.CommandError
			if errors.As(err, &told) && told.Code == notImplemented {
				t.Logf("the server does not explain %s", what)
				continue
			}
			if err != nil {
				t.Errorf("explain %s: %v", what, err)
				continue
			}
			for _, c := range complaints(raw) {
				t.Errorf("%s: %s", what, c)
			}
			mu.Lock()
			explained[what] = true
			mu.Unlock()
		}
	}
	storetest.Run(t, storetest.Engine{Open: func(t *testing.T) journal.Store {
		name, q := d.fresh(t), &queries{all: map[string]bson.D{}}
		t.Cleanup(func() { explain(t, name, q) })
		return d.open(t, name, q.monitor())
	}})
	if len(explained) < 20 {
		t.Errorf("only %d shapes of query were seen; is the monitor at work?", len(explained))
	}
	t.Logf("%d shapes of query explained", len(explained))
}

func TestPlansThatScanOrSortAreFound(t *testing.T) {
	plan := func(winning bson.D) bson.Raw {
		raw, err := bson.Marshal(bson.D{{Key: "queryPlanner", Value: bson.D{
			{Key: "winningPlan", Value: winning},
			{Key: "rejectedPlans", Value: bson.A{bson.D{{Key: "stage", Value: "COLLSCAN"}}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	stage := func(name string, input ...bson.D) bson.D {
		d := bson.D{{Key: "stage", Value: name}}
		if len(input) == 1 {
			return append(d, bson.E{Key: "inputStage", Value: input[0]})
		}
		if len(input) > 1 {
			return append(d, bson.E{Key: "inputStages", Value: input})
		}
		return d
	}
	node := func(name string, plans ...bson.D) bson.D {
		return bson.D{{Key: "Plans", Value: plans}, {Key: "Node Type", Value: name}}
	}
	postgres := func(top bson.D) bson.Raw {
		raw, err := bson.Marshal(bson.D{{Key: "queryPlanner", Value: bson.D{{Key: "Plan", Value: top}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		name string
		plan bson.Raw
		want string
	}{
		{"an index", plan(stage("LIMIT", stage("FETCH", stage("IXSCAN")))), "[]"},
		{"by id", plan(stage("IDHACK")), "[]"},
		{"several feeds merged", plan(stage("FETCH", stage("SORT_MERGE", stage("IXSCAN"), stage("IXSCAN")))), "[]"},
		{"a scan", plan(stage("COLLSCAN")), "[COLLSCAN]"},
		{"a sort", plan(stage("SORT", stage("FETCH", stage("IXSCAN")))), "[SORT]"},
		{"a scan in one arm", plan(stage("OR", stage("IXSCAN"), stage("COLLSCAN"))), "[COLLSCAN]"},
		{"another engine", plan(bson.D{{Key: "queryPlan", Value: stage("SORT", stage("IXSCAN"))}}), "[SORT]"},
		{"a shard", plan(bson.D{{Key: "stage", Value: "SINGLE_SHARD"}, {Key: "shards",
			Value: bson.A{bson.D{{Key: "winningPlan", Value: stage("COLLSCAN")}}}}}), "[COLLSCAN]"},
		{"PostgreSQL's index", postgres(node("Limit", node("Sort", node("Index Scan")))), "[]"},
		{"PostgreSQL's scan", postgres(node("Sort", node("Seq Scan"))), "[Seq Scan]"},
		{"nothing told", plan(bson.D{}), "[the server told no plan]"},
	} {
		if got := fmt.Sprint(complaints(c.plan)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
