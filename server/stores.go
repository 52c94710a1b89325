package server

import (
	"context"

	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *Config) (journal.Store, error) {
	return sqlitestore.Open(ctx, cfg.Data, Indexes())
}
