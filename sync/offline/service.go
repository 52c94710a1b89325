package offline

import (
	"sync"
	"time"

	"doorstep/sync/journal"
)

// Service answers the four requests of sync/v1. It is safe for concurrent use.
type Service struct {
	store   journal.Store
	applier Applier
	records Records
	hash    func([]byte) [32]byte
	now     func() time.Time
	hub     *Hub
	alone   bool
	epochs  sync.Map // auth.BranchID → Epoch; an epoch changes only with a restart
	floors  sync.Map // auth.BranchID → knownFloor
}

// Options of New; all but Alone are needed.
type Options struct {
	Journal *journal.Journal
	Applier Applier
	Records Records
	// Hash is a keyed hash of a mutation's payload. It is kept for ever in the
	// journal, and a payload may be short and personal: a plain hash could be guessed.
	Hash func([]byte) [32]byte
	// Alone says that no other process writes to the store.
	Alone bool
}

// New makes the service. Close ends its subscription to the journal.
func New(o Options) *Service {
	return &Service{store: o.Journal.Store(), applier: o.Applier, records: o.Records, hash: o.Hash, now: o.Journal.Now,
		hub: newHub(o.Journal), alone: o.Alone}
}

// Close wakes everybody who waits and stops listening to the journal.
func (s *Service) Close() { s.hub.close() }
