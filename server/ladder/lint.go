package ladder

import (
	"slices"
	"strings"
)

// required are the variables that a template of a kind must have.
var required = map[string][]string{
	OverdueReminder:  {"sender_name", "amount", "due_date", "pay_link", "opt_out"},
	SecondReminder:   {"sender_name", "amount", "due_date", "pay_link", "plan_link", "opt_out"},
	CollectionNotice: {"sender_name", "amount", "due_date", "plan_link", "hardship_link", "complaint_phone", "opt_out"},
	VisitNotice:      {"sender_name", "visit_date", "visit_window", "who_link", "complaint_phone", "opt_out"},
	PlanOffer:        {"sender_name", "plan_link", "answer_by", "opt_out"},
	PlanReminder:     {"sender_name", "instalment_amount", "instalment_due", "pay_link", "opt_out"},
	ThankYou:         {"sender_name", "paid_amount", "paid_on", "opt_out"},
	StopConfirm:      {"sender_name"},
}

// LintVariables judges a text by its variables alone: unknown ones, missing ones, and those that an unverified number
// may not be sent. It does not judge what the words mean.
func LintVariables(t Text) []Fault {
	var out []Fault
	names := Variables(t.Text)
	verified := t.VerifiedDays != nil && *t.VerifiedDays >= 0 && *t.VerifiedDays <= verifiedFor
	allowed := []string{"sender_name", "code_link", "opt_out"}
	for _, name := range names {
		id, is := strings.CutPrefix(name, ConsequencePrefix)
		switch {
		case is && !slices.ContainsFunc(t.Consequences, func(c Consequence) bool { return c.ID == id }),
			!is && !slices.Contains(variables, name):
			out = append(out, Fault{"unknown_variable", name, "{" + name + "}"})
		case verified || slices.Contains(allowed, name):
		case name == "amount":
			out = append(out, Fault{"amount_to_unverified", name, "{" + name + "}"})
		default:
			out = append(out, Fault{"leak", name, "{" + name + "}"})
		}
	}
	need := required[t.Step]
	if !verified {
		need = allowed
		if t.Step == StopConfirm {
			need = allowed[:1]
		}
	}
	for _, name := range need {
		if slices.Contains(names, name) {
			continue
		}
		reason := "missing_variable"
		switch name {
		case "sender_name":
			reason = "missing_sender"
		case "opt_out":
			reason = "missing_opt_out"
		}
		out = append(out, Fault{reason, "text", name})
	}
	if verified && t.Step == CollectionNotice && !slices.ContainsFunc(names, func(n string) bool {
		return strings.HasPrefix(n, ConsequencePrefix)
	}) {
		out = append(out, Fault{"missing_variable", "text", "consequence"})
	}
	return out
}
