package record

import "time"

// States of a plan. offered, accepted, rejected, withdrawn, cancelled, superseded and
// renegotiated are decided and stored; the others are what time and payments make
// of an offered or accepted plan, told by StateOn and never stored.
const (
	PlanOffered      = "offered"
	PlanAccepted     = "accepted"
	PlanRejected     = "rejected"
	PlanWithdrawn    = "withdrawn"
	PlanCancelled    = "cancelled"
	PlanSuperseded   = "superseded"   // an offer: another plan was accepted
	PlanRenegotiated = "renegotiated" // it was in force: another plan took its place

	PlanExpired       = "expired"
	PlanCoolingOff    = "cooling_off"
	PlanActive        = "active"
	PlanKept          = "kept"
	PlanPartiallyKept = "partially_kept"
	PlanBroken        = "broken"
)

// Approval states of a plan; "" is a plan within the agent's limit.
const (
	ApprovalPending  = "pending"
	ApprovalApproved = "approved"
	ApprovalRejected = "rejected"
)

// Sides of a plan.
const (
	SideAgent  = "agent"
	SideDebtor = "debtor"
)

// Live tells whether the plan is in force: it is accepted and nobody's
// approval is missing. A live plan stays live until a decision ends it or another takes its place; whether it
// is being kept is Suspends's to say.
func (p *Plan) Live() bool {
	return p.State == PlanAccepted && p.ReplacedBy == "" && p.agreed()
}

// agreed tells whether no approval is missing.
func (p *Plan) agreed() bool {
	return p.ApprovalState != ApprovalPending && p.ApprovalState != ApprovalRejected
}

// Open tells whether the plan waits for an answer of either side, or for approval.
func (p *Plan) Open() bool {
	return p.State == PlanOffered || p.State == PlanAccepted && p.ApprovalState == ApprovalPending
}

// ExpiredAt tells whether the plan is an offer that has ended at an instant.
func (p *Plan) ExpiredAt(at time.Time) bool {
	return p.State == PlanOffered && p.Offered != nil && !p.Offered.Expires.IsZero() && !at.Before(p.Offered.Expires)
}

// StateOn is the plan's state at an instant that lies on a local date of the debtor.
func (p *Plan) StateOn(at time.Time, day string) string {
	switch {
	case p.ExpiredAt(at):
		return PlanExpired
	case p.State != PlanAccepted || !p.agreed():
		return p.State
	case p.BrokenOn(day):
		return p.Standing.BreaksAs
	case p.keptOn(day):
		return PlanKept
	case at.Before(p.CoolingOff):
		return PlanCoolingOff
	}
	return PlanActive
}

// BrokenOn tells whether the plan is broken or partially kept on a local date.
func (p *Plan) BrokenOn(day string) bool {
	return p.Standing != nil && p.Standing.BreaksOn != "" && p.Standing.BreaksOn <= day
}

func (p *Plan) keptOn(day string) bool {
	return p.Standing != nil && p.Standing.KeptOn != "" && p.Standing.KeptOn <= day
}

// Suspends tells whether the plan suspends collection, by visits and by messages, on a local date of the debtor: it is
// in force, in its cooling-off or active. A breach, once its grace is over, lets collection resume.
func (p *Plan) Suspends(day string) bool { return p.Live() && !p.BrokenOn(day) && !p.keptOn(day) }

// InstalmentNow is what payments have made of one instalment.
type InstalmentNow struct {
	N         int    `json:"n"`
	Status    string `json:"status"` // paid, partly_paid, overdue (its grace is over), open
	PaidMinor int64  `json:"paid_minor,omitempty"`
	// PaidOn is the local date, and Ref the payment, that brought the last of it.
	PaidOn string `json:"paid_on,omitempty"`
	Ref    string `json:"ref,omitempty"`
}

// PaidPart is a payment as the plan sees it.
type PaidPart struct {
	Ref         string
	On          string // local date
	AmountMinor int64
}

// InstalmentsOn spreads payments that count for the plan, in order of time,
// over its instalments, the earliest first, and gives their status on a local date.
func (p *Plan) InstalmentsOn(day string, payments []PaidPart) []InstalmentNow {
	out := make([]InstalmentNow, len(p.Instalments))
	left, which := int64(0), -1
	for i, in := range p.Instalments {
		out[i] = InstalmentNow{N: in.N, Status: "open"}
		for out[i].PaidMinor < in.AmountMinor {
			if left == 0 {
				if which+1 == len(payments) {
					break
				}
				which++
				left = payments[which].AmountMinor
				continue
			}
			take := min(left, in.AmountMinor-out[i].PaidMinor)
			left -= take
			out[i].PaidMinor += take
			out[i].PaidOn, out[i].Ref = payments[which].On, payments[which].Ref
		}
		switch {
		case out[i].PaidMinor == in.AmountMinor:
			out[i].Status = "paid"
		case day > p.LastOn(in.DueOn):
			out[i].Status = "overdue"
		case out[i].PaidMinor > 0:
			out[i].Status = "partly_paid"
		}
	}
	return out
}

// LastOn is the last local date on which what is due on a date is paid in time.
func (p *Plan) LastOn(due string) string {
	t, err := time.Parse(time.DateOnly, due)
	if err != nil || p.Terms == nil {
		return due
	}
	return t.AddDate(0, 0, int(p.Terms.GraceDays)).Format(time.DateOnly)
}

// Arrears are what is open of the instalments whose grace is over on a local date, in minor units.
func (p *Plan) Arrears(day string) int64 {
	var due int64
	for _, in := range p.Instalments {
		if p.LastOn(in.DueOn) < day {
			due += in.AmountMinor
		}
	}
	if p.Standing != nil {
		due -= p.Standing.PaidMinor
	}
	return max(0, due)
}
