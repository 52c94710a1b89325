package words

import (
	"slices"
	"strings"
)

// Steps lists the steps of the ladder, and the confirmations beside it.
func Steps() []string {
	return []string{"pre_due", "overdue_reminder", "second_reminder", "collection_notice", "visit_notice", "plan_offer",
		"plan_reminder", "thank_you", stopConfirm}
}

const (
	stopConfirm = "stop_confirm"
	visitNotice = "visit_notice"
	other       = "other"
)

// Recipients lists for whom a text may be meant.
func Recipients() []string { return []string{"debtor", "guarantor", other} }

// Variables lists the variables of texts, beside consequence.<id>.
func Variables() []string {
	return []string{"sender_name", "amount", "due_date", "days_late", "pay_link", "plan_link", "hardship_link",
		"complaint_phone", "opt_out", "code_link", "who_link", "reference", "visit_date", "visit_window", "answer_by",
		"paid_amount", "paid_on", "instalment_amount", "instalment_due"}
}

// consequencePrefix begins the names of consequences; alone it stands for any of them.
const consequencePrefix = "consequence."

// needed are the variables that a step needs.
var needed = map[string][]string{
	"pre_due":          {"sender_name", "amount", "due_date", "pay_link", "opt_out"},
	"overdue_reminder": {"sender_name", "amount", "due_date", "pay_link", "opt_out"},
	"second_reminder":  {"sender_name", "amount", "due_date", "pay_link", "plan_link", "opt_out"},
	"collection_notice": {"sender_name", "amount", "due_date", consequencePrefix, "plan_link", "hardship_link",
		"complaint_phone", "opt_out"},
	visitNotice:     {"sender_name", "visit_date", "visit_window", "who_link", "complaint_phone", "opt_out"},
	"plan_offer":    {"sender_name", "plan_link", "answer_by", "opt_out"},
	"plan_reminder": {"sender_name", "instalment_amount", "instalment_due", "pay_link", "opt_out"},
	"thank_you":     {"sender_name", "paid_amount", "paid_on", "opt_out"},
	stopConfirm:     {"sender_name"},
}

// Needed lists the variables that a text of a step needs; consequence. stands for any consequence. verified tells
// whether the number was verified in the last 180 days.
func Needed(step string, verified bool) []string {
	if !verified && step != stopConfirm {
		return []string{"sender_name", "code_link", "opt_out"}
	}
	return slices.Clone(needed[step])
}

// What the variables tell.
var (
	amounts = []string{"amount", "paid_amount", "instalment_amount"}
	// ofDebt tell of a debt, beside the amounts and the consequences.
	ofDebt = []string{"due_date", "days_late", "pay_link", "plan_link", "hardship_link", "answer_by", "paid_on",
		"instalment_due"}
	ofVisits = []string{"visit_date", "visit_window"}
	// asking want something of the reader.
	asking = []string{"pay_link", "plan_link", "answer_by", "amount", "instalment_amount", "instalment_due", "days_late",
		"due_date"}
)

func tellsOfDebt(name string) bool {
	return slices.Contains(amounts, name) || slices.Contains(ofDebt, name) || strings.HasPrefix(name, consequencePrefix)
}

// variables cuts the text at its variables. Braces that hold no variable are told of, and stay words.
func (j *judged) variables() []piece {
	var out []piece
	from := 0
	for i := 0; i < len(j.runes); i++ {
		switch j.runes[i] {
		case '{':
			n := i + 1
			for n < len(j.runes) && !strings.ContainsRune("{}\n\r", j.runes[n]) {
				n++
			}
			closed := n < len(j.runes) && j.runes[n] == '}'
			doubled := i > 0 && j.runes[i-1] == '{' || closed && n+1 < len(j.runes) && j.runes[n+1] == '}'
			name := string(j.runes[i+1 : n])
			if !closed || doubled || !j.known(name) {
				if closed {
					n++
				}
				j.addPlace(UnknownVariable, i, n)
				i = n - 1
				continue
			}
			if from < i {
				out = append(out, piece{text: string(j.runes[from:i]), at: from, to: i})
			}
			out = append(out, piece{text: name, is: true, at: i, to: n + 1})
			from, i = n+1, n
		case '}':
			j.addPlace(UnknownVariable, i, i+1)
		}
	}
	if from < len(j.runes) {
		out = append(out, piece{text: string(j.runes[from:]), at: from, to: len(j.runes)})
	}
	return out
}

// known tells whether a name is a variable's, or a consequence of the lender.
func (r Request) known(name string) bool {
	if id, is := strings.CutPrefix(name, consequencePrefix); is {
		return r.consequence(id) != nil
	}
	return slices.Contains(Variables(), name)
}

func (r Request) consequence(id string) *Consequence {
	i := slices.IndexFunc(r.Consequences, func(c Consequence) bool { return c.ID == id })
	if i < 0 || id == "" {
		return nil
	}
	return &r.Consequences[i]
}

// required tells which variables the step needs and the text lacks.
func (j *judged) required() {
	for _, name := range Needed(j.Step, j.verified()) {
		if slices.ContainsFunc(j.pieces, func(p piece) bool {
			return p.is && (p.text == name || name == consequencePrefix && strings.HasPrefix(p.text, name))
		}) {
			continue
		}
		switch name {
		case "sender_name":
			j.add(MissingSender, "text", name)
		case "opt_out":
			j.add(MissingOptOut, "text", name)
		default:
			j.add(MissingVariable, "text", strings.TrimSuffix(name, "."))
		}
	}
	if j.Step != stopConfirm {
		return
	}
	for _, p := range j.pieces {
		if p.is && (slices.Contains(asking, p.text) || strings.HasPrefix(p.text, consequencePrefix)) {
			j.addPlace(AsksAfterStop, p.at, p.to)
		}
	}
}

// consequences tells of those that have no source, or are not true in the country.
func (j *judged) consequences() {
	for _, p := range j.pieces {
		id, is := strings.CutPrefix(p.text, consequencePrefix)
		if !p.is || !is {
			continue
		}
		if c := j.consequence(id); strings.TrimSpace(c.Source) == "" || !c.Holds(j.Country) {
			j.addPlace(FalseConsequence, p.at, p.to)
		}
	}
}

// Render puts values into a text: those of Vars, and the consequences in the language of the request, or in the same
// language without its region. missing lists the variables that have no value and stay as they are.
func Render(q Request) (text string, missing []string) {
	j := judged{Request: q, runes: []rune(q.Text)}
	var b strings.Builder
	for _, p := range j.variables() {
		switch v, ok := q.value(p.text); {
		case !p.is:
			b.WriteString(p.text)
		case ok:
			b.WriteString(v)
		default:
			b.WriteString("{" + p.text + "}")
			missing = append(missing, p.text)
		}
	}
	return b.String(), missing
}

func (r Request) value(name string) (string, bool) {
	if v, ok := r.Vars[name]; ok {
		return v, true
	}
	id, is := strings.CutPrefix(name, consequencePrefix)
	if !is || r.consequence(id) == nil {
		return "", false
	}
	c := r.consequence(id)
	if v, ok := c.Text[r.Language]; ok {
		return v, true
	}
	for _, tag := range slices.Sorted(keysOf(c.Text)) {
		if primary(tag) == primary(r.Language) {
			return c.Text[tag], true
		}
	}
	return "", false
}
