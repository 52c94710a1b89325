package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"doorstep/sync/journal"
)

// Small reads a small document and its version.
func (s *Store) Small(ctx context.Context, kind, id string) (body []byte, version uint64, err error) {
	err = s.read(ctx, "read small", kind+"/"+id, func() error {
		d, there := s.disk.smalls[kind][id]
		if !there {
			return journal.ErrNotFound
		}
		body, version = slices.Clone(d.Body), d.Version
		return nil
	})
	return body, version, err
}

// SwapSmall writes a small document if it is still at version was.
func (s *Store) SwapSmall(ctx context.Context, kind, id string, was uint64, body []byte) error {
	body = append([]byte{}, body...)
	return s.write(ctx, "small", kind+"/"+id, func() error {
		if s.disk.smalls[kind][id].Version != was {
			return journal.ErrRaced
		}
		inner(s.disk.smalls, kind)[id] = journal.SmallDoc{ID: id, Body: body, Version: was + 1}
		return nil
	})
}

// DeleteSmall removes a small document if it is at version was.
func (s *Store) DeleteSmall(ctx context.Context, kind, id string, was uint64) error {
	return s.write(ctx, "delete small", kind+"/"+id, func() error {
		d, there := s.disk.smalls[kind][id]
		switch {
		case !there:
			return journal.ErrNotFound
		case d.Version != was:
			return journal.ErrRaced
		}
		delete(s.disk.smalls[kind], id)
		return nil
	})
}

// Smalls reads several small documents of a kind, in the order asked.
func (s *Store) Smalls(ctx context.Context, kind string, ids []string) (out []journal.SmallDoc, err error) {
	err = s.read(ctx, "read smalls", kind, func() error {
		for _, id := range ids {
			d := s.disk.smalls[kind][id]
			d.ID, d.Body = id, slices.Clone(d.Body)
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// InsertSmalls inserts those that are absent, each by a write of its own.
func (s *Store) InsertSmalls(ctx context.Context, kind string, ids []string, bodies [][]byte) ([]bool, error) {
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		body := append([]byte{}, bodies[i]...)
		if err := s.write(ctx, "small", kind+"/"+id, func() error {
			if _, there := s.disk.smalls[kind][id]; !there {
				inner(s.disk.smalls, kind)[id] = journal.SmallDoc{ID: id, Body: body, Version: 1}
				inserted[i] = true
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return inserted, nil
}

// ListSmall lists the ids of a kind with a prefix, sorted.
func (s *Store) ListSmall(ctx context.Context, kind, prefix, after string, limit int) (out []string, err error) {
	err = s.read(ctx, "list smalls", kind, func() error {
		for _, d := range page(s.disk.smalls[kind], after, len(s.disk.smalls[kind]), cmp.Compare[string]) {
			if strings.HasPrefix(d.ID, prefix) && len(out) < limit {
				out = append(out, d.ID)
			}
		}
		return nil
	})
	return out, err
}

// Keys reads wrapped keys, in the order asked: nil where there is none, empty where it is destroyed.
func (s *Store) Keys(ctx context.Context, ids []string) (out [][]byte, err error) {
	err = s.read(ctx, "read keys", "", func() error {
		for _, id := range ids {
			out = append(out, slices.Clone(s.disk.keys[id]))
		}
		return nil
	})
	return out, err
}

// InsertKeys keeps the wrapped keys whose ids are new, each by a write of its own. An id whose key is destroyed is not
// new.
func (s *Store) InsertKeys(ctx context.Context, ids []string, wrapped [][]byte) ([]bool, error) {
	inserted := make([]bool, len(ids))
	for i, id := range ids {
		key := append([]byte{}, wrapped[i]...)
		if err := s.write(ctx, "key", id, func() error {
			if _, there := s.disk.keys[id]; !there {
				s.disk.keys[id], inserted[i] = key, true
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return inserted, nil
}

// DestroyKey removes a wrapped key and leaves a marker.
func (s *Store) DestroyKey(ctx context.Context, id string) error {
	return s.write(ctx, "destroy key", id, func() error {
		s.disk.keys[id] = []byte{}
		return nil
	})
}

// AddFrame keeps frame n of a blob. journal.ErrRaced.
func (s *Store) AddFrame(ctx context.Context, blob string, n int, frame []byte) error {
	frame = slices.Clone(frame)
	return s.write(ctx, "frame", fmt.Sprintf("%s/%d", blob, n), func() error {
		if len(s.disk.frames[blob]) != n-1 {
			return journal.ErrRaced
		}
		s.disk.frames[blob] = append(s.disk.frames[blob], frame)
		return nil
	})
}

// LastFrame reads the last frame of a blob and tells how many it has.
func (s *Store) LastFrame(ctx context.Context, blob string) (n int, frame []byte, err error) {
	err = s.read(ctx, "read frame", blob, func() error {
		if n = len(s.disk.frames[blob]); n > 0 {
			frame = slices.Clone(s.disk.frames[blob][n-1])
		}
		return nil
	})
	return n, frame, err
}

// EachFrame calls fn for the frames of a blob in order.
func (s *Store) EachFrame(ctx context.Context, blob string, fn func(n int, frame []byte) error) error {
	var frames [][]byte
	if err := s.read(ctx, "read frames", blob, func() error {
		frames = slices.Clone(s.disk.frames[blob])
		return nil
	}); err != nil {
		return err
	}
	for i, frame := range frames {
		if err := fn(i+1, slices.Clone(frame)); err != nil {
			return err
		}
	}
	return nil
}

// DropFrames removes a blob.
func (s *Store) DropFrames(ctx context.Context, blob string) error {
	return s.write(ctx, "drop frames", blob, func() error {
		delete(s.disk.frames, blob)
		return nil
	})
}
