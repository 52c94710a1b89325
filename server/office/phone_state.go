package office

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doorstep/auth"
)

// phoneKind is the kind of the small documents with what devices said of themselves last.
const phoneKind = "phone"

// PhoneState is what a device said of itself: it may be false, and decides nothing.
type PhoneState struct {
	At time.Time `json:"at"` // when it was told, by the server's clock
	// Waiting is how many pieces of work wait on the device to be sent.
	Waiting int `json:"waiting"`
	// OldestAt is since when the first of them waits, by the device's clock; zero for none.
	OldestAt time.Time `json:"oldest_at,omitzero"`
	// Refused is how many pieces of work were not accepted and wait to be looked at on the device.
	Refused int    `json:"refused,omitempty"`
	Build   string `json:"build,omitempty"` // of the app
	// StorageKept tells whether the system has promised to keep the app's data; nil: it did not say.
	StorageKept *bool  `json:"storage_kept,omitempty"`
	FreeBytes   *int64 `json:"free_bytes,omitempty"` // free for the app's data; nil: it did not say
	// ClockAheadS is by how many seconds the device's clock was ahead of the server's, the time of the way included.
	ClockAheadS int64 `json:"clock_ahead_s"`
}

// PutPhoneState keeps what a device says of itself. What was told later stays. The error is the store's.
func (s *Service) PutPhoneState(ctx context.Context, id auth.DeviceID, st PhoneState) error {
	if err := s.swapSmall(ctx, phoneKind, string(id), func(now []byte) ([]byte, error) {
		var was PhoneState
		if now != nil && json.Unmarshal(now, &was) == nil && was.At.After(st.At) {
			return nil, nil
		}
		return json.Marshal(st)
	}); err != nil {
		return fmt.Errorf("keep what device %s said: %w", id, err)
	}
	return nil
}

// PhoneStates gives what devices said of themselves last; one that is not in it never did. The error is the store's.
func (s *Service) PhoneStates(ctx context.Context, ids []auth.DeviceID) (map[auth.DeviceID]PhoneState, error) {
	out := map[auth.DeviceID]PhoneState{}
	if len(ids) == 0 {
		return out, nil
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	docs, err := s.store.Smalls(ctx, phoneKind, names)
	if err != nil {
		return nil, fmt.Errorf("read what devices said: %w", err)
	}
	for i, id := range ids {
		if docs[i].Body == nil {
			continue
		}
		var st PhoneState
		if err := json.Unmarshal(docs[i].Body, &st); err != nil {
			return nil, fmt.Errorf("read what device %s said: %w", id, err)
		}
		out[id] = st
	}
	return out, nil
}
