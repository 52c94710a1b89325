// The closed lists that the rules' words come from. server/conduct/lists.go is their home; a test there fails when the
// two differ.

export const channels = ["call", "sms", "visit", "im", "email", "letter_delivery"] as const;
export const places = ["home", "workplace", "agreed_place", "office", "hospital", "school", "public"] as const;
export const parties = ["debtor", "guarantor", "spouse", "guardian", "executor", "attorney", "debt_adviser",
  "contact_person", "family", "employer", "neighbour"] as const;
export const purposes = ["collect", "locate", "relay", "confirm_cease", "notify_remedy", "send_verification",
  "serve_process"] as const;
export const events = ["enter_home", "remain", "disclose_debt", "take_cash"] as const;
export const results = ["no_answer", "answered", "delivered", "sent", "contact", "no_contact", "failed"] as const;
export const scopes = ["call_frequency", "contact_frequency", "contact_time", "credit_bureau_notice",
  "data_share_agency", "electronic_contact", "home_entry", "location_of_debtor", "more_visits", "photo_document",
  "place_agreed_place", "place_home", "place_hospital", "place_office", "place_public", "place_school",
  "place_workplace", "plan_terms", "recording_audio", "recording_video", "third_party_contact", "visit_time"] as const;
export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export const papers = ["badge", "authorisation_letter", "iibf_certificate"] as const;
export const onsites = ["asked_to_leave", "distressed", "identity_verified"] as const;
export const bys = ["agency", "lender"] as const;
export const forms = ["letter", "sms", "email"] as const;
export const knownFlags = ["bankrupt", "breathing_space", "cease_visit", "cease_written", "complaint_open",
  "complaint_open_visit", "deceased", "disputed", "disputed_unverified", "employer_prohibits", "home_unavailable",
  "lacks_capacity", "mental_health_crisis_moratorium", "party_asked_for_more", "plan_offered", "plan_performing",
  "represented", "sensitive_occasion", "vulnerable", "wants_lender_direct"] as const;

/** counted says which results a cap counts; undefined is all, an entry without a result included. */
export const counted: Readonly<Record<string, ReadonlySet<string> | undefined>> = {
  attempts: undefined,
  conversations: new Set(["answered"]),
  unanswered_attempts: new Set(["no_answer"]),
  contacts: new Set(["contact", "answered", "delivered", "sent"]),
};
