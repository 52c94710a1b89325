package office

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Where a conduct pack comes from.
const (
	PackShipped = "shipped" // with the program
	PackStarted = "started" // named when a server was started
	PackPut     = "put"     // by an administrator
)

// DefaultPack is the name of the pack that ships. It is read before all others.
const DefaultPack = "default"

// MaxPackBytes is how long a pack may be.
const MaxPackBytes = 512 << 10

// Pack is a conduct pack as a policy lists it.
type Pack struct {
	Name   string      `json:"name"`
	SHA256 string      `json:"sha256"` // of its text, in hex
	Bytes  int         `json:"bytes"`
	Origin string      `json:"origin"` // shipped, started, put
	At     time.Time   `json:"at"`     // since when its text is this
	By     auth.UserID `json:"by,omitempty"`
}

// Policy is the state of a document of type "policies": the packs that were in
// force together, in the order in which they are read. Each policy that ever was
// in force is kept under its hash, and the one that is under policyInForce.
type Policy struct {
	Hash  string    `json:"policy_hash"`
	Since time.Time `json:"since"`
	Packs []Pack    `json:"packs"`
}

// PackText is a pack with its text.
type PackText struct {
	Name string
	Text []byte
}

// PackChange puts a pack, or with a nil Text takes it away.
type PackChange struct {
	PackText
	Origin string
}

const policyInForce = "in_force"

// packChunk is how much of a text one document holds: in base64 it stays below journal.MaxStateBytes.
const packChunk = 45 << 10

// packText is the state of a document of type "pack_texts": a piece of a pack's text. It never changes.
type packText struct {
	Text []byte `json:"text"`
}

// textID is the id of piece i of a text.
func textID(sha string, i int) string { return sha[:48] + "." + strconv.Itoa(i) }

// ChangePacks changes the packs of the policy and says at which entry of the
// organisation's journal. judge is given the texts before (none at first) and after, in
// the order in which they are read; it gives the hash of the policy, or refuses.
// Packs that are there already, from where they came before, change nothing.
// pack.*; what judge says; journal.ErrReused.
func (s *Service) ChangePacks(ctx context.Context, ask Ask, changes []PackChange,
	judge func(was, next []PackText) (hash string, err error)) (Policy, uint64, error) {
	for _, c := range changes {
		if !idShape.MatchString(c.Name) {
			return Policy{}, 0, invalid("pack.name", "name",
				"a pack's name has 1 to 64 letters, digits, dots, dashes or underscores")
		}
		if len(c.Text) > MaxPackBytes {
			return Policy{}, 0, invalid("pack.too_large", "body", "a pack has at most 512 KiB; put its profiles into several")
		}
		// The text is stored first, named by its hash: a text without a reference does no harm.
		if err := s.keepText(ctx, ask.By, c.Text); err != nil {
			return Policy{}, 0, err
		}
	}
	if ask.Command == "" {
		ask.Command = journal.HTTPCommand(ask.By, "")
	}
	payload, err := json.Marshal(changes)
	if err != nil {
		return Policy{}, 0, fmt.Errorf("encode pack changes: %w", err)
	}
	out, err := s.journal.Do(ctx, auth.OrgBranch, []journal.Command{{ID: ask.Command, Actor: ask.By,
		Payload: sha256.Sum256(payload),
		Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
			return s.decidePacks(ctx, r, ask, changes, judge)
		}}})
	if err != nil {
		return Policy{}, 0, err
	}
	if out[0].Err != nil {
		return Policy{}, 0, out[0].Err
	}
	return s.PolicyInForce(ctx)
}

func (s *Service) decidePacks(ctx context.Context, r *journal.Reader, ask Ask, changes []PackChange,
	judge func(was, next []PackText) (string, error)) (journal.Draft, error) {
	was, err := readDoc[Policy](ctx, r, "policies", policyInForce)
	if err != nil {
		return journal.Draft{}, err
	}
	if was == nil {
		was = &Policy{}
	}
	next := Policy{Since: r.At, Packs: slices.Clone(was.Packs)}
	for _, c := range changes {
		at := slices.IndexFunc(next.Packs, func(p Pack) bool { return p.Name == c.Name })
		if c.Text == nil {
			if at < 0 || next.Packs[at].Origin == PackShipped {
				return journal.Draft{}, notFound("pack.not_found", "no such pack has been put")
			}
			next.Packs = slices.Delete(next.Packs, at, at+1)
			continue
		}
		p := Pack{Name: c.Name, SHA256: hashOf(c.Text), Bytes: len(c.Text), Origin: c.Origin, At: r.At, By: ask.By}
		switch {
		case at < 0:
			next.Packs = append(next.Packs, p)
		case c.Origin == PackShipped && next.Packs[at].Origin != PackShipped:
			// Somebody has replaced what ships; a newer program does not undo that.
		case next.Packs[at].SHA256 != p.SHA256 || next.Packs[at].Origin != p.Origin:
			next.Packs[at] = p
		}
	}
	slices.SortFunc(next.Packs, inReadingOrder)
	if slices.Equal(next.Packs, was.Packs) {
		return journal.Draft{}, nil
	}
	before, err := s.PackTexts(ctx, *was)
	if err != nil {
		return journal.Draft{}, err
	}
	after, err := s.PackTexts(ctx, next)
	if err != nil {
		return journal.Draft{}, err
	}
	if next.Hash, err = judge(before, after); err != nil {
		return journal.Draft{}, err
	}
	state, err := json.Marshal(next)
	if err != nil {
		return journal.Draft{}, fmt.Errorf("encode policy: %w", err)
	}
	d := journal.Draft{Action: "policy.change", Receipt: receiptOf(policyInForce)}
	if _, err := r.Docs(ctx, journal.DocRef{Type: "policies", ID: policyID(next.Hash)}); err != nil {
		return journal.Draft{}, err
	}
	d.Put("policies", policyInForce, state)
	d.Put("policies", policyID(next.Hash), state)
	return d, nil
}

// inReadingOrder puts the pack that ships first and the others by name.
func inReadingOrder(a, b Pack) int {
	if (a.Name == DefaultPack) != (b.Name == DefaultPack) {
		if a.Name == DefaultPack {
			return -1
		}
		return 1
	}
	return strings.Compare(a.Name, b.Name)
}

func policyID(hash string) string { return strings.TrimPrefix(hash, "sha256:") }

func hashOf(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// keepText stores a text in pieces, once.
func (s *Service) keepText(ctx context.Context, by auth.UserID, text []byte) error {
	sha := hashOf(text)
	i := 0
	for piece := range slices.Chunk(text, packChunk) {
		id := textID(sha, i)
		i++
		state, err := json.Marshal(packText{piece})
		if err != nil {
			return fmt.Errorf("encode pack: %w", err)
		}
		out, err := s.journal.Do(ctx, auth.OrgBranch, []journal.Command{{ID: "pack:" + id, Actor: by,
			Decide: func(ctx context.Context, r *journal.Reader) (journal.Draft, error) {
				if _, there, err := r.Doc(ctx, "pack_texts", id); err != nil || there {
					return journal.Draft{}, err
				}
				d := journal.Draft{Action: "pack.keep"}
				d.Put("pack_texts", id, state)
				return d, nil
			}}})
		if err == nil {
			err = out[0].Err
		}
		if err != nil {
			return fmt.Errorf("keep pack: %w", err)
		}
	}
	return nil
}

// PolicyInForce is the policy in force and the entry of the organisation's
// journal that put it there. pack.no_policy before the first.
func (s *Service) PolicyInForce(ctx context.Context) (Policy, uint64, error) {
	return s.policy(ctx, policyInForce)
}

// PolicyOf is a policy that is or was in force, by its hash, and the entry that put it in force last. pack.no_policy.
func (s *Service) PolicyOf(ctx context.Context, hash string) (Policy, uint64, error) {
	id, ok := strings.CutPrefix(hash, "sha256:")
	if !ok || !idShape.MatchString(id) {
		return Policy{}, 0, notFound("pack.no_policy",
			"no policy with this hash was ever in force; write it as sha256: and 64 hexadecimal digits")
	}
	return s.policy(ctx, id)
}

func (s *Service) policy(ctx context.Context, id string) (Policy, uint64, error) {
	recs, err := s.store.Records(ctx, auth.OrgBranch, []journal.DocRef{{Type: "policies", ID: id}})
	if err != nil {
		return Policy{}, 0, fmt.Errorf("read policy: %w", err)
	}
	if recs[0].Type == "" {
		return Policy{}, 0, notFound("pack.no_policy", "no policy with this hash was ever in force")
	}
	p, err := decode[Policy](recs[0])
	if err != nil {
		return Policy{}, 0, err
	}
	return *p, recs[0].N, nil
}

// PackTexts reads the texts of a policy's packs, in the order in which they are read.
func (s *Service) PackTexts(ctx context.Context, p Policy) ([]PackText, error) {
	out := make([]PackText, len(p.Packs))
	for k, pack := range p.Packs {
		var refs []journal.DocRef
		for i := range (pack.Bytes + packChunk - 1) / packChunk {
			refs = append(refs, journal.DocRef{Type: "pack_texts", ID: textID(pack.SHA256, i)})
		}
		var recs []journal.Record
		if len(refs) > 0 {
			var err error
			if recs, err = s.store.Records(ctx, auth.OrgBranch, refs); err != nil {
				return nil, fmt.Errorf("read pack %s: %w", pack.Name, err)
			}
		}
		var text []byte
		for _, rec := range recs {
			if rec.Type == "" {
				return nil, fmt.Errorf("read pack %s: a piece of its text is missing", pack.Name)
			}
			piece, err := decode[packText](rec)
			if err != nil {
				return nil, err
			}
			text = append(text, piece.Text...)
		}
		if hashOf(text) != pack.SHA256 {
			return nil, fmt.Errorf("read pack %s: its text is not the one that was put", pack.Name)
		}
		out[k] = PackText{pack.Name, text}
	}
	return out, nil
}
