package ferrettest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// thing is a command that writes the document id of the type things, and a row for it in the feed f.
func thing(id string) journal.Command {
	return journal.Command{ID: "c-" + id, Actor: "u", Decide: func(ctx context.Context,
		r *journal.Reader) (journal.Draft, error) {
		if _, _, err := r.Doc(ctx, "things", id); err != nil {
			return journal.Draft{}, err
		}
		d := journal.Draft{Action: "thing.set", Receipt: json.RawMessage(`"ok"`)}
		d.Put("things", id, json.RawMessage(`{"owner":"o","n":1}`))
		d.Tell("f", "things", id)
		return d, nil
	}}
}

// filled is a store in which the entries 1 to 4 wrote d0 to d3, each in a page of its own,
// and an operator's client on its database.
func (p *peer) filled(t *testing.T) (journal.Store, *mongo.Database) {
	t.Helper()
	ctx, s := context.Background(), p.fresh(t)
	j := journal.Open(s, journal.Options{})
	for i := range 4 {
		outs, err := j.Do(ctx, branch, []journal.Command{thing(fmt.Sprint("d", i))})
		check(t, err)
		check(t, outs[0].Err)
	}
	check(t, j.Close(ctx))
	return s, p.raw(t, s)
}

// wants checks what a check finds, in order; a text that ends in (harmless) is of a finding that is no damage.
func wants(t *testing.T, what string, s journal.Store, want ...string) {
	t.Helper()
	found, err := journal.Check(context.Background(), s, branch, nil)
	check(t, err)
	if len(found) != len(want) {
		t.Errorf("%s: found %v, want %q", what, found, want)
		return
	}
	for i, f := range found {
		says, harmless := strings.CutSuffix(want[i], " (harmless)")
		if !strings.Contains(f.String(), says) || f.Harmless != harmless {
			t.Errorf("%s: found %v, harmless %t; want %q", what, f, f.Harmless, want[i])
		}
	}
}

// set is an update of members.
func set(name string, value any) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: name, Value: value}}}}
}

func by(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }

// TestDamageByAnotherClientIsFound changes the database with a client of its own, as a
// mistaken script would, and expects a finding that names what is wrong; a rebuild mends it.
func TestDamageByAnotherClientIsFound(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	remove := func(collection string, filter bson.D) func(*testing.T, *mongo.Database) {
		return func(t *testing.T, db *mongo.Database) {
			res, err := db.Collection(collection).DeleteOne(ctx, filter)
			check(t, err)
			if res.DeletedCount != 1 {
				t.Fatalf("%s has no %v", collection, filter)
			}
		}
	}
	update := func(collection string, filter, change bson.D) func(*testing.T, *mongo.Database) {
		return func(t *testing.T, db *mongo.Database) {
			res, err := db.Collection(collection).UpdateOne(ctx, filter, change)
			check(t, err)
			if res.ModifiedCount != 1 {
				t.Fatalf("%s has no %v to change", collection, filter)
			}
		}
	}
	// copied inserts a copy of a row, with a member replaced wherever it stands, in the key too.
	copied := func(collection string, filter bson.D, old, with string) func(*testing.T, *mongo.Database) {
		return func(t *testing.T, db *mongo.Database) {
			var row bson.D
			check(t, db.Collection(collection).FindOne(ctx, filter).Decode(&row))
			for i := range row {
				if v, is := row[i].Value.(string); is {
					row[i].Value = strings.Replace(v, old, with, 1)
				}
			}
			_, err := db.Collection(collection).InsertOne(ctx, row)
			check(t, err)
		}
	}
	var damages []func(*testing.T, *mongo.Database)
	for _, c := range []struct {
		name   string
		damage func(*testing.T, *mongo.Database)
		want   string
	}{
		{"nothing", func(*testing.T, *mongo.Database) {}, ""},
		{"a missing document", remove("view.things", by("id", "d2")), "entry 3: the view records lacks things/d2"},
		{"a foreign document", copied("view.things", by("id", "d1"), "d1", "d9"),
			"entry 2: records holds a foreign document things/d9"},
		{"a document of another revision", update("view.things", by("id", "d1"), set("rev", int64(7))),
			"entry 2: the view of things/d1 is not what the journal says"},
		{"another native field", update("view.things", by("id", "d1"), set("state.owner", "p")),
			"things/d1: its native fields, which indexes are over, are not those of its JSON"},
		{"no native fields", update("view.things", by("id", "d1"),
			bson.D{{Key: "$unset", Value: bson.D{{Key: "state", Value: ""}}}}),
			"things/d1: its native fields, which indexes are over, are not those of its JSON"},
		{"a missing feed row", remove("feeds", by("id", "d2")),
			"entry 3: a row is missing: the feed f the row for things/d2"},
		{"a foreign feed row", copied("feeds", by("id", "d1"), "d1", "d9"),
			"entry 2: feed f has a foreign row for things/d9"},
		{"a feed row elsewhere", update("feeds", by("id", "d1"), set("seq", int64(2049))),
			"entry 2: feed f has things/d1 at 2049, must be at 2048"},
		{"a missing receipt", remove("receipts", by("command", "c-d2")),
			"entry 3: the receipt of its command is missing"},
		{"a foreign receipt", copied("receipts", by("command", "c-d1"), "c-d1", "c-d9"),
			"entry 2: the receipt of command c-d9 is foreign"},
		{"a view without a generation", update("views",
			bson.D{{Key: "view", Value: "feeds"}, {Key: "state", Value: "live"}}, set("state", "gone")),
			"the view feeds has no generation to read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, db := p.filled(t)
			c.damage(t, db)
			if c.want == "" {
				wants(t, c.name, s)
				return
			}
			found, err := journal.Check(ctx, s, branch, nil)
			check(t, err)
			if !slices.ContainsFunc(found, func(f journal.Finding) bool {
				return !f.Harmless && strings.Contains(f.String(), c.want)
			}) {
				t.Errorf("found %v, want %q", found, c.want)
			}
			damages = append(damages, c.damage)
		})
	}
	// A rebuild waits for readers on all nodes, so all kinds of damage are mended together.
	s, db := p.filled(t)
	for _, damage := range damages {
		damage(t, db)
	}
	for _, view := range journal.BuiltInViews() {
		check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: view}, nil))
	}
	wants(t, "after a rebuild", s)
}

// TestAnUnappliedTailIsToldFromDamage takes the last two of four entries out of the views,
// as a crash leaves them, and then damages what was applied.
func TestAnUnappliedTailIsToldFromDamage(t *testing.T) {
	ctx := context.Background()
	s, db := start(t).filled(t)
	const tail = "entries 3 to 4 are stored and not in the views yet (harmless)"
	_, err := db.Collection("views").UpdateMany(ctx, bson.D{}, set("w", int64(2)))
	check(t, err)
	wants(t, "with the rows of the tail", s, tail)
	for _, c := range []string{"view.things", "receipts"} {
		_, err := db.Collection(c).DeleteMany(ctx, by("n", bson.D{{Key: "$gt", Value: int64(2)}}))
		check(t, err)
	}
	_, err = db.Collection("feeds").DeleteMany(ctx, by("seq", bson.D{{Key: "$gte", Value: int64(3 * 1024)}}))
	check(t, err)
	wants(t, "without them", s, tail)
	_, err = db.Collection("feeds").DeleteOne(ctx, by("id", "d0"))
	check(t, err)
	wants(t, "with a row missing below it", s, tail, "entry 1: a row is missing: the feed f the row for things/d0")

	j := journal.Open(s, journal.Options{})
	outs, err := j.Do(ctx, branch, []journal.Command{thing("after")})
	check(t, err)
	check(t, outs[0].Err)
	check(t, j.Close(ctx))
	wants(t, "after the next start", s, "entry 1: a row is missing")
	check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: journal.FeedsView}, nil))
	wants(t, "after a rebuild", s)
	_, err = db.Collection("pages").DeleteOne(ctx, by("first", int64(5)))
	check(t, err)
	wants(t, "with the last page lost", s, "the watermark is 5 but the journal ends at 4",
		"entry 5: feed f has a foreign row for things/after",
		"entry 5: the receipt of command c-after is foreign",
		"entry 5: records holds a foreign document things/after")
}
