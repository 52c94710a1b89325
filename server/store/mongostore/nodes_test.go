package mongostore

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/server/store/storetest"
	"doorstep/sync/journal"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// farConn is a connection on which each request takes longer to arrive.
type farConn struct {
	net.Conn
	delay time.Duration
}

func (c farConn) Write(b []byte) (int, error) {
	if err := journal.Sleep(context.Background(), c.delay); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

type farDialer time.Duration

func (d farDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var plain net.Dialer
	c, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return farConn{c, time.Duration(d)}, nil
}

// TestTwoNodesShareABranch has two nodes append to one branch as fast as they can, one of
// them far from the server. It tells their parts and how long they waited; that depends on
// the machine, so that only what must hold everywhere is checked.
func TestTwoNodesShareABranch(t *testing.T) {
	d := server(t)
	name := d.fresh(t)
	const branch auth.BranchID = "north"
	ctx := context.Background()
	append1 := func(id, doc string) journal.Command {
		return journal.Command{ID: id, Actor: "u", Decide: func(ctx context.Context, r *journal.Reader) (
			journal.Draft, error) {
			rec, there, err := r.Doc(ctx, "docs", doc)
			if err != nil {
				return journal.Draft{}, err
			}
			n := 0
			if there {
				var was struct{ N int }
				if err := json.Unmarshal(rec.Body, &was); err != nil {
					return journal.Draft{}, err
				}
				n = was.N
			}
			draft := journal.Draft{Action: "doc.set"}
			draft.Put("docs", doc, fmt.Appendf(nil, `{"n":%d,"owner":"o"}`, n+1))
			return draft, nil
		}}
	}
	took := make([][]time.Duration, 2)
	var mu sync.Mutex
	var all sync.WaitGroup
	stores := make([]*Store, 2)
	for i, delay := range []time.Duration{0, 20 * time.Millisecond} {
		opts := options.Client().ApplyURI(d.uri)
		if delay > 0 {
			opts.SetDialer(farDialer(delay))
		}
		s, err := open(ctx, opts, name, storetest.Indexes())
		if err != nil {
			t.Fatal(err)
		}
		stores[i] = s
		j := journal.Open(s, journal.Options{})
		defer func() { _, _ = j.Close(ctx), s.Close() }()
		until := time.Now().Add(15 * time.Second)
		for w := range 8 {
			all.Go(func() {
				for k := 0; time.Now().Before(until); k++ {
					begun := time.Now()
					doc := fmt.Sprintf("%d-%d", i, w)
					out, err := j.Do(ctx, branch, []journal.Command{append1(fmt.Sprintf("%s-%d", doc, k), doc)})
					if err != nil || out[0].Err != nil || out[0].Duplicate {
						t.Errorf("node %d: %+v %v", i, out, err)
						return
					}
					mu.Lock()
					took[i] = append(took[i], time.Since(begun))
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	sum := 0
	for i, all := range took {
		if len(all) == 0 {
			t.Fatalf("node %d appended nothing", i)
		}
		slices.Sort(all)
		sum += len(all)
		t.Logf("node %d: %d appends, p50 %s, p99 %s", i, len(all), all[len(all)/2], all[len(all)*99/100])
	}
	found, err := journal.Check(ctx, stores[0], branch, nil)
	if err != nil || len(found) > 0 {
		t.Errorf("fsck: %v %v", found, err)
	}
	if w, err := stores[0].Watermark(ctx, branch); err != nil || w != uint64(sum) {
		t.Errorf("%d entries, %v; %d commands were acknowledged", w, err, sum)
	}
}
