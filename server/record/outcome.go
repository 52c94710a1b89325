package record

import (
	"maps"
	"slices"
)

// Outcome is one way a visit can end. One list for agents, lenders and exports.
type Outcome struct {
	Code string
	// Met says that the debtor was spoken with: this decides the caps on visits.
	Met bool
	// Door says that an agent went to the door: only then the visit is an attempt
	// to reach the debtor and counts as a contact.
	Door bool
	// Hold is the kind of hold it opens; "" for none.
	Hold string
	// Address is what it establishes about the address (address_verifications); "" for nothing.
	Address string
	// Private says that it tells of a person who was vulnerable or felt unsafe: see OutcomeFor.
	Private bool
}

// EndedEarly is what stands in the place of a private outcome.
const EndedEarly = "ENDED_EARLY"

// OutcomeFor is an outcome as an audience reads it in lists, files and cards: the office and auditors as it is, the
// others EndedEarly in the place of a private one. The record of a visit has it as it is on the phones that hold the
// case, which send back what they were shown.
func OutcomeFor(to Audience, code string) string {
	if OutcomeOf(code).Private && to&(Office|Auditor) == 0 {
		return EndedEarly
	}
	return code
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
	"MET_VULNERABLE_STOP":    {Met: true, Door: true, Hold: "vulnerable", Private: true},
	"NOT_MET_NOBODY":         {Door: true},
	"NOT_MET_THIRD_PARTY":    {Door: true},
	"ADDR_WRONG":             {Door: true, Address: "wrong_address"},
	"ADDR_MOVED":             {Door: true, Address: "moved"},
	"ADDR_NOT_FOUND":         {Address: "not_found"},
	"DECEASED_REPORTED":      {Door: true, Hold: "deceased"},
	"UNSAFE_ABORT":           {Private: true},
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

// OutcomeOf finds an outcome; its Code is "" when there is none of that name.
func OutcomeOf(code string) Outcome {
	o, ok := outcomes[code]
	if ok {
		o.Code = code
	}
	return o
}

// relationships maps who was met to the party that conduct rules speak of;
// "" is a person to whom no rule could apply.
var relationships = map[string]string{
	"debtor": "debtor", "spouse": "spouse", "co_borrower": "guarantor", "guarantor": "guarantor",
	"parent": "family", "child": "family", "sibling": "family", "other_family": "family", "house_mate": "contact_person",
	"employer": "employer", "colleague": "employer", "neighbour": "neighbour", "security_guard": "neighbour",
	"attorney": "attorney", "debt_adviser": "debt_adviser", "guardian": "guardian", "executor": "executor",
	"unknown": "contact_person", "nobody": "",
}

// PartyOf is the party of conduct rules that a relationship belongs to; "" for none.
func PartyOf(relationship string) string { return relationships[relationship] }

// ConductPurpose maps what a visit was for to the purpose that conduct rules speak of.
func ConductPurpose(purpose string) string {
	switch purpose {
	case "verify_address":
		return "locate"
	case "serve_process":
		return "serve_process"
	}
	return "collect"
}
