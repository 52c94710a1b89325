package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
)

// edges are values round the edge of what an entry holds, and whether it holds them.
var (
	edgeTimes = []struct {
		at string
		ok bool
	}{
		{"1970-01-01T00:00:00Z", true}, {"1970-01-01T01:00:00+01:00", true}, {"1970-01-01T00:59:59+01:00", false},
		{"1969-12-31T23:59:59.999Z", false}, {"1969-12-31T23:00:00-01:00", true},
		{"9999-12-31T23:59:59.999Z", true}, {"9999-12-31T23:59:59-01:00", false}, {"9999-12-31T22:59:59-01:00", true},
		{"0001-01-01T00:00:00.001Z", false}, {"0000-01-01T00:00:00Z", false}, {"2026-11-25T09:00:00.123456789+05:30", true},
	}
	edgeTexts = []struct {
		text string
		ok   bool
	}{
		{"a", true}, {"测试\n\"\\\u2028<&>", true}, {"\x7f\x1f", true}, {"\u00e9e\u0301", true}, {"\ufffd", true},
		{"\xff", false}, {"a\xc3", false}, {"\xed\xa0\x80", false}, {"a\x00b", false},
	}
	edgeRaw = []struct {
		raw string
		ok  bool
	}{
		{`{}`, true}, {`{"a":[1,-2,{"b":null}],"c":"\u003c\ud83d\ude00\/"}`, true}, {`{"a":9223372036854775807}`, true},
		{`{"a":-9223372036854775808}`, true}, {`{"A":1,"a":2}`, true}, {`{"":{}}`, true},
		{`{"a":1.0}`, false}, {`{"a":1e3}`, false}, {`{"a":-0}`, false}, {`{"a":01}`, false}, {`{"a":9223372036854775808}`,
			false},
		{`{"a":"\ud800"}`, false}, {`{"a":"\ud800\u0061"}`, false}, {`{"a":"\udc00\ud800"}`, false}, {`{"a":"\u0000"}`,
			false},
		{"{\"a\":\"\x00\"}", false}, {"{\"a\":\"\xff\"}", false}, {`{"a":1,"a":2}`, false}, {`{"a":1,"\u0061":2}`, false},
		{`{ }`, false}, {`{"a": 1}`, false}, {`{"a":1} `, false}, {`{"a":1}{}`, false}, {`{"a":1,}`, false}, {`{"a"}`, false},
		{`{"a":1`, false}, {`{"a":"`, false}, {`{"a":tru}`, false}, {`{"a":"\x"}`, false}, {`{"a":"\u12"}`, false}, {`{a:1}`,
			false},
		{`{"a":` + strings.Repeat("[", 98) + strings.Repeat("]", 98) + `}`, true},
		{`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, false},
	}
)

// draftOf is a command that writes what a test says.
func draftOf(id string, d Draft) Command {
	return Command{ID: id, Decide: func(ctx context.Context, r *Reader) (Draft, error) {
		for _, doc := range d.Docs {
			if _, _, err := r.Doc(ctx, doc.Type, doc.ID); err != nil {
				return Draft{}, err
			}
		}
		r.Depend(d.Writes...)
		return d, nil
	}}
}

// J0: what an entry cannot hold is refused before it has a number, by itself, and what
// it can hold is read back as it was given, by the next start as well.
func TestWhatCannotBeReadBackIsRefused(t *testing.T) {
	m := newMemStore()
	j := open(t, m)
	taken, tries := 0, 0
	try := func(what string, ok bool, c Command) {
		t.Helper()
		tries++
		out, err := j.Do(context.Background(), branch, []Command{c, add(fmt.Sprint("good", tries), "a")})
		var refused *refusal.Error
		switch {
		case err != nil || out[1].Err != nil:
			t.Fatalf("%s: the whole call failed: %v %+v", what, err, out)
		case ok && out[0].Err != nil:
			t.Errorf("%s is refused: %v", what, out[0].Err)
		case !ok && (!errors.As(out[0].Err, &refused) || refused.Code() != "command.invalid" || out[0].N != 0):
			t.Errorf("%s: %+v, want command.invalid", what, out[0])
		}
		if ok {
			taken++
		}
		taken++
	}
	for _, e := range edgeTimes {
		at, err := time.Parse(time.RFC3339, e.at)
		if err != nil {
			t.Fatal(err)
		}
		c := draftOf("t"+e.at, Draft{Action: "x"})
		c.Claimed = at
		try("claimed "+e.at, e.ok, c)
	}
	for i, e := range edgeTexts {
		id := string(rune('A' + i))
		c := draftOf("actor"+id, Draft{Action: "x"})
		c.Actor, c.Device = auth.UserID(e.text), auth.DeviceID(e.text)
		try("actor and device "+e.text, e.ok, c)
		try("action "+e.text, e.ok, draftOf("action"+id, Draft{Action: e.text}))
		try("id "+e.text, e.ok, draftOf("id"+id, Draft{Docs: []Doc{{Type: "t", ID: e.text, State: json.RawMessage(`{}`)}}}))
		try("type "+e.text, e.ok, draftOf("type"+id, Draft{Docs: []Doc{{Type: e.text, ID: id,
			State: json.RawMessage(`{}`)}}}))
		try("feed "+e.text, e.ok, draftOf("feed"+id, Draft{Feeds: []FeedRow{{Feed(e.text), "t", "i"}}}))
		try("key "+e.text, e.ok, draftOf("key"+id, Draft{Action: "x", Writes: []Key{Key(e.text)}}))
		try("command "+e.text, e.ok, draftOf(e.text+id, Draft{Action: "x"}))
	}
	for i, e := range edgeRaw {
		id := "raw" + string(rune('A'+i))
		try("state "+e.raw, e.ok, draftOf("s"+id, Draft{Docs: []Doc{{Type: "t", ID: id, State: json.RawMessage(e.raw)}}}))
		try("receipt "+e.raw, e.ok, draftOf("r"+id, Draft{Action: "x", Receipt: json.RawMessage(e.raw)}))
		try("verdicts "+e.raw, e.ok, draftOf("v"+id, Draft{Action: "x", Verdicts: json.RawMessage(e.raw)}))
	}
	if n := len(m.entries(branch)); n != taken {
		t.Errorf("%d entries are stored, want %d", n, taken)
	}
	next := open(t, m)
	if out := do(t, next, add("after", "a")); out[0].N != uint64(taken+1) {
		t.Errorf("after a restart: %+v", out)
	}
}

// Whatever is prepared comes back: the domain and the codec are one thing.
func FuzzCodec(f *testing.F) {
	for _, e := range edgeTimes {
		at, _ := time.Parse(time.RFC3339, e.at)
		f.Add(at.UnixMilli(), 0, "c", "t", "i", []byte(`{}`), []byte(`"ok"`), uint8(0))
	}
	for _, e := range edgeTexts {
		f.Add(int64(0), 60, "c"+e.text, "t", e.text, []byte(`{}`), []byte(`1`), uint8(1))
		f.Add(int64(1), -60, "c", e.text, "i", []byte(`{"a":1}`), []byte(``), uint8(2))
	}
	for _, e := range edgeRaw {
		f.Add(int64(1764061200000), 330, "c", NumberedType, "i", []byte(e.raw), []byte(e.raw), uint8(3))
	}
	f.Fuzz(func(t *testing.T, claimed int64, offset int, command, typ, id string, body, raw []byte, flags uint8) {
		at := time.UnixMilli(claimed).In(time.FixedZone("", offset%(18*60)*60))
		cmd := &Command{ID: command, Claimed: at, Actor: "u"}
		if flags&4 != 0 {
			cmd.Payload[0] = 1
		}
		d := Draft{Action: "x", Receipt: raw, Verdicts: raw, Docs: []Doc{{Type: typ, ID: id, State: body,
			Deleted: flags&1 != 0}}}
		if flags&2 != 0 {
			d.Tell(Feed(id), typ, id)
		}
		r := &Reader{Branch: branch, At: MaxTime, keys: map[Key]seenAt{DocKey(typ, id): {}}, drafted: newDrafted(),
			seen: map[DocRef]Record{}}
		it, err := prepare(cmd, r, d, MaxTime)
		var refused *refusal.Error
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("refused by something else: %v", err)
			}
			return
		}
		e := it.entries[0].entry
		e.Schema, e.Branch, e.N, e.Received = SchemaVersion, branch, 1<<62, MaxTime
		for i := range e.Docs {
			if numberedAs(&e.Docs[i]) >= 0 {
				e.Docs[i].No = 1 << 62
			}
		}
		if !json.Valid(e.encode()) {
			t.Fatalf("not JSON: %q", e.encode())
		}
		back, err := DecodeEntry(e.encode())
		if err != nil {
			t.Fatalf("%q: %v", e.encode(), err)
		}
		if string(back.encode()) != string(e.encode()) || !sameEntry(back, e) {
			t.Fatalf("read back\n%+v\nwant\n%+v", back, e)
		}
	})
}

// sameEntry compares entries as values; nil and empty lists are the same.
func sameEntry(a, b Entry) bool {
	norm := func(e *Entry) {
		if len(e.Receipt) == 0 {
			e.Receipt = nil
		}
		if len(e.Verdicts) == 0 {
			e.Verdicts = nil
		}
		if len(e.Feeds) == 0 {
			e.Feeds = nil
		}
	}
	norm(&a)
	norm(&b)
	return reflect.DeepEqual(a, b)
}
