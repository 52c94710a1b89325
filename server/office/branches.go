package office

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"doorstep/auth"
	"doorstep/sync/journal"
)

// Branch is the state of a document of type "branches": an office, the unit of partition.
type Branch struct {
	ID       auth.BranchID `json:"id"`
	Name     string        `json:"name"`
	TimeZone string        `json:"time_zone"`         // IANA; shifts and rounds are in it
	Country  string        `json:"country,omitempty"` // ISO 3166-1 alpha-2
	// Profiles are conduct overlays that hold for every case of the branch, besides the case's own.
	Profiles []string `json:"profiles,omitempty"`
	// NeighboursWithinM lets the teams of a neighbouring territory visit a case whose
	// home lies within so many metres of that territory's border. 0: they may not.
	NeighboursWithinM int `json:"neighbours_within_m,omitempty"`
}

// MaxNeighboursM is the furthest a neighbour may be let in.
const MaxNeighboursM = 20_000

// PutBranch makes or changes a branch. branch.*.
func (s *Service) PutBranch(ctx context.Context, ask Ask, b Branch) (Branch, error) {
	if !idShape.MatchString(string(b.ID)) || b.ID == auth.OrgBranch {
		return Branch{}, invalid("branch.id", "id", "a branch id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if len(b.Name) > 200 {
		return Branch{}, invalid("branch.name", "name", "a branch's name has at most 200 bytes")
	}
	if b.Name == "" {
		b.Name = string(b.ID)
	}
	if b.TimeZone == "" || b.TimeZone == "Local" {
		return Branch{}, invalid("branch.time_zone", "time_zone", "a branch has an IANA time zone, for example Europe/Lisbon")
	}
	if _, err := time.LoadLocation(b.TimeZone); err != nil {
		return Branch{}, invalid("branch.time_zone", "time_zone", "not an IANA time zone; for example Europe/Lisbon")
	}
	if b.Country != "" && len(b.Country) != 2 {
		return Branch{}, invalid("branch.country", "country", "a country is two letters (ISO 3166-1)")
	}
	if b.NeighboursWithinM < 0 || b.NeighboursWithinM > MaxNeighboursM {
		return Branch{}, invalid("branch.neighbours_within_m", "neighbours_within_m", "neighbours_within_m is from 0 (not allowed) to 20000 metres")
	}
	out, err := apply(ctx, s, ask, change[Branch]{branch: auth.OrgBranch, typ: "branches", id: string(b.ID), action: "branch.put",
		decide: func(context.Context, *journal.Reader, *Branch) (*Branch, error) { return &b, nil }})
	if err != nil {
		return Branch{}, err
	}
	return *out, nil
}

// Branch reads a branch. branch.not_found.
func (s *Service) Branch(ctx context.Context, id auth.BranchID) (Branch, error) {
	b, ok, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(id))
	if err != nil {
		return Branch{}, err
	}
	if !ok {
		return Branch{}, notFound("branch.not_found", "no such branch")
	}
	return *b, nil
}

// Branches lists all branches by id.
func (s *Service) Branches(ctx context.Context) ([]Branch, error) {
	bs, err := list[Branch](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "branches"})
	return values(bs), err
}

// Lender is the state of a document of type "lenders".
type Lender struct {
	ID    string `json:"id"` // as cases name it
	Name  string `json:"name,omitempty"`
	Phone string `json:"complaint_phone,omitempty"` // the complaint line told to debtors
}

// lenderDoc is the id of a lender's document: names may hold any text, ids may not.
func lenderDoc(name string) string {
	if idShape.MatchString(name) {
		return name
	}
	h := sha256.Sum256([]byte(name))
	return "x-" + hex.EncodeToString(h[:12])
}

// PutLender makes or changes a lender. lender.id.
func (s *Service) PutLender(ctx context.Context, ask Ask, l Lender) (Lender, error) {
	if l.ID == "" || len(l.ID) > 100 || len(l.Name) > 200 || len(l.Phone) > 40 {
		return Lender{}, invalid("lender.id", "id", "a lender's id has 1 to 100 bytes, its name at most 200, its phone at most 40")
	}
	out, err := apply(ctx, s, ask, change[Lender]{branch: auth.OrgBranch, typ: "lenders", id: lenderDoc(l.ID), action: "lender.put",
		decide: func(context.Context, *journal.Reader, *Lender) (*Lender, error) { return &l, nil }})
	if err != nil {
		return Lender{}, err
	}
	return *out, nil
}

// Lenders lists all lenders.
func (s *Service) Lenders(ctx context.Context) ([]Lender, error) {
	ls, err := list[Lender](ctx, s, journal.Query{Branch: auth.OrgBranch, Type: "lenders"})
	return values(ls), err
}

// Ensure makes the lenders that imports name and nobody has made yet.
func (s *Service) Ensure(ctx context.Context, names []string) error {
	for _, n := range names {
		if _, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", lenderDoc(n)); err != nil {
			return err
		} else if ok {
			continue
		}
		if _, err := s.PutLender(ctx, Ask{By: "import", Command: "org:lender:" + lenderDoc(n)}, Lender{ID: n}); err != nil {
			return err
		}
	}
	return nil
}

func values[T any](ps []*T) []T {
	out := make([]T, len(ps))
	for i, p := range ps {
		out[i] = *p
	}
	return out
}
