package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"doorstep/server/audit"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// oneVisit lists the visit that ExampleVerify records.
type oneVisit struct{ audit.Visits }

func (oneVisit) Beside(context.Context, audit.Query) ([]audit.Beside, error) { return nil, nil }

func (oneVisit) EachVisit(_ context.Context, _ audit.Query, fn func(audit.Visit) error) error {
	return fn(audit.Visit{ID: "v1", No: 1, Entry: 1})
}

// A server exports a branch's only visit. An auditor, who has the server's public key,
// verifies the file, and then a copy in which one word was changed.
func ExampleVerify() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "audit-example")
	noError(err)
	defer os.RemoveAll(folder)
	store, err := sqlitestore.Open(ctx, folder, nil)
	noError(err)
	defer store.Close()
	j := journal.Open(store, journal.Options{})
	defer j.Close(ctx)

	outcomes, err := j.Do(ctx, "porto", []journal.Command{{
		ID: "visit-1", Actor: "agent-1",
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			d := journal.Draft{Action: "visit.record"}
			_, _, err := r.Doc(ctx, "visits", "v1") // a command reads what it writes
			d.Put("visits", "v1", json.RawMessage(`{"case":"c1","outcome":"MET_PROMISE"}`))
			return d, err
		},
	}})
	noError(errors.Join(err, outcomes[0].Err))
	key, err := audit.LoadOrCreateKey(filepath.Join(folder, "audit.key"), "example")
	noError(err)
	var file bytes.Buffer
	_, err = audit.New(j, key, "example").Export(ctx, &file, audit.NDJSON, audit.Query{Branch: "porto"}, oneVisit{})
	noError(err)
	altered := bytes.Replace(file.Bytes(), []byte("MET_PROMISE"), []byte("MET_REFUSED"), 1)

	report, err := audit.Verify(&file, key.Public)
	noError(err)
	fmt.Printf("visits: %d, complete: %t\n", report.Manifest.Visits, report.Manifest.Complete)

	_, err = audit.Verify(bytes.NewReader(altered), key.Public)
	if broken := (*audit.Broken)(nil); errors.As(err, &broken) {
		fmt.Println(broken)
	}
	// Output:
	// visits: 1, complete: true
	// line 1: altered: this is not the line that was exported
}

func noError(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
