package conduct

import (
	"slices"
	"strings"

	"doorstep/auth/refusal"
)

// The closed lists, the most frequent words first. In compiled rules a word's
// code is its index in its list.
var (
	channels = [...]string{"call", "sms", "visit", "im", "email", "letter_delivery"}
	places   = [...]string{"home", "workplace", "agreed_place", "office", "hospital", "school", "public"}
	parties  = [...]string{"debtor", "guarantor", "spouse", "guardian", "executor", "attorney", "debt_adviser",
		"contact_person", "family", "employer", "neighbour"}
	purposes = [...]string{"collect", "locate", "relay", "confirm_cease", "notify_remedy", "send_verification",
		"serve_process"}
	events  = [...]string{"enter_home", "remain", "disclose_debt", "take_cash"}
	results = [...]string{"no_answer", "answered", "delivered", "sent", "contact", "no_contact", "failed"}
	// scopes are known without any pack; packs add their own.
	scopes = [...]string{"call_frequency", "contact_frequency", "contact_time", "credit_bureau_notice",
		"data_share_agency",
		"electronic_contact", "home_entry", "location_of_debtor", "more_visits", "photo_document", "place_agreed_place",
		"place_home", "place_hospital", "place_office", "place_public", "place_school", "place_workplace", "plan_terms",
		"recording_audio", "recording_video", "third_party_contact", "visit_time"}
	weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	papers   = [...]string{"badge", "authorisation_letter", "iibf_certificate"}
	onsites  = [...]string{"asked_to_leave", "distressed", "identity_verified"}
	bys      = [...]string{"agency", "lender"}
	forms    = [...]string{"letter", "sms", "email"}
	// knownFlags are facts that a case may have whether or not the policy in force asks for them: what imports and
	// holds set. A policy adds those its rules name.
	knownFlags = [...]string{"bankrupt", "breathing_space", "cease_visit", "cease_written", "complaint_open",
		"complaint_open_visit", "deceased", "disputed", "disputed_unverified", "employer_prohibits", "home_unavailable",
		"lacks_capacity", "mental_health_crisis_moratorium", "party_asked_for_more", "plan_offered", "plan_performing",
		"represented", "sensitive_occasion", "vulnerable", "wants_lender_direct"}
)

// Channels lists the ways to reach a person.
func Channels() []string { return slices.Clone(channels[:]) }

// Places lists where a person may be met.
func Places() []string { return slices.Clone(places[:]) }

// Parties lists who may be reached.
func Parties() []string { return slices.Clone(parties[:]) }

// Purposes lists what a contact may be for.
func Purposes() []string { return slices.Clone(purposes[:]) }

// Events lists the acts during a visit that are judged separately.
func Events() []string { return slices.Clone(events[:]) }

// Bys lists who may act: the agency, or the lender itself.
func Bys() []string { return slices.Clone(bys[:]) }

// Papers lists the papers that a rule may ask a team for.
func Papers() []string { return slices.Clone(papers[:]) }

// NoticeForms lists how a notice may be sent.
func NoticeForms() []string { return slices.Clone(forms[:]) }

// Results lists how a contact may have ended.
func Results() []string { return slices.Clone(results[:]) }

const (
	chVisit  = 2
	chCall   = 0
	chLetter = 5

	partyDebtor = 0

	byLender = 1

	eventDisclose = 2

	resultNoAnswer  = 0
	resultAnswered  = 1
	resultDelivered = 2
	resultSent      = 3
	resultContact   = 4
	resultFailed    = 6

	none = -1
)

// indexOf returns a word's code, or none.
func indexOf(list []string, word string) int {
	for i, w := range list {
		if w == word {
			return i
		}
	}
	return none
}

// listed returns a word's code, and def for "". A word outside the list is an error that names the list.
func listed(field string, list []string, word string, def int) (int, *refusal.Error) {
	if word == "" {
		return def, nil
	}
	if i := indexOf(list, word); i != none {
		return i, nil
	}
	return none, notListed(field, list)
}

func notListed(field string, list []string) *refusal.Error {
	return invalid(field, "this is not one of %s", strings.Join(list, ", "))
}
