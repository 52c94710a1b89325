package server

import (
	"context"
	"errors"
	"io/fs"

	"doorstep/server/attachments"
	"doorstep/server/store/mongostore"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// Store holds the methods that the server uses of a storage engine.
type Store interface {
	journal.Store
	seal.Keys
	attachments.Frames
}

type store = Store

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

// JoinVault opens the vault over the debtors' keys of a store that JoinStore opened, with the key-encryption key that
// cfg names in Data, Secrets and KEK. It is nil, without an error, if that key is not there: then what is sealed
// cannot be read. It makes no key.
func JoinVault(ctx context.Context, s journal.Store, cfg Config) (*seal.Vault, error) {
	keys, is := s.(seal.Keys)
	if !is {
		return nil, nil
	}
	if err := cfg.secrets(); err != nil {
		return nil, err
	}
	kek, err := cfg.kek(seal.LoadKEK)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if proven, err := seal.Proven(ctx, keys); err != nil || !proven {
		return nil, err
	}
	return seal.Open(ctx, keys, kek, nil)
}

// NameOfStore names the store that JoinStore opens, for people; never the URI, which may hold a password.
func NameOfStore(data, mongoDB string) string {
	if mongoDB == "" {
		return "the embedded store in " + data
	}
	name, err := mongostore.DatabaseOf(mongoDB)
	if err != nil {
		return "a MongoDB database"
	}
	return "the MongoDB database " + name
}
