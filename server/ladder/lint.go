package ladder

import "doorstep/server/conduct/words"

// Judge judges a text by its words and variables, in the country and the language it is for.
func Judge(t Text) []Fault {
	var out []Fault
	for _, r := range words.Lint(words.Request{Language: t.Language, Country: t.Country, Step: t.Step,
		Recipient: t.Recipient, VerifiedDays: t.VerifiedDays, Text: t.Text, Vars: t.Vars, Products: t.Products,
		Consequences: t.Consequences}).Reasons {
		out = append(out, Fault(r))
	}
	return out
}
