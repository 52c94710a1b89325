package notify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"doorstep/sync/journal"
)

// lease is the small document that says which node sends for a branch.
type lease struct {
	Node  string    `json:"node"`
	Until time.Time `json:"until"`
}

const leaseKind = "lease"

// takeLease takes or renews a lease for a node, and gives its version; mine is false when another node holds it.
func takeLease(ctx context.Context, store journal.Store, id, node string, now time.Time) (version uint64, mine bool,
	err error) {
	body, version, err := store.Small(ctx, leaseKind, id)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return 0, false, err
	}
	if err == nil {
		var l lease
		if err := json.Unmarshal(body, &l); err != nil {
			return 0, false, err
		}
		if l.Node != node && now.Before(l.Until) {
			return 0, false, nil
		}
		if l.Node == node && now.Add(leaseTime/2).Before(l.Until) {
			return version, true, nil
		}
	}
	next, err := json.Marshal(lease{Node: node, Until: now.Add(leaseTime)})
	if err != nil {
		return 0, false, err
	}
	err = store.SwapSmall(ctx, leaseKind, id, version, next)
	if errors.Is(err, journal.ErrRaced) {
		return 0, false, nil
	}
	return version + 1, err == nil, err
}

// giveLease gives a lease of a node back, so that the next start need not wait.
func giveLease(ctx context.Context, store journal.Store, id, node string) error {
	body, version, err := store.Small(ctx, leaseKind, id)
	var l lease
	if err != nil || json.Unmarshal(body, &l) != nil || l.Node != node {
		return nil
	}
	return store.DeleteSmall(ctx, leaseKind, id, version)
}
