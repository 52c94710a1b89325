package server

import (
	"context"

	"doorstep/server/store/mongostore"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// store holds the methods that the server uses of a storage engine.
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

// JoinStore opens the store of a server from a process of its own, whether the server
// runs or not: the embedded one in a data folder, or the one a MongoDB URI names. It
// neither makes nor changes tables and indexes. With readOnly, the embedded one refuses
// every write.
func JoinStore(ctx context.Context, data, mongoDB string, readOnly bool) (journal.Store, error) {
	if mongoDB != "" {
		s, err := mongostore.Join(ctx, mongoDB, Indexes())
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	join := sqlitestore.Join
	if readOnly {
		join = sqlitestore.Inspect
	}
	s, err := join(ctx, data, Indexes())
	if err != nil {
		return nil, err
	}
	return s, nil
}
