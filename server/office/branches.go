package office

import (
	"context"
	"time"

	"doorstep/auth"
	"doorstep/geo/country"
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
	// Certificates are the kinds that each agent must hold on the day of a visit.
	Certificates []string `json:"certificates,omitempty"`
}

// MaxNeighboursM is the furthest a neighbour may be let in.
const MaxNeighboursM = 20_000

// PutBranch makes or changes a branch. branch.*.
func (s *Service) PutBranch(ctx context.Context, ask Ask, b Branch) (Branch, error) {
	if !idShape.MatchString(string(b.ID)) {
		return Branch{}, invalid("branch.id", "id", "a branch id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if reserved(string(b.ID)) {
		return Branch{}, invalid("branch.id", "id", "this id stands for the organisation or the server; choose another")
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
	if b.Country != "" && !country.HasZone(b.Country, b.TimeZone) {
		return Branch{}, invalid("branch.time_zone", "time_zone", "the country does not have this time zone; write one "+
			"of its own such as "+country.Zones(b.Country)[0])
	}
	if b.NeighboursWithinM < 0 || b.NeighboursWithinM > MaxNeighboursM {
		return Branch{}, invalid("branch.neighbours_within_m", "neighbours_within_m",
			"neighbours_within_m is from 0 (not allowed) to 20000 metres")
	}
	if len(b.Certificates) > mostCertificates {
		return Branch{}, invalid("branch.certificates", "certificates", "a branch wants at most 20 kinds of certificates")
	}
	for _, kind := range b.Certificates {
		if !idShape.MatchString(kind) {
			return Branch{}, invalid("branch.certificates", "certificates",
				"a kind has 1 to 64 letters, digits, dots, dashes or underscores")
		}
	}
	out, err := apply(ctx, s, ask, change[Branch]{branch: auth.OrgBranch, typ: "branches", id: string(b.ID),
		action: "branch.put",
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

func values[T any](ps []*T) []T {
	out := make([]T, len(ps))
	for i, p := range ps {
		out[i] = *p
	}
	return out
}
