package casework

import "doorstep/sync/journal"

// The declared indexes: every list and every load of this room is one of them.
var (
	CasesByTerritory = journal.Index{Type: "cases", Name: "territory", Fields: []string{"territory", "case_ref"}}
	CasesByLender    = journal.Index{Type: "cases", Name: "lender", Fields: []string{"lender", "case_ref"}}
	CasesByDebtor    = journal.Index{Type: "cases", Name: "debtor", Fields: []string{"debtor_ref", "case_ref"}}
	CasesByStatus    = journal.Index{Type: "cases", Name: "status", Fields: []string{"status", "case_ref"}}

	ContactsByCase   = journal.Index{Type: "contacts", Name: "case", Fields: []string{"case", "at"}}
	ContactsByDebtor = journal.Index{Type: "contacts", Name: "debtor", Fields: []string{"debtor", "at"}}

	VisitsByCase = journal.Index{Type: "visits", Name: "case", Fields: []string{"case", "at"}}
	VisitsByDate = journal.Index{Type: "visits", Name: "on", Fields: []string{"on"}}

	ReviewsByCase          = journal.Index{Type: "visit_reviews", Name: "case", Fields: []string{"case", "at"}}
	NotesByCase            = journal.Index{Type: "visit_notes", Name: "case", Fields: []string{"case", "at"}}
	ConsentsByCase         = journal.Index{Type: "consents", Name: "case", Fields: []string{"case", "at"}}
	SignaturesByCase       = journal.Index{Type: "signatures", Name: "case", Fields: []string{"case", "at"}}
	PlansByCase            = journal.Index{Type: "plans", Name: "case", Fields: []string{"case", "at"}}
	PlansByApproval        = journal.Index{Type: "plans", Name: "approval", Fields: []string{"approval_state", "at"}}
	PaymentsReportedByCase = journal.Index{Type: "payments_reported", Name: "case", Fields: []string{"case", "at"}}
	PaymentsByCase         = journal.Index{Type: "payments", Name: "case", Fields: []string{"case", "paid_at"}}

	AssignmentsByCase  = journal.Index{Type: "assignments", Name: "case", Fields: []string{"case", "date"}}
	AssignmentsByRound = journal.Index{Type: "assignments", Name: "round", Fields: []string{"round", "case"}}
	// AssignmentsOnPhones has those that phones show, by date.
	AssignmentsOnPhones = journal.Index{Type: "assignments", Name: "on_phones", Fields: []string{"on_phones", "date"}}

	NoticesByStatus   = journal.Index{Type: "notices", Name: "status", Fields: []string{"status", "at"}}
	NoticesByTime     = journal.Index{Type: "notices", Name: "at", Fields: []string{"at"}}
	QuarantineByState = journal.Index{Type: "quarantine", Name: "state", Fields: []string{"state", "at"}}
)

// Indexes lists them for the store that is opened.
func Indexes() []journal.Index {
	return []journal.Index{
		CasesByTerritory, CasesByLender, CasesByDebtor, CasesByStatus,
		ContactsByCase, ContactsByDebtor,
		VisitsByCase, VisitsByDate,
		ReviewsByCase, NotesByCase, ConsentsByCase, SignaturesByCase, PlansByCase, PlansByApproval, PaymentsReportedByCase, PaymentsByCase,
		AssignmentsByCase, AssignmentsByRound, AssignmentsOnPhones,
		NoticesByStatus, NoticesByTime, QuarantineByState,
		PromisesByDue,
	}
}
