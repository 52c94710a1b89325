package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// An answer that writes itself is the one that encoding/json writes.
func TestPullAnswerIsWrittenAsEncoded(t *testing.T) {
	doc := json.RawMessage(`{"text":"a \u003cdoor\u003e \"opens\""}`)
	put := Change{Seq: 1<<53 - 1, Type: "visit_notes", ID: "n.1-_", Rev: 7, Op: "put", Doc: doc}
	gone := Change{Seq: 8, Type: "cases", ID: `od"d`, Rev: 1, Op: "revoke"}
	for name, changes := range map[string][]Change{"none": {}, "one": {put}, "without a document": {gone},
		"all": {put, gone, put, put, gone}} {
		a := PullAnswer{Epoch: "e7", Cursor: 9, More: true, Changes: changes,
			ServerTime: time.Date(2026, 11, 23, 10, 0, 0, 120_000_000, time.UTC)}
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		n, err := a.WriteTo(&got)
		if err != nil || n != int64(len(want)) || got.String() != string(want) {
			t.Errorf("%s: %v, %d bytes:\n%s\nwant %d:\n%s", name, err, n, &got, len(want), want)
		}
		if a.Changes == nil || len(a.Changes) != len(changes) {
			t.Errorf("%s: writing changed the answer", name)
		}
	}
}

type cut struct{ left int }

func (c *cut) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		return 0, errors.New("the caller is gone")
	}
	return len(b), nil
}

func TestPullAnswerSaysThatItWasCutOff(t *testing.T) {
	a := PullAnswer{Changes: []Change{{Op: "put", Doc: json.RawMessage(`{}`)}}}
	for left := range 100 {
		if n, err := a.WriteTo(&cut{left}); err == nil {
			t.Fatalf("%d bytes of room took all %d", left, n)
		}
	}
}

// A page is read in parts that fit it, so that little is read and shown in vain.
func TestRowsNextFillThePage(t *testing.T) {
	const mib = MaxPullBytes
	for _, c := range []struct {
		what                 string
		n, size, limit, want int
	}{
		{"the first part", 0, 0, 2000, firstRows},
		{"a short page", 0, 0, 7, 7},
		{"small changes", 50, 50 * 300, 2000, rowsAtOnce},
		{"the end of the page by count", 1990, 1990 * 300, 2000, 10},
		{"changes of 16 kB", 50, 50 << 14, 2000, 15},
		{"a page that is almost full", 500, mib - 1, 2000, fewRows},
		{"full to the byte", 500, mib, 2000, fewRows},
	} {
		if got := rowsNext(c.n, c.size, c.limit); got != c.want {
			t.Errorf("%s: %d rows, want %d", c.what, got, c.want)
		}
	}
}
