package ladder

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"doorstep/auth/refusal"
)

// Kinds of texts. The first four can be steps of a ladder, in this order; the others are sent when something happens.
const (
	OverdueReminder  = "overdue_reminder"
	SecondReminder   = "second_reminder"
	PlanOffer        = "plan_offer"
	CollectionNotice = "collection_notice"
	VisitNotice      = "visit_notice"
	PlanReminder     = "plan_reminder"
	ThankYou         = "thank_you"
	StopConfirm      = "stop_confirm"
	// PageCode brings the code that the page of the person visited asks for. It has no template.
	PageCode = "page_code"
)

// inOrder are the kinds that a ladder may have.
var inOrder = []string{OverdueReminder, SecondReminder, PlanOffer, CollectionNotice}

// Kinds lists all kinds of texts.
func Kinds() []string {
	return append(slices.Clone(inOrder), VisitNotice, PlanReminder, ThankYou, StopConfirm)
}

// Collects tells whether a text of the kind asks for money, so that a plan that is being kept forbids it.
func Collects(kind string) bool { return slices.Contains(inOrder, kind) }

// PreviousDelivered is the need of a step that is not taken before the text of the step before it was delivered.
const PreviousDelivered = "previous_delivered"

// Step is one text of a ladder.
type Step struct {
	Kind string `json:"kind"`
	// DPDFrom is how many days the case must be late.
	DPDFrom int `json:"dpd_from"`
	// MinGapDays are the local days that must lie between the text before it and this one; 0 for the first step.
	MinGapDays int `json:"min_gap_days"`
	// Needs is PreviousDelivered, or "" for a step that needs nothing more.
	Needs string `json:"needs,omitempty"`
}

// Definition is a ladder: its steps in order.
type Definition struct {
	Steps []Step `json:"steps"`
	// Source says where the numbers come from.
	Source string `json:"source,omitempty"`
	// Before is what a case must have behind it before it enters a round; nil: nothing of the lender's own.
	Before *Before `json:"before_visits,omitempty"`
}

// Limits of a ladder.
const (
	mostSteps = 4
	mostDPD   = 3650
	mostGap   = 365
	// houseGap is the least number of days between two texts, whatever the law allows (rule house-gap).
	houseGap = 3
)

//go:embed default.json
var defaultText []byte

// Default is the house's own ladder, for lenders that have none.
func Default() Definition {
	var d Definition
	if err := json.Unmarshal(defaultText, &d); err != nil {
		panic("ladder: default.json: " + err.Error()) // a test reads it
	}
	return d
}

// refuse makes a refusal of this room, at a member of a step.
func refuse(code string, step int, member, format string, args ...any) *refusal.Error {
	return refusal.New(refusal.Invalid, code, place(step, member), format, args...)
}

func place(step int, member string) string { return fmt.Sprintf("steps[%d].%s", step, member) }

// Check refuses a ladder that cannot be: with an unknown step, out of order, or with a number out of range. The codes
// are ladder.steps, ladder.kind, ladder.order, ladder.dpd_from, ladder.gap and ladder.needs.
func (d Definition) Check() *refusal.Error {
	switch {
	case len(d.Steps) == 0 || len(d.Steps) > mostSteps:
		return refusal.New(refusal.Invalid, "ladder.steps", "steps", "a ladder has 1 to %d steps", mostSteps)
	case len(d.Source) > 500:
		return refusal.New(refusal.Invalid, "ladder.source", "source", "at most 500 bytes")
	}
	for i, s := range d.Steps {
		if bad := d.checkStep(i, s); bad != nil {
			return bad
		}
	}
	if d.Before != nil {
		return d.Before.Check()
	}
	return nil
}

func (d Definition) checkStep(i int, s Step) *refusal.Error {
	at := slices.Index(inOrder, s.Kind)
	switch {
	case at < 0 && slices.Contains(Kinds(), s.Kind):
		return refuse("ladder.kind", i, "kind", "a %s is sent when its event happens and is no step of a ladder; "+
			"write one of %s", s.Kind, strings.Join(inOrder, ", "))
	case at < 0:
		return refuse("ladder.kind", i, "kind", "this is not one of %s", strings.Join(inOrder, ", "))
	case s.DPDFrom < 1 || s.DPDFrom > mostDPD:
		return refuse("ladder.dpd_from", i, "dpd_from", "write 1 to %d days late", mostDPD)
	case s.Needs != "" && s.Needs != PreviousDelivered:
		return refuse("ladder.needs", i, "needs", "write %s, or leave it out", PreviousDelivered)
	}
	if i == 0 {
		switch {
		case s.Kind != OverdueReminder:
			return refuse("ladder.order", i, "kind", "a ladder begins with an %s", OverdueReminder)
		case s.MinGapDays != 0:
			return refuse("ladder.gap", i, "min_gap_days", "no text comes before the first step: write 0")
		case s.Needs != "":
			return refuse("ladder.needs", i, "needs", "no text comes before the first step: leave it out")
		}
		return nil
	}
	before := d.Steps[i-1]
	switch {
	case at <= slices.Index(inOrder, before.Kind):
		return refuse("ladder.order", i, "kind", "the steps come in this order, each once: %s", strings.Join(inOrder, ", "))
	case s.Kind == CollectionNotice && !slices.ContainsFunc(d.Steps[:i], func(x Step) bool {
		return x.Kind == SecondReminder
	}):
		return refuse("ladder.order", i, "kind", "a %s comes after two reminders", CollectionNotice)
	case s.DPDFrom < before.DPDFrom:
		return refuse("ladder.dpd_from", i, "dpd_from", "the step before it begins at %d days late; write that or more",
			before.DPDFrom)
	case s.MinGapDays < houseGap || s.MinGapDays > mostGap:
		return refuse("ladder.gap", i, "min_gap_days", "between two texts lie %d to %d days (rule house-gap)", houseGap,
			mostGap)
	case s.Kind == CollectionNotice && s.Needs != PreviousDelivered:
		return refuse("ladder.needs", i, "needs", "a %s needs %s: who has received no reminder gets no notice",
			CollectionNotice, PreviousDelivered)
	}
	return nil
}
