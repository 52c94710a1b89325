package record

import (
	"maps"
	"slices"
)

// codes are the closed lists, by the name that is tags and GET /v1/codes use. To
// add a code is one line here. Overdue reasons are those of ANSI X12 data element
// 641 where it has one, else words of our own.
var codes = map[string][]string{
	"address_verifications": {"confirmed_by_debtor", "confirmed_by_document", "confirmed_on_site", "moved", "not_found",
		"refused_to_confirm", "unverified", "wrong_address"},
	"affordability_methods": {"SFS", "other"},
	"agent_roles":           {"lead", "second"},
	"agent_statuses":        {"accepted", "en_route", "at_door", "visited", "declined"},
	"attachment_kinds":      {KindDocument, KindPhoto, KindRecording, KindSignature},
	"closing_reasons":       {"deceased", "error", "paid", "recalled", "settled", "written_off"},
	"complaint_channels":    {"call", "email", "im", "in_person", "letter", "sms", "visit", "web"},
	"complaint_outcomes":    {"partly_upheld", "rejected", "upheld", "withdrawn"},
	"complaint_subjects": {"agent_conduct", "amount", "contact_times", "disclosure", "not_the_debtor", "other", "privacy",
		"threat", "too_many_contacts"},
	"concession_types": {"interest", "fees", "principal", "time"},
	"consent_methods":  {"verbal_recorded", "on_screen_signature", "sms_reply", "paper_scan", "otp", "web"},
	"consent_scopes": {"contact_time", "visit_time", "place_workplace", "place_hospital", "home_entry", "recording_audio",
		"recording_video", "photo_document", "electronic_contact", "call_frequency", "contact_frequency", "more_visits",
		"third_party_contact", "data_share_agency", "location_of_debtor", "plan_terms", "credit_bureau_notice"},
	"consent_statuses": {"requested", "given", "refused", "withdrawn", "expired", "superseded"},
	"datums":           {"wgs84", "gcj02"},
	"decisions":        {"allow", "deny"},
	"decline_reasons": {"unsafe", "conflict_of_interest", "no_access", "no_time", "too_far", "unwell", "vehicle",
		"weather", "wrong_address", "other"},
	"evidence_states": {EvidencePending, EvidenceStored},
	"fact_kinds": {"complaint_frivolous", "debtor_unreachable", "employer_prohibits", "home_unavailable",
		"missed_two_designated_meetings", "other_contact_failed", "party_asked_for_more", "plan_offered",
		"refused_attorney", "refused_contact_person", "refused_employer", "refused_executor", "refused_family",
		"refused_guarantor", "refused_guardian", "refused_neighbour", "refused_spouse", "specialist_assigned"},
	"confirm_methods":   {"call", "sms_code", "letter", "document", "other"},
	"contact_outcomes":  {ContactConfirmed, ContactWrong, ContactNoAnswer, ContactRefused},
	"erase_reasons":     {"court_order", "debt_sold", "error", "request", "retention"},
	"erase_withdrawals": {"debtor_withdrew", "duty_to_keep", "error", "wrong_debtor"},
	"erasure_states":    {ErasureAsked, ErasureConfirmed, ErasureErased, ErasureWithdrawn},
	"identity_checks":   {"none", "verbal_two_facts", "document", "otp", "known_to_agent"},
	"ladder_states":     {LadderActive, LadderPaused, LadderStopped, LadderCompleted},
	"letter_kinds": {"agency_notice", "collection_notice", "complaint_answer", "other", "plan_copy", "plan_offer",
		"reminder", "visit_notice"},
	"message_kinds": {"overdue_reminder", "second_reminder", "plan_offer", "collection_notice", "visit_notice",
		"plan_reminder", "thank_you", "stop_confirm", "page_code"},
	"message_states": {MessageQueued, MessageRefused, MessageSending, MessageSent, MessageDelivered, MessageFailed,
		MessageUnknown, MessageCancelled},
	"move_reasons": {"address_changed", "areas_changed", "branch_closed", "error", "workload"},
	"note_kinds":   {"general", "safety", "address", "hardship"},
	"overdue_reasons": {"001", "002", "003", "004", "005", "006", "007", "014", "016", "017", "018", "019", "026", "027",
		"030", "031", "forgot", "salary_delayed", "disaster", "technical_payment_failure", "scam_victim",
		"unwilling", "other"},
	"payment_methods":     {"cash", "transfer", "card", "cheque", "direct_debit", "mobile_money", "online", "other"},
	"photo_kinds":         {"letter_left", "door_number", "document_shown"},
	"plan_advice":         {"above_surplus"},
	"plan_cancel_reasons": {"broken", "circumstances_changed", "debtor_asked", "error", "lender_asked", "other"},
	"plan_frequencies":    {"weekly", "fortnightly", "every_4_weeks", "monthly"},
	"plan_holiday_rules":  {"none", "next_working_day"},
	"plan_limits":         {"above_surplus", "concession", "days", "future_interest", "instalments", "term", "total"},
	"plan_month_ends":     {"clamp", "last"},
	"plan_sides":          {SideAgent, SideDebtor},
	"plan_kinds": {"ptp_single", "instalments", "reduced_payment", "interest_freeze", "extension", "settlement",
		"token_payment", "payment_holiday"},
	"recorded_media": {"audio", "video"},
	"reply_intents": {IntentStop, IntentWrongNumber, IntentComplaint, IntentDispute, IntentPaid, IntentPlan, IntentCall,
		IntentAbusive, IntentOther},
	"return_reasons": {"deceased", "moved", "other", "refused", "unclaimed", "unknown_address"},
	"review_states":  {"accepted", "questioned", "invalid"},
	// The lines of the Standard Financial Statement, in its order: income; then fixed costs, flexible costs, and savings.
	"sfs_income": {"salary", "partner_salary", "pension", "benefits", "child_maintenance", "lodgers", "other_income"},
	"sfs_outgoings": {"rent_or_mortgage", "other_home", "council_tax", "gas", "electricity", "water", "tv_licence",
		"home_contents_insurance", "other_utilities", "care_and_health", "transport_and_travel", "school_costs",
		"pensions_and_insurance", "professional_costs", "other_essential", "debt_priority", "communications_and_leisure",
		"food_and_housekeeping", "personal_costs", "savings"},
	"signed_types":   {"visits", "plans", "consents"},
	"undo_reasons":   {"bad_data", "lender_asked", "other", "sent_twice", "test_data", "wrong_branch", "wrong_file"},
	"visit_places":   {"home", "workplace", "agreed_place", "office", "hospital", "school", "public"},
	"visit_purposes": {"verify_address", "remind", "negotiate", "sign_plan", "serve_process", "collect_document"},
	"vulnerabilities": {"illness", "disability", "mental_health", "bereavement", "age", "language", "low_literacy",
		"domestic_violence", "financial_shock", "addiction", "new_parent"},
	"vulnerability_sources": {"said", "document", "observed", "lender"},
}

// CodesOf is the closed list of a name, in the order it is shown; nil when there is
// none. The caller must not change it.
func CodesOf(name string) []string {
	switch name {
	case "outcomes":
		return outcomeCodes
	case "relationships":
		return relationshipCodes
	case "signer_roles":
		return signerRoles
	case "hold_kinds":
		return holdKindNames
	}
	return codes[name]
}

// CodeLists names all closed lists, sorted.
func CodeLists() []string {
	names := slices.Collect(maps.Keys(codes))
	names = append(names, "outcomes", "relationships", "signer_roles", "hold_kinds")
	slices.Sort(names)
	return names
}

var (
	outcomeCodes      = slices.Sorted(maps.Keys(outcomes))
	relationshipCodes = slices.Sorted(maps.Keys(relationships))
	signerRoles       = append([]string{"agent"}, relationshipCodes...)
	holdKindNames     = namesOf(holdKinds[:])
)

func namesOf(kinds []HoldKind) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	return names
}
