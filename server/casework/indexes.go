package casework

import (
	"slices"

	"doorstep/server/record"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// The declared indexes: every list and every load of this room is one of them.
var (
	CasesByTerritory = journal.Index{Type: "cases", Name: "territory", Fields: []string{"territory", "id"}}
	CasesByLender    = journal.Index{Type: "cases", Name: "lender", Fields: []string{"lender", "id"}}
	CasesByDebtor    = journal.Index{Type: "cases", Name: "debtor", Fields: []string{"debtor", "id"}}
	CasesByStatus    = journal.Index{Type: "cases", Name: "status", Fields: []string{"status", "id"}}

	// CasesDeclined has those that an agent declined to visit, while that stands.
	CasesDeclined = journal.Index{Type: "cases", Name: "declined_now", Fields: []string{"declined_now", "id"}}

	// CasesByRef finds the cases of all lenders that call a case so.
	CasesByRef = journal.Index{Type: "cases", Name: "ref", Fields: []string{"case_ref", "id"}}

	ContactsByCase   = byCase("contacts")
	ContactsByDebtor = journal.Index{Type: "contacts", Name: "debtor", Fields: []string{"debtor", "at"}}
	// Those that rules count for ever.
	contactsTried   = journal.Index{Type: "contacts", Name: "tried", Fields: []string{"case", "tried", "at"}}
	contactsReached = journal.Index{Type: "contacts", Name: "reached", Fields: []string{"debtor", "reached", "at"}}

	VisitsByCase = byCase("visits")
	VisitsByDate = journal.Index{Type: "visits", Name: "on", Fields: []string{"on"}}
	// VisitsByReceipt finds what phones brought on a date, whenever they say it happened.
	VisitsByReceipt = journal.Index{Type: "visits", Name: "received_on", Fields: []string{"received_on"}}

	ReviewsByCase          = byCase("visit_reviews")
	correctionReviews      = byCase("correction_reviews")
	NotesByCase            = byCase("visit_notes")
	ConsentsByCase         = byCase("consents")
	SignaturesByCase       = byCase("signatures")
	PlansByCase            = byCase("plans")
	PlansByApproval        = journal.Index{Type: "plans", Name: "approval", Fields: []string{"approval_state", "at"}}
	PaymentsReportedByCase = byCase("payments_reported")
	ConfirmationsByCase    = byCase("visit_confirmations")
	PaymentsByCase         = byCase("payments")
	AttachmentsByCase      = byCase("attachments")
	ComplaintsByCase       = byCase("complaints")
	LettersByCase          = byCase("letters")
	// ComplaintsByState has those that wait for an answer, by the date on which it is due.
	ComplaintsByState = journal.Index{Type: "complaints", Name: "state", Fields: []string{"state", "answer_due"}}

	AssignmentsByCase  = byCase("assignments")
	AssignmentsByRound = journal.Index{Type: "assignments", Name: "round", Fields: []string{"round", "case"}}
	// AssignmentsOnPhones has those that phones show, by date.
	AssignmentsOnPhones = journal.Index{Type: "assignments", Name: "on_phones", Fields: []string{"on_phones", "date"}}

	AlertsByStatus = journal.Index{Type: "alerts", Name: "status", Fields: []string{"status", "at"}}
	AlertsByTime   = journal.Index{Type: "alerts", Name: "at", Fields: []string{"at"}}
	// AlertsByDevice has the alerts of each device.
	AlertsByDevice    = journal.Index{Type: "alerts", Name: "device", Fields: []string{"device", "status", "at"}}
	QuarantineByState = journal.Index{Type: "quarantine", Name: "state", Fields: []string{"state", "at"}}
	quarantineOfAgent = journal.Index{Type: "quarantine", Name: "agent", Fields: []string{"agent", "state", "at"}}
	// quarantineByRecord has what phones sent of a record.
	quarantineByRecord = journal.Index{Type: "quarantine", Name: "record", Fields: []string{"record", "at"}}
)

// byCase is the index that finds the records of a kind below a case.
func byCase(kind string) journal.Index {
	k, _ := record.KindOf(kind)
	return k.ByCase
}

// Indexes lists them for the store that is opened.
func Indexes() []journal.Index {
	return slices.Concat(deskIndexes(), blindIndexes(), textIndexes(), []journal.Index{
		CasesByTerritory, CasesByLender, CasesByDebtor, CasesByStatus, CasesDeclined, CasesByRef, LinksByPerson,
		ContactsByCase, ContactsByDebtor, contactsTried, contactsReached,
		VisitsByCase, VisitsByDate, VisitsByReceipt,
		ReviewsByCase, correctionReviews,
		NotesByCase, ConsentsByCase, SignaturesByCase, PlansByCase, PlansByApproval, PaymentsReportedByCase,
		PaymentsByCase, ConfirmationsByCase, ComplaintsByCase, ComplaintsByState, LettersByCase,
		AssignmentsByCase, AssignmentsByRound, AssignmentsOnPhones,
		AlertsByStatus, AlertsByTime, AlertsByDevice, draftsByAgent, draftsTouched, byCase("drafts"),
		QuarantineByState, quarantineOfAgent, quarantineByRecord, AttachmentsByCase, erasuresByDebtor, erasuresByTime,
		erasuresByState, erasuresByEnd, movesByState, importsByTime, importsByLender, importsByState,
		PromisesByDue,
	})
}

// Views lists the views of this room. Without a vault the list lacks Blind, which cannot be made then.
func Views(vault *seal.Vault) []journal.View {
	all := []journal.View{Promises(), Desk()}
	if vault != nil {
		all = append(all, Blind(vault))
	}
	return all
}
