package sqlitestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"doorstep/auth"
	"doorstep/server/store/sqlitestore"
	"doorstep/server/store/storetest"
	"doorstep/sync/journal"
)

// The store hands on the bytes that the driver made for a row. They must not change when the next row is read, nor
// when another query is.
func TestBodiesOutliveTheirRows(t *testing.T) {
	ctx, b := t.Context(), auth.BranchID("b")
	s, err := sqlitestore.Open(ctx, t.TempDir(), storetest.Indexes())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	j := journal.Open(s, journal.Options{})
	defer j.Close(context.WithoutCancel(ctx))
	const docs = 40
	var cmds []journal.Command
	var refs []journal.DocRef
	for i := range docs {
		id := fmt.Sprintf("d%02d", i)
		refs = append(refs, journal.DocRef{Type: "docs", ID: id})
		cmds = append(cmds, journal.Command{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (
			journal.Draft, error) {
			_, _, err := r.Doc(ctx, "docs", id)
			d := journal.Draft{Action: "doc", Receipt: json.RawMessage(`{}`)}
			d.Put("docs", id, json.RawMessage(fmt.Sprintf(`{"owner":"o","n":%d}`, i)))
			d.Tell("f", "docs", id)
			return d, err
		}})
	}
	if outs, err := j.Do(ctx, b, cmds); err != nil || outs[0].Err != nil {
		t.Fatal(err, outs[0].Err)
	}
	for range 2 { // the first answers are still held while the same pages are read again
		byID, err := s.Records(ctx, b, refs)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Find(ctx, journal.Query{Branch: b, Type: "docs"})
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Find(ctx, journal.Query{Branch: b, Type: "docs", Index: "owner", Eq: []any{"o"}})
		if err != nil {
			t.Fatal(err)
		}
		scanned, err := s.ScanRecords(ctx, b, 1, journal.DocRef{}, docs)
		if err != nil {
			t.Fatal(err)
		}
		for how, recs := range map[string][]journal.Record{"by id": byID, "as a list": list.Records,
			"by index": found.Records, "by a scan": scanned} {
			if len(recs) != docs {
				t.Errorf("%s: %d documents, want %d", how, len(recs), docs)
			}
			for i, r := range recs {
				if want := fmt.Sprintf(`{"owner":"o","n":%d}`, i); string(r.Body) != want {
					t.Errorf("%s: %s is %s, want %s", how, r.ID, r.Body, want)
				}
			}
		}
	}
}
