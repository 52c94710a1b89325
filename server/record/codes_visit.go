package record

import (
	"doorstep/auth/refusal"
	"maps"
	"slices"
	"strings"
)

// Outcome is one way a visit can end. One list for agents, lenders and exports.
type Outcome struct {
	Code string
	// Met says that the debtor was spoken with: this decides the caps on visits.
	Met bool
	// Door says that somebody went to the door: only then the visit is an attempt
	// to reach the debtor and counts as a contact.
	Door bool
	// Hold is the kind of hold it opens; "" for none.
	Hold string
	// Address is what it establishes about the address (AddressVerifications); "" for nothing.
	Address string
}

// outcomes is the closed list of outcome codes.
var outcomes = map[string]Outcome{
	"MET_PAID":               {Met: true, Door: true},
	"MET_PTP":                {Met: true, Door: true},
	"MET_PLAN_SIGNED":        {Met: true, Door: true},
	"MET_HARDSHIP":           {Met: true, Door: true},
	"MET_DISPUTE":            {Met: true, Door: true, Hold: "dispute"},
	"MET_COMPLAINT":          {Met: true, Door: true, Hold: "complaint"},
	"MET_REFUSED_TALK":       {Met: true, Door: true},
	"MET_ASKED_TO_LEAVE":     {Met: true, Door: true},
	"MET_ASKED_NO_VISITS":    {Met: true, Door: true, Hold: "cease_visit"},
	"MET_RESCHEDULE":         {Met: true, Door: true},
	"MET_REPRESENTED":        {Met: true, Door: true, Hold: "represented"},
	"MET_VULNERABLE_STOP":    {Met: true, Door: true, Hold: "vulnerable"},
	"NOT_MET_NOBODY":         {Door: true},
	"NOT_MET_THIRD_PARTY":    {Door: true},
	"ADDR_WRONG":             {Door: true, Address: "wrong_address"},
	"ADDR_MOVED":             {Door: true, Address: "moved"},
	"ADDR_NOT_FOUND":         {Address: "not_found"},
	"DECEASED_REPORTED":      {Door: true, Hold: "deceased"},
	"UNSAFE_ABORT":           {},
	"WEATHER_ABORT":          {},
	"BLOCKED_BY_POLICY":      {},
	"CANCELLED_PAID":         {},
	"CANCELLED_STOP":         {},
	"RECORDING_FAILED_ABORT": {Door: true},
}

// Outcomes lists the outcomes of a visit, sorted by code.
func Outcomes() []Outcome {
	out := make([]Outcome, 0, len(outcomes))
	for _, code := range slices.Sorted(maps.Keys(outcomes)) {
		out = append(out, OutcomeOf(code))
	}
	return out
}

// outcomeOf finds an outcome; its Code is "" when there is none of that name.
func OutcomeOf(code string) Outcome {
	o, ok := outcomes[code]
	if ok {
		o.Code = code
	}
	return o
}

// The closed lists of field records. Overdue reasons are those of ANSI X12 data
// element 641 where it has one, else words of our own.
var (
	OverdueReasons = [...]string{"001", "002", "003", "004", "005", "006", "007", "014", "016", "017", "018", "019", "026", "027", "030", "031",
		"forgot", "salary_delayed", "disaster", "technical_payment_failure", "scam_victim", "unwilling", "other"}
	visitPurposes  = [...]string{"verify_address", "remind", "negotiate", "sign_plan", "serve_process", "collect_document"}
	visitPlaces    = [...]string{"home", "workplace", "agreed_place", "office", "hospital", "school", "public"}
	AgentRoles     = [...]string{"lead", "second"}
	identityChecks = [...]string{"none", "verbal_two_facts", "document", "otp", "known_to_agent"}
	vulnerability  = [...]string{"illness", "disability", "mental_health", "bereavement", "age", "language", "low_literacy", "domestic_violence", "financial_shock", "addiction", "new_parent"}
	// vulnerabilitySources is how a vulnerability is known.
	vulnerabilitySources = [...]string{"said", "document", "observed", "lender"}
	photoKinds           = [...]string{"letter_left", "door_number", "document_shown"}
	recordedMedia        = [...]string{"audio", "video"}
	noteKinds            = [...]string{"general", "safety", "address", "hardship"}
	consentScopes        = [...]string{"contact_time", "visit_time", "place_workplace", "place_hospital", "home_entry", "recording_audio", "recording_video",
		"photo_document", "electronic_contact", "call_frequency", "contact_frequency", "more_visits", "third_party_contact", "data_share_agency",
		"location_of_debtor", "plan_terms", "credit_bureau_notice"}
	consentStatuses = [...]string{"requested", "given", "refused", "withdrawn", "expired", "superseded"}
	consentMethods  = [...]string{"verbal_recorded", "on_screen_signature", "sms_reply", "paper_scan", "otp", "web"}
	planKinds       = [...]string{"ptp_single", "instalments", "reduced_payment", "interest_freeze", "extension", "settlement", "token_payment", "payment_holiday"}
	concessionTypes = [...]string{"interest", "fees", "principal", "time"}
	paymentMethods  = [...]string{"cash", "transfer", "card", "cheque", "direct_debit", "mobile_money", "online", "other"}
	AgentStatuses   = [...]string{"accepted", "en_route", "at_door", "visited", "declined"}
)

// relationships maps who was met to the party that conduct rules speak of;
// "" is nobody to whom a rule could apply.
var Relationships = map[string]string{
	"debtor": "debtor", "spouse": "spouse", "co_borrower": "guarantor", "guarantor": "guarantor",
	"parent": "family", "child": "family", "sibling": "family", "other_family": "family", "house_mate": "contact_person",
	"employer": "employer", "colleague": "employer", "neighbour": "neighbour", "security_guard": "neighbour",
	"attorney": "attorney", "debt_adviser": "debt_adviser", "guardian": "guardian", "executor": "executor",
	"unknown": "contact_person", "nobody": "",
}

// conductPurpose maps what a visit was for to the purpose that conduct rules speak of.
func ConductPurpose(purpose string) string {
	switch purpose {
	case "verify_address":
		return "locate"
	case "serve_process":
		return "serve_process"
	}
	return "collect"
}

// listed refuses a value outside a closed list and names the list; "" is no value. What was sent is not repeated.
func Listed(field, value string, list []string) *refusal.Error {
	if value == "" {
		return nil
	}
	return OneOf("validation."+lastName(field), field, value, list)
}

// lastName is the last part of a field's path, without indexes.
func lastName(field string) string {
	field = field[strings.LastIndexByte(field, '.')+1:]
	if i := strings.IndexByte(field, '['); i >= 0 {
		field = field[:i]
	}
	return field
}
