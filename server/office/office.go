package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Service keeps the office. It is safe for concurrent use.
type Service struct {
	journal *journal.Journal
	store   journal.Store
	hasher  Hasher
	shapes  shapeCache
	calls   calls

	// DeviceApproval has a new device of a user who has a blocked one wait for ApproveDevice. Set it before use.
	DeviceApproval bool
}

// Hasher turns passwords into what is kept and checked; auth implements it.
type Hasher interface {
	// Hash may wait for a free place; its error is the context's, or a password that breaks the rules.
	Hash(ctx context.Context, login, password string) (string, error)
	// Matches tells whether a password is the hashed one.
	Matches(ctx context.Context, password, hash string) (bool, error)
}

// New makes the service.
func New(j *journal.Journal, h Hasher) *Service {
	s := &Service{journal: j, store: j.Store(), hasher: h}
	return s
}

// Ask says who asks for a change, and under which command id; the same id has one effect.
type Ask struct {
	By      auth.UserID
	Command string
	// Payload is a hash of what is asked: the same id with another is refused.
	Payload [32]byte
}

var idShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// reserved tells whether an id stands for the server itself, or for an import, where commands and changes name who
// asked for them. In whatever case, since people read them.
func reserved(id string) bool {
	return slices.ContainsFunc([]string{"system", "import", "org", string(auth.OrgBranch)},
		func(r string) bool { return strings.EqualFold(id, r) })
}

// change is one document's change: decide sees the present state (nil when
// absent) and gives the next one, or nil to delete it.
type change[T any] struct {
	branch auth.BranchID
	typ    string
	id     string
	action string
	// depend and write are keys beside the document's own.
	keys []journal.Key
	// decide returns the next state, or nil to delete. Returning the given pointer unchanged still writes.
	decide func(ctx context.Context, r *journal.Reader, now *T) (*T, error)
	// also drafts what else changes in the same entry; nil: nothing.
	also func(ctx context.Context, r *journal.Reader, d *journal.Draft) error
}

// apply appends a change and returns the new state (nil after a deletion). A command id
// that was used before returns the state as it is now.
func apply[T any](ctx context.Context, s *Service, ask Ask, c change[T]) (*T, error) {
	if ask.Command == "" {
		ask.Command = journal.HTTPCommand(ask.By, "")
	}
	var next *T
	out, err := s.journal.Do(ctx, c.branch, []journal.Command{{ID: ask.Command, Payload: ask.Payload, Actor: ask.By,
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			now, err := readDoc[T](ctx, r, c.typ, c.id)
			if err != nil {
				return journal.Draft{}, err
			}
			r.Depend(c.keys...)
			if next, err = c.decide(ctx, r, now); err != nil {
				return journal.Draft{}, err
			}
			d := journal.Draft{Action: c.action, Writes: c.keys, Receipt: receiptOf(c.id)}
			if c.also != nil {
				if err := c.also(ctx, r, &d); err != nil {
					return journal.Draft{}, err
				}
			}
			if next == nil {
				d.Delete(c.typ, c.id)
				return d, nil
			}
			state, err := json.Marshal(next)
			if err != nil {
				return journal.Draft{}, fmt.Errorf("encode %s %s: %w", c.typ, c.id, err)
			}
			d.Put(c.typ, c.id, state)
			return d, nil
		}}})
	if err != nil {
		return nil, err
	}
	if out[0].Err != nil {
		return nil, out[0].Err
	}
	if out[0].Duplicate {
		var rec struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(out[0].Receipt, &rec); err != nil {
			return nil, fmt.Errorf("read receipt of %s: %w", ask.Command, err)
		}
		now, there, err := load[T](ctx, s, c.branch, c.typ, rec.ID)
		if err == nil && !there && !strings.HasSuffix(c.action, ".delete") {
			return nil, conflict("command.gone",
				"what this command made is not there any more; take another Idempotency-Key for a new one")
		}
		return now, err
	}
	return next, nil
}

func receiptOf(id string) json.RawMessage {
	b, err := json.Marshal(map[string]string{"id": id})
	if err != nil {
		panic(err) // a string always encodes
	}
	return b
}

// readDoc reads a document within a decision; nil when it does not exist.
func readDoc[T any](ctx context.Context, r *journal.Reader, typ, id string) (*T, error) {
	rec, ok, err := r.Doc(ctx, typ, id)
	if err != nil || !ok {
		return nil, err
	}
	return decode[T](rec)
}

// readAll reads all documents of an index within a decision, which must depend on a key that their writers write.
func readAll[T any](ctx context.Context, r *journal.Reader, ix journal.Index, eq ...any) ([]T, error) {
	recs, err := r.All(ctx, ix, eq...)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(recs))
	for i, rec := range recs {
		v, err := decode[T](rec)
		if err != nil {
			return nil, err
		}
		out[i] = *v
	}
	return out, nil
}

func decode[T any](rec journal.Record) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(rec.Body, v); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", rec.Type, rec.ID, err)
	}
	return v, nil
}

// load reads a document from the views; ok is false when it does not exist.
func load[T any](ctx context.Context, s *Service, b auth.BranchID, typ, id string) (*T, bool, error) {
	recs, err := s.store.Records(ctx, b, []journal.DocRef{{Type: typ, ID: id}})
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", typ, err)
	}
	if recs[0].Type == "" || recs[0].Deleted {
		return nil, false, nil
	}
	v, err := decode[T](recs[0])
	return v, err == nil, err
}

// list reads all documents of a query, page by page.
func list[T any](ctx context.Context, s *Service, q journal.Query) ([]*T, error) {
	var out []*T
	for {
		f, err := s.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", q.Type, err)
		}
		for _, rec := range f.Records {
			v, err := decode[T](rec)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		if f.Next == "" {
			return out, nil
		}
		q.After = f.Next
	}
}

// swapSmall changes a small document, and tries again while another writer is faster. change returns nil to leave it.
func (s *Service) swapSmall(ctx context.Context, kind, id string, change func(now []byte) ([]byte, error)) error {
	for {
		now, version, err := s.store.Small(ctx, kind, id)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return err
		}
		next, err := change(now)
		if err != nil || next == nil {
			return err
		}
		if err := s.store.SwapSmall(ctx, kind, id, version, next); !errors.Is(err, journal.ErrRaced) {
			return err
		}
	}
}
