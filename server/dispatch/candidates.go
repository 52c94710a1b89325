package dispatch

import (
	"context"
	"slices"
	"time"

	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// whyNot is why a case gets no stop; the code is "" for one that may.
type whyNot struct {
	code, rule string
	cite       []string
	missing    []string // of LadderNotFinished
}

// judging is what the cases of a day are judged by.
type judging struct {
	date     string
	crews    []crew
	empty    []crew // without an agent who can be sent out
	policy   *conduct.Policy
	overlays []string
	past     *soFar
	// elsewhere are the cases that other rounds see to, with the code.
	elsewhere map[journal.CaseID]string
	// moves are the teams to which supervisors moved cases in this round.
	moves map[journal.CaseID]string
	locks locks
}

// day is what the files of cases are read for.
func (j *judging) day() casework.PlanningDay {
	return casework.PlanningDay{Policy: j.policy, Date: j.date, Overlays: j.overlays}
}

// candidates judges every open case of the branch: those that may get a stop are
// returned, the others left out with the reason. It passes over cases that the day so far has settled.
func (s *Service) candidates(ctx context.Context, r Round, j judging, d *day) ([]candidate, error) {
	var out []candidate
	err := s.opt.Casework.PlanningFiles(ctx, r.Branch, j.day(), func(f *casework.PlanningFile) error {
		k := &f.Case
		if j.past.keeps(k.ID) {
			return nil
		}
		d.cases++
		if to, moved := j.moves[k.ID]; moved && k.Team == "" {
			k.Team = to
		}
		c, why, err := j.judge(ctx, f, k.AppointmentsOn(r.Date))
		if err != nil {
			return err
		}
		if code := j.elsewhere[k.ID]; code != "" && why.code == "" && c.appointment == "" {
			why = whyNot{code: code}
		}
		if why.code == "" {
			c.must = j.moves[k.ID] != ""
			why = j.locks.hold(&c, j.crews, j.past)
		}
		if why.code != "" {
			d.leave(r, k.ID, why)
			d.cost.PriorityLeft += k.Priority
			return nil
		}
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Who has been visited, or is about to be, is not visited again for another debt.
	return slices.DeleteFunc(out, func(c candidate) bool {
		met := j.past.met(c.person)
		if met {
			d.leave(r, c.id, whyNot{code: SameDebtor, rule: "house-one-visit"})
			d.cost.PriorityLeft += c.priority
		}
		return met
	}), nil
}

// unfit says why no team may be sent to a case on a date.
func unfit(f *casework.PlanningFile, date string) whyNot {
	k := &f.Case
	if holds := k.OpenHolds(date); len(holds) > 0 {
		if casework.OnlyLoadStops(holds) {
			return whyNot{code: ContactLoad, rule: "house-contact-load", cite: []string{"house"}}
		}
		return whyNot{code: OnHold, rule: "house-hold", cite: []string{"house"}} // which kind is personal
	}
	switch k.AddressVerification {
	case "moved", "wrong_address", "not_found":
		return whyNot{code: AddressUnfit, rule: "house-address", cite: []string{k.AddressVerification}}
	}
	if !f.HasHome {
		return whyNot{code: NoPosition}
	}
	if k.Territory == "" && k.Team == "" {
		return whyNot{code: NoTerritory}
	}
	return whyNot{}
}

// judge says who may go to a case, and when, within the appointments if there are any, or why no team may.
func (j *judging) judge(ctx context.Context, f *casework.PlanningFile, agreed []record.Appointment) (candidate,
	whyNot, error) {
	k := &f.Case
	if why := unfit(f, j.date); why.code != "" {
		return candidate{}, why, nil
	}
	// Who has agreed to a visit of the day wants it.
	var noticed *record.Window
	if len(agreed) == 0 {
		var lacks []string
		if lacks, noticed = f.Lacks(j.date); len(lacks) > 0 {
			return candidate{}, whyNot{code: LadderNotFinished, rule: casework.RuleLadder, cite: []string{"house"},
				missing: lacks}, nil
		}
	}
	c := candidate{id: k.ID, person: f.Person, home: f.Home, priority: k.Priority, amount: k.AmountDueMinor,
		territory: k.Territory, service: k.ServiceMin * 60}
	var denied []conduct.Hit
	spans := map[string][]Window{} // by kind of crew
	near, declined := false, false
	for _, i := range mayGo(j.crews, k, f.Home) {
		w := &j.crews[i]
		if k.DeclinedBy(w.agents) {
			declined = true
			continue
		}
		near = true
		kind := w.kind()
		ws, judged := spans[kind]
		if !judged {
			lawful, hits, err := casework.WindowsOf(ctx, j.policy, f, j.date, j.visit(w))
			if err != nil {
				return candidate{}, whyNot{}, err
			}
			if ws = windowsOf(lawful); len(ws) == 0 {
				denied = hits
			}
			if len(agreed) > 0 {
				ws = within(ws, agreed)
			}
			if noticed != nil {
				ws = overlap(ws, []Window{{From: noticed.From, To: noticed.To}}, 0)
			}
			spans[kind] = ws
		}
		lawful := ws
		ws = j.past.toCome(ws)
		// Crews of another kind may have other hours: the stop keeps those of the
		// first that may go, and only crews with the same go.
		if len(ws) > 0 && (c.windows == nil || sameWindows(c.windows, ws)) {
			c.windows, c.lawful = ws, lawful
			c.crews = append(c.crews, i)
		}
	}
	switch {
	case !near && declined:
		return candidate{}, whyNot{code: Declined}, nil
	case !near && len(mayGo(j.empty, k, f.Home)) > 0:
		return candidate{}, emptyWhy(j.empty, mayGo(j.empty, k, f.Home)), nil
	case !near:
		return candidate{}, whyNot{code: NoTeam}, nil
	case len(c.crews) == 0 && len(denied) > 0:
		return candidate{}, whyNot{code: denied[0].Reason, rule: denied[0].Rule, cite: denied[0].Cite}, nil
	case len(c.crews) == 0 && len(agreed) > 0:
		return candidate{}, whyNot{code: NoAppointment}, nil
	case len(c.crews) == 0:
		return candidate{}, whyNot{code: NoTimeInWindow}, nil
	}
	if len(agreed) > 0 {
		c.appointment = agreed[0].ID
	}
	e, onPhones := j.past.earlier(k.ID)
	c.given = onPhones && k.Team != "" && e.team == k.Team
	slices.Sort(c.crews)
	return c, whyNot{}, nil
}

// visit is a visit by a crew as the law is asked about it.
func (j *judging) visit(w *crew) casework.VisitPlan {
	return casework.VisitPlan{Agents: len(w.agents), Items: w.team.Items, Recording: w.team.Recording,
		Overlays: j.overlays}
}

// windowsOf are lawful spans in whole seconds of UTC.
func windowsOf(lawful []conduct.Interval) (ws []Window) {
	for _, x := range lawful {
		ws = append(ws, Window{From: x.From.UTC().Truncate(time.Second), To: x.To.UTC().Truncate(time.Second)})
	}
	return ws
}

// within gives what of the lawful spans lies within the appointments.
func within(ws []Window, agreed []record.Appointment) []Window {
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
