package server

import (
	"context"
	"strings"
	"testing"

	"doorstep/server/store/sqlitestore"
)

// A second server on a folder, and a server whose database does not answer, end with an
// error that an operator understands.
func TestAStoreThatDoesNotOpenIsAnError(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	first, err := sqlitestore.Open(ctx, folder, Indexes())
	ok(t, err)
	defer func() { ok(t, first.Close()) }()
	for want, cfg := range map[string]Config{
		"in use by another doorstep": {Data: folder},
		"the MongoDB URI has no":     {Data: t.TempDir(), MongoDB: "nowhere"},
	} {
		if s, err := Open(ctx, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opened %v, %v; want %q", s, err, want)
		}
	}
}
