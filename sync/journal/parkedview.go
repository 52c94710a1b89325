package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
)

// ParkedView is a run of entries that one generation of a view could not apply, or that
// could not be read for it: the view has gone on without them. It is kept as a small
// document until the generation is dropped, which a rebuild of the view does.
type ParkedView struct {
	Branch auth.BranchID `json:"branch"`
	View   string        `json:"view"`
	Gen    uint64        `json:"generation"`
	First  uint64        `json:"first"`
	Last   uint64        `json:"last"`
	Reason string        `json:"reason"`
}

const parkedViewKind = "parked_view"

func (p ParkedView) id() string {
	return fmt.Sprintf("%s/%s/%d/%020d", p.Branch, p.View, p.Gen, p.First)
}

// parkView keeps what is parked; parking it again changes nothing.
func parkView(ctx context.Context, s Store, p ParkedView) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode what is parked in view %s: %w", p.View, err)
	}
	if err := s.SwapSmall(ctx, parkedViewKind, p.id(), 0, body); err != nil && !errors.Is(err, ErrRaced) {
		return fmt.Errorf("park entries %d to %d in view %s: %w", p.First, p.Last, p.View, err)
	}
	return nil
}

// ParkedInViews lists what is parked in the views of a branch, or of all with "", in order
// of branch, view and entry. Generations that are not there any more do not count.
func ParkedInViews(ctx context.Context, s Store, b auth.BranchID) ([]ParkedView, error) {
	var out []ParkedView
	err := eachSmall(ctx, s, parkedViewKind, b, func(p ParkedView) { out = append(out, p) })
	if err != nil {
		return nil, err
	}
	gens := map[auth.BranchID][]Generation{}
	for _, p := range out {
		if _, known := gens[p.Branch]; known {
			continue
		}
		if gens[p.Branch], err = s.Generations(ctx, p.Branch); err != nil {
			return nil, fmt.Errorf("read the generations of %s: %w", p.Branch, err)
		}
	}
	return slices.DeleteFunc(out, func(p ParkedView) bool {
		return !slices.ContainsFunc(gens[p.Branch], func(g Generation) bool {
			return g.View == p.View && g.Gen == p.Gen && g.State != Dropping
		})
	}), nil
}

// eachSmall calls fn for each small document of a kind of a branch, or of all with "", in order of id.
func eachSmall[T any](ctx context.Context, s Store, kind string, b auth.BranchID, fn func(T)) error {
	prefix := ""
	if b != "" {
		prefix = string(b) + "/"
	}
	for after := ""; ; {
		ids, err := s.ListSmall(ctx, kind, prefix, after, 500)
		if err != nil {
			return fmt.Errorf("list what is %s: %w", kind, err)
		}
		if len(ids) == 0 {
			return nil
		}
		after = ids[len(ids)-1]
		docs, err := s.Smalls(ctx, kind, ids)
		if err != nil {
			return fmt.Errorf("read what is %s: %w", kind, err)
		}
		for _, d := range docs {
			if d.Body == nil {
				continue // removed meanwhile
			}
			var x T
			if err := json.Unmarshal(d.Body, &x); err != nil {
				return fmt.Errorf("read what is %s as %s: %w", kind, d.ID, err)
			}
			fn(x)
		}
	}
}
