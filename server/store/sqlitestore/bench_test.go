package sqlitestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// BenchmarkAppends appends small changes to one branch's journal, each answered
// only when it is durable: a document of 260 bytes, a receipt and a row in a
// feed. "bytes/entry" is what the file grows by, all views and indexes included.
func BenchmarkAppends(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			ctx, folder := context.Background(), b.TempDir()
			s, err := sqlitestore.Open(ctx, folder, nil)
			if err != nil {
				b.Fatal(err)
			}
			j := journal.Open(s, journal.Options{})
			var n atomic.Int64
			var wait sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wait.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						outs, err := j.Do(ctx, "b", []journal.Command{change(i)})
						if err != nil || outs[0].Err != nil {
							b.Error(err, outs)
							return
						}
					}
				})
			}
			wait.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			if err := j.Close(ctx); err != nil {
				b.Error(err)
			}
			if err := s.Close(); err != nil { // moves the log into the file
				b.Error(err)
			}
			info, err := os.Stat(filepath.Join(folder, sqlitestore.FileName))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/entry")
		})
	}
}

var filler = json.RawMessage(fmt.Sprintf(`{"text":"%0248d"}`, 0))

func change(i int64) journal.Command {
	id := fmt.Sprintf("n%07d", i)
	return journal.Command{ID: "c:" + id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft,
		error) {
		_, _, err := r.Doc(ctx, "notes", id)
		d := journal.Draft{Action: "note", Receipt: json.RawMessage(`{"status":"applied"}`)}
		d.Put("notes", id, filler)
		d.Tell("agent:u", "notes", id)
		return d, err
	}}
}
