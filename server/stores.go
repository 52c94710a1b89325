package server

import (
	"context"

	"doorstep/server/store/mongostore"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// store is what an engine keeps for us.
type store interface {
	journal.Store
	seal.Keys
}

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *Config) (store, error) {
	// A nil *Store in the interface would not be nil, and closing it would hide the error.
	if cfg.MongoDB != "" {
		s, err := mongostore.Open(ctx, cfg.MongoDB, Indexes())
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlitestore.Open(ctx, cfg.Data, Indexes())
	if err != nil {
		return nil, err
	}
	return s, nil
}
