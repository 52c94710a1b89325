package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// Announced says what became of the notices of a round's visits.
type Announced struct {
	Round  string `json:"round"`
	Queued int    `json:"queued" doc:"Notices that were queued by this request."`
	// Stops are the visits that the round still plans, in the order of its routes.
	Stops []AnnouncedStop `json:"stops"`
}

// AnnouncedStop says what became of the notice of one visit.
type AnnouncedStop struct {
	Case    journal.CaseID `json:"case"`
	Message string         `json:"message_id,omitempty" doc:"The text that was queued."`
	Code    string         `json:"code,omitempty" doc:"Why none was queued: not_wanted (its lender wants no notice), announced (one is queued or was sent), too_late, agreed (the person agreed to the time), or the code of a refusal, such as message.no_number and message.opted_out."`
}

// Announce queues the notices of the visits of a round that is planned, or on the phones, for the cases whose lenders
// want one before a visit. A notice names the date, and the span in which the visit begins. When the round is
// published, a visit whose notice did not go out in time is left out; planning the day anew keeps to the spans that
// were announced. Asking again queues what is lacking. Errors: round.not_found, round.state, round.past.
func (s *Service) Announce(ctx context.Context, ask Ask, id string) (Announced, error) {
	r, err := s.find(ctx, ask.Actor, id)
	if err != nil {
		return Announced{}, err
	}
	if r.Status != Planned && !r.OnPhones() {
		return Announced{}, refuse(refusal.Conflict, "round.state", "",
			"only the visits of a round that is planned or published are announced; this one is "+r.Status)
	}
	_, zone, err := s.branch(ctx, r.Branch)
	if err != nil {
		return Announced{}, err
	}
	if err := checkToCome(r.Date, s.opt.Journal.Now(), zone); err != nil {
		return Announced{}, err
	}
	routes, err := s.routes(ctx, r)
	if err != nil {
		return Announced{}, err
	}
	out := Announced{Round: r.ID, Stops: []AnnouncedStop{}}
	var reqs []casework.Request
	var of []int
	for _, route := range routes {
		for _, st := range route.Stops {
			if st.State != "" {
				continue
			}
			out.Stops = append(out.Stops, AnnouncedStop{Case: st.Case})
			if st.Appointment != "" {
				out.Stops[len(out.Stops)-1].Code = "agreed"
				continue
			}
			of = append(of, len(out.Stops)-1)
			reqs = append(reqs, casework.Request{ID: journal.DerivedID("announce", ask.Command, string(st.Case)),
				Cmd: casework.AnnounceVisit{Case: st.Case, Date: r.Date, ETA: st.ETA,
					Window: record.Window{From: st.Window.From, To: st.Window.To}}})
		}
	}
	for some := range slices.Chunk(reqs, stopsAtOnce) {
		receipts, err := s.opt.Casework.Do(ctx, auth.System(), r.Branch, some)
		if err != nil {
			return Announced{}, fmt.Errorf("announce visits: %w", err)
		}
		for i, receipt := range receipts {
			stop := &out.Stops[of[i]]
			if e, refused := refusal.Of(receipt.Err); refused {
				stop.Code = e.Code()
				continue
			}
			if receipt.Err != nil {
				return Announced{}, receipt.Err
			}
			var answer casework.AnnounceReceipt
			if err := json.Unmarshal(receipt.Body, &answer); err != nil {
				return Announced{}, fmt.Errorf("read receipt: %w", err)
			}
			if stop.Message, stop.Code = answer.Message, answer.Not; stop.Message != "" {
				out.Queued++
			}
		}
		of = of[len(some):]
	}
	return out, nil
}
