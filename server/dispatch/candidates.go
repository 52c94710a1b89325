package dispatch

import (
	"context"
	"time"

	"doorstep/server/casework"
	"doorstep/server/conduct"
)

// candidates judges every open case of the branch: those that may get a stop are
// returned, the others left out with the reason.
func (s *Service) candidates(ctx context.Context, r Round, crews []crew, policy *conduct.Policy, overlays []string, d *day) ([]candidate, error) {
	var out []candidate
	err := s.opt.Casework.PlanningFiles(ctx, r.Branch, func(f *casework.PlanningFile) error {
		d.cases++
		k := &f.Case
		leave := func(code, rule string, cite []string) error {
			d.leave(r, k.CaseRef, code, rule, cite)
			d.cost.PriorityLeft += k.Priority
			return nil
		}
		if holds := k.OpenHolds(r.Date); len(holds) > 0 {
			return leave(OnHold, "house-hold", []string{holds[0].Kind})
		}
		switch k.AddressVerification {
		case "moved", "wrong_address", "not_found":
			return leave(AddressUnfit, "house-address", []string{k.AddressVerification})
		}
		if !f.HasHome {
			return leave(NoPosition, "", nil)
		}
		if k.Territory == "" && k.Team == "" {
			return leave(NoTerritory, "", nil)
		}
		c := candidate{id: k.CaseRef, home: f.Home, priority: k.Priority, amount: k.AmountDueMinor, service: k.ServiceMin * 60}
		var denied []conduct.Hit
		spans := map[string][]Window{} // by kind of crew
		near := false
		for _, i := range mayGo(crews, k, f.Home) {
			w := &crews[i]
			near = true
			kind := w.kind()
			ws, judged := spans[kind]
			if !judged {
				lawful, hits, err := casework.WindowsOf(policy, f, r.Date, casework.VisitPlan{Agents: len(w.agents), Items: w.team.Items, Recording: w.team.Recording, Overlays: overlays})
				if err != nil {
					return err
				}
				for _, x := range lawful {
					ws = append(ws, Window{From: x.From.UTC().Truncate(time.Second), To: x.To.UTC().Truncate(time.Second)})
				}
				spans[kind] = ws
				if len(ws) == 0 {
					denied = hits
				}
			}
			// Crews of another kind may have other hours: the stop keeps those of the
			// first that may go, and only crews with the same go.
			if len(ws) > 0 && (c.windows == nil || sameWindows(c.windows, ws)) {
				c.windows = ws
				c.crews = append(c.crews, i)
			}
		}
		switch {
		case !near:
			return leave(NoTeam, "", nil)
		case len(c.crews) == 0 && len(denied) > 0:
			return leave(denied[0].Reason, denied[0].Rule, denied[0].Cite)
		case len(c.crews) == 0:
			return leave(NoTimeInWindow, "", nil)
		}
		out = append(out, c)
		return nil
	})
	return out, err
}

func sameWindows(a, b []Window) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].From.Equal(b[i].From) || !a[i].To.Equal(b[i].To) {
			return false
		}
	}
	return true
}
