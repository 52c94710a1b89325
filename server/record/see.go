package record

import (
	"strings"

	"doorstep/auth"
)

// Audience is a set of roles that may see a member.
type Audience uint8

// The audiences of the see tag; none is a member that the server keeps for itself.
const (
	Office  Audience = 1 << iota // administrators and supervisors
	Agent                        // agents, on their phones, while they hold the case
	Lender                       // lenders, of their own cases
	Auditor                      // auditors, beside what exports show
	All     = Office | Agent | Lender | Auditor
)

// audiences are the words of the see tag.
var audiences = map[string]Audience{"office": Office, "agent": Agent, "lender": Lender, "auditor": Auditor, "all": All,
	"none": 0}

// AudienceOf is the audience a role belongs to: none for a role that is not known, so that it sees nothing.
func AudienceOf(r auth.Role) Audience { return audiences[r.Rule().Reads] }

// readSee reads a see tag: words with commas between.
func readSee(tag string) (a Audience) {
	if tag == "" {
		return 0
	}
	for word := range strings.SplitSeq(tag, ",") {
		group, ok := audiences[word]
		if !ok {
			panic("record: the see tag names " + word + ", which is not an audience")
		}
		a |= group
	}
	return a
}
