package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"doorstep/sync/journal"
)

// damageIsFound: what views lack, hold beyond the journal or hold otherwise than the
// journal says is found, each by its name, and nothing else is.
func damageIsFound(t *testing.T, e Engine) {
	ctx := context.Background()
	source := e.Open(t)
	t.Cleanup(func() { _ = source.Close() })
	j := journal.Open(source, journal.Options{})
	for i := range 5 {
		do(t, j, set(fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i), "f"))
	}
	check(t, j.Close(ctx))
	pages, err := source.Pages(ctx, branch, 0, 100)
	check(t, err)
	for _, c := range []struct {
		name   string
		tamper func(v *journal.ViewWrites) // of the third page
		want   string
	}{
		{"nothing", func(*journal.ViewWrites) {}, ""},
		{"a missing document", func(v *journal.ViewWrites) { v.Records = nil }, "entry 3: the view records lacks docs/d2"},
		{"a foreign document", func(v *journal.ViewWrites) {
			r := v.Records[0]
			r.ID = "foreign"
			v.Records = append(v.Records, r)
		}, "entry 3: records holds a foreign document docs/foreign"},
		{"another state", func(v *journal.ViewWrites) { v.Records[0].Body = json.RawMessage(`{"owner":"f","n":7}`) },
			"entry 3: the view of docs/d2 is not what the journal says"},
		{"another revision", func(v *journal.ViewWrites) { v.Records[0].Rev = 4 },
			"entry 3: the view of docs/d2 is not what the journal says"},
		{"a document of an entry to come", func(v *journal.ViewWrites) {
			r := v.Records[0]
			r.ID, r.N = "foreign", 77
			v.Records = append(v.Records, r)
		}, "entry 77: records holds a foreign document docs/foreign"},
		{"a missing feed row", func(v *journal.ViewWrites) { v.Feeds = nil },
			"entry 3: a row is missing: the feed f the row for docs/d2"},
		{"a foreign feed row", func(v *journal.ViewWrites) {
			f := v.Feeds[0]
			f.Feed = "g"
			v.Feeds = append(v.Feeds, f)
		}, "entry 3: feed g has a foreign row for docs/d2"},
		{"a feed row elsewhere", func(v *journal.ViewWrites) { v.Feeds[0].Seq++ },
			"entry 3: feed f has docs/d2 at 3073, must be at 3072"},
		{"a missing receipt", func(v *journal.ViewWrites) { v.Receipts = nil },
			"entry 3: the receipt of its command is missing"},
		{"a foreign receipt", func(v *journal.ViewWrites) {
			r := v.Receipts[0]
			r.Command = "foreign"
			v.Receipts = append(v.Receipts, r)
		}, "entry 3: the receipt of command foreign is foreign"},
		{"another receipt", func(v *journal.ViewWrites) { v.Receipts[0].Body = encode("other") },
			"entry 3: the receipt of its command is not the one that was given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // a rebuild waits for those who read the old generation
			s := e.Open(t)
			t.Cleanup(func() { _ = s.Close() })
			for i, p := range pages {
				entries, err := p.Decode()
				check(t, err)
				v := journal.Project(entries)
				if i == 2 {
					c.tamper(&v)
				}
				check(t, s.Commit(ctx, p, v))
			}
			got := strings.Split(strings.TrimSuffix(findings(t, s), "\n"), "\n")
			if c.want == "" {
				equal(t, "findings", got[0], "")
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], "DAMAGE ") || !strings.Contains(got[0], c.want) {
				t.Fatalf("findings %q, want one: %q", got, c.want)
			}
			// A rebuild repairs damage of every kind.
			for _, view := range journal.BuiltInViews() {
				check(t, journal.Rebuild(ctx, s, branch, journal.View{Name: view}, nil))
			}
			equal(t, "findings after a rebuild", findings(t, s), "")
		})
	}
}

// checksRunBesideWriters: what changes while a check reads is not called damage.
func checksRunBesideWriters(t *testing.T, e Engine) {
	ctx := context.Background()
	s := e.Open(t)
	t.Cleanup(func() { _ = s.Close() })
	j := journal.Open(s, journal.Options{})
	do(t, j, set("first", "x", "f"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for i := range 150 {
					if _, err := j.Do(ctx, branch, []journal.Command{set(fmt.Sprintf("c%d-%d", w, i), fmt.Sprintf("d%d", i%11),
						"f")}); err != nil {
						t.Errorf("do: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
	}()
	checks := 0
	for last := false; ; checks++ {
		found, err := journal.Check(ctx, s, branch, nil)
		check(t, err)
		for _, f := range found {
			if !f.Harmless {
				t.Errorf("called damage: %v", f)
			}
		}
		if last {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	if checks < 3 {
		t.Errorf("only %d checks ran meanwhile", checks)
	}
	check(t, j.Close(ctx))
}
