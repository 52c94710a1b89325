package office

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Phones call often, and when each did last is written down seldom: this node knows to the second what it heard, other
// nodes, and this one after a crash, know it to callsEvery.
const (
	callsKind  = "called"
	callsEvery = 10 * time.Minute
	callsFlush = time.Minute
)

// calls are the last calls of devices that this node heard.
type calls struct {
	mu    sync.Mutex
	heard map[auth.DeviceID]time.Time
	kept  map[auth.DeviceID]time.Time // what the store says, as far as this node wrote it
}

// Called notes that a device has pulled, pushed, or opened its stream. It writes nothing: RunCalls does.
func (s *Service) Called(id auth.DeviceID, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	if s.calls.heard == nil {
		s.calls.heard, s.calls.kept = map[auth.DeviceID]time.Time{}, map[auth.DeviceID]time.Time{}
	}
	if s.calls.heard[id].Before(at) {
		s.calls.heard[id] = at
	}
}

// LastCalls says when devices called last, at least to ten minutes; one that is not in it never did. The error is the
// store's.
func (s *Service) LastCalls(ctx context.Context, ids []auth.DeviceID) (map[auth.DeviceID]time.Time, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	out := map[auth.DeviceID]time.Time{}
	if len(ids) == 0 {
		return out, nil
	}
	docs, err := s.store.Smalls(ctx, callsKind, names)
	if err != nil {
		return nil, fmt.Errorf("read when devices called: %w", err)
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	for i, id := range ids {
		var was seen
		if docs[i].Body != nil {
			if err := json.Unmarshal(docs[i].Body, &was); err != nil {
				return nil, fmt.Errorf("read when device %s called: %w", id, err)
			}
		}
		if at := s.calls.heard[id]; at.After(was.At) {
			was.At = at
		}
		if !was.At.IsZero() {
			out[id] = was.At
		}
	}
	return out, nil
}

// RunCalls writes down the last calls of devices until ctx ends, and once more then. What the store does not take is
// written the next time.
func (s *Service) RunCalls(ctx context.Context) error {
	tick := time.NewTicker(callsFlush)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// A store that fails says so in /readyz; the end of this loop would leave every phone silent.
			_ = s.keepCalls(ctx, callsEvery)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return s.keepCalls(last, 0)
		}
	}
}

// keepCalls writes down those calls that are newer than what was written by some time.
func (s *Service) keepCalls(ctx context.Context, newer time.Duration) error {
	due := map[auth.DeviceID]time.Time{}
	s.calls.mu.Lock()
	for id, at := range s.calls.heard {
		if kept := s.calls.kept[id]; at.After(kept) && at.Sub(kept) >= newer {
			due[id] = at
		}
	}
	s.calls.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(due)) {
		at := due[id]
		if err := s.swapSmall(ctx, callsKind, string(id), func(now []byte) ([]byte, error) {
			var was seen
			if now != nil && json.Unmarshal(now, &was) == nil && !was.At.Before(at) {
				return nil, nil // another node heard it later
			}
			return json.Marshal(seen{At: at})
		}); err != nil {
			return fmt.Errorf("write when device %s called: %w", id, err)
		}
		s.calls.mu.Lock()
		s.calls.kept[id] = at
		s.calls.mu.Unlock()
	}
	return nil
}

// InUse lists the devices of some users that may call.
func (s *Service) InUse(ctx context.Context, users []auth.UserID) ([]Device, error) {
	var out []Device
	for _, u := range users {
		found, err := list[Device](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "devices", Index: devicesInUse.Name,
			Eq: []any{string(u), deviceInUse}})
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			out = append(out, *d)
		}
	}
	return out, nil
}
