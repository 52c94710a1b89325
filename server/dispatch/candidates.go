package dispatch

import (
	"context"
	"slices"
	"time"

	"doorstep/server/casework"
	"doorstep/server/conduct"
)

// candidates judges every open case of the branch: those that may get a stop are
// returned, the others left out with the reason. What the day so far has settled is passed over.
func (s *Service) candidates(ctx context.Context, r Round, crews []crew, policy *conduct.Policy, overlays []string, past *soFar, d *day) ([]candidate, error) {
	var out []candidate
	err := s.opt.Casework.PlanningFiles(ctx, r.Branch, func(f *casework.PlanningFile) error {
		k := &f.Case
		if past.keeps(k.CaseRef) {
			return nil
		}
		d.cases++
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
		c := candidate{id: k.CaseRef, debtor: k.Debtor, home: f.Home, priority: k.Priority, amount: k.AmountDueMinor, service: k.ServiceMin * 60}
		agreed := k.AppointmentsOn(r.Date)
		var denied []conduct.Hit
		spans := map[string][]Window{} // by kind of crew
		near := false
		for _, i := range mayGo(crews, k, f.Home) {
			w := &crews[i]
			if past.declined(k.CaseRef, w.team.ID) {
				continue
			}
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
				if len(ws) == 0 {
					denied = hits
				}
				ws = past.toCome(ws)
				if len(agreed) > 0 {
					ws = within(ws, agreed)
				}
				spans[kind] = ws
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
		case len(c.crews) == 0 && len(agreed) > 0:
			return leave(NoAppointment, "", nil)
		case len(c.crews) == 0:
			return leave(NoTimeInWindow, "", nil)
		}
		if len(agreed) > 0 {
			c.appointment = agreed[0].ID
		}
		slices.Sort(c.crews)
		out = append(out, c)
		return nil
	})
	return out, err
}

// within gives what of the lawful spans lies within the appointments.
func within(ws []Window, agreed []casework.Appointment) []Window {
	spans := make([]Window, len(agreed))
	for i, a := range agreed {
		spans[i] = Window{From: a.From, To: a.To}
	}
	return overlap(ws, spans, 0)
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
