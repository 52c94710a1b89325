package server

import (
	"context"

	"doorstep/server/store/mongostore"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
)

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *Config) (journal.Store, error) {
	if cfg.MongoDB != "" {
		return mongostore.Open(ctx, cfg.MongoDB, Indexes())
	}
	return sqlitestore.Open(ctx, cfg.Data, Indexes())
}
