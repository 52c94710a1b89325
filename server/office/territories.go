package office

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
)

// Territory is the state of a document of type "territories": the area a team works.
type Territory struct {
	ID     string        `json:"id"`
	Branch auth.BranchID `json:"branch"`
	Name   string        `json:"name,omitempty"`
	// Shape is in units of 1e-7 degree: nothing hashed contains a float.
	Shape geo.ShapeE7 `json:"shape"`
	// Properties are the other properties the GeoJSON feature came with, as they came.
	Properties json.RawMessage `json:"properties,omitempty"`
}

// PutTerritory makes or changes a territory; the cases within are assigned anew by casework. territory.*.
func (s *Service) PutTerritory(ctx context.Context, ask Ask, t Territory) (Territory, error) {
	if err := s.CheckTerritory(ctx, t); err != nil {
		return Territory{}, err
	}
	out, err := apply(ctx, s, ask, change[Territory]{branch: t.Branch, typ: "territories", id: t.ID,
		action: "territory.put",
		decide: func(context.Context, *journal.Reader, *Territory) (*Territory, error) { return &t, nil }})
	if err != nil {
		return Territory{}, err
	}
	return *out, nil
}

// CheckTerritory refuses a territory that cannot be kept, or that lies elsewhere than its branch. territory.*.
func (s *Service) CheckTerritory(ctx context.Context, t Territory) error {
	if err := t.check(); err != nil {
		return err
	}
	l, err := s.landOf(ctx, t.Branch)
	if err != nil {
		return err
	}
	return l.wrongTerritory(t)
}

// check refuses a territory that cannot be kept.
func (t Territory) check() error {
	if !idShape.MatchString(t.ID) {
		return invalid("territory.id", "id", "a territory id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if len(t.Name) > 200 {
		return invalid("territory.name", "properties.name", "a territory's name has at most 200 bytes")
	}
	if state, err := json.Marshal(t); err != nil {
		return fmt.Errorf("encode territory: %w", err)
	} else if len(state) > journal.MaxStateBytes {
		return invalid("territory.too_large", "geometry.coordinates",
			"the outline has too many positions to be kept; simplify it to about 2,000")
	}
	return nil
}

// DeleteTerritory removes a territory. territory.not_found, territory.in_use when teams work it.
func (s *Service) DeleteTerritory(ctx context.Context, ask Ask, b auth.BranchID, id string) error {
	_, err := apply(ctx, s, ask, change[Territory]{branch: b, typ: "territories", id: id, action: "territory.delete",
		keys: []journal.Key{groundKey},
		decide: func(ctx context.Context, r *journal.Reader, now *Territory) (*Territory, error) {
			if now == nil {
				return nil, notFound("territory.not_found", "no such territory in your branches")
			}
			return nil, s.checkStillUnused(ctx, r, []string{id}, nil, "id", "Give them others with PUT /v1/teams/{id} first")
		}})
	return err
}

// Territory reads a territory of a branch. territory.not_found.
func (s *Service) Territory(ctx context.Context, b auth.BranchID, id string) (Territory, error) {
	t, ok, err := load[Territory](ctx, s, b, "territories", id)
	if err != nil {
		return Territory{}, err
	}
	if !ok {
		return Territory{}, notFound("territory.not_found", "no such territory in your branches")
	}
	return *t, nil
}

// Territories lists a branch's territories by id.
func (s *Service) Territories(ctx context.Context, b auth.BranchID) ([]Territory, error) {
	ts, err := list[Territory](ctx, s, journal.Query{Branch: b, Type: "territories"})
	return values(ts), err
}

// shapeCache keeps the territory index of each branch until one of its territories changes.
type shapeCache struct {
	mu  sync.Mutex
	had map[auth.BranchID]cachedIndex
}

type cachedIndex struct {
	w     uint64 // of the branch when it was read
	count int
	last  uint64 // the newest entry among its territories
	index *geo.Index
}

// Index is the branch's territory index as it stands.
func (s *Service) Index(ctx context.Context, b auth.BranchID) (*geo.Index, error) {
	w, err := s.store.Watermark(ctx, b)
	if err != nil {
		return nil, err
	}
	s.shapes.mu.Lock()
	had, ok := s.shapes.had[b]
	s.shapes.mu.Unlock()
	if ok && had.w == w {
		return had.index, nil
	}
	var recs []journal.Record
	q := journal.Query{Branch: b, Type: "territories"}
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read territories of %s: %w", b, err)
		}
		recs = append(recs, f.Records...)
		if f.Next == "" {
			break
		}
		q.After = f.Next
	}
	now := cachedIndex{w: w, count: len(recs)}
	for _, r := range recs {
		now.last = max(now.last, r.N)
	}
	if ok && had.count == now.count && had.last == now.last {
		now.index = had.index // other things changed, the territories did not
	} else {
		areas := make([]geo.Area, len(recs))
		for i, r := range recs {
			t, err := decode[Territory](r)
			if err != nil {
				return nil, err
			}
			shape, err := t.Shape.Shape()
			if err != nil {
				return nil, fmt.Errorf("territory %s: %w", t.ID, err)
			}
			areas[i] = geo.Area{ID: t.ID, Shape: shape}
		}
		if now.index, err = geo.NewIndex(areas); err != nil {
			return nil, fmt.Errorf("territories of %s: %w", b, err)
		}
	}
	s.shapes.mu.Lock()
	defer s.shapes.mu.Unlock()
	if s.shapes.had == nil {
		s.shapes.had = map[auth.BranchID]cachedIndex{}
	}
	s.shapes.had[b] = now
	return now.index, nil
}
