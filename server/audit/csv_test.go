package audit

import (
	"strings"
	"testing"

	"doorstep/server/record"
)

// notInCSV are the members of a visit without a column, and why.
var notInCSV = map[string]string{
	"announced_at": "announced_identity says that it was done", "announced_identity": "told by the record in NDJSON",
	"appointment": "an intention, not what happened", "attachments": "bytes are not in a table; NDJSON names their hashes",
	"branch":        "one export is of one branch",
	"debt_ids":      "a list that lenders read from NDJSON",
	"door_decision": "part of decisions",
	"left_at":       "left_when_asked says whether it was done", "mono_ms": "of the phone's clock; for diagnosis",
	"more":       "of newer apps: no column is known",
	"moved_in":   "a visit is exported by the branch it was made in, where it has none",
	"notice_ref": "the notice is a record of its own", "payment_ref": "payments are records of their own",
	"photos": "bytes are not in a table; NDJSON names their hashes", "said": "the server keeps it for itself",
	"recorded_at": "received_at says when it came at the latest",
	"source":      "a correction by the office has the flag corrected_by_office",
	"skew_s":      "flags say that a clock was wrong",
}

// otherKinds are the kinds that an export of visits does not hold, and why.
var otherKinds = map[string]string{
	"cases":    "lenders read them by the API",
	"contacts": "lenders read them by the API", "complaints": "personal; read in the case file",
	"messages": "contacts say when texts were sent; read in the case file", "ladders": "how far a case's texts have come",
	"replies": "personal; read in the case file",
	"letters": "contacts say when they were sent; read in the case file", "visit_reviews": "columns of csvAbout",
	"correction_reviews": "lines of their own in NDJSON; the manifest of a table counts them",
	"visit_notes":        "personal; read in the case file",
	"consents":           "read in the case file", "plans": "lenders read them by the API",
	"assignments":         "what was planned; the visit holds its window and decisions",
	"visit_confirmations": "columns of csvAbout",
	"attachments":         "bytes, named by their hashes in the case file",
	"signatures":          "bytes, named by their hashes in the case file",
	"payments_reported":   "what a debtor says; payments are the lender's",
	"payments":            "the lender's own", "alerts": "of phones, not of visits",
	"imports":          "who imported what; read by the API",
	"links":            "who was found to be one person; read in the case file",
	"moves":            "where a debtor is now; the visit stays where it was made",
	"erasures":         "the erasure list keeps them",
	"quarantine":       "lines of their own in NDJSON; the manifest of a table counts them",
	"quarantine_parts": "as quarantine",
	"drafts":           "private: what an agent has not said yet is the agent's alone", "policy": "published in the open",
}

// Every member of a visit has a column or a reason why not, and every other kind a reason.
func TestEveryMemberHasAColumnOrAReason(t *testing.T) {
	column := map[string]bool{}
	for _, c := range csvColumns {
		name, _, _ := strings.Cut(c.path, ".")
		column[name] = true
	}
	for _, k := range record.Kinds() {
		if k.Name != "visits" {
			if otherKinds[k.Name] == "" {
				t.Errorf("say why an export does not hold %s", k.Name)
			}
			continue
		}
		for _, m := range k.Members() {
			if column[m.Name] == (notInCSV[m.Name] != "") {
				t.Errorf("visits.%s has a column: %t, and a reason why not: %q", m.Name, column[m.Name], notInCSV[m.Name])
			}
			delete(column, m.Name)
		}
	}
	for name := range column {
		t.Errorf("the column %s is of no member", name)
	}
}
