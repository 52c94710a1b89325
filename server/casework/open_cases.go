package casework

import (
	"context"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// OpenCase is what sharing out a branch's work must know of a case.
type OpenCase struct {
	Case       journal.CaseID
	Home       geo.Point
	HasHome    bool
	ServiceMin int
	Territory  string
	Pinned     bool   // a supervisor chose the territory
	Team       string // a supervisor chose the team; "" goes by the territory
}

// OpenCases reads every open case of a branch, in order of id.
func (s *Service) OpenCases(ctx context.Context, branch auth.BranchID) ([]OpenCase, error) {
	var out []OpenCase
	q := journal.Query{Branch: branch, Type: "cases", Index: CasesByStatus.Name, Eq: []any{record.StatusOpen},
		Limit: planningPage}
	err := s.eachCase(ctx, q, func(cases []Filed[record.Case]) error {
		if err := s.openHomes(ctx, branch, cases); err != nil {
			return err
		}
		for i := range cases {
			k := &cases[i].State
			c := OpenCase{Case: k.ID, ServiceMin: k.ServiceMin, Territory: k.Territory, Pinned: k.TerritoryPinned, Team: k.Team}
			c.Home, c.HasHome = k.Home.Plain()
			out = append(out, c)
		}
		return nil
	})
	return out, err
}
