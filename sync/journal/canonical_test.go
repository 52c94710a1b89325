package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// fullEntry has every member set, and text that JSON must escape.
func fullEntry() Entry {
	e := Entry{
		Schema: 1, Branch: "PORTO", N: 7,
		Received: time.Date(2026, 11, 25, 9, 0, 1, 250e6, time.UTC),
		Claimed:  time.Date(2026, 11, 25, 8, 59, 0, 0, time.UTC),
		Actor:    "u-1", Device: "d-1", Command: "m:u-1:0193a6f2-7c1e-7000-8000-000000000001", Part: 1,
		Action: "visit.record", Writes: []Key{"case:P-1", "visits:v\"1"},
		Docs: []Doc{
			{Type: "visits", ID: "v\"1", Rev: 1, No: 12, State: json.RawMessage(`{"case":"P-1","n":3}`)},
			{Type: "cases", ID: "P-1", Rev: 4, State: json.RawMessage(`{"status":"open"}`)},
			{Type: "assignments", ID: "测试\n", Rev: 2, Deleted: true},
		},
		Feeds:    []FeedRow{{"agent:u-1", "visits", "v\"1"}, {"agent:u-1", "cases", "P-1"}},
		Verdicts: json.RawMessage(`[{"decision":"allow"}]`),
		Receipt:  json.RawMessage(`{"status":"applied"}`),
	}
	e.Said = []byte("said\xff\xfe")
	return e
}

// The bytes of an entry are for ever: a change here breaks every proof given so far.
func TestCanonicalBytesArePinned(t *testing.T) {
	e := fullEntry()
	got := e.encode()
	const want = `{"schema":1,"branch":"PORTO","n":7,"received":"2026-11-25T09:00:01.250Z","no":[12],` +
		`"claimed":"2026-11-25T08:59:00.000Z","actor":"u-1","device":"d-1","command":"m:u-1:0193a6f2-7c1e-7000-8000-000000000001","part":1,` +
		`"said":"c2FpZP/+","action":"visit.record",` +
		`"writes":["case:P-1","visits:v\"1"],"docs":[{"type":"visits","id":"v\"1","rev":1,"state":{"case":"P-1","n":3}},` +
		`{"type":"cases","id":"P-1","rev":4,"state":{"status":"open"}},{"type":"assignments","id":"测试\u000a","rev":2,"deleted":true}],` +
		`"feeds":[["agent:u-1","visits","v\"1"],["agent:u-1","cases","P-1"]],"verdicts":[{"decision":"allow"}],"receipt":{"status":"applied"}}`
	if string(got) != want {
		t.Errorf("canonical bytes changed:\n got %s\nwant %s", got, want)
	}
	leaf := Leaf(got)
	const wantLeaf = "ffd1053894cb4f13d3d280948a82f986710088cc398148706bdeca2dd2a58584"
	if h := hex.EncodeToString(leaf[:]); h != wantLeaf {
		t.Errorf("leaf hash %s, pinned %s", h, wantLeaf)
	}
	minimal := Entry{Schema: 1, Branch: "B", N: 1, Received: e.Received}
	if got := string(minimal.encode()); got != `{"schema":1,"branch":"B","n":1,"received":"2026-11-25T09:00:01.250Z"}` {
		t.Errorf("an entry with nothing in it: %s", got)
	}
}

func TestEntryReadsBackWhatWasWritten(t *testing.T) {
	e := fullEntry()
	got, err := DecodeEntry(e.encode())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, e) {
		t.Errorf("read back\n%+v\nwant\n%+v", got, e)
	}
}

// A visit that was made in another branch keeps its number there: here it gets none, and takes none away.
func TestACopyGetsNoNumber(t *testing.T) {
	e := Entry{Schema: 1, Branch: "B", N: 1, Received: time.Date(2026, 11, 25, 9, 0, 1, 0, time.UTC), Docs: []Doc{
		{Type: NumberedType, ID: "old", Rev: 1, Copy: true, State: json.RawMessage(`{}`)},
		{Type: NumberedType, ID: "new", Rev: 1, No: 3, State: json.RawMessage(`{}`)}}}
	const want = `{"schema":1,"branch":"B","n":1,"received":"2026-11-25T09:00:01.000Z","no":[3],"docs":[` +
		`{"type":"visits","id":"old","rev":1,"copy":true,"state":{}},{"type":"visits","id":"new","rev":1,"state":{}}]}`
	if got := string(e.encode()); got != want {
		t.Errorf("encoded\n%s, want\n%s", got, want)
	}
	if back, err := DecodeEntry([]byte(want)); err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("read back %+v, %v", back, err)
	}
	m := newMemStore()
	j := open(t, m)
	d := Draft{Action: "copy"}
	d.Docs = []Doc{{Type: NumberedType, ID: "old", Copy: true, State: json.RawMessage(`{}`)}}
	copying := Command{ID: "copy", Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		_, _, err := r.Doc(ctx, NumberedType, "old")
		return d, err
	}}
	do(t, j, copying)
	do(t, j, once("visit", NumberedType, "new"))
	recs, err := m.Records(context.Background(), branch, []DocRef{{NumberedType, "old"}, {NumberedType, "new"}})
	if err != nil || recs[0].No != 0 || recs[1].No != 1 {
		t.Errorf("the copy has number %d, the first visit %d, %v", recs[0].No, recs[1].No, err)
	}
	tail, err := m.Tail(context.Background(), branch)
	if err != nil || tail.Numbered.Plus(tail.NumberedIn) != (Counts{1}) {
		t.Errorf("the tree counts %s, %v", tail.Numbered.Plus(tail.NumberedIn), err)
	}
}

// Each numbered type is numbered by itself, and a document has its number in every state: also in one that is drafted
// in the call that makes it, or that another branch's copy replaces.
func TestEachNumberedTypeCountsForItself(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	next := func(id, typ, doc string, isCopy bool) Command {
		return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
			_, _, err := r.Doc(ctx, typ, doc)
			return Draft{Action: "put", Docs: []Doc{{Type: typ, ID: doc, Copy: isCopy, State: json.RawMessage(`{}`)}}}, err
		}}
	}
	do(t, j, next("1", "quarantine", "q1", false), next("2", "visits", "v1", false), next("3", "quarantine", "q2", false),
		next("4", "quarantine", "q2", false), next("5", "visit_reviews", "r1", true))
	do(t, j, next("6", "quarantine", "q1", false), next("7", "visit_reviews", "r1", false),
		next("8", "visit_reviews", "r2", false), next("9", "quarantine", "q2", true), next("10", "notes", "n1", false))
	var got string
	recs, err := m.Records(context.Background(), branch, []DocRef{{"quarantine", "q1"}, {"quarantine", "q2"},
		{"visits", "v1"}, {"visit_reviews", "r1"}, {"visit_reviews", "r2"}, {"notes", "n1"}})
	for _, r := range recs {
		got += fmt.Sprintf("%s %d.%d ", r.ID, r.No, r.Rev)
	}
	if want := "q1 1.2 q2 2.3 v1 1.1 r1 0.2 r2 1.1 n1 0.1 "; err != nil || got != want {
		t.Errorf("numbers and revisions are %s, want %s, %v", got, want, err)
	}
	got = ""
	for p, err := range Pages(context.Background(), m, branch, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for n := p.First; n <= p.Last; n++ {
			e, err := p.Entry(n)
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%s %d ", e.Docs[0].ID, e.Docs[0].No)
		}
	}
	if want := "q1 1 v1 1 q2 2 q2 2 r1 0 q1 1 r1 0 r2 1 q2 2 n1 0 "; got != want {
		t.Errorf("the entries number %s, want %s", got, want)
	}
	tail, err := m.Tail(context.Background(), branch)
	if had := tail.Numbered.Plus(tail.NumberedIn); err != nil || had != (Counts{1, 2, 1}) {
		t.Errorf("the tree counts %s, %v", had, err)
	}
}

func TestNewerSchemaIsRefusedNotMisread(t *testing.T) {
	if _, err := DecodeEntry([]byte(`{"schema":2,"branch":"B","n":1}`)); err == nil {
		t.Error("an entry of schema 2 was read by a program that knows 1")
	}
}

// The layout of a page is as good as for ever: stores keep its bytes.
func TestPageBytesArePinned(t *testing.T) {
	e := fullEntry()
	raw := e.encode()
	p := &Page{Branch: "PORTO", First: 7, Last: 7, ID: "id", Node: "n", Root: Leaf(nil),
		Edge:     []tlog.Hash{Leaf(raw), Leaf(nil)},
		Numbered: Counts{11}, NumberedIn: Counts{1}, Leaves: []tlog.Hash{Leaf(raw)}, Entries: [][]byte{raw}}
	sum := sha256.Sum256(p.Encode())
	const want = "b6ee5550236133212f8e4311c4dd436bf16d30ee007db77920d66cc07417278e"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the bytes of a page hash to %s, pinned %s", got, want)
	}
}

func TestPageReadsBackAndRefusesDamage(t *testing.T) {
	e := fullEntry()
	e.N = 1
	raw := e.encode()
	p := &Page{Branch: "PORTO", First: 1, Last: 1, ID: "id", Node: "n", Numbered: Counts{11}, NumberedIn: Counts{1},
		Leaves: []tlog.Hash{Leaf(raw)}, Entries: [][]byte{raw}, Edge: []tlog.Hash{}}
	b := p.Encode()
	got, err := DecodePage(b)
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("read back %+v, %v", got, err)
	}
	for i := range b {
		if _, err := DecodePage(b[:i]); err == nil {
			t.Fatalf("a page cut to %d of %d bytes was read", i, len(b))
		}
	}
}

func FuzzDecodePage(f *testing.F) {
	e := fullEntry()
	raw := e.encode()
	p := &Page{Branch: "PORTO", First: 7, Last: 7, ID: "id", Leaves: []tlog.Hash{Leaf(raw)}, Entries: [][]byte{raw}}
	f.Add(p.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePage(b); err == nil {
			_, _ = p.Decode()
		}
	})
}
