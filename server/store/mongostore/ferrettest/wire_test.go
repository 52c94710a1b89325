package ferrettest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"doorstep/auth"
	"doorstep/server/store/mongostore"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/mod/sumdb/tlog"
)

const branch auth.BranchID = "b1"

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// page makes a page of entries with nothing in them: stores do not look inside.
func page(first, last uint64, id string) *journal.Page {
	p := &journal.Page{Branch: branch, First: first, Last: last, ID: id, Node: "n", Edge: []tlog.Hash{}}
	for n := first; n <= last; n++ {
		raw := fmt.Appendf(nil, `{"n":%d}`, n)
		p.Entries = append(p.Entries, raw)
		p.Leaves = append(p.Leaves, tlog.RecordHash(raw))
	}
	return p
}

func record(id string, n uint64, state string) journal.Record {
	return journal.Record{Branch: branch, Type: "things", ID: id, N: n, Rev: n, Body: json.RawMessage(state)}
}

// raw is an operator's own client on a store's database.
func (p *peer) raw(t *testing.T, s journal.Store) *mongo.Database {
	t.Helper()
	uri := p.uris[s]
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	check(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, p.host), "?")
	return client.Database(name)
}

func (p *peer) fresh(t *testing.T) journal.Store {
	t.Helper()
	s := p.open(t, p.uri())
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStatesComeBackByteForByte(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	states := []string{
		`{}`, `{"owner":"o","n":9007199254740993}`, `{"n":-9223372036854775808,"b":1}`, `{"b":1,"a":2,"c":{"z":1,"y":2}}`,
		`{"shape":{"type":"Polygon","coordinates":[[[1,2],[3,4],[1,2]]]}}`, `{"f":1.50,"e":1e3,"big":18446744073709551616}`,
		`{"$set":{"a.b":"c"},"":"empty","a.b":[]}`, `{"s":"\u0000\u2028é中😀\/\"\\"}`,
		`{"n":null,"t":true,"l":[1,"a",null,{"b":[1]}]}`,
		`{"owner":["o"],"n":[1,2]}`, `{"k":1,"k":2}`,
	}
	var v journal.ViewWrites
	var refs []journal.DocRef
	for i, state := range states {
		r := record(fmt.Sprintf("d%02d", i), 1, state)
		v.Records = append(v.Records, r)
		v.Receipts = append(v.Receipts, journal.Receipt{Command: r.ID, N: 1, Body: r.Body})
		refs = append(refs, journal.DocRef{Type: r.Type, ID: r.ID})
	}
	check(t, s.Commit(ctx, page(1, 1, "p"), v))
	recs, err := s.Records(ctx, branch, refs)
	check(t, err)
	listed, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things"})
	check(t, err)
	for i, want := range states {
		if got := string(recs[i].Body); got != want {
			t.Errorf("read: %s, want %s", got, want)
		}
		if got := string(listed.Records[i].Body); got != want {
			t.Errorf("listed: %s, want %s", got, want)
		}
		rs, err := s.Receipts(ctx, branch, []string{refs[i].ID})
		check(t, err)
		if got := string(rs[0].Body); got != want {
			t.Errorf("receipt: %s, want %s", got, want)
		}
	}
	// A field that is an array is in no index, though the server would look into it.
	found, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"o"}})
	check(t, err)
	if len(found.Records) != 1 || found.Records[0].ID != "d01" {
		t.Errorf("found by owner: %v", found.Records)
	}
}

func TestOperatorsQueryNativeFields(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	check(t, s.Commit(ctx, page(1, 1, "p"), journal.ViewWrites{Records: []journal.Record{
		record("a", 1, `{"balance":{"minor":9007199254740993,"currency":"KES"},"agents":["x","y"]}`),
		record("b", 1, `{"balance":{"minor":9007199254740992,"currency":"KES"},"agents":["y"]}`)}}))
	for _, filter := range []bson.D{
		{{Key: "state.balance.minor", Value: int64(9007199254740993)}},
		{{Key: "state.balance.minor", Value: bson.D{{Key: "$gt", Value: int64(9007199254740992)}}}},
		{{Key: "state.agents", Value: "x"}},
	} {
		cur, err := p.raw(t, s).Collection("view.things").Find(ctx, filter)
		check(t, err)
		var found []struct {
			ID string `bson:"id"`
		}
		check(t, cur.All(ctx, &found))
		if len(found) != 1 || found[0].ID != "a" {
			t.Errorf("%v found %v", filter, found)
		}
	}
}

// TestNewestWinsInAnyOrder has several appliers write different states of documents
// that nobody has written yet; the one connection makes every operation atomic, in
// whatever order they come.
func TestNewestWinsInAnyOrder(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	const newest, docs = 5, 2
	for n := uint64(1); n <= newest; n++ {
		check(t, s.Commit(ctx, page(n, n, fmt.Sprint(n)), journal.ViewWrites{}))
	}
	for round := range 15 {
		var wg sync.WaitGroup
		feed := journal.Feed(fmt.Sprint("f", round))
		var refs []journal.DocRef
		for d := range docs {
			refs = append(refs, journal.DocRef{Type: "things", ID: fmt.Sprintf("%d-%d", round, d)})
		}
		for _, i := range rand.Perm(newest) {
			n := uint64(i + 1)
			var v journal.ViewWrites
			for d, ref := range refs {
				r := record(ref.ID, n, fmt.Sprintf(`{"n":%d}`, n))
				r.Rev = 1 + uint64(rand.IntN(2)) // a first revision is guessed to be absent; the guess may be wrong
				v.Records = append(v.Records, r)
				v.Feeds = append(v.Feeds, journal.FeedEntry{Feed: feed, Seq: journal.Seq(0, n, d), Type: "things", ID: ref.ID})
			}
			wg.Go(func() {
				if err := s.Apply(ctx, page(n, n, fmt.Sprint(n)), v); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		recs, err := s.Records(ctx, branch, refs)
		check(t, err)
		for _, r := range recs {
			if r.N != newest || string(r.Body) != fmt.Sprintf(`{"n":%d}`, newest) {
				t.Fatalf("document %s is at %d: %s", r.ID, r.N, r.Body)
			}
		}
		read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{feed}, Limit: 100})
		check(t, err)
		if len(read.Rows) != docs || read.Rows[0].Seq != journal.Seq(0, newest, 0) {
			t.Fatalf("rows of %s: %+v", feed, read.Rows)
		}
	}
}

func TestPlacesThatDoNotFollow(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	check(t, s.Commit(ctx, page(1, 3, "a"), journal.ViewWrites{}))
	other := p.open(t, p.uris[s])
	t.Cleanup(func() { _ = other.Close() })
	for name, s := range map[string]journal.Store{"the writer": s, "another node": other} {
		if err := s.Commit(ctx, page(5, 5, "gap"), journal.ViewWrites{}); err == nil || errors.Is(err, journal.ErrTaken) {
			t.Errorf("%s, a page after a gap: %v", name, err)
		}
		if err := s.Commit(ctx, page(2, 2, "within"), journal.ViewWrites{}); !errors.Is(err, journal.ErrTaken) {
			t.Errorf("%s, a page within another: %v", name, err)
		}
	}
}

// TestACrashAfterThePage: the page is durable, its views and the watermark are not.
func TestACrashAfterThePage(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	command := func(id string) []journal.Command {
		return []journal.Command{{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft,
			error) {
			if _, _, err := r.Doc(ctx, "things", id); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: "thing.set", Receipt: json.RawMessage(`"ok"`)}
			d.Put("things", id, json.RawMessage(`{"owner":"o","n":1}`))
			d.Tell("f", "things", id)
			return d, nil
		}}}
	}
	do := func(id string) {
		t.Helper()
		j := journal.Open(s, journal.Options{})
		outs, err := j.Do(ctx, branch, command(id))
		check(t, err)
		check(t, outs[0].Err)
		check(t, j.Close(ctx))
	}
	do("a")
	db := p.raw(t, s)
	for _, c := range []string{"view.things", "feeds", "receipts"} {
		_, err := db.Collection(c).DeleteMany(ctx, bson.D{})
		check(t, err)
	}
	_, err := db.Collection("views").UpdateMany(ctx, bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "w",
		Value: int64(0)}}}})
	check(t, err)
	if w, err := s.Watermark(ctx, branch); w != 0 || err != nil {
		t.Fatalf("watermark %d, %v", w, err)
	}
	if bs, err := s.Branches(ctx); len(bs) != 1 || err != nil {
		t.Fatalf("the branch of an invisible page: %v, %v", bs, err)
	}
	do("b")
	found, err := s.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"o"}})
	check(t, err)
	read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f"}, Limit: 10})
	check(t, err)
	if len(found.Records) != 2 || len(read.Rows) != 2 {
		t.Fatalf("found %d documents and %d rows, want 2 and 2", len(found.Records), len(read.Rows))
	}
	problems, err := journal.Check(ctx, s, branch, nil)
	check(t, err)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
}

// TestCommitDoesNotAnswerBelowTheWatermark: what is not visible yet is not acknowledged.
func TestCommitDoesNotAnswerBelowTheWatermark(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	check(t, s.Commit(ctx, page(1, 1, "a"), journal.ViewWrites{}))
	_, err := p.raw(t, s).Collection("views").UpdateMany(ctx, bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "w",
		Value: int64(0)}}}})
	check(t, err)
	if err := s.Commit(ctx, page(2, 2, "b"), journal.ViewWrites{}); err == nil {
		t.Fatal("page 2 was acknowledged while page 1 is not visible")
	}
	check(t, s.Apply(ctx, page(1, 1, "a"), journal.ViewWrites{}))
	check(t, s.Commit(ctx, page(2, 2, "b"), journal.ViewWrites{}))
}

// TestFindAgreesWithAModel asks random queries over values of both kinds, page by page.
func TestFindAgreesWithAModel(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	values := []any{int64(-9223372036854775808), int64(-1), int64(0), int64(1), int64(2), int64(9223372036854775807), "",
		"\x00", "a", "ab", "b", "😀"}
	rank := func(a, b any) int {
		x, aInt := a.(int64)
		y, bInt := b.(int64)
		switch {
		case aInt && bInt:
			return cmp.Compare(x, y)
		case aInt:
			return -1
		case bInt:
			return 1
		}
		return cmp.Compare(a.(string), b.(string))
	}
	type doc struct {
		id string
		v  any
	}
	var docs []doc
	var v journal.ViewWrites
	for i := range 40 {
		d := doc{fmt.Sprintf("d%02d", i), values[rand.IntN(len(values))]}
		body, err := json.Marshal(map[string]any{"owner": "o", "n": d.v})
		check(t, err)
		docs = append(docs, d)
		v.Records = append(v.Records, record(d.id, 1, string(body)))
	}
	v.Records = append(v.Records, record("x1", 1, `{"owner":"o"}`), record("x2", 1, `{"owner":"o","n":true}`),
		record("x3", 1, `{"owner":"p","n":1}`))
	check(t, s.Commit(ctx, page(1, 1, "p"), v))
	some := func() any {
		if rand.IntN(3) == 0 {
			return nil
		}
		return values[rand.IntN(len(values))]
	}
	for range 30 {
		q := journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"o"}, Desc: rand.IntN(2) == 0, Limit: 1 +
			rand.IntN(12)}
		if rand.IntN(6) == 0 {
			q.Eq = append(q.Eq, values[rand.IntN(len(values))])
		} else {
			q.From, q.To = some(), some()
		}
		var want []string
		slices.SortFunc(docs, func(a, b doc) int { return cmp.Or(rank(a.v, b.v), cmp.Compare(a.id, b.id)) })
		for _, d := range docs {
			if (len(q.Eq) == 1 || rank(d.v, q.Eq[1]) == 0) && (q.From == nil || rank(d.v, q.From) >= 0) &&
				(q.To == nil || rank(d.v, q.To) < 0) {
				want = append(want, d.id)
			}
		}
		if q.Desc {
			slices.Reverse(want)
		}
		asked := fmt.Sprintf("%+v", q)
		var got []string
		for {
			f, err := s.Find(ctx, q)
			check(t, err)
			for _, r := range f.Records {
				got = append(got, r.ID)
			}
			if f.Next == "" || len(got) > len(docs) {
				break
			}
			q.After = f.Next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s\n got %v\nwant %v", asked, got, want)
		}
	}
}

// TestFeedAgreesWithAModel reads feeds that share records, page by page.
func TestFeedAgreesWithAModel(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	feeds := []journal.Feed{"f", "g", "h/i", "h"}
	type row struct {
		feed journal.Feed
		id   string
	}
	at := map[row]uint64{}
	for n := uint64(1); n <= 20; n++ {
		var v journal.ViewWrites
		for i := range rand.IntN(9) {
			r := row{feeds[rand.IntN(len(feeds))], fmt.Sprintf("d%02d", rand.IntN(30))}
			v.Feeds = append(v.Feeds, journal.FeedEntry{Feed: r.feed, Seq: journal.Seq(0, n, i), Type: "things", ID: r.id})
			at[r] = journal.Seq(0, n, i)
		}
		check(t, s.Commit(ctx, page(n, n, fmt.Sprint(n)), v))
	}
	for range 20 {
		q := journal.FeedQuery{Branch: branch, Limit: 1 + rand.IntN(20), After: journal.Seq(0, uint64(rand.IntN(20)), 3)}
		for _, i := range rand.Perm(len(feeds))[:1+rand.IntN(len(feeds))] {
			q.Feeds = append(q.Feeds, feeds[i])
		}
		last := map[string]uint64{}
		for r, seq := range at {
			if slices.Contains(q.Feeds, r.feed) {
				last[r.id] = max(last[r.id], seq)
			}
		}
		var want, got []uint64
		for _, seq := range last {
			if seq > q.After {
				want = append(want, seq)
			}
		}
		slices.Sort(want)
		for more := true; more; {
			read, err := s.Feed(ctx, q)
			check(t, err)
			more = read.More
			if len(read.Rows) > q.Limit || more && len(read.Rows) != q.Limit {
				t.Fatalf("%d rows for a limit of %d, more %v", len(read.Rows), q.Limit, more)
			}
			for _, r := range read.Rows {
				got = append(got, r.Seq)
				q.After = r.Seq
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("feeds %v\n got %v\nwant %v", q.Feeds, got, want)
		}
	}
}

// TestFeedReadsOnPastWhatItHides: more rows than one query reads are repeated by a second feed, all but one.
func TestFeedReadsOnPastWhatItHides(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	const rows = 130
	for n := uint64(1); n <= 2; n++ {
		var v journal.ViewWrites
		for i := range rows {
			id := fmt.Sprintf("d%03d", i)
			if n == 1 || id != "d100" {
				v.Feeds = append(v.Feeds, journal.FeedEntry{Feed: []journal.Feed{"f", "g"}[n-1], Seq: journal.Seq(0, n, i),
					Type: "things", ID: id})
			}
		}
		// On a slow machine the server needs longer for so many rows than a call may take; the same page again is welcome.
		err := s.Commit(ctx, page(n, n, fmt.Sprint(n)), v)
		for errors.Is(err, journal.ErrNoAnswer) {
			err = s.Commit(ctx, page(n, n, fmt.Sprint(n)), v)
		}
		check(t, err)
	}
	for _, limit := range []int{1, 3, 500} {
		read, err := s.Feed(ctx, journal.FeedQuery{Branch: branch, Feeds: []journal.Feed{"f", "g"}, Limit: limit})
		check(t, err)
		if len(read.Rows) != min(limit, rows) || read.More != (limit < rows) || read.Rows[0].Seq != journal.Seq(0, 1, 100) {
			t.Fatalf("limit %d: %d rows, more %v, the first %+v", limit, len(read.Rows), read.More, read.Rows[0].FeedEntry)
		}
	}
}

// TestWhichSmallsWereInserted: the positions hold in a write of several hundred.
func TestWhichSmallsWereInserted(t *testing.T) {
	ctx := context.Background()
	s := start(t).fresh(t)
	there := []int{0, 99, 100, 217, 449}
	var ids []string
	var bodies [][]byte
	for i := range 450 {
		ids = append(ids, fmt.Sprintf("i%03d", i))
		bodies = append(bodies, []byte("new"))
	}
	for _, i := range there {
		check(t, s.SwapSmall(ctx, "k", ids[i], 0, []byte("old")))
	}
	inserted, err := s.InsertSmalls(ctx, "k", ids, bodies)
	check(t, err)
	for i, ok := range inserted {
		if ok == slices.Contains(there, i) {
			t.Errorf("inserted %s: %v", ids[i], ok)
		}
	}
	// A kind is no prefix of another, and ids may hold a slash.
	check(t, s.SwapSmall(ctx, "k/i", "1", 0, []byte("other")))
	check(t, s.SwapSmall(ctx, "k", "i/1", 0, []byte("mine")))
	list, err := s.ListSmall(ctx, "k", "i/", "", 10)
	check(t, err)
	if len(list) != 1 || list[0] != "i/1" {
		t.Errorf("listed %q", list)
	}
}

// TestEveryDocumentNamesItsShard: whatever the store writes has a branch to shard by,
// and an _id that begins with it: MongoDB keeps an _id unique on one shard only.
func TestEveryDocumentNamesItsShard(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	check(t, s.Commit(ctx, page(1, 1, "p"), journal.ViewWrites{Records: []journal.Record{record("a", 1,
		`{"owner":"o","n":1}`)},
		Feeds: []journal.FeedEntry{{Feed: "f", Seq: journal.Seq(0, 1, 0), Type: "things",
			ID: "a"}}, Receipts: []journal.Receipt{{Command: "c", N: 1}}}))
	check(t, s.SwapSmall(ctx, "home", "case/1", 0, []byte("v1")))
	check(t, s.SwapSmall(ctx, "home", "case/1", 1, []byte("v2")))
	_, err := s.InsertSmalls(ctx, "key", []string{"k1"}, [][]byte{[]byte("v")})
	check(t, err)
	db := p.raw(t, s)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	check(t, err)
	met := 0
	for _, name := range names {
		if name == "meta" {
			continue
		}
		cur, err := db.Collection(name).Find(ctx, bson.D{})
		check(t, err)
		var docs []struct {
			ID     string `bson:"_id"`
			Branch string `bson:"branch"`
		}
		check(t, cur.All(ctx, &docs))
		for _, d := range docs {
			met++
			if d.Branch == "" || d.ID != d.Branch && !strings.HasPrefix(d.ID, d.Branch+"/") {
				t.Errorf("%s: the _id %q does not begin with the branch %q", name, d.ID, d.Branch)
			}
		}
	}
	if met != 9 {
		t.Errorf("%d documents were met in %v", met, names)
	}
}

func TestIndexesAreDeclaredAgain(t *testing.T) {
	ctx := context.Background()
	p := start(t)
	s := p.fresh(t)
	check(t, s.Commit(ctx, page(1, 1, "p"), journal.ViewWrites{Records: []journal.Record{record("a", 1,
		`{"owner":"o","n":1,"word":"w"}`)}}))
	changed := []journal.Index{{Type: "things", Name: "owner", Fields: []string{"owner", "word"}}}
	check(t, s.Close())
	again, err := mongostore.Open(ctx, p.uris[s], changed)
	check(t, err)
	t.Cleanup(func() { _ = again.Close() })
	f, err := again.Find(ctx, journal.Query{Branch: branch, Type: "things", Index: "owner", Eq: []any{"o", "w"}})
	check(t, err)
	if len(f.Records) != 1 {
		t.Fatalf("found %d by the changed index", len(f.Records))
	}
	if _, err := mongostore.Open(ctx, p.uri(), []journal.Index{{Type: "things", Name: "bad",
		Fields: []string{"a.b"}}}); err == nil {
		t.Fatal("a field with a dot cannot be indexed")
	}
}
